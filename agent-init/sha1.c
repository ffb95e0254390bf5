#include "sha1.h"

#include <string.h>

#define BLOCK 64

static uint32_t rotate(uint32_t word, unsigned int bits)
{
	return word << bits | word >> (32 - bits);
}

static void put_word(uint8_t *to, uint32_t word)
{
	for (unsigned int i = 0; i < 4; i++)
		to[i] = (uint8_t)(word >> (24 - 8 * i));
}

/* The functions and constants of RFC 3174, section 5, for round @t. */
static uint32_t mix(unsigned int t, uint32_t b, uint32_t c, uint32_t d)
{
	if (t < 20)
		return ((b & c) | (~b & d)) + 0x5a827999;
	if (t < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (t < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void take_block(uint32_t state[5], const uint8_t *block)
{
	uint32_t w[80];
	uint32_t h[5];

	for (size_t t = 0; t < 16; t++)
		w[t] = (uint32_t)block[4 * t] << 24 |
		       (uint32_t)block[4 * t + 1] << 16 |
		       (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
	for (unsigned int t = 16; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	memcpy(h, state, sizeof(h));
	for (unsigned int t = 0; t < 80; t++) {
		uint32_t next = rotate(h[0], 5) + mix(t, h[1], h[2], h[3]) +
				h[4] + w[t];

		h[4] = h[3];
		h[3] = h[2];
		h[2] = rotate(h[1], 30);
		h[1] = h[0];
		h[0] = next;
	}
	for (unsigned int i = 0; i < 5; i++)
		state[i] += h[i];
}

void sha1(const uint8_t *bytes, size_t len, uint8_t digest[SHA1_LEN])
{
	uint32_t state[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
			      0xc3d2e1f0 };
	uint8_t last[2 * BLOCK] = { 0 };
	size_t rest = len % BLOCK;
	size_t last_len = rest + 9 <= BLOCK ? BLOCK : sizeof(last);
	uint64_t bits = (uint64_t)len * 8;

	for (size_t i = 0; i + BLOCK <= len; i += BLOCK)
		take_block(state, bytes + i);
	memcpy(last, bytes + len - rest, rest);
	last[rest] = 0x80;
	put_word(last + last_len - 8, (uint32_t)(bits >> 32));
	put_word(last + last_len - 4, (uint32_t)bits);
	for (size_t i = 0; i < last_len; i += BLOCK)
		take_block(state, last + i);
	for (size_t i = 0; i < 5; i++)
		put_word(digest + 4 * i, state[i]);
}
