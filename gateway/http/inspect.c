#include "inspect.h"

#include "buffer.h"
#include "enrol.h"
#include "exchange.h"
#include "http1.h"
#include "log.h"
#include "redact.h"
#include "upstream.h"
#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <openssl/evp.h>

#define ROUNDS 32            /* of work in one turn of the loop */
#define HEAD_MS 10000        /* from the first byte of a head to its last */
#define IDLE_MS 600000       /* between requests, and while bodies move */
#define ORIGIN_IDLE_MS 5000  /* of which the origin's connection waits too */
#define LAST_MS 2000         /* for what the agent still sends, unread */
#define LAST_BYTES (1 << 20) /* ... and how much of it */
#define INTERIM_MAX 16       /* 1xx responses to one request */
#define ROOM BUFFER_CAP      /* of body, on its way to one side */
#define TRAILER_MAX 256      /* bytes of names of trailers */

enum inspect_state {
	INSPECT_HEAD,
	INSPECT_DIALLING,
	INSPECT_EXCHANGE,
	INSPECT_TUNNEL,
	INSPECT_LAST,
};

/* The request under way. */
struct under_way {
	struct exchange exchange;
	bool to_head, agent_http10, keep_alive;
	bool wants_websocket;
	char websocket_key[32];
	struct http1_body request_body, response_body;
	enum http_framing request_framing, response_framing; /* as written */
	bool response_begun, response_finished;
	unsigned interim;
	bool origin_keep_alive;
	/* What Trailer announced, which is cut off where it is long. */
	char trailers_out[TRAILER_MAX], trailers_in[TRAILER_MAX];
	size_t kept; /* bytes of its head, kept in case it must go out again */
	struct redact *redact; /* NULL: no credential was put in */
};

struct inspect {
	struct flow *flow;
	enum inspect_mode mode;
	enum inspect_state state;
	struct refusal *refusal; /* for INSPECT_REFUSE */
	struct stream origin;    /* fd -1 if there is none */
	struct domain origin_name;
	bool origin_reused; /* it has had an answer before */
	bool origin_bound;  /* it is logged in as somebody: for nobody else */
	bool asked;         /* the agent has sent a request before */
	bool answered;      /* ... and has had an answer */
	struct upstream *upstream;
	struct buffer from_agent, to_agent, from_origin, to_origin;
	size_t agent_scanned, origin_scanned, head_len;
	bool head_begun; /* part of a head is there, and its deadline runs */
	struct under_way now;
	size_t drained;
	bool ending; /* LAST: our own end has been sent */
};

static void pump(evutil_socket_t fd, short what, void *arg);

/* --- the record --- */

static void record(struct inspect *inspect, const struct decision *decision,
		   const struct refusal *refusal, const char *detail)
{
	exchange_record(&inspect->now.exchange, inspect->flow, decision,
			refusal, detail);
}

static void went_out(struct inspect *inspect, size_t len)
{
	inspect->flow->bytes_out += len;
	inspect->now.exchange.bytes_out += len;
}

static void came_in(struct inspect *inspect, size_t len)
{
	inspect->flow->bytes_in += len;
	inspect->now.exchange.bytes_in += len;
}

/* --- an answer of our own, and the end --- */

static void drop_origin(struct inspect *inspect, bool reset)
{
	upstream_cancel(inspect->upstream);
	inspect->upstream = NULL;
	if (inspect->origin.fd >= 0)
		stream_close(&inspect->origin, reset);
	inspect->origin.fd = -1;
	buffer_done(&inspect->from_origin);
	buffer_done(&inspect->to_origin);
	inspect->origin_scanned = 0;
}

/* An origin's connection that is in good order is good for the next. */
static void give_back_origin(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	const struct pool_key key = {
		.name = &inspect->origin_name,
		.port = flow->port,
		.tls = flow->stream.ssl != NULL,
		.authority = flow->authority,
	};

	if (inspect->origin.fd >= 0 && !inspect->origin_bound &&
	    inspect->from_origin.len == 0 && inspect->to_origin.len == 0)
		pool_put(flow->worker->pool, &key, &flow->origin,
			 &inspect->origin, POOL_IDLE_MS);
	drop_origin(inspect, false);
}

static void last(struct inspect *inspect)
{
	drop_origin(inspect, true);
	inspect->state = INSPECT_LAST;
	inspect->drained = inspect->from_agent.len;
	buffer_done(&inspect->from_agent);
	flow_deadline(inspect->flow, LAST_MS);
	event_active(inspect->flow->stream.event, EV_READ, 0);
}

/*
 * Answers with @refusal, unless an answer of the origin's has begun: then the
 * agent must not take what it has for all there was, and gets a reset.
 */
