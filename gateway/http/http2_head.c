#include "http2_head.h"

#include "chars.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_COST 32 /* RFC 9113 6.5.2 */
#define FIRST_CAP 1024

/* --- gathering --- */

void http2_head_reset(struct http2_head *head)
{
	free(head->bytes);
	head->bytes = NULL;
	head->len = head->cap = head->size = 0;
	head->n = head->n_fields = 0;
	head->too_large = head->unsound = false;
}

static bool reserve(struct http2_head *head, size_t room)
{
	size_t cap = head->cap ? head->cap : FIRST_CAP;
	char *grown;

	while (cap < head->len + room)
		cap *= 2;
	if (cap == head->cap)
		return true;
	grown = realloc(head->bytes, cap);
	if (!grown)
		return false;
	head->bytes = grown;
	head->cap = cap;
	return true;
}

static uint32_t append(struct http2_head *head, const uint8_t *bytes,
		       size_t len)
{
	size_t at = head->len;

	memcpy(head->bytes + at, bytes, len);
	head->len += len;
	return (uint32_t)at;
}

bool http2_head_add(struct http2_head *head, const uint8_t *name,
		    size_t name_len, const uint8_t *value, size_t value_len)
{
	struct http2_span *span;

	head->size += name_len + value_len + FIELD_COST;
	if (name_len == 0 || name[0] != ':')
		head->n_fields++;
	if (head->size > HTTP_HEAD_MAX || head->n_fields > HTTP_FIELDS_MAX ||
	    head->n == HTTP2_FIELDS_MAX)
		head->too_large = true;
	if (head->too_large)
		return true;
	if (!reserve(head, name_len + value_len))
		return false;
	span = &head->spans[head->n++];
	span->name = append(head, name, name_len);
	span->name_len = (uint32_t)name_len;
	span->value = append(head, value, value_len);
	span->value_len = (uint32_t)value_len;
	return true;
}

/* --- reading --- */

static struct http_field field_at(const struct http2_head *head, size_t i)
{
	const struct http2_span *span = &head->spans[i];

	return (struct http_field){
		.name = { head->bytes + span->name, span->name_len },
		.value = { head->bytes + span->value, span->value_len },
	};
}

static bool name_is_sound(struct http_text name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!is_token_char(name.at[i]) ||
		    (name.at[i] >= 'A' && name.at[i] <= 'Z'))
			return false;
	return name.len > 0;
}

static bool value_is_sound(struct http_text value)
{
	return text_all(value, is_value_char) &&
	       text_trim(value).len == value.len;
}

/* RFC 9113 8.2.2 */
static bool is_connection_specific(struct http_text name)
{
	return text_is_exactly(name, "connection") ||
	       text_is_exactly(name, "proxy-connection") ||
	       text_is_exactly(name, "keep-alive") ||
	       text_is_exactly(name, "transfer-encoding") ||
	       text_is_exactly(name, "upgrade") ||
	       text_is_exactly(name, "http2-settings");
}

static bool length_parse(struct http_text text, uint64_t *length)
{
	uint64_t value = 0;

	if (text.len == 0 || text.len > 19)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.at[i]))
			return false;
		value = value * 10 + (uint64_t)(text.at[i] - '0');
	}
	*length = value;
	return true;
}

/* What both kinds of heads have; NULL where a field is not there. */
struct reading {
	struct http_text pseudo[HTTP2_PSEUDO_MAX];
	struct http_text host, length, expect;
	struct http_field *fields;
	size_t n;
	const char *why;
};

static bool refuse(struct reading *reading, const char *why)
{
	reading->why = why;
	return false;
}

static bool read_once(struct reading *reading, struct http_text *place,
		      struct http_text value)
{
	if (place->at)
		return refuse(reading, "a field is there more than once");
	*place = value;
	return true;
}

static bool read_pseudo(struct reading *reading, const char *const *names,
			const struct http_field *field)
{
	for (size_t i = 0; i < HTTP2_PSEUDO_MAX && names[i]; i++)
		if (text_is_exactly(field->name, names[i]))
			return read_once(reading, &reading->pseudo[i],
					 field->value);
	return refuse(reading, "an unknown pseudo-field");
}

static bool read_field(struct reading *reading, const char *const *names,
		       const struct http_field *field)
{
	struct http_text name = field->name;

	if (name.len > 0 && name.at[0] == ':')
		return read_pseudo(reading, names, field);
	if (!name_is_sound(name))
		return refuse(reading,
			      "a field's name is not a lower-case token");
	if (!value_is_sound(field->value))
		return refuse(reading, "a field has control characters");
	if (is_connection_specific(name))
		return refuse(reading, "a field that HTTP/2 does not have");
	if (text_is_exactly(name, "te") &&
	    !text_is_exactly(field->value, "trailers"))
		return refuse(reading, "TE is not trailers");
	if (text_is_exactly(name, "host"))
		return read_once(reading, &reading->host, field->value);
	if (text_is_exactly(name, "content-length"))
		return read_once(reading, &reading->length, field->value);
	if (text_is_exactly(name, "expect"))
		return read_once(reading, &reading->expect, field->value);
	if (http_field_ends_here(name) && !text_is_exactly(name, "te") &&
	    !text_is_exactly(name, "trailer"))
		return true;
	reading->fields[reading->n++] = *field;
	return true;
}

