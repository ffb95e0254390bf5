/*
 * match.h - which requests a route admits: the entries of `matches`
 *
 * A request has to meet one entry. In an entry each kind of rule that is
 * given has to hold: one of its paths, one of its methods, all of its header
 * fields. Paths are judged in normal form (path.h).
 *
 *	exact	that path
 *	prefix	that path, and what is below it: /a admits /a, /a/ and /a/b, not
 *		/ab; /a/ admits /a/ and /a/b, not /a; / admits every path
 *	regex	paths that a Perl-compatible expression matches from their first
 *		byte to their last
 *
 * An expression is given a bounded number of steps. One that needs more on
 * some path does not admit that path.
 */
#ifndef SLUICE_MATCH_H
#define SLUICE_MATCH_H

#include "attributes.h"
#include "path.h"
#include "request.h"

#include <stdbool.h>
#include <stdint.h>

#define MATCH_ENTRIES_MAX 64
#define MATCH_PATHS_MAX 64   /* of one entry */
#define MATCH_METHODS_MAX 16 /* ... */
#define MATCH_HEADERS_MAX 16
#define MATCH_METHOD_MAX 15    /* bytes */
#define MATCH_TEXT_MAX 1024    /* bytes of any other value */
#define MATCH_STEPS_MAX 100000 /* of one expression on one path */
#define MATCH_HEAP_KB_MAX 1024 /* ... and memory to backtrack in */
#define MATCH_ERROR_MAX 160    /* bytes, of what is wrong with one */

enum match_path_type {
	MATCH_PATH_EXACT = 0,
	MATCH_PATH_PREFIX,
	MATCH_PATH_REGEX,
};

struct match_path {
	enum match_path_type type;
	char *value; /* in normal form, or the expression; NUL-terminated */
	size_t len;
	void *regex; /* compiled */
};

struct match_header {
	char *name, *value;
};

/* One entry. What it has none of does not matter. */
struct match {
	struct match_path *paths;
	size_t n_paths;
	char (*methods)[MATCH_METHOD_MAX + 1];
	size_t n_methods;
	struct match_header *headers;
	size_t n_headers;
};

struct match_list {
	struct match *entries;
	size_t n;
};

/* NULL for want of memory; match_list_free() accepts it. */
struct match_list *match_list_new(void);
void match_list_free(struct match_list *list);

/* A further entry, empty; NULL for want of memory. */
struct match *match_list_add(struct match_list *list);

/*
 * Adds a path, of at most MATCH_TEXT_MAX bytes. An expression that cannot be
 * compiled is not added: @error then says why, and @at where in it. Returns
 * 0, -EINVAL or -ENOMEM. The two after it: 0 or -ENOMEM.
 */
MUST_CHECK int match_add_path(struct match *match, enum match_path_type type,
			      const char *value, size_t len,
			      char error[MATCH_ERROR_MAX], size_t *at);
MUST_CHECK int match_add_method(struct match *match, const char *method);
MUST_CHECK int match_add_header(struct match *match, const char *name,
				const char *value);

/* Whether any entry has rules on paths. */
bool match_list_has_paths(const struct match_list *list);

/* Whether @request, whose path in normal form is @path, meets one entry. */
bool match_list_meets(const struct match_list *list,
		      const struct request *request, const struct path *path);

#endif
