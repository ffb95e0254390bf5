#include "tickets.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

bool ticket_keys_make(struct ticket_keys *keys)
{
	return RAND_priv_bytes(keys->bytes, sizeof(keys->bytes)) == 1;
}

void ticket_keys_wipe(struct ticket_keys *keys)
{
	OPENSSL_cleanse(keys, sizeof(*keys));
}

bool tickets_issue(SSL_CTX *tls, const struct ticket_keys *keys)
{
	struct ticket_keys copy = *keys; /* OpenSSL's macro wants it writable */
	bool taken;

	taken = SSL_CTX_set_tlsext_ticket_keys(tls, copy.bytes,
					       sizeof(copy.bytes)) == 1;
	ticket_keys_wipe(&copy);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(tls, TICKETS_S);
	SSL_CTX_set_max_early_data(tls, 0);
	return taken && SSL_CTX_set_num_tickets(tls, 1) == 1;
}

/* A context as long as OpenSSL allows; sessions of another are not resumed. */
bool tickets_bind(SSL *ssl, const struct domain *judged)
{
	uint8_t context[SSL_MAX_SID_CTX_LENGTH];
	unsigned len = 0;

	_Static_assert(sizeof(context) == 32, "that of SHA-256");
	return EVP_Digest(judged->name, judged->len, context, &len,
			  EVP_sha256(), NULL) &&
	       SSL_set_session_id_context(ssl, context, len);
}
