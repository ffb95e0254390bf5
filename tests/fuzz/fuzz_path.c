#include "path.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DECODINGS 4 /* more than any server does */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool is_digit(char c)
{
	return c && strchr("0123456789abcdefABCDEF", c);
}

/* Of two digits. */
static char value(const char *digits)
{
	char copy[3] = { digits[0], digits[1], '\0' };

	return (char)strtoul(copy, NULL, 16);
}

/* Decodes what can be decoded, once, and lets the rest stand. */
static size_t decode(char *text, size_t len)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] == '%' && i + 2 < len && is_digit(text[i + 1]) &&
		    is_digit(text[i + 2])) {
			text[out++] = value(text + i + 1);
			i += 2;
		} else {
			text[out++] = text[i];
		}
	return out;
}

/* What stands before the first of @ends. */
static size_t cut(const char *text, size_t len, const char *ends)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0' || strchr(ends, text[i]))
			return i;
	return len;
}

/*
 * Resolves as those do that take what they get: either slash, any number of
 * them, parameters dropped, blanks and dots at the end of a segment too where
 * nothing else is in it.
 */
static size_t resolve(const char *text, size_t len, char *out)
{
	size_t n = 0;

	for (size_t at = 0; at < len;) {
		size_t whole = cut(text + at, len - at, "/\\");
		size_t used = cut(text + at, whole, ";");
		size_t dots = 0, odd = 0;

		for (size_t i = 0; i < used; i++) {
			dots += text[at + i] == '.';
			odd += text[at + i] != '.' && text[at + i] != ' ';
		}
		if (odd > 0) {
			out[n++] = '/';
			memcpy(out + n, text + at, used);
			n += used;
		} else if (dots >= 2) {
			while (n > 0 && out[--n] != '/')
				;
		}
		at += whole + 1;
	}
	return n;
}

/* A path as a server reads it that decodes so often, before or after. */
static size_t lenient(const char *target, size_t len, int before, int after,
		      char *out)
{
	char *text = malloc(len + 1), *decoded = malloc(2 * len + 2);
	size_t n = cut(target, len, "?#");

	if (!text || !decoded)
		abort();
	memcpy(text, target, n);
	for (int i = 0; i < before; i++)
		n = decode(text, n);
	n = cut(text, n, "?#");
	n = resolve(text, n, decoded);
	for (int i = 0; i < after; i++)
		n = decode(decoded, n);
	memcpy(out, decoded, n);
	free(decoded);
	free(text);
	return n;
}

/*
 * The normal form is its own, and is no longer than what it was made of. A
 * server that decodes the agent's spelling up to four times, before or after
 * it resolves, comes to the path that the normal form shows to the eye.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char plain[2 * PATH_TEXT_MAX], other[2 * PATH_TEXT_MAX];
	const char *target = (const char *)data;
	struct path path, again;
	const char *why = NULL;

	if (len > PATH_TEXT_MAX)
		return 0;
	if (!path_normalise(&path, target, len, &why)) {
		if (!why)
			abort();
		return 0;
	}
	if (why || path.len > len || strlen(path.text) != path.len)
		abort();
	if (!path_normalise(&again, path.text, path.len, &why) ||
	    again.len != path.len ||
	    memcmp(again.text, path.text, path.len) != 0)
		abort();
	if (path.text[0] == '*')
		return 0;
	for (int before = 0; before <= DECODINGS; before++)
		for (int after = 0; after + before <= DECODINGS; after++) {
			int times = before + after;
			size_t n, m;

			if (times == 0)
				continue;
			n = lenient(path.text, path.len, 0, 1, plain);
			m = lenient(target, len, before, after, other);
			if (n != m || memcmp(plain, other, n) != 0)
				abort();
		}
	return 0;
}
