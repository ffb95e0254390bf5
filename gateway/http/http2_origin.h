/*
 * http2_origin.h - an HTTP/2 connection to an origin, and requests on it
 *
 *	dialling ---> open ---> leaving ---> lost
 *	    \_________________________________^
 *
 * Requests may be made at once; they wait until it is open. While it is
 * leaving (the origin said GOAWAY, RFC 9113 6.8) the streams that are there go
 * on, and a new one needs another connection. Once it is lost, every stream
 * has been closed.
 *
 * It knows nothing of the agent's connection but whom to wake.
 */
#ifndef SLUICE_HTTP2_ORIGIN_H
#define SLUICE_HTTP2_ORIGIN_H

#include "http2.h"
#include "stream.h"
#include "upstream.h"
#include "verdict.h"

struct http2_origin;

/*
 * Dials; by TLS the origin must choose HTTP/2, and without it has to know it.
 * @events are those of streams: their owners are what is given to
 * http2_request(). @wake is called with @arg when http2_origin_step() may get
 * on, and is the stream's callback. NULL for want of memory.
 */
struct http2_origin *http2_origin_dial(struct worker *worker,
				       const struct upstream_want *want,
				       const struct http2_events *events,
				       event_callback_fn wake, void *arg);

/* The same on a connection that is there, which is taken over. */
struct http2_origin *http2_origin_adopt(struct stream *stream,
					const struct address *address,
					const struct http2_events *events,
					event_callback_fn wake, void *arg);

/* Streams are gone without a word; @reset: so is the connection. */
void http2_origin_free(struct http2_origin *origin, bool reset);

/* For requests, and for what concerns a stream. */
struct http2 *http2_origin_connection(struct http2_origin *origin);

/* Reads and writes; true if it got on. */
MUST_CHECK bool http2_origin_step(struct http2_origin *origin);

/* It takes new requests. */
bool http2_origin_is_open(const struct http2_origin *origin);

/* It is of no use to anybody any more. */
bool http2_origin_is_spent(const struct http2_origin *origin);

/* Why it is lost, for whoever had a stream on it; or REASON_ALLOWED. */
enum reason http2_origin_loss(const struct http2_origin *origin,
			      const char **detail);

/* Where it leads; of family 0 while that is not known. */
const struct address *http2_origin_address(const struct http2_origin *origin);

#endif
