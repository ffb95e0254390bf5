/*
 * http1.h - HTTP/1 message heads and body framing, strict (sans-I/O)
 *
 * A head is read only when it is whole, and is then sound or refused: there
 * is one reading of it, and http1_*_write() writes that one reading anew, in
 * one canonical spelling, without what concerned only the previous hop. A
 * body is read as data runs and written again under the framing that the
 * written head announces. Nothing is ever copied through unparsed.
 *
 * All views borrow from the bytes that were parsed, but for a path that an
 * absolute-form target did not spell out.
 */
#ifndef SLUICE_HTTP1_H
#define SLUICE_HTTP1_H

#include "attributes.h"
#include "http1_body.h"
#include "message.h"

#define HTTP1_OPTIONS_MAX 32 /* what Connection lists */

/*
 * Whether @bytes hold a whole head: HTTP1_DONE sets @head_len. @scanned, 0 at
 * first, remembers how far earlier calls on the same growing bytes looked.
 * HTTP1_BAD once no head can come of it (above HTTP_HEAD_MAX, a first line
 * that is no HTTP, a line that does not end in CRLF): @status is 400 or 431.
 * The work over all calls is linear in the bytes.
 */
MUST_CHECK enum http1_result http1_head_find(const char *bytes, size_t len,
					     size_t *scanned, size_t *head_len,
					     unsigned *status);

/*
 * Parses a whole head. False sets @status and, for people, @why, a constant
 * string; @request is then untouched. 400: unsound, 417: an Expect other than
 * 100-continue, 431: too large, 501: a method that is not carried (CONNECT,
 * TRACE), 505: a version other than 1.0 and 1.1.
 */
MUST_CHECK bool http1_request_parse(const char *head, size_t len,
				    struct http_request *request,
				    unsigned *status, const char **why);

/*
 * The same for a response. @to_head: the request's method was HEAD. A 1xx is
 * a response of its own, without a body; the final one follows it.
 */
MUST_CHECK bool http1_response_parse(const char *head, size_t len, bool to_head,
				     struct http_response *response,
				     const char **why);

/*
 * Parses a whole trailer section, to the empty line and with it, into @list,
 * which has room for HTTP_FIELDS_MAX. False if it is unsound.
 */
MUST_CHECK bool http1_trailers_parse(struct http_text section,
				     struct http_field *list, size_t *n);

/*
 * Writes the head for the origin: origin-form target, Host first (the name,
 * and the port unless it is 0), the fields in their order, one framing field.
 * HTTP/1.1 always. Returns its length, 0 if it does not fit in @cap.
 */
size_t http1_request_write(const struct http_request *request, char *bytes,
			   size_t cap);

/*
 * Writes the head for the agent, in HTTP/1.1 but for what the request's
 * version can take: a body of unknown length is chunked for HTTP/1.1, until
 * close for HTTP/1.0. @framing is set to what the written head announces;
 * @keep_alive is in/out: in, whether the connection may stay open; out,
 * whether the head says so. A 1xx says nothing of it. Returns the length, 0
 * if it does not fit in @cap; the two are then untouched.
 */
size_t http1_response_write(const struct http_response *response,
			    bool agent_http10, char *bytes, size_t cap,
			    enum http_framing *framing, bool *keep_alive);

/* Room for http1_end_write(), for a section of @len bytes. */
#define HTTP1_END_MAX(len) (2 * (len) + 16)

/*
 * Writes what ends a body under @framing: nothing, or the last chunk and those
 * fields of the trailer section @trailers that @declared, the value of Trailer,
 * has announced and that mean nothing to how the message is read, routed or
 * judged (RFC 9110 6.5.1). Returns its length within HTTP1_END_MAX, 0 for
 * nothing. False if the section is unsound.
 */
MUST_CHECK bool http1_end_write(enum http_framing framing,
				struct http_text trailers,
				struct http_text declared, char *bytes,
				size_t *len);

#endif
