/*
 * path.h - the path of a request, brought to the one form that rules judge
 *
 * What goes to the origin is what the agent wrote; rules look at a copy in
 * normal form (RFC 3986 6.2.2): the query cut off, percent-encoded unreserved
 * characters decoded, other escapes in upper case, dot segments removed. The
 * normal form is its own normal form.
 *
 * Servers differ in how often they decode, in what they take for a slash, and
 * in what they drop. A path that one of them could read as another path than
 * this one has no normal form.
 */
#ifndef SLUICE_PATH_H
#define SLUICE_PATH_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>

#define PATH_TEXT_MAX 8192 /* bytes, of a path that rules judge */

struct path {
	size_t len;
	char text[PATH_TEXT_MAX + 1]; /* NUL-terminated */
};

/*
 * The normal form of the origin-form target at @target; "*" is its own. False
 * where there is more than one reading: @why then says of what, "an encoded
 * slash", and what is in @path means nothing.
 */
MUST_CHECK bool path_normalise(struct path *path, const char *target,
			       size_t len, const char **why);

#endif
