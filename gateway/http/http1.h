/*
 * http1.h - HTTP/1 message heads and body framing, strict (sans-I/O)
 *
 * A head is read only when it is whole, and is then sound or refused: there
 * is one reading of it, and http1_*_write() writes that one reading anew, in
 * one canonical spelling, without what concerned only the previous hop. A
 * body is read as data runs and written again under the framing that the
 * written head announces. Nothing is ever copied through unparsed.
 *
 * All views (struct http1_text) borrow from the bytes that were parsed, but
 * for a path that an absolute-form target did not spell out.
 */
#ifndef SLUICE_HTTP1_H
#define SLUICE_HTTP1_H

#include "address.h"
#include "attributes.h"
#include "domain.h"
#include "http1_body.h"

#include <stdint.h>

#define HTTP1_HEAD_MAX 65536 /* bytes, to the empty line and with it */
#define HTTP1_FIELDS_MAX 100
#define HTTP1_OPTIONS_MAX 32 /* what Connection lists */

struct http1_field {
	struct http1_text name, value; /* value without its outer blanks */
};

struct http1_request {
	struct http1_text method;
	struct http1_text path; /* origin-form, with the query; "*" for
				   OPTIONS */
	bool is_http10;
	struct domain host; /* of Host, or where Host is an address: len 0 */
	struct http1_text authority; /* Host's value, port included */
	uint16_t port;               /* of Host; 0 if it names none */
	bool absolute;               /* the target was absolute-form */
	bool absolute_https;         /* ... with https */
	enum http1_framing framing;
	uint64_t content_length;
	bool keep_alive;
	bool expects_continue;
	bool takes_trailers;        /* TE says so */
	struct http1_text trailers; /* Trailer: which are to come; or empty */
	bool wants_websocket; /* a sound RFC 6455 handshake; any other Upgrade
				 has been dropped */
	struct http1_field fields[HTTP1_FIELDS_MAX];
	size_t n_fields; /* end-to-end ones: hop-by-hop, Host, Content-Length,
			    Transfer-Encoding and Expect are taken out */
};

struct http1_response {
	uint16_t status;
	struct http1_text reason;
	bool is_http10;
	enum http1_framing framing;
	uint64_t content_length;
	bool has_content_length; /* also where there is no body (HEAD, 304) */
	bool keep_alive;
	bool is_websocket; /* a 101, which is refused for anything else */
	struct http1_text websocket_accept; /* to be checked against the key */
	struct http1_text trailers;         /* as in a request */
	struct http1_field fields[HTTP1_FIELDS_MAX];
	size_t n_fields;
};

/*
 * Whether @bytes hold a whole head: HTTP1_DONE sets @head_len. @scanned, 0 at
 * first, remembers how far earlier calls on the same growing bytes looked.
 * HTTP1_BAD once no head can come of it (above HTTP1_HEAD_MAX, a first line
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
				    struct http1_request *request,
				    unsigned *status, const char **why);

/*
 * The same for a response. @to_head: the request's method was HEAD. A 1xx is
 * a response of its own, without a body; the final one follows it.
 */
MUST_CHECK bool http1_response_parse(const char *head, size_t len, bool to_head,
				     struct http1_response *response,
				     const char **why);

/* What a Host, or an authority, says. */
struct http1_authority {
	struct domain host;     /* len 0 if it is an address */
	struct address address; /* family 0 if it is a name */
	uint16_t port;          /* 0 if there is none */
};

/* host [ ":" port ], and nothing else that RFC 3986 3.2 may have there. */
MUST_CHECK bool http1_authority_parse(struct http1_text text,
				      struct http1_authority *authority);
/* The same, where a port that is not there means @default_port. */
bool http1_authority_equal(const struct http1_authority *a,
			   const struct http1_authority *b,
			   uint16_t default_port);

/* Whether the method is one to carry; if not, sets @status and @why. */
MUST_CHECK bool http1_method_judge(struct http1_text method, unsigned *status,
				   const char **why);

/* Whether @path is origin-form, or "*" where the method may have it. */
bool http1_path_is_sound(struct http1_text path, struct http1_text method);

/* Fields that are not passed on as they are, or not at all. */
bool http1_field_ends_here(struct http1_text name);

/*
 * Fields that may be trailers. RFC 9110 6.5.1: what frames, routes, judges,
 * authenticates or describes a message belongs into its head, where it was
 * looked for.
 */
bool http1_field_may_trail(struct http1_text name);

/* The value of the one field of that name; its @at is NULL if there is none,
 * or more than one. */
struct http1_text http1_field_value(const struct http1_field *fields, size_t n,
				    const char *name);

/*
 * Writes the head for the origin: origin-form target, Host first (the name,
 * and the port unless it is 0), the fields in their order, one framing field.
 * HTTP/1.1 always. Returns its length, 0 if it does not fit in @cap.
 */
size_t http1_request_write(const struct http1_request *request, char *bytes,
			   size_t cap);

/*
 * Writes the head for the agent, in HTTP/1.1 but for what the request's
 * version can take: a body of unknown length is chunked for HTTP/1.1, until
 * close for HTTP/1.0. @framing is set to what the written head announces;
 * @keep_alive is in/out: in, whether the connection may stay open; out,
 * whether the head says so. A 1xx says nothing of it. Returns the length, 0
 * if it does not fit in @cap; the two are then untouched.
 */
size_t http1_response_write(const struct http1_response *response,
			    bool agent_http10, char *bytes, size_t cap,
			    enum http1_framing *framing, bool *keep_alive);

/* Room for http1_end_write(), for a section of @len bytes. */
#define HTTP1_END_MAX(len) (2 * (len) + 16)

/*
 * Writes what ends a body under @framing: nothing, or the last chunk and those
 * fields of the trailer section @trailers that @declared, the value of Trailer,
 * has announced and that mean nothing to how the message is read, routed or
 * judged (RFC 9110 6.5.1). Returns its length within HTTP1_END_MAX, 0 for
 * nothing. False if the section is unsound.
 */
MUST_CHECK bool http1_end_write(enum http1_framing framing,
				struct http1_text trailers,
				struct http1_text declared, char *bytes,
				size_t *len);

#endif
