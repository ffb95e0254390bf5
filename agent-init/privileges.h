/*
 * privileges.h - gives up what the agent must not have, and proves it gone
 *
 *	what is taken            what the agent cannot do with it any more
 *	-----------------------  ------------------------------------------
 *	every capability, in     change routes, addresses, filters; read
 *	  all five sets          the wire; write raw packets
 *	root's capabilities      get them back as uid 0 or by a program that
 *	  (securebits, locked)     is setuid root
 *	no_new_privs             get others by setuid or file capabilities
 *	other ids (--user)       write the files and settings that root owns
 *
 * A user namespace of the agent's own gives it capabilities there, and none
 * over the machine's network, which is not that namespace's.
 */
#ifndef SLUICE_PRIVILEGES_H
#define SLUICE_PRIVILEGES_H

#include "attributes.h"
#include "users.h"

#include <stdint.h>

struct network;

/*
 * Becomes @user, or stays who we are if that is NULL, and drops every
 * capability but those whose bits are in @keep, which stay permitted and
 * effective, and cannot be passed on to another program.
 *
 * To be already who @user is takes no privilege; groups that a user
 * namespace does not let go of are then kept. Reports and returns -errno on
 * failure.
 */
MUST_CHECK int privileges_drop(const struct user *user, uint64_t keep);

/* Whether becoming @user would need a change of user or group. */
bool privileges_differ(const struct user *user);

/*
 * Reads back that all of it is gone, and then tries: to become root, to open
 * packet and raw sockets, to replace the default route, to take the interface
 * down. Reports the first that works, or fails for another reason than want
 * of privilege, and returns -EPERM: the agent must not start.
 */
MUST_CHECK int privileges_prove(const struct network *network);

#endif
