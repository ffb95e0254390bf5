#include "sniff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>

/* A ClientHello as OpenSSL sends it, for @name; returns its length. */
static size_t hello(const char *name, uint8_t *bytes, size_t cap)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	char text[64]; /* OpenSSL's macro takes no const */
	SSL *ssl;
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	int n;

	(void)snprintf(text, sizeof(text), "%s", name);
	assert_non_null(context);
	ssl = SSL_new(context);
	assert_non_null(ssl);
	assert_int_equal(SSL_set_tlsext_host_name(ssl, text), 1);
	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	assert_int_not_equal(SSL_do_handshake(ssl), 1);
	n = BIO_read(out, bytes, (int)cap);
	assert_true(n > 0 && (size_t)n < cap);
	SSL_free(ssl);
	SSL_CTX_free(context);
	return (size_t)n;
}

static void a_hello_is_found_however_it_is_cut(void **state)
{
	uint8_t bytes[4096];
	size_t len = hello("Some.Test", bytes, sizeof(bytes) - 5);

	(void)state;
	/* Bytes, not a string. */
	for (size_t i = 0; i < 5; i++)
		bytes[len + i] = (uint8_t) "early"[i];
	for (size_t step = 1; step <= len + 5; step += step < 16 ? 1 : 61) {
		struct sniff *sniff = sniff_new();
		enum sniffed last = SNIFF_MORE;

		assert_non_null(sniff);
		for (size_t at = 0; at < len + 5; at += step) {
			size_t n = len + 5 - at < step ? len + 5 - at : step;

			last = sniff_feed(sniff, bytes + at, n);
			assert_int_equal(last,
					 at + n < len ? SNIFF_MORE : SNIFF_TLS);
		}
		assert_int_equal(last, SNIFF_TLS);
		assert_string_equal(sniff->hello.name.name, "some.test");
		/* All that came is kept, and where the hello ended. */
		assert_int_equal(sniff->hello_len, len);
		assert_int_equal(sniff->len, len + 5);
		assert_memory_equal(sniff->bytes, bytes, len + 5);
		sniff_free(sniff);
	}
}

/* What @text is said to be, when it comes byte by byte; all but the last byte
 * left it open. */
static enum sniffed sniffed_bytewise(const char *text)
{
	struct sniff *sniff = sniff_new();
	enum sniffed sniffed = SNIFF_MORE;

	assert_non_null(sniff);
	for (; *text; text++) {
		assert_int_equal(sniffed, SNIFF_MORE);
		sniffed = sniff_feed(sniff, (const uint8_t *)text, 1);
	}
	sniff_free(sniff);
	return sniffed;
}

static void the_first_byte_tells_what_is_no_tls(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++) {
		struct sniff *sniff = sniff_new();
		uint8_t byte = (uint8_t)i;
		bool letter = (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z');

		assert_non_null(sniff);
		assert_int_equal(sniff_feed(sniff, &byte, 1),
				 i == 0x16 || letter || i == '-' ? SNIFF_MORE
								 : SNIFF_OTHER);
		sniff_free(sniff);
	}
}

static void a_request_shows_where_its_target_begins(void **state)
{
	static const char *const requests[] = {
		"GET /",
		"OPTIONS *",
		"patch /",
		"VERSION-CONTROL /",
		"ABCDEFGHIJKLMNOPQRSTUVWX /",
		"GET http://",
		"GET HTTPS://",
		"PRI /",
		"CONNECT ",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		struct sniff *sniff = sniff_new();

		assert_int_equal(sniffed_bytewise(requests[i]), SNIFF_HTTP);
		assert_non_null(sniff);
		assert_int_equal(sniff_feed(sniff, (const uint8_t *)requests[i],
					    strlen(requests[i])),
				 SNIFF_HTTP);
		sniff_free(sniff);
	}
}

