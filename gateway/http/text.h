/*
 * text.h - a run of characters out of a message, and what it is made of
 *
 * A view: it borrows from the bytes that were parsed, and is not terminated.
 */
#ifndef SLUICE_HTTP_TEXT_H
#define SLUICE_HTTP_TEXT_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_text {
	const char *at;
	size_t len;
};

/* A string, without its end. */
struct http_text text_of(const char *string);

bool text_all(struct http_text text, bool (*is_sound)(char c));
bool text_is_token(struct http_text text);

/* For methods, which have case. */
bool text_is_exactly(struct http_text text, const char *word);

/* For names, codings and options, which have none. */
bool text_is(struct http_text text, const char *word);
bool text_is_same(struct http_text a, struct http_text b);
bool text_starts(struct http_text text, const char *prefix);

/* Without the first @n characters, which must be there. */
struct http_text text_skip(struct http_text text, size_t n);

/* Without the blanks around it. */
struct http_text text_trim(struct http_text text);

/*
 * Takes what stands before the first @c in @rest, and @c; @rest is what stands
 * after it. False if there is none.
 */
MUST_CHECK bool text_split(struct http_text *rest, char c,
			   struct http_text *before);

#define TEXT_DIGITS_MAX 19 /* as many as always fit in 64 bits */

/*
 * Decimal digits alone, without zeros in front, at most @digits of them, which
 * is at most TEXT_DIGITS_MAX.
 */
MUST_CHECK bool text_number(struct http_text text, size_t digits,
			    uint64_t *number);

/* Whether a list of tokens has @token among them (RFC 9110 5.6.1). */
bool text_lists(struct http_text list, struct http_text token);

#endif
