#include "authorities.h"

#include "client_cert.h"
#include "log.h"
#include "upstream.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

struct authorities {
	struct authority system;
	struct authority list[MEETINGS_MAX]; /* as in the policy */
	size_t n;
	uint64_t last_id;
};

/* Adds every certificate of @pem. False if one of them cannot be read. */
static bool add_certificates(X509_STORE *store, BIO *pem)
{
	unsigned long error;
	X509 *certificate;
	bool added = true;
	size_t n = 0;

	ERR_clear_error();
	while (added &&
	       (certificate = PEM_read_bio_X509(pem, NULL, NULL, NULL))) {
		added = X509_STORE_add_cert(store, certificate) == 1;
		X509_free(certificate);
		n++;
	}
	/* The end of the text is told as the lack of another beginning. */
	error = ERR_peek_last_error();
	ERR_clear_error();
	return added && n > 0 && ERR_GET_LIB(error) == ERR_LIB_PEM &&
	       ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/*
 * The certificates of @pem and no others; NULL if one cannot be read. Each is
 * where a chain may end, also one that is itself signed by another: who lists
 * the authority that signs for a registry need not have what is above it.
 */
static X509_STORE *store_of(const char *pem)
{
	X509_STORE *store = X509_STORE_new();
	BIO *bio = BIO_new_mem_buf(pem, -1);

	if (!store || !bio || !add_certificates(store, bio) ||
	    !X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN)) {
		X509_STORE_free(store);
		store = NULL;
	}
	BIO_free(bio);
	return store;
}

static void authority_done(struct authority *authority)
{
	sessions_free(authority->sessions);
	SSL_CTX_free(authority->tls);
	free(authority->pem);
	*authority = (struct authority){ 0 };
}

static bool authority_init(struct authority *authority, uint64_t id,
			   X509_STORE *store)
{
	*authority = (struct authority){ .id = id };
	authority->tls = upstream_tls_new(store);
	authority->sessions = sessions_new(authority->tls);
	return authority->sessions;
}

/* Shows what @meeting names. False if it names a secret that will not do. */
static bool authority_show(struct authority *authority,
			   const struct meeting *meeting,
			   const struct secrets *secrets)
{
	struct secret pem;

	if (!meeting->client_cert_ref[0])
		return true;
	return secrets_find(secrets, meeting->client_cert_ref, &pem) &&
	       !client_cert_use(authority->tls, pem) &&
	       EVP_Digest(pem.value, pem.len, authority->shown, NULL,
			  EVP_sha256(), NULL) == 1;
}

/* The number comes later. */
static bool authority_read(struct authority *authority, X509_STORE *system,
			   const struct meeting *meeting,
			   const struct secrets *secrets)
{
	const char *pem = meeting->upstream_ca;
	X509_STORE *store = pem ? store_of(pem) : system;
	bool made = store && authority_init(authority, 0, store);

	if (pem)
		X509_STORE_free(store);
	if (!made)
		return false;
	if (pem)
		authority->pem = strdup(pem);
	if (!authority->pem == !pem &&
	    authority_show(authority, meeting, secrets))
		return true;
	authority_done(authority);
	return false;
}

struct authorities *authorities_new(X509_STORE *system)
{
	struct authorities *authorities = calloc(1, sizeof(*authorities));

	if (!authorities)
		return NULL;
	if (!authority_init(&authorities->system, AUTHORITY_OF_SYSTEM,
			    system)) {
		authorities_free(authorities);
		return NULL;
	}
	return authorities;
}

void authorities_free(struct authorities *authorities)
{
	if (!authorities)
		return;
	for (size_t i = 0; i < authorities->n; i++)
		authority_done(&authorities->list[i]);
	authority_done(&authorities->system);
	free(authorities);
}

static bool is_same(const struct authority *a, const struct authority *b)
{
	return memcmp(a->shown, b->shown, sizeof(a->shown)) == 0 &&
	       !a->pem == !b->pem && (!a->pem || strcmp(a->pem, b->pem) == 0);
}

/* The number that the same one had, or else a new one. */
static uint64_t id_of(struct authorities *authorities,
		      const struct authority *authority)
{
	for (size_t i = 0; i < authorities->n; i++)
		if (is_same(&authorities->list[i], authority))
			return authorities->list[i].id;
	return ++authorities->last_id;
}

bool authorities_use(struct authorities *authorities,
		     const struct policy *policy, const struct secrets *secrets)
{
	X509_STORE *system = SSL_CTX_get_cert_store(authorities->system.tls);
	struct authority list[MEETINGS_MAX];
	size_t n, made = 0;
	const struct meeting *meetings = policy_meetings(policy, &n);

	while (made < n &&
	       authority_read(&list[made], system, &meetings[made], secrets))
		made++;
	if (made < n) {
		while (made > 0)
			authority_done(&list[--made]);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		list[i].id = id_of(authorities, &list[i]);
	for (size_t i = 0; i < authorities->n; i++)
		authority_done(&authorities->list[i]);
	memcpy(authorities->list, list, n * sizeof(*list));
	authorities->n = n;
	sessions_clear(authorities->system.sessions);
	return true;
}

uint64_t authorities_id(const struct authorities *authorities,
			const struct route *route)
{
	return route->meeting == 0 ? AUTHORITY_OF_SYSTEM
				   : authorities->list[route->meeting - 1].id;
}

const struct authority *authorities_find(const struct authorities *authorities,
					 uint64_t id)
{
	if (id == AUTHORITY_OF_SYSTEM)
		return &authorities->system;
	for (size_t i = 0; i < authorities->n; i++)
		if (authorities->list[i].id == id)
			return &authorities->list[i];
	return NULL;
}

static const struct route *first_by(const struct policy *policy,
				    unsigned meeting)
{
	size_t n;
	const struct route *routes = policy_routes(policy, &n);

	for (size_t i = 0; i < n; i++)
		if (routes[i].meeting == meeting)
			return &routes[i];
	return NULL;
}

bool authorities_check(const struct policy *policy, const char *file)
{
	size_t n;
	const struct meeting *meetings = policy_meetings(policy, &n);
	bool sound = true;

	for (unsigned i = 0; i < n; i++) {
		const struct route *route = first_by(policy, i + 1);
		const char *pem = meetings[i].upstream_ca;
		X509_STORE *store = pem ? store_of(pem) : NULL;

		if (pem && !store) {
			log_err("%s:%u:%u: this route's \"upstream_ca\" holds what is no certificate",
				file, route->line, route->column);
			sound = false;
		}
		X509_STORE_free(store);
	}
	return sound;
}