static void http2_shows_its_whole_preface(void **state)
{
	(void)state;
	assert_int_equal(sniffed_bytewise("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
			 SNIFF_HTTP2);
	/* What only begins like it is a request, and a bad one. */
	assert_int_equal(sniffed_bytewise("PRI * HTTP/1"), SNIFF_HTTP);
	assert_int_equal(sniffed_bytewise("PRI * HTTP/2.0\r\n\r\nX"),
			 SNIFF_HTTP);
}

/* The last byte of each is the first that no request has there. */
static void another_protocol_shows_itself_as_early(void **state)
{
	static const char *const greetings[] = {
		"SSH-2",       "EHLO x",
		"HELO ho",     "PING\r",
		"*",           "QUIT\n",
		"USER a",      "USER htx",
		"a1",          "SET k",
		"JOIN #",      "GET  ",
		"GET\t",       "GET\r",
		"GET ?",       "GET f",
		"GET httpx",   "GET https:x",
		"GET http:/x", "CONNECTS x",
		"connect x",   "ABCDEFGHIJKLMNOPQRSTUVWXY",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(greetings) / sizeof(*greetings); i++)
		assert_int_equal(sniffed_bytewise(greetings[i]), SNIFF_OTHER);
	assert_int_equal(sniffed_bytewise("hello"), SNIFF_MORE);
}

static void what_is_known_stays_and_bytes_are_kept(void **state)
{
	struct sniff *sniff = sniff_new();

	(void)state;
	assert_non_null(sniff);
	assert_int_equal(sniff_feed(sniff, (const uint8_t *)"", 0), SNIFF_MORE);
	assert_int_equal(sniff_feed(sniff, (const uint8_t *)"G /", 3),
			 SNIFF_HTTP);
	assert_int_equal(sniff_feed(sniff, (const uint8_t *)"\x16\x03", 2),
			 SNIFF_HTTP);
	assert_int_equal(sniff->len, 5);
	assert_memory_equal(sniff->bytes, "G /\x16\x03", 5);
	sniff_free(sniff);
	sniff_free(NULL);
}

static void broken_tls_is_bad_for_good(void **state)
{
	static const uint8_t broken[] = { 0x16, 0x03, 0x01, 0x00, 0x00 };
	struct sniff *sniff = sniff_new();

	(void)state;
	assert_non_null(sniff);
	for (size_t i = 0; i < sizeof(broken) - 1; i++)
		assert_int_equal(sniff_feed(sniff, broken + i, 1), SNIFF_MORE);
	assert_int_equal(sniff_feed(sniff, broken + 4, 1), SNIFF_BAD);
	assert_int_equal(sniff_feed(sniff, (const uint8_t *)"GET", 3),
			 SNIFF_BAD);
	assert_int_not_equal(sniff->reader.fault, TLS_FAULT_NONE);
	sniff_free(sniff);
}

/* A handshake message that never ends, in the smallest records that may be. */
static void what_never_ends_is_bad_within_the_limit(void **state)
{
	static const size_t payloads[] = { 1, 600, 16384 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sniff *sniff = sniff_new();
		size_t payload = payloads[i], fed = 0;
		uint8_t *record = calloc(1, 5 + payload);
		enum sniffed sniffed = SNIFF_MORE;

		assert_non_null(sniff);
		assert_non_null(record);
		record[0] = 0x16;
		record[1] = record[2] = 3;
		record[3] = (uint8_t)(payload >> 8);
		record[4] = (uint8_t)payload;
		while (sniffed == SNIFF_MORE) {
			/* ClientHello of 65532 bytes, at first. */
			if (fed < 4) {
				static const uint8_t head[] = { 1, 0, 0xff,
								0xfc };

				for (size_t b = 0; b < payload && fed + b < 4;
				     b++)
					record[5 + b] = head[fed + b];
			} else {
				memset(record + 5, 0, payload);
			}
			sniffed = sniff_feed(sniff, record, 5 + payload);
			fed += payload;
			assert_true(fed <= SNIFF_MAX + payload);
		}
		assert_int_equal(sniffed, SNIFF_BAD);
		assert_true(sniff->len <= SNIFF_MAX);
		free(record);
		sniff_free(sniff);
	}
}

/* What follows HTTP's first bytes is bounded too: whoever reads takes over. */
static void no_more_is_kept_than_the_maximum(void **state)
{
	static uint8_t much[SNIFF_MAX + 1];
	struct sniff *sniff = sniff_new();

	(void)state;
	assert_non_null(sniff);
	memset(much, 'A', sizeof(much));
	much[3] = ' ';
	much[4] = '/';
	assert_int_equal(sniff_feed(sniff, much, SNIFF_MAX), SNIFF_HTTP);
	assert_int_equal(sniff_feed(sniff, much, 1), SNIFF_BAD);
	sniff_free(sniff);
	sniff = sniff_new();
	assert_non_null(sniff);
	assert_int_equal(sniff_feed(sniff, much, sizeof(much)), SNIFF_BAD);
	sniff_free(sniff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_is_found_however_it_is_cut),
		cmocka_unit_test(the_first_byte_tells_what_is_no_tls),
		cmocka_unit_test(a_request_shows_where_its_target_begins),
		cmocka_unit_test(http2_shows_its_whole_preface),
		cmocka_unit_test(another_protocol_shows_itself_as_early),
		cmocka_unit_test(what_is_known_stays_and_bytes_are_kept),
		cmocka_unit_test(broken_tls_is_bad_for_good),
		cmocka_unit_test(what_never_ends_is_bad_within_the_limit),
		cmocka_unit_test(no_more_is_kept_than_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
