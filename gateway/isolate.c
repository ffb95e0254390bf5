#include "isolate.h"

#include "log.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cap-ng.h>
#include <seccomp.h>

/*
 * AddressSanitizer reads /proc and LeakSanitizer traces its own process at
 * exit. What they need is granted in builds that have them, and nowhere else.
 */
#ifndef SLUICE_SANITIZED
#define SLUICE_SANITIZED 0
#endif

#define KEEP_MAX 64
#define KEPT_MAX 8      /* capabilities */
#define CLIENT_ID 64234 /* user and group, as in the table below */

static const struct {
	const char *name;
	uid_t id; /* of the user and of the group; beyond what packages use */
} roles[] = {
	[ISOLATE_SIGNER] = { "signer", 64231 },
	[ISOLATE_WORKER] = { "worker", 64232 },
	[ISOLATE_AUDIT] = { "audit", 64233 },
};

/* --- The system calls ------------------------------------------------- */

#define S (1U << ISOLATE_SIGNER)
#define W (1U << ISOLATE_WORKER)
#define A (1U << ISOLATE_AUDIT)
#define ALL (S | W | A)

/* (argument & mask) == value; a mask of 0 is no condition. */
struct condition {
	unsigned int argument;
	uint32_t mask, value;
};

/* Conditions of one call are all met; rows of one call are alternatives. */
struct call {
	const char *name, *needed_by;
	int number;
	unsigned int roles;
	struct condition when[2];
};

