#include "http1_body.h"

#include "chars.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CHUNK_DIGITS_MAX 16

/*
 * The chunked reader, by the kind of byte that is next (RFC 9112 7.1):
 *
 *	SIZE --CR--> SIZE_LF --LF--> DATA --> DATA_CR --> DATA_LF --> SIZE
 *	  \-;-> EXTENSION -^   \
 *	                        LF, size 0
 *	                          \--> LINE --CR--> LAST_LF --LF--> done
 *	                               | ^
 *	                               v  \-LF-- VALUE_LF <-CR-\
 *	                              NAME --:--> VALUE --------'
 */
enum body_state {
	BODY_SIZE = 0,
	BODY_EXTENSION,
	BODY_SIZE_LF,
	BODY_DATA,
	BODY_DATA_CR,
	BODY_DATA_LF,
	BODY_LINE,
	BODY_NAME,
	BODY_VALUE,
	BODY_VALUE_LF,
	BODY_LAST_LF,
	BODY_BAD,
};

void http1_body_init(struct http1_body *body, enum http_framing framing,
		     uint64_t content_length)
{
	*body = (struct http1_body){
		.framing = framing,
		.left = framing == HTTP_LENGTH ? content_length : 0,
		.state = BODY_SIZE,
	};
	body->done = framing == HTTP_NO_BODY ||
		     (framing == HTTP_LENGTH && content_length == 0);
}

/* The value of a hexadecimal digit, or -1. */
static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* In a size there have been digits alone, @line_len counts them and @c. */
static enum body_state size_step(struct http1_body *body, char c)
{
	int digit = hex_value(c);

	if (digit >= 0) {
		if (body->line_len > CHUNK_DIGITS_MAX)
			return BODY_BAD;
		body->left = body->left << 4 | (uint64_t)digit;
		return BODY_SIZE;
	}
	if (body->line_len == 1)
		return BODY_BAD;
	if (c == ';')
		return BODY_EXTENSION;
	return c == '\r' ? BODY_SIZE_LF : BODY_BAD;
}

/* The line with the size is over: the data come, or the trailers. */
static enum body_state size_end(struct http1_body *body, char c)
{
	if (c != '\n')
		return BODY_BAD;
	body->line_len = 0;
	return body->left > 0 ? BODY_DATA : BODY_LINE;
}

/* Takes one byte of framing and returns what is next. */
static enum body_state body_step(struct http1_body *body, char c)
{
	enum body_state state = (enum body_state)body->state;

	body->line_len++;
	if (body->line_len >
	    (state <= BODY_SIZE_LF ? HTTP1_CHUNK_LINE_MAX : HTTP1_TRAILERS_MAX))
		return BODY_BAD;

	switch (state) {
	case BODY_SIZE:
		return size_step(body, c);
	case BODY_EXTENSION:
		if (c == '\r')
			return BODY_SIZE_LF;
		return is_value_char(c) ? BODY_EXTENSION : BODY_BAD;
	case BODY_SIZE_LF:
		return size_end(body, c);
	case BODY_DATA_CR:
		return c == '\r' ? BODY_DATA_LF : BODY_BAD;
	case BODY_DATA_LF:
		body->line_len = 0;
		return c == '\n' ? BODY_SIZE : BODY_BAD;
	case BODY_LINE:
		if (c == '\r')
			return BODY_LAST_LF;
		return is_token_char(c) ? BODY_NAME : BODY_BAD;
	case BODY_NAME:
		if (c == ':')
			return BODY_VALUE;
		return is_token_char(c) ? BODY_NAME : BODY_BAD;
	case BODY_VALUE:
		if (c == '\r')
			return BODY_VALUE_LF;
		return is_value_char(c) ? BODY_VALUE : BODY_BAD;
	case BODY_VALUE_LF:
		return c == '\n' ? BODY_LINE : BODY_BAD;
	case BODY_LAST_LF:
		body->done = c == '\n';
		return body->done ? BODY_LAST_LF : BODY_BAD;
	case BODY_DATA:
	case BODY_BAD:
		break;
	}
	return BODY_BAD;
}

/* The next run of at most @left bytes, which is taken from it. */
static struct http_text take_run(uint64_t *left, const char *bytes, size_t len)
{
	struct http_text run = { .at = bytes, .len = len };

	if (run.len > *left)
		run.len = (size_t)*left;
	*left -= run.len;
	return run;
}

static enum http1_result chunked_read(struct http1_body *body,
				      const char *bytes, size_t len,
				      size_t *used, struct http_text *data)
{
	size_t i = body->held, trailers = 0;

	while (i < len && !body->done && body->state != BODY_DATA &&
	       body->state != BODY_BAD) {
		body->state = body_step(body, bytes[i++]);
		if (body->state == BODY_LINE && body->line_len == 0)
			trailers = i;
	}
	body->held = 0;
	if (body->done) {
		body->trailers =
			(struct http_text){ bytes + trailers, i - trailers };
	} else if (body->state >= BODY_LINE && body->state != BODY_BAD) {
		body->held = i - trailers;
		i = trailers;
	}
	if (body->state == BODY_DATA) {
		*data = take_run(&body->left, bytes + i, len - i);
		i += data->len;
		if (body->left == 0)
			body->state = BODY_DATA_CR;
	}
	*used = i;
	if (body->state == BODY_BAD)
		return HTTP1_BAD;
	return body->done ? HTTP1_DONE : HTTP1_MORE;
}

enum http1_result http1_body_read(struct http1_body *body, const char *bytes,
				  size_t len, size_t *used,
				  struct http_text *data)
{
	uint64_t endless = UINT64_MAX;

	*used = 0;
	*data = (struct http_text){ .at = bytes };
	if (body->done)
		return HTTP1_DONE;
	if (len == 0)
		return body->state == BODY_BAD ? HTTP1_BAD : HTTP1_MORE;

	switch (body->framing) {
	case HTTP_CHUNKED:
		return chunked_read(body, bytes, len, used, data);
	case HTTP_LENGTH:
		*data = take_run(&body->left, bytes, len);
		body->done = body->left == 0;
		break;
	case HTTP_UNTIL_CLOSE:
		*data = take_run(&endless, bytes, len);
		break;
	case HTTP_NO_BODY: /* done from the start */
		break;
	}
	*used = data->len;
	return body->done ? HTTP1_DONE : HTTP1_MORE;
}

size_t http1_body_write(enum http_framing framing, struct http_text data,
			char *bytes)
{
	size_t n = 0;

	/* A chunk of nothing would end the body. */
	assert(framing != HTTP_NO_BODY && data.len > 0);
	if (framing == HTTP_CHUNKED)
		n = (size_t)snprintf(bytes, HTTP1_BODY_OVERHEAD, "%zx\r\n",
				     data.len);
	memcpy(bytes + n, data.at, data.len);
	n += data.len;
	if (framing == HTTP_CHUNKED) {
		bytes[n++] = '\r';
		bytes[n++] = '\n';
	}
	return n;
}
