/*
 * fields.h - typed values out of a document, and what to say where they are not
 *
 * Each message says what is there and what is expected.
 */
#ifndef SLUICE_FIELDS_H
#define SLUICE_FIELDS_H

#include "document.h"
#include "mistakes.h"
#include "policy.h"

/* A key that a mapping may have. */
struct field {
	const char *name;
	const char *refusal; /* why it must not be there: 'is not enforced' */
	bool foreign;        /* belongs to others: passed over unread */
};

/*
 * The values of @map by field, NULL where a key is absent. Duplicate, unknown
 * and refused keys are mistakes; for an unknown one the nearest known key is
 * suggested. Returns false if @map is no mapping (@expected, "a route such as
 * {host: example.org}", says what was wanted).
 */
MUST_CHECK bool fields_of(const struct node *map, const char *expected,
			  const struct field *fields, size_t n,
			  const struct node **values,
			  struct mistakes *mistakes);

/* Whether @node is a list; if not, that is a mistake. */
MUST_CHECK bool field_is_list(const struct node *node, const char *expected,
			      struct mistakes *mistakes);

/* Whether @node is text, quoted or not, and not empty. */
MUST_CHECK bool field_is_text(const struct node *node, const char *expected,
			      struct mistakes *mistakes);

/* Whether @node is a secret's name, which is copied to @name. */
MUST_CHECK bool field_secret_name(const struct node *node,
				  char name[ROUTE_TOKEN_REF_MAX + 1],
				  struct mistakes *mistakes);

/* `true` or `false`, and none of YAML's other words for them. */
MUST_CHECK bool field_bool(const struct node *node, bool *value,
			   struct mistakes *mistakes);

/* A plain decimal number from @min to @max. */
MUST_CHECK bool field_number(const struct node *node, const char *expected,
			     unsigned min, unsigned max, unsigned *value,
			     struct mistakes *mistakes);

/*
 * A length of time: a decimal number and s, m or h behind it, from @min_s to
 * @max_s seconds.
 */
MUST_CHECK bool field_duration(const struct node *node, const char *expected,
			       unsigned min_s, unsigned max_s,
			       unsigned *seconds, struct mistakes *mistakes);

/* The position in @words, of which there are @n, of the word that @node is. */
MUST_CHECK bool field_word(const struct node *node, const char *expected,
			   const char *const *words, size_t n, size_t *value,
			   struct mistakes *mistakes);

#endif
