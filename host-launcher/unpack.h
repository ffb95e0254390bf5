/*
 * unpack.h - a file's content without its compression
 *
 * For kernels and their modules, which distributions compress each in its own
 * way: gzip, xz, zstd, lz4 and what else libarchive knows by its first bytes.
 */
#ifndef SLUICE_UNPACK_H
#define SLUICE_UNPACK_H

#include "attributes.h"

#include <stddef.h>

#define UNPACK_MAX (256u << 20)

/*
 * 0 and the content, for the caller to free, or -errno; -EFBIG if it is more
 * than UNPACK_MAX. What is not compressed comes as it is.
 */
MUST_CHECK int unpack_file(const char *path, char **bytes, size_t *len);
MUST_CHECK int unpack_bytes(const void *packed, size_t packed_len, char **bytes,
			    size_t *len);

#endif
