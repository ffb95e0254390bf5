#include "tls/tls_hello.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define RECORD_HEADER_LEN 5

/* What came of the bytes, with nothing in it that depends on their cut. */
struct outcome {
	enum tls_read read;
	enum tls_fault fault;
	enum tls_server_first first;
	size_t used;
	struct tls_client_hello hello;
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static enum tls_read feed(struct tls_reader *reader, const uint8_t *data,
			  size_t len, size_t piece, size_t *used)
{
	enum tls_read result = TLS_READ_MORE;

	*used = 0;
	while (result == TLS_READ_MORE && *used < len) {
		size_t n = len - *used < piece ? len - *used : piece, took;

		result = tls_reader_feed(reader, data + *used, n, &took);
		check(took <= n && (took == n || result != TLS_READ_MORE));
		*used += took;
	}
	return result;
}

static void judge(struct outcome *outcome, struct tls_reader *reader,
		  const uint8_t *data, size_t len, size_t piece)
{
	memset(outcome, 0, sizeof(*outcome));
	outcome->read = feed(reader, data, len, piece, &outcome->used);
	outcome->first = tls_server_first(reader);
	if (outcome->read == TLS_READ_DONE)
		check(tls_client_hello_parse(reader, &outcome->hello) ==
		      (reader->fault == TLS_FAULT_NONE));
	outcome->fault = reader->fault;
}

static bool is_same_hello(const struct tls_client_hello *a,
			  const struct tls_client_hello *b)
{
	return a->name.len == b->name.len &&
	       memcmp(a->name.name, b->name.name, a->name.len) == 0 &&
	       a->has_h2 == b->has_h2 && a->has_http11 == b->has_http11 &&
	       a->has_alpn == b->has_alpn &&
	       a->has_early_data == b->has_early_data &&
	       a->has_ech == b->has_ech && a->has_psk == b->has_psk &&
	       a->offers_tls13 == b->offers_tls13 &&
	       a->alpn_len == b->alpn_len &&
	       memcmp(a->alpn, b->alpn, sizeof(a->alpn)) == 0;
}

static bool is_same(const struct outcome *a, const struct outcome *b)
{
	return a->read == b->read && a->fault == b->fault &&
	       a->first == b->first &&
	       (a->used == b->used || a->read == TLS_READ_BAD) &&
	       is_same_hello(&a->hello, &b->hello);
}

/* A sound hello is the same hello in records of any other size. */
static void recut(const struct tls_reader *sound, size_t size,
		  const struct outcome *expected)
{
	size_t records = (sound->len + size - 1) / size, at = 0, n = 0;
	struct tls_reader reader = { 0 };
	struct outcome outcome;
	uint8_t *bytes;

	if (records > TLS_HELLO_RECORDS)
		return;
	bytes = malloc(sound->len + records * RECORD_HEADER_LEN);
	check(bytes != NULL);
	while (at < sound->len) {
		size_t take = sound->len - at < size ? sound->len - at : size;
		const uint8_t header[RECORD_HEADER_LEN] = {
			22, 3, 1, (uint8_t)(take >> 8), (uint8_t)take
		};

		memcpy(bytes + n, header, sizeof(header));
		memcpy(bytes + n + sizeof(header), sound->message + at, take);
		n += sizeof(header) + take;
		at += take;
	}
	judge(&outcome, &reader, bytes, n, n);
	check(outcome.read == TLS_READ_DONE && outcome.used == n);
	check(outcome.fault == expected->fault &&
	      outcome.first == expected->first &&
	      is_same_hello(&outcome.hello, &expected->hello));
	tls_reader_done(&reader);
	free(bytes);
}

/* The bytes decide, and neither how they are cut nor into which records. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct tls_reader whole = { 0 }, cut = { 0 };
	struct outcome outcome, other;
	size_t piece;

	if (len < 2)
		return 0;
	whole.skip_ccs = cut.skip_ccs = data[0] & 1;
	whole.skip_warnings = cut.skip_warnings = data[0] & 2;
	piece = (size_t)data[1] + 1;
	judge(&outcome, &whole, data + 2, len - 2, len);
	judge(&other, &cut, data + 2, len - 2, piece);
	check(is_same(&outcome, &other));

	if (outcome.fault == TLS_FAULT_NONE && outcome.read == TLS_READ_DONE) {
		check(outcome.first == TLS_SERVER_OTHER);
		recut(&whole, piece, &outcome);
		recut(&whole, 16384, &outcome);
	}
	tls_reader_done(&whole);
	tls_reader_done(&cut);
	return 0;
}