/* clang-format off */
#define CALL(name, roles, needed_by) \
	{ #name, needed_by, SCMP_SYS(name), roles, { { 0, 0, 0 } } }
#define CALL_IF(name, roles, needed_by, ...) \
	{ #name, needed_by, SCMP_SYS(name), roles, { __VA_ARGS__ } }
#define IS(argument, number) { argument, UINT32_MAX, (uint32_t)(number) }
#define HAS(argument, bit) { argument, bit, bit }
#define LACKS(argument, bits) { argument, bits, 0 }
#define TYPE(type) { 1, 0xf, type } /* of a socket, without its flags */
/* clang-format on */

/*
 * All that a process may still ask of the kernel; anything else is its
 * death. Not here, on purpose: whatever opens, starts, signals or traces, and
 * whatever makes memory executable.
 */
static const struct call calls[] = {
	CALL(brk, ALL, "libc"),
	CALL_IF(mmap, ALL, "libc", LACKS(2, PROT_EXEC)),
	CALL_IF(mprotect, ALL, "libc", LACKS(2, PROT_EXEC)),
	CALL(mremap, ALL, "libc"),
	CALL(munmap, ALL, "libc"),
	CALL(madvise, ALL, "libc"),
	CALL(sysinfo, ALL, "libc"), /* qsort() asks how much it may take */
	CALL(futex, ALL, "libc"),
	CALL(sched_yield, ALL, "libssl"),
	CALL(getpid, ALL, "libssl"),
	CALL(gettid, ALL, "libc"),
	CALL(getppid, ALL, "libc"),
	CALL(getuid, ALL, "libc"),
	CALL(geteuid, ALL, "libc"),
	CALL(getgid, ALL, "libc"),
	CALL(getegid, ALL, "libc"),
	CALL(getrandom, ALL, "libssl"),
	CALL(clock_gettime, ALL, "worker.c"),
	CALL(clock_getres, ALL, "libevent"),
	CALL(gettimeofday, ALL, "libc"),
	CALL(time, ALL, "libc"),
	CALL(rt_sigaction, ALL, "libc"),
	CALL(rt_sigprocmask, ALL, "libc"),
	CALL(rt_sigreturn, ALL, "libc"),
	CALL(restart_syscall, ALL, "kernel"),
	CALL(exit, ALL, "libc"),
	CALL(exit_group, ALL, "libc"),

	CALL(read, ALL, "signer.c"),
	CALL(readv, ALL, "relay.c"),
	CALL(write, ALL, "log.c"),
	CALL(writev, ALL, "relay.c"),
	CALL(close, ALL, "flow.c"),
	CALL(fstat, ALL, "libc"),
	CALL_IF(newfstatat, ALL, "libc", HAS(3, AT_EMPTY_PATH)),
	CALL_IF(fcntl, ALL, "libevent", IS(1, F_GETFD)),
	CALL_IF(fcntl, ALL, "libevent", IS(1, F_SETFD)),
	CALL_IF(fcntl, ALL, "libevent", IS(1, F_GETFL)),
	CALL_IF(fcntl, ALL, "libevent", IS(1, F_SETFL)),
	CALL_IF(fcntl, W, "relay.c", IS(1, F_SETPIPE_SZ)),
	CALL_IF(fcntl, W, "relay.c", IS(1, F_GETPIPE_SZ)),
	CALL_IF(ioctl, W, "libevent", IS(1, FIONREAD)),

	CALL(recvfrom, ALL, "signer.c"),
	CALL(recvmsg, ALL, "audit.c"),
	CALL(recvmmsg, W, "server.c"),
	CALL(sendto, ALL, "signer.c"),
	CALL(sendmsg, ALL, "audit.c"),
	CALL(sendmmsg, W, "server.c"),
	CALL(shutdown, ALL, "flow.c"),
	CALL(poll, ALL, "signer.c"),
	CALL(ppoll, ALL, "signer.c"),

	CALL(epoll_create1, ALL, "libevent"),
	CALL(epoll_ctl, ALL, "libevent"),
	CALL(epoll_wait, ALL, "libevent"),
	CALL(epoll_pwait, ALL, "libevent"),
	CALL(epoll_pwait2, ALL, "libevent"),
	CALL(eventfd2, ALL, "libevent"),
	CALL(timerfd_create, ALL, "libevent"),
	CALL(timerfd_settime, ALL, "libevent"),

	CALL(accept, W, "listener.c"),
	CALL(accept4, W, "listener.c"),
	CALL_IF(socket, W, "upstream.c", IS(0, AF_INET), TYPE(SOCK_STREAM)),
	CALL_IF(socket, W, "upstream.c", IS(0, AF_INET6), TYPE(SOCK_STREAM)),
	CALL_IF(socket, W, "libcares", IS(0, AF_INET), TYPE(SOCK_DGRAM)),
	CALL_IF(socket, W, "libcares", IS(0, AF_INET6), TYPE(SOCK_DGRAM)),
	CALL(bind, W, "libcares"),
	CALL(connect, W, "upstream.c"),
	CALL(getsockopt, W, "listener.c"),
	CALL(setsockopt, W, "upstream.c"),
	CALL(getsockname, W, "listener.c, upstream.c"),
	CALL(getpeername, W, "listener.c"),
	CALL(pipe2, W, "relay.c"),
	CALL(splice, W, "relay.c"),

	CALL(lseek, A, "libc"), /* exit() */

#if SLUICE_SANITIZED
	CALL_IF(openat, ALL, "libasan", LACKS(2, O_ACCMODE | O_CREAT)),
	CALL_IF(open, ALL, "libasan", LACKS(1, O_ACCMODE | O_CREAT)),
	CALL(readlink, ALL, "libasan"),
	CALL(readlinkat, ALL, "libasan"),
	CALL(getdents, ALL, "liblsan"),
	CALL(getdents64, ALL, "libasan"),
	CALL(newfstatat, ALL, "libasan"),
	CALL(stat, ALL, "libasan"),
	CALL(lseek, ALL, "libasan"),
	CALL(pread64, ALL, "libasan"),
	CALL(access, ALL, "libasan"),
	CALL(faccessat, ALL, "libasan"),
	CALL_IF(ioctl, ALL, "libasan", IS(1, TCGETS)),
	CALL(prctl, ALL, "libasan"),
	CALL(prlimit64, ALL, "libasan"),
	CALL(getrlimit, ALL, "libasan"),
	CALL(uname, ALL, "libasan"),
	CALL(sigaltstack, ALL, "libasan"),
	CALL(sched_getaffinity, ALL, "libasan"),
	CALL(clock_nanosleep, ALL, "libasan"),
	CALL(nanosleep, ALL, "libasan"),
	CALL_IF(clone, ALL, "liblsan", HAS(0, CLONE_VM)),
	CALL(set_robust_list, ALL, "liblsan"),
	CALL(rseq, ALL, "liblsan"),
	CALL(wait4, ALL, "liblsan"),
	CALL(ptrace, ALL, "liblsan"),
	CALL(process_vm_readv, ALL, "liblsan"),
#endif
};

static int call_allow(scmp_filter_ctx filter, const struct call *call)
{
	struct scmp_arg_cmp args[2];
	unsigned int n = 0;

	for (; n < 2 && call->when[n].mask; n++)
		args[n] = (struct scmp_arg_cmp){
			.arg = call->when[n].argument,
			.op = SCMP_CMP_MASKED_EQ,
			.datum_a = call->when[n].mask,
			.datum_b = call->when[n].value,
		};
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call->number, n,
				      args);
}

/* Lets a failed assertion end as what it is: SIGABRT, sent to itself. */
static int abort_allow(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp args[] = {
		{ 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0 },
		{ 2, SCMP_CMP_EQ, SIGABRT, 0 },
	};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill),
				      2, args);
}

