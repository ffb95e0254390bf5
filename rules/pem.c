#include "pem.h"

#include <string.h>

#define LINE 64 /* characters of base64 */
#define TAG_SEQUENCE 0x30
#define BEGIN "-----BEGIN CERTIFICATE-----"

/* Takes one line; false if there is none or it has no end. */
static bool take_line(struct cursor *text, struct cursor *line)
{
	size_t left = cursor_left(text);
	const uint8_t *end = left ? memchr(text->at, '\n', left) : NULL;
	size_t len;

	if (!end)
		return false;
	len = (size_t)(end - text->at);
	*line = cursor_take(text, len);
	(void)cursor_u8(text);
	if (len > 0 && end[-1] == '\r')
		line->end--;
	return true;
}

static bool is(const struct cursor *line, const char *words)
{
	size_t len = strlen(words);

	return cursor_left(line) == len && memcmp(line->at, words, len) == 0;
}

static int sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/*
 * Decodes a line of base64 to @der. Only the last group of the last line may
 * be padded, and the bits that padding leaves over are zero.
 */
static bool decode_line(struct cursor line, uint8_t *der, size_t *len,
			bool *padded)
{
	if (cursor_left(&line) == 0 || cursor_left(&line) % 4 != 0)
		return false;
	while (cursor_left(&line) > 0) {
		const uint8_t *group = cursor_bytes(&line, 4);
		size_t n = group[3] != '=' ? 3 : group[2] != '=' ? 2 : 1;
		uint32_t bits = 0;

		if (*padded || *len + n > PEM_DER_MAX)
			return false;
		for (size_t i = 0; i < 4; i++) {
			int value = i <= n ? sextet(group[i]) : 0;

			if (value < 0)
				return false;
			bits = bits << 6 | (uint32_t)value;
		}
		if ((n < 3 && bits & 0xff) || (n < 2 && bits & 0xffff))
			return false;
		*padded = n < 3;
		for (size_t i = 0; i < n; i++)
			der[(*len)++] = (uint8_t)(bits >> (16 - 8 * i));
	}
	return true;
}

/* A SEQUENCE with a length in its shortest form, that is all of @der. */
static bool is_one_sequence(const uint8_t *bytes, size_t len)
{
	struct cursor der = cursor_over(bytes, len);
	uint8_t tag = cursor_u8(&der);
	uint32_t body = cursor_u8(&der);

	if (body >= 0x80) {
		size_t n = body & 0x7f;

		/* 0x80 is BER's indefinite length; 2 bytes do for our most. */
		if (n < 1 || n > 2)
			return false;
		body = cursor_uint(&der, n);
		if (body < (n == 1 ? 0x80U : 0x100U))
			return false;
	}
	return !der.failed && tag == TAG_SEQUENCE && body > 0 &&
	       cursor_left(&der) == body;
}

/*
 * Takes what follows the first line of a block, @n_lines of it. False if that
 * is no certificate, or has no end.
 */
static bool take_body(struct cursor *rest, size_t *n_lines,
		      uint8_t der[PEM_DER_MAX], size_t *der_len)
{
	struct cursor line;
	bool padded = false;
	bool last = false;

	*der_len = 0;
	while (take_line(rest, &line)) {
		++*n_lines;
		if (is(&line, "-----END CERTIFICATE-----"))
			return is_one_sequence(der, *der_len);
		if (last || cursor_left(&line) > LINE ||
		    !decode_line(line, der, der_len, &padded))
			return false;
		last = cursor_left(&line) < LINE;
	}
	return false;
}

bool pem_is_one_certificate(const char *text, size_t len)
{
	struct cursor rest = cursor_over(text, len);
	struct cursor line;
	uint8_t der[PEM_DER_MAX];
	size_t der_len;
	size_t n_lines = 1;

	return take_line(&rest, &line) && is(&line, BEGIN) &&
	       take_body(&rest, &n_lines, der, &der_len) &&
	       cursor_left(&rest) == 0;
}

bool pem_are_certificates(const char *text, size_t len, size_t max,
			  size_t *line)
{
	struct cursor rest = cursor_over(text, len);
	struct cursor at;
	uint8_t der[PEM_DER_MAX];
	size_t der_len;
	size_t n = 0;
	size_t n_lines = 0;
	bool sound = true;

	while (sound && cursor_left(&rest) > 0) {
		n_lines++;
		sound = take_line(&rest, &at);
		if (!sound || cursor_left(&at) == 0)
			continue;
		sound = n++ < max && is(&at, BEGIN) &&
			take_body(&rest, &n_lines, der, &der_len);
	}
	if (sound && n > 0)
		return true;
	*line = n_lines > 0 ? n_lines : 1;
	return false;
}

bool pem_next_certificate(struct cursor *text, uint8_t der[PEM_DER_MAX],
			  size_t *len)
{
	struct cursor line;
	size_t n_lines = 0;

	while (take_line(text, &line)) {
		/* Only what turns out whole is taken: a block that is cut
		   short must not swallow the one behind it. */
		struct cursor after = *text;

		if (!is(&line, BEGIN) || !take_body(&after, &n_lines, der, len))
			continue;
		*text = after;
		return true;
	}
	return false;
}
