/*
 * However a machine cuts what it tells its host, it is the same: lines are
 * taken in order, none is lost or made up, and what is understood of one is a
 * word and at most a small number.
 */
#include "lines.h"
#include "news.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void judge(const char *line, size_t len)
{
	const struct news news = news_parse(line, len);
	char text[16];

	if (news.kind != NEWS_EXIT)
		return;
	assert(news.status >= 0 && news.status <= 255);
	assert(len >= 6 && len <= 9);
	memcpy(text, line, len);
	text[len] = '\0';
	assert(atoi(text + 5) == news.status);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct lines *lines = calloc(1, sizeof(*lines));
	size_t taken = 0, given = 0, line;
	size_t step = len > 0 ? 1 + bytes[0] % 16 : 1;

	assert(lines);
	while (given < len) {
		size_t room;
		char *to = lines_room(lines, &room);
		size_t n = len - given < step ? len - given : step;

		assert(room > 0);
		if (n > room)
			n = room;
		memcpy(to, bytes + given, n);
		lines_added(lines, n);
		given += n;
		while ((line = lines_first(lines)) > 0) {
			assert(memcmp(lines->bytes, bytes + taken, line) == 0);
			assert(line <= lines_whole(lines));
			judge(lines->bytes, line);
			lines_drop(lines, line);
			taken += line;
		}
	}
	assert(taken + lines->len == given);
	free(lines);
	return 0;
}
