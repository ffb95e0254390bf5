#include "tls/sessions.h"

#include "tls/mint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define TURNS 20 /* more than a handshake and its tickets take */

struct rig {
	SSL_CTX *server, *client;
	struct sessions *sessions;
};

/* A server's certificate that @client trusts. */
static void certify(SSL_CTX *server, SSL_CTX *client)
{
	EVP_PKEY *key = mint_key();
	X509 *authority = key ? mint_authority(key, time(NULL)) : NULL;
	struct mint *mint = authority ? mint_new(authority, key) : NULL;
	uint8_t spki[MINT_SPKI_LEN], der[MINT_DER_MAX];
	struct domain name;
	size_t len;

	assert_non_null(mint);
	assert_true(mint_spki(spki, key));
	assert_true(domain_parse(&name, "origin.example", 14));
	len = mint_leaf(mint, &name, spki, time(NULL), der);
	assert_int_equal(SSL_CTX_use_certificate_ASN1(server, (int)len, der),
			 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(server, key), 1);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(client), authority);
	SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
	mint_free(mint);
	X509_free(authority);
	EVP_PKEY_free(key);
}

static int setup(void **state)
{
	static struct rig rig;

	rig.server = SSL_CTX_new(TLS_server_method());
	rig.client = SSL_CTX_new(TLS_client_method());
	assert_non_null(rig.server);
	assert_non_null(rig.client);
	certify(rig.server, rig.client);
	rig.sessions = sessions_new(rig.client);
	assert_non_null(rig.sessions);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	sessions_free(rig->sessions);
	SSL_CTX_free(rig->server);
	SSL_CTX_free(rig->client);
	return 0;
}

/* Whether a handshake for @text resumes an earlier one. */
static bool resumes(struct rig *rig, const char *text)
{
	SSL *client = SSL_new(rig->client), *server = SSL_new(rig->server);
	struct domain name;
	BIO *one, *other;
	bool resumed;
	char byte;

	assert_true(domain_parse(&name, text, strlen(text)));
	assert_int_equal(BIO_new_bio_pair(&one, 0, &other, 0), 1);
	SSL_set_bio(client, one, one);
	SSL_set_bio(server, other, other);
	SSL_set_tlsext_host_name(client, name.name);
	assert_true(sessions_offer(rig->sessions, client, &name));
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (int i = 0; i < TURNS; i++) {
		(void)SSL_do_handshake(client);
		(void)SSL_do_handshake(server);
	}
	assert_true(SSL_is_init_finished(client));
	/* The tickets of TLS 1.3 come as if they were data. */
	(void)SSL_read(client, &byte, 1);
	resumed = SSL_session_reused(client);
	/* As connections are dropped, too: without a word. */
	SSL_free(client);
	SSL_free(server);
	return resumed;
}

static void a_session_is_resumed(void **state)
{
	struct rig *rig = *state;

	assert_false(resumes(rig, "a.example"));
	for (int i = 0; i < 5; i++)
		assert_true(resumes(rig, "a.example"));
}

static void one_of_tls12_as_well(void **state)
{
	struct rig *rig = *state;

	SSL_CTX_set_max_proto_version(rig->server, TLS1_2_VERSION);
	assert_false(resumes(rig, "a.example"));
	assert_true(resumes(rig, "a.example"));
}

static void it_is_offered_to_its_name_alone(void **state)
{
	struct rig *rig = *state;

	assert_false(resumes(rig, "a.example"));
	assert_false(resumes(rig, "b.example"));
	assert_false(resumes(rig, "x.a.example"));
	assert_true(resumes(rig, "a.example"));
}

static void what_was_forgotten_is_not_offered(void **state)
{
	struct rig *rig = *state;

	assert_false(resumes(rig, "a.example"));
	sessions_clear(rig->sessions);
	assert_false(resumes(rig, "a.example"));
}

/* As OpenSSL has it when it has made a session with @text; no handshake. */
static void begins(struct rig *rig, SSL_SESSION *session, const char *text)
{
	SSL *client = SSL_new(rig->client);
	struct domain name; /* OpenSSL's macro wants it writable */

	assert_true(domain_parse(&name, text, strlen(text)));
	assert_int_equal(SSL_set_tlsext_host_name(client, name.name), 1);
	/* 0: it was not taken, but copied. */
	assert_int_equal(SSL_CTX_sess_get_new_cb(rig->client)(client, session),
			 0);
	SSL_free(client);
}

static void the_oldest_makes_room(void **state)
{
	struct rig *rig = *state;
	SSL_SESSION *session = SSL_SESSION_new();
	char text[32];

	assert_false(resumes(rig, "first.example"));
	assert_false(resumes(rig, "second.example"));
	for (int i = 2; i < SESSIONS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "n%d.example", i);
		begins(rig, session, text);
	}
	assert_true(resumes(rig, "first.example"));
	begins(rig, session, "last.example");
	assert_true(resumes(rig, "first.example"));
	assert_false(resumes(rig, "second.example"));
	SSL_SESSION_free(session);
}

int main(void)
{
#define RIGGED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		RIGGED(a_session_is_resumed),
		RIGGED(one_of_tls12_as_well),
		RIGGED(it_is_offered_to_its_name_alone),
		RIGGED(what_was_forgotten_is_not_offered),
		RIGGED(the_oldest_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
