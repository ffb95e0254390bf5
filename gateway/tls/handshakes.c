#include "handshakes.h"

#include <errno.h>

static void start(struct handshakes *handshakes, struct handshake *handshake)
{
	handshakes->n++;
	handshake->state = HANDSHAKE_UNDER_WAY;
	handshake->begin(handshake);
}

static void take_turns(evutil_socket_t fd, short what, void *arg)
{
	struct handshakes *handshakes = arg;
	struct handshake *next;

	(void)fd;
	(void)what;
	while (handshakes->n < HANDSHAKES_MAX &&
	       (next = TAILQ_FIRST(&handshakes->waiting)) != NULL) {
		TAILQ_REMOVE(&handshakes->waiting, next, link);
		start(handshakes, next);
	}
}

int handshakes_init(struct handshakes *handshakes, struct event_base *base)
{
	TAILQ_INIT(&handshakes->waiting);
	handshakes->n = 0;
	handshakes->turn = event_new(base, -1, 0, take_turns, handshakes);
	return handshakes->turn ? 0 : -ENOMEM;
}

void handshakes_done(struct handshakes *handshakes)
{
	event_free(handshakes->turn);
}

void handshake_ask(struct handshakes *handshakes, struct handshake *handshake,
		   void (*begin)(struct handshake *handshake))
{
	handshake->begin = begin;
	/* Nobody overtakes. */
	if (handshakes->n < HANDSHAKES_MAX &&
	    TAILQ_EMPTY(&handshakes->waiting)) {
		start(handshakes, handshake);
		return;
	}
	handshake->state = HANDSHAKE_WAITING;
	TAILQ_INSERT_TAIL(&handshakes->waiting, handshake, link);
}

void handshake_end(struct handshakes *handshakes, struct handshake *handshake)
{
	switch (handshake->state) {
	case HANDSHAKE_WAITING:
		TAILQ_REMOVE(&handshakes->waiting, handshake, link);
		break;
	case HANDSHAKE_UNDER_WAY:
		handshakes->n--;
		if (!TAILQ_EMPTY(&handshakes->waiting))
			event_active(handshakes->turn, EV_TIMEOUT, 0);
		break;
	case HANDSHAKE_OVER:
		return;
	}
	handshake->state = HANDSHAKE_OVER;
}
