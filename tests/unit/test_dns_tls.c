/* Against a server in this process, over a pair of sockets. */
#include "dns/dns_tls.h"

#include "clock.h"
#include "log.h"
#include "stream.h"
#include "tls/mint.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <cmocka.h>

#define TURNS 20 /* more than a handshake and its tickets take */
#define PATIENCE_MS 1000

struct rig {
	struct event_base *base;
	SSL_CTX *context;
	struct dns_tls_client *client;
	struct dns_tls_peer peer;
	struct dns_tls *tls;
	SSL *server;
	const char *protocol; /* that the server chooses, with its length */
};

static int choose(SSL *ssl, const unsigned char **out, unsigned char *len,
		  const unsigned char *in, unsigned in_len, void *arg)
{
	const struct rig *rig = arg;

	(void)ssl;
	(void)in;
	(void)in_len;
	if (!rig->protocol)
		return SSL_TLSEXT_ERR_NOACK;
	*len = (unsigned char)rig->protocol[0];
	*out = (const unsigned char *)rig->protocol + 1;
	return SSL_TLSEXT_ERR_OK;
}

/* The server has a certificate for dns.example that the client trusts. */
static X509_STORE *certify(SSL_CTX *server)
{
	EVP_PKEY *key = mint_key();
	X509 *authority = key ? mint_authority(key, time(NULL)) : NULL;
	struct mint *mint = authority ? mint_new(authority, key) : NULL;
	uint8_t spki[MINT_SPKI_LEN], der[MINT_DER_MAX];
	X509_STORE *trust = X509_STORE_new();
	struct domain name;
	size_t len;

	assert_non_null(mint);
	assert_non_null(trust);
	assert_true(mint_spki(spki, key));
	assert_true(domain_parse(&name, "dns.example", 11));
	len = mint_leaf(mint, &name, spki, time(NULL), der);
	assert_int_equal(SSL_CTX_use_certificate_ASN1(server, (int)len, der),
			 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(server, key), 1);
	assert_int_equal(X509_STORE_add_cert(trust, authority), 1);
	mint_free(mint);
	X509_free(authority);
	EVP_PKEY_free(key);
	return trust;
}

static void changed(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void connect_to(struct rig *rig, const char *text)
{
	int fds[2];

	assert_true(nameserver_parse(&rig->peer.at, text, strlen(text)));
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	rig->server = SSL_new(rig->context);
	assert_non_null(rig->server);
	assert_int_equal(SSL_set_fd(rig->server, fds[1]), 1);
	BIO_set_close(SSL_get_rbio(rig->server), BIO_CLOSE);
	SSL_set_accept_state(rig->server);
	rig->tls = dns_tls_open(rig->client, &rig->peer, rig->base, fds[0],
				changed, rig);
	assert_non_null(rig->tls);
}

static int setup(void **state)
{
	static struct rig rig;
	X509_STORE *trust;

	log_set(LOG_LEVEL_ERR, "test");
	(void)signal(SIGPIPE, SIG_IGN);
	rig = (struct rig){ .protocol = "\3dot" };
	rig.base = event_base_new();
	rig.context = SSL_CTX_new(TLS_server_method());
	assert_true(rig.base && rig.context);
	SSL_CTX_set_alpn_select_cb(rig.context, choose, &rig);
	trust = certify(rig.context);
	rig.client = dns_tls_client_new(trust);
	assert_non_null(rig.client);
	X509_STORE_free(trust);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	dns_tls_close(rig->tls);
	SSL_free(rig->server);
	dns_tls_client_free(rig->client);
	SSL_CTX_free(rig->context);
	event_base_free(rig->base);
	return 0;
}

/* Until there is TLS on both sides, or there is to be none. */
static void shake_hands(struct rig *rig)
{
	char byte;

	for (int i = 0; i < TURNS; i++) {
		ssize_t n;

		event_base_loop(rig->base, EVLOOP_NONBLOCK);
		n = dns_tls_read(rig->tls, &byte, 1);
		assert_int_equal(n, -1);
		(void)SSL_do_handshake(rig->server);
		if (errno != EAGAIN)
			return;
	}
}

static ssize_t ask(struct rig *rig, const char *question)
{
	char text[64];
	const struct iovec iov[2] = { { text, strlen(question) },
				      { (char[]){ "." }, 1 } };

	(void)snprintf(text, sizeof(text), "%s", question);
	return dns_tls_write(rig->tls, iov, 2);
}

/* What was asked and answered so far is between the two and nobody else. */
static void questions_go_out_once_there_is_tls(void **state)
{
	struct rig *rig = *state;
	char got[64];

	connect_to(rig, "192.0.2.1#dns.example");
	assert_int_equal(ask(rig, "early"), -1);
	assert_int_equal(errno, EAGAIN);
	shake_hands(rig);
	assert_int_equal(ask(rig, "question"), 9);
	/* In one record, though it was in two pieces. */
	assert_int_equal(SSL_read(rig->server, got, sizeof(got)), 9);
	assert_memory_equal(got, "question.", 9);
	assert_string_equal(SSL_get_servername(rig->server,
					       TLSEXT_NAMETYPE_host_name),
			    "dns.example");
	assert_false(rig->peer.failing);
}

static void all_that_came_is_read(void **state)
{
	struct rig *rig = *state;
	char got[64];

	connect_to(rig, "192.0.2.1#dns.example");
	shake_hands(rig);
	assert_false(dns_tls_has_more(rig->tls));
	for (int i = 0; i < 3; i++)
		assert_int_equal(SSL_write(rig->server, "answer", 6), 6);
	event_base_loop(rig->base, EVLOOP_NONBLOCK);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(dns_tls_read(rig->tls, got, 3), 3);
		assert_true(dns_tls_has_more(rig->tls));
	}
	assert_int_equal(dns_tls_read(rig->tls, got, 3), -1);
	assert_int_equal(errno, EAGAIN);
	assert_false(dns_tls_has_more(rig->tls));
	(void)SSL_shutdown(rig->server);
	event_base_loop(rig->base, EVLOOP_NONBLOCK);
	assert_int_equal(dns_tls_read(rig->tls, got, 3), 0);
	assert_false(rig->peer.failing); /* it may end when it likes */
}

