/*
 * isolate.h - giving privileges up, one stage for each process
 *
 * A process is isolated after it has opened all it needs and before it reads
 * a byte that somebody else chose. What a stage cannot take away on this
 * kernel (another user where only one is mapped, a chroot without the right
 * to one) is logged and made up for by the system call filter, which is not
 * optional: where it cannot be installed, the process does not go on.
 *
 *	PID 1	keeps CAP_NET_ADMIN, CAP_KILL, CAP_SETUID, CAP_SETGID,
 *		CAP_SYS_CHROOT and CAP_SYS_BOOT of what it had; no core dumps
 *	signer	own user, no capabilities, no network (an empty namespace
 *		where one can be made; no socket calls in any case), no files
 *	worker	own user, no capabilities, no files; sockets of the IP
 *		families only
 *	audit	own user, no capabilities, no network, no files but those it
 *		holds
 *
 * All: no_new_privs, not dumpable (so nobody of the same user can trace it),
 * killed when PID 1 dies.
 */
#ifndef SLUICE_ISOLATE_H
#define SLUICE_ISOLATE_H

#include <sys/types.h>

enum isolate_role {
	ISOLATE_SIGNER,
	ISOLATE_WORKER,
	ISOLATE_AUDIT,
};

/*
 * Called by a child just after fork: ends it when @parent ends (or ended
 * already; the parent took its own id before the fork), and closes all
 * descriptors but 0 to 2 and @keep. Negative ones in @keep are passed over.
 */
void isolate_child(pid_t parent, const int *keep, int n_keep);

/*
 * Does the whole of a role's stage, or dies. Should: go on with what is open,
 * with memory, time and randomness. Mustn't: open a file, so that whatever
 * reads one by itself (the trust store, resolv.conf) has done so before.
 */
void isolate(enum isolate_role role);

/* For PID 1, once everything is started. Dies if it cannot. */
void isolate_supervisor(void);

#endif
