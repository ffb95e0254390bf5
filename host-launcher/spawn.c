#include "spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIBEXEC "/usr/libexec/sluice"

/*
 * Ambient capabilities are the only ones that pass execve(2) of an ordinary
 * file by a user other than root, which is who we are in a user namespace
 * that maps a caller to itself.
 */
static int keep_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	uint64_t permitted;

	if (geteuid() == 0)
		return 0; /* execve(2) gives root its own */
	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	data[0].inheritable = data[0].permitted;
	data[1].inheritable = data[1].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;

	permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	for (unsigned long cap = 0; cap < 64; cap++)
		if (permitted & UINT64_C(1) << cap &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return -errno;
	return 0;
}

static int become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

/* What execve(2) would pass on: ignored signals (pasta refuses to start with
   SIGPIPE ignored) and the mask. */
static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Moves the streams into place, by way of numbers that none of them has. */
static int place_streams(const int stdio[3])
{
	int from[3];

	for (int i = 0; i < 3; i++) {
		int fd = stdio[i];

		if (fd < 0 && i == 0)
			fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		else if (fd < 0)
			fd = i;
		from[i] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
		if (from[i] < 0)
			return -errno;
	}
	for (int i = 0; i < 3; i++)
		if (dup2(from[i], i) < 0)
			return -errno;
	return 0;
}

struct spawn spawn_of(const char *const *argv)
{
	return (struct spawn){
		.argv = argv,
		.stdio = { -1, -1, -1 },
	};
}

void spawn_pass(struct spawn *spawn, int fd)
{
	assert(spawn->n_pass < SPAWN_PASS_MAX);
	spawn->pass[spawn->n_pass++] = fd;
}

int spawn_exec(const struct spawn *spawn)
{
	/* POSIX: execvp() takes no const for history's sake, and changes none. */
	union {
		const char *const *as_is;
		char *const *as_asked;
	} argv = { .as_is = spawn->argv };
	int err = place_streams(spawn->stdio);

	if (err)
		return err;
	/* Our caller may have left us some without that flag. */
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	for (size_t i = 0; i < spawn->n_pass; i++)
		if (fcntl(spawn->pass[i], F_SETFD, 0) < 0)
			return -errno;
	if (spawn->background && setsid() < 0)
		return -errno;
	if (spawn->prepare) {
		err = spawn->prepare(spawn->data);
		if (err)
			return err;
	}
	if (spawn->switch_user) {
		err = become(spawn->uid, spawn->gid);
		if (err)
			return err;
	}
	if (spawn->capable) {
		err = keep_capabilities();
		if (err)
			return err;
	}
	reset_signals();
	(void)execvp(spawn->argv[0], argv.as_asked);
	return -errno;
}

/* The parent may have ended before the kernel was told; one outside of our
   process namespace has no number. */
static int die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return getppid() == parent || getppid() == 0 ? 0 : -ESRCH;
}

/* In the child: the program, or the reason why not, to the parent. */
static NORETURN void run_child(const struct spawn *spawn, int report,
			       pid_t parent)
{
	int err = fcntl(report, F_DUPFD_CLOEXEC, 20);

	if (err >= 0) {
		report = err;
		err = spawn->mortal ? die_with(parent) : 0;
		if (!err)
			err = spawn_exec(spawn);
	}
	(void)!write(report, &err, sizeof(err));
	_exit(127);
}

int spawn_start(const struct spawn *spawn, pid_t *pid)
{
	int report[2];
	int err = 0;
	pid_t parent = getpid();
	pid_t child;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		run_child(spawn, report[1], parent);
	if (child < 0)
		err = -errno;
	(void)close(report[1]);
	if (child > 0) {
		/* Nothing to read: execve(2) closed the other end. */
		if (read(report[0], &err, sizeof(err)) != sizeof(err))
			err = 0;
		if (err)
			(void)waitpid(child, NULL, 0);
		else
			*pid = child;
	}
	(void)close(report[0]);
	return err;
}

int spawn_status(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

int spawn_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return spawn_status(status);
}

static bool is_program(const char *folder, size_t len, const char *name,
		       char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%.*s/%s", (int)len, folder, name);

	return n > 0 && n < PATH_MAX && access(path, X_OK) == 0;
}

int spawn_find(const char *name, char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *folder;

	if (len > 0) {
		self[len] = '\0';
		folder = strrchr(self, '/');
		assert(folder);
		if (is_program(self, (size_t)(folder - self), name, path))
			return 0;
	}
	if (is_program(LIBEXEC, strlen(LIBEXEC), name, path))
		return 0;

	for (folder = getenv("PATH"); folder && *folder != '\0';) {
		len = (ssize_t)strcspn(folder, ":");
		if (len > 0 && is_program(folder, (size_t)len, name, path))
			return 0;
		folder += len;
		folder += *folder == ':';
	}
	return -ENOENT;
}
