#include "multiplex.h"

#include "credential.h"
#include "exchange.h"
#include "farewell.h"
#include "http2_answer.h"
#include "http2_leg.h"
#include "http2_origin.h"
#include "redact.h"
#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 32      /* of work in one turn of the loop */
#define HEAD_MS 10000  /* for the first head, and each from then on */
#define IDLE_MS 600000 /* without anything on any stream */
#define INTERIM_MAX 16 /* 1xx responses to one request */

/* What one side sends and the other has not taken yet. */
struct pipe {
	struct buffer bytes;
	bool ended; /* nothing comes behind that */
	struct http2_trailers *trailers;
	bool taken; /* all of it, and the end */
};

struct multiplex_stream {
	TAILQ_ENTRY(multiplex_stream) link;
	struct multiplex *multiplex;
	struct exchange exchange;
	struct pipe out, in;
	int32_t agent, origin;        /* the stream's numbers */
	struct origin_link *via;      /* where it went, or NULL */
	bool with_agent, with_origin; /* they have not closed it */
	bool to_head, grpc;
	bool again; /* it may be asked again, should its origin be gone */
	bool response_begun;
	unsigned interim;
	struct redact *redact; /* NULL: no credential was put in */
	size_t held;           /* bytes of @in that it keeps back */
};

/* A connection to an origin, and its place in the list. */
struct origin_link {
	TAILQ_ENTRY(origin_link) link;
	struct http2_origin *origin;
	size_t n_streams; /* that refer to it */
	bool answered;    /* something, so that it may be stale by now */
};

TAILQ_HEAD(stream_list, multiplex_stream);
TAILQ_HEAD(origin_list, origin_link);

struct multiplex {
	struct flow *flow;
	bool refusing;
	struct refusal refusal;
	struct http2_leg agent;
	struct stream_list streams;
	size_t n_streams;
	struct origin_list origins; /* the newest first; it alone may be open */
	bool leaving;               /* the agent said GOAWAY */
	bool had_head;              /* the first request has come */
	bool reading_head;          /* and its deadline runs */
	bool offer_settled;         /* whether it is offered WebSockets */
	struct farewell last;       /* no more than what is to be sent still */
	enum reason why;            /* it ends */
};

static void pump(evutil_socket_t fd, short what, void *arg);

/* Only what happens on a stream keeps a connection from idling. */
static void touch(struct multiplex *multiplex)
{
	if (!multiplex->had_head || multiplex->reading_head ||
	    multiplex->last.begun)
		return;
	if (multiplex->refusing)
		flow_deadline(multiplex->flow, HEAD_MS);
	else
		flow_idle(multiplex->flow, IDLE_MS);
}

static struct http2 *origin_of(const struct multiplex_stream *stream)
{
	assert(stream->via);
	return http2_origin_connection(stream->via->origin);
}

/* --- streams --- */

static void pipe_done(struct pipe *pipe)
{
	buffer_done(&pipe->bytes);
	free(pipe->trailers);
	pipe->trailers = NULL;
}

static void record(struct multiplex_stream *stream,
		   const struct decision *decision,
		   const struct refusal *refusal, const char *detail)
{
	exchange_record(&stream->exchange, stream->multiplex->flow, decision,
			refusal, detail);
}

static struct multiplex_stream *stream_new(struct multiplex *multiplex,
					   int32_t agent)
{
	struct multiplex_stream *stream = NULL;

	if (multiplex->n_streams < MULTIPLEX_STREAMS_MAX)
		stream = calloc(1, sizeof(*stream));
	if (!stream)
		return NULL;
	stream->multiplex = multiplex;
	stream->agent = agent;
	stream->with_agent = true;
	exchange_begin(&stream->exchange);
	http2_own(multiplex->agent.http2, agent, stream);
	TAILQ_INSERT_TAIL(&multiplex->streams, stream, link);
	multiplex->n_streams++;
	return stream;
}

