#include "sniff.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 2048 /* today's hellos are of 0.5 to 2 kB */

struct sniff *sniff_new(void)
{
	return calloc(1, sizeof(struct sniff));
}

void sniff_free(struct sniff *sniff)
{
	if (!sniff)
		return;
	tls_reader_done(&sniff->reader);
	free(sniff->bytes);
	free(sniff);
}

static bool store(struct sniff *sniff, const uint8_t *bytes, size_t len)
{
	size_t cap = sniff->cap ? sniff->cap : FIRST_CAP;
	uint8_t *grown;

	if (len > SNIFF_MAX - sniff->len)
		return false;
	while (cap < sniff->len + len)
		cap *= 2;
	if (cap != sniff->cap) {
		grown = realloc(sniff->bytes, cap);
		if (!grown)
			return false;
		sniff->bytes = grown;
		sniff->cap = cap;
	}
	memcpy(sniff->bytes + sniff->len, bytes, len);
	sniff->len += len;
	return true;
}

/* Methods are tokens (RFC 9110 9.1); all that are in use begin so. */
static bool begins_request(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

static enum sniffed feed_hello(struct sniff *sniff, const uint8_t *bytes,
			       size_t len)
{
	size_t used;
	enum tls_read read = tls_reader_feed(&sniff->reader, bytes, len, &used);

	sniff->hello_len = sniff->len - len + used;
	switch (read) {
	case TLS_READ_MORE:
		return SNIFF_MORE;
	case TLS_READ_DONE:
		return tls_client_hello_parse(&sniff->reader, &sniff->hello)
			       ? SNIFF_TLS
			       : SNIFF_BAD;
	case TLS_READ_BAD:
		break;
	}
	return SNIFF_BAD;
}

enum sniffed sniff_feed(struct sniff *sniff, const uint8_t *bytes, size_t len)
{
	if (len == 0)
		return sniff->sniffed;
	if (!store(sniff, bytes, len)) {
		sniff->sniffed = SNIFF_BAD;
		return SNIFF_BAD;
	}
	if (sniff->sniffed == SNIFF_MORE) {
		if (sniff->bytes[0] == 0x16)
			sniff->sniffed = feed_hello(sniff, bytes, len);
		else if (begins_request(sniff->bytes[0]))
			sniff->sniffed = SNIFF_HTTP;
		else
			sniff->sniffed = SNIFF_OTHER;
	}
	return sniff->sniffed;
}
