/*
 * handshakes.h - how many TLS handshakes a worker has under way, and who waits
 *
 * A handshake that is intercepted holds a name lookup, sockets to the origin,
 * TLS on both sides and a signature. So there are at most HANDSHAKES_MAX; those
 * that come on top of them wait in order, with nothing but the ClientHello that
 * they came with, until one has ended or their own deadline is there. What is
 * past its handshake does not notice.
 */
#ifndef SLUICE_HANDSHAKES_H
#define SLUICE_HANDSHAKES_H

#include "attributes.h"

#include <stddef.h>
#include <sys/queue.h>

#include <event2/event.h>

#define HANDSHAKES_MAX 512 /* of one worker */

enum handshake_state {
	HANDSHAKE_OVER = 0, /* or not begun */
	HANDSHAKE_WAITING,
	HANDSHAKE_UNDER_WAY,
};

struct handshake {
	TAILQ_ENTRY(handshake) link; /* while it waits */
	enum handshake_state state;
	void (*begin)(struct handshake *handshake);
};

TAILQ_HEAD(handshake_list, handshake);

struct handshakes {
	struct handshake_list waiting;
	size_t n;           /* under way */
	struct event *turn; /* somebody's, perhaps */
};

/* Returns 0 or -ENOMEM. */
MUST_CHECK int handshakes_init(struct handshakes *handshakes,
			       struct event_base *base);
void handshakes_done(struct handshakes *handshakes);

/* Has @begin called: now, or when it is its turn from the event loop. */
void handshake_ask(struct handshakes *handshakes, struct handshake *handshake,
		   void (*begin)(struct handshake *handshake));

/* Its place is another's, or it waits no longer; once is enough. */
void handshake_end(struct handshakes *handshakes, struct handshake *handshake);

#endif