/* What was to go to the origin goes nowhere; what came from there is kept. */
static void leave_origin(struct multiplex_stream *stream, uint32_t code)
{
	if (stream->with_origin)
		http2_reset(origin_of(stream), stream->origin, code);
	stream->with_origin = false;
	http2_consume(stream->multiplex->agent.http2, stream->agent,
		      stream->out.bytes.len);
	pipe_done(&stream->out);
}

/* And that not either. */
static void forget_origin(struct multiplex_stream *stream, uint32_t code)
{
	leave_origin(stream, code);
	if (stream->via) {
		http2_consume(origin_of(stream), stream->origin,
			      stream->in.bytes.len + stream->held);
		stream->held = 0;
		stream->via->n_streams--;
		stream->via = NULL;
	}
	pipe_done(&stream->in);
}

/* Its sides are gone, or are told here what it came to. */
static void stream_free(struct multiplex_stream *stream, uint32_t code,
			const char *detail)
{
	const struct decision decision = { VERDICT_INTERCEPT, REASON_ALLOWED,
					   NULL };
	struct multiplex *multiplex = stream->multiplex;

	record(stream, &decision, NULL, detail);
	forget_origin(stream, code);
	if (stream->with_agent)
		http2_reset(multiplex->agent.http2, stream->agent, code);
	TAILQ_REMOVE(&multiplex->streams, stream, link);
	multiplex->n_streams--;
	exchange_done(&stream->exchange);
	redact_free(stream->redact);
	free(stream);
}

static void free_if_done(struct multiplex_stream *stream)
{
	if (!stream->with_agent && !stream->with_origin)
		stream_free(stream, HTTP2_NO_ERROR, NULL);
}

/* --- refusals --- */

/* Answers on the stream, where no answer has begun. */
static void answer(struct multiplex_stream *stream,
		   const struct refusal *refusal, unsigned status)
{
	struct multiplex *multiplex = stream->multiplex;
	struct http2 *agent = multiplex->agent.http2;
	bool explain = policy_refusals(multiplex->flow->worker->policy) ==
		       POLICY_REFUSALS_EXPLAIN;
	struct http2_answer answer;

	http2_answer_make(&answer, refusal, status, stream->exchange.form,
			  stream->grpc, explain, !stream->to_head);
	stream->response_begun = true;
	stream->in.ended = true;
	stream->in.taken = answer.body_len == 0;
	if (buffer_add(&stream->in.bytes, answer.body, answer.body_len) < 0 ||
	    http2_respond(agent, stream->agent, &answer.head,
			  answer.body_len == 0) < 0) {
		stream_free(stream, HTTP2_INTERNAL_ERROR, NULL);
		return;
	}
	http2_stop(agent, stream->agent);
}

static void refuse(struct multiplex_stream *stream,
		   const struct decision *decision, unsigned status,
		   struct http_text asked, const char *detail)
{
	struct exchange *exchange = &stream->exchange;
	struct refusal refusal;

	forget_origin(stream, HTTP2_CANCEL);
	exchange_refusal(exchange, stream->multiplex->flow, decision, asked,
			 &refusal);
	exchange->status = status ? status : refusal_status(refusal.reason);
	record(stream, decision, &refusal, detail);
	answer(stream, &refusal, exchange->status);
}

static void refuse_for(struct multiplex_stream *stream, enum reason reason,
		       unsigned status, const char *detail)
{
	const struct decision decision = { .verdict = VERDICT_DENY,
					   .reason = reason };

	refuse(stream, &decision, status, (struct http_text){ 0 }, detail);
}

/* The connection's own refusal, which is in its line of the record too. */
static void refuse_as_all(struct multiplex_stream *stream)
{
	const struct refusal *refusal = &stream->multiplex->refusal;
	const struct decision decision = { .verdict = VERDICT_DENY,
					   .reason = refusal->reason };

	stream->exchange.status = refusal_status(refusal->reason);
	record(stream, &decision, refusal, NULL);
	answer(stream, refusal, stream->exchange.status);
}