static void calls_restrict(enum isolate_role role)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error;

	if (!filter)
		die("isolate: cannot make a system call filter");
	/* Another architecture's calls have other numbers. */
	error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
				 SCMP_ACT_KILL_PROCESS);
	if (!error)
		error = abort_allow(filter);
	for (size_t i = 0; !error && i < sizeof(calls) / sizeof(*calls); i++) {
		if (!(calls[i].roles & 1U << role))
			continue;
		error = call_allow(filter, &calls[i]);
		if (error)
			log_err("isolate: cannot allow %s, which %s needs",
				calls[i].name, calls[i].needed_by);
	}
	if (!error)
		error = seccomp_load(filter);
	if (error)
		die("isolate: cannot install the system call filter: %s",
		    strerror(-error));
	seccomp_release(filter);
}

/* --- The steps -------------------------------------------------------- */

/* Should: die with its parent. Mustn't: be outlived by a dead parent's child */
static void die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		die("isolate: cannot follow the parent: %s", strerror(errno));
	/* It may have died before we asked. */
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
}

/* Mustn't: leave its memory on a disk, or be traced by its own user. */
static void memory_hide(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		die("isolate: cannot forbid core dumps: %s", strerror(errno));
	/* A change of user turns it off; LeakSanitizer wants it on. */
	if (prctl(PR_SET_DUMPABLE, SLUICE_SANITIZED ? 1 : 0) < 0)
		die("isolate: cannot hide its memory: %s", strerror(errno));
}

static void privileges_fix(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("isolate: cannot forbid new privileges: %s",
		    strerror(errno));
}

/* Mustn't: reach a network at all. Sockets that it holds go on working. */
static void network_leave(enum isolate_role role)
{
	if (unshare(CLONE_NEWNET) < 0)
		log_debug("isolate: %s keeps the network namespace: %s",
			  roles[role].name, strerror(errno));
}

/*
 * Mustn't: see a file. A child that shares our root moves it into its own
 * folder of /proc and exits; what is left is a root with nothing in it, where
 * nothing can be made, and which needs no place on any file system.
 */
