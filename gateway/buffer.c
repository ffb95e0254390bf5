#include "buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

/* As free(3) and realloc(3), which leave what was there where it was. */
static void give_back(const struct buffer *buffer)
{
	if (buffer->secret && buffer->bytes)
		OPENSSL_cleanse(buffer->bytes, buffer->cap);
	free(buffer->bytes);
}

static char *grow(const struct buffer *buffer, size_t cap)
{
	char *grown;

	if (!buffer->secret)
		return realloc(buffer->bytes, cap);
	grown = malloc(cap);
	if (!grown)
		return NULL;
	if (buffer->bytes)
		memcpy(grown, buffer->bytes, buffer->len);
	give_back(buffer);
	return grown;
}

int buffer_reserve(struct buffer *buffer, size_t room)
{
	size_t cap = buffer->cap ? buffer->cap : BUFFER_CAP;
	char *grown;

	if (buffer->bytes && buffer->at > 0) {
		memmove(buffer->bytes, buffer->bytes + buffer->at, buffer->len);
		buffer->at = 0;
	}
	while (cap < buffer->len + room)
		cap *= 2;
	if (cap == buffer->cap)
		return 0;
	grown = grow(buffer, cap);
	if (!grown)
		return -ENOMEM;
	buffer->bytes = grown;
	buffer->cap = cap;
	return 0;
}

void buffer_took(struct buffer *buffer, size_t len)
{
	assert(len <= buffer->cap - buffer->at - buffer->len);
	buffer->len += len;
}

void buffer_drop(struct buffer *buffer, size_t len)
{
	assert(len <= buffer->len);
	buffer->at += len;
	buffer->len -= len;
	if (buffer->len == 0)
		buffer_done(buffer);
}

int buffer_add(struct buffer *buffer, const void *bytes, size_t len)
{
	size_t room;
	int error;

	if (len == 0)
		return 0;
	error = buffer_reserve(buffer, len);
	if (error < 0)
		return error;
	memcpy(buffer_room(buffer, &room), bytes, len);
	buffer_took(buffer, len);
	return 0;
}

void buffer_done(struct buffer *buffer)
{
	give_back(buffer);
	*buffer = (struct buffer){ 0 };
}

ssize_t buffer_fill(struct buffer *buffer, struct stream *stream)
{
	size_t room;
	ssize_t n;
	int error;

	if (!buffer->bytes ||
	    (buffer->at > 0 && buffer->at + buffer->len == buffer->cap)) {
		error = buffer_reserve(buffer, 0);
		if (error < 0)
			return error;
	}
	buffer_room(buffer, &room);
	if (room == 0)
		return -ENOBUFS;
	n = stream_read(stream, buffer_room(buffer, &room), room);
	if (n > 0)
		buffer_took(buffer, (size_t)n);
	else if (buffer->len == 0)
		buffer_done(buffer);
	return n;
}

ssize_t buffer_flush(struct buffer *buffer, struct stream *stream)
{
	ssize_t n;

	if (buffer->len == 0)
		return 0;
	n = stream_write(stream, buffer_data(buffer), buffer->len);
	if (n > 0)
		buffer_drop(buffer, (size_t)n);
	return n;
}
