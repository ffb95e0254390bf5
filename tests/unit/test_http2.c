#include "http/http2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#define SEEN_MAX 4096
#define FIELDS 24

/* --- frames, written and read without nghttp2's help --- */

enum frame_type {
	DATA = 0,
	HEADERS = 1,
	PRIORITY = 2,
	RST_STREAM = 3,
	SETTINGS = 4,
	PUSH_PROMISE = 5,
	PING = 6,
	GOAWAY = 7,
	WINDOW_UPDATE = 8,
	CONTINUATION = 9,
	ALTSVC = 10,
	ORIGIN = 12,
};

enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8 };

struct bytes {
	uint8_t at[1 << 21];
	size_t len;
};

static void put(struct bytes *to, const void *bytes, size_t len)
{
	assert_true(len <= sizeof(to->at) - to->len);
	if (len > 0)
		memcpy(to->at + to->len, bytes, len);
	to->len += len;
}

static void put_frame(struct bytes *to, enum frame_type type, int flags,
		      int32_t stream, const void *payload, size_t len)
{
	const uint8_t head[9] = {
		(uint8_t)(len >> 16),
		(uint8_t)(len >> 8),
		(uint8_t)len,
		(uint8_t)type,
		(uint8_t)flags,
		(uint8_t)(stream >> 24),
		(uint8_t)(stream >> 16),
		(uint8_t)(stream >> 8),
		(uint8_t)stream,
	};

	put(to, head, sizeof(head));
	put(to, payload, len);
}

/* HPACK, RFC 7541 6.2.2: literal, not indexed, not Huffman coded. */
static void put_string(struct bytes *to, const char *string, size_t len)
{
	uint8_t digits[4] = { (uint8_t)(len < 127 ? len : 127) };
	size_t n = 1, rest = len - 127;

	for (; len >= 127; rest >>= 7) {
		digits[n] = (uint8_t)(rest & 127);
		if (rest < 128) {
			n++;
			break;
		}
		digits[n++] |= 128;
	}
	put(to, digits, n);
	put(to, string, len);
}

static void put_field(struct bytes *to, const char *name, const char *value)
{
	put(to, "", 1);
	put_string(to, name, strlen(name));
	put_string(to, value, strlen(value));
}

/* Names and values in turn, to NULL. */
static void put_block(struct bytes *to, const char *const *fields)
{
	for (; fields[0]; fields += 2)
		put_field(to, fields[0], fields[1]);
}

static void put_head(struct bytes *to, int32_t stream, int flags,
		     const char *const *fields)
{
	static struct bytes block;

	block.len = 0;
	put_block(&block, fields);
	put_frame(to, HEADERS, flags | END_HEADERS, stream, block.at,
		  block.len);
}

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/* --- a connection under test, and what came of it --- */

struct owned {
	struct seen *seen;
	int32_t stream;
	bool ended, closed, by_us, ready;
	uint32_t code;
	char got[SEEN_MAX];
	size_t got_len;
	unsigned heads, status;
	const char *body; /* to send, then the end */
	struct http2_trailers *trailers;
};

struct seen {
	struct http2 *http2;
	struct bytes out; /* what it said */
	char method[32], path[256], authority[256], fields[1024];
	const char *why;
	unsigned requests, refused, goaways;
	unsigned refused_status;
	int32_t refused_stream;
	bool alive;
	struct owned owned[4];
	size_t n_owned;
	bool owns;
	bool wants_websocket, has_content_length;
	enum http_framing framing;
};

static void copy(char *to, size_t cap, struct http_text text)
{
	(void)snprintf(to, cap, "%.*s", (int)text.len, text.at);
}

