/*
 * What is taken for one certificate is text that any other program takes for
 * one, too: the frame is there once, at both ends, and nothing in between
 * could begin or end another. What is found in a text is shorter than it, and
 * each is a SEQUENCE to its last byte.
 */
#include "pem.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void find_all(const uint8_t *bytes, size_t len)
{
	struct cursor left = cursor_over(bytes, len);
	uint8_t der[PEM_DER_MAX];
	size_t der_len;
	size_t total = 0;

	while (pem_next_certificate(&left, der, &der_len)) {
		assert(der_len > 2 && der_len <= sizeof(der));
		assert(der[0] == 0x30);
		total += der_len + strlen(BEGIN) + strlen(END);
		assert(total <= len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	const char *body;
	size_t body_len;
	size_t line = 0;

	find_all(bytes, len);
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
