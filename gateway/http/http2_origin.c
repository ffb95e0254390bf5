#include "http2_origin.h"

#include "http2_leg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http2_origin {
	struct http2_leg leg;
	struct http2_events events;
	struct stream stream; /* fd -1 while it is being dialled */
	struct upstream *upstream;
	struct address address;
	event_callback_fn wake;
	void *arg;
	bool leaving;
	enum reason loss; /* REASON_ALLOWED if it is not lost */
	char detail[160];
};

static void leaving(void *arg)
{
	struct http2_origin *origin = arg;

	origin->leaving = true;
}

static struct http2_origin *origin_new(const struct http2_events *events,
				       event_callback_fn wake, void *arg)
{
	struct http2_origin *origin = calloc(1, sizeof(*origin));

	if (!origin)
		return NULL;
	origin->stream.fd = -1;
	origin->loss = REASON_ALLOWED;
	origin->wake = wake;
	origin->arg = arg;
	origin->events = *events;
	origin->events.goaway = leaving;
	if (http2_leg_init(&origin->leg, HTTP2_TO_ORIGIN, &origin->events,
			   origin) < 0) {
		free(origin);
		return NULL;
	}
	return origin;
}

void http2_origin_free(struct http2_origin *origin, bool reset)
{
	if (!origin)
		return;
	upstream_cancel(origin->upstream);
	http2_leg_done(&origin->leg);
	if (origin->stream.fd >= 0)
		stream_close(&origin->stream, reset);
	free(origin);
}

static void lose(struct http2_origin *origin, enum reason reason,
		 const char *detail)
{
	if (origin->loss != REASON_ALLOWED)
		return;
	origin->loss = reason;
	(void)snprintf(origin->detail, sizeof(origin->detail), "%s",
		       detail ? detail : "");
	http2_abandon(origin->leg.http2, HTTP2_INTERNAL_ERROR);
}

static void dialled(void *arg, const struct upstream_result *result)
{
	struct http2_origin *origin = arg;

	origin->upstream = NULL;
	origin->address = result->address;
	if (result->reason != REASON_ALLOWED) {
		lose(origin, result->reason, result->detail);
	} else if (result->stream->ssl && !stream_speaks_h2(result->stream)) {
		lose(origin, REASON_UPSTREAM_TLS,
		     "the origin does not speak HTTP/2 any more");
	} else {
		stream_move(&origin->stream, result->stream, origin->wake,
			    origin->arg);
	}
	origin->wake(-1, 0, origin->arg);
}

struct http2_origin *http2_origin_dial(struct worker *worker,
				       const struct upstream_want *want,
				       const struct http2_events *events,
				       event_callback_fn wake, void *arg)
{
	struct http2_origin *origin = origin_new(events, wake, arg);

	if (!origin)
		return NULL;
	origin->upstream = upstream_start(worker, want, dialled, origin);
	if (!origin->upstream) {
		http2_origin_free(origin, false);
		return NULL;
	}
	return origin;
}

struct http2_origin *http2_origin_adopt(struct stream *stream,
					const struct address *address,
					const struct http2_events *events,
					event_callback_fn wake, void *arg)
{
	struct http2_origin *origin = origin_new(events, wake, arg);

	if (!origin)
		return NULL;
	origin->address = *address;
	stream_move(&origin->stream, stream, wake, arg);
	return origin;
}

struct http2 *http2_origin_connection(struct http2_origin *origin)
{
	return origin->leg.http2;
}

/* Why, if it ended by an alert after it had asked who we are. */
static enum reason turned_away(const struct stream *stream, const char **detail)
{
	return stream->failed && SSL_get_shutdown(stream->ssl) &
					 SSL_RECEIVED_SHUTDOWN
		       ? upstream_turned_away(stream, detail)
		       : REASON_ALLOWED;
}

bool http2_origin_step(struct http2_origin *origin)
{
	enum reason reason = REASON_ALLOWED;
	const char *detail;
	bool moved;

	if (origin->stream.fd < 0 || origin->loss != REASON_ALLOWED)
		return false;
	moved = http2_leg_step(&origin->leg, &origin->stream);
	if (origin->leg.gone)
		reason = turned_away(&origin->stream, &detail);
	if (reason != REASON_ALLOWED) {
		lose(origin, reason, detail);
		moved = true;
	} else if (origin->leg.gone || origin->leg.deaf) {
		lose(origin, REASON_UPSTREAM_HTTP,
		     origin->leg.gone ? "the origin closed its connection"
				      : "the origin broke HTTP/2");
		moved = true;
	}
	return moved;
}

bool http2_origin_is_open(const struct http2_origin *origin)
{
	return origin->loss == REASON_ALLOWED && !origin->leaving;
}

bool http2_origin_is_spent(const struct http2_origin *origin)
{
	return !http2_origin_is_open(origin) &&
	       (origin->loss != REASON_ALLOWED ||
		http2_is_idle(origin->leg.http2));
}

enum reason http2_origin_loss(const struct http2_origin *origin,
			      const char **detail)
{
	*detail = origin->detail[0] ? origin->detail : NULL;
	return origin->loss;
}

const struct address *http2_origin_address(const struct http2_origin *origin)
{
	return &origin->address;
}
