#include "request_rules.h"

#include "fields.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define N_FIELDS(fields) (sizeof(fields) / sizeof(*(fields)))

enum match_key {
	MATCH_PATHS,
	MATCH_METHODS,
	MATCH_HEADERS,
};

static const struct field match_fields[] = {
	[MATCH_PATHS] = { .name = "paths" },
	[MATCH_METHODS] = { .name = "methods" },
	[MATCH_HEADERS] = { .name = "headers" },
};

enum path_key {
	PATH_TYPE,
	PATH_VALUE,
};

static const struct field path_fields[] = {
	[PATH_TYPE] = { .name = "type" },
	[PATH_VALUE] = { .name = "value" },
};

enum header_key {
	HEADER_NAME,
	HEADER_VALUE,
};

static const struct field header_fields[] = {
	[HEADER_NAME] = { .name = "name" },
	[HEADER_VALUE] = { .name = "value" },
};

static const struct field git_fields[] = {
	{ .name = "fetch" },
	{ .name = "push",
	  .refusal =
		  "is never admitted: a route with \"git\" lets no push through" },
};

enum auth_key {
	AUTH_SCHEME,
	AUTH_TOKEN_REF,
};

static const struct field auth_fields[] = {
	[AUTH_SCHEME] = { .name = "scheme" },
	[AUTH_TOKEN_REF] = { .name = "token_ref" },
};

static void mistake_at(struct mistakes *mistakes, const struct node *node,
		       const char *message)
{
	mistakes_add(mistakes, node->line, node->column, "%s", message);
}

/* RFC 9110 5.6.2, of methods and field names. */
static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    (text[i] == '\0' || !strchr("!#$%&'*+-.^_`|~", text[i])))
			return false;
	return len > 0;
}

/* Printable ASCII, blanks inside. */
static bool is_field_value(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return len > 0 && text[0] != ' ' && text[len - 1] != ' ';
}

/* Text of at most MATCH_TEXT_MAX bytes. */
static bool read_text(const struct node *node, const char *expected,
		      struct mistakes *mistakes)
{
	if (!field_is_text(node, expected, mistakes))
		return false;
	if (node->len <= MATCH_TEXT_MAX)
		return true;
	mistakes_add(mistakes, node->line, node->column, "more than %d bytes",
		     MATCH_TEXT_MAX);
	return false;
}

/* Calls @read for each item of @list, of which there are 1 to @max. */
static bool read_items(const struct node *list, const char *expected,
		       size_t max, struct match *match,
		       bool (*read)(const struct node *, struct match *,
				    struct mistakes *),
		       struct mistakes *mistakes)
{
	bool sound = true;
	size_t n = 0;

	if (!field_is_list(list, expected, mistakes))
		return false;
	if (!list->first && list->closed) {
		mistakes_add(mistakes, list->line, list->column,
			     "expected %s, found an empty list", expected);
		return false;
	}
	for (const struct node *at = list->first; at; at = at->next) {
		if (++n > max) {
			mistakes_add(mistakes, at->line, at->column,
				     "more than %zu entries", max);
			return false;
		}
		sound = read(at, match, mistakes) && sound;
	}
	return sound;
}

/* A path that no request's normal form can be would admit nothing. */
static bool check_path(const struct node *node, struct mistakes *mistakes)
{
	char quoted[QUOTE_MAX], meant[QUOTE_MAX];
	struct path path;
	const char *why;

	quote(node->text, node->len, quoted);
	if (memchr(node->text, '?', node->len)) {
		mistakes_add(
			mistakes, node->line, node->column,
			"%s has a query, which is not part of the path and is not judged",
			quoted);
		return false;
	}
	if (!path_normalise(&path, node->text, node->len, &why)) {
		mistakes_add(mistakes, node->line, node->column,
			     "%s is no path to judge by: it has %s", quoted,
			     why);
		return false;
	}
	if (path.len == node->len &&
	    memcmp(path.text, node->text, path.len) == 0)
		return true;
	mistakes_add(mistakes, node->line, node->column,
		     "%s is not in normal form: write %s", quoted,
		     quote(path.text, path.len, meant));
	return false;
}

static bool read_path(const struct node *node, struct match *match,
		      struct mistakes *mistakes)
{
	static const char *const words[] = {
		[MATCH_PATH_EXACT] = "exact",
		[MATCH_PATH_PREFIX] = "prefix",
		[MATCH_PATH_REGEX] = "regex",
	};
	static const char expected[] =
		"a path such as {type: prefix, value: /api/}";
	const struct node *values[N_FIELDS(path_fields)], *value;
	char error[MATCH_ERROR_MAX];
	size_t type, at = 0;
	bool sound = true;

