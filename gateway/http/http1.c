#include "http1.h"

#include "chars.h"

#include <string.h>
#include <strings.h>

/* What a refused head is refused with; only requests have use for @status. */
struct fault {
	unsigned status;
	const char *why;
};

static bool refuse_with(struct fault *fault, unsigned status, const char *why)
{
	*fault = (struct fault){ .status = status, .why = why };
	return false;
}

static bool refuse(struct fault *fault, const char *why)
{
	return refuse_with(fault, HTTP_BAD_REQUEST, why);
}

/* The next line without its CRLF. A CR elsewhere is no character of any. */
static bool text_take_line(struct http_text *rest, struct http_text *line)
{
	if (!text_split(rest, '\n', line) || line->len == 0 ||
	    line->at[line->len - 1] != '\r')
		return false;
	line->len--;
	return true;
}

/* --- the head's end --- */

/* One byte more: DONE if it ends the head, BAD if no head has it there. */
static enum http1_result scan_byte(const char *bytes, size_t i)
{
	const char *line_end;

	/* No line may be empty before the first, either (RFC 9112 2.2). */
	if (i == 0)
		return is_token_char(bytes[0]) ? HTTP1_MORE : HTTP1_BAD;
	if (bytes[i] != '\n') {
		if (bytes[i - 1] == '\r')
			return HTTP1_BAD;
		return bytes[i] == '\r' || is_value_char(bytes[i]) ? HTTP1_MORE
								   : HTTP1_BAD;
	}
	if (bytes[i - 1] != '\r')
		return HTTP1_BAD;
	/* Back over this line alone, so that all lines cost one pass. */
	line_end = memrchr(bytes, '\n', i);
	if (!line_end)
		return memmem(bytes, i, "HTTP/", 5) ? HTTP1_MORE : HTTP1_BAD;
	return line_end == bytes + i - 2 ? HTTP1_DONE : HTTP1_MORE;
}

enum http1_result http1_head_find(const char *bytes, size_t len,
				  size_t *scanned, size_t *head_len,
				  unsigned *status)
{
	size_t end = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;

	for (size_t i = *scanned; i < end; i++) {
		enum http1_result result = scan_byte(bytes, i);

		if (result == HTTP1_DONE)
			*head_len = i + 1;
		if (result == HTTP1_BAD)
			*status = HTTP_BAD_REQUEST;
		if (result != HTTP1_MORE)
			return result;
		*scanned = i + 1;
	}
	if (end < HTTP_HEAD_MAX)
		return HTTP1_MORE;
	*status = HTTP_FIELDS_TOO_LARGE;
	return HTTP1_BAD;
}

/* --- fields --- */

struct fields {
	struct http_field *list;
	size_t n;
};

static bool field_parse(struct http_text line, struct http_field *field,
			struct fault *fault)
{
	if (is_blank(line.at[0]))
		return refuse(fault, "a field is folded over several lines");
	if (!text_split(&line, ':', &field->name))
		return refuse(fault, "a field has no colon");
	if (!text_is_token(field->name))
		return refuse(fault, "a field's name is not a token");
	if (!text_all(line, is_value_char))
		return refuse(fault, "a field has control characters");
	field->value = text_trim(line);
	return true;
}

/* Reads the fields of a head to the empty line, with which it must end. */
static bool fields_parse(struct http_text rest, struct fields *fields,
			 struct fault *fault)
{
	struct http_text line;

	for (;;) {
		if (!text_take_line(&rest, &line))
			return refuse(fault, "a line does not end in CRLF");
		if (line.len == 0)
			break;
		if (fields->n == HTTP_FIELDS_MAX)
			return refuse_with(fault, HTTP_FIELDS_TOO_LARGE,
					   "there are too many fields");
		if (!field_parse(line, &fields->list[fields->n], fault))
			return false;
		fields->n++;
	}
	return rest.len == 0 || refuse(fault, "bytes follow the empty line");
}

static struct http_text value_of(const struct fields *fields, const char *name)
{
	return http_field_value(fields->list, fields->n, name);
}

