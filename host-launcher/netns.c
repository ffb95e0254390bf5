#include "backend.h"
#include "complain.h"
#include "keeper.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct sandbox {
	const struct backend_run *run;
	pid_t keeper;
	int channel; /* to the keeper; -1 once it has said all it will */
	int signals; /* signalfd(2) */
	int ended;   /* readable when the keeper has ended */
	bool running;
};

static int write_map(pid_t pid, const char *which, const char *text)
{
	char path[64];
	int fd;
	int err = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, which);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	(void)close(fd);
	return err;
}

/*
 * Everybody is who they are outside: files keep their owners. A user who is
 * not root can map nobody but himself, and must give up setgroups(2).
 */
static int map_users(pid_t pid, bool is_root)
{
	char uids[64] = "0 0 4294967295";
	char gids[64] = "0 0 4294967295";
	int err = 0;

	if (!is_root) {
		(void)snprintf(uids, sizeof(uids), "%u %u 1", geteuid(),
			       geteuid());
		(void)snprintf(gids, sizeof(gids), "%u %u 1", getegid(),
			       getegid());
		err = write_map(pid, "setgroups", "deny");
	}
	if (!err)
		err = write_map(pid, "uid_map", uids);
	if (!err)
		err = write_map(pid, "gid_map", gids);
	return err;
}

/* What to do about a kernel that does not let us have our namespaces. */
static void explain_clone(int err)
{
	complain_errno("cannot make namespaces", err);
	if (err == -ENOSPC)
		complain("raise the sysctl user.max_user_namespaces, or run "
			 "sluice as root");
	else if (err == -EPERM || err == -EACCES)
		complain("user namespaces are not allowed here: set the sysctl "
			 "kernel.unprivileged_userns_clone to 1, or "
			 "kernel.apparmor_restrict_unprivileged_userns to 0, "
			 "whichever there is, or run sluice as root");
}

static int handshake(struct sandbox *sandbox, bool is_root)
{
	char message;
	int err;

	/* It says itself what it could not do. */
	if (recv(sandbox->channel, &message, 1, 0) != 1 ||
	    message != KEEPER_UNSHARED)
		return -ECHILD;
	err = map_users(sandbox->keeper, is_root);
	if (err) {
		complain_errno("cannot map users into a namespace", err);
		return err;
	}
	message = KEEPER_MAPPED;
	if (send(sandbox->channel, &message, 1, MSG_NOSIGNAL) != 1)
		return complain_errno("keeper", errno);
	return 0;
}

static void netns_stop(struct sandbox *sandbox)
{
	if (!sandbox)
		return;
	if (sandbox->keeper > 0) {
		(void)kill(sandbox->keeper, SIGKILL);
		(void)spawn_wait(sandbox->keeper);
	}
	if (sandbox->channel >= 0)
		(void)close(sandbox->channel);
	if (sandbox->signals >= 0)
		(void)close(sandbox->signals);
	if (sandbox->ended >= 0)
		(void)close(sandbox->ended);
	free(sandbox);
}

/* Does not return in the keeper. */
static int start_keeper(struct sandbox *sandbox, bool is_root)
{
	struct keeper keeper = { .run = sandbox->run, .is_root = is_root };
	int ends[2];
	long pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return complain_errno("socketpair", errno);
	pid = syscall(SYS_clone, keeper_clone_flags(is_root) | SIGCHLD, 0, 0, 0,
		      0);
	if (pid == 0) {
		(void)close(ends[0]);
		keeper.channel = ends[1];
		keeper_main(&keeper);
	}
	(void)close(ends[1]);
	sandbox->channel = ends[0];
	if (pid < 0) {
		int err = -errno;

		explain_clone(err);
		return err;
	}
	sandbox->keeper = (pid_t)pid;
	sandbox->ended = (int)syscall(SYS_pidfd_open, pid, 0);
	if (sandbox->ended < 0)
		return complain_errno("pidfd_open", errno);
	return 0;
}

