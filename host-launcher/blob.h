/*
 * blob.h - the files of an image, in a folder or in an archive, by name
 *
 * A store is an OCI layout, or a tar archive of one, or what `docker save`
 * writes. Its files are read from start to end; nothing is unpacked. Names are
 * looked up among those that the archive has, and in a folder are refused if
 * they could lead out of it.
 */
#ifndef SLUICE_BLOB_H
#define SLUICE_BLOB_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BLOB_MEMBERS_MAX 4096 /* of an archive */
#define BLOB_NAME_MAX 256
#define BLOB_HEX_MAX 65 /* a SHA-256 in hexadecimal */
#define BLOB_WHY_MAX 256

struct store;
struct blob;

/* 0, or -errno after filling @why. -ENOTSUP if it is neither. */
MUST_CHECK int store_open(const char *path, struct store **store,
			  char why[BLOB_WHY_MAX]);
void store_close(struct store *store);

bool store_has(const struct store *store, const char *name);

/*
 * 0, or -errno; -ENOENT if there is no such file, -ENOTUNIQ if an archive has
 * two of that name, because engines differ in which one they take.
 */
MUST_CHECK int blob_open(const struct store *store, const char *name,
			 struct blob **blob);
/* The next bytes, 0 at the end, -errno. */
ssize_t blob_read(struct blob *blob, void *bytes, size_t cap);
void blob_close(struct blob *blob);

/*
 * A whole file of at most @max bytes, ended with a NUL that does not count.
 * The caller frees it. -EFBIG if there is more.
 */
MUST_CHECK int blob_load(const struct store *store, const char *name,
			 size_t max, char **bytes, size_t *len);

/* The SHA-256 of a whole file. */
MUST_CHECK int blob_digest(const struct store *store, const char *name,
			   char hex[BLOB_HEX_MAX]);

/* The SHA-256 of bytes at hand. False for want of memory. */
MUST_CHECK bool blob_hash(const void *bytes, size_t len,
			  char hex[BLOB_HEX_MAX]);

/* Writes @len bytes of a digest, 32 at most, in lower case. */
void blob_hex(const uint8_t *digest, size_t len, char hex[BLOB_HEX_MAX]);

#endif