/* --- what concerns one hop only --- */

struct connection {
	bool close, keep_alive, upgrade;
	struct http_text options[HTTP1_OPTIONS_MAX];
	size_t n;
};

/*
 * Fields that decide where a message goes, where it ends and who sent it.
 * Naming them in Connection would take them from the next reader's view
 * after the gateway has judged by them.
 */
static bool is_end_to_end_for_sure(struct http_text name)
{
	static const char *const names[] = { "Host", "Transfer-Encoding",
					     "Authorization", "Cookie",
					     "Set-Cookie" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_is(name, names[i]))
			return true;
	return text_starts(name, "Content-");
}

static bool connection_add(struct connection *connection,
			   struct http_text option, struct fault *fault)
{
	if (option.len == 0) /* RFC 9110 5.6.1.2 */
		return true;
	if (!text_is_token(option))
		return refuse(fault, "Connection lists what is not a token");
	if (is_end_to_end_for_sure(option))
		return refuse(fault, "Connection lists an end-to-end field");
	if (connection->n == HTTP1_OPTIONS_MAX)
		return refuse(fault, "Connection lists too much");
	connection->options[connection->n++] = option;
	if (text_is(option, "close"))
		connection->close = true;
	if (text_is(option, "keep-alive"))
		connection->keep_alive = true;
	if (text_is(option, "upgrade"))
		connection->upgrade = true;
	return true;
}

static bool connection_parse(const struct fields *fields,
			     struct connection *connection, struct fault *fault)
{
	for (size_t i = 0; i < fields->n; i++) {
		struct http_text rest = fields->list[i].value, option;

		if (!text_is(fields->list[i].name, "Connection"))
			continue;
		while (text_split(&rest, ',', &option))
			if (!connection_add(connection, text_trim(option),
					    fault))
				return false;
		if (!connection_add(connection, text_trim(rest), fault))
			return false;
	}
	return true;
}

static bool connection_keeps_alive(const struct connection *connection,
				   bool is_http10)
{
	return !connection->close && (!is_http10 || connection->keep_alive);
}

static bool connection_names(const struct connection *connection,
			     struct http_text name)
{
	for (size_t i = 0; i < connection->n; i++)
		if (text_is_same(name, connection->options[i]))
			return true;
	return false;
}

static void fields_keep_end_to_end(struct fields *fields,
				   const struct connection *connection)
{
	size_t n = 0;

	for (size_t i = 0; i < fields->n; i++)
		if (!http_field_ends_here(fields->list[i].name) &&
		    !connection_names(connection, fields->list[i].name))
			fields->list[n++] = fields->list[i];
	fields->n = n;
}

/* Standard base64 of so many bytes that @padding ends it. */
static bool is_base64(struct http_text text, size_t len, const char *padding)
{
	size_t n_padding = strlen(padding);

	if (text.len != len ||
	    !text_starts(text_skip(text, len - n_padding), padding))
		return false;
	for (size_t i = 0; i < len - n_padding; i++)
		if (!is_alpha(text.at[i]) && !is_digit(text.at[i]) &&
		    text.at[i] != '+' && text.at[i] != '/')
			return false;
	return true;
}

/* --- framing, RFC 9112 6 --- */

struct framing {
	bool chunked, has_length;
	uint64_t length;
};

/*
 * Responses may say their length several times, if it is the same each time:
 * there are origins that do, and it is one reading. Requests may not.
 */
