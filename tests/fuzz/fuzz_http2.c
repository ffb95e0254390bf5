/*
 * Two connections coupled as the gateway couples them, without a gateway: what
 * the agent's is given comes out as requests, each is judged by its authority
 * alone, and those for a.test are opened on the origin's. What is said there
 * is read by a third, which is the world. The input is a script: 0xff and a
 * letter, then bytes; one in upper case puts the right preface before them.
 *
 *	a, A	the agent sends them
 *	o, O	the origin sends them
 *	h	the agent sends them as HEADERS of its next stream
 *	r	the origin answers its last stream with them as HEADERS
 *	d, e	the agent sends them as DATA, or as its end
 *
 * Heads are sound when they are handed on. What the world reads is what was
 * judged, word for word, and never a request that was not admitted. No more
 * than a window is ever held of a body, and it ends once.
 */
#include "http/http2.h"

#include <stdlib.h>
#include <string.h>

#define STREAMS_MAX 64
#define OUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(what)               \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

/* One request's way: its head in one spelling, on each side of it. */
struct way {
	int32_t agent, origin;
	char judged[4096];
	size_t out, in; /* bytes of bodies given to the other side to send */
	bool out_ended, in_ended, gone;
};

static struct run {
	struct http2 *agent, *origin; /* the gateway's */
	struct http2 *world;          /* which reads the origin's */
	struct way ways[STREAMS_MAX];
	size_t n;
	int32_t next, last;
} run;

static void spell(const struct http_field *fields, size_t n, char *text,
		  size_t cap, size_t *len)
{
	for (size_t i = 0; i < n; i++) {
		const struct http_text parts[2] = { fields[i].name,
						    fields[i].value };

		for (int j = 0; j < 2; j++) {
			if (parts[j].len >= cap - *len - 1)
				return;
			if (parts[j].len > 0)
				memcpy(text + *len, parts[j].at, parts[j].len);
			*len += parts[j].len;
			text[(*len)++] = '\n';
		}
	}
}

static void spell_request(const struct http_request *request, char text[4096])
{
	const struct http_field line[] = {
		{ { "websocket", request->wants_websocket ? 9 : 0 },
		  { "", 0 } },
		{ request->method, request->path },
		{ { request->host.name, request->host.len }, { "", 0 } },
	};
	size_t len = 0;

	memset(text, 0, 4096);
	spell(line, sizeof(line) / sizeof(*line), text, 4096, &len);
	spell(request->fields, request->n_fields, text, 4096, &len);
}

/* --- the gateway's part --- */

static void on_request(void *arg, int32_t stream,
		       const struct http_request *request, bool ended)
{
	struct http_response no = { .status = 403 };
	struct way *way = &run.ways[run.n];

	(void)arg;
	for (size_t i = 0; i < request->n_fields; i++) {
		const struct http_text name = request->fields[i].name;

		MUST(name.len > 0 && name.at[0] != ':');
		for (size_t j = 0; j < name.len; j++)
			MUST(name.at[j] > ' ' && name.at[j] < 0x7f &&
			     !(name.at[j] >= 'A' && name.at[j] <= 'Z'));
		for (size_t j = 0; j < request->fields[i].value.len; j++)
			MUST(!strchr("\r\n", request->fields[i].value.at[j]));
	}
	MUST(request->path.len > 0 &&
	     (request->path.at[0] == '/' || request->path.at[0] == '*'));
	MUST(!memchr(request->authority.at, '@', request->authority.len));
	if (run.n == STREAMS_MAX || strcmp(request->host.name, "a.test") != 0) {
		(void)http2_respond(run.agent, stream, &no, true);
		http2_stop(run.agent, stream);
		return;
	}
	*way = (struct way){ .agent = stream, .out_ended = ended };
	spell_request(request, way->judged);
	way->origin = http2_request(run.origin, request, ended, way);
	if (way->origin < 0)
		return;
	run.last = way->origin;
	run.n++;
	http2_own(run.agent, stream, way);
}

static void on_refused(void *arg, int32_t stream, unsigned status,
		       const char *why)
{
	struct http_response no = { .status = (uint16_t)status };

	(void)arg;
	MUST(why);
	if (status != 0)
		(void)http2_respond(run.agent, stream, &no, true);
}

static void agent_data(void *owner, const uint8_t *bytes, size_t len)
{
	struct way *way = owner;

	(void)bytes;
	MUST(!way->out_ended);
	way->out += len;
	MUST(way->out <= HTTP2_WINDOW);
	http2_resume(run.origin, way->origin);
}

static void agent_ended(void *owner, struct http2_trailers *trailers)
{
	struct way *way = owner;

	free(trailers);
	MUST(!way->out_ended);
	way->out_ended = true;
	http2_resume(run.origin, way->origin);
}

static void agent_closed(void *owner, uint32_t code, bool by_us)
{
	struct way *way = owner;

	(void)by_us;
	if (!way->gone)
		http2_reset(run.origin, way->origin, code);
	way->gone = true;
}

static size_t take(size_t *left, bool ended, size_t cap, uint8_t *bytes,
		   struct http2_end *end)
{
	size_t n = *left < cap ? *left : cap;

	memset(bytes, 'x', n);
	*left -= n;
	end->ended = ended && *left == 0;
	return n;
}

static size_t agent_take(void *owner, uint8_t *bytes, size_t cap,
			 struct http2_end *end)
{
	struct way *way = owner;
	size_t n = take(&way->in, way->in_ended, cap, bytes, end);

	http2_consume(run.origin, way->origin, n);
	return n;
}

static void on_response(void *owner, const struct http_response *response,
			bool ended)
{
	struct way *way = owner;

	MUST(response->status >= 100 && response->status <= 599 &&
	     response->status != 101);
	way->in_ended = ended;
	(void)http2_respond(run.agent, way->agent, response, ended);
}

