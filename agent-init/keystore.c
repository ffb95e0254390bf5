#include "keystore.h"

#include "pem.h"
#include "sha1.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 0xfeedfeed
#define VERSION 2
#define TRUSTED 2 /* the kind of entry that is a certificate alone */

/* What the digest is over before the file's own bytes: the password as UTF-16,
   and words of the format's author. */
static const char salt[] = "\0c\0h\0a\0n\0g\0e\0i\0t"
			   "Mighty Aphrodite";

#define SALT_LEN (sizeof(salt) - 1)
#define HEADER_LEN 12

static uint8_t *put_number(uint8_t *at, uint64_t number, size_t len)
{
	while (len-- > 0)
		*at++ = (uint8_t)(number >> (8 * len));
	return at;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

/* As DataOutputStream.writeUTF() does. */
static uint8_t *put_string(uint8_t *at, const char *text)
{
	at = put_number(at, strlen(text), 2);
	return put_bytes(at, text, strlen(text));
}

static uint8_t *put_entry(uint8_t *at, unsigned int number, const uint8_t *der,
			  size_t len)
{
	char alias[16];

	(void)snprintf(alias, sizeof(alias), "ca%u", number);
	at = put_number(at, TRUSTED, 4);
	at = put_string(at, alias);
	at = put_number(at, 0, 8); /* when it was added; nobody asks */
	at = put_string(at, "X.509");
	at = put_number(at, len, 4);
	return put_bytes(at, der, len);
}

char *keystore_from_pem(const char *pem, size_t pem_len, size_t *len)
{
	/* An entry is shorter than the block that it is made from: that has
	   a first and a last line, of more bytes than we add. */
	size_t cap = SALT_LEN + HEADER_LEN + pem_len + SHA1_LEN;
	struct cursor text = cursor_over(pem, pem_len);
	uint8_t *store = malloc(cap);
	uint8_t *at;
	uint8_t der[PEM_DER_MAX];
	size_t der_len;
	unsigned int n = 0;

	if (!store)
		return NULL;
	at = put_bytes(store, salt, SALT_LEN) + HEADER_LEN;
	while (pem_next_certificate(&text, der, &der_len))
		at = put_entry(at, n++, der, der_len);
	(void)put_number(put_number(put_number(store + SALT_LEN, MAGIC, 4),
				    VERSION, 4),
			 n, 4);
	sha1(store, (size_t)(at - store), at);
	at += SHA1_LEN;
	assert((size_t)(at - store) <= cap);
	*len = (size_t)(at - store) - SALT_LEN;
	memmove(store, store + SALT_LEN, *len);
	return (char *)store;
}