static void note_fields(char *to, size_t cap, const struct http_field *fields,
			size_t n)
{
	size_t len = 0;

	to[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(to + len, cap - len, "%.*s=%.*s\n",
					(int)fields[i].name.len,
					fields[i].name.at,
					(int)fields[i].value.len,
					fields[i].value.at);
}

static void on_request(void *arg, int32_t stream,
		       const struct http_request *request, bool ended)
{
	struct seen *seen = arg;
	struct owned *owned;

	seen->requests++;
	copy(seen->method, sizeof(seen->method), request->method);
	copy(seen->path, sizeof(seen->path), request->path);
	copy(seen->authority, sizeof(seen->authority), request->authority);
	note_fields(seen->fields, sizeof(seen->fields), request->fields,
		    request->n_fields);
	seen->framing = request->framing;
	seen->wants_websocket = request->wants_websocket;
	if (!seen->owns)
		return;
	owned = &seen->owned[seen->n_owned++];
	*owned = (struct owned){ .seen = seen,
				 .stream = stream,
				 .ended = ended };
	http2_own(seen->http2, stream, owned);
}

static void on_refused(void *arg, int32_t stream, unsigned status,
		       const char *why)
{
	struct seen *seen = arg;

	seen->refused++;
	seen->refused_stream = stream;
	seen->refused_status = status;
	seen->why = why;
}

static void on_response(void *owner, const struct http_response *response,
			bool ended)
{
	struct owned *owned = owner;

	owned->heads++;
	owned->status = response->status;
	owned->seen->has_content_length = response->has_content_length;
	owned->ended = ended;
	note_fields(owned->seen->fields, sizeof(owned->seen->fields),
		    response->fields, response->n_fields);
}

static void on_data(void *owner, const uint8_t *bytes, size_t len)
{
	struct owned *owned = owner;

	for (size_t i = 0; i < len && owned->got_len < SEEN_MAX; i++)
		owned->got[owned->got_len++] = (char)bytes[i];
}

static void on_ended(void *owner, struct http2_trailers *trailers)
{
	struct owned *owned = owner;

	owned->ended = true;
	owned->trailers = trailers;
}

static void on_closed(void *owner, uint32_t code, bool by_us)
{
	struct owned *owned = owner;

	owned->closed = true;
	owned->code = code;
	owned->by_us = by_us;
}

static size_t on_take(void *owner, uint8_t *bytes, size_t cap,
		      struct http2_end *end)
{
	struct owned *owned = owner;
	size_t n = owned->body ? strlen(owned->body) : 0;

	n = n < cap ? n : cap;
	if (n > 0)
		memcpy(bytes, owned->body, n);
	owned->body = NULL;
	end->ended = owned->ready;
	end->trailers = owned->ready ? owned->trailers : NULL;
	if (owned->ready)
		owned->trailers = NULL;
	return n;
}

static void on_goaway(void *arg)
{
	struct seen *seen = arg;

	seen->goaways++;
}

static const struct http2_events events = {
	.request = on_request,
	.refused = on_refused,
	.response = on_response,
	.data = on_data,
	.ended = on_ended,
	.closed = on_closed,
	.take = on_take,
	.goaway = on_goaway,
};

static struct seen *seen_new(enum http2_side side)
{
	struct seen *seen = calloc(1, sizeof(*seen));

	assert_non_null(seen);
	seen->owns = true;
	seen->alive = true;
	seen->http2 = http2_new(side, &events, seen);
	assert_non_null(seen->http2);
	return seen;
}

static void seen_free(struct seen *seen)
{
	for (size_t i = 0; i < seen->n_owned; i++)
		free(seen->owned[i].trailers);
	http2_free(seen->http2);
	free(seen);
}

static void pull(struct seen *seen)
{
	const uint8_t *bytes;
	ssize_t n;

	while ((n = http2_pull(seen->http2, &bytes)) > 0)
		put(&seen->out, bytes, (size_t)n);
	if (n < 0 || http2_is_over(seen->http2))
		seen->alive = false;
}

static void give(struct seen *seen, const struct bytes *bytes)
{
	seen->alive = http2_receive(seen->http2, bytes->at, bytes->len) &&
		      seen->alive;
	pull(seen);
}

/* The first frame of @type that it said, on @stream or on any (-1); NULL. */
static const uint8_t *said(const struct seen *seen, enum frame_type type,
			   int32_t stream)
{
	const uint8_t *at = seen->out.at, *end = at + seen->out.len;

	if (seen->out.len >= 24 && memcmp(at, preface, 24) == 0)
		at += 24;
	while (end - at >= 9) {
		size_t len = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
		int32_t on =
			(at[5] & 127) << 24 | at[6] << 16 | at[7] << 8 | at[8];

		assert_true(len <= (size_t)(end - at) - 9);
		if (at[3] == type && (stream < 0 || on == stream))
			return at;
		at += 9 + len;
	}
	return NULL;
}

static uint32_t u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static uint32_t reset_code(const struct seen *seen, int32_t stream)
{
	const uint8_t *frame = said(seen, RST_STREAM, stream);

	assert_non_null(frame);
	return u32(frame + 9);
}

static uint32_t goaway_code(const struct seen *seen)
{
	const uint8_t *frame = said(seen, GOAWAY, -1);

	assert_non_null(frame);
	return u32(frame + 13);
}

/* An agent's beginning; what follows is to be put behind it. */
static void begin_agent(struct bytes *bytes)
{
	bytes->len = 0;
	put(bytes, preface, 24);
	put_frame(bytes, SETTINGS, 0, 0, NULL, 0);
}

static void begin_origin(struct bytes *bytes)
{
	bytes->len = 0;
	put_frame(bytes, SETTINGS, 0, 0, NULL, 0);
}

static const char *const get[] = { ":method", "GET",        ":scheme",
				   "https",   ":authority", "a.test",
				   ":path",   "/x?y",       NULL };
static const char *const post[] = { ":method", "POST",       ":scheme",
				    "https",   ":authority", "a.test",
				    ":path",   "/",          NULL };

static struct bytes sent;

/* --- heads --- */

static void a_request_is_handed_on_whole(void **state)
{
	static const char *const fields[] = {
		":method",    "POST",        ":scheme",        "https",
		":authority", "a.test:8443", ":path",          "/p?q",
		"te",         "trailers",    "content-length", "5",
		"user-agent", "x",           "cookie",         "a=1",
		"cookie",     "b=2",         "alt-svc",        "h3",
		NULL,
	};
	struct seen *seen = seen_new(HTTP2_TO_AGENT);

	(void)state;
	begin_agent(&sent);
	put_head(&sent, 1, 0, fields);
	give(seen, &sent);
	assert_int_equal(seen->requests, 1);
	assert_string_equal(seen->method, "POST");
	assert_string_equal(seen->path, "/p?q");
	assert_string_equal(seen->authority, "a.test:8443");
	assert_string_equal(seen->fields, "te=trailers\nuser-agent=x\n"
					  "cookie=a=1\ncookie=b=2\n");
	assert_int_equal(seen->framing, HTTP_LENGTH);
	seen_free(seen);
}

static const struct refused_head {
	const char *fields[FIELDS];
	unsigned status; /* 0: reset, because nghttp2 would not have it */
} refused_heads[] = {
#define REST ":scheme", "https", ":authority", "a.test", ":path", "/"
	{ { ":method", "G T", REST }, 0 },
	{ { ":method", "CONNECT", ":authority", "a.test:443" }, 501 },
	{ { ":method", "TRACE", REST }, 501 },
	{ { ":method", "PRI", REST }, 400 },
	{ { ":method", "CONNECT", ":protocol", "websocket", REST }, 0 },
	{ { ":method", "GET", ":method", "GET", REST }, 0 },
	{ { REST }, 0 },
	{ { ":method", "GET", REST, ":path", "/" }, 0 },
	{ { ":method", "GET", REST, ":unknown", "x" }, 0 },
	{ { ":method", "GET", "x", "y", REST }, 0 },
	{ { ":method", "GET", REST, "host", "b.test" }, 400 },
	{ { ":method", "GET", REST, "host", "a.test:444" }, 400 },
	{ { ":method", "GET", REST, "host", "a.test", "host", "a.test" }, 0 },
	{ { ":method", "GET", REST, "connection", "close" }, 0 },
	{ { ":method", "GET", REST, "transfer-encoding", "chunked" }, 0 },
	{ { ":method", "GET", REST, "upgrade", "h2c" }, 0 },
	{ { ":method", "GET", REST, "http2-settings", "AAA" }, 400 },
	{ { ":method", "GET", REST, "keep-alive", "1" }, 0 },
	{ { ":method", "GET", REST, "proxy-connection", "x" }, 0 },
	{ { ":method", "GET", REST, "te", "gzip" }, 0 },
	{ { ":method", "GET", REST, "X-Upper", "x" }, 0 },
	{ { ":method", "GET", REST, "x y", "x" }, 400 },
	{ { ":method", "GET", REST, "x", "a\r\nb: c" }, 400 },
	{ { ":method", "GET", REST, "x", "a\nb" }, 400 },
	{ { ":method", "GET", REST, "x", "a\x01" }, 400 },
	{ { ":method", "GET", REST, "x", " a" }, 400 },
	{ { ":method", "GET", REST, "x", "a\t" }, 400 },
	{ { ":method", "GET", REST, "", "a" }, 400 },
	{ { ":method", "GET", REST, "content-length", "1x" }, 0 },
	{ { ":method", "GET", REST, "content-length", "+1" }, 0 },
	{ { ":method", "GET", REST, "content-length", "1", "content-length",
	    "1" },
	  0 },
	{ { ":method", "GET", REST, "content-length", "5" }, 0 },
	{ { ":method", "GET", REST, "expect", "something" }, 417 },
#undef REST
#define REST ":method", "GET", ":authority", "a.test", ":path", "/"
	{ { ":scheme", "ftp", REST }, 400 },
	{ { ":scheme", "HTTPS", REST }, 400 },
	{ { REST }, 0 },
#undef REST
#define REST ":method", "GET", ":scheme", "https", ":authority", "a.test"
	{ { REST }, 0 },
	{ { REST, ":path", "" }, 0 },
	{ { REST, ":path", "*" }, 0 },
	{ { REST, ":path", "x" }, 0 },
	{ { REST, ":path", "/a b" }, 0 },
	{ { REST, ":path", "/a#b" }, 400 },
	{ { REST, ":path", "https://a.test/" }, 0 },
	{ { REST, ":path", "/\x80" }, 400 },
#undef REST
#define REST ":method", "GET", ":scheme", "https", ":path", "/"
	{ { REST }, 0 },
	{ { REST, ":authority", "" }, 0 },
	{ { REST, ":authority", "u@a.test" }, 400 },
	{ { REST, ":authority", "u:p@a.test" }, 400 },
	{ { REST, ":authority", "a.test:" }, 400 },
	{ { REST, ":authority", "a.test:0443" }, 400 },
	{ { REST, ":authority", "a.test:99999" }, 400 },
	{ { REST, ":authority", "a.test/x" }, 0 },
	{ { REST, ":authority", "a.test,b.test" }, 400 },
	{ { REST, ":authority", "a.test " }, 0 },
	{ { REST, ":authority", "a.test\tb" }, 0 },
	{ { REST, ":authority", "[::1" }, 400 },
#undef REST
};

static void heads_with_two_readings_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused_heads) / sizeof(*refused_heads);
	     i++) {
		const struct refused_head *row = &refused_heads[i];
		struct seen *seen = seen_new(HTTP2_TO_AGENT);

		begin_agent(&sent);
		put_head(&sent, 1, END_STREAM, row->fields);
		put_head(&sent, 3, END_STREAM, get);
		give(seen, &sent);
		if (seen->refused != 1 || seen->refused_stream != 1 ||
		    seen->refused_status != row->status || seen->requests != 1)
			fail_msg(
				"head %zu (... %s): refused %u with %u, passed %u",
				i, row->fields[7] ? row->fields[7] : "",
				seen->refused, seen->refused_status,
				seen->requests);
		if (row->status == 0)
			assert_int_equal(reset_code(seen, 1),
					 HTTP2_PROTOCOL_ERROR);
		seen_free(seen);
	}
}

