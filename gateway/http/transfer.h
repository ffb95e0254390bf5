/*
 * transfer.h - a body on its way from one side's buffer to the other's
 *
 * It is decoded from the framing that it came in, and written in the one that
 * the written head announces. What the agent must not hold is struck out of it
 * by the way.
 */
#ifndef SLUICE_TRANSFER_H
#define SLUICE_TRANSFER_H

#include "buffer.h"
#include "http1.h"
#include "redact.h"

#define TRANSFER_ROOM BUFFER_CAP /* of body, on its way to one side */

/*
 * Fills @buffer if there is room and says what that means: false if the
 * stream has nothing now. At its end or failure, *gone says which: -EPIPE at
 * the end, else another -errno; 0 if it is there still.
 */
MUST_CHECK bool transfer_fill(struct buffer *buffer, struct stream *stream,
			      ssize_t *gone);

/* Whether more must be read for a body to get on. */
bool transfer_is_starved(const struct http1_body *body,
			 const struct buffer *from);

/*
 * Moves what can be moved, and sets @moved if anything was; nothing is written
 * while @to has TRANSFER_ROOM. @declared: the value of Trailer. @redact may be
 * NULL. BAD: the body is unsound, or there is no memory.
 */
MUST_CHECK enum http1_result
transfer_move(struct http1_body *body, enum http_framing framing,
	      const char *declared, struct redact *redact, struct buffer *from,
	      struct buffer *to, bool *moved);

/* A body until close has been moved, and ends. False for want of memory. */
MUST_CHECK bool transfer_end(struct http1_body *body, enum http_framing framing,
			     struct redact *redact, struct buffer *to);

#endif