static void answer(struct inspect *inspect, const struct refusal *refusal,
		   unsigned status)
{
	struct flow *flow = inspect->flow;
	char bytes[REFUSAL_HTTP_MAX];
	bool explain = policy_refusals(flow->worker->policy) ==
		       POLICY_REFUSALS_EXPLAIN;
	size_t len;

	if (inspect->now.response_begun) {
		flow_close(flow, refusal->reason, true);
		return;
	}
	len = refusal_http(refusal, status, inspect->now.exchange.form, explain,
			   !inspect->now.to_head, bytes);
	if (buffer_add(&inspect->to_agent, bytes, len) < 0) {
		flow_close(flow, REASON_OVERLOADED, true);
		return;
	}
	last(inspect);
}

/* Refuses the request under way. @asked is what differed, or empty. */
static void refuse(struct inspect *inspect, const struct decision *decision,
		   unsigned status, struct http_text asked, const char *detail)
{
	struct exchange *exchange = &inspect->now.exchange;
	struct refusal refusal;

	exchange_refusal(exchange, inspect->flow, decision, asked, &refusal);
	exchange->status = status ? status : refusal_status(refusal.reason);
	record(inspect, decision, &refusal, detail);
	answer(inspect, &refusal, status);
}

static void refuse_for(struct inspect *inspect, enum reason reason,
		       unsigned status, const char *detail)
{
	const struct decision decision = { .verdict = VERDICT_DENY,
					   .reason = reason };

	refuse(inspect, &decision, status, (struct http_text){ 0 }, detail);
}

static void answer_enrolment(struct inspect *inspect,
			     const struct http_request *request)
{
	int status = enrol_answer(request, ca_pem(inspect->flow->worker->ca),
				  &inspect->to_agent);
	const struct decision decision = {
		.verdict = status == 200 ? VERDICT_INTERCEPT : VERDICT_DENY,
		.reason =
			status == 200 ? REASON_ALLOWED : REASON_GATEWAY_ITSELF,
	};

	if (status < 0) {
		flow_close(inspect->flow, REASON_OVERLOADED, true);
		return;
	}
	inspect->now.exchange.status = (unsigned)status;
	record(inspect, &decision, NULL, NULL);
	last(inspect);
}

/* --- requests --- */

static void forget(struct inspect *inspect)
{
	exchange_done(&inspect->now.exchange);
	redact_free(inspect->now.redact);
	inspect->now = (struct under_way){ 0 };
}

static void begin(struct inspect *inspect)
{
	forget(inspect);
	exchange_begin(&inspect->now.exchange);
}

static void keep_names(char names[TRAILER_MAX], struct http_text declared)
{
	(void)snprintf(names, TRAILER_MAX, "%.*s", (int)declared.len,
		       declared.len > 0 ? declared.at : "");
}

static void remember(struct inspect *inspect,
		     const struct http_request *request)
{
	struct under_way *now = &inspect->now;
	struct http_text key = http_field_value(
		request->fields, request->n_fields, "sec-websocket-key");

	exchange_remember(&now->exchange, request);
	now->to_head = request->method.len == 4 &&
		       memcmp(request->method.at, "HEAD", 4) == 0;
	now->agent_http10 = request->is_http10;
	now->keep_alive = request->keep_alive;
	now->wants_websocket = request->wants_websocket;
	if (key.at && key.len < sizeof(now->websocket_key))
		memcpy(now->websocket_key, key.at, key.len);
	http1_body_init(&now->request_body, request->framing,
			request->content_length);
	now->request_framing = request->framing;
	keep_names(now->trailers_out, request->trailers);
}

/* NTLM and Negotiate prove who a connection is, not a request (RFC 4559). */
static bool logs_connection_in(const struct http_request *request)
{
	struct http_text proof = http_field_value(
		request->fields, request->n_fields, "authorization");

	return proof.at &&
	       ((proof.len >= 4 && strncasecmp(proof.at, "ntlm", 4) == 0) ||
		(proof.len >= 9 && strncasecmp(proof.at, "negotiate", 9) == 0));
}

/* Writes the head for the origin. Why not, if it cannot be. */
static enum reason write_head(struct inspect *inspect,
			      const struct http_request *request)
{
	struct buffer *out = &inspect->to_origin;
	size_t credential = out->secret ? CREDENTIAL_MAX : 0;
	size_t room, len;
	char *bytes;

	if (buffer_reserve(out, inspect->head_len + DOMAIN_MAX + 256 +
					credential) < 0)
		return REASON_OVERLOADED;
	bytes = buffer_room(out, &room);
	len = http1_request_write(request, bytes, room);
	if (len == 0)
		return REASON_HTTP_MALFORMED;
	buffer_took(out, len);
	return REASON_ALLOWED;
}

