/*
 * isolate.h - giving privileges up, one stage for each process
 *
 * A process is isolated after it has opened all it needs and before it reads
 * a byte that somebody else chose. What a stage cannot take away on this
 * kernel (another user where only one is mapped, a chroot without the right
 * to one) is logged and made up for by the system call filter, which is not
 * optional: where it cannot be installed, the process does not go on.
 *
 *	init	keeps CAP_SYS_BOOT of what it had; no core dumps
 *	main	keeps CAP_NET_ADMIN, CAP_KILL, CAP_SETUID, CAP_SETGID and
 *		CAP_SYS_CHROOT of what it had, and what a DHCP client needs
 *		where it starts one; no core dumps
 *	signer	own user, no capabilities, no network (an empty namespace
 *		where one can be made; no socket calls in any case), no files
 *	worker	own user, no capabilities, no files; sockets of the IP
 *		families only
 *	audit	own user, no capabilities, no network, no files but those it
 *		holds
 *	client	a program of somebody else's, for DHCP: own user, CAP_NET_RAW
 *		and CAP_NET_BIND_SERVICE, with which no address, route or
 *		rule can be changed; no filter
 *
 * All: no_new_privs, not dumpable (so nobody of the same user can trace it),
 * killed when PID 1 dies.
 */
#ifndef SLUICE_ISOLATE_H
#define SLUICE_ISOLATE_H

#include <stdbool.h>
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

/*
 * For the main process, once everything is started. @clients: it goes on
 * starting those that isolate_client() is for. Dies if it cannot.
 */
void isolate_supervisor(bool clients);

/* For the first process, which only waits and powers off. Dies if it cannot. */
void isolate_first(void);

/* What the client's stage is, or dies. An exec() must follow. */
void isolate_client(void);

#endif
