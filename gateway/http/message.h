/*
 * message.h - requests and responses, whichever version carries them
 *
 * What a reader makes of a head (http1.h, http2_head.h), what is judged, and
 * what a writer spells anew for the other leg. There is one reading of it. All
 * views (struct http_text) borrow from the bytes that were read.
 */
#ifndef SLUICE_HTTP_MESSAGE_H
#define SLUICE_HTTP_MESSAGE_H

#include "address.h"
#include "attributes.h"
#include "domain.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 65536 /* bytes, to its end and with it */
#define HTTP_FIELDS_MAX 100

/* What an unsound request is answered with. */
enum http_status {
	HTTP_BAD_REQUEST = 400,
	HTTP_EXPECTATION_FAILED = 417,
	HTTP_FIELDS_TOO_LARGE = 431,
	HTTP_NOT_IMPLEMENTED = 501,
	HTTP_VERSION_NOT_SUPPORTED = 505,
};

/* How a body's end is known. In HTTP/2 CHUNKED is any length not announced. */
enum http_framing {
	HTTP_NO_BODY = 0,
	HTTP_LENGTH,
	HTTP_CHUNKED,
	HTTP_UNTIL_CLOSE, /* responses only */
};

struct http_field {
	struct http_text name, value; /* value without its outer blanks */
};

struct http_request {
	struct http_text method;
	struct http_text path; /* origin-form, with the query; "*" for
				   OPTIONS */
	bool is_http10;
	struct domain host; /* of Host, or where Host is an address: len 0 */
	struct http_text authority; /* Host's value, port included */
	uint16_t port;              /* of Host; 0 if it names none */
	bool absolute;              /* the target was absolute-form */
	bool absolute_https;        /* ... with https */
	enum http_framing framing;
	uint64_t content_length;
	bool keep_alive;
	bool expects_continue;
	bool takes_trailers;       /* TE says so */
	struct http_text trailers; /* Trailer: which are to come; or empty */
	/* A sound RFC 6455 handshake, or RFC 8441's CONNECT; any other Upgrade
	 * has been dropped. */
	bool wants_websocket;
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t n_fields; /* end-to-end ones: hop-by-hop, Host, Content-Length,
			    Transfer-Encoding and Expect are taken out */
};

struct http_response {
	uint16_t status;
	struct http_text reason;
	bool is_http10;
	enum http_framing framing;
	uint64_t content_length;
	bool has_content_length; /* also where there is no body (HEAD, 304) */
	bool keep_alive;
	bool is_websocket; /* a 101, which is refused for anything else */
	struct http_text websocket_accept; /* to be checked against the key */
	struct http_text trailers;         /* as in a request */
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t n_fields;
};

/* What a Host, or an authority, says. */
struct http_authority {
	struct domain host;     /* len 0 if it is an address */
	struct address address; /* family 0 if it is a name */
	uint16_t port;          /* 0 if there is none */
};

/* host [ ":" port ], and nothing else that RFC 3986 3.2 may have there. */
MUST_CHECK bool http_authority_parse(struct http_text text,
				     struct http_authority *authority);
/* The same, where a port that is not there means @default_port. */
bool http_authority_equal(const struct http_authority *a,
			  const struct http_authority *b,
			  uint16_t default_port);

/* Whether the method is one to carry; if not, sets @status and @why. */
MUST_CHECK bool http_method_judge(struct http_text method, unsigned *status,
				  const char **why);

/* Whether @path is origin-form, or "*" where the method may have it. */
bool http_path_is_sound(struct http_text path, struct http_text method);

/* Fields that are not passed on as they are, or not at all. */
bool http_field_ends_here(struct http_text name);

/*
 * Fields that may be trailers. RFC 9110 6.5.1: what frames, routes, judges,
 * authenticates or describes a message belongs into its head, where it was
 * looked for.
 */
bool http_field_may_trail(struct http_text name);

/* The value of the one field of that name; its @at is NULL if there is none,
 * or more than one. */
struct http_text http_field_value(const struct http_field *fields, size_t n,
				  const char *name);

#endif