/* The same with the credential of @route in it, over TLS as was judged. */
static enum reason write_head_with(struct inspect *inspect,
				   struct http_request *request,
				   const struct route *route)
{
	const struct secrets *secrets = inspect->flow->worker->secrets;
	struct redact **redact = &inspect->now.redact;
	struct credential credential;
	enum reason reason = REASON_OVERLOADED;

	assert(inspect->origin.ssl);
	/* No manifest is put in force without the secrets that it names. */
	if (!credential_make(&credential, route, secrets))
		return REASON_NO_POLICY;
	*redact = redact_new(&credential, route, secrets);
	inspect->to_origin.secret = true;
	if (*redact)
		reason = credential_put(&credential, request)
				 ? write_head(inspect, request)
				 : REASON_HTTP_MALFORMED;
	credential_done(&credential);
	return reason;
}

static void begin_exchange(struct inspect *inspect,
			   struct http_request *request,
			   const struct route *route)
{
	enum reason reason = route->auth == ROUTE_AUTH_NONE
				     ? write_head(inspect, request)
				     : write_head_with(inspect, request, route);

	if (reason != REASON_ALLOWED) {
		refuse_for(inspect, reason,
			   reason == REASON_HTTP_MALFORMED ? 431 : 0, NULL);
		return;
	}
	inspect->origin_bound |= logs_connection_in(request);
	if (inspect->origin_reused && exchange_is_safe(request) &&
	    request->framing == HTTP_NO_BODY)
		inspect->now.kept = inspect->head_len;
	else
		buffer_drop(&inspect->from_agent, inspect->head_len);
	inspect->agent_scanned = 0;
	inspect->state = INSPECT_EXCHANGE;
	flow_deadline(inspect->flow, IDLE_MS);
}

/* Judges, and refuses what is not to go on; then false. */
static bool admit(struct inspect *inspect, const struct http_request *request,
		  struct decision *decision)
{
	struct http_text asked;

	if (exchange_judge(&inspect->now.exchange, inspect->flow, request,
			   decision, &asked))
		return true;
	refuse(inspect, decision, 0, asked, NULL);
	return false;
}

static bool parse_request(struct inspect *inspect, struct http_request *request)
{
	unsigned status = 400;
	const char *why = NULL;

	if (http1_request_parse(buffer_data(&inspect->from_agent),
				inspect->head_len, request, &status, &why))
		return true;
	refuse_for(inspect,
		   status == 501 ? REASON_HTTP_METHOD : REASON_HTTP_MALFORMED,
		   status, why);
	return false;
}

static void dialled(void *arg, const struct upstream_result *result)
{
	struct inspect *inspect = arg;
	struct flow *flow = inspect->flow;
	const struct decision failed = { .verdict = VERDICT_INTERCEPT,
					 .reason = result->reason };
	struct http_request request;
	struct decision decision;

	inspect->upstream = NULL;
	flow->origin = result->address;
	/* Parsed anew: nothing of a request is kept but its bytes. */
	if (!parse_request(inspect, &request))
		return;
	if (result->reason != REASON_ALLOWED) {
		refuse(inspect, &failed, 0, (struct http_text){ 0 },
		       result->detail);
		return;
	}
	inspect->origin_reused = result->reused;
	stream_move(&inspect->origin, result->stream, pump, inspect);
	/* There may be another manifest by now. */
	if (admit(inspect, &request, &decision))
		begin_exchange(inspect, &request, decision.route);
}

static void dial(struct inspect *inspect, const struct domain *name,
		 const struct route *route, bool pooled)
{
	struct flow *flow = inspect->flow;
	struct upstream_want want = {
		.name = name,
		.port = flow->port,
		.private = route && route->private,
		.tls = flow->stream.ssl != NULL,
		.authority = flow->authority,
		.pooled = pooled,
	};

	want.alpn_len =
		stream_alpn(&flow->stream, want.alpn, sizeof(want.alpn));
	inspect->origin_name = *name;
	inspect->origin_reused = inspect->origin_bound = false;
	inspect->state = INSPECT_DIALLING;
	flow_deadline(flow, 0); /* upstream has one of its own */
	inspect->upstream =
		upstream_start(flow->worker, &want, dialled, inspect);
	if (!inspect->upstream)
		refuse_for(inspect, REASON_OVERLOADED, 0, NULL);
}

/* A connection that idled is good for this name, or is let go. */
static bool can_reuse_origin(struct inspect *inspect, const struct domain *name)
{
	if (inspect->origin.fd < 0)
		return false;
	if (inspect->origin_name.len == name->len &&
	    memcmp(inspect->origin_name.name, name->name, name->len) == 0 &&
	    stream_is_quiet(&inspect->origin))
		return true;
	drop_origin(inspect, false);
	return false;
}

