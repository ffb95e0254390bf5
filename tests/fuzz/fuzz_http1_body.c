#include "http/http1.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* What was read of a body. */
struct reading {
	char *payload;
	size_t len, used;
	struct http_text trailers;
	enum http1_result result;
};

/* All names are announced that the trailers could have. */
static size_t end_body(const struct reading *reading, char *bytes)
{
	const struct http_text declared = { "A, a, x, X-Sum, Host, Trailer",
					    29 };
	size_t len = 5;

	if (http1_end_write(HTTP_CHUNKED, reading->trailers, declared, bytes,
			    &len))
		check(len <= HTTP1_END_MAX(reading->trailers.len));
	else
		memcpy(bytes, "0\r\n\r\n", len);
	return len;
}

/*
 * Reads in pieces; with @rewritten, every run is written there anew under
 * chunked framing, and *n_rewritten is set.
 */
static struct reading read_body(enum http_framing framing, uint64_t length,
				const char *bytes, size_t len, size_t piece,
				char *rewritten, size_t *n_rewritten)
{
	struct reading reading = { .payload = malloc(len + 1) };
	struct http1_body body;

	check(reading.payload != NULL);
	http1_body_init(&body, framing, length);
	while (reading.result == HTTP1_MORE && reading.used + body.held < len) {
		size_t n = len - reading.used, used;
		struct http_text data;

		n = n - body.held < piece ? n : body.held + piece;
		reading.result = http1_body_read(&body, bytes + reading.used, n,
						 &used, &data);
		check(used <= n && (used > 0 || reading.result != HTTP1_MORE ||
				    body.held == n));
		check(body.held <= HTTP1_TRAILERS_MAX);
		check(data.len == 0 ||
		      (data.at >= bytes + reading.used &&
		       data.at + data.len <= bytes + reading.used + used));
		if (data.len > 0)
			memcpy(reading.payload + reading.len, data.at,
			       data.len);
		reading.len += data.len;
		reading.used += used;
		if (rewritten && data.len > 0) {
			size_t put = http1_body_write(HTTP_CHUNKED, data,
						      rewritten + *n_rewritten);

			check(put <= data.len + HTTP1_BODY_OVERHEAD);
			*n_rewritten += put;
		}
	}
	check(body.done == (reading.result == HTTP1_DONE) || len == 0);
	reading.trailers = body.trailers;
	return reading;
}

/* A cut changes nothing but how much of a bad body came before the fault. */
static void check_same(const struct reading *a, const struct reading *b)
{
	check(a->result == b->result && a->used == b->used &&
	      a->len == b->len && memcmp(a->payload, b->payload, a->len) == 0);
}

/* The payload is the same however it is cut, and survives being rewritten. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const enum http_framing framings[] = { HTTP_CHUNKED,
						      HTTP_CHUNKED, HTTP_LENGTH,
						      HTTP_UNTIL_CLOSE };
	struct reading whole, cut, again;
	enum http_framing framing;
	const char *bytes;
	char *rewritten;
	size_t piece, n = 0;

	if (len < 2)
		return 0;
	framing = framings[data[0] & 3];
	piece = (size_t)data[1] + 1;
	bytes = (const char *)data + 2;
	len -= 2;

	/* A run is not empty, so there are no more of them than bytes. */
	rewritten = malloc((1 + HTTP1_BODY_OVERHEAD) * (len + 1) +
			   HTTP1_END_MAX(len));
	check(rewritten != NULL);
	whole = read_body(framing, data[1], bytes, len, len + 1, NULL, NULL);
	cut = read_body(framing, data[1], bytes, len, piece, rewritten, &n);
	check_same(&whole, &cut);

	if (whole.result == HTTP1_DONE || framing == HTTP_UNTIL_CLOSE) {
		n += end_body(&whole, rewritten + n);
		again = read_body(HTTP_CHUNKED, 0, rewritten, n, 3, NULL, NULL);
		check(again.result == HTTP1_DONE && again.used == n);
		check(again.len == whole.len &&
		      memcmp(again.payload, whole.payload, whole.len) == 0);
		free(again.payload);
	}
	free(whole.payload);
	free(cut.payload);
	free(rewritten);
	return 0;
}
