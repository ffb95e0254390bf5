#include "request.h"

#include <ctype.h>
#include <string.h>

static int folded(char c)
{
	return c == '_' ? '-' : tolower((unsigned char)c);
}

bool request_name_could_be(struct request_text name, const char *word)
{
	if (name.len != strlen(word))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (folded(name.at[i]) != folded(word[i]))
			return false;
	return true;
}

static bool could_be_one_of(struct request_text name, const char *const *words,
			    size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (request_name_could_be(name, words[i]))
			return true;
	return false;
}

bool request_field_is_method(const struct request_field *field)
{
	static const char *const names[] = {
		"X-HTTP-Method-Override",
		"X-HTTP-Method",
		"X-Method-Override",
	};

	return could_be_one_of(field->name, names,
			       sizeof(names) / sizeof(*names));
}

/*
 * The first ones stand in for the path where a server in front has changed it;
 * what COPY and MOVE write to is in the last (RFC 4918 10.3).
 */
static bool field_is_path(const struct request_field *field)
{
	static const char *const names[] = {
		"X-Original-URL", "X-Rewrite-URL",   "X-Original-URI",
		"X-Rewrite-URI",  "X-Forwarded-URI", "Destination",
	};

	return could_be_one_of(field->name, names,
			       sizeof(names) / sizeof(*names));
}

bool request_path(const struct request *request, struct path *path,
		  const char **why)
{
	for (size_t i = 0; i < request->n_fields; i++)
		if (field_is_path(&request->fields[i])) {
			*why = "a field that some take for the path";
			return false;
		}
	return path_normalise(path, request->target.at, request->target.len,
			      why);
}