static void heads_are_bounded(void **state)
{
	static char large[40000];
	struct seen *seen = seen_new(HTTP2_TO_AGENT);
	static struct bytes block;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	begin_agent(&sent);
	/* Too many bytes, too many fields, and as many as may be. */
	for (int32_t stream = 1; stream <= 5; stream += 2) {
		block.len = 0;
		put_block(&block, get);
		for (int i = 0; i < (stream == 3 ? 101 : 100); i++)
			put_field(&block, "x", "");
		if (stream == 1) {
			block.len = 0;
			put_block(&block, get);
			put_field(&block, "x", large);
			put_field(&block, "y", large);
		}
		put_frame(&sent, HEADERS, END_STREAM, stream, block.at, 100);
		for (size_t at = 100; at < block.len; at += 16000)
			put_frame(&sent, CONTINUATION,
				  block.len - at <= 16000 ? END_HEADERS : 0,
				  stream, block.at + at,
				  block.len - at < 16000 ? block.len - at
							 : 16000);
		give(seen, &sent);
		sent.len = 0;
		assert_int_equal(seen->requests, stream == 5);
		if (stream < 5)
			assert_int_equal(seen->refused_status, 431);
	}
	assert_int_equal(seen->refused, 2);
	seen_free(seen);
}

static const struct refused_response {
	const char *fields[FIELDS];
	int flags;
} refused_responses[] = {
	{ { ":status", "99" }, 0 },
	{ { ":status", "600" }, 0 },
	{ { ":status", "2000" }, 0 },
	{ { ":status", "101" }, 0 },
	{ { ":status", "103" }, END_STREAM },
	{ { "x", "y" }, 0 },
	{ { ":status", "200", ":status", "200" }, 0 },
	{ { ":status", "200", ":path", "/" }, 0 },
	{ { ":status", "200", "connection", "close" }, 0 },
	{ { ":status", "200", "x", "a\nb" }, 0 },
	{ { ":status", "200", "transfer-encoding", "chunked" }, 0 },
	{ { ":status", "200", "content-length", "5" }, END_STREAM },
	{ { ":status", "200", "content-length", "5", "content-length", "6" },
	  0 },
};

static struct http_request request_to(const char *name)
{
	struct http_request request = {
		.method = { "GET", 3 },
		.path = { "/", 1 },
	};

	assert_true(domain_parse(&request.host, name, strlen(name)));
	return request;
}

static struct owned *open_stream(struct seen *seen, bool ended)
{
	struct owned *owned = &seen->owned[seen->n_owned++];
	struct http_request request = request_to("a.test");

	*owned = (struct owned){ .seen = seen };
	owned->stream = http2_request(seen->http2, &request, ended, owned);
	assert_true(owned->stream > 0);
	return owned;
}

