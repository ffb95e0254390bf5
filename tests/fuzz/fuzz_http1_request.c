#include "http/http1.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool is_same_text(struct http_text a, struct http_text b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.at, b.at, a.len));
}

/* Where the head ends does not depend on how it comes. */
static bool find_head(const char *bytes, size_t len, size_t *head_len)
{
	size_t scanned = 0, again = 0, other = 0, end = 0;
	unsigned status = 0, other_status = 0;
	enum http1_result whole, cut = HTTP1_MORE;

	whole = http1_head_find(bytes, len, &scanned, head_len, &status);
	while (cut == HTTP1_MORE && end < len) {
		end = end + 7 < len ? end + 7 : len;
		cut = http1_head_find(bytes, end, &again, &other,
				      &other_status);
	}
	check(cut == whole && status == other_status);
	if (whole != HTTP1_DONE)
		return false;
	check(*head_len == other && *head_len <= len);
	return true;
}

static void check_same(const struct http_request *a,
		       const struct http_request *b)
{
	check(is_same_text(a->method, b->method));
	check(is_same_text(a->path, b->path));
	check(a->host.len == b->host.len &&
	      memcmp(a->host.name, b->host.name, a->host.len) == 0);
	check(a->host.len > 0 || is_same_text(a->authority, b->authority));
	check(a->port == b->port && a->framing == b->framing &&
	      a->content_length == b->content_length &&
	      a->expects_continue == b->expects_continue &&
	      a->wants_websocket == b->wants_websocket &&
	      a->n_fields == b->n_fields);
	for (size_t i = 0; i < a->n_fields; i++) {
		check(is_same_text(a->fields[i].name, b->fields[i].name));
		check(is_same_text(a->fields[i].value, b->fields[i].value));
	}
}

/* What goes to the origin is what was judged, and has one spelling. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char written[2 * HTTP_HEAD_MAX], twice[2 * HTTP_HEAD_MAX];
	const char *bytes = (const char *)data, *why = NULL;
	struct http_request request, again;
	size_t head_len = 0, n;
	unsigned status = 0;

	if (!find_head(bytes, len, &head_len)) {
		/* No head to find is no head to parse, either. */
		check(!http1_request_parse(bytes, len, &request, &status,
					   &why));
		return 0;
	}
	if (!http1_request_parse(bytes, head_len, &request, &status, &why)) {
		check(status >= 400 && why);
		return 0;
	}
	check(!request.absolute_https || request.absolute);
	check(request.framing != HTTP_UNTIL_CLOSE);
	n = http1_request_write(&request, written, sizeof(written));
	check(n > 0);
	if (n > HTTP_HEAD_MAX)
		return 0;
	check(find_head(written, n, &head_len) && head_len == n);
	check(http1_request_parse(written, n, &again, &status, &why));
	check_same(&request, &again);
	check(again.keep_alive && !again.is_http10 && !again.absolute);
	check(http1_request_write(&again, twice, sizeof(twice)) == n);
	check(memcmp(written, twice, n) == 0);
	return 0;
}
