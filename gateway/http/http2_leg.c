#include "http2_leg.h"

#include <errno.h>

#define ROOM BUFFER_CAP /* of frames that wait for the socket */

int http2_leg_init(struct http2_leg *leg, enum http2_side side,
		   const struct http2_events *events, void *arg)
{
	*leg = (struct http2_leg){ .http2 = http2_new(side, events, arg) };
	return leg->http2 ? 0 : -ENOMEM;
}

void http2_leg_done(struct http2_leg *leg)
{
	http2_free(leg->http2);
	leg->http2 = NULL;
	buffer_done(&leg->out);
}

static bool step_in(struct http2_leg *leg, struct stream *stream)
{
	uint8_t bytes[BUFFER_CAP];
	ssize_t n;

	if (leg->deaf)
		return false;
	n = stream_read(stream, bytes, sizeof(bytes));
	if (n == -EAGAIN)
		return false;
	if (n <= 0) {
		leg->deaf = leg->gone = true;
		return true;
	}
	/* It may have a last word, or even answers, to say still. */
	if (!http2_receive(leg->http2, bytes, (size_t)n))
		leg->deaf = true;
	return true;
}

static bool step_out(struct http2_leg *leg, struct stream *stream)
{
	const uint8_t *bytes;
	ssize_t n;

	while (leg->out.len < ROOM) {
		leg->out.secret = true;
		n = http2_pull(leg->http2, &bytes);
		if (n > 0 && buffer_add(&leg->out, bytes, (size_t)n) < 0)
			n = -ENOMEM;
		if (n < 0)
			leg->deaf = true;
		if (n <= 0)
			break;
	}
	n = buffer_flush(&leg->out, stream);
	if (n < 0 && n != -EAGAIN)
		leg->gone = true;
	return n > 0;
}

bool http2_leg_step(struct http2_leg *leg, struct stream *stream)
{
	bool moved;

	if (leg->gone)
		return false;
	moved = step_in(leg, stream);
	if (leg->gone)
		return moved;
	moved |= step_out(leg, stream);
	if (leg->out.len == 0 && http2_is_over(leg->http2))
		leg->gone = true;
	return moved;
}