static void assert_untold(struct rig *rig, const char *why)
{
	char got[64];

	assert_int_equal(ask(rig, "question"), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(dns_tls_read(rig->tls, got, sizeof(got)), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_true(SSL_read(rig->server, got, sizeof(got)) <= 0);
	assert_true(rig->peer.failing);
	assert_string_equal(rig->peer.why, why);
}

static void who_has_another_name_is_told_nothing(void **state)
{
	struct rig *rig = *state;

	connect_to(rig, "192.0.2.1#example");
	shake_hands(rig);
	assert_untold(
		rig,
		"resolver 192.0.2.1:853#example: its certificate is for another name");
}

static void who_speaks_another_protocol_is_told_nothing(void **state)
{
	struct rig *rig = *state;

	rig->protocol = "\2h2";
	connect_to(rig, "192.0.2.1#dns.example");
	shake_hands(rig);
	assert_untold(
		rig,
		"resolver 192.0.2.1:853#dns.example: the TLS handshake failed");
}

static void who_chooses_no_protocol_is_asked(void **state)
{
	struct rig *rig = *state;
	char got[64];

	rig->protocol = NULL;
	connect_to(rig, "192.0.2.1#dns.example");
	shake_hands(rig);
	assert_int_equal(ask(rig, "question"), 9);
	assert_int_equal(SSL_read(rig->server, got, sizeof(got)), 9);
}

static int64_t due_in_ms(struct rig *rig)
{
	return dns_tls_due_ms(rig->tls, PATIENCE_MS) - clock_ms();
}

static void a_connection_ends_when_it_is_owed_or_idle_for_too_long(void **state)
{
	struct rig *rig = *state;
	char got[64];

	connect_to(rig, "192.0.2.1#dns.example");
	assert_in_range(due_in_ms(rig), 0, PATIENCE_MS);
	shake_hands(rig);
	assert_in_range(due_in_ms(rig), 10 * PATIENCE_MS, 30000);
	assert_int_equal(ask(rig, "question"), 9);
	assert_in_range(due_in_ms(rig), 0, PATIENCE_MS);
	assert_int_equal(SSL_write(rig->server, "answer", 6), 6);
	event_base_loop(rig->base, EVLOOP_NONBLOCK);
	assert_int_equal(dns_tls_read(rig->tls, got, sizeof(got)), 6);
	assert_in_range(due_in_ms(rig), 10 * PATIENCE_MS, 30000);
	dns_tls_give_up(rig->tls);
	assert_int_equal(dns_tls_read(rig->tls, got, sizeof(got)), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_false(rig->peer.failing);
}

static void a_handshake_that_is_given_up_has_failed(void **state)
{
	struct rig *rig = *state;

	connect_to(rig, "192.0.2.1#dns.example");
	dns_tls_give_up(rig->tls);
	assert_untold(
		rig,
		"resolver 192.0.2.1:853#dns.example: no TLS handshake in time");
}

static void who_failed_rests_the_longer_if_there_are_others(void **state)
{
	struct dns_tls_peer peer = { .failed_ms = 1000 };

	(void)state;
	assert_false(dns_tls_peer_rests(&peer, true, 1000));
	peer.failing = true;
	assert_true(dns_tls_peer_rests(&peer, true, 2999));
	assert_false(dns_tls_peer_rests(&peer, true, 3000));
	assert_true(dns_tls_peer_rests(&peer, false, 30999));
	assert_false(dns_tls_peer_rests(&peer, false, 31000));
}

int main(void)
{
#define TEST(fact) cmocka_unit_test_setup_teardown(fact, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(questions_go_out_once_there_is_tls),
		TEST(all_that_came_is_read),
		TEST(who_has_another_name_is_told_nothing),
		TEST(who_speaks_another_protocol_is_told_nothing),
		TEST(who_chooses_no_protocol_is_asked),
		TEST(a_connection_ends_when_it_is_owed_or_idle_for_too_long),
		TEST(a_handshake_that_is_given_up_has_failed),
		cmocka_unit_test(
			who_failed_rests_the_longer_if_there_are_others),
	};

	if (!stream_setup())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