/*
 * RFC 9113 9.1.1: an agent that found the name it wants in another's
 * certificate, or hoped to, may try again on a connection of its own.
 */
static unsigned status_for(const struct flow *flow,
			   const struct decision *decision,
			   const struct http_request *request)
{
	const struct attempt elsewhere = {
		.kind = ATTEMPT_HTTP,
		.name = &request->host,
		.port = request->port             ? request->port
			: request->absolute_https ? 443
						  : 80,
	};

	if (decision->reason == REASON_HOST_MISMATCH && request->host.len > 0 &&
	    policy_judge(flow->worker->policy, &elsewhere).verdict !=
		    VERDICT_DENY)
		return 421;
	return 0;
}

/* --- the origin --- */

static const struct http2_events origin_events;

static bool add_origin(struct multiplex *multiplex, struct origin_link *link,
		       struct http2_origin *origin)
{
	if (!origin) {
		free(link);
		return false;
	}
	link->origin = origin;
	TAILQ_INSERT_HEAD(&multiplex->origins, link, link);
	return true;
}

static bool dial(struct multiplex *multiplex, const struct domain *name,
		 const struct route *route)
{
	struct flow *flow = multiplex->flow;
	struct origin_link *link = calloc(1, sizeof(*link));
	struct upstream_want want = {
		.name = name,
		.port = flow->port,
		.private = route && route->private,
		.tls = flow->stream.ssl != NULL,
		.authority = flow->authority,
	};

	want.alpn_len =
		stream_alpn(&flow->stream, want.alpn, sizeof(want.alpn));
	return link &&
	       add_origin(multiplex, link,
			  http2_origin_dial(flow->worker, &want, &origin_events,
					    pump, multiplex));
}

/* The one that takes new requests; NULL for want of memory. */
static struct origin_link *open_origin(struct multiplex *multiplex,
				       const struct domain *name,
				       const struct route *route)
{
	struct origin_link *link = TAILQ_FIRST(&multiplex->origins);

	if (link && http2_origin_is_open(link->origin))
		return link;
	if (!dial(multiplex, name, route))
		return NULL;
	return TAILQ_FIRST(&multiplex->origins);
}

static size_t fields_len(const struct http_field *fields, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += fields[i].name.len + fields[i].value.len + 4;
	return len;
}

static void went_out(struct multiplex_stream *stream, size_t len)
{
	stream->multiplex->flow->bytes_out += len;
	stream->exchange.bytes_out += len;
}

static void came_in(struct multiplex_stream *stream, size_t len)
{
	stream->multiplex->flow->bytes_in += len;
	stream->exchange.bytes_in += len;
}

/* Writes the head for the origin. Why not, if it cannot be. */
static enum reason write_head(struct multiplex_stream *stream,
			      struct http2_origin *origin,
			      const struct http_request *request, bool ended)
{
	stream->origin = http2_request(http2_origin_connection(origin), request,
				       ended, stream);
	return stream->origin < 0 ? REASON_OVERLOADED : REASON_ALLOWED;
}

/* The same with the credential of @route in it. */
static enum reason write_head_with(struct multiplex_stream *stream,
				   struct http2_origin *origin,
				   const struct http_request *request,
				   const struct route *route, bool ended)
{
	const struct secrets *secrets =
		stream->multiplex->flow->worker->secrets;
	struct http_request with = *request;
	struct credential credential;
	enum reason reason = REASON_OVERLOADED;

	/* No manifest is put in force without the secrets that it names. */
	if (!credential_make(&credential, route, secrets))
		return REASON_NO_POLICY;
	stream->redact = redact_new(&credential, route, secrets);
	if (stream->redact)
		reason = credential_put(&credential, &with)
				 ? write_head(stream, origin, &with, ended)
				 : REASON_HTTP_MALFORMED;
	credential_done(&credential);
	return reason;
}

/*
 * The connection that offered them may be gone, and another in its place. One
 * that has not said yet whether it takes them is not asked; the agent may try
 * again (RFC 9113 8.7).
 */