/* @again: it has gone out on a connection that turned out to be stale. */
static void handle_request(struct inspect *inspect, bool again)
{
	struct flow *flow = inspect->flow;
	struct http_request request;
	struct decision decision;

	inspect->asked = true;
	begin(inspect);
	if (!parse_request(inspect, &request))
		return;
	remember(inspect, &request);
	switch (inspect->mode) {
	case INSPECT_ENROL:
		answer_enrolment(inspect, &request);
		return;
	case INSPECT_REFUSE:
		decision =
			(struct decision){ .verdict = VERDICT_DENY,
					   .reason = inspect->refusal->reason };
		inspect->now.exchange.status =
			refusal_status(inspect->refusal->reason);
		record(inspect, &decision, inspect->refusal, NULL);
		answer(inspect, inspect->refusal, 0);
		return;
	case INSPECT_JUDGE:
		break;
	}
	if (!admit(inspect, &request, &decision))
		return;
	flow_record(flow, &decision, NULL, NULL);
	if (can_reuse_origin(inspect, &request.host))
		begin_exchange(inspect, &request, decision.route);
	else
		dial(inspect, &request.host, decision.route, !again);
}

/* --- steps; each returns true if it got on --- */

/*
 * Fills @buffer if there is room and says what that means: false if the
 * stream has nothing now. At its end or failure, *gone says which.
 */
static bool fill(struct buffer *buffer, struct stream *stream, ssize_t *gone)
{
	ssize_t n = buffer_fill(buffer, stream);

	*gone = 0;
	if (n > 0)
		return true;
	if (n != -EAGAIN && n != -ENOBUFS)
		*gone = n == 0 ? -EPIPE : n;
	return false;
}

/*
 * Programs that hold our certificate against one that they know (pinning), or
 * that look at it late, leave TLS once it is up; their last word is no alert.
 */
static enum reason why_gone(const struct inspect *inspect)
{
	const struct flow *flow = inspect->flow;
	bool unused = flow->stream.ssl && !inspect->asked &&
		      inspect->from_agent.len == 0;

	return unused ? REASON_TLS_UNUSED : REASON_ALLOWED;
}

static bool step_head(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	struct buffer *in = &inspect->from_agent;
	unsigned status = 400;
	ssize_t gone = 0;
	bool got = false;

	if (in->len > 0 || fill(in, &flow->stream, &gone)) {
		switch (http1_head_find(buffer_data(in), in->len,
					&inspect->agent_scanned,
					&inspect->head_len, &status)) {
		case HTTP1_DONE:
			inspect->head_begun = false;
			handle_request(inspect, false);
			return true;
		case HTTP1_BAD:
			begin(inspect);
			refuse_for(inspect, REASON_HTTP_MALFORMED, status,
				   "no HTTP request");
			return true;
		case HTTP1_MORE:
			break;
		}
		if (!inspect->head_begun)
			flow_deadline(flow, HEAD_MS);
		inspect->head_begun = true;
		if (in->len == in->cap - in->at &&
		    buffer_reserve(in, in->len) < 0)
			gone = -ENOMEM;
		else
			got = fill(in, &flow->stream, &gone);
	}
	if (gone < 0) {
		give_back_origin(inspect);
		flow_close(flow, why_gone(inspect),
			   gone != -EPIPE || in->len > 0);
	}
	return got;
}

static struct http_text text_of(const char *string)
{
	return (struct http_text){ string, strlen(string) };
}

/* What ends a body that is whole. False if that is unsound, or no memory. */
static bool end_body(const struct http1_body *body, enum http_framing framing,
		     const char *declared, struct buffer *to)
{
	size_t room, len;

	if (buffer_reserve(to, HTTP1_END_MAX(body->trailers.len)) < 0 ||
	    !http1_end_write(framing, body->trailers, text_of(declared),
			     buffer_room(to, &room), &len))
		return false;
	buffer_took(to, len);
	return true;
}

/* Whether more must be read for a body to get on. */
static bool is_starved(const struct http1_body *body, const struct buffer *from)
{
	return !body->done && from->len == body->held;
}

/* Writes a run of a body; @last if none follows. False for want of memory. */
static bool put_run(struct buffer *to, enum http_framing framing,
		    struct redact *redact, struct http_text data, bool last)
{
	size_t room;

	if (redact)
		data = redact_run(redact, data, last);
	if (data.len == 0)
		return true;
	if (buffer_reserve(to, data.len + HTTP1_BODY_OVERHEAD) < 0)
		return false;
	buffer_took(to,
		    http1_body_write(framing, data, buffer_room(to, &room)));
	return true;
}

/* They lie in @from, and still do when they are written. */
static void redact_trailers(const struct redact *redact,
			    const struct http_text *trailers,
			    struct buffer *from)
{
	if (redact && trailers->len > 0)
		redact_head(redact,
			    buffer_bytes(from) +
				    (trailers->at - buffer_data(from)),
			    trailers->len);
}