static bool framing_parse(const struct fields *fields, bool is_http10,
			  bool is_response, struct framing *framing,
			  struct fault *fault)
{
	for (size_t i = 0; i < fields->n; i++) {
		const struct http_field *field = &fields->list[i];
		uint64_t length;

		if (text_is(field->name, "Content-Length")) {
			if (!text_number(field->value, TEXT_DIGITS_MAX,
					 &length))
				return refuse(fault, "Content-Length is not "
						     "a plain number");
			if (framing->has_length &&
			    (!is_response || length != framing->length))
				return refuse(fault, "there are several "
						     "Content-Length");
			framing->has_length = true;
			framing->length = length;
		} else if (text_is(field->name, "Transfer-Encoding")) {
			if (framing->chunked)
				return refuse(fault, "there are several "
						     "Transfer-Encoding");
			if (!text_is(field->value, "chunked"))
				return refuse(fault, "Transfer-Encoding is "
						     "not just chunked");
			if (is_http10)
				return refuse(fault, "HTTP/1.0 has no "
						     "Transfer-Encoding");
			framing->chunked = true;
		}
	}
	if (framing->chunked && framing->has_length)
		return refuse(fault, "there are both Content-Length and "
				     "Transfer-Encoding");
	return true;
}

/* What Trailer announces, where a body can have any. */
static struct http_text trailers_of(const struct fields *fields,
				    enum http_framing framing)
{
	return framing == HTTP_CHUNKED ? value_of(fields, "Trailer")
				       : (struct http_text){ 0 };
}

/* --- Host, and the authority of an absolute target --- */

static bool host_parse(const struct fields *fields,
		       struct http_request *request,
		       struct http_authority *authority, struct fault *fault)
{
	request->authority = value_of(fields, "Host");
	if (!request->authority.at)
		return refuse(fault, "there is not exactly one Host");
	if (!http_authority_parse(request->authority, authority))
		return refuse(fault, "Host is neither a name nor an address");
	request->host = authority->host;
	request->port = authority->port;
	return true;
}

/* --- requests --- */

/* scheme "://" authority path, where the path may be missing altogether. */
static bool absolute_parse(struct http_text target,
			   const struct http_authority *host,
			   struct http_request *request, struct fault *fault)
{
	static const struct http_text root = { "/", 1 }, server = { "*", 1 };
	bool https = text_starts(target, "https://");
	struct http_text rest = text_skip(target, https ? 8 : 7);
	struct http_text text = { .at = rest.at };
	struct http_authority authority;

	while (text.len < rest.len && !strchr("/?", rest.at[text.len]))
		text.len++;
	rest = text_skip(rest, text.len);
	if (!http_authority_parse(text, &authority))
		return refuse(fault, "the target's authority is unsound");
	if (!http_authority_equal(&authority, host, https ? 443 : 80))
		return refuse(fault, "the target's authority is not Host's");
	/* "?query" would have to be "/?query", which is not in these bytes. */
	if (rest.len > 0 && rest.at[0] != '/')
		return refuse(fault, "the target has a query but no path");

	request->absolute = true;
	request->absolute_https = https;
	request->path = rest;
	if (rest.len == 0) /* RFC 9112 3.2.4 for OPTIONS */
		request->path = text_is_exactly(request->method, "OPTIONS")
					? server
					: root;
	return true;
}

static bool target_parse(struct http_text target,
			 const struct http_authority *host,
			 struct http_request *request, struct fault *fault)
{
	if (target.len == 0 || !text_all(target, is_target_char))
		return refuse(fault, "the target has characters no target has");
	if (text_starts(target, "http://") || text_starts(target, "https://"))
		return absolute_parse(target, host, request, fault);
	if (!http_path_is_sound(target, request->method))
		return refuse(fault, "the target is not a path");
	request->path = target;
	return true;
}

static bool version_parse(struct http_text version, bool *is_http10,
			  struct fault *fault)
{
	if (version.len != 8 || memcmp(version.at, "HTTP/", 5) != 0 ||
	    !is_digit(version.at[5]) || version.at[6] != '.' ||
	    !is_digit(version.at[7]))
		return refuse(fault, "the first line has no HTTP version");
	if (version.at[5] != '1' || version.at[7] > '1')
		return refuse_with(fault, HTTP_VERSION_NOT_SUPPORTED,
				   "the version is neither 1.0 nor 1.1");
	*is_http10 = version.at[7] == '0';
	return true;
}