static void unsound_responses_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0;
	     i < sizeof(refused_responses) / sizeof(*refused_responses); i++) {
		const struct refused_response *row = &refused_responses[i];
		struct seen *seen = seen_new(HTTP2_TO_ORIGIN);
		struct owned *owned = open_stream(seen, true);

		pull(seen);
		begin_origin(&sent);
		put_head(&sent, owned->stream, row->flags, row->fields);
		if (row->flags == 0)
			put_frame(&sent, DATA, END_STREAM, owned->stream,
				  "hello", 5);
		give(seen, &sent);
		if (owned->heads != 0 || owned->got_len != 0 ||
		    !owned->closed || !owned->by_us)
			fail_msg("response %zu: %u heads, closed %d by us %d",
				 i, owned->heads, owned->closed, owned->by_us);
		seen_free(seen);
	}
}

static void content_length_is_held_to_the_data(void **state)
{
	static const char *const fields[] = {
		":method",        "POST",   ":scheme", "https",
		":authority",     "a.test", ":path",   "/",
		"content-length", "5",      NULL,
	};
	static const char *const bodies[] = { "hell", "hello!", "" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct seen *seen = seen_new(HTTP2_TO_AGENT);

		begin_agent(&sent);
		put_head(&sent, 1, 0, fields);
		put_frame(&sent, DATA, END_STREAM, 1, bodies[i],
			  strlen(bodies[i]));
		give(seen, &sent);
		assert_int_equal(reset_code(seen, 1), HTTP2_PROTOCOL_ERROR);
		assert_false(seen->owned[0].ended);
		assert_true(seen->owned[0].closed && seen->owned[0].by_us);
		seen_free(seen);
	}
}

/* --- both sides of a connection --- */

static void cross(struct seen *from, struct seen *to)
{
	size_t had = from->out.len;

	pull(from);
	assert_true(http2_receive(to->http2, from->out.at + had,
				  from->out.len - had));
}

static void settle(struct seen *a, struct seen *b)
{
	for (int i = 0; i < 4; i++) {
		cross(a, b);
		cross(b, a);
	}
}

static struct http_response response_of(uint16_t status)
{
	return (struct http_response){ .status = status };
}

static void a_whole_exchange_passes(void **state)
{
	struct seen *origin = seen_new(HTTP2_TO_ORIGIN);
	struct seen *agent = seen_new(HTTP2_TO_AGENT);
	struct owned *there = open_stream(origin, false), *here;
	struct http_response response = response_of(103);

	(void)state;
	there->body = "question";
	settle(origin, agent);
	here = &agent->owned[0];
	assert_int_equal(agent->requests, 1);
	assert_memory_equal(here->got, "question", 8);
	assert_false(here->ended);
	there->ready = true;
	http2_resume(origin->http2, there->stream);
	settle(origin, agent);
	assert_true(here->ended);

	assert_int_equal(
		http2_respond(agent->http2, here->stream, &response, false), 0);
	settle(origin, agent);
	assert_int_equal(there->status, 103);
	response = response_of(200);
	assert_int_equal(
		http2_respond(agent->http2, here->stream, &response, false), 0);
	here->body = "answer";
	settle(origin, agent);
	assert_int_equal(there->status, 200);
	assert_memory_equal(there->got, "answer", 6);
	assert_false(there->ended);

	/* Trailers follow, and no frame without payload before them. */
	here->ready = true;
	here->trailers =
		malloc(sizeof(*here->trailers) + sizeof(struct http_field));
	assert_non_null(here->trailers);
	here->trailers->n = 1;
	here->trailers->fields[0] =
		(struct http_field){ { "grpc-status", 11 }, { "0", 1 } };
	http2_resume(agent->http2, here->stream);
	settle(origin, agent);
	assert_true(there->ended);
	assert_non_null(there->trailers);
	assert_int_equal(there->trailers->n, 1);
	assert_memory_equal(there->trailers->fields[0].value.at, "0", 1);
	assert_true(there->closed && here->closed);
	assert_int_equal(there->code, HTTP2_NO_ERROR);
	seen_free(origin);
	seen_free(agent);
}

static void trailers_that_route_are_left_out(void **state)
{
	static const char *const fields[] = { "x-sum",
					      "1",
					      "content-type",
					      "x",
					      "authorization",
					      "y",
					      "cookie",
					      "z",
					      "y-sum",
					      "2",
					      NULL };
	struct seen *seen = seen_new(HTTP2_TO_AGENT);
	char text[64];

	(void)state;
	begin_agent(&sent);
	put_head(&sent, 1, 0, post);
	put_head(&sent, 1, END_STREAM, fields);
	give(seen, &sent);
	assert_true(seen->owned[0].ended);
	assert_non_null(seen->owned[0].trailers);
	note_fields(text, sizeof(text), seen->owned[0].trailers->fields,
		    seen->owned[0].trailers->n);
	assert_string_equal(text, "x-sum=1\ny-sum=2\n");
	seen_free(seen);
}

static void windows_open_only_when_consumed(void **state)
{
	static const uint8_t zeros[16384];
	struct seen *seen = seen_new(HTTP2_TO_AGENT);

	(void)state;
	begin_agent(&sent);
	put_head(&sent, 1, 0, post);
	give(seen, &sent);
	sent.len = 0;
	for (int i = 0; i < 3; i++)
		put_frame(&sent, DATA, 0, 1, zeros, sizeof(zeros));
	give(seen, &sent);
	assert_null(said(seen, WINDOW_UPDATE, 1));
	http2_consume(seen->http2, 1, sizeof(zeros) * 3);
	pull(seen);
	assert_non_null(said(seen, WINDOW_UPDATE, 1));
	/* More than the window is the end of the stream. */
	sent.len = 0;
	for (int i = 0; i < 5; i++)
		put_frame(&sent, DATA, 0, 1, zeros, sizeof(zeros));
	give(seen, &sent);
	assert_true(said(seen, RST_STREAM, 1) || said(seen, GOAWAY, 0));
	assert_true(seen->owned[0].got_len <= SEEN_MAX);
	seen_free(seen);
}

/* Says @n times 16 KiB on the first stream. */
static void give_data(struct seen *seen, int n)
{
	static const uint8_t zeros[16384];

	sent.len = 0;
	for (int i = 0; i < n; i++)
		put_frame(&sent, DATA, 0, 1, zeros, sizeof(zeros));
	give(seen, &sent);
}