/* Moves body bytes: decodes @from, writes anew to @to. False if it cannot. */
static enum http1_result move_body(struct http1_body *body,
				   enum http_framing framing,
				   const char *declared, struct redact *redact,
				   struct buffer *from, struct buffer *to,
				   bool *moved)
{
	while (!body->done && !is_starved(body, from) && to->len < ROOM) {
		size_t take = from->len < ROOM ? from->len : ROOM;
		struct http_text data;
		enum http1_result result;
		size_t used;

		result = http1_body_read(body, buffer_data(from), take, &used,
					 &data);
		if (result == HTTP1_BAD ||
		    !put_run(to, framing, redact, data, result == HTTP1_DONE))
			return HTTP1_BAD;
		redact_trailers(redact, &body->trailers, from);
		/* The trailers are a view of what is dropped afterwards. */
		if (result == HTTP1_DONE &&
		    !end_body(body, framing, declared, to))
			return HTTP1_BAD;
		if (used > 0) {
			buffer_drop(from, used);
			*moved = true;
		}
		if (used == 0 || result == HTTP1_DONE)
			break;
	}
	return body->done ? HTTP1_DONE : HTTP1_MORE;
}

/* The request's body, from the agent to the origin. */
static bool step_out(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	struct under_way *now = &inspect->now;
	bool moved = false;
	ssize_t gone = 0, n;

	if (is_starved(&now->request_body, &inspect->from_agent))
		moved = fill(&inspect->from_agent, &flow->stream, &gone);
	if (gone < 0) {
		/* Half a request is no request: the origin must see that. */
		drop_origin(inspect, true);
		flow_close(flow, REASON_ALLOWED, true);
		return true;
	}
	if (move_body(&now->request_body, now->request_framing,
		      now->trailers_out, NULL, &inspect->from_agent,
		      &inspect->to_origin, &moved) == HTTP1_BAD) {
		refuse_for(inspect, REASON_HTTP_MALFORMED, 400, "bad body");
		return true;
	}
	n = buffer_flush(&inspect->to_origin, &inspect->origin);
	if (n > 0)
		went_out(inspect, (size_t)n);
	/* What the origin may have answered before it went is still read. */
	if (n < 0 && n != -EAGAIN)
		buffer_done(&inspect->to_origin);
	return moved || n > 0;
}

/* RFC 6455 4.2.2: the digest that proves the origin meant it. */
static bool websocket_accepted(const struct under_way *now,
			       const struct http_response *response)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[sizeof(now->websocket_key) + sizeof(guid)];
	uint8_t hash[EVP_MAX_MD_SIZE], encoded[64];
	unsigned hash_len;
	int n;

	if (!now->wants_websocket || !response->is_websocket)
		return false;
	n = snprintf(text, sizeof(text), "%s%s", now->websocket_key, guid);
	if (!EVP_Digest(text, (size_t)n, hash, &hash_len, EVP_sha1(), NULL))
		return false;
	n = EVP_EncodeBlock(encoded, hash, (int)hash_len);
	return response->websocket_accept.len == (size_t)n &&
	       memcmp(response->websocket_accept.at, encoded, (size_t)n) == 0;
}

static void unsound_response(struct inspect *inspect, const char *why)
{
	refuse_for(inspect, REASON_UPSTREAM_HTTP, 0, why);
}

/* A whole head of the origin's lies in from_origin. */
static void handle_response(struct inspect *inspect)
{
	struct under_way *now = &inspect->now;
	struct http_response response;
	const char *why = NULL;
	size_t room, len;
	bool interim, keep_alive;

	if (now->redact)
		redact_head(now->redact, buffer_bytes(&inspect->from_origin),
			    inspect->head_len);
	if (!http1_response_parse(buffer_data(&inspect->from_origin),
				  inspect->head_len, now->to_head, &response,
				  &why)) {
		unsound_response(inspect, why);
		return;
	}
	inspect->origin_reused = inspect->answered = true;
	buffer_drop(&inspect->from_agent, now->kept);
	now->kept = 0;
	interim = response.status < 200 && response.status != 101;
	if (interim && ++now->interim > INTERIM_MAX) {
		unsound_response(inspect, "too many interim responses");
		return;
	}
	if (response.status == 101 && !websocket_accepted(now, &response)) {
		unsound_response(inspect, "an upgrade that was not asked for");
		return;
	}
	keep_alive = now->keep_alive;
	if (!(interim && now->agent_http10)) {
		if (buffer_reserve(&inspect->to_agent,
				   inspect->head_len + 256) < 0) {
			flow_close(inspect->flow, REASON_OVERLOADED, true);
			return;
		}
		buffer_room(&inspect->to_agent, &room);
		len = http1_response_write(
			&response, now->agent_http10,
			buffer_room(&inspect->to_agent, &room), room,
			&now->response_framing, &keep_alive);
		if (len == 0) {
			unsound_response(inspect, "a head too long");
			return;
		}
		buffer_took(&inspect->to_agent, len);
	}
	buffer_drop(&inspect->from_origin, inspect->head_len);
	inspect->origin_scanned = 0;
	if (interim)
		return;
	now->response_begun = true;
	now->exchange.status = response.status;
	now->keep_alive = keep_alive;
	now->origin_keep_alive = response.keep_alive;
	if (response.status == 101) {
		now->keep_alive = now->origin_keep_alive = false;
		inspect->state = INSPECT_TUNNEL;
	}
	keep_names(now->trailers_in, response.trailers);
	http1_body_init(&now->response_body, response.framing,
			response.content_length);
}

