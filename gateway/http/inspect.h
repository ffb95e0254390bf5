/*
 * inspect.h - HTTP/1 between agent and origin, request by request
 *
 *	HEAD ---> DIALLING ---> EXCHANGE ---> HEAD	one request after another
 *	  |           |             |    \--> TUNNEL	WebSocket, once agreed
 *	  +-----------+-------------+-------> LAST	an answer of ours, the
 *							last; then the end
 *
 * Each request is judged when its head is whole: its Host must be the name of
 * the connection it came on, and the manifest must admit it. What goes to the
 * origin is written anew from the parsed request, what comes back from the
 * parsed response; bodies are decoded and framed again. One request is under
 * way at a time; of later ones one buffer is taken, so that an agent that goes
 * away is noticed, and the rest waits in its socket.
 *
 * A connection to an origin outlives its requests, and the agent's connection
 * as well: in good order it goes to the worker's pool, when the agent leaves or
 * has said nothing for some seconds. One that turns out to be stale, when a
 * request has gone out on it and nothing came back, is made anew for a safe
 * request without a body (RFC 9110 9.2.1), once; for others the agent's
 * connection ends as the origin's did.
 *
 * Neither side's bytes are held beyond one buffer: a side that does not take
 * stops the other from being read.
 */
#ifndef SLUICE_INSPECT_H
#define SLUICE_INSPECT_H

#include "refusal.h"
#include "stream.h"

struct flow;
struct inspect;

enum inspect_mode {
	INSPECT_REFUSE = 0, /* every request gets @refusal */
	INSPECT_JUDGE,
	INSPECT_ENROL, /* the gateway's own page: the CA, the time */
};

/*
 * Starts reading requests on flow->stream, whose TLS (if any) is up or about
 * to be. @origin is taken over: a connection for the first request, or NULL;
 * @reused if it has served others before.
 * @refusal is copied; only for INSPECT_REFUSE. Returns 0 or -errno; the
 * caller then closes the flow.
 */
MUST_CHECK int inspect_start(struct flow *flow, enum inspect_mode mode,
			     struct stream *origin, bool reused,
			     const struct refusal *refusal);

/* The request that was admitted and is under way; NULL if there is none. */
const struct request *inspect_request(const struct inspect *inspect);

/* The flow has been silent for a while, and may go on to be. */
void inspect_rests(struct inspect *inspect);

/* The flow's deadline has passed. */
void inspect_timed_out(struct inspect *inspect);

void inspect_free(struct inspect *inspect);

#endif