/* @lenient: values may have blanks around them, which are no part of them. */
static bool read_fields(const struct http2_head *head, const char *const *names,
			bool lenient, struct reading *reading)
{
	if (head->too_large)
		return refuse(reading, "the head is too large");
	if (head->unsound)
		return refuse(reading, "a field is unsound");
	for (size_t i = 0; i < head->n; i++) {
		struct http_field field = field_at(head, i);

		if (lenient)
			field.value = text_trim(field.value);
		if (!read_field(reading, names, &field))
			return false;
	}
	return true;
}

enum request_pseudo { METHOD, SCHEME, AUTHORITY, PATH, PROTOCOL };
static const char *const request_pseudo[HTTP2_PSEUDO_MAX] = {
	[METHOD] = ":method",       [SCHEME] = ":scheme",
	[AUTHORITY] = ":authority", [PATH] = ":path",
	[PROTOCOL] = ":protocol",
};

/* RFC 8441 4: what :protocol opens by CONNECT is bytes, to who is willing. */
static bool read_protocol(struct reading *reading, struct http_request *request,
			  unsigned *status)
{
	*status = HTTP_BAD_REQUEST;
	if (!text_is_exactly(request->method, "CONNECT"))
		return refuse(reading, ":protocol is not CONNECT's");
	if (reading->length.at || reading->expect.at)
		return refuse(reading, "CONNECT has a body");
	*status = HTTP_NOT_IMPLEMENTED;
	if (!text_is(reading->pseudo[PROTOCOL], "websocket"))
		return refuse(reading, ":protocol is not websocket");
	request->wants_websocket = true;
	return true;
}

static bool read_method(struct reading *reading, struct http_request *request,
			unsigned *status)
{
	request->method = reading->pseudo[METHOD];
	return reading->pseudo[PROTOCOL].at
		       ? read_protocol(reading, request, status)
		       : http_method_judge(request->method, status,
					   &reading->why);
}

static bool read_authority(struct reading *reading,
			   struct http_request *request)
{
	struct http_text text = reading->pseudo[AUTHORITY];
	struct http_authority authority, host;

	if (!text.at)
		text = reading->host;
	if (!text.at)
		return refuse(reading, "there is no :authority");
	if (!http_authority_parse(text, &authority))
		return refuse(reading, ":authority is neither a name nor an "
				       "address");
	if (reading->host.at &&
	    (!http_authority_parse(reading->host, &host) ||
	     !http_authority_equal(&authority, &host,
				   request->absolute_https ? 443 : 80)))
		return refuse(reading, "Host is not :authority");
	request->authority = text;
	request->host = authority.host;
	request->port = authority.port;
	return true;
}

static bool read_request_line(struct reading *reading,
			      struct http_request *request)
{
	const struct http_text *pseudo = reading->pseudo;

	if (!pseudo[SCHEME].at || !pseudo[PATH].at)
		return refuse(reading, "a pseudo-field is missing");
	request->absolute = true;
	request->absolute_https = text_is_exactly(pseudo[SCHEME], "https");
	if (!request->absolute_https &&
	    !text_is_exactly(pseudo[SCHEME], "http"))
		return refuse(reading, ":scheme is neither https nor http");
	request->path = pseudo[PATH];
	if (!http_path_is_sound(request->path, request->method))
		return refuse(reading, ":path is not a path");
	return read_authority(reading, request);
}

static bool read_body(struct reading *reading, bool ended,
		      enum http_framing *framing, uint64_t *length)
{
	if (reading->length.at && !length_parse(reading->length, length))
		return refuse(reading, "Content-Length is not a plain number");
	*framing = HTTP_CHUNKED;
	if (reading->length.at)
		*framing = HTTP_LENGTH;
	else if (ended)
		*framing = HTTP_NO_BODY;
	return true;
}