static int netns_start(const struct backend_run *run, struct sandbox **result)
{
	bool is_root = geteuid() == 0;
	struct sandbox *sandbox = malloc(sizeof(*sandbox));
	sigset_t set;
	int err;

	if (!sandbox)
		return complain_errno("start", ENOMEM);
	*sandbox = (struct sandbox){
		.run = run,
		.channel = -1,
		.signals = -1,
		.ended = -1,
	};
	keeper_signals(&set);
	(void)sigdelset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	sandbox->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (sandbox->signals < 0) {
		err = complain_errno("signalfd", errno);
		goto out;
	}
	err = start_keeper(sandbox, is_root);
	if (!err)
		err = handshake(sandbox, is_root);
	if (!err) {
		*result = sandbox;
		return 0;
	}
out:
	netns_stop(sandbox);
	return err;
}

/* The number by which the host knows the process behind a pidfd, or -1. */
static int pid_of(int pidfd)
{
	char line[128];
	int pid = -1;
	char path[64];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, "Pid:", 4) == 0)
			pid = (int)strtol(line + 4, NULL, 10);
	(void)fclose(file);
	return pid;
}

/* The keeper says that the agent runs, or closes its end. */
static void hear_keeper(struct sandbox *sandbox)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(sandbox->channel, &message, MSG_CMSG_CLOEXEC);
	int gateway;

	if (n == 1 && byte == KEEPER_RUNNING)
		sandbox->running = true;
	if (n == 1 && message.msg_controllen >= sizeof(control.header)) {
		memcpy(&gateway, CMSG_DATA(&control.header), sizeof(gateway));
		if (sandbox->run->plan->options.verbose)
			complain("sluice-gateway: process %d; kill -HUP to "
				 "read the manifest again",
				 pid_of(gateway));
		(void)close(gateway);
	}
	(void)close(sandbox->channel);
	sandbox->channel = -1;
}

/*
 * A signal of the terminal reaches the agent without us: it is in the same
 * process group. Before the agent runs, any signal means that it need not.
 * Returns the signal if it does.
 */
static int hear_signal(struct sandbox *sandbox)
{
	struct signalfd_siginfo info;

	if (read(sandbox->signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (!sandbox->running)
		return (int)info.ssi_signo;
	if (info.ssi_code != SI_KERNEL)
		(void)kill(sandbox->keeper, (int)info.ssi_signo);
	return 0;
}

static int netns_wait(struct sandbox *sandbox)
{
	for (;;) {
		struct pollfd events[] = {
			{ .fd = sandbox->ended, .events = POLLIN },
			{ .fd = sandbox->channel, .events = POLLIN },
			{ .fd = sandbox->signals, .events = POLLIN },
		};
		int signal;
		int status;

		if (poll(events, 3, -1) < 0)
			continue; /* EINTR: stopped and continued */
		if (events[1].revents)
			hear_keeper(sandbox);
		if (events[2].revents) {
			signal = hear_signal(sandbox);
			if (signal)
				return 128 + signal;
		}
		if (events[0].revents) {
			status = spawn_wait(sandbox->keeper);
			sandbox->keeper = 0;
			return status < 0 ? EXIT_LAUNCHER : status;
		}
	}
}

static bool netns_usable(char why[BACKEND_WHY_MAX])
{
	char path[PATH_MAX];
	long pid;

	if (spawn_find("pasta", path) < 0) {
		(void)snprintf(why, BACKEND_WHY_MAX,
			       "pasta is missing: apt-get install passt");
		return false;
	}
	pid = syscall(SYS_clone, keeper_clone_flags(geteuid() == 0) | SIGCHLD,
		      0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	if (pid < 0) {
		(void)snprintf(why, BACKEND_WHY_MAX,
			       "no namespaces for us: %s; allow unprivileged "
			       "user namespaces, or run as root",
			       strerror(errno));
		return false;
	}
	(void)spawn_wait((pid_t)pid);
	return true;
}

const struct backend netns_backend = {
	.name = "netns",
	.summary = "network namespaces on this host",
	.plan = netns_plan,
	.usable = netns_usable,
	.start = netns_start,
	.wait = netns_wait,
	.stop = netns_stop,
};
