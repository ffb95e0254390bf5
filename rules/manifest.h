/*
 * manifest.h - manifest text to a policy, or every mistake in it
 *
 * The text is YAML, read strictly (sluice-manifest(5)): either a file of its
 * own, or the front matter of a bottle, between two lines of "---". Unknown
 * and duplicate keys, aliases, anchors, tags and further documents are
 * mistakes. All mistakes are found and reported together, in the order of
 * the text, and then nothing of it is used.
 */
#ifndef SLUICE_MANIFEST_H
#define SLUICE_MANIFEST_H

#include "policy.h"

#include <stdio.h>

#define MANIFEST_MAX (4u << 20) /* bytes; more is a mistake */

struct manifest_error {
	unsigned line, column; /* from 1 */
	char *message;         /* "expected a port, found \"htpps\"" */
};

struct manifest_errors {
	struct manifest_error *list;
	size_t n;
};

/*
 * The policy that the @len bytes at @text describe; the caller frees it.
 * NULL if there are mistakes: @errors then lists them, at least one, and the
 * caller ends with manifest_errors_done(). For want of memory the list stays
 * empty, and manifest_errors_print() says so.
 */
MUST_CHECK struct policy *manifest_parse(const char *text, size_t len,
					 struct manifest_errors *errors);

void manifest_errors_done(struct manifest_errors *errors);

/* One line each: "FILE:LINE:COLUMN: MESSAGE". */
void manifest_errors_print(const struct manifest_errors *errors,
			   const char *file, FILE *out);

/*
 * Reads @file whole ("-" is not special) into a NUL-terminated buffer, which
 * the caller frees. Returns 0 or -errno, -EFBIG above MANIFEST_MAX.
 */
MUST_CHECK int manifest_read(const char *file, char **text, size_t *len);

#endif
