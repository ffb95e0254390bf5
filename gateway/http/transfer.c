#include "transfer.h"

#include <errno.h>

bool transfer_fill(struct buffer *buffer, struct stream *stream, ssize_t *gone)
{
	ssize_t n = buffer_fill(buffer, stream);

	*gone = 0;
	if (n > 0)
		return true;
	if (n != -EAGAIN && n != -ENOBUFS)
		*gone = n == 0 ? -EPIPE : n;
	return false;
}

bool transfer_is_starved(const struct http1_body *body,
			 const struct buffer *from)
{
	return !body->done && from->len == body->held;
}

/* What ends a body that is whole. False if that is unsound, or no memory. */
static bool end_body(const struct http1_body *body, enum http_framing framing,
		     const char *declared, struct buffer *to)
{
	size_t room, len;

	if (buffer_reserve(to, HTTP1_END_MAX(body->trailers.len)) < 0 ||
	    !http1_end_write(framing, body->trailers, text_of(declared),
			     buffer_room(to, &room), &len))
		return false;
	buffer_took(to, len);
	return true;
}

/* Writes a run of a body; @last if none follows. False for want of memory. */
static bool put_run(struct buffer *to, enum http_framing framing,
		    struct redact *redact, struct http_text data, bool last)
{
	size_t room;

	if (redact)
		data = redact_run(redact, data, last);
	if (data.len == 0)
		return true;
	if (buffer_reserve(to, data.len + HTTP1_BODY_OVERHEAD) < 0)
		return false;
	buffer_took(to,
		    http1_body_write(framing, data, buffer_room(to, &room)));
	return true;
}

/* They lie in @from, and still do when they are written. */
static void redact_trailers(const struct redact *redact,
			    const struct http_text *trailers,
			    struct buffer *from)
{
	if (redact && trailers->len > 0)
		redact_head(redact,
			    buffer_bytes(from) +
				    (trailers->at - buffer_data(from)),
			    trailers->len);
}

enum http1_result transfer_move(struct http1_body *body,
				enum http_framing framing, const char *declared,
				struct redact *redact, struct buffer *from,
				struct buffer *to, bool *moved)
{
	while (!body->done && !transfer_is_starved(body, from) &&
	       to->len < TRANSFER_ROOM) {
		size_t take =
			from->len < TRANSFER_ROOM ? from->len : TRANSFER_ROOM;
		struct http_text data;
		enum http1_result result;
		size_t used;

		result = http1_body_read(body, buffer_data(from), take, &used,
					 &data);
		if (result == HTTP1_BAD ||
		    !put_run(to, framing, redact, data, result == HTTP1_DONE))
			return HTTP1_BAD;
		redact_trailers(redact, &body->trailers, from);
		/* The trailers are a view of what is dropped afterwards. */
		if (result == HTTP1_DONE &&
		    !end_body(body, framing, declared, to))
			return HTTP1_BAD;
		if (used > 0) {
			buffer_drop(from, used);
			*moved = true;
		}
		if (used == 0 || result == HTTP1_DONE)
			break;
	}
	return body->done ? HTTP1_DONE : HTTP1_MORE;
}

bool transfer_end(struct http1_body *body, enum http_framing framing,
		  struct redact *redact, struct buffer *to)
{
	body->done = true;
	return put_run(to, framing, redact, (struct http_text){ 0 }, true) &&
	       end_body(body, framing, "", to);
}
