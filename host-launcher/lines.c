#include "lines.h"

#include <assert.h>
#include <string.h>

char *lines_room(struct lines *lines, size_t *room)
{
	*room = LINES_MAX - lines->len;
	return lines->bytes + lines->len;
}

void lines_added(struct lines *lines, size_t n)
{
	assert(n <= LINES_MAX - lines->len);
	lines->len += n;
}

size_t lines_whole(const struct lines *lines)
{
	const char *last = memrchr(lines->bytes, '\n', lines->len);

	if (last)
		return (size_t)(last - lines->bytes) + 1;
	return lines->len == LINES_MAX ? LINES_MAX : 0;
}

size_t lines_first(const struct lines *lines)
{
	const char *end = memchr(lines->bytes, '\n', lines->len);

	if (end)
		return (size_t)(end - lines->bytes) + 1;
	return lines->len == LINES_MAX ? LINES_MAX : 0;
}

void lines_drop(struct lines *lines, size_t n)
{
	assert(n <= lines->len);
	lines->len -= n;
	memmove(lines->bytes, lines->bytes + n, lines->len);
}
