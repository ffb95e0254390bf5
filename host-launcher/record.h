/*
 * record.h - lines of the record, read with mistrust
 *
 * Whoever reads a record may be handed one that somebody changed: a line is
 * whatever is between newlines, and what is wrong with it is said.
 */
#ifndef SLUICE_RECORD_H
#define SLUICE_RECORD_H

#include "attributes.h"
#include "chain.h"

#include <stdio.h>

#include <jansson.h>

#define RECORD_LINE_MAX 4224 /* as gateway/audit.h: bytes, with the newline */

/* One line, without its newline. */
struct record_line {
	char bytes[RECORD_LINE_MAX];
	size_t len;
	bool cut;      /* the file ends before the line does */
	bool too_long; /* it went on, and the rest was passed over */
};

/*
 * The next line of @file, of which nothing is taken before it is whole unless
 * @at_end says that no more will come. False if there is none.
 */
MUST_CHECK bool record_read(FILE *file, bool at_end, struct record_line *line);

/* The object that the line is, or NULL. To be given back to json_decref(). */
json_t *record_parse(const struct record_line *line);

/* A record that is checked line by line, over all of its files. */
struct record_check {
	struct chain chain;
	struct chain_hash last; /* of the line before */
	struct chain_hash wanted;
	bool is_wanted, found;  /* the line of that hash has been seen */
	uint64_t first, number; /* of the first line, and of the line before */
	uint64_t lines, lost;   /* lost: numbers that no line has */
};

/* @wanted is a hash that some line must have, or NULL. 0 or -ENOMEM. */
MUST_CHECK int record_check_init(struct record_check *check,
				 const struct chain_hash *wanted);
void record_check_done(struct record_check *check);

enum record_finding {
	RECORD_FOLLOWS, /* on those before */
	RECORD_ODD,     /* it says nothing of its place; the next one vouches
			   for it, as for what a crash left */
	RECORD_BROKEN,  /* the chain is */
};

/* @why says what is odd or wrong: a constant string. */
MUST_CHECK enum record_finding record_check_line(struct record_check *check,
						 const struct record_line *line,
						 const char **why);

#endif
