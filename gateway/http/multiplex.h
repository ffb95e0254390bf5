/*
 * multiplex.h - HTTP/2 between agent and origin, stream by stream
 *
 *	agent ---- http2 ----> stream, stream, ... ----> http2 ---- origin
 *
 * What inspect.h is for HTTP/1. Each request is judged when its head is whole,
 * on its own: one that is refused is answered on its stream, and the others go
 * on. One that is admitted is opened anew on a connection to the origin, with
 * a head written from what was judged. Bodies, trailers, interim responses and
 * resets pass both ways as they come.
 *
 * A stream holds what one side has sent and the other not yet taken, and the
 * sender's window opens only as it is taken: at most HTTP2_WINDOW_MAX each way,
 * and HTTP2_CONNECTION_WINDOW for all of a connection's.
 */
#ifndef SLUICE_MULTIPLEX_H
#define SLUICE_MULTIPLEX_H

#include "refusal.h"
#include "stream.h"

#define MULTIPLEX_STREAMS_MAX 200 /* some of which one side has left */

struct flow;
struct multiplex;

/*
 * Starts reading requests on flow->stream, whose TLS is up and has chosen h2,
 * or which has none and has begun with HTTP/2's preface. @origin, which speaks
 * it too, is taken over; NULL if there is none. If there is a @refusal, which
 * is copied, every request gets it. Returns 0 or -errno; the caller then closes
 * the flow.
 */
MUST_CHECK int multiplex_start(struct flow *flow, struct stream *origin,
			       const struct refusal *refusal);

/* The flow's deadline has passed. */
void multiplex_timed_out(struct multiplex *multiplex);

/* There is another manifest: ends the streams that it does not admit. */
void multiplex_rejudge(struct multiplex *multiplex);

void multiplex_free(struct multiplex *multiplex);

#endif
