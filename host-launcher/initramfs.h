/*
 * initramfs.h - the first file system of a machine, as the kernel takes it
 *
 * A cpio archive in the "newc" form, written to a descriptor. Folders above
 * what is added are made as they are needed; everything belongs to root and
 * has the time 0, so that the same input gives the same bytes. Several
 * archives one after the other make one file system.
 */
#ifndef SLUICE_INITRAMFS_H
#define SLUICE_INITRAMFS_H

#include "attributes.h"

#include <stddef.h>
#include <sys/types.h>

struct initramfs;

/* NULL for want of memory. @fd is borrowed. */
struct initramfs *initramfs_new(int fd);

/*
 * Adds a file; @path is absolute. 0 or -errno. initramfs_file() takes it from
 * a file of the host's as it is, initramfs_unpacked() without its compression.
 */
MUST_CHECK int initramfs_bytes(struct initramfs *initramfs, const char *path,
			       mode_t mode, const void *bytes, size_t len);
MUST_CHECK int initramfs_file(struct initramfs *initramfs, const char *path,
			      mode_t mode, const char *from);
MUST_CHECK int initramfs_unpacked(struct initramfs *initramfs, const char *path,
				  mode_t mode, const char *from);
MUST_CHECK int initramfs_folder(struct initramfs *initramfs, const char *path);

/* The console that the kernel gives to the first process. */
MUST_CHECK int initramfs_console(struct initramfs *initramfs);

/* Ends the archive and frees it, in any case. 0 or -errno. */
MUST_CHECK int initramfs_end(struct initramfs *initramfs);

#endif
