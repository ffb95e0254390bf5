#include "message.h"

#include "chars.h"

#include <string.h>

/* --- fields --- */

struct http_text http_field_value(const struct http_field *fields, size_t n,
				  const char *name)
{
	struct http_text value = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (!text_is(fields[i].name, name))
			continue;
		if (value.at)
			return (struct http_text){ 0 };
		value = fields[i].value;
	}
	return value;
}

/*
 * Fields that end here: those of RFC 9110 7.6.1; those the writers make anew
 * from what was parsed; those that would lead the agent round the gateway or
 * bind it to the origin's own key; and one that a written "Connection: close"
 * would name by accident.
 */
bool http_field_ends_here(struct http_text name)
{
	static const char *const names[] = {
		"Connection",
		"Keep-Alive",
		"TE",
		"Trailer",
		"Upgrade",
		"HTTP2-Settings",
		"Host",
		"Content-Length",
		"Transfer-Encoding",
		"Expect",
		"Alt-Svc",
		"Public-Key-Pins",
		"Public-Key-Pins-Report-Only",
		"Close",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_is(name, names[i]))
			return true;
	return text_starts(name, "Proxy-");
}

bool http_field_may_trail(struct http_text name)
{
	static const char *const never[] = {
		"Age",           "Cache-Control",    "Cookie",
		"Date",          "Expires",          "Location",
		"Max-Forwards",  "Origin",           "Pragma",
		"Range",         "Referer",          "Retry-After",
		"Set-Cookie",    "User-Agent",       "Vary",
		"Via",           "WWW-Authenticate", "Forwarded",
		"Authorization", "Accept",
	};
	static const char *const families[] = {
		"Content-", "If-",          "Sec-",
		"Accept-",  "X-Forwarded-", "Access-Control-"
	};

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		if (text_is(name, never[i]))
			return false;
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (text_starts(name, families[i]))
			return false;
	return !http_field_ends_here(name);
}

/* --- an authority, RFC 3986 3.2 --- */

static bool port_parse(struct http_text text, uint16_t *port)
{
	uint64_t number;

	if (!text_number(text, 5, &number) || number == 0 ||
	    number > UINT16_MAX)
		return false;
	*port = (uint16_t)number;
	return true;
}

bool http_authority_parse(struct http_text text,
			  struct http_authority *authority)
{
	struct http_text rest = text, host, empty;

	*authority = (struct http_authority){ 0 };
	if (text.len > 0 && text.at[0] == '[') {
		rest = text_skip(text, 1);
		if (!text_split(&rest, ']', &host) ||
		    !memchr(host.at, ':', host.len) ||
		    !address_parse(&authority->address, host.at, host.len))
			return false;
		if (rest.len == 0)
			return true;
		return text_split(&rest, ':', &empty) && empty.len == 0 &&
		       port_parse(rest, &authority->port);
	}
	if (!text_split(&rest, ':', &host))
		host = text;
	else if (!port_parse(rest, &authority->port))
		return false;
	return domain_parse(&authority->host, host.at, host.len) ||
	       address_parse(&authority->address, host.at, host.len);
}

bool http_authority_equal(const struct http_authority *a,
			  const struct http_authority *b, uint16_t default_port)
{
	return a->host.len == b->host.len &&
	       memcmp(a->host.name, b->host.name, a->host.len) == 0 &&
	       address_equal(&a->address, &b->address) &&
	       (a->port ? a->port : default_port) ==
		       (b->port ? b->port : default_port);
}

/* --- the request line --- */

static bool refuse_with(enum http_status code, const char *words,
			unsigned *status, const char **why)
{
	*status = code;
	*why = words;
	return false;
}

/*
 * TRACE would have the origin send back what the gateway put in and the agent
 * must not hold; RFC 9113 keeps PRI for the preface of HTTP/2.
 */
bool http_method_judge(struct http_text method, unsigned *status,
		       const char **why)
{
	if (!text_is_token(method))
		return refuse_with(HTTP_BAD_REQUEST,
				   "the method is not a token", status, why);
	if (text_is(method, "PRI"))
		return refuse_with(HTTP_BAD_REQUEST,
				   "this is the preface of HTTP/2", status,
				   why);
	if (text_is(method, "CONNECT") || text_is(method, "TRACE"))
		return refuse_with(HTTP_NOT_IMPLEMENTED,
				   "the method is not carried", status, why);
	return true;
}

bool http_path_is_sound(struct http_text path, struct http_text method)
{
	return path.len > 0 && text_all(path, is_target_char) &&
	       (path.at[0] == '/' ||
		(text_is(path, "*") && text_is_exactly(method, "OPTIONS")));
}
