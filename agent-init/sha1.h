/*
 * sha1.h - SHA-1 (RFC 3174), for a file format that ends with one
 *
 * It guards nothing: Java's key store wants it as a checksum.
 */
#ifndef SLUICE_SHA1_H
#define SLUICE_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_LEN 20

void sha1(const uint8_t *bytes, size_t len, uint8_t digest[SHA1_LEN]);

#endif
