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

static void check_same(const struct http_response *a,
		       const struct http_response *b)
{
	check(a->status == b->status && is_same_text(a->reason, b->reason));
	check(a->has_content_length == b->has_content_length);
	check(!a->has_content_length || a->content_length == b->content_length);
	check(a->is_websocket == b->is_websocket &&
	      is_same_text(a->websocket_accept, b->websocket_accept) &&
	      a->n_fields == b->n_fields);
	for (size_t i = 0; i < a->n_fields; i++) {
		check(is_same_text(a->fields[i].name, b->fields[i].name));
		check(is_same_text(a->fields[i].value, b->fields[i].value));
	}
}

/*
 * What the agent is sent is what was read, under the framing that the writer
 * said it announces.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char written[2 * HTTP_HEAD_MAX];
	const char *why = NULL;
	struct http_response response, again;
	enum http_framing framing = HTTP_NO_BODY;
	bool to_head, http10, keep_alive, is_final;
	size_t n;

	if (len == 0)
		return 0;
	to_head = data[0] & 1;
	http10 = data[0] & 2;
	keep_alive = data[0] & 4;
	if (!http1_response_parse((const char *)data + 1, len - 1, to_head,
				  &response, &why)) {
		check(why != NULL);
		return 0;
	}
	check(response.framing != HTTP_UNTIL_CLOSE || !response.keep_alive);
	is_final = response.status >= 200;
	n = http1_response_write(&response, http10, written, sizeof(written),
				 &framing, &keep_alive);
	check(n > 0);
	check(!http10 || framing != HTTP_CHUNKED);
	check(http10 || framing != HTTP_UNTIL_CLOSE);
	if (n > HTTP_HEAD_MAX)
		return 0;
	/* A few fields of ours may be one more than a head can have. */
	if (!http1_response_parse(written, n, to_head, &again, &why)) {
		check(response.n_fields + 2 > HTTP_FIELDS_MAX);
		return 0;
	}
	check_same(&response, &again);
	check(again.framing == framing && !again.is_http10);
	check(!is_final || again.keep_alive == keep_alive);
	return 0;
}