static void a_window_widens_where_its_bytes_are_taken(void **state)
{
	struct seen *seen = seen_new(HTTP2_TO_AGENT);

	(void)state;
	begin_agent(&sent);
	put_head(&sent, 1, 0, post);
	give(seen, &sent);
	/* Not before a window's worth. */
	give_data(seen, 3);
	http2_consume(seen->http2, 1, (size_t)3 * 16384);
	http2_widen(seen->http2, 1);
	give_data(seen, 3);
	http2_consume(seen->http2, 1, (size_t)3 * 16384);
	http2_widen(seen->http2, 1);
	pull(seen);
	give_data(seen, 7);
	assert_null(said(seen, RST_STREAM, 1));
	assert_null(said(seen, GOAWAY, 0));
	/* Twice as wide, and no wider. */
	give_data(seen, 2);
	assert_true(said(seen, RST_STREAM, 1) || said(seen, GOAWAY, 0));
	seen_free(seen);
}

static void no_window_grows_beyond_its_limit(void **state)
{
	struct seen *seen = seen_new(HTTP2_TO_AGENT);
	const size_t most = HTTP2_WINDOW_MAX / 16384;

	(void)state;
	begin_agent(&sent);
	put_head(&sent, 1, 0, post);
	give(seen, &sent);
	for (int i = 0; i < 1000; i++) {
		give_data(seen, 3);
		http2_consume(seen->http2, 1, (size_t)3 * 16384);
		http2_widen(seen->http2, 1);
		pull(seen);
	}
	assert_null(said(seen, RST_STREAM, 1));
	give_data(seen, (int)most + 1);
	assert_true(said(seen, RST_STREAM, 1) || said(seen, GOAWAY, 0));
	seen_free(seen);
}

static void a_stopped_agent_is_told_after_the_answer(void **state)
{
	struct seen *seen = seen_new(HTTP2_TO_AGENT);
	const struct http_response response = response_of(403);
	const uint8_t *end, *reset;

	(void)state;
	begin_agent(&sent);
	put_head(&sent, 1, 0, post);
	give(seen, &sent);
	assert_int_equal(http2_respond(seen->http2, 1, &response, false), 0);
	seen->owned[0].body = "no";
	seen->owned[0].ready = true;
	http2_stop(seen->http2, 1);
	pull(seen);
	end = said(seen, DATA, 1);
	reset = said(seen, RST_STREAM, 1);
	assert_non_null(end);
	assert_non_null(reset);
	assert_true(end < reset);
	assert_int_equal(reset_code(seen, 1), HTTP2_NO_ERROR);
	seen_free(seen);
}

static void resets_pass_with_their_code(void **state)
{
	struct seen *seen = seen_new(HTTP2_TO_ORIGIN);
	struct owned *owned = open_stream(seen, true);

	(void)state;
	pull(seen);
	begin_origin(&sent);
	put_frame(&sent, RST_STREAM, 0, owned->stream, "\0\0\0\x0d", 4);
	give(seen, &sent);
	assert_true(owned->closed);
	assert_int_equal(owned->code, 0xd);
	assert_false(owned->by_us);
	seen_free(seen);
}

static void a_goaway_refuses_what_it_does_not_answer(void **state)
{
	struct seen *seen = seen_new(HTTP2_TO_ORIGIN);
	struct owned *first = open_stream(seen, true);
	struct owned *second = open_stream(seen, true);

	(void)state;
	pull(seen);
	begin_origin(&sent);
	put_frame(&sent, GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8);
	give(seen, &sent);
	assert_int_equal(seen->goaways, 1);
	assert_false(first->closed);
	assert_true(second->closed);
	assert_int_equal(second->code, HTTP2_REFUSED_STREAM);
	seen_free(seen);
}

static void requests_wait_for_the_origins_limit(void **state)
{
	struct seen *seen = seen_new(HTTP2_TO_ORIGIN);
	static const char *const ok[] = { ":status", "200", NULL };
	struct owned *first, *second, *third;

	(void)state;
	pull(seen);
	sent.len = 0;
	put_frame(&sent, SETTINGS, 0, 0, "\0\3\0\0\0\1", 6);
	give(seen, &sent);
	first = open_stream(seen, true);
	second = open_stream(seen, true);
	third = open_stream(seen, true);
	pull(seen);
	assert_non_null(said(seen, HEADERS, first->stream));
	assert_null(said(seen, HEADERS, second->stream));
	/* One that is given up while it waits is never sent. */
	http2_reset(seen->http2, second->stream, HTTP2_CANCEL);
	sent.len = 0;
	put_head(&sent, first->stream, END_STREAM, ok);
	give(seen, &sent);
	assert_true(first->closed);
	assert_null(said(seen, HEADERS, second->stream));
	assert_non_null(said(seen, HEADERS, third->stream));
	assert_false(second->closed);
	seen_free(seen);
}

/* --- what is not carried --- */

static void pushes_are_refused(void **state)
{
	struct seen *seen = seen_new(HTTP2_TO_ORIGIN);
	struct owned *owned = open_stream(seen, true);
	static struct bytes block;

	(void)state;
	pull(seen);
	begin_origin(&sent);
	block.len = 0;
	put(&block, "\0\0\0\2", 4);
	put_block(&block, get);
	put_frame(&sent, PUSH_PROMISE, END_HEADERS, owned->stream, block.at,
		  block.len);
	give(seen, &sent);
	assert_int_equal(reset_code(seen, 2), HTTP2_CANCEL);
	/* It has read our settings, and pushes all the same. */
	sent.len = 0;
	put_frame(&sent, SETTINGS, ACK, 0, NULL, 0);
	put_frame(&sent, PUSH_PROMISE, END_HEADERS, owned->stream, block.at,
		  block.len);
	give(seen, &sent);
	assert_int_equal(goaway_code(seen), HTTP2_PROTOCOL_ERROR);
	assert_false(seen->alive);
	seen_free(seen);
}