/* What that is, where it has nothing to do with the connection's age. */
static void never_answered(struct inspect *inspect)
{
	bool silent = !inspect->origin_reused && inspect->from_origin.len == 0;

	if (silent && upstream_wants_certificate(&inspect->origin))
		refuse_for(inspect, REASON_UPSTREAM_WANTS_CERTIFICATE, 0, NULL);
	else
		unsound_response(inspect,
				 "the origin closed before it answered");
}

/* The origin's connection ended where its answer should be. */
static void gone_unanswered(struct inspect *inspect)
{
	const struct decision stale = { VERDICT_INTERCEPT, REASON_UPSTREAM_HTTP,
					NULL };

	if (!inspect->origin_reused || inspect->from_origin.len > 0 ||
	    inspect->now.interim > 0) {
		never_answered(inspect);
		return;
	}
	drop_origin(inspect, false);
	if (inspect->now.kept > 0) {
		inspect->head_len = inspect->now.kept;
		handle_request(inspect, true);
		return;
	}
	if (!inspect->answered) {
		unsound_response(inspect,
				 "the origin closed before it answered");
		return;
	}
	/* Whoever keeps connections knows what that means (RFC 9112 9.3.1). */
	inspect->now.exchange.status = 0;
	record(inspect, &stale, NULL, "the origin's connection was stale");
	flow_close(inspect->flow, REASON_UPSTREAM_HTTP, false);
}

/* The response, from the origin to the agent. */
static bool step_in(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	struct under_way *now = &inspect->now;
	struct buffer *in = &inspect->from_origin;
	unsigned status;
	bool moved = false;
	ssize_t gone = 0;

	if (!now->response_body.done && inspect->to_agent.len < ROOM &&
	    (!now->response_begun || is_starved(&now->response_body, in))) {
		size_t before = in->len;

		if (in->len > 0 && in->len == in->cap - in->at &&
		    buffer_reserve(in, in->len) < 0)
			gone = -ENOMEM;
		else
			moved = fill(in, &inspect->origin, &gone);
		came_in(inspect, in->len - before);
	}
	if (!now->response_begun) {
		switch (http1_head_find(buffer_data(in), in->len,
					&inspect->origin_scanned,
					&inspect->head_len, &status)) {
		case HTTP1_DONE:
			handle_response(inspect);
			/* What has come of the body goes with the head. */
			if (gone < 0 || !now->response_begun ||
			    inspect->state != INSPECT_EXCHANGE)
				return true;
			moved = true;
			break;
		case HTTP1_BAD:
			unsound_response(inspect, "no HTTP response");
			return true;
		case HTTP1_MORE:
			if (gone < 0)
				gone_unanswered(inspect);
			return moved || gone < 0;
		}
	}
	if (gone == -EPIPE && now->response_body.framing == HTTP_UNTIL_CLOSE &&
	    in->len == 0) {
		now->response_body.done = true;
		gone = put_run(&inspect->to_agent, now->response_framing,
			       now->redact, (struct http_text){ 0 }, true) &&
				       end_body(&now->response_body,
						now->response_framing, "",
						&inspect->to_agent)
			       ? 0
			       : -ENOMEM;
		moved = true;
	}
	if (gone < 0 || move_body(&now->response_body, now->response_framing,
				  now->trailers_in, now->redact, in,
				  &inspect->to_agent, &moved) == HTTP1_BAD) {
		const struct decision cut = { VERDICT_INTERCEPT,
					      REASON_UPSTREAM_HTTP, NULL };

		record(inspect, &cut, NULL, "the response was cut short");
		flow_close(flow, REASON_UPSTREAM_HTTP, true);
		return true;
	}
	return moved;
}

static bool flush_agent(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	ssize_t n = buffer_flush(&inspect->to_agent, &flow->stream);

	if (n < 0 && n != -EAGAIN) {
		flow_close(flow, REASON_ALLOWED, true);
		return true;
	}
	return n > 0;
}

