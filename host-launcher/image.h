/*
 * image.h - an agent's file system from an image, without a container engine
 *
 * A source is
 *
 *	a folder with an OCI layout in it	skopeo copy ... oci:FOLDER
 *	an archive of one			podman save --format oci-archive
 *	an archive of another kind		docker save, podman save
 *	any other folder			the file system itself
 *
 * and becomes one squashfs file, by way of tar2sqfs(1) or mksquashfs(1), without
 * root: owners, modes, times and extended attributes are kept, device nodes
 * are not. No file of an image is ever on the host under its own name. Where
 * there are several images, ":NAME" after the path says which.
 *
 * Everything is verified against its digest before it is used, and the sums
 * that an image can make grow are limited. What fails is said, with the layer
 * and the entry, by these functions themselves.
 */
#ifndef SLUICE_IMAGE_H
#define SLUICE_IMAGE_H

#include "attributes.h"
#include "blob.h"
#include "image_json.h"

#include <limits.h>
#include <stdbool.h>

#define IMAGE_BYTES_MAX ((uint64_t)64 << 30) /* of all layers' tars */
#define IMAGE_ENTRIES_MAX ((size_t)4 << 20)
#define IMAGE_MEMORY_MAX ((size_t)1 << 30) /* for what is known of them */
#define IMAGE_INDEXES_MAX 4                /* in one another */

struct image {
	char path[PATH_MAX];   /* of the source, without a name */
	struct store *store;   /* NULL: @path is the file system itself */
	char id[BLOB_HEX_MAX]; /* the SHA-256 of its configuration; "" then */
	struct image_parts parts;
	struct image_config config; /* empty then */
};

/*
 * Reads what @source says of itself; its layers are left for later. 0 or
 * -errno. image_close() follows in any case.
 */
MUST_CHECK int image_open(const char *source, struct image *image);
void image_close(struct image *image);

/* Writes the squashfs file @path, in place of what may be there. 0 or -errno;
   the file is then good for nothing. */
MUST_CHECK int image_to_disk(const struct image *image, const char *path);

/*
 * The same, kept below XDG_CACHE_HOME (or ~/.cache) under the image's id, and
 * made only if it is not there yet; @path is where. Not for a folder that is
 * the file system itself, which may have changed: -EINVAL. It is whole or
 * absent, whoever else makes it, and whenever we are killed.
 */
MUST_CHECK int image_to_cache(const struct image *image, char path[PATH_MAX]);

#endif
