/*
 * squashfs.h - a squashfs file, made by another program
 *
 * tar2sqfs(1), of squashfs-tools-ng, takes a tar archive from us, and
 * mksquashfs(1), of squashfs-tools, a folder. Neither needs root. The
 * compression is zstd, which the kernels of the distributions can read; at a
 * low level, for nobody keeps these files for long.
 */
#ifndef SLUICE_SQUASHFS_H
#define SLUICE_SQUASHFS_H

#include "attributes.h"
#include "merge.h"

#include <stddef.h>

struct squashfs;

/* Starts to write @path. 0, or -errno after saying why. */
MUST_CHECK int squashfs_start(const char *path, struct squashfs **squashfs);

/*
 * Adds an entry: a folder, the root among them, a link, a pipe, or a file whose content follows in
 * pieces of squashfs_write(), as many bytes as its size. 0 or -errno.
 */
MUST_CHECK int squashfs_add(struct squashfs *squashfs,
			    const struct merge_entry *entry);
MUST_CHECK int squashfs_write(struct squashfs *squashfs, const void *bytes,
			      size_t len);

/* Another name for a file that was added. */
MUST_CHECK int squashfs_link(struct squashfs *squashfs, const char *path,
			     const char *target);

/*
 * Ends it and waits until the file is written. If @failed, it is given up and
 * @failed is returned; else 0, or -errno after saying why.
 */
MUST_CHECK int squashfs_end(struct squashfs *squashfs, int failed);

/* A folder, whole. Other file systems mounted in it are left out. */
MUST_CHECK int squashfs_of_folder(const char *folder, const char *path);

#endif
