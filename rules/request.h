/*
 * request.h - what rules see of a request
 *
 * Plain views, the same for every version of HTTP, borrowed from whoever has
 * parsed it.
 *
 * The first line says what is asked for; but some origins take the method or
 * the path from a field instead, where there is one. Rules that hold for the
 * first line alone would judge another request than such an origin answers.
 */
#ifndef SLUICE_REQUEST_H
#define SLUICE_REQUEST_H

#include "attributes.h"
#include "path.h"

#include <stdbool.h>
#include <stddef.h>

struct request_text {
	const char *at;
	size_t len;
};

struct request_field {
	struct request_text name, value;
};

struct request {
	struct request_text method;
	struct request_text target; /* origin-form, with the query, or "*" */
	const struct request_field *fields;
	size_t n_fields;
	bool by_h2c;       /* it came by HTTP/2 without TLS */
	bool as_websocket; /* it opens a WebSocket over HTTP/2 (RFC 8441) */
};

/*
 * Whether an origin could take the field name @name for @word: in any case,
 * and with underscores for dashes, which are one to whatever descends from
 * CGI (RFC 3875 4.1.18).
 */
bool request_name_could_be(struct request_text name, const char *word);

/* Whether some origins take the value of this field for the method. */
bool request_field_is_method(const struct request_field *field);

/*
 * The path in normal form, as path_normalise() has it; also false where some
 * origins would take another one from a field.
 */
MUST_CHECK bool request_path(const struct request *request, struct path *path,
			     const char **why);

#endif