	if (!fields_of(node, expected, path_fields, N_FIELDS(path_fields),
		       values, mistakes))
		return false;
	value = values[PATH_VALUE];
	if (!values[PATH_TYPE] || !value) {
		if (node->closed)
			mistakes_add(mistakes, node->line, node->column,
				     "no \"%s\": write %s",
				     value ? "type" : "value", expected);
		return false;
	}
	if (!field_word(values[PATH_TYPE], "exact, prefix or regex", words,
			N_FIELDS(words), &type, mistakes) ||
	    !read_text(value, "a path", mistakes))
		return false;
	if (type != MATCH_PATH_REGEX)
		sound = check_path(value, mistakes);
	if (!sound)
		return false;
	switch (match_add_path(match, (enum match_path_type)type, value->text,
			       value->len, error, &at)) {
	case 0:
		return true;
	case -EINVAL:
		mistakes_add(mistakes, value->line, value->column,
			     "no regular expression: %s (at character %zu)",
			     error, at + 1);
		return false;
	default:
		mistakes->out_of_memory = true;
		return false;
	}
}

static bool read_method(const struct node *node, struct match *match,
			struct mistakes *mistakes)
{
	static const char *const uncarried[] = { "CONNECT", "TRACE", "PRI" };
	char quoted[QUOTE_MAX];

	if (!read_text(node, "a method such as GET", mistakes))
		return false;
	quote(node->text, node->len, quoted);
	if (!is_token(node->text, node->len) || node->len > MATCH_METHOD_MAX) {
		mistakes_add(mistakes, node->line, node->column,
			     "expected a method such as GET, found %s", quoted);
		return false;
	}
	for (size_t i = 0; i < node->len; i++)
		if (islower((unsigned char)node->text[i])) {
			mistakes_add(
				mistakes, node->line, node->column,
				"methods are told apart by case: write %s in capitals",
				quoted);
			return false;
		}
	for (size_t i = 0; i < N_FIELDS(uncarried); i++)
		if (strcmp(node->text, uncarried[i]) == 0) {
			mistakes_add(mistakes, node->line, node->column,
				     "%s is never carried", quoted);
			return false;
		}
	if (match_add_method(match, node->text) == 0)
		return true;
	mistakes->out_of_memory = true;
	return false;
}

