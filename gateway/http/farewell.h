/*
 * farewell.h - the end of a connection whose agent is to read our last words
 *
 * Our end is sent behind them; what the agent still sends is read and dropped
 * for a while, because closing on it would reset the connection and the words
 * be lost (RFC 9112 9.6).
 */
#ifndef SLUICE_FAREWELL_H
#define SLUICE_FAREWELL_H

#include "attributes.h"
#include "verdict.h"

#include <stdbool.h>
#include <stddef.h>

#define FAREWELL_MS 2000         /* for what the agent still sends */
#define FAREWELL_BYTES (1 << 20) /* ... and how much of it */

struct flow;

/* Zeroed is ready. */
struct farewell {
	bool begun;
	bool ending; /* our own end has been sent */
	size_t dropped;
};

/* Sets the flow's deadline; what is there to be sent still may go out. */
void farewell_begin(struct farewell *farewell, struct flow *flow);

/*
 * All has gone out. True if it got on; the flow may be closed by then, for
 * @why.
 */
MUST_CHECK bool farewell_step(struct farewell *farewell, struct flow *flow,
			      enum reason why);

#endif
