/*
 * users.h - who the agent is to be, by the files of the image
 *
 * Reads /etc/passwd and /etc/group itself: the C library's functions load
 * modules, which a static program cannot, and may ask the network, which must
 * not happen here.
 */
#ifndef SLUICE_USERS_H
#define SLUICE_USERS_H

#include "attributes.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define USERS_NAME_MAX 256
#define USERS_GROUPS_MAX 64 /* one in more groups is refused */

struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[USERS_GROUPS_MAX]; /* besides gid */
	size_t n_groups;
	char name[USERS_NAME_MAX]; /* empty if /etc/passwd has no entry */
	char home[PATH_MAX];
};

/*
 * Finds @wanted, which is NAME, UID, NAME:GID or UID:GID, in the texts of
 * /etc/passwd and /etc/group. A UID needs no entry; its group is then the
 * GID, or the one of the same number, and it has no others. A GID given
 * leaves out the groups that the files list, as it takes their place.
 *
 * False if there is no such user, or its entry is not sound.
 */
MUST_CHECK bool users_find(const char *passwd, size_t passwd_len,
			   const char *group, size_t group_len,
			   const char *wanted, struct user *user);

/*
 * The same with the machine's own files, of which a missing one is empty.
 * Reports and returns -errno on failure.
 */
MUST_CHECK int users_look_up(const char *wanted, struct user *user);

#endif
