/*
 * relay.h - bytes between agent and origin, unread
 *
 *	GUARDED ---> OPEN ---> one side ended ---> both ended
 *
 * TLS that is spliced starts GUARDED: of what the agent sends, the ClientHello
 * that was judged passes and nothing else, until the origin's first message
 * is known; warnings may come before it (RFC 6066 3). If it is a
 * HelloRetryRequest, the agent's second ClientHello is held to the first (RFC
 * 8446 4.1.2: same name, same ALPN) before it passes; otherwise a listed name
 * in the first could fetch any certificate by the second. After that, and for
 * raw TCP from the start, bytes only move: by copy while there are few, by
 * splice(2) once there are many.
 *
 * Each direction ends by itself (half-close) and is passed on as FIN; a reset
 * is passed on as a reset.
 */
#ifndef SLUICE_RELAY_H
#define SLUICE_RELAY_H

#include "attributes.h"

#include <stddef.h>

#define RELAY_PIPES_MAX 64 /* kept for reuse by a worker */

struct flow;
struct stream;
struct relay;

/* Pipes for splice(2), shared by the flows of a worker. Zeroed is ready. */
struct relay_pipes {
	int fds[RELAY_PIPES_MAX][2];
	size_t n;
};
void relay_pipes_done(struct relay_pipes *pipes);

/*
 * Takes @origin over and what flow->sniff holds. Returns 0 or -errno; the
 * caller then closes the flow.
 */
MUST_CHECK int relay_start(struct flow *flow, struct stream *origin);
void relay_free(struct relay *relay);

#endif
