/*
 * request.h - what rules see of a request
 *
 * Plain views, the same for every version of HTTP, borrowed from whoever has
 * parsed it.
 */
#ifndef SLUICE_REQUEST_H
#define SLUICE_REQUEST_H

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
};

#endif