static void frames_that_lead_elsewhere_are_passed_over(void **state)
{
	struct seen *seen = seen_new(HTTP2_TO_ORIGIN);
	struct owned *owned = open_stream(seen, true);
	static const char *const ok[] = { ":status", "200", "alt-svc", "h3",
					  "x",       "y",   NULL };

	(void)state;
	pull(seen);
	begin_origin(&sent);
	put_frame(&sent, ALTSVC, 0, 0, "\0\6a.testh3=\":1\"", 15);
	put_frame(&sent, ORIGIN, 0, 0, "\0\6b.test", 8);
	put_head(&sent, owned->stream, END_STREAM, ok);
	give(seen, &sent);
	assert_true(seen->alive);
	assert_int_equal(owned->status, 200);
	assert_string_equal(seen->fields, "x=y\n");
	seen_free(seen);
}

static void extended_connect_is_not_offered(void **state)
{
	struct seen *seen = seen_new(HTTP2_TO_AGENT);
	const uint8_t *settings;
	size_t len;

	(void)state;
	pull(seen);
	settings = said(seen, SETTINGS, 0);
	assert_non_null(settings);
	len = (size_t)settings[1] << 8 | settings[2];
	for (size_t at = 9; at < 9 + len; at += 6)
		assert_int_not_equal(settings[at + 1], 8);
	seen_free(seen);
}

/* A WebSocket's request, with @more behind it. */
static void put_websocket(struct bytes *to, int32_t stream, int flags,
			  const char *protocol, const char *name,
			  const char *value)
{
	const char *const fields[] = {
		":method", "CONNECT",    ":protocol", protocol, ":scheme",
		"https",   ":authority", "a.test",    ":path",  "/chat",
		name,      value,        NULL,
	};

	put_head(to, stream, flags, fields);
}

static void a_websocket_is_opened_where_it_is_offered(void **state)
{
	struct seen *agent = seen_new(HTTP2_TO_AGENT);
	const uint8_t *settings;

	(void)state;
	pull(agent);
	agent->out.len = 0;
	http2_offer_websockets(agent->http2);
	http2_offer_websockets(agent->http2);
	pull(agent);
	settings = said(agent, SETTINGS, 0);
	assert_non_null(settings);
	assert_int_equal(agent->out.len, 9 + 6);
	assert_memory_equal(settings + 9, "\0\x08\0\0\0\1", 6);

	begin_agent(&sent);
	put_websocket(&sent, 1, 0, "WebSocket", "sec-websocket-version", "13");
	give(agent, &sent);
	assert_int_equal(agent->requests, 1);
	assert_true(agent->wants_websocket);
	assert_string_equal(agent->method, "CONNECT");
	assert_string_equal(agent->path, "/chat");
	assert_string_equal(agent->fields, "sec-websocket-version=13\n");
	/* Any other request is none. */
	sent.len = 0;
	put_head(&sent, 3, END_STREAM, get);
	give(agent, &sent);
	assert_int_equal(agent->requests, 2);
	assert_false(agent->wants_websocket);
	seen_free(agent);
}

static void what_is_no_websocket_is_refused(void **state)
{
	static const struct {
		const char *protocol, *name, *value;
		unsigned status;
	} rows[] = {
		{ "connect-udp", "x", "y", 501 },
		{ "", "x", "y", 0 },
		{ "websocket", "content-length", "5", 400 },
		{ "websocket", "expect", "100-continue", 400 },
		{ "websocket", ":protocol", "websocket", 0 },
	};
	static const char *const get_protocol[] = {
		":method", "GET",   ":protocol",  "websocket",
		":scheme", "https", ":authority", "a.test",
		":path",   "/chat", NULL,
	};

	(void)state;
	for (size_t i = 0; i <= sizeof(rows) / sizeof(*rows); i++) {
		struct seen *agent = seen_new(HTTP2_TO_AGENT);
		bool get_it = i == sizeof(rows) / sizeof(*rows);

		http2_offer_websockets(agent->http2);
		begin_agent(&sent);
		if (get_it)
			put_head(&sent, 1, 0, get_protocol);
		else
			put_websocket(&sent, 1, 0, rows[i].protocol,
				      rows[i].name, rows[i].value);
		give(agent, &sent);
		pull(agent);
		assert_int_equal(agent->requests, 0);
		assert_int_equal(agent->refused, 1);
		assert_int_equal(agent->refused_status,
				 get_it ? 0 : rows[i].status);
		seen_free(agent);
	}
}

static void a_websocket_is_asked_for_of_who_takes_it(void **state)
{
	struct seen *origin = seen_new(HTTP2_TO_ORIGIN);
	struct seen *agent = seen_new(HTTP2_TO_AGENT);
	struct http_request request = request_to("a.test");
	struct http_response response = response_of(200);
	struct owned *there = &origin->owned[origin->n_owned++], *here;

	(void)state;
	assert_int_equal(http2_websockets(origin->http2),
			 HTTP2_WEBSOCKETS_NOT_SAID);
	settle(origin, agent);
	assert_int_equal(http2_websockets(origin->http2),
			 HTTP2_WEBSOCKETS_REFUSED);
	http2_offer_websockets(agent->http2);
	settle(origin, agent);
	assert_int_equal(http2_websockets(origin->http2),
			 HTTP2_WEBSOCKETS_TAKEN);

	request.method = (struct http_text){ "CONNECT", 7 };
	request.wants_websocket = true;
	*there = (struct owned){ .seen = origin };
	there->stream = http2_request(origin->http2, &request, false, there);
	assert_true(there->stream > 0);
	settle(origin, agent);
	assert_true(agent->wants_websocket);
	here = &agent->owned[0];

	/* A length that it cannot have is no part of the answer. */
	response.has_content_length = true;
	response.content_length = 5;
	assert_int_equal(
		http2_respond(agent->http2, here->stream, &response, false), 0);
	here->body = "more than five bytes";
	settle(origin, agent);
	assert_int_equal(there->status, 200);
	assert_memory_equal(there->got, "more than five bytes", 20);
	assert_false(origin->has_content_length);

	/* One side has ended; the other goes on. */
	there->ready = true;
	http2_resume(origin->http2, there->stream);
	settle(origin, agent);
	assert_true(here->ended && !here->closed && !there->ended);
	here->ready = true;
	http2_resume(agent->http2, here->stream);
	settle(origin, agent);
	assert_true(there->ended && here->closed && there->closed);
	assert_int_equal(there->code, HTTP2_NO_ERROR);
	seen_free(origin);
	seen_free(agent);
}