/* Those that a message's way and frame are made of are not judged by. */
static bool is_unjudged(const char *name)
{
	static const char *const names[] = {
		"Connection", "Content-Length",    "Expect",
		"Host",       "Keep-Alive",        "TE",
		"Trailer",    "Transfer-Encoding", "Upgrade",
	};

	for (size_t i = 0; i < N_FIELDS(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return strncasecmp(name, "Proxy-", strlen("Proxy-")) == 0;
}

static bool read_header(const struct node *node, struct match *match,
			struct mistakes *mistakes)
{
	static const char expected[] =
		"a header such as {name: X-Team, value: core}";
	const struct node *values[N_FIELDS(header_fields)], *name, *value;
	char quoted[QUOTE_MAX];

	if (!fields_of(node, expected, header_fields, N_FIELDS(header_fields),
		       values, mistakes))
		return false;
	name = values[HEADER_NAME];
	value = values[HEADER_VALUE];
	if (!name || !value) {
		if (node->closed)
			mistakes_add(mistakes, node->line, node->column,
				     "no \"%s\": write %s",
				     value ? "name" : "value", expected);
		return false;
	}
	if (!read_text(name, "a header's name", mistakes) ||
	    !read_text(value, "a header's value", mistakes))
		return false;
	if (!is_token(name->text, name->len) || is_unjudged(name->text)) {
		mistakes_add(mistakes, name->line, name->column,
			     "%s is no header field that rules can judge",
			     quote(name->text, name->len, quoted));
		return false;
	}
	if (!is_field_value(value->text, value->len)) {
		mistakes_add(mistakes, value->line, value->column,
			     "%s can be no header's value",
			     quote(value->text, value->len, quoted));
		return false;
	}
	if (match_add_header(match, name->text, value->text) == 0)
		return true;
	mistakes->out_of_memory = true;
	return false;
}

static bool read_match(const struct node *node, struct match *match,
		       struct mistakes *mistakes)
{
	const struct node *values[N_FIELDS(match_fields)];
	bool sound = true;

	if (!fields_of(node, "an entry such as {paths: [...], methods: [GET]}",
		       match_fields, N_FIELDS(match_fields), values, mistakes))
		return false;
	if (!node->first && node->closed) {
		mistake_at(
			mistakes, node,
			"an entry without rules would admit every request: if that is meant, write paths: [{type: prefix, value: /}]");
		return false;
	}
	if (values[MATCH_PATHS])
		sound = read_items(values[MATCH_PATHS], "a list of paths",
				   MATCH_PATHS_MAX, match, read_path, mistakes);
	if (values[MATCH_METHODS])
		sound = read_items(values[MATCH_METHODS], "a list of methods",
				   MATCH_METHODS_MAX, match, read_method,
				   mistakes) &&
			sound;
	if (values[MATCH_HEADERS])
		sound = read_items(values[MATCH_HEADERS], "a list of headers",
				   MATCH_HEADERS_MAX, match, read_header,
				   mistakes) &&
			sound;
	return sound;
}

static bool read_matches(const struct node *node, struct route *route,
			 struct mistakes *mistakes)
{
	static const char expected[] = "a list with at least one entry";
	bool sound = true;
	size_t n = 0;

	if (!field_is_list(node, expected, mistakes))
		return false;
	if (!node->first && node->closed) {
		mistakes_add(mistakes, node->line, node->column,
			     "expected %s, found an empty list", expected);
		return false;
	}
	route->matches = match_list_new();
	for (const struct node *at = node->first; at; at = at->next) {
		struct match *match = NULL;

		if (++n > MATCH_ENTRIES_MAX) {
			mistakes_add(
				mistakes, at->line, at->column,
				"more than %d entries: write another route for the rest",
				MATCH_ENTRIES_MAX);
			return false;
		}
		if (route->matches)
			match = match_list_add(route->matches);
		if (!match) {
			mistakes->out_of_memory = true;
			return false;
		}
		sound = read_match(at, match, mistakes) && sound;
	}
	return sound;
}

static bool read_git(const struct node *node, struct route *route,
		     struct mistakes *mistakes)
{
	const struct node *fetch;

	const struct node *values[N_FIELDS(git_fields)];

	if (!fields_of(node, "{fetch: true}", git_fields, N_FIELDS(git_fields),
		       values, mistakes))
		return false;
	fetch = values[0];
	if (!fetch) {
		if (node->closed)
			mistake_at(
				mistakes, node,
				"expected {fetch: true}, found no \"fetch\"");
		return false;
	}
	if (!field_bool(fetch, &route->git_fetch, mistakes))
		return false;
	if (!route->git_fetch)
		mistake_at(
			mistakes, fetch,
			"\"fetch: false\" has no meaning: leave \"git\" out");
	return route->git_fetch;
}

static bool read_auth(const struct node *node, struct route *route,
		      struct mistakes *mistakes)
{
	static const char *const words[] = { "Bearer", "token", "Basic" };
	static const char expected[] =
		"{scheme: Bearer, token_ref: NAME_OF_A_SECRET}";
	const struct node *values[N_FIELDS(auth_fields)], *name;
	size_t word;

	if (!fields_of(node, expected, auth_fields, N_FIELDS(auth_fields),
		       values, mistakes))
		return false;
	name = values[AUTH_TOKEN_REF];
	if (!values[AUTH_SCHEME] || !name) {
		if (node->closed)
			mistakes_add(mistakes, node->line, node->column,
				     "no \"%s\": write %s",
				     name ? "scheme" : "token_ref", expected);
		return false;
	}
	if (!field_word(values[AUTH_SCHEME], "Bearer, token or Basic", words,
			N_FIELDS(words), &word, mistakes) ||
	    !field_secret_name(name, route->token_ref, mistakes))
		return false;
	route->auth = (enum route_auth)(ROUTE_AUTH_BEARER + word);
	route->auth_line = (unsigned)name->line;
	route->auth_column = (unsigned)name->column;
	return true;
}

/* What cannot be read can be neither judged nor written. */
static bool is_read(const struct node *node, const char *key,
		    const struct route *route, struct mistakes *mistakes)
{
	if (route->tls == ROUTE_TLS_INTERCEPT)
		return true;
	mistakes_add(
		mistakes, node->line, node->column,
		"\"%s\" needs requests to be read, and %s passes them unread",
		key,
		route->is_cidr                   ? "\"cidr\""
		: route->tls == ROUTE_TLS_SPLICE ? "\"tls: splice\""
						 : "\"tls: none\"");
	return false;
}

/* Port 80 alone never has TLS. */
static bool has_tls_port(const struct node *node, const struct route *route,
			 struct mistakes *mistakes)
{
	if (route->n_ports != 1 || route->ports[0] != 80)
		return true;
	mistake_at(
		mistakes, node,
		"a credential is sent over TLS only, and the route has no port but 80");
	return false;
}

/* Plain HTTP is read beside TLS that is spliced, too. */
static bool has_plain_http(const struct node *node, const struct route *route,
			   struct mistakes *mistakes)
{
	return route->tls == ROUTE_TLS_SPLICE ||
	       is_read(node, "h2c", route, mistakes);
}

bool request_rules_read(const struct request_rules *rules, struct route *route,
			struct mistakes *mistakes)
{
	bool sound = true;

	if (rules->matches)
		sound = read_matches(rules->matches, route, mistakes) &&
			is_read(rules->matches, "matches", route, mistakes);
	if (rules->git)
		sound = read_git(rules->git, route, mistakes) &&
			is_read(rules->git, "git", route, mistakes) && sound;
	if (rules->auth)
		sound = read_auth(rules->auth, route, mistakes) &&
			is_read(rules->auth, "auth", route, mistakes) &&
			has_tls_port(rules->auth, route, mistakes) && sound;
	if (rules->h2c)
		sound = field_bool(rules->h2c, &route->h2c, mistakes) &&
			has_plain_http(rules->h2c, route, mistakes) && sound;
	if (rules->http2_websocket)
		sound = field_bool(rules->http2_websocket,
				   &route->http2_websocket, mistakes) &&
			is_read(rules->http2_websocket, "http2_websocket",
				route, mistakes) &&
			sound;
	return sound;
}
