/*
 * view.h - the file system that the agent sees
 *
 * The whole file system of the host, at the same paths, but for
 *
 *	/run          empty and private: sockets of daemons there (of container
 *	              engines, name services, message buses) are ways out that
 *	              pass no gateway
 *	/dev          private, with the harmless devices alone
 *	/proc, /sys   of the agent's own namespaces, read-only where they steer
 *	              the kernel
 *	resolv.conf, the CA bundles and the folders of browsers' settings
 *	              private copies, which sluice-init then rewrites
 *	the manifest, the audit record
 *	              read-only, whoever the agent is
 *	the secrets   an empty file
 *
 * All of it is in the mount namespace of the caller, and goes with it.
 */
#ifndef SLUICE_VIEW_H
#define SLUICE_VIEW_H

#include "attributes.h"

#include <sys/types.h>

#define VIEW_READONLY_MAX 4

struct view {
	uid_t uid; /* whose /run/user/UID is made */
	gid_t gid;
	const char *readonly[VIEW_READONLY_MAX]; /* files; NULL for none */
	const char *hidden;                      /* file; NULL for none */
};

/*
 * Makes every mount in this namespace private to it, so that nothing done to
 * them shows elsewhere.
 */
MUST_CHECK int view_detach(void);

/* Mounts the /proc of the caller's process namespace over the one there. */
MUST_CHECK int view_mount_proc(void);

/*
 * Turns the caller's mount namespace into the view. The caller is the first
 * process of the namespaces that the agent is to have. Returns 0 or -errno
 * after saying what failed.
 */
MUST_CHECK int view_build(const struct view *view);

#endif