static bool takes_websockets(struct multiplex_stream *stream,
			     const struct origin_link *link)
{
	switch (http2_websockets(http2_origin_connection(link->origin))) {
	case HTTP2_WEBSOCKETS_TAKEN:
		return true;
	case HTTP2_WEBSOCKETS_REFUSED:
		refuse_for(stream, REASON_UPSTREAM_HTTP, 0,
			   "the origin takes no WebSockets any more");
		break;
	case HTTP2_WEBSOCKETS_NOT_SAID:
		stream_free(stream, HTTP2_REFUSED_STREAM,
			    "the origin has not said that it takes WebSockets");
		break;
	}
	return false;
}

/* Opens an admitted request anew. */
static void forward(struct multiplex_stream *stream,
		    const struct http_request *request,
		    const struct route *route, bool ended)
{
	struct origin_link *link =
		open_origin(stream->multiplex, &request->host, route);
	enum reason reason = REASON_OVERLOADED;

	if (link && request->wants_websocket && !takes_websockets(stream, link))
		return;
	if (link)
		reason = route->auth == ROUTE_AUTH_NONE
				 ? write_head(stream, link->origin, request,
					      ended)
				 : write_head_with(stream, link->origin,
						   request, route, ended);
	if (reason != REASON_ALLOWED) {
		refuse_for(stream, reason,
			   reason == REASON_HTTP_MALFORMED ? 431 : 0, NULL);
		return;
	}
	/* A connection that idled may be stale, and not have said so yet. */
	stream->again &= link->answered && link->n_streams == 0;
	stream->via = link;
	link->n_streams++;
	stream->with_origin = true;
	went_out(stream,
		 request->method.len + request->path.len +
			 request->authority.len +
			 fields_len(request->fields, request->n_fields));
}

/* --- what the agent sends --- */

static void on_request(void *arg, int32_t number,
		       const struct http_request *request, bool ended)
{
	struct multiplex *multiplex = arg;
	struct flow *flow = multiplex->flow;
	struct multiplex_stream *stream = stream_new(multiplex, number);
	struct decision decision;
	struct http_text asked;

	multiplex->had_head = true;
	touch(multiplex);
	if (!stream) {
		/* RFC 9113 8.7: it may be tried again. */
		http2_reset(multiplex->agent.http2, number,
			    HTTP2_REFUSED_STREAM);
		return;
	}
	exchange_remember(&stream->exchange, request);
	stream->grpc = http2_answer_is_grpc(request);
	stream->to_head = text_is_exactly(request->method, "HEAD");
	stream->again = ended && exchange_is_safe(request);
	stream->out.ended = ended;
	if (multiplex->refusing) {
		refuse_as_all(stream);
		return;
	}
	if (!exchange_judge(&stream->exchange, flow, request, &decision,
			    &asked)) {
		refuse(stream, &decision, status_for(flow, &decision, request),
		       asked, NULL);
		return;
	}
	flow_record(flow, &decision, NULL, NULL);
	forward(stream, request, decision.route, ended);
}

static void on_refused(void *arg, int32_t number, unsigned status,
		       const char *why)
{
	struct multiplex *multiplex = arg;
	struct multiplex_stream *stream = stream_new(multiplex, number);
	const struct decision decision = { .verdict = VERDICT_DENY,
					   .reason = REASON_HTTP_MALFORMED };

	if (!stream) {
		http2_reset(multiplex->agent.http2, number,
			    HTTP2_REFUSED_STREAM);
		return;
	}
	if (status != 0) {
		refuse_for(stream,
			   status == 501 ? REASON_HTTP_METHOD
					 : REASON_HTTP_MALFORMED,
			   status, why);
		return;
	}
	stream->with_agent = false;
	record(stream, &decision, NULL, why);
	stream_free(stream, HTTP2_NO_ERROR, NULL);
}

static size_t pipe_take(struct pipe *pipe, uint8_t *bytes, size_t cap,
			struct http2_end *end)
{
	size_t n = pipe->bytes.len < cap ? pipe->bytes.len : cap;