static void a_websocket_has_no_trailers(void **state)
{
	static const char *const trailers[] = { "x-sum", "1", NULL };
	struct seen *agent = seen_new(HTTP2_TO_AGENT);

	(void)state;
	http2_offer_websockets(agent->http2);
	begin_agent(&sent);
	put_websocket(&sent, 1, 0, "websocket", "x", "y");
	put_head(&sent, 1, END_STREAM, trailers);
	give(agent, &sent);
	pull(agent);
	assert_non_null(said(agent, RST_STREAM, 1));
	assert_false(agent->owned[0].ended);
	seen_free(agent);
}

/* --- floods --- */

/* Feeds rounds of what @round puts until it ends, at most @most of them. */
static unsigned flood(struct seen *seen, unsigned most,
		      void (*round)(struct bytes *bytes, unsigned i))
{
	begin_agent(&sent);
	for (unsigned i = 0; i < most; i++) {
		round(&sent, i);
		seen->out.len = 0;
		give(seen, &sent);
		sent.len = 0;
		if (!seen->alive)
			return i;
	}
	return most;
}

static void one_ping(struct bytes *bytes, unsigned i)
{
	(void)i;
	put_frame(bytes, PING, 0, 0, "12345678", 8);
}

static void one_settings(struct bytes *bytes, unsigned i)
{
	(void)i;
	put_frame(bytes, SETTINGS, 0, 0, NULL, 0);
}

static void one_priority(struct bytes *bytes, unsigned i)
{
	put_frame(bytes, PRIORITY, 0, (int32_t)(i * 2 + 1), "\0\0\0\0\1", 5);
}

static void one_empty_data(struct bytes *bytes, unsigned i)
{
	if (i == 0)
		put_head(bytes, 1, 0, post);
	put_frame(bytes, DATA, PADDED, 1, "\3\0\0\0", 4);
}

static void one_window(struct bytes *bytes, unsigned i)
{
	(void)i;
	put_frame(bytes, WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4);
}

/* RFC 9113 5.5: to be passed over, but not for ever. */
static void one_unknown(struct bytes *bytes, unsigned i)
{
	(void)i;
	put_frame(bytes, 0x42, 0, 0, "anything", 8);
}

/* Of a stream that is over, the answer to which nobody waits for. */
static void one_late_head(struct bytes *bytes, unsigned i)
{
	if (i == 0) {
		put_head(bytes, 1, END_STREAM, get);
		put_frame(bytes, RST_STREAM, 0, 1, "\0\0\0\10", 4);
	}
	put_head(bytes, 1, END_STREAM, get);
}

static void one_late_end(struct bytes *bytes, unsigned i)
{
	if (i == 0) {
		put_head(bytes, 1, END_STREAM, get);
		put_frame(bytes, RST_STREAM, 0, 1, "\0\0\0\10", 4);
	}
	put_frame(bytes, DATA, 0, 1, NULL, 0);
}

static void one_malformed(struct bytes *bytes, unsigned i)
{
	static const char *const bad[] = { ":method", "GET", NULL };

	put_head(bytes, (int32_t)(i * 2 + 1), END_STREAM, bad);
}

static void one_refused(struct bytes *bytes, unsigned i)
{
	static const char *const bad[] = {
		":method", "TRACE",      ":scheme", "https", ":path",
		"/",       ":authority", "a.test",  NULL,
	};

	put_head(bytes, (int32_t)(i * 2 + 1), END_STREAM, bad);
	put_frame(bytes, RST_STREAM, 0, (int32_t)(i * 2 + 1), "\0\0\0\10", 4);
}

/* CVE-2025-8671: our reset, but for what the agent did. */
static void one_made_reset(struct bytes *bytes, unsigned i)
{
	int32_t stream = (int32_t)(i * 2 + 1);

	put_head(bytes, stream, 0, post);
	put_frame(bytes, WINDOW_UPDATE, 0, stream, "\x7f\xff\xff\xff", 4);
}

/* CVE-2023-44487 */
static void one_rapid_reset(struct bytes *bytes, unsigned i)
{
	int32_t stream = (int32_t)(i * 2 + 1);

	put_head(bytes, stream, END_STREAM, get);
	put_frame(bytes, RST_STREAM, 0, stream, "\0\0\0\10", 4);
}

static void floods_end_the_connection(void **state)
{
	static const struct {
		void (*round)(struct bytes *bytes, unsigned i);
		unsigned most;
	} floods[] = {
		{ one_ping, HTTP2_EMPTY_MAX },
		{ one_settings, HTTP2_EMPTY_MAX },
		{ one_priority, HTTP2_EMPTY_MAX },
		{ one_empty_data, HTTP2_EMPTY_MAX + HTTP2_EMPTY_FORGIVEN },
		{ one_window, HTTP2_EMPTY_MAX },
		{ one_unknown, HTTP2_EMPTY_MAX },
		{ one_late_head, HTTP2_EMPTY_MAX },
		{ one_late_end, HTTP2_EMPTY_MAX },
		{ one_malformed, HTTP2_ANOMALIES_MAX },
		{ one_refused, HTTP2_ANOMALIES_MAX },
		{ one_made_reset, HTTP2_ANOMALIES_MAX },
		{ one_rapid_reset, HTTP2_RESETS_BURST + HTTP2_RESETS_PER_S },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(floods) / sizeof(*floods); i++) {
		struct seen *seen = seen_new(HTTP2_TO_AGENT);
		unsigned n;

		seen->owns = false;
		n = flood(seen, floods[i].most + 8, floods[i].round);
		if (n > floods[i].most)
			fail_msg("flood %zu went on for %u", i, n);
		assert_true(http2_is_over(seen->http2));
		assert_non_null(said(seen, GOAWAY, 0));
		seen_free(seen);
	}
}

static void work_makes_up_for_empty_frames(void **state)
{
	struct seen *seen = seen_new(HTTP2_TO_AGENT);

	(void)state;
	begin_agent(&sent);
	put_head(&sent, 1, 0, post);
	for (unsigned i = 0; i < 4 * HTTP2_EMPTY_MAX; i++) {
		one_window(&sent, i);
		if (i % HTTP2_EMPTY_FORGIVEN == 0)
			put_frame(&sent, DATA, 0, 1, "x", 1);
		give(seen, &sent);
		sent.len = 0;
		assert_true(seen->alive);
	}
	seen_free(seen);
}