/*
 * An agent that says nothing for a while leaves its origin's connection to
 * others. One that is logged in is nobody else's, and could not be had again.
 */
static bool lends_origin(const struct inspect *inspect)
{
	return inspect->origin.fd >= 0 && !inspect->origin_bound;
}

/* After a response that went out whole: the next request, or the end. */
static void end_exchange(struct inspect *inspect)
{
	struct under_way *now = &inspect->now;
	const struct decision allowed = { VERDICT_INTERCEPT, REASON_ALLOWED,
					  NULL };
	bool whole = now->request_body.done;

	record(inspect, &allowed, NULL, NULL);
	/* Bytes after a response are nobody's (LESSONS: desync). */
	if (!whole || !now->origin_keep_alive || inspect->from_origin.len > 0 ||
	    inspect->to_origin.len > 0)
		drop_origin(inspect, !whole);
	else if (!now->keep_alive)
		give_back_origin(inspect);
	if (!whole || !now->keep_alive) {
		last(inspect);
		return;
	}
	inspect->state = INSPECT_HEAD;
	forget(inspect);
	flow_deadline(inspect->flow,
		      lends_origin(inspect) ? ORIGIN_IDLE_MS : IDLE_MS);
}

/*
 * While the answer is awaited, all that the agent can say is its next request,
 * of which one buffer is taken, or that it has gone: then nobody waits.
 */
static bool step_wait(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	const struct decision allowed = { VERDICT_INTERCEPT, REASON_ALLOWED,
					  NULL };
	ssize_t n = 0;

	if (!inspect->now.request_body.done)
		return false;
	if (!flow->stream.ended)
		n = buffer_fill(&inspect->from_agent, &flow->stream);
	if (n > 0)
		return true;
	if (n == -ENOBUFS || !stream_hung_up(&flow->stream))
		return false;
	record(inspect, &allowed, NULL, "the agent hung up");
	drop_origin(inspect, true);
	flow_close(flow, REASON_ALLOWED, true);
	return true;
}

static bool step_exchange(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	bool moved = step_out(inspect);

	if (inspect->state != INSPECT_EXCHANGE || flow->state == FLOW_CLOSED)
		return true;
	moved |= step_wait(inspect);
	if (flow->state == FLOW_CLOSED)
		return true;
	moved |= step_in(inspect);
	if (inspect->state != INSPECT_EXCHANGE || flow->state == FLOW_CLOSED)
		return true;
	moved |= flush_agent(inspect);
	if (flow->state == FLOW_CLOSED)
		return true;
	if (inspect->now.response_begun && inspect->now.response_body.done &&
	    inspect->to_agent.len == 0) {
		end_exchange(inspect);
		return true;
	}
	if (moved)
		flow_deadline(flow, IDLE_MS);
	return moved;
}

/* One direction of a tunnel. Returns bytes moved, or -errno. */
static ssize_t tunnel_step(struct inspect *inspect, struct buffer *buffer,
			   struct stream *from, struct stream *to,
			   void (*count)(struct inspect *inspect, size_t len))
{
	ssize_t moved = 0, n;

	if (buffer->len == 0 && !from->ended) {
		n = buffer_fill(buffer, from);
		if (n < 0 && n != -EAGAIN)
			return n;
		if (n == 0)
			stream_end(to);
		if (n > 0)
			moved += n;
	}
	n = buffer_flush(buffer, to);
	if (n < 0 && n != -EAGAIN)
		return n;
	if (n > 0) {
		count(inspect, (size_t)n);
		moved += n;
	}
	return moved;
}

static bool step_tunnel(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	const struct decision allowed = { VERDICT_INTERCEPT, REASON_ALLOWED,
					  NULL };
	ssize_t out, in;

	/* What each had sent beyond the handshake goes first. */
	if (inspect->from_origin.len > 0 &&
	    buffer_add(&inspect->to_agent, buffer_data(&inspect->from_origin),
		       inspect->from_origin.len) < 0) {
		flow_close(flow, REASON_OVERLOADED, true);
		return true;
	}
	buffer_done(&inspect->from_origin);
	out = tunnel_step(inspect, &inspect->from_agent, &flow->stream,
			  &inspect->origin, went_out);
	in = tunnel_step(inspect, &inspect->to_agent, &inspect->origin,
			 &flow->stream, came_in);
	if (out < 0 || in < 0 ||
	    (flow->stream.ended && inspect->origin.ended &&
	     inspect->from_agent.len == 0 && inspect->to_agent.len == 0)) {
		record(inspect, &allowed, NULL, NULL);
		flow_close(flow, REASON_ALLOWED, out < 0 || in < 0);
		return true;
	}
	if (out + in > 0)
		flow_deadline(flow, IDLE_MS);
	return out + in > 0;
}