	if (n > 0) {
		memcpy(bytes, buffer_data(&pipe->bytes), n);
		buffer_drop(&pipe->bytes, n);
	}
	if (!pipe->ended || pipe->bytes.len > 0)
		return n;
	end->ended = true;
	end->trailers = pipe->trailers;
	pipe->trailers = NULL;
	pipe->taken = true;
	return n;
}

static void agent_data(void *owner, const uint8_t *bytes, size_t len)
{
	struct multiplex_stream *stream = owner;
	struct http2 *agent = stream->multiplex->agent.http2;

	touch(stream->multiplex);
	if (!stream->with_origin) {
		http2_consume(agent, stream->agent, len);
		return;
	}
	if (buffer_add(&stream->out.bytes, bytes, len) < 0) {
		http2_consume(agent, stream->agent, len);
		stream_free(stream, HTTP2_INTERNAL_ERROR, "out of memory");
		return;
	}
	http2_resume(origin_of(stream), stream->origin);
}

static void agent_ended(void *owner, struct http2_trailers *trailers)
{
	struct multiplex_stream *stream = owner;

	touch(stream->multiplex);
	if (!stream->with_origin) {
		free(trailers);
		return;
	}
	stream->out.ended = true;
	stream->out.trailers = trailers;
	http2_resume(origin_of(stream), stream->origin);
}

static void agent_closed(void *owner, uint32_t code, bool by_us)
{
	struct multiplex_stream *stream = owner;

	stream->with_agent = false;
	/* Whole both ways: the origin may still be taking the request. */
	if (stream->in.taken && (stream->out.ended || !stream->with_origin)) {
		free_if_done(stream);
		return;
	}
	stream_free(stream,
		    by_us || code == HTTP2_NO_ERROR ? HTTP2_CANCEL : code,
		    by_us ? "the agent broke HTTP/2" : "reset by the agent");
}

static size_t agent_take(void *owner, uint8_t *bytes, size_t cap,
			 struct http2_end *end)
{
	struct multiplex_stream *stream = owner;
	size_t n = pipe_take(&stream->in, bytes, cap, end);

	if (n > 0 && stream->via)
		http2_consume(origin_of(stream), stream->origin, n);
	if (n > 0 && stream->with_origin && stream->in.bytes.len == 0)
		http2_widen(origin_of(stream), stream->origin);
	if (n > 0)
		touch(stream->multiplex);
	return n;
}

/* Its streams go on; when there are none, http2 ends the connection. */
static void agent_goaway(void *arg)
{
	struct multiplex *multiplex = arg;

	multiplex->leaving = true;
}

static const struct http2_events agent_events = {
	.request = on_request,
	.refused = on_refused,
	.data = agent_data,
	.ended = agent_ended,
	.closed = agent_closed,
	.take = agent_take,
	.goaway = agent_goaway,
};

/* --- what the origin sends --- */

/* What is exchanged over a WebSocket is nobody's to hold back or change. */
static void end_redaction(struct multiplex_stream *stream,
			  const struct http_response *response)
{
	if (!stream->exchange.judged.request.as_websocket ||
	    response->status >= 300)
		return;
	redact_free(stream->redact);
	stream->redact = NULL;
}

static void on_response(void *owner, const struct http_response *response,
			bool ended)
{
	struct multiplex_stream *stream = owner;
	bool interim = response->status < 200;

	touch(stream->multiplex);
	came_in(stream, fields_len(response->fields, response->n_fields));
	if (interim && ++stream->interim > INTERIM_MAX) {
		refuse_for(stream, REASON_UPSTREAM_HTTP, 0,
			   "too many interim responses");
		return;
	}
	stream->via->answered = true;
	if (!interim) {
		end_redaction(stream, response);
		stream->response_begun = true;
		stream->exchange.status = response->status;
		stream->in.ended = stream->in.taken = ended;
	}
	if (http2_respond(stream->multiplex->agent.http2, stream->agent,
			  response, ended) < 0)
		stream_free(stream, HTTP2_INTERNAL_ERROR, NULL);
}