bool http2_request_read(const struct http2_head *head, bool ended,
			struct http_request *request, unsigned *status,
			const char **why)
{
	struct http_request read = { .keep_alive = true };
	struct reading reading = { .fields = read.fields };

	*status = head->too_large ? HTTP_FIELDS_TOO_LARGE : HTTP_BAD_REQUEST;
	if (!read_fields(head, request_pseudo, false, &reading)) {
		*why = reading.why;
		return false;
	}
	if (!read_method(&reading, &read, status)) {
		*why = reading.why;
		return false;
	}
	if (!read_request_line(&reading, &read) ||
	    !read_body(&reading, ended, &read.framing, &read.content_length)) {
		*status = HTTP_BAD_REQUEST;
		*why = reading.why;
		return false;
	}
	if (reading.expect.at &&
	    !text_is_exactly(reading.expect, "100-continue")) {
		*status = HTTP_EXPECTATION_FAILED;
		*why = "Expect is not 100-continue";
		return false;
	}
	read.expects_continue = reading.expect.at && !ended;
	read.n_fields = reading.n;
	*request = read;
	return true;
}

bool http2_response_read(const struct http2_head *head, bool ended,
			 struct http_response *response, const char **why)
{
	static const char *const names[HTTP2_PSEUDO_MAX] = { ":status" };
	struct http_response read = { .keep_alive = true };
	struct reading reading = { .fields = read.fields };
	uint64_t status;

	if (!read_fields(head, names, true, &reading) ||
	    !read_body(&reading, ended, &read.framing, &read.content_length)) {
		*why = reading.why;
		return false;
	}
	*why = "the status is not within 100 and 599";
	if (reading.pseudo[0].len != 3 ||
	    !length_parse(reading.pseudo[0], &status) || status < 100 ||
	    status > 599)
		return false;
	*why = "an interim response that is no such";
	if (status < 200 && (ended || status == 101))
		return false;
	read.status = (uint16_t)status;
	read.has_content_length =
		reading.length.at && status >= 200 && status != 204;
	read.n_fields = reading.n;
	*response = read;
	return true;
}

/* --- trailers --- */

struct http2_trailers *http2_trailers_read(const struct http2_head *head)
{
	static const char *const none[HTTP2_PSEUDO_MAX] = { NULL };
	struct http_field fields[HTTP_FIELDS_MAX];
	struct reading reading = { .fields = fields };
	struct http2_trailers *trailers;
	char *bytes;
	size_t n = 0;

	if (head->size > HTTP2_TRAILERS_MAX ||
	    !read_fields(head, none, true, &reading))
		return NULL;
	trailers = malloc(sizeof(*trailers) +
			  reading.n * sizeof(*trailers->fields) + head->len);
	if (!trailers)
		return NULL;
	bytes = (char *)&trailers->fields[reading.n];
	for (size_t i = 0; i < reading.n; i++) {
		struct http_field *field = &trailers->fields[n];

		if (!http_field_may_trail(fields[i].name))
			continue;
		*field = fields[i];
		field->name.at = memcpy(bytes, field->name.at, field->name.len);
		bytes += field->name.len;
		field->value.at =
			memcpy(bytes, field->value.at, field->value.len);
		bytes += field->value.len;
		n++;
	}
	trailers->n = n;
	return trailers;
}

/* --- writing --- */

static void put_text(struct http2_written *written, const char *name,
		     struct http_text value)
{
	assert(written->n < HTTP2_FIELDS_MAX);
	written->fields[written->n++] = (struct http_field){
		.name = text_of(name),
		.value = value,
	};
}

static void put(struct http2_written *written, const char *name,
		const char *value)
{
	put_text(written, name, text_of(value));
}

static void put_fields(struct http2_written *written,
		       const struct http_field *fields, size_t n)
{
	assert(n <= HTTP_FIELDS_MAX);
	memcpy(&written->fields[written->n], fields, n * sizeof(*fields));
	written->n += n;
}

static void put_length(struct http2_written *written, uint64_t length)
{
	(void)snprintf(written->length, sizeof(written->length), "%llu",
		       (unsigned long long)length);
	put(written, "content-length", written->length);
}

void http2_request_write(const struct http_request *request,
			 struct http2_written *written)
{
	written->n = 0;
	put_text(written, ":method", request->method);
	put(written, ":scheme", request->absolute_https ? "https" : "http");
	if (request->port != 0)
		(void)snprintf(written->authority, sizeof(written->authority),
			       "%s:%u", request->host.name, request->port);
	put(written, ":authority",
	    request->port ? written->authority : request->host.name);
	put_text(written, ":path", request->path);
	if (request->wants_websocket)
		put(written, ":protocol", "websocket");
	put_fields(written, request->fields, request->n_fields);
	if (request->framing == HTTP_LENGTH)
		put_length(written, request->content_length);
	if (request->expects_continue)
		put(written, "expect", "100-continue");
}

void http2_response_write(const struct http_response *response,
			  struct http2_written *written)
{
	written->n = 0;
	(void)snprintf(written->status, sizeof(written->status), "%u",
		       response->status);
	put(written, ":status", written->status);
	put_fields(written, response->fields, response->n_fields);
	if (response->has_content_length)
		put_length(written, response->content_length);
}
