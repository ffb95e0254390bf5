#include "text.h"

#include "chars.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

struct http_text text_of(const char *string)
{
	return (struct http_text){ string, strlen(string) };
}

bool text_all(struct http_text text, bool (*is_sound)(char c))
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_sound(text.at[i]))
			return false;
	return true;
}

bool text_is_token(struct http_text text)
{
	return text.len > 0 && text_all(text, is_token_char);
}

bool text_is_exactly(struct http_text text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

bool text_is(struct http_text text, const char *word)
{
	return text.len == strlen(word) &&
	       strncasecmp(text.at, word, text.len) == 0;
}

bool text_is_same(struct http_text a, struct http_text b)
{
	return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

bool text_starts(struct http_text text, const char *prefix)
{
	size_t n = strlen(prefix);

	return text.len >= n && strncasecmp(text.at, prefix, n) == 0;
}

struct http_text text_skip(struct http_text text, size_t n)
{
	return (struct http_text){ .at = text.at + n, .len = text.len - n };
}

struct http_text text_trim(struct http_text text)
{
	while (text.len > 0 && is_blank(text.at[0]))
		text = text_skip(text, 1);
	while (text.len > 0 && is_blank(text.at[text.len - 1]))
		text.len--;
	return text;
}

bool text_split(struct http_text *rest, char c, struct http_text *before)
{
	const char *at = rest->len ? memchr(rest->at, c, rest->len) : NULL;

	if (!at)
		return false;
	before->at = rest->at;
	before->len = (size_t)(at - rest->at);
	*rest = text_skip(*rest, before->len + 1);
	return true;
}

bool text_number(struct http_text text, size_t digits, uint64_t *number)
{
	uint64_t value = 0;

	assert(digits <= TEXT_DIGITS_MAX);
	if (text.len == 0 || text.len > digits || !text_all(text, is_digit) ||
	    (text.at[0] == '0' && text.len > 1))
		return false;
	for (size_t i = 0; i < text.len; i++)
		value = value * 10 + (uint64_t)(text.at[i] - '0');
	*number = value;
	return true;
}

bool text_lists(struct http_text list, struct http_text token)
{
	struct http_text item;

	while (text_split(&list, ',', &item))
		if (text_is_same(text_trim(item), token))
			return true;
	return text_is_same(text_trim(list), token);
}
