#include "path.h"

#include "cursor.h"

#include <string.h>

/* The normal form in the making. */
struct normal {
	struct path *path;
	const char *why;
	bool decoded; /* the segment has an escape of a dot or a blank */
	bool params;  /* a semicolon has been seen in it */
	bool dots;    /* all before that are dots and blanks */
	size_t n;     /* characters before that */
};

static bool refuse(struct normal *normal, const char *why)
{
	normal->why = why;
	return false;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_unreserved(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

/* Never more than the target has, which fits. */
static void put(struct normal *normal, uint8_t c)
{
	normal->path->text[normal->path->len++] = (char)c;
}

static void put_escape(struct normal *normal, uint8_t c)
{
	static const char digits[] = "0123456789ABCDEF";

	put(normal, '%');
	put(normal, (uint8_t)digits[c >> 4]);
	put(normal, (uint8_t)digits[c & 15]);
}

/* The byte that the two digits after a percent sign stand for. */
static bool read_escape(struct cursor *c, uint8_t *byte)
{
	const uint8_t *digits = cursor_bytes(c, 2);

	if (!digits || hex_digit(digits[0]) < 0 || hex_digit(digits[1]) < 0)
		return false;
	*byte = (uint8_t)(hex_digit(digits[0]) << 4 | hex_digit(digits[1]));
	return true;
}

/*
 * Characters that compatibility or "best fit" mappings turn into those that
 * structure a path: leaders, slashes of mathematics, "care of" and its like,
 * vertical, small and fullwidth forms, and two currencies that have the
 * backslash's place in code pages of East Asia.
 */
static bool folds_to_structure(uint32_t point)
{
	static const uint16_t points[] = {
		0x00a5, 0x037e, 0x2024, 0x2025, 0x2026, 0x2044, 0x2047, 0x2048,
		0x2049, 0x20a9, 0x2100, 0x2101, 0x2105, 0x2106, 0x2215, 0x2216,
		0x3002, 0xfe12, 0xfe14, 0xfe16, 0xfe19, 0xfe30, 0xfe52, 0xfe54,
		0xfe56, 0xfe5f, 0xfe68, 0xfe6a, 0xff03, 0xff05, 0xff0e, 0xff0f,
		0xff1b, 0xff1f, 0xff3c, 0xff61,
	};

	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
		if (points[i] == point)
			return true;
	return false;
}

/* A character of several bytes, RFC 3629, every one of them escaped. */
static bool read_utf8(struct normal *normal, struct cursor *c, uint8_t lead)
{
	size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
	uint32_t least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
	uint32_t point = lead & (0x3fu >> more);

	if (lead < 0xc2 || lead > 0xf4)
		return refuse(normal, "an escape that is not UTF-8");
	put_escape(normal, lead);
	for (size_t i = 0; i < more; i++) {
		uint8_t byte = 0;

		if (cursor_u8(c) != '%' || !read_escape(c, &byte) ||
		    (byte & 0xc0) != 0x80)
			return refuse(normal, "an escape that is not UTF-8");
		point = point << 6 | (byte & 0x3f);
		put_escape(normal, byte);
	}
	if (point < least || point > 0x10ffff ||
	    (point >= 0xd800 && point < 0xe000))
		return refuse(normal, "an escape that is not UTF-8");
	if (point < 0xa0)
		return refuse(normal, "an encoded control character");
	if (folds_to_structure(point))
		return refuse(normal, "a look-alike of what divides a path");
	return true;
}

static bool read_escaped(struct normal *normal, struct cursor *c, uint8_t *byte)
{
	if (!read_escape(c, byte))
		return refuse(normal, "a percent sign without two hex digits");
	if (*byte >= 0x80)
		return read_utf8(normal, c, *byte);
	if (*byte < 0x20 || *byte == 0x7f)
		return refuse(normal, "an encoded control character");
	if (*byte == '/' || *byte == '\\')
		return refuse(normal, "an encoded slash");
	if (*byte == '?' || *byte == '#' || *byte == ';')
		return refuse(normal, "an encoded ?, # or ;");
	if (is_unreserved(*byte))
		put(normal, *byte);
	else
		put_escape(normal, *byte);
	return true;
}

/* One character; what it is, decoded, counts for its segment. */
static bool read_character(struct normal *normal, struct cursor *c)
{
	uint8_t byte = cursor_u8(c);
	bool escaped = byte == '%';

	if (escaped) {
		if (!read_escaped(normal, c, &byte))
			return false;
	} else if (byte <= ' ' || byte >= 0x7f) {
		return refuse(normal, "a byte that no path has");
	} else if (byte == '\\' || byte == '#') {
		return refuse(normal, "a backslash or #");
	} else {
		put(normal, byte);
	}
	if (byte == ';')
		normal->params = true;
	if (normal->params)
		return true;
	normal->n++;
	normal->dots = normal->dots && (byte == '.' || byte == ' ');
	normal->decoded |= escaped;
	return true;
}

/* What is one escape now would be another after the next decoding. */
static bool is_twice_encoded(const char *text, size_t len)
{
	for (size_t i = 0; i + 3 < len; i++)
		if (memcmp(text + i, "%25", 3) == 0 &&
		    (hex_digit((uint8_t)text[i + 3]) >= 0 ||
		     text[i + 3] == 'u' || text[i + 3] == 'U'))
			return true;
	return false;
}

static bool remove_dots(struct normal *normal, size_t start, bool is_last)
{
	struct path *path = normal->path;
	size_t len = path->len - start - 1;

	if (normal->decoded || normal->params || len > 2 ||
	    path->text[start + 1] != '.')
		return refuse(normal, "a dot segment in disguise");
	path->len = start;
	if (len == 2) {
		if (start == 0)
			return refuse(normal, "a dot segment above the root");
		while (path->text[--path->len] != '/')
			;
	}
	if (is_last)
		put(normal, '/');
	return true;
}

/* From behind its slash to before the next one, or to the end. */
static bool read_segment(struct normal *normal, struct cursor *c)
{
	size_t start = normal->path->len;

	normal->decoded = normal->params = false;
	normal->dots = true;
	normal->n = 0;
	put(normal, '/');
	while (cursor_left(c) > 0 && *c->at != '/')
		if (!read_character(normal, c))
			return false;
	if (is_twice_encoded(normal->path->text + start,
			     normal->path->len - start))
		return refuse(normal, "an escape that is encoded itself");
	if (normal->n > 0 && normal->dots)
		return remove_dots(normal, start, cursor_left(c) == 0);
	if (normal->n == 0 && (normal->params || cursor_left(c) > 0))
		return refuse(normal, "an empty segment");
	return true;
}

bool path_normalise(struct path *path, const char *target, size_t len,
		    const char **why)
{
	const char *query = memchr(target, '?', len);
	struct cursor c =
		cursor_over(target, query ? (size_t)(query - target) : len);
	struct normal normal = { .path = path };

	path->len = 0;
	if (len == 1 && target[0] == '*') {
		put(&normal, '*');
	} else if (cursor_left(&c) == 0 || *c.at != '/') {
		normal.why = "no slash at its start";
	} else if (cursor_left(&c) > PATH_TEXT_MAX) {
		normal.why = "more bytes than a path may have";
	} else {
		while (cursor_left(&c) > 0) {
			(void)cursor_u8(&c);
			if (!read_segment(&normal, &c))
				break;
		}
	}
	path->text[path->len] = '\0';
	if (normal.why)
		*why = normal.why;
	return !normal.why;
}
