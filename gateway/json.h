/*
 * json.h - one JSON object on one line, into a buffer of fixed size
 *
 * Members are appended in order. A string that somebody else chose is cut at
 * JSON_STRING_MAX bytes; what is not printable ASCII in it becomes \u00XX, byte
 * by byte, for nothing says that it is text: no such string can end the line
 * or forge a member.
 */
#ifndef SLUICE_JSON_H
#define SLUICE_JSON_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_STRING_MAX 512 /* bytes of a value before escaping */

struct json {
	char *bytes; /* borrowed, NUL-terminated at all times */
	size_t cap, len;
	bool full; /* something did not fit; the line is of no use */
	bool comma;
};

void json_begin(struct json *json, char *bytes, size_t cap);
void json_bytes(struct json *json, const char *key, const void *bytes,
		size_t len);
/* Nothing at all for a @text of NULL. */
void json_text(struct json *json, const char *key, const char *text);
void json_uint(struct json *json, const char *key, uint64_t value);
/* Nothing at all for false. */
void json_flag(struct json *json, const char *key, bool value);
/* Ends the object. False if it did not fit. */
MUST_CHECK bool json_end(struct json *json);

#endif
