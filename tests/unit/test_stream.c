#include "stream.h"

#include "tls/mint.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>

#define ROUNDS 100000 /* more than anything here needs */

struct rig {
	struct event_base *base;
	struct stream a, b; /* the two ends of one connection */
	SSL_CTX *server, *client;
	unsigned n_called;
};

static void changed(evutil_socket_t fd, short what, void *arg)
{
	struct rig *rig = arg;

	(void)fd;
	(void)what;
	rig->n_called++;
}

static SSL_CTX *context(const SSL_METHOD *method)
{
	SSL_CTX *made = SSL_CTX_new(method);

	assert_non_null(made);
	SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE |
				       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return made;
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	EVP_PKEY *key = mint_key();
	X509 *certificate = key ? mint_authority(key, time(NULL)) : NULL;
	int fds[2];

	assert_non_null(rig);
	assert_non_null(certificate);
	rig->base = event_base_new();
	assert_non_null(rig->base);
	rig->server = context(TLS_server_method());
	rig->client = context(TLS_client_method());
	assert_int_equal(SSL_CTX_use_certificate(rig->server, certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(rig->server, key), 1);
	SSL_CTX_set_num_tickets(rig->server, 0);
	X509_free(certificate);
	EVP_PKEY_free(key);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(stream_open(&rig->a, rig->base, fds[0], changed, rig),
			 0);
	assert_int_equal(stream_open(&rig->b, rig->base, fds[1], changed, rig),
			 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	stream_close(&rig->a, false);
	stream_close(&rig->b, false);
	SSL_CTX_free(rig->server);
	SSL_CTX_free(rig->client);
	event_base_free(rig->base);
	free(rig);
	return 0;
}

static void start_tls(struct stream *stream, SSL_CTX *ctx, bool server)
{
	SSL *ssl = SSL_new(ctx);

	assert_non_null(ssl);
	if (server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	assert_int_equal(stream_start_tls(stream, ssl), 0);
}

/* Until then, nobody knows what has come. */
static void listen_to_both(struct rig *rig)
{
	event_base_loop(rig->base, EVLOOP_NONBLOCK);
}

static void shake_hands(struct rig *rig)
{
	int a = -EAGAIN, b = -EAGAIN;

	for (int i = 0; i < 100 && (a != 0 || b != 0); i++) {
		listen_to_both(rig);
		if (a != 0)
			a = stream_handshake(&rig->a);
		if (b != 0)
			b = stream_handshake(&rig->b);
		assert_true(a == 0 || a == -EAGAIN);
		assert_true(b == 0 || b == -EAGAIN);
	}
	assert_int_equal(a, 0);
	assert_int_equal(b, 0);
}

/* TLS between the two, @a the client. */
static void secure(struct rig *rig)
{
	start_tls(&rig->a, rig->client, false);
	start_tls(&rig->b, rig->server, true);
	shake_hands(rig);
}

static void assert_reads(struct stream *stream, const char *wanted)
{
	char bytes[64];

	assert_int_equal(stream_read(stream, bytes, sizeof(bytes)),
			 strlen(wanted));
	assert_memory_equal(bytes, wanted, strlen(wanted));
}

static void what_was_unread_is_read_first(void **state)
{
	struct rig *rig = *state;
	char bytes[4];

	assert_int_equal(stream_write(&rig->b, "late", 4), 4);
	assert_int_equal(stream_unread(&rig->a, NULL, 0), 0);
	assert_int_equal(stream_unread(&rig->a, (const uint8_t *)"early", 5),
			 0);
	assert_int_equal(stream_read(&rig->a, bytes, 3), 3);
	assert_memory_equal(bytes, "ear", 3);
	assert_reads(&rig->a, "ly");
	assert_reads(&rig->a, "late");
	assert_int_equal(stream_read(&rig->a, bytes, sizeof(bytes)), -EAGAIN);
}

/* What comes is asked for when it is known to be there, or must be known. */
static void a_dry_stream_costs_nothing_to_read(void **state)
{
	struct rig *rig = *state;
	char byte;

	listen_to_both(rig);
	assert_int_equal(stream_read(&rig->a, &byte, 1), -EAGAIN);
	assert_int_equal(stream_write(&rig->b, "xyz", 3), 3);
	assert_int_equal(stream_read(&rig->a, &byte, 1), -EAGAIN);
	listen_to_both(rig);
	assert_reads(&rig->a, "xyz");
	assert_int_equal(stream_read(&rig->a, &byte, 1), -EAGAIN);
	assert_true(stream_is_quiet(&rig->a));
	assert_int_equal(stream_write(&rig->b, "x", 1), 1);
	assert_false(stream_is_quiet(&rig->a));
	assert_true(stream_is_quiet(&rig->a));
	stream_end(&rig->b);
	assert_false(stream_is_quiet(&rig->a));
}

/* As when a ClientHello was sniffed, whole or in part, before TLS. */
static void a_hello_that_was_unread_is_answered(void **state)
{
	struct rig *rig = *state;
	uint8_t hello[4096];
	ssize_t n;

	start_tls(&rig->a, rig->client, false);
	assert_int_equal(stream_handshake(&rig->a), -EAGAIN);
	n = stream_read(&rig->b, hello, 100);
	assert_int_equal(n, 100);
	assert_int_equal(stream_unread(&rig->b, hello, (size_t)n), 0);
	start_tls(&rig->b, rig->server, true);
	shake_hands(rig);
	assert_int_equal(stream_write(&rig->a, "hello", 5), 5);
	listen_to_both(rig);
	assert_reads(&rig->b, "hello");
}

static void an_end_is_told_from_nothing_yet(void **state)
{
	struct rig *rig = *state;
	char byte;

	assert_int_equal(stream_read(&rig->a, &byte, 1), -EAGAIN);
	assert_false(rig->a.ended || rig->a.failed);
	assert_int_equal(stream_write(&rig->b, "x", 1), 1);
	stream_end(&rig->b);
	listen_to_both(rig);
	assert_reads(&rig->a, "x");
	assert_int_equal(stream_read(&rig->a, &byte, 1), 0);
	assert_true(rig->a.ended);
	assert_int_equal(stream_read(&rig->a, &byte, 1), 0);
	/* The other direction is open still. */
	assert_int_equal(stream_write(&rig->a, "y", 1), 1);
	assert_reads(&rig->b, "y");
}

static void close_notify_is_an_orderly_end(void **state)
{
	struct rig *rig = *state;
	char byte;

	secure(rig);
	assert_int_equal(stream_write(&rig->b, "x", 1), 1);
	stream_end(&rig->b);
	listen_to_both(rig);
	assert_reads(&rig->a, "x");
	assert_int_equal(stream_read(&rig->a, &byte, 1), 0);
	assert_true(rig->a.ended);
	assert_false(rig->a.failed);
}

/* Or an attacker on the way could cut what was said where he likes. */
static void tls_that_is_cut_off_is_no_end(void **state)
{
	struct rig *rig = *state;
	char byte;

	secure(rig);
	assert_int_equal(stream_write(&rig->b, "x", 1), 1);
	assert_int_equal(shutdown(rig->b.fd, SHUT_WR), 0);
	listen_to_both(rig);
	assert_reads(&rig->a, "x");
	assert_int_equal(stream_read(&rig->a, &byte, 1), -ECONNRESET);
	assert_true(rig->a.failed);
	assert_false(rig->a.ended);
	assert_int_equal(stream_read(&rig->a, &byte, 1), -ECONNRESET);
	assert_int_equal(stream_write(&rig->a, "y", 1), -EPIPE);
}

static void tls_that_is_broken_is_an_error(void **state)
{
	struct rig *rig = *state;
	char byte;

	secure(rig);
	assert_int_equal(send(rig->b.fd, "no record at all", 16, 0), 16);
	listen_to_both(rig);
	assert_int_equal(stream_read(&rig->a, &byte, 1), -EPROTO);
	assert_true(rig->a.failed);
}

static void a_handshake_with_nonsense_fails(void **state)
{
	struct rig *rig = *state;

	start_tls(&rig->b, rig->server, true);
	assert_int_equal(stream_handshake(&rig->b), -EAGAIN);
	assert_int_equal(stream_write(&rig->a, "GET / HTTP/1.1\r\n\r\n", 18),
			 18);
	listen_to_both(rig);
	assert_int_equal(stream_handshake(&rig->b), -EPROTO);
}

/* An error that one connection left is not taken for another's. */
static void connections_do_not_share_errors(void **state)
{
	struct rig *rig = *state;
	char byte;

	secure(rig);
	ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
	assert_int_equal(stream_read(&rig->a, &byte, 1), -EAGAIN);
	ERR_raise(ERR_LIB_SSL, SSL_R_UNEXPECTED_EOF_WHILE_READING);
	assert_int_equal(stream_write(&rig->b, "x", 1), 1);
	listen_to_both(rig);
	assert_reads(&rig->a, "x");
	assert_false(rig->a.failed || rig->b.failed);
}

/* One event told of them all; there will be no other. */
static void records_that_came_together_are_all_read(void **state)
{
	struct rig *rig = *state;
	char byte;

	secure(rig);
	for (int i = 0; i < 200; i++)
		assert_int_equal(stream_write(&rig->b, "xy", 2), 2);
	listen_to_both(rig);
	for (int i = 0; i < 400; i++) {
		assert_int_equal(stream_read(&rig->a, &byte, 1), 1);
		assert_int_equal(byte, i % 2 ? 'y' : 'x');
	}
	assert_int_equal(stream_read(&rig->a, &byte, 1), -EAGAIN);
}

/* Much, with buffers that move and a side that is slow. */
static void all_of_much_arrives(void **state)
{
	static char bytes[1 << 20], back[1 << 20];
	struct rig *rig = *state;
	size_t put = 0, got = 0;
	bool waited = false;

	secure(rig);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 131 + i / 509);
	for (int i = 0; i < ROUNDS && got < sizeof(back); i++) {
		size_t len = sizeof(bytes) - put;
		char *moved = malloc(len ? len : 1);
		ssize_t n = -EAGAIN;

		assert_non_null(moved);
		memcpy(moved, bytes + put, len);
		if (len > 0)
			n = stream_write(&rig->a, moved, len);
		free(moved);
		if (n > 0) {
			put += (size_t)n;
			continue;
		}
		assert_int_equal(n, -EAGAIN);
		waited |= len > 0;
		n = stream_read(&rig->b, back + got, sizeof(back) - got);
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_true(waited);
	assert_int_equal(got, sizeof(back));
	assert_memory_equal(back, bytes, sizeof(back));
}

static void one_that_left_is_told_on_writing(void **state)
{
	struct rig *rig = *state;

	stream_close(&rig->b, false);
	assert_int_equal(rig->b.fd, -1);
	assert_int_equal(stream_write(&rig->a, "x", 1), -EPIPE);
	assert_true(rig->a.failed);
	stream_end(&rig->a);
	stream_close(&rig->b, true); /* again: nothing */
}

static void a_stream_that_moves_keeps_its_tls(void **state)
{
	struct rig *rig = *state;
	struct stream moved;

	secure(rig);
	assert_int_equal(stream_write(&rig->b, "before", 6), 6);
	stream_move(&moved, &rig->a, changed, rig);
	assert_int_equal(rig->a.fd, -1);
	assert_null(rig->a.ssl);
	memset(&rig->a, 0xa5, sizeof(rig->a));
	assert_reads(&moved, "before");
	assert_int_equal(stream_write(&moved, "after", 5), 5);
	assert_reads(&rig->b, "after");
	rig->a = moved;
	BIO_set_data(SSL_get_rbio(rig->a.ssl), &rig->a);
}

/* Edge-triggered: once for what is there, and once for who attends anew. */
static void who_attends_is_called_soon(void **state)
{
	struct rig *rig = *state;
	unsigned before;

	event_base_loop(rig->base, EVLOOP_NONBLOCK);
	before = rig->n_called;
	event_base_loop(rig->base, EVLOOP_NONBLOCK);
	assert_int_equal(rig->n_called, before);
	stream_attend(&rig->a, changed, rig);
	event_base_loop(rig->base, EVLOOP_NONBLOCK);
	assert_true(rig->n_called > before);
	before = rig->n_called;
	assert_int_equal(stream_write(&rig->b, "x", 1), 1);
	event_base_loop(rig->base, EVLOOP_NONBLOCK);
	assert_true(rig->n_called > before);
}

static void what_cannot_be_watched_is_closed(void **state)
{
	struct rig *rig = *state;
	struct stream stream;
	char path[] = "/tmp/sluice-test-stream.XXXXXX";
	int fd = mkstemp(path); /* epoll takes no files */

	assert_true(fd >= 0);
	unlink(path);
	assert_true(stream_open(&stream, rig->base, fd, changed, rig) < 0);
	assert_int_equal(stream.fd, -1);
	assert_int_equal(close(fd), -1);
}

/* @n times new keys from @a, to each of which @b is to answer. */
static ssize_t update_keys(struct rig *rig, int n)
{
	char bytes[16];
	ssize_t got = -EAGAIN;

	for (int i = 0; i < n && got == -EAGAIN; i++) {
		assert_int_equal(SSL_key_update(rig->a.ssl,
						SSL_KEY_UPDATE_REQUESTED),
				 1);
		assert_int_equal(stream_handshake(&rig->a), 0);
		listen_to_both(rig);
		got = stream_read(&rig->b, bytes, sizeof(bytes));
		listen_to_both(rig);
		if (got == -EAGAIN)
			assert_int_equal(stream_read(&rig->a, bytes,
						     sizeof(bytes)),
					 -EAGAIN);
	}
	return got;
}

/* However slow this machine is, a thousand take no ten seconds. */
static void new_keys_without_end_are_the_end(void **state)
{
	struct rig *rig = *state;

	secure(rig);
	assert_int_equal(update_keys(rig, TLS_KEY_UPDATES_MAX), -EAGAIN);
	assert_int_equal(stream_write(&rig->a, "data", 4), 4);
	listen_to_both(rig);
	assert_reads(&rig->b, "data");
	assert_int_equal(update_keys(rig, 10 * TLS_KEY_UPDATES_MAX),
			 -ECONNRESET);
	assert_true(rig->b.failed);
}

/* Not for TCP that ended behind what is still to be read. */
static void one_that_left_is_known_for_it(void **state)
{
	struct rig *rig = *state;

	assert_false(stream_has_left(&rig->b));
	assert_int_equal(stream_write(&rig->a, "hello", 5), 5);
	stream_end(&rig->a);
	assert_false(stream_has_left(&rig->b));
	listen_to_both(rig);
	assert_reads(&rig->b, "hello");
	assert_true(stream_has_left(&rig->b));
}

int main(void)
{
#define TEST(fact) cmocka_unit_test_setup_teardown(fact, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_was_unread_is_read_first),
		TEST(a_dry_stream_costs_nothing_to_read),
		TEST(a_hello_that_was_unread_is_answered),
		TEST(an_end_is_told_from_nothing_yet),
		TEST(close_notify_is_an_orderly_end),
		TEST(tls_that_is_cut_off_is_no_end),
		TEST(tls_that_is_broken_is_an_error),
		TEST(a_handshake_with_nonsense_fails),
		TEST(connections_do_not_share_errors),
		TEST(records_that_came_together_are_all_read),
		TEST(all_of_much_arrives),
		TEST(one_that_left_is_told_on_writing),
		TEST(a_stream_that_moves_keeps_its_tls),
		TEST(who_attends_is_called_soon),
		TEST(what_cannot_be_watched_is_closed),
		TEST(new_keys_without_end_are_the_end),
		TEST(one_that_left_is_known_for_it),
	};

	if (!stream_setup())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
