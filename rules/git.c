#include "git.h"

#include <string.h>
#include <strings.h>

#define RECEIVE_PACK "git-receive-pack"

static bool text_is(struct request_text text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

static bool path_ends(const struct path *path, const char *end)
{
	size_t len = strlen(end);

	return path->len > len &&
	       memcmp(path->text + path->len - len, end, len) == 0;
}

/* Whether @word, of letters, digits and dashes, stands anywhere in @text. */
static bool mentions(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if (strncasecmp(text + i, word, n) == 0)
			return true;
	return false;
}

/* What stands behind the question mark; @at is NULL if there is none. */
static struct request_text query_of(const struct request *request)
{
	const struct request_text *target = &request->target;
	const char *mark = memchr(target->at, '?', target->len);

	if (!mark)
		return (struct request_text){ 0 };
	return (struct request_text){
		.at = mark + 1,
		.len = target->len - (size_t)(mark + 1 - target->at),
	};
}

bool git_is_fetch(const struct request *request, const struct path *path)
{
	struct request_text query = query_of(request);

	if (text_is(request->method, "GET"))
		return path_ends(path, "/info/refs") && query.at &&
		       text_is(query, "service=git-upload-pack");
	return text_is(request->method, "POST") && !query.at &&
	       path_ends(path, "/git-upload-pack");
}

/*
 * Of the query nothing but its letters counts: with an escape in it anything
 * that asks for references may be asking to push.
 */
bool git_is_push(const struct request *request, const struct path *path)
{
	struct request_text query = query_of(request);

	if (mentions(path->text, path->len, RECEIVE_PACK))
		return true;
	if (!query.at)
		return false;
	return mentions(query.at, query.len, RECEIVE_PACK) ||
	       (mentions(path->text, path->len, "/info/refs") &&
		memchr(query.at, '%', query.len));
}
