/*
 * steps.h - what is done before the agent, in order
 *
 *	network -> gateway -> resolver -> trust -> user
 *	                                            |
 *	             exec <- workdir <- proof <- privileges
 *
 * Each step that fails says why in one line, and has a status of its own.
 */
#ifndef SLUICE_STEPS_H
#define SLUICE_STEPS_H

#include "options.h"
#include "streams.h"
#include "stub.h"
#include "users.h"

#include <signal.h>
#include <sys/types.h>

/* How it can end before the agent runs; sluice-init(8) lists them. */
enum exit_status {
	STATUS_OK = 0,
	STATUS_USAGE = 64, /* EX_USAGE of sysexits.h */
	STATUS_GATEWAY = 101,
	STATUS_NETWORK = 102,
	STATUS_RESOLVER = 103,
	STATUS_TRUST = 104,
	STATUS_USER = 105,
	STATUS_PRIVILEGES = 106,
	STATUS_PROOF = 107,
	STATUS_WORKDIR = 108,
	STATUS_FORK = 109,
	STATUS_MACHINE = 125,        /* any of a bare machine's */
	STATUS_NOT_EXECUTABLE = 126, /* as shells have it */
	STATUS_NOT_FOUND = 127,
};

/*
 * All that needs privilege, from the network to the user and what serves him.
 * *@who is @user, filled in, or NULL for who we are.
 */
MUST_CHECK enum exit_status steps_set_up(struct options *options,
					 struct user *user,
					 const struct user **who);

/*
 * What is left of that on a machine that is set up already: nothing of it is
 * changed, and the gateway is not asked.
 */
MUST_CHECK enum exit_status steps_enter(struct options *options,
					struct user *user,
					const struct user **who);

/* Becomes the agent; returns only if it cannot. */
MUST_CHECK enum exit_status steps_become_agent(const struct options *options,
					       const struct user *user);

/*
 * As PID 1, with signals blocked as by supervise_block(): starts the agent as a
 * child, with @streams if not NULL and the signals of @before, and drops our
 * own privileges, but for those to signal another user and those whose bits
 * are in @keep, before it is allowed to run. *@started, if not NULL, ends when
 * the agent's program runs, or has a byte if it does not.
 *
 * Returns its process, or reports and returns a negative number, with the
 * status in *@status.
 */
MUST_CHECK pid_t steps_start_agent(const struct options *options,
				   const struct user *user, uint64_t keep,
				   const sigset_t *before,
				   const struct streams *streams, int *started,
				   enum exit_status *status);

#endif
