/*
 * http1_body.h - HTTP/1 bodies: a reader for one side, a writer for the other
 *
 * A body is read as runs of payload, whatever its framing, and written again
 * under the framing that the written head announced (sans-I/O). The next
 * message begins exactly where a body is DONE.
 */
#ifndef SLUICE_HTTP1_BODY_H
#define SLUICE_HTTP1_BODY_H

#include "attributes.h"
#include "message.h"

#define HTTP1_CHUNK_LINE_MAX 1024 /* size, extensions and CRLF */
#define HTTP1_TRAILERS_MAX 8192   /* bytes, to the empty line and with it */

enum http1_result {
	HTTP1_MORE = 0, /* not whole yet */
	HTTP1_DONE,
	HTTP1_BAD, /* refused; *status says how */
};

struct http1_body {
	enum http_framing framing;
	uint64_t left;   /* of the length, or of the chunk */
	unsigned state;  /* of the chunked reader; the source has the drawing */
	size_t line_len; /* bytes of the line or the trailers so far */
	size_t held;     /* of the trailers, which are taken whole: seen, and to
			    be given again with what follows */
	struct http_text trailers; /* with the empty line; set at DONE */
	bool done;
};

void http1_body_init(struct http1_body *body, enum http_framing framing,
		     uint64_t content_length);

/*
 * Reads from @bytes: sets @used to how many were taken, and @data to the next
 * run of payload among them, possibly empty. MORE: call again with what comes
 * after @used. DONE: the body ended after @used; what follows is the next
 * message's. BAD: the framing is unsound, and stays so. A body until close is
 * never DONE: its end is the connection's. body->trailers, at DONE, borrows
 * from @bytes what a chunked body has behind its last chunk.
 */
MUST_CHECK enum http1_result http1_body_read(struct http1_body *body,
					     const char *bytes, size_t len,
					     size_t *used,
					     struct http_text *data);

/* Room that http1_body_write() needs beside the payload itself. */
#define HTTP1_BODY_OVERHEAD 20

/*
 * Writes @data (its length not 0) under @framing, returns the bytes written,
 * at most data.len + HTTP1_BODY_OVERHEAD. That a body of HTTP_LENGTH comes
 * to that length is the caller's to see to.
 */
size_t http1_body_write(enum http_framing framing, struct http_text data,
			char *bytes);

#endif