/* Before it is read: what the agent must not hold is struck out. */
static void origin_head(void *owner, char *bytes, size_t len)
{
	const struct multiplex_stream *stream = owner;

	if (stream->redact)
		redact_head(stream->redact, bytes, len);
}

/* The next run of a body for the agent; @last if none follows. */
static bool put_run(struct multiplex_stream *stream, struct http_text data,
		    bool last)
{
	stream->held += data.len;
	if (stream->redact)
		data = redact_run(stream->redact, data, last);
	if (buffer_add(&stream->in.bytes, data.at, data.len) < 0)
		return false;
	stream->held -= data.len;
	return true;
}

static void origin_data(void *owner, const uint8_t *bytes, size_t len)
{
	const struct http_text data = { (const char *)bytes, len };
	struct multiplex_stream *stream = owner;

	touch(stream->multiplex);
	came_in(stream, len);
	if (put_run(stream, data, false))
		http2_resume(stream->multiplex->agent.http2, stream->agent);
	else
		stream_free(stream, HTTP2_INTERNAL_ERROR, "out of memory");
}

static void origin_ended(void *owner, struct http2_trailers *trailers)
{
	struct multiplex_stream *stream = owner;

	touch(stream->multiplex);
	stream->in.trailers = trailers;
	if (!put_run(stream, (struct http_text){ 0 }, true)) {
		stream_free(stream, HTTP2_INTERNAL_ERROR, "out of memory");
		return;
	}
	stream->in.ended = true;
	http2_resume(stream->multiplex->agent.http2, stream->agent);
}

/* Before an answer has begun, the agent can be told why there is none. */
static void fail(struct multiplex_stream *stream, uint32_t code, bool by_us,
		 enum reason loss, const char *detail)
{
	struct decision failed = { VERDICT_INTERCEPT, REASON_UPSTREAM_HTTP,
				   NULL };

	if (loss != REASON_ALLOWED)
		failed.reason = loss;
	else
		detail = by_us ? "the response is malformed"
			       : "reset by the origin";
	if (loss != REASON_ALLOWED && !stream->response_begun &&
	    stream->again) {
		/* RFC 9113 8.7: the agent tries again, by itself. */
		record(stream, &failed, NULL,
		       "the origin's connection was stale");
		stream_free(stream, HTTP2_REFUSED_STREAM, NULL);
		return;
	}
	if ((loss != REASON_ALLOWED || by_us) && !stream->response_begun) {
		refuse(stream, &failed, 0, (struct http_text){ 0 }, detail);
		return;
	}
	record(stream, &failed, NULL, detail);
	stream_free(stream, code, NULL);
}

static void origin_closed(void *owner, uint32_t code, bool by_us)
{
	struct multiplex_stream *stream = owner;
	struct multiplex *multiplex = stream->multiplex;
	const char *detail;
	enum reason loss = http2_origin_loss(stream->via->origin, &detail);

	stream->with_origin = false;
	leave_origin(stream, HTTP2_NO_ERROR);
	if (!stream->in.ended) {
		fail(stream, code == HTTP2_NO_ERROR ? HTTP2_CANCEL : code,
		     by_us, loss, detail);
		return;
	}
	if (stream->with_agent && !stream->out.ended)
		http2_stop(multiplex->agent.http2, stream->agent);
	free_if_done(stream);
}

static size_t origin_take(void *owner, uint8_t *bytes, size_t cap,
			  struct http2_end *end)
{
	struct multiplex_stream *stream = owner;
	size_t n = pipe_take(&stream->out, bytes, cap, end);

	if (n > 0) {
		http2_consume(stream->multiplex->agent.http2, stream->agent, n);
		went_out(stream, n);
		touch(stream->multiplex);
	}
	return n;
}

static const struct http2_events origin_events = {
	.head = origin_head,
	.response = on_response,
	.data = origin_data,
	.ended = origin_ended,
	.closed = origin_closed,
	.take = origin_take,
};

