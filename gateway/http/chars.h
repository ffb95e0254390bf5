/*
 * chars.h - the kinds of characters that messages are made of
 */
#ifndef SLUICE_HTTP_CHARS_H
#define SLUICE_HTTP_CHARS_H

#include <stdbool.h>
#include <string.h>

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* RFC 9110 5.6.2 */
static inline bool is_token_char(char c)
{
	return is_alpha(c) || is_digit(c) ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

/* RFC 9110 5.5: all but the control characters, HTAB excepted */
static inline bool is_value_char(char c)
{
	unsigned char byte = (unsigned char)c;

	return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

/* RFC 3986, as far as two readings could come of it */
static inline bool is_target_char(char c)
{
	return c > ' ' && c < 0x7f && c != '#';
}

#endif
