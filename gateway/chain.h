/*
 * chain.h - each line of the record names the one before by its hash
 *
 * The hash of a line is SHA-256 over its bytes without the newline. A line
 * that was changed, taken out, put in or moved is not what the next one names.
 * It proves nothing of the end, which can be cut off, nor against somebody who
 * writes all of the chain anew: for that the hash of some line has to be kept
 * elsewhere.
 */
#ifndef SLUICE_CHAIN_H
#define SLUICE_CHAIN_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#define CHAIN_HASH 32                       /* bytes */
#define CHAIN_TEXT_MAX (2 * CHAIN_HASH + 1) /* in hexadecimal, with NUL */

/* All zeroes: before the first line of all. */
struct chain_hash {
	uint8_t bytes[CHAIN_HASH];
};

struct chain {
	EVP_MD *sha256;
	EVP_MD_CTX *context;
};

/* 0 or -ENOMEM; chain_done() follows in any case. */
MUST_CHECK int chain_init(struct chain *chain);
void chain_done(struct chain *chain);

/* Ends the process should the library fail: nothing can be vouched for then. */
void chain_hash(struct chain *chain, const char *line, size_t len,
		struct chain_hash *hash);

const char *chain_format(const struct chain_hash *hash,
			 char text[CHAIN_TEXT_MAX]);
/* 64 lower-case digits and nothing else. */
MUST_CHECK bool chain_parse(const char *text, size_t len,
			    struct chain_hash *hash);
bool chain_equal(const struct chain_hash *a, const struct chain_hash *b);

#endif
