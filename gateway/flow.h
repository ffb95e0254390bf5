/*
 * flow.h - one connection of the agent's, from accept to the audit line
 *
 *	SNIFFING ---> DIALLING ---> RELAYING ------+
 *	    |             |                        v
 *	    |             +-------> INTERCEPTING -> CLOSED
 *	    |             |              ^         ^
 *	    |             |              |         |
 *	    +-------------+--- refused --+- reset -+
 *
 * A flow is made by the listener and belongs to the worker's flow table. It
 * changes state in flow_become() and nowhere else, which logs the step and
 * refuses an edge that is not drawn above. A flow that outstays its deadline
 * is closed. It is freed by the event loop after the turn in which it closed,
 * so a callback may close its flow and return.
 *
 * What is to become of a flow is decided once it has been sniffed, and again
 * for every request in it and for every new manifest.
 */
#ifndef SLUICE_FLOW_H
#define SLUICE_FLOW_H

#include "audit.h"
#include "policy.h"
#include "sniff.h"
#include "stream.h"

#include <sys/queue.h>

struct worker;
struct refusal;

/*
 * Of one worker, at once. Each has a descriptor, and another for its origin
 * while bytes move: with a pool of origins and the pipes they fit in 20000,
 * and where fewer are allowed, flows fail alone.
 */
#define FLOW_MAX 8192

enum flow_state {
	FLOW_SNIFFING,     /* the agent talks; nothing has been answered */
	FLOW_DIALLING,     /* admitted; on the way to the origin */
	FLOW_RELAYING,     /* bytes pass both ways, unread */
	FLOW_INTERCEPTING, /* requests are read one by one, or refused */
	FLOW_CLOSED,
};

struct flow {
	TAILQ_ENTRY(flow) link;
	struct worker *worker;
	uint64_t id; /* never reused; what log and audit call this flow */
	enum flow_state state;

	struct address agent, address; /* who, and where it was headed */
	uint16_t agent_port, port;
	struct domain name;     /* what it is judged by; len 0 if by address */
	bool name_bound;        /* the address alone says the name (virtual) */
	struct domain pinned;   /* held in the pins for @address; len 0: none */
	enum attempt_kind kind; /* what was judged last */
	enum verdict verdict;
	uint64_t authority;   /* of origins, where TLS is intercepted */
	enum reason hopeless; /* what is said if it never speaks a protocol */
	bool reset;           /* how it was closed */
	bool refusing;        /* it lives only to be told so */
	bool recorded;        /* the decision is in the record */

	struct stream stream; /* the agent's end */
	struct sniff *sniff;
	struct upstream *upstream;   /* while DIALLING */
	struct relay *relay;         /* while RELAYING */
	struct intercept *intercept; /* until TLS with the agent is up */
	struct inspect *inspect;     /* while INTERCEPTING, HTTP/1 */
	struct multiplex *multiplex; /* while INTERCEPTING, HTTP/2 */

	struct event *deadline;
	unsigned idle_ms;  /* that its route lets it be silent; 0: not said */
	unsigned usual_ms; /* the same where it is not said; 0: not silent */
	int64_t silent_since_ms;
	int64_t started_ms;
	struct address origin;        /* where we connected last */
	uint64_t bytes_out, bytes_in; /* to and from the origin */
};

TAILQ_HEAD(flow_list, flow);

struct flow_table {
	struct flow_list live, closed;
	size_t n;
	uint64_t last_id;
	struct event *reap;
};

MUST_CHECK int flow_table_init(struct flow_table *table, struct worker *worker);
void flow_table_done(struct flow_table *table);

/*
 * Takes @fd over: a connection from @agent that was headed for @address, or
 * with family 0 for nobody knows where.
 */
void flow_start(struct worker *worker, int fd, const struct address *agent,
		uint16_t agent_port, const struct address *address,
		uint16_t port);

/* Moves along an edge of the drawing. */
void flow_become(struct flow *flow, enum flow_state state);

/* From now on, so many milliseconds; 0 for no deadline. */
void flow_deadline(struct flow *flow, unsigned ms);

/*
 * From now on nothing moves, and the deadline is when that has lasted as long
 * as the flow's route allows, or @usual_ms where it does not say. Another
 * manifest applies to the silence that there is.
 */
void flow_idle(struct flow *flow, unsigned usual_ms);

/* While idle: inspect_rests() is to be called once it has lasted @ms. */
void flow_idle_tell(struct flow *flow, unsigned ms);

/* @route admitted what goes on in the flow; its limits apply. */
void flow_limit(struct flow *flow, const struct route *route);

/*
 * Ends the flow and writes what is left to write about it. @reset: the agent
 * gets RST, so that it does not take what it has for all there was.
 */
void flow_close(struct flow *flow, enum reason reason, bool reset);

/*
 * Holds @name against the address that the agent was headed for: true if it
 * was told that the name is there, and then the flow goes by that name.
 */
MUST_CHECK bool flow_claim(struct flow *flow, const struct domain *name);

/*
 * Ends the flow without a word but in the record: nothing was decided yet, or
 * what was admitted cannot be.
 */
void flow_refuse(struct flow *flow, enum reason reason, const char *detail);

/* The attempt that @kind is, on this flow; borrows from it. */
struct attempt flow_attempt(const struct flow *flow, enum attempt_kind kind);

/* Records the decision on the flow as a whole; at most once. */
void flow_record(struct flow *flow, const struct decision *decision,
		 const struct refusal *refusal, const char *detail);

/*
 * A line about the flow, to be completed; @what is the event's name. Borrows
 * from all that it is given.
 */
struct audit_event flow_event(const struct flow *flow, const char *what,
			      const struct decision *decision,
			      const struct refusal *refusal,
			      const char *detail);

/* Writes one. */
void flow_note(struct flow *flow, const char *what,
	       const struct decision *decision, const struct refusal *refusal,
	       const char *detail);

/*
 * Judges every live flow by the worker's policy, and resets what it denies:
 * when it returns that has been done, to streams of HTTP/2 as well. Not from
 * the callback of a flow.
 */
void flow_rejudge_all(struct worker *worker);

/* For a stream that nobody reads at the moment. */
void flow_ignore(evutil_socket_t fd, short what, void *arg);

/* "tls", "http" or "tcp", for the record. */
const char *flow_protocol(const struct flow *flow);

#endif