static void files_leave(enum isolate_role role)
{
	long child;
	int status;

	if (SLUICE_SANITIZED)
		return;
	child = syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		_exit(chroot("/proc/self/fdinfo") == 0 && chdir("/") == 0
			      ? EXIT_SUCCESS
			      : EXIT_FAILURE);
	if (child < 0 || waitpid((pid_t)child, &status, 0) != child ||
	    !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
		log_debug("isolate: %s keeps the root folder",
			  roles[role].name);
}

/* Mustn't: be the same user as anyone else. */
static void user_become(enum isolate_role role)
{
	const uid_t id = roles[role].id;

	if (setgroups(0, NULL) < 0)
		log_debug("isolate: %s keeps its groups: %s", roles[role].name,
			  strerror(errno));
	if (setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
		log_debug("isolate: %s keeps its user: %s", roles[role].name,
			  strerror(errno));
}

/*
 * The bounding set is what an exec could give back; no_new_privs says the
 * same, and so it may stay where the right to shrink it is lacking.
 */
static void capabilities_bound(void)
{
	if (capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		log_debug("isolate: the bounding set stays");
}

static void capabilities_drop(void)
{
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0 ||
	    capng_apply(CAPNG_SELECT_AMBIENT) < 0)
		die("isolate: cannot drop capabilities");
	if (capng_get_caps_process() < 0 ||
	    capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		die("isolate: capabilities are still there");
}

static void close_from(unsigned int first, unsigned int last)
{
	if (first <= last && close_range(first, last, 0) < 0)
		die("isolate: cannot close descriptors: %s", strerror(errno));
}

/* --- The stages ------------------------------------------------------- */

void isolate_child(pid_t parent, const int *keep, int n_keep)
{
	unsigned int next = STDERR_FILENO + 1;
	int sorted[KEEP_MAX];

	assert(n_keep >= 0 && n_keep <= KEEP_MAX);
	die_with(parent);
	for (int i = 0; i < n_keep; i++) {
		int at = i;

		for (; at > 0 && sorted[at - 1] > keep[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = keep[i];
	}
	for (int i = 0; i < n_keep; i++) {
		unsigned int fd = (unsigned int)sorted[i];

		if (sorted[i] < 0 || fd < next)
			continue;
		if (fd > next)
			close_from(next, fd - 1);
		next = fd + 1;
	}
	close_from(next, UINT32_MAX);
}

void isolate(enum isolate_role role)
{
	const pid_t parent = getppid();

	privileges_fix();
	if (role != ISOLATE_WORKER)
		network_leave(role);
	capng_clear(CAPNG_SELECT_ALL);
	capabilities_bound();
	files_leave(role);
	user_become(role);
	capabilities_drop();
	/* A change of user takes both of these back. */
	memory_hide();
	die_with(parent);
	calls_restrict(role);
}

/* Of what it has, only these, for good. */
static void capabilities_keep(const unsigned int *kept, size_t n)
{
	bool had[KEPT_MAX];

	assert(n <= KEPT_MAX);
	privileges_fix();
	if (capng_get_caps_process() < 0)
		die("isolate: cannot read capabilities");
	for (size_t i = 0; i < n; i++)
		had[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < n; i++)
		if (had[i] && capng_update(CAPNG_ADD,
					   CAPNG_EFFECTIVE | CAPNG_PERMITTED |
						   CAPNG_BOUNDING_SET,
					   kept[i]) < 0)
			die("isolate: cannot choose capabilities");
	capabilities_bound();
	if (capng_apply(CAPNG_SELECT_CAPS) < 0 ||
	    capng_apply(CAPNG_SELECT_AMBIENT) < 0)
		die("isolate: cannot drop capabilities");
	memory_hide();
}

void isolate_supervisor(bool clients)
{
	/* The last two are for the client alone. */
	static const unsigned int kept[] = {
		CAP_NET_ADMIN,  CAP_KILL,    CAP_SETUID,           CAP_SETGID,
		CAP_SYS_CHROOT, CAP_NET_RAW, CAP_NET_BIND_SERVICE,
	};

	capabilities_keep(kept,
			  sizeof(kept) / sizeof(*kept) - (clients ? 0 : 2));
}

void isolate_first(void)
{
	static const unsigned int kept[] = { CAP_SYS_BOOT };

	capabilities_keep(kept, 1);
}

void isolate_client(void)
{
	static const unsigned int needed[] = { CAP_NET_RAW,
					       CAP_NET_BIND_SERVICE };
	const pid_t parent = getppid();

	privileges_fix();
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < 2; i++)
		if (capng_update(CAPNG_ADD,
				 CAPNG_EFFECTIVE | CAPNG_PERMITTED |
					 CAPNG_INHERITABLE | CAPNG_BOUNDING_SET,
				 needed[i]) < 0)
			die("isolate: cannot choose capabilities");
	capabilities_bound();
	/*
	 * As root it could write the kernel's settings, with no capability at
	 * all: that it is another user is not optional here.
	 */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(CLIENT_ID, CLIENT_ID, CLIENT_ID) < 0 ||
	    setresuid(CLIENT_ID, CLIENT_ID, CLIENT_ID) < 0)
		die("isolate: cannot become the client's user: %s",
		    strerror(errno));
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		die("isolate: cannot drop capabilities");
	for (size_t i = 0; i < 2; i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, needed[i], 0,
			  0) < 0)
			die("isolate: cannot pass capabilities on: %s",
			    strerror(errno));
	die_with(parent);
}
