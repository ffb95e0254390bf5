/*
 * root.h - the file systems of a bare machine
 *
 *	image, read-only --+
 *			   +-- overlay --> / , with /proc, /sys, /dev, /run
 *	scratch, or memory +
 *
 * The kernel starts us in a file system that holds this program, its modules
 * and its words. It is emptied when the machine's own root is entered, so that
 * what was in it can be opened by nobody.
 *
 * /dev has what every program expects and no device: neither the disks nor the
 * ports to the host, which the kernel would give to whoever is user 0.
 */
#ifndef SLUICE_ROOT_H
#define SLUICE_ROOT_H

#include "attributes.h"

#include <stdint.h>

struct root {
	/* The image, or "virtiofs:" and the tag of a folder of the host's. */
	const char *device;
	const char *scratch;    /* ext4; NULL for memory */
	const char *share_tag;  /* of a folder of the host's, by virtiofs */
	const char *share_path; /* where it is to be; both NULL for none */
};

/* What has to be there to find out anything. Reports what is missing. */
void root_begin(void);

/*
 * Waits for the disks until @deadline and makes it all. Reports and returns
 * -errno if it cannot.
 */
MUST_CHECK int root_enter(const struct root *root, int64_t deadline);

/*
 * The kernel's settings, which user 0 could write without any capability, are
 * only to be read from now on. Reports and returns -errno if they are not.
 */
MUST_CHECK int root_seal(void);

#endif
