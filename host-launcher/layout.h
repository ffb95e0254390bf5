/*
 * layout.h - an image of our own, written as container engines take them
 *
 * One layer, gathered in memory, then an OCI image layout around it, in a
 * folder or a tar archive. It has a manifest.json beside its index.json, so
 * that also a `docker load` that knows no OCI takes it. The same content gives
 * the same bytes: entries are sorted, owned by root and of the year 1970.
 */
#ifndef SLUICE_LAYOUT_H
#define SLUICE_LAYOUT_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LAYOUT_ENTRIES_MAX 256
#define LAYOUT_PATH_MAX 256
#define LAYOUT_BYTES_MAX ((size_t)512 << 20) /* of the layer's tar */

/* All borrowed. */
struct layout_image {
	const char *name;         /* "sluice-gateway" */
	const char *version;      /* its tag */
	const char *summary;      /* a label */
	const char *architecture; /* as images call it */
	const char *program;      /* the entrypoint, absolute */
};

struct layout;

/* NULL for want of memory. */
struct layout *layout_new(void);
void layout_free(struct layout *layout);

/*
 * Adds a folder or a file at an absolute path, with the folders that lead
 * there. @bytes come from malloc(3) and are the layout's from then on, also
 * after a failure. 0 or -errno.
 */
MUST_CHECK int layout_folder(struct layout *layout, const char *path,
			     mode_t mode);
MUST_CHECK int layout_file(struct layout *layout, const char *path, mode_t mode,
			   char *bytes, size_t len);

/*
 * Writes it to @out: an archive if that ends with ".tar", in place of a file
 * that is there, else a folder, which must not be there. It appears when it is
 * whole. 0, or -errno after saying why.
 */
MUST_CHECK int layout_write(struct layout *layout,
			    const struct layout_image *image, const char *out);

#endif
