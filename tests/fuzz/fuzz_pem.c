/*
 * What is taken for one certificate is text that any other program takes for
 * one, too: the frame is there once, at both ends, and nothing in between
 * could begin or end another.
 */
#include "pem.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	const char *body;
	size_t body_len;
	size_t line = 0;

	if (!pem_are_certificates(text, len, 1, &line)) {
		assert(line > 0);
		assert(!pem_is_one_certificate(text, len));
	}
	if (!pem_is_one_certificate(text, len))
		return 0;
	assert(len > strlen(BEGIN) + strlen(END));
	assert(memcmp(text, BEGIN, strlen(BEGIN)) == 0);
	assert(text[len - 1] == '\n');
	body = text + strlen(BEGIN);
	body_len = len - strlen(BEGIN);
	assert(memmem(body, body_len, END, strlen(END)));
	body_len = (size_t)((const char *)memmem(body, body_len, END,
						 strlen(END)) -
			    body);
	assert(!memchr(body, '-', body_len));
	assert(!memchr(body, '\0', body_len));
	/* The smallest SEQUENCE with something in it: 30 01 xx. */
	assert(body_len >= 4);
	/* Cut anywhere, it is none. */
	assert(!pem_is_one_certificate(text, len - 1));
	assert(!pem_is_one_certificate(text + 1, len - 1));
	return 0;
}