/* CVE-2024-28182 */
static void endless_heads_end_the_connection(void **state)
{
	struct seen *seen = seen_new(HTTP2_TO_AGENT);
	static struct bytes block;
	unsigned i;

	(void)state;
	begin_agent(&sent);
	block.len = 0;
	put_block(&block, get);
	put_frame(&sent, HEADERS, END_STREAM, 1, block.at, block.len);
	for (i = 0; i < 2 * HTTP2_CONTINUATIONS_MAX && seen->alive; i++) {
		put_frame(&sent, CONTINUATION, 0, 1, "\0\1x\1y", 5);
		give(seen, &sent);
		sent.len = 0;
		assert_true(http2_is_reading_head(seen->http2));
	}
	assert_true(i <= HTTP2_CONTINUATIONS_MAX + 1);
	assert_int_equal(seen->requests, 0);
	seen_free(seen);
}

static void a_continuation_is_no_longer_than_a_frame(void **state)
{
	const size_t most = 16384;
	static char value[16384];
	static struct bytes block;

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		struct seen *seen = seen_new(HTTP2_TO_AGENT);

		begin_agent(&sent);
		block.len = 0;
		put_block(&block, get);
		put_frame(&sent, HEADERS, END_STREAM, 1, block.at, block.len);
		/* Six bytes go before the value. */
		memset(value, 0, sizeof(value));
		memset(value, 'y', most + more - 6);
		block.len = 0;
		put_field(&block, "x", value);
		assert_int_equal(block.len, most + more);
		put_frame(&sent, CONTINUATION, END_HEADERS, 1, block.at,
			  block.len);
		give(seen, &sent);
		pull(seen);
		if (more)
			assert_int_equal(goaway_code(seen),
					 HTTP2_FRAME_SIZE_ERROR);
		else
			assert_int_equal(seen->requests, 1);
		seen_free(seen);
	}
}

/* A block of a few bytes that decodes to megabytes. */
static void compressed_bombs_end_the_connection(void **state)
{
	static char large[3900];
	struct seen *seen = seen_new(HTTP2_TO_AGENT);
	static struct bytes block;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	begin_agent(&sent);
	block.len = 0;
	put_block(&block, get);
	put(&block, "\x40", 1); /* indexed from now on, as 62 */
	put_string(&block, "x", 1);
	put_string(&block, large, sizeof(large) - 1);
	for (int i = 0; i < 8000; i++)
		put(&block, "\xbe", 1);
	put_frame(&sent, HEADERS, END_STREAM | END_HEADERS, 1, block.at,
		  block.len);
	give(seen, &sent);
	assert_false(seen->alive);
	assert_int_equal(goaway_code(seen), HTTP2_ENHANCE_YOUR_CALM);
	assert_int_equal(seen->requests, 0);
	seen_free(seen);
}

static void unread_answers_are_bounded(void **state)
{
	struct seen *seen = seen_new(HTTP2_TO_AGENT);
	unsigned i;

	(void)state;
	begin_agent(&sent);
	for (i = 0; i < 10 * HTTP2_ACKS_MAX; i++) {
		one_ping(&sent, i);
		if (!http2_receive(seen->http2, sent.at, sent.len))
			break;
		sent.len = 0;
	}
	assert_true(i <= HTTP2_ACKS_MAX + 1);
	seen_free(seen);
}

static void unread_heads_are_bounded(void **state)
{
	static char large[60000];
	struct seen *seen = seen_new(HTTP2_TO_ORIGIN);
	struct http_request request = request_to("a.test");
	const size_t most = HTTP2_HEADS_MAX / sizeof(large);
	size_t n = 0;

	(void)state;
	memset(large, 'x', sizeof(large));
	request.fields[0] =
		(struct http_field){ { "x", 1 }, { large, sizeof(large) } };
	request.n_fields = 1;
	while (n <= most &&
	       http2_request(seen->http2, &request, true, &seen->owned[0]) > 0)
		n++;
	assert_in_range(n, most - 1, most);
	/* Once they have been sent there is room again. */
	for (size_t i = 0; i < n; i++) {
		pull(seen);
		seen->out.len = 0;
	}
	assert_true(http2_request(seen->http2, &request, true,
				  &seen->owned[0]) > 0);
	seen_free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_handed_on_whole),
		cmocka_unit_test(heads_with_two_readings_are_refused),
		cmocka_unit_test(heads_are_bounded),
		cmocka_unit_test(unsound_responses_are_refused),
		cmocka_unit_test(content_length_is_held_to_the_data),
		cmocka_unit_test(a_whole_exchange_passes),
		cmocka_unit_test(trailers_that_route_are_left_out),
		cmocka_unit_test(windows_open_only_when_consumed),
		cmocka_unit_test(a_window_widens_where_its_bytes_are_taken),
		cmocka_unit_test(no_window_grows_beyond_its_limit),
		cmocka_unit_test(a_stopped_agent_is_told_after_the_answer),
		cmocka_unit_test(resets_pass_with_their_code),
		cmocka_unit_test(a_goaway_refuses_what_it_does_not_answer),
		cmocka_unit_test(requests_wait_for_the_origins_limit),
		cmocka_unit_test(pushes_are_refused),
		cmocka_unit_test(frames_that_lead_elsewhere_are_passed_over),
		cmocka_unit_test(extended_connect_is_not_offered),
		cmocka_unit_test(a_websocket_is_opened_where_it_is_offered),
		cmocka_unit_test(what_is_no_websocket_is_refused),
		cmocka_unit_test(a_websocket_is_asked_for_of_who_takes_it),
		cmocka_unit_test(a_websocket_has_no_trailers),
		cmocka_unit_test(floods_end_the_connection),
		cmocka_unit_test(work_makes_up_for_empty_frames),
		cmocka_unit_test(endless_heads_end_the_connection),
		cmocka_unit_test(a_continuation_is_no_longer_than_a_frame),
		cmocka_unit_test(compressed_bombs_end_the_connection),
		cmocka_unit_test(unread_answers_are_bounded),
		cmocka_unit_test(unread_heads_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
