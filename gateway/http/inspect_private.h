/*
 * inspect_private.h - what the files of inspect.c share
 *
 *	inspect.c           the connection: its states, its deadline, its end
 *	inspect_request.c   a request, from the agent to the origin
 *	inspect_origin.c    the connection that it goes out on
 *	inspect_response.c  what comes back
 *	inspect_tunnel.c    both ways, once WebSocket is agreed
 *	inspect_answer.c    answers of our own, and the end behind them
 *
 * A step returns true if it got on. After one, and after whatever may answer,
 * the state may be another and the flow closed.
 */
#ifndef SLUICE_INSPECT_PRIVATE_H
#define SLUICE_INSPECT_PRIVATE_H

#include "buffer.h"
#include "exchange.h"
#include "farewell.h"
#include "http1.h"
#include "inspect.h"
#include "redact.h"
#include "upstream.h"
#include "worker.h"

#define INSPECT_IDLE_MS 600000  /* between requests, and while bodies move */
#define INSPECT_TRAILER_MAX 256 /* bytes of names of trailers */

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
	bool response_begun;
	unsigned interim;
	bool origin_keep_alive;
	/* What Trailer announced */
	char trailers_out[INSPECT_TRAILER_MAX],
		trailers_in[INSPECT_TRAILER_MAX];
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
	struct farewell last;
};

/* --- inspect.c --- */

/* Of both streams: does what can be done. */
void inspect_pump(evutil_socket_t fd, short what, void *arg);

/* Writes the line of the request under way; the first call alone counts. */
void inspect_record(struct inspect *inspect, const struct decision *decision,
		    const struct refusal *refusal, const char *detail);

/* Bytes to the origin, and from it. */
void inspect_went_out(struct inspect *inspect, size_t len);
void inspect_came_in(struct inspect *inspect, size_t len);

/* --- inspect_request.c --- */

/* Nothing is known of a request. */
void inspect_forget(struct inspect *inspect);
/* The same, and one begins. */
void inspect_begin(struct inspect *inspect);

/*
 * A whole head lies in from_agent. @again: it has gone out on a connection that
 * turned out to be stale.
 */
void inspect_handle_request(struct inspect *inspect, bool again);

/* Parses what lies there once more; refuses what is unsound, then false. */
MUST_CHECK bool inspect_parse_request(struct inspect *inspect,
				      struct http_request *request);

/* Judges, and refuses what is not to go on; then false. */
MUST_CHECK bool inspect_admit(struct inspect *inspect,
			      const struct http_request *request,
			      struct decision *decision);

/* An admitted one goes out, on an origin that is there. */
void inspect_begin_exchange(struct inspect *inspect,
			    struct http_request *request,
			    const struct route *route);

/* Its body. */
MUST_CHECK bool inspect_step_out(struct inspect *inspect);

/* --- inspect_origin.c --- */

/* Goes on with inspect_begin_exchange(), or refuses. */
void inspect_dial(struct inspect *inspect, const struct domain *name,
		  const struct route *route, bool pooled);

/* A connection that idled is good for this name, or is let go. */
MUST_CHECK bool inspect_can_reuse_origin(struct inspect *inspect,
					 const struct domain *name);

/* Whether others may have it while the agent says nothing. */
bool inspect_lends_origin(const struct inspect *inspect);

/* Leaves it to others, if it is in good order; it is gone from here. */
void inspect_give_back_origin(struct inspect *inspect);
void inspect_drop_origin(struct inspect *inspect, bool reset);

/* --- inspect_response.c, inspect_tunnel.c --- */

MUST_CHECK bool inspect_step_in(struct inspect *inspect);

/* Names that Trailer announced, which are cut off where they are long. */
void inspect_keep_names(char names[INSPECT_TRAILER_MAX],
			struct http_text declared);

/* RFC 6455 4.2.2: the digest that proves the origin meant it. */
bool inspect_websocket_accepted(const struct under_way *now,
				const struct http_response *response);
MUST_CHECK bool inspect_step_tunnel(struct inspect *inspect);

/* --- inspect_answer.c --- */

/* Refuses the request under way. @asked is what differed, or empty. */
void inspect_refuse(struct inspect *inspect, const struct decision *decision,
		    unsigned status, struct http_text asked,
		    const char *detail);
void inspect_refuse_for(struct inspect *inspect, enum reason reason,
			unsigned status, const char *detail);

/*
 * Answers with @refusal, unless an answer of the origin's has begun: then the
 * agent must not take what it has for all there was, and gets a reset.
 */
void inspect_answer(struct inspect *inspect, const struct refusal *refusal,
		    unsigned status);

/* With the gateway's own page. */
void inspect_answer_enrolment(struct inspect *inspect,
			      const struct http_request *request);

/* What is in to_agent is the last that the agent gets. */
void inspect_last(struct inspect *inspect);
MUST_CHECK bool inspect_step_last(struct inspect *inspect);

/* What is in to_agent goes out, as far as it does. */
MUST_CHECK bool inspect_flush_agent(struct inspect *inspect);

#endif
