#include "news.h"

#include <stdbool.h>
#include <string.h>

#define EXIT_WORD "exit "

static bool is(const char *line, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(line, word, len) == 0;
}

/* A number from 0 to 255 as everybody writes it. */
static bool status_parse(const char *text, size_t len, int *status)
{
	int value = 0;

	if (len == 0 || len > 3 || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = 10 * value + (text[i] - '0');
	}
	*status = value;
	return value <= 255;
}

struct news news_parse(const char *line, size_t len)
{
	struct news news = { .kind = NEWS_NONE };
	size_t skip = strlen(EXIT_WORD);

	if (len > 0 && line[len - 1] == '\n')
		len--;
	if (is(line, len, "network"))
		news.kind = NEWS_NETWORK;
	else if (is(line, len, "started"))
		news.kind = NEWS_STARTED;
	else if (len > skip && memcmp(line, EXIT_WORD, skip) == 0 &&
		 status_parse(line + skip, len - skip, &news.status))
		news.kind = NEWS_EXIT;
	return news;
}