/*
 * Our last words go out, then our end; what the agent still sends is read and
 * dropped for a while, because closing on it would reset the connection and
 * the words be lost (RFC 9112 9.6).
 */
static bool step_last(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	char scratch[BUFFER_CAP];
	ssize_t n;

	if (inspect->to_agent.len > 0)
		return flush_agent(inspect);
	if (!inspect->ending) {
		inspect->ending = true;
		stream_end(&flow->stream);
	}
	n = stream_read(&flow->stream, scratch, sizeof(scratch));
	if (n == -EAGAIN)
		return false;
	if (n > 0)
		inspect->drained += (size_t)n;
	if (n <= 0 || inspect->drained > LAST_BYTES)
		flow_close(flow, REASON_ALLOWED, n < 0);
	return true;
}

static void pump(evutil_socket_t fd, short what, void *arg)
{
	struct inspect *inspect = arg;
	struct flow *flow = inspect->flow;

	(void)fd;
	(void)what;
	for (int round = 0; round < ROUNDS; round++) {
		bool moved = false;

		if (flow->state == FLOW_CLOSED)
			return;
		switch (inspect->state) {
		case INSPECT_HEAD:
			moved = step_head(inspect);
			break;
		case INSPECT_DIALLING:
			return;
		case INSPECT_EXCHANGE:
			moved = step_exchange(inspect);
			break;
		case INSPECT_TUNNEL:
			moved = step_tunnel(inspect);
			break;
		case INSPECT_LAST:
			moved = step_last(inspect);
			break;
		}
		if (!moved)
			return;
	}
	/* Others have their turn; edge triggering would not call again. */
	if (flow->state != FLOW_CLOSED)
		event_active(flow->stream.event, EV_READ, 0);
}

int inspect_start(struct flow *flow, enum inspect_mode mode,
		  struct stream *origin, bool reused,
		  const struct refusal *refusal)
{
	struct inspect *inspect = calloc(1, sizeof(*inspect));

	if (!inspect)
		return -ENOMEM;
	flow->inspect = inspect;
	inspect->flow = flow;
	inspect->mode = mode;
	inspect->origin.fd = -1;
	if (refusal) {
		inspect->refusal = malloc(sizeof(*refusal));
		if (!inspect->refusal)
			return -ENOMEM;
		*inspect->refusal = *refusal;
	}
	if (origin) {
		inspect->origin_name = flow->name;
		inspect->origin_reused = reused;
		stream_move(&inspect->origin, origin, pump, inspect);
	}
	flow_deadline(flow, HEAD_MS);
	stream_attend(&flow->stream, pump, inspect);
	return 0;
}

const struct request *inspect_request(const struct inspect *inspect)
{
	switch (inspect->state) {
	case INSPECT_DIALLING:
	case INSPECT_EXCHANGE:
	case INSPECT_TUNNEL:
		return judged_request(&inspect->now.exchange.judged);
	case INSPECT_HEAD:
	case INSPECT_LAST:
		break;
	}
	return NULL;
}

void inspect_timed_out(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;

	switch (inspect->state) {
	case INSPECT_HEAD:
		if (inspect->from_agent.len == 0) {
			bool waits = inspect->answered && lends_origin(inspect);

			give_back_origin(inspect);
			if (waits) {
				flow_deadline(flow, IDLE_MS - ORIGIN_IDLE_MS);
				return;
			}
			flow_close(flow, REASON_ALLOWED, false);
			return;
		}
		begin(inspect);
		refuse_for(inspect, REASON_TIMED_OUT, 0, NULL);
		return;
	case INSPECT_EXCHANGE:
		refuse_for(inspect,
			   inspect->now.request_body.done
				   ? REASON_UPSTREAM_CONNECT
				   : REASON_TIMED_OUT,
			   0, "nothing moved");
		return;
	case INSPECT_LAST:
		/* It was told; what it still sends nobody waits for. */
		flow_close(flow, REASON_ALLOWED, false);
		return;
	case INSPECT_DIALLING:
	case INSPECT_TUNNEL:
		break;
	}
	flow_close(flow, REASON_TIMED_OUT, true);
}

void inspect_free(struct inspect *inspect)
{
	const struct decision cut = { VERDICT_INTERCEPT, REASON_ALLOWED, NULL };
	bool busy;

	if (!inspect)
		return;
	busy = inspect->state == INSPECT_EXCHANGE ||
	       inspect->state == INSPECT_TUNNEL;
	if (busy && !inspect->now.exchange.recorded)
		record(inspect, &cut, NULL, "cut short");
	drop_origin(inspect, busy);
	buffer_done(&inspect->from_agent);
	buffer_done(&inspect->to_agent);
	forget(inspect);
	free(inspect->refusal);
	free(inspect);
}
