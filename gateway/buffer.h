/*
 * buffer.h - bytes on their way from one stream to another
 *
 * A queue in one piece of memory, which is there only while it holds
 * something: a connection that idles has none.
 */
#ifndef SLUICE_BUFFER_H
#define SLUICE_BUFFER_H

#include "stream.h"

#define BUFFER_CAP 16384 /* bytes, unless buffer_reserve() asks for more */

struct buffer {
	char *bytes;
	size_t at, len, cap; /* @len bytes from @at on */
	bool secret;         /* to be wiped when it is given back */
};

static inline const char *buffer_data(const struct buffer *buffer)
{
	/* Not even 0 may be added to NULL. */
	return buffer->bytes ? buffer->bytes + buffer->at : "";
}

/* The same, to be changed in place; only where there is data. */
static inline char *buffer_bytes(struct buffer *buffer)
{
	return buffer->bytes + buffer->at;
}

/* Room behind the data, at least BUFFER_CAP or @room in all. */
MUST_CHECK int buffer_reserve(struct buffer *buffer, size_t room);
static inline char *buffer_room(struct buffer *buffer, size_t *room)
{
	*room = buffer->cap - buffer->at - buffer->len;
	return buffer->bytes + buffer->at + buffer->len;
}

void buffer_took(struct buffer *buffer, size_t len); /* @len were added */
void buffer_drop(struct buffer *buffer, size_t len); /* from the front */
MUST_CHECK int buffer_add(struct buffer *buffer, const void *bytes, size_t len);
void buffer_done(struct buffer *buffer);

/*
 * From or to a stream, once. Returns bytes moved, 0 at the end of the stream
 * (fill) or if there is nothing to do (flush), or -errno: -EAGAIN if the
 * stream is not ready, -ENOBUFS if the buffer is full.
 */
MUST_CHECK ssize_t buffer_fill(struct buffer *buffer, struct stream *stream);
MUST_CHECK ssize_t buffer_flush(struct buffer *buffer, struct stream *stream);

#endif