/* --- the life of a connection --- */

/* From now on only what is there is sent. */
static void last(struct multiplex *multiplex)
{
	if (!multiplex->last.begun)
		farewell_begin(&multiplex->last, multiplex->flow);
}

static void free_streams(struct multiplex *multiplex, const char *detail)
{
	struct multiplex_stream *stream, *next;

	for (stream = TAILQ_FIRST(&multiplex->streams); stream; stream = next) {
		next = TAILQ_NEXT(stream, link);
		stream_free(stream, HTTP2_CANCEL, detail);
	}
}

static void free_origin(struct multiplex *multiplex, struct origin_link *link,
			bool reset)
{
	TAILQ_REMOVE(&multiplex->origins, link, link);
	http2_origin_free(link->origin, reset);
	free(link);
}

/* What the origin takes the agent is offered, if its route lets it pass. */
static bool offer_websockets(struct multiplex *multiplex, struct http2 *origin)
{
	struct flow *flow = multiplex->flow;
	struct attempt attempt = flow_attempt(flow, ATTEMPT_TLS);
	struct decision decision;

	if (multiplex->offer_settled || !flow->stream.ssl ||
	    http2_websockets(origin) != HTTP2_WEBSOCKETS_TAKEN)
		return false;
	multiplex->offer_settled = true;
	decision = policy_judge(flow->worker->policy, &attempt);
	if (decision.verdict != VERDICT_INTERCEPT ||
	    !decision.route->http2_websocket)
		return false;
	http2_offer_websockets(multiplex->agent.http2);
	return true;
}

static bool step_origins(struct multiplex *multiplex)
{
	struct origin_link *link, *next;
	bool moved = false;

	for (link = TAILQ_FIRST(&multiplex->origins); link; link = next) {
		next = TAILQ_NEXT(link, link);
		moved |= http2_origin_step(link->origin);
		moved |= offer_websockets(
			multiplex, http2_origin_connection(link->origin));
		if (http2_origin_address(link->origin)->family != 0)
			multiplex->flow->origin =
				*http2_origin_address(link->origin);
		if (link->n_streams == 0 && http2_origin_is_spent(link->origin))
			free_origin(multiplex, link, false);
	}
	return moved;
}

static void watch_head(struct multiplex *multiplex)
{
	bool reading = http2_is_reading_head(multiplex->agent.http2);

	if (reading == multiplex->reading_head || multiplex->last.begun)
		return;
	multiplex->reading_head = reading;
	if (reading)
		flow_deadline(multiplex->flow, HEAD_MS);
	else
		touch(multiplex);
}

static bool step_agent(struct multiplex *multiplex)
{
	struct flow *flow = multiplex->flow;
	struct http2_leg *leg = &multiplex->agent;
	bool moved;

	if (leg->gone)
		return farewell_step(&multiplex->last, flow, multiplex->why);
	moved = http2_leg_step(leg, &flow->stream);
	watch_head(multiplex);
	if (!leg->gone)
		return moved;
	if (flow->stream.ended || flow->stream.failed) {
		flow_close(flow,
			   multiplex->had_head || !flow->stream.ssl
				   ? REASON_ALLOWED
				   : REASON_TLS_UNUSED,
			   flow->stream.failed);
		return true;
	}
	/* Neither side meant to end it. */
	if (!multiplex->last.begun && !multiplex->leaving)
		multiplex->why = REASON_HTTP_MALFORMED;
	last(multiplex);
	return true;
}

static void pump(evutil_socket_t fd, short what, void *arg)
{
	struct multiplex *multiplex = arg;
	struct flow *flow = multiplex->flow;

	(void)fd;
	(void)what;
	for (int round = 0; round < ROUNDS; round++) {
		bool moved;

		if (flow->state == FLOW_CLOSED)
			return;
		moved = step_agent(multiplex);
		if (flow->state == FLOW_CLOSED)
			return;
		if (multiplex->agent.gone)
			free_streams(multiplex, "cut short");
		moved |= step_origins(multiplex);
		if (!moved)
			return;
	}
	/* Others have their turn; edge triggering would not call again. */
	event_active(flow->stream.event, EV_READ, 0);
}

