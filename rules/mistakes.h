/*
 * mistakes.h - what is wrong with a manifest, in the order of its text
 *
 * Collects manifest_errors while a manifest is read. Reading goes on after a
 * mistake, so that its author hears of all at once; only the number listed is
 * limited.
 */
#ifndef SLUICE_MISTAKES_H
#define SLUICE_MISTAKES_H

#include "attributes.h"
#include "manifest.h"

#include <stdbool.h>
#include <stddef.h>

#define MISTAKES_MAX 100 /* listed; the rest is counted */

struct mistakes {
	struct manifest_errors errors;
	size_t n_unlisted;
	bool out_of_memory;
};

/* Adds one, in its place by line and column. The same one again is not added. */
void mistakes_add(struct mistakes *mistakes, size_t line, size_t column,
		  const char *format, ...) PRINTF(4, 5);

/*
 * Hands the list over to @errors, empty for want of memory. Returns true if
 * there was nothing to list.
 */
MUST_CHECK bool mistakes_settle(struct mistakes *mistakes,
				struct manifest_errors *errors);

#define QUOTE_MAX 72 /* bytes, NUL included */

/*
 * "text" in double quotes, its unprintable bytes and those outside ASCII
 * escaped, cut short with "..." where it is long. Returns @quoted.
 */
const char *quote(const char *text, size_t len, char quoted[QUOTE_MAX]);

#endif