static bool expect_parse(const struct fields *fields,
			 struct http_request *request, struct fault *fault)
{
	for (size_t i = 0; i < fields->n; i++) {
		if (!text_is(fields->list[i].name, "Expect"))
			continue;
		if (!text_is(fields->list[i].value, "100-continue"))
			return refuse_with(fault, HTTP_EXPECTATION_FAILED,
					   "Expect is not 100-continue");
		/* RFC 9110 10.1.1: not of HTTP/1.0, nor without a body */
		request->expects_continue =
			!request->is_http10 && request->framing != HTTP_NO_BODY;
	}
	return true;
}

/* RFC 6455 4.1, as far as a head can show it. */
static bool is_websocket_request(const struct http_request *request,
				 const struct fields *fields)
{
	struct http_text version = value_of(fields, "Sec-WebSocket-Version");
	struct http_text key = value_of(fields, "Sec-WebSocket-Key");

	return !request->is_http10 && text_is_exactly(request->method, "GET") &&
	       request->framing != HTTP_CHUNKED &&
	       request->content_length == 0 && text_is(version, "13") &&
	       is_base64(key, 24, "==");
}

static bool request_fields_parse(struct http_text rest, struct http_text target,
				 struct http_request *request,
				 struct fault *fault)
{
	struct fields fields = { .list = request->fields };
	struct connection connection = { 0 };
	struct framing framing = { 0 };
	struct http_authority authority;
	bool upgrade;

	if (!fields_parse(rest, &fields, fault) ||
	    !host_parse(&fields, request, &authority, fault) ||
	    !target_parse(target, &authority, request, fault) ||
	    !framing_parse(&fields, request->is_http10, false, &framing,
			   fault) ||
	    !connection_parse(&fields, &connection, fault))
		return false;
	if (framing.chunked)
		request->framing = HTTP_CHUNKED;
	else if (framing.has_length)
		request->framing = HTTP_LENGTH;
	request->content_length = framing.length;
	request->keep_alive =
		connection_keeps_alive(&connection, request->is_http10);
	if (!expect_parse(&fields, request, fault))
		return false;

	request->trailers = trailers_of(&fields, request->framing);
	request->takes_trailers = text_lists(
		value_of(&fields, "TE"), (struct http_text){ "trailers", 8 });
	upgrade = connection.upgrade &&
		  text_is(value_of(&fields, "Upgrade"), "websocket");
	fields_keep_end_to_end(&fields, &connection);
	request->n_fields = fields.n;
	request->wants_websocket =
		upgrade && is_websocket_request(request, &fields);
	/* Java's client says that it has no body, which none says as well. */
	if (request->wants_websocket)
		request->framing = HTTP_NO_BODY;
	return true;
}

static bool request_parse(struct http_text head, struct http_request *request,
			  struct fault *fault)
{
	struct http_text rest = head, line, target;

	if (head.len > HTTP_HEAD_MAX)
		return refuse_with(fault, HTTP_FIELDS_TOO_LARGE,
				   "the head is too long");
	if (!text_take_line(&rest, &line))
		return refuse(fault, "a line does not end in CRLF");
	if (!text_split(&line, ' ', &request->method) ||
	    !text_split(&line, ' ', &target))
		return refuse(fault, "the first line has not three parts");
	return http_method_judge(request->method, &fault->status,
				 &fault->why) &&
	       version_parse(line, &request->is_http10, fault) &&
	       request_fields_parse(rest, target, request, fault);
}

bool http1_request_parse(const char *head, size_t len,
			 struct http_request *request, unsigned *status,
			 const char **why)
{
	struct http_request parsed = { 0 };
	struct fault fault;

	if (!request_parse((struct http_text){ head, len }, &parsed, &fault)) {
		*status = fault.status;
		*why = fault.why;
		return false;
	}
	*request = parsed;
	return true;
}

/* --- responses --- */

/* "HTTP/1.1 200 OK"; that the reason, or even its blank, is missing is common
 * and leaves one reading. */
