/*
 * ruleset.h - a table of the kernel's as text, and how two of them differ
 *
 * A line is the table itself (chain ""), a chain's declaration, or a rule of
 * a chain. Lines of one chain are in order; how the lines of different chains
 * mingle means nothing. What is meant and what the kernel has are written by
 * the same hand (nft.c), so that a difference is one of substance; handles
 * and counters are in neither.
 */
#ifndef SLUICE_RULESET_H
#define SLUICE_RULESET_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>

#define RULESET_LINES_MAX 4096 /* a table with more is not ours */
#define RULESET_TEXT_MAX 1024  /* of a line; what is longer is not ours */

struct ruleset_line {
	char *chain, *text;
	size_t number; /* the order in which lines were added */
};

/* All zero is an empty one. */
struct ruleset {
	struct ruleset_line *lines;
	size_t n, cap;
	bool too_long; /* a line above the maximum was left out */
};

/* Copies both. Returns 0 or -ENOMEM; above the maximum it sets too_long. */
MUST_CHECK int ruleset_add(struct ruleset *ruleset, const char *chain,
			   const char *text);

void ruleset_done(struct ruleset *ruleset);

/*
 * Whether @found is what @meant says. If not, the first difference is
 * described in @what, cut to fit. Both are put in order of their chains.
 */
MUST_CHECK bool ruleset_same(struct ruleset *meant, struct ruleset *found,
			     char *what, size_t cap);

#endif
