/*
 * http2_head.h - message heads of HTTP/2: gathered, judged, written (sans-I/O)
 *
 * A head comes field by field, out of a header block that nghttp2 decodes. It
 * is gathered within bounds, and is then sound or refused as a whole: there is
 * one reading of it, which is that of message.h. What is written for the
 * other leg is made from that reading alone.
 *
 * nghttp2 has looked at the order and number of pseudo-fields and at
 * Content-Length by then; what is looked at here is also what it would let
 * pass.
 */
#ifndef SLUICE_HTTP2_HEAD_H
#define SLUICE_HTTP2_HEAD_H

#include "message.h"

#define HTTP2_PSEUDO_MAX 5
#define HTTP2_FIELDS_MAX (HTTP_FIELDS_MAX + HTTP2_PSEUDO_MAX + 2)
#define HTTP2_TRAILERS_MAX 16384 /* bytes, counted as those of a head */

/* A field, as offsets: the bytes move while they are gathered. */
struct http2_span {
	uint32_t name, value; /* where they begin */
	uint32_t name_len, value_len;
};

/* Zeroed is ready. */
struct http2_head {
	char *bytes;
	size_t len, cap;
	struct http2_span spans[HTTP2_FIELDS_MAX];
	size_t n, n_fields; /* the latter without pseudo-fields */
	size_t size;        /* as RFC 9113 6.5.2 counts: 32 for each field */
	bool too_large;     /* and what is above the bounds is not there */
	bool unsound;       /* a field that no head can have */
};

/* Ready for the next; keeps no memory. */
void http2_head_reset(struct http2_head *head);

/* False for want of memory. */
MUST_CHECK bool http2_head_add(struct http2_head *head, const uint8_t *name,
			       size_t name_len, const uint8_t *value,
			       size_t value_len);

/*
 * The head as a request's or a response's; @ended: no body follows. They
 * borrow from @head. False sets @status as http1_request_parse() does, and
 * @why. `te: trailers` and `trailer` stay among the fields, because trailers
 * pass.
 */
MUST_CHECK bool http2_request_read(const struct http2_head *head, bool ended,
				   struct http_request *request,
				   unsigned *status, const char **why);
MUST_CHECK bool http2_response_read(const struct http2_head *head, bool ended,
				    struct http_response *response,
				    const char **why);

/* In one piece of memory. */
struct http2_trailers {
	size_t n;
	struct http_field fields[];
};

/*
 * The head as trailers, without fields that had to be there before the body
 * was passed on. NULL: too large, unsound, or no memory. The caller frees it.
 */
MUST_CHECK struct http2_trailers *
http2_trailers_read(const struct http2_head *head);

/* A head to be sent; borrows from what it was written from. */
struct http2_written {
	struct http_field fields[HTTP2_FIELDS_MAX];
	size_t n;
	char authority[DOMAIN_MAX + 8], length[24], status[8];
};

void http2_request_write(const struct http_request *request,
			 struct http2_written *written);
void http2_response_write(const struct http_response *response,
			  struct http2_written *written);

#endif
