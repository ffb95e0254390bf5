#include "chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

int chain_init(struct chain *chain)
{
	/* Fetched once: to look it up costs as much as a line. */
	chain->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	chain->context = EVP_MD_CTX_new();
	return chain->sha256 && chain->context ? 0 : -ENOMEM;
}

void chain_done(struct chain *chain)
{
	EVP_MD_CTX_free(chain->context);
	EVP_MD_free(chain->sha256);
	*chain = (struct chain){ 0 };
}

void chain_hash(struct chain *chain, const char *line, size_t len,
		struct chain_hash *hash)
{
	if (EVP_DigestInit_ex(chain->context, chain->sha256, NULL) != 1 ||
	    EVP_DigestUpdate(chain->context, line, len) != 1 ||
	    EVP_DigestFinal_ex(chain->context, hash->bytes, NULL) != 1)
		abort();
}

const char *chain_format(const struct chain_hash *hash,
			 char text[CHAIN_TEXT_MAX])
{
	for (size_t i = 0; i < CHAIN_HASH; i++) {
		text[2 * i] = digits[hash->bytes[i] >> 4];
		text[2 * i + 1] = digits[hash->bytes[i] & 15];
	}
	text[CHAIN_TEXT_MAX - 1] = '\0';
	return text;
}

bool chain_parse(const char *text, size_t len, struct chain_hash *hash)
{
	struct chain_hash parsed = { 0 };

	if (len != CHAIN_TEXT_MAX - 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			return false;
		parsed.bytes[i / 2] =
			(uint8_t)(parsed.bytes[i / 2] << 4 | (digit - digits));
	}
	*hash = parsed;
	return true;
}

bool chain_equal(const struct chain_hash *a, const struct chain_hash *b)
{
	return memcmp(a->bytes, b->bytes, CHAIN_HASH) == 0;
}
