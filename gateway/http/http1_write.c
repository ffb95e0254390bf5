#include "http1.h"

#include <stdio.h>
#include <string.h>

/* --- writing heads --- */

/* Bytes written so far; @len runs on past @cap, where nothing is written. */
struct writer {
	char *bytes;
	size_t len, cap;
};

static void writer_init(struct writer *w, char *bytes, size_t cap)
{
	w->bytes = bytes;
	w->len = 0;
	w->cap = cap;
}

static void put_text(struct writer *w, struct http_text text)
{
	if (w->len <= w->cap && text.len <= w->cap - w->len && text.len > 0)
		memcpy(w->bytes + w->len, text.at, text.len);
	w->len += text.len;
}

static void put(struct writer *w, const char *string)
{
	put_text(w, text_of(string));
}

static void put_number(struct writer *w, uint64_t number)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%llu",
		       (unsigned long long)number);
	put(w, digits);
}

static void put_fields(struct writer *w, const struct http_field *fields,
		       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put_text(w, fields[i].name);
		put(w, ": ");
		put_text(w, fields[i].value);
		put(w, "\r\n");
	}
}

static void put_trailer(struct writer *w, struct http_text declared)
{
	if (declared.len == 0)
		return;
	put(w, "Trailer: ");
	put_text(w, declared);
	put(w, "\r\n");
}

static void put_length(struct writer *w, uint64_t length)
{
	put(w, "Content-Length: ");
	put_number(w, length);
	put(w, "\r\n");
}

static void put_upgrade(struct writer *w)
{
	put(w, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
}

/* Ends the head; its length, or 0 if it did not fit. */
static size_t put_end(struct writer *w)
{
	put(w, "\r\n");
	return w->len <= w->cap ? w->len : 0;
}

static void put_host(struct writer *w, const struct http_request *request)
{
	put(w, "Host: ");
	if (request->host.len == 0) {
		put_text(w, request->authority);
	} else {
		put(w, request->host.name);
		if (request->port != 0) {
			put(w, ":");
			put_number(w, request->port);
		}
	}
	put(w, "\r\n");
}

size_t http1_request_write(const struct http_request *request, char *bytes,
			   size_t cap)
{
	struct writer w;

	writer_init(&w, bytes, cap);
	put_text(&w, request->method);
	put(&w, " ");
	put_text(&w, request->path);
	put(&w, " HTTP/1.1\r\n");
	put_host(&w, request);
	put_fields(&w, request->fields, request->n_fields);
	if (request->framing == HTTP_LENGTH)
		put_length(&w, request->content_length);
	else if (request->framing == HTTP_CHUNKED)
		put(&w, "Transfer-Encoding: chunked\r\n");
	put_trailer(&w, request->trailers);
	if (request->expects_continue)
		put(&w, "Expect: 100-continue\r\n");
	if (request->wants_websocket)
		put_upgrade(&w);
	else if (request->takes_trailers)
		put(&w, "TE: trailers\r\nConnection: TE\r\n");
	return put_end(&w);
}

/* What a body becomes for the agent: its end must show in either version. */
static enum http_framing agent_framing(const struct http_response *response,
				       bool agent_http10)
{
	if (response->framing == HTTP_NO_BODY ||
	    response->framing == HTTP_LENGTH)
		return response->framing;
	return agent_http10 ? HTTP_UNTIL_CLOSE : HTTP_CHUNKED;
}

size_t http1_response_write(const struct http_response *response,
			    bool agent_http10, char *bytes, size_t cap,
			    enum http_framing *framing, bool *keep_alive)
{
	enum http_framing written = agent_framing(response, agent_http10);
	bool stays_open = *keep_alive && written != HTTP_UNTIL_CLOSE;
	bool is_final = response->status >= 200;
	struct writer w;

	writer_init(&w, bytes, cap);
	put(&w, "HTTP/1.1 ");
	put_number(&w, response->status);
	put(&w, " ");
	put_text(&w, response->reason);
	put(&w, "\r\n");
	put_fields(&w, response->fields, response->n_fields);
	if (written == HTTP_LENGTH || response->has_content_length)
		put_length(&w, response->content_length);
	else if (written == HTTP_CHUNKED)
		put(&w, "Transfer-Encoding: chunked\r\n");
	if (written == HTTP_CHUNKED)
		put_trailer(&w, response->trailers);
	if (response->is_websocket)
		put_upgrade(&w);
	else if (is_final && !stays_open)
		put(&w, "Connection: close\r\n");
	else if (is_final && agent_http10)
		put(&w, "Connection: keep-alive\r\n");
	if (put_end(&w) == 0)
		return 0;
	*framing = written;
	if (is_final)
		*keep_alive = stays_open;
	return w.len;
}

/* --- trailers --- */

bool http1_end_write(enum http_framing framing, struct http_text trailers,
		     struct http_text declared, char *bytes, size_t *len)
{
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t n = 0;
	struct writer w;

	if (trailers.len > 0 && !http1_trailers_parse(trailers, fields, &n))
		return false;
	*len = 0;
	if (framing != HTTP_CHUNKED)
		return true;
	writer_init(&w, bytes, HTTP1_END_MAX(trailers.len));
	put(&w, "0\r\n");
	for (size_t i = 0; i < n; i++)
		if (text_lists(declared, fields[i].name) &&
		    http_field_may_trail(fields[i].name))
			put_fields(&w, &fields[i], 1);
	*len = put_end(&w);
	return true;
}
