#include "sniff.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* RFC 9110 9.1 would take any token; those that are in use are of these. */
static bool is_method_char(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       byte == '-';
}

/* Whether @bytes begin with @prefix; SNIFF_MORE if they are too few to say. */
static enum sniffed begins(const char *prefix, const uint8_t *bytes, size_t len)
{
	size_t n = strlen(prefix);

	if (strncasecmp((const char *)bytes, prefix, len < n ? len : n) != 0)
		return SNIFF_OTHER;
	return len < n ? SNIFF_MORE : SNIFF_HTTP;
}

/*
 * A method, a space, a target's beginning: what greets or asks in some other
 * protocol of words goes wrong before that, or there. CONNECT's targets may
 * begin with anything, and it deserves an answer in HTTP.
 */
static enum sniffed sniff_request(const uint8_t *bytes, size_t len)
{
	size_t n = 0;
	enum sniffed http;

	while (n < len && n <= SNIFF_METHOD_MAX && is_method_char(bytes[n]))
		n++;
	if (n == 0 || n > SNIFF_METHOD_MAX)
		return SNIFF_OTHER;
	if (n == len)
		return SNIFF_MORE;
	if (bytes[n] != ' ')
		return SNIFF_OTHER;
	if (n == 7 && memcmp(bytes, "CONNECT", n) == 0)
		return SNIFF_HTTP;
	bytes += n + 1;
	len -= n + 1;
	if (len > 0 && (bytes[0] == '/' || bytes[0] == '*'))
		return SNIFF_HTTP;
	http = begins("http://", bytes, len);
	return http == SNIFF_OTHER ? begins("https://", bytes, len) : http;
}

/*
 * RFC 9113 3.4: so that it is not taken for a request, HTTP/2 begins with one
 * that no HTTP/1 server would answer.
 */
static enum sniffed sniff_words(const uint8_t *bytes, size_t len)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	const size_t whole = sizeof(preface) - 1;

	if (memcmp(bytes, preface, len < whole ? len : whole) != 0)
		return sniff_request(bytes, len);
	return len < whole ? SNIFF_MORE : SNIFF_HTTP2;
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
		else
			sniff->sniffed = sniff_words(sniff->bytes, sniff->len);
	}
	return sniff->sniffed;
}
