#include "match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Of an expression; neither UTF nor anything else that it could ask for. */
#define COMPILE_OPTIONS                                              \
	(PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | \
	 PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C)

struct match_list *match_list_new(void)
{
	return calloc(1, sizeof(struct match_list));
}

static void match_done(struct match *match)
{
	for (size_t i = 0; i < match->n_paths; i++) {
		pcre2_code_free(match->paths[i].regex);
		free(match->paths[i].value);
	}
	for (size_t i = 0; i < match->n_headers; i++) {
		free(match->headers[i].name);
		free(match->headers[i].value);
	}
	free(match->headers);
	free(match->methods);
	free(match->paths);
}

void match_list_free(struct match_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->n; i++)
		match_done(&list->entries[i]);
	free(list->entries);
	free(list);
}

struct match *match_list_add(struct match_list *list)
{
	struct match *entries =
		reallocarray(list->entries, list->n + 1, sizeof(*entries));

	if (!entries)
		return NULL;
	list->entries = entries;
	entries[list->n] = (struct match){ 0 };
	return &entries[list->n++];
}

/* Without JIT, which would want memory that is executable. */
static void *compile(const char *pattern, size_t len,
		     char error[MATCH_ERROR_MAX], size_t *at)
{
	pcre2_code *code;
	int number;

	code = pcre2_compile((PCRE2_SPTR)pattern, len, COMPILE_OPTIONS, &number,
			     at, NULL);
	if (!code)
		(void)pcre2_get_error_message(number, (PCRE2_UCHAR *)error,
					      MATCH_ERROR_MAX);
	return code;
}

int match_add_path(struct match *match, enum match_path_type type,
		   const char *value, size_t len, char error[MATCH_ERROR_MAX],
		   size_t *at)
{
	struct match_path *paths =
		reallocarray(match->paths, match->n_paths + 1, sizeof(*paths));
	struct match_path path = { .type = type, .len = len };

	if (!paths)
		return -ENOMEM;
	match->paths = paths;
	if (type == MATCH_PATH_REGEX) {
		path.regex = compile(value, len, error, at);
		if (!path.regex)
			return -EINVAL;
	}
	path.value = strndup(value, len);
	if (!path.value) {
		pcre2_code_free(path.regex);
		return -ENOMEM;
	}
	paths[match->n_paths++] = path;
	return 0;
}

int match_add_method(struct match *match, const char *method)
{
	char(*methods)[MATCH_METHOD_MAX + 1] = reallocarray(
		match->methods, match->n_methods + 1, sizeof(*methods));
	size_t len = strnlen(method, MATCH_METHOD_MAX);

	if (!methods)
		return -ENOMEM;
	match->methods = methods;
	memcpy(methods[match->n_methods], method, len);
	methods[match->n_methods++][len] = '\0';
	return 0;
}

int match_add_header(struct match *match, const char *name, const char *value)
{
	struct match_header *headers = reallocarray(
		match->headers, match->n_headers + 1, sizeof(*headers));
	struct match_header header = { 0 };

	if (!headers)
		return -ENOMEM;
	match->headers = headers;
	header.name = strdup(name);
	header.value = strdup(value);
	if (!header.name || !header.value) {
		free(header.name);
		free(header.value);
		return -ENOMEM;
	}
	headers[match->n_headers++] = header;
	return 0;
}

/* Any error, a limit that was reached among them, is no match. */
static bool regex_matches(const pcre2_code *code, const struct path *path)
{
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	int n = -1;

	if (!limits || !data)
		goto out;
	(void)pcre2_set_match_limit(limits, MATCH_STEPS_MAX);
	(void)pcre2_set_heap_limit(limits, MATCH_HEAP_KB_MAX);
	n = pcre2_match(code, (PCRE2_SPTR)path->text, path->len, 0, 0, data,
			limits);
out:
	pcre2_match_data_free(data);
	pcre2_match_context_free(limits);
	return n >= 0;
}

static bool path_has_prefix(const struct path *path,
			    const struct match_path *prefix)
{
	if (path->len < prefix->len ||
	    memcmp(path->text, prefix->value, prefix->len) != 0)
		return false;
	return path->len == prefix->len ||
	       prefix->value[prefix->len - 1] == '/' ||
	       path->text[prefix->len] == '/';
}

static bool path_meets(const struct match_path *rule, const struct path *path)
{
	switch (rule->type) {
	case MATCH_PATH_EXACT:
		return path->len == rule->len &&
		       memcmp(path->text, rule->value, rule->len) == 0;
	case MATCH_PATH_PREFIX:
		return path_has_prefix(path, rule);
	case MATCH_PATH_REGEX:
		return regex_matches(rule->regex, path);
	}
	return false;
}

static bool has_path(const struct match *match, const struct path *path)
{
	for (size_t i = 0; i < match->n_paths; i++)
		if (path_meets(&match->paths[i], path))
			return true;
	return match->n_paths == 0;
}

static bool lists_method(const struct match *match, struct request_text method)
{
	for (size_t i = 0; i < match->n_methods; i++)
		if (method.len == strlen(match->methods[i]) &&
		    memcmp(method.at, match->methods[i], method.len) == 0)
			return true;
	return match->n_methods == 0;
}

/* Whichever of its methods the origin goes by. */
static bool has_method(const struct match *match, const struct request *request)
{
	for (size_t i = 0; i < request->n_fields; i++)
		if (request_field_is_method(&request->fields[i]) &&
		    !lists_method(match, request->fields[i].value))
			return false;
	return lists_method(match, request->method);
}

/* Exactly one field of that name: of two, the origin might read the other. */
static bool has_header(const struct match_header *header,
		       const struct request *request)
{
	const struct request_field *found = NULL;

	for (size_t i = 0; i < request->n_fields; i++) {
		const struct request_field *field = &request->fields[i];

		if (!request_name_could_be(field->name, header->name))
			continue;
		if (found)
			return false;
		found = field;
	}
	return found &&
	       strncasecmp(found->name.at, header->name, found->name.len) ==
		       0 &&
	       found->value.len == strlen(header->value) &&
	       memcmp(found->value.at, header->value, found->value.len) == 0;
}

static bool meets(const struct match *match, const struct request *request,
		  const struct path *path)
{
	for (size_t i = 0; i < match->n_headers; i++)
		if (!has_header(&match->headers[i], request))
			return false;
	return has_method(match, request) && has_path(match, path);
}

bool match_list_has_paths(const struct match_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->entries[i].n_paths > 0)
			return true;
	return false;
}

bool match_list_meets(const struct match_list *list,
		      const struct request *request, const struct path *path)
{
	for (size_t i = 0; i < list->n; i++)
		if (meets(&list->entries[i], request, path))
			return true;
	return false;
}