int multiplex_start(struct flow *flow, struct stream *origin,
		    const struct refusal *refusal)
{
	struct multiplex *multiplex = calloc(1, sizeof(*multiplex));
	struct origin_link *link;

	if (!multiplex)
		return -ENOMEM;
	TAILQ_INIT(&multiplex->streams);
	TAILQ_INIT(&multiplex->origins);
	flow->multiplex = multiplex;
	multiplex->flow = flow;
	multiplex->why = REASON_ALLOWED;
	if (refusal) {
		multiplex->refusing = true;
		multiplex->refusal = *refusal;
	}
	if (http2_leg_init(&multiplex->agent, HTTP2_TO_AGENT, &agent_events,
			   multiplex) < 0)
		return -ENOMEM;
	if (origin) {
		link = calloc(1, sizeof(*link));
		if (!link ||
		    !add_origin(multiplex, link,
				http2_origin_adopt(origin, &flow->origin,
						   &origin_events, pump,
						   multiplex)))
			return -ENOMEM;
	}
	flow_deadline(flow, HEAD_MS);
	stream_attend(&flow->stream, pump, multiplex);
	return 0;
}

/* The agent is told on each stream, and then goodbye. */
void multiplex_timed_out(struct multiplex *multiplex)
{
	struct flow *flow = multiplex->flow;
	struct multiplex_stream *stream, *next;

	if (multiplex->last.begun) {
		flow_close(flow, multiplex->why, false);
		return;
	}
	if (multiplex->reading_head) {
		flow_close(flow, REASON_TIMED_OUT, true);
		return;
	}
	for (stream = TAILQ_FIRST(&multiplex->streams); stream; stream = next) {
		next = TAILQ_NEXT(stream, link);
		if (!stream->with_agent || stream->response_begun)
			stream_free(stream, HTTP2_CANCEL, "nothing moved");
		else
			refuse_for(stream,
				   stream->out.ended ? REASON_UPSTREAM_CONNECT
						     : REASON_TIMED_OUT,
				   0, "nothing moved");
	}
	last(multiplex);
	http2_shut(multiplex->agent.http2);
	event_active(flow->stream.event, EV_WRITE, 0);
}

static bool is_admitted(const struct multiplex_stream *stream)
{
	const struct flow *flow = stream->multiplex->flow;
	struct attempt attempt = flow_attempt(flow, ATTEMPT_HTTP);

	attempt.request = judged_request(&stream->exchange.judged);
	return policy_judge(flow->worker->policy, &attempt).verdict !=
	       VERDICT_DENY;
}

void multiplex_rejudge(struct multiplex *multiplex)
{
	const struct decision changed = { VERDICT_DENY, REASON_POLICY_CHANGED,
					  NULL };
	struct multiplex_stream *stream, *next;

	multiplex->offer_settled = false;
	for (stream = TAILQ_FIRST(&multiplex->streams); stream; stream = next) {
		next = TAILQ_NEXT(stream, link);
		if (!stream->with_origin || is_admitted(stream))
			continue;
		if (!stream->response_begun) {
			refuse_for(stream, REASON_POLICY_CHANGED, 0, NULL);
			continue;
		}
		record(stream, &changed, NULL, "cut short");
		stream_free(stream, HTTP2_CANCEL, NULL);
	}
	pump(-1, 0, multiplex);
}

void multiplex_free(struct multiplex *multiplex)
{
	struct origin_link *link, *next;
	bool busy;

	if (!multiplex)
		return;
	busy = !TAILQ_EMPTY(&multiplex->streams);
	free_streams(multiplex, "cut short");
	for (link = TAILQ_FIRST(&multiplex->origins); link; link = next) {
		next = TAILQ_NEXT(link, link);
		free_origin(multiplex, link, busy);
	}
	http2_leg_done(&multiplex->agent);
	free(multiplex);
}