static void origin_data(void *owner, const uint8_t *bytes, size_t len)
{
	struct way *way = owner;

	(void)bytes;
	MUST(!way->in_ended);
	way->in += len;
	MUST(way->in <= HTTP2_WINDOW_MAX);
	http2_resume(run.agent, way->agent);
}

static void origin_ended(void *owner, struct http2_trailers *trailers)
{
	struct way *way = owner;

	free(trailers);
	MUST(!way->in_ended);
	way->in_ended = true;
	http2_resume(run.agent, way->agent);
}

static void origin_closed(void *owner, uint32_t code, bool by_us)
{
	struct way *way = owner;

	(void)by_us;
	if (!way->in_ended && !way->gone) {
		way->gone = true;
		http2_reset(run.agent, way->agent, code);
	}
	way->gone = true;
}

static size_t origin_take(void *owner, uint8_t *bytes, size_t cap,
			  struct http2_end *end)
{
	struct way *way = owner;
	size_t n = take(&way->out, way->out_ended, cap, bytes, end);

	http2_consume(run.agent, way->agent, n);
	return n;
}

static void ignore_goaway(void *arg)
{
	(void)arg;
}

static const struct http2_events agent_events = {
	.request = on_request,
	.refused = on_refused,
	.data = agent_data,
	.ended = agent_ended,
	.closed = agent_closed,
	.take = agent_take,
	.goaway = ignore_goaway,
};
static const struct http2_events origin_events = {
	.response = on_response,
	.data = origin_data,
	.ended = origin_ended,
	.closed = origin_closed,
	.take = origin_take,
	.goaway = ignore_goaway,
};

/* --- the world's --- */

static void world_reads(void *arg, int32_t stream,
			const struct http_request *request, bool ended)
{
	char text[4096];

	(void)arg;
	(void)ended;
	spell_request(request, text);
	for (size_t i = 0; i < run.n; i++) {
		if (run.ways[i].origin != stream)
			continue;
		MUST(memcmp(text, run.ways[i].judged, sizeof(text)) == 0);
		return;
	}
	abort(); /* nobody judged it */
}

static void world_refuses(void *arg, int32_t stream, unsigned status,
			  const char *why)
{
	(void)arg;
	(void)stream;
	(void)status;
	(void)why;
	abort(); /* it was written unsound */
}

static const struct http2_events world_events = {
	.request = world_reads,
	.refused = world_refuses,
	.goaway = ignore_goaway,
};

/* Moves what @from has to say to @to, or nowhere. */
static void drain(struct http2 *from, struct http2 *to)
{
	const uint8_t *bytes;
	size_t total = 0;
	ssize_t n;

	while ((n = http2_pull(from, &bytes)) > 0) {
		total += (size_t)n;
		MUST(total <= OUT_MAX * 4);
		if (to)
			(void)http2_receive(to, bytes, (size_t)n);
	}
}

static void turn(void)
{
	const uint8_t *bytes;

	for (int i = 0; i < 3; i++) {
		drain(run.origin, run.world);
		drain(run.agent, NULL);
	}
	while (http2_pull(run.world, &bytes) > 0)
		; /* its own words are nobody's */
}

/* --- the script --- */

static void send_frame(struct http2 *to, uint8_t type, uint8_t flags,
		       int32_t stream, const uint8_t *bytes, size_t len)
{
	uint8_t head[9] = { (uint8_t)(len >> 16),
			    (uint8_t)(len >> 8),
			    (uint8_t)len,
			    type,
			    flags,
			    (uint8_t)(stream >> 24),
			    (uint8_t)(stream >> 16),
			    (uint8_t)(stream >> 8),
			    (uint8_t)stream };

	if (http2_receive(to, head, sizeof(head)))
		(void)http2_receive(to, bytes, len);
}

static void step(uint8_t letter, const uint8_t *bytes, size_t len)
{
	static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
					 "\0\0\0\4\0\0\0\0\0";
	const uint8_t *settings = preface + 24;

	if (letter == 'A')
		(void)http2_receive(run.agent, preface, 33);
	if (letter == 'O')
		(void)http2_receive(run.origin, settings, 9);
	switch (letter) {
	case 'A':
	case 'a':
		(void)http2_receive(run.agent, bytes, len);
		break;
	case 'O':
	case 'o':
		(void)http2_receive(run.origin, bytes, len);
		break;
	case 'h':
		send_frame(run.agent, 1, 4, run.next, bytes, len);
		run.next += 2;
		break;
	case 'r':
		send_frame(run.origin, 1, 4, run.last, bytes, len);
		break;
	case 'd':
	case 'e':
		send_frame(run.agent, 0, letter == 'e', run.next - 2, bytes,
			   len);
		break;
	default:
		break;
	}
	turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	run = (struct run){ .next = 1, .last = 1 };
	run.agent = http2_new(HTTP2_TO_AGENT, &agent_events, NULL);
	run.origin = http2_new(HTTP2_TO_ORIGIN, &origin_events, NULL);
	run.world = http2_new(HTTP2_TO_AGENT, &world_events, NULL);
	MUST(run.agent && run.origin && run.world);
	http2_offer_websockets(run.agent);
	http2_offer_websockets(run.world);
	turn();
	while (len >= 2 && data[0] == 0xff) {
		const uint8_t *end = memchr(data + 2, 0xff, len - 2);
		size_t n = end ? (size_t)(end - data) : len;

		step(data[1], data + 2, n - 2);
		data += n;
		len -= n;
	}
	http2_free(run.agent);
	http2_free(run.origin);
	http2_free(run.world);
	return 0;
}
