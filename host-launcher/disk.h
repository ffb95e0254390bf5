/*
 * disk.h - the agent's file system, as a disk of its machine
 *
 * Disks that are made here are files without names: they are gone with the
 * machine, however it ends.
 */
#ifndef SLUICE_DISK_H
#define SLUICE_DISK_H

#include "attributes.h"

#include <stddef.h>

/* What the first bytes of an image say that it is. */
enum disk_kind {
	DISK_UNKNOWN = 0,
	DISK_SQUASHFS,
	DISK_EXT4,
};

#define DISK_HEAD 2048

enum disk_kind disk_kind(const void *head, size_t len);

/*
 * A descriptor, to be read, of a disk with the content of @source: a squashfs
 * or ext4 file system as it is, or what image.h takes. -errno after saying why.
 */
MUST_CHECK int disk_root(const char *source);

/* One of an empty ext4 file system, to be written. -errno after saying why. */
MUST_CHECK int disk_scratch(const char *mke2fs);

#endif
