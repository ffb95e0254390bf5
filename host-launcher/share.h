/*
 * share.h - folders of the host that a machine may use, by virtiofsd(1)
 *
 * The daemon runs in a mount namespace, and where we are not root a user
 * namespace, of its own. It serves the one connection whose other end the
 * machine is given; its socket has a name only while it is made, in a folder
 * that nobody else can enter.
 */
#ifndef SLUICE_SHARE_H
#define SLUICE_SHARE_H

#include "attributes.h"
#include "plan.h"

#include <stdbool.h>

#define SHARE_PACKAGE "qemu-system-common, or virtiofsd where that is one"

/* Finds the daemon's program; false if there is none. */
MUST_CHECK bool share_find(char path[PATH_MAX]);

/*
 * Starts the step @name of @plan. With @view it serves, at PLAN_VIEW and
 * read-only, the host's system folders: programs, libraries and settings, but
 * no home, no /var, no /run. Returns the connection, or -errno after saying
 * why.
 */
MUST_CHECK int share_start(struct plan *plan, const char *name, bool view,
			   pid_t *pid);

#endif