static bool status_line_parse(struct http_text line,
			      struct http_response *response,
			      struct fault *fault)
{
	struct http_text version, code;
	uint64_t status;

	if (!text_split(&line, ' ', &version))
		return refuse(fault, "the first line is no status line");
	if (!version_parse(version, &response->is_http10, fault))
		return false;
	if (text_split(&line, ' ', &code))
		response->reason = line;
	else
		code = line;
	if (code.len != 3 || !text_number(code, 3, &status) || status < 100 ||
	    status > 599)
		return refuse(fault, "the status is not within 100 and 599");
	if (!text_all(response->reason, is_value_char))
		return refuse(fault, "the reason has control characters");
	response->status = (uint16_t)status;
	return true;
}

/* RFC 9112 6.3 */
static bool response_framing(struct http_response *response, bool to_head,
			     const struct framing *framing, struct fault *fault)
{
	bool never = response->status < 200 || response->status == 204;

	/* Who reads it otherwise takes what follows for a body. */
	if (never && (framing->chunked || framing->length > 0))
		return refuse(fault, "a body is announced where none can be");
	response->has_content_length = framing->has_length && !never;
	response->content_length = framing->length;
	if (never || to_head || response->status == 304)
		response->framing = HTTP_NO_BODY;
	else if (framing->chunked)
		response->framing = HTTP_CHUNKED;
	else if (framing->has_length)
		response->framing = HTTP_LENGTH;
	else
		response->framing = HTTP_UNTIL_CLOSE;
	return true;
}

/*
 * A 101 can only answer the one Upgrade that is passed on. Anything else
 * would turn the connection into something that is not read any more.
 */
static bool switch_parse(const struct fields *fields, bool upgrade,
			 struct http_response *response, struct fault *fault)
{
	struct http_text accept = value_of(fields, "Sec-WebSocket-Accept");

	if (response->status != 101)
		return true;
	if (!upgrade || response->is_http10 || !is_base64(accept, 28, "="))
		return refuse(fault, "the protocol is switched, but not to "
				     "WebSocket");
	response->is_websocket = true;
	response->websocket_accept = accept;
	return true;
}

static bool response_parse(struct http_text rest, bool to_head,
			   struct http_response *response, struct fault *fault)
{
	struct fields fields = { .list = response->fields };
	struct connection connection = { 0 };
	struct framing framing = { 0 };
	struct http_text line;
	bool upgrade;

	if (rest.len > HTTP_HEAD_MAX)
		return refuse(fault, "the head is too long");
	if (!text_take_line(&rest, &line))
		return refuse(fault, "a line does not end in CRLF");
	if (!status_line_parse(line, response, fault) ||
	    !fields_parse(rest, &fields, fault) ||
	    !framing_parse(&fields, response->is_http10, true, &framing,
			   fault) ||
	    !response_framing(response, to_head, &framing, fault) ||
	    !connection_parse(&fields, &connection, fault))
		return false;
	response->keep_alive =
		response->framing != HTTP_UNTIL_CLOSE &&
		connection_keeps_alive(&connection, response->is_http10);

	upgrade = connection.upgrade &&
		  text_is(value_of(&fields, "Upgrade"), "websocket");
	response->trailers = trailers_of(&fields, response->framing);
	fields_keep_end_to_end(&fields, &connection);
	response->n_fields = fields.n;
	return switch_parse(&fields, upgrade, response, fault);
}

bool http1_response_parse(const char *head, size_t len, bool to_head,
			  struct http_response *response, const char **why)
{
	struct http_response parsed = { 0 };
	struct fault fault;

	if (!response_parse((struct http_text){ head, len }, to_head, &parsed,
			    &fault)) {
		*why = fault.why;
		return false;
	}
	*response = parsed;
	return true;
}

/* --- trailers --- */

bool http1_trailers_parse(struct http_text section, struct http_field *list,
			  size_t *n)
{
	struct fields fields = { .list = list };
	struct fault fault;

	if (!fields_parse(section, &fields, &fault))
		return false;
	*n = fields.n;
	return true;
}
