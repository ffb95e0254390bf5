#include "keeper.h"

#include "complain.h"
#include "segment.h"
#include "spawn.h"
#include "terminal.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define TUN "/dev/net/tun"
#define GATEWAY_READY_MS 20000
#define GATEWAY_END_MS 5000

#define AGENT_NAMESPACES \
	(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC)

/* The keeper's children. */
struct family {
	pid_t holder, uplink, gateway, agent;
	int agent_go; /* written to when the agent may start */
};

unsigned long keeper_clone_flags(bool is_root)
{
	/* As root there is something to do before the user namespace. */
	unsigned long flags = CLONE_NEWPID | CLONE_NEWNS;

	return is_root ? flags : flags | CLONE_NEWUSER;
}

void keeper_signals(sigset_t *set)
{
	static const int signals[] = {
		SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD,
	};

	(void)sigemptyset(set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaddset(set, signals[i]);
}

/* fork(2) with namespaces: what is returned twice is our own memory's copy. */
static pid_t clone_process(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	return pid < 0 ? -errno : (pid_t)pid;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	err = n < 0 ? -errno : 0;
	(void)close(fd);
	return err;
}

/*
 * Debian's udev lets everyone open the device, but not every system runs one.
 * pasta opens it as nobody, so it gets a node of its own, here alone. Only
 * the host's root can make one: that is why this precedes the user namespace.
 */
static int open_tun_to_all(void)
{
	struct stat status;

	if (stat(TUN, &status) < 0)
		return complain_errno(TUN, errno);
	if ((status.st_mode & 0006) == 0006)
		return 0;
	if (mount("tmpfs", "/dev/net", "tmpfs", MS_NOSUID | MS_NOEXEC,
		  "mode=0755") < 0 ||
	    mknod(TUN, S_IFCHR, makedev(10, 200)) < 0 || chmod(TUN, 0666) < 0)
		return complain_errno("cannot make a private " TUN, errno);
	return 0;
}

static int detach_mounts(void)
{
	int err = view_detach();

	if (err)
		return complain_errno("mounts: cannot make private", err);
	err = view_mount_proc();
	if (err)
		return complain_errno(
			"/proc: cannot mount one (in a container, it must not "
			"be masked)",
			err);
	return 0;
}

/* Into U, mapped by sluice, with a /proc that shows P. */
static int unshare_user(const struct keeper *keeper)
{
	char message = KEEPER_UNSHARED;
	int err = 0;

	if (keeper->is_root) {
		err = detach_mounts();
		if (!err && !keeper->run->world)
			err = open_tun_to_all();
		if (err)
			return err;
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			return complain_errno("cannot make a user namespace",
					      errno);
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return complain_errno("prctl", errno);
	/* Should sluice have died before that, then there is no answer. */
	if (send(keeper->channel, &message, 1, MSG_NOSIGNAL) != 1 ||
	    recv(keeper->channel, &message, 1, 0) != 1 ||
	    message != KEEPER_MAPPED)
		return -EPIPE;
	return keeper->is_root ? view_detach() : detach_mounts();
}

/* No forwarding, whatever the host's defaults: the gateway has its own
   opinion on that, but it starts later. */
static int quieten(void)
{
	static const char *const settings[][2] = {
		{ "/proc/sys/net/ipv4/ip_forward", "0" },
		{ "/proc/sys/net/ipv6/conf/all/forwarding", "0" },
		{ "/proc/sys/net/ipv6/conf/all/accept_dad", "0" },
		{ "/proc/sys/net/ipv6/conf/default/accept_dad", "0" },
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(settings) / sizeof(settings[0]);
	     i++)
		err = write_file(settings[i][0], settings[i][1]);
	return err;
}

/* The holder: makes U0 and G, says so, and stays until @channel closes. */
static NORETURN void hold(bool is_root, int channel)
{
	char message = 0;

	if (is_root && (setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			setresuid(NOBODY, NOBODY, NOBODY) < 0))
		_exit(complain_errno("cannot become nobody", errno) != 0);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		_exit(complain_errno("cannot make a network namespace",
				     errno) != 0);
	/* Changing users hid our /proc files from pasta. */
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		_exit(1);
	if (write(channel, &message, 1) != 1 || read(channel, &message, 1) != 1)
		_exit(1);
	if (quieten() < 0 || segment_loopback() < 0 ||
	    write(channel, &message, 1) != 1)
		_exit(1);
	(void)!read(channel, &message, 1);
	_exit(0);
}

static int map_self(pid_t pid, unsigned int uid, unsigned int gid)
{
	char path[64];
	char map[64];
	int err;

	/* Without CAP_SETGID in the parent, a group map wants this first. */
	(void)snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
	err = write_file(path, "deny");
	if (err)
		return err;
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	(void)snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	err = write_file(path, map);
	if (err)
		return err;
	(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	(void)snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	return write_file(path, map);
}

/* Leaves a holder in U0 and G, which ends when *@release is closed. */
static int make_gateway_namespace(const struct keeper *keeper, pid_t *holder,
				  int *release)
{
	uid_t uid = keeper->is_root ? NOBODY : geteuid();
	gid_t gid = keeper->is_root ? NOBODY : getegid();
	char message;
	int ends[2];
	pid_t pid;
	int err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return complain_errno("socketpair", errno);
	pid = fork();
	if (pid < 0)
		return complain_errno("fork", errno);
	if (pid == 0) {
		(void)close(ends[0]);
		hold(keeper->is_root, ends[1]);
	}
	(void)close(ends[1]);

	/* The holder says itself what it could not do. */
	if (read(ends[0], &message, 1) != 1)
		return -ECHILD;
	err = map_self(pid, uid, gid);
	if (err)
		return complain_errno("cannot map a user namespace", err);
	if (write(ends[0], &message, 1) != 1 || read(ends[0], &message, 1) != 1)
		return complain_errno("cannot set up a network namespace",
				      ECHILD);
	*holder = pid;
	*release = ends[0];
	return 0;
}

static int enter_network_of(pid_t pid)
{
	char path[64];
	int fd;
	int err;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
	(void)close(fd);
	return err;
}

/* To be called where the host's network still is: pasta stays there. */
static int start_pasta(const struct keeper *keeper, struct family *family)
{
	struct plan *plan = keeper->run->plan;
	struct spawn spawn;
	char pid[12];
	int err;

	(void)snprintf(pid, sizeof(pid), "%d", family->holder);
	err = plan_fill(plan, "uplink", "{pid}", pid);
	if (err)
		return complain_errno("pasta", err);
	spawn = spawn_of(plan_argv(plan, "uplink"));
	spawn.background = true;
	spawn.switch_user = keeper->is_root;
	spawn.uid = NOBODY;
	spawn.gid = NOBODY;
	err = spawn_start(&spawn, &family->uplink);
	if (err == -ENOENT)
		complain("pasta: not found; it is in the package passt");
	else if (err)
		complain_errno("pasta", err);
	return err;
}

static int join_host(const struct keeper *keeper, struct family *family)
{
	struct segment_families families;
	int err = segment_families(&families);

	if (err)
		return complain_errno("cannot read the host's routes", err);
	if (!families.ipv4 && !families.ipv6) {
		complain("the host has no default route, so that there is "
			 "nothing to join the gateway to");
		return -ENETUNREACH;
	}
	err = start_pasta(keeper, family);
	if (err)
		return err;
	err = enter_network_of(family->holder);
	if (!err)
		err = segment_wait_uplink(&families, family->uplink);
	if (err == -ECHILD)
		complain("pasta: ended at once; see above%s",
			 access(TUN, R_OK | W_OK) == 0
				 ? ""
				 : " (" TUN " must be there, and open to you)");
	else if (err)
		complain_errno("pasta: no uplink", err);
	return err;
}

/* The process that is the world: its own network, then what it was given. */
static NORETURN void play_world(const struct backend_world *world, int ready,
				int told)
{
	char message;

	if (unshare(CLONE_NEWNET) < 0 || write(ready, "", 1) != 1 ||
	    read(told, &message, 1) != 1)
		_exit(1);
	_exit(world->play(world->data, ready) < 0);
}

static int join_world(const struct keeper *keeper, struct family *family)
{
	const struct backend_world *world = keeper->run->world;
	int ready[2];
	int told[2];
	char message;
	int err;

	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(told, O_CLOEXEC) < 0)
		return complain_errno("pipe", errno);
	family->uplink = fork();
	if (family->uplink < 0)
		return complain_errno("fork", errno);
	if (family->uplink == 0) {
		(void)setsid();
		play_world(world, ready[1], told[0]);
	}
	(void)close(ready[1]);
	(void)close(told[0]);
	if (read(ready[0], &message, 1) != 1)
		return complain_errno("world: no network namespace", ECHILD);
	err = enter_network_of(family->holder);
	if (!err)
		err = segment_to_world(world, family->uplink);
	if (err)
		return complain_errno("world: cannot be joined", err);
	if (write(told[1], "", 1) != 1 || read(ready[0], &message, 1) != 1)
		return complain_errno("world: did not start", ECHILD);
	(void)close(ready[0]);
	(void)close(told[1]);
	return 0;
}

/* `ping` without privileges, for all groups that this namespace maps. */
static void allow_ping(bool is_root)
{
	char range[64] = "0 2147483647";

	if (!is_root)
		(void)snprintf(range, sizeof(range), "%u %u", getegid(),
			       getegid());
	(void)write_file("/proc/sys/net/ipv4/ping_group_range", range);
}

/* The agent's first process: waits for its network, builds the view. */
static NORETURN void become_agent(const struct keeper *keeper, int go)
{
	const struct backend_run *run = keeper->run;
	const struct plan_options *options = &run->plan->options;
	struct spawn spawn = spawn_of(plan_argv(run->plan, "agent"));
	struct view view = {
		.uid = options->uid,
		.gid = options->gid,
		.readonly = { options->manifest, options->audit,
			      options->trust },
		.hidden = options->secrets,
	};
	char message;
	int err;

	if (read(go, &message, 1) != 1)
		_exit(EXIT_LAUNCHER); /* the keeper has said why */

	err = segment_as_agent(run->plan);
	if (err) {
		complain_errno("cannot set up the agent's network", err);
		_exit(EXIT_LAUNCHER);
	}
	allow_ping(keeper->is_root);
	if (view_build(&view) < 0)
		_exit(EXIT_LAUNCHER);
	/* The folder we stand in is of the old view, and may not be in this. */
	if (chdir(options->workdir) < 0) {
		complain_errno(options->workdir, errno);
		_exit(EXIT_LAUNCHER);
	}
	err = terminal_seal();
	if (err) {
		complain_errno("cannot protect the terminal", err);
		_exit(EXIT_LAUNCHER);
	}
	for (int i = 0; i < 3; i++)
		spawn.stdio[i] = run->stdio[i] < 0 ? i : run->stdio[i];
	spawn.capable = true;
	complain_errno(options->init_program, spawn_exec(&spawn));
	_exit(EXIT_LAUNCHER);
}

static int start_agent(const struct keeper *keeper, struct family *family)
{
	int go[2];

	if (pipe2(go, O_CLOEXEC) < 0)
		return complain_errno("pipe", errno);
	family->agent = clone_process(AGENT_NAMESPACES);
	if (family->agent < 0)
		return complain_errno("cannot make the agent's namespaces",
				      family->agent);
	if (family->agent == 0) {
		(void)close(go[1]);
		become_agent(keeper, go[0]);
	}
	(void)close(go[0]);
	family->agent_go = go[1];
	return 0;
}

/* Until "ready" has come, or the gateway has closed its end. */
static int wait_ready(int fd)
{
	struct pollfd event = { .fd = fd, .events = POLLIN };
	char text[16];
	int n;

	do {
		n = poll(&event, 1, GATEWAY_READY_MS);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ETIMEDOUT;
	return read(fd, text, sizeof(text)) > 0 ? 0 : -ECHILD;
}

static int start_gateway(const struct keeper *keeper, struct family *family)
{
	struct plan *plan = keeper->run->plan;
	struct spawn spawn;
	char fd[12];
	int ready[2];
	int err;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return complain_errno("pipe", errno);
	(void)snprintf(fd, sizeof(fd), "%d", ready[1]);
	err = plan_fill(plan, "gateway", "{fd}", fd);
	if (err) {
		(void)close(ready[1]);
		complain_errno("sluice-gateway", err);
		goto out;
	}
	spawn = spawn_of(plan_argv(plan, "gateway"));
	spawn.background = true;
	spawn.capable = true;
	spawn_pass(&spawn, ready[1]);
	err = spawn_start(&spawn, &family->gateway);
	(void)close(ready[1]);
	if (err) {
		complain_errno(plan->options.gateway_program, err);
		goto out;
	}
	err = wait_ready(ready[0]);
	if (err == -ECHILD)
		complain("sluice-gateway: did not start; see above");
	else if (err)
		complain_errno("sluice-gateway: did not start", err);
out:
	(void)close(ready[0]);
	return err;
}

/* Tells sluice that the agent runs, and which process the gateway is. */
static int report_running(const struct keeper *keeper, pid_t gateway)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = KEEPER_RUNNING;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd = (int)syscall(SYS_pidfd_open, gateway, 0);
	ssize_t n;

	if (fd < 0)
		return -errno;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	n = sendmsg(keeper->channel, &message, MSG_NOSIGNAL);
	(void)close(fd);
	return n == 1 ? 0 : -EPIPE;
}

static int set_up(const struct keeper *keeper, struct family *family)
{
	int release = -1;
	int err = unshare_user(keeper);

	if (err)
		return err;
	/* Folders of the caller's are not to be held by anyone but the agent. */
	if (chdir("/") < 0)
		return complain_errno("/", errno);
	err = make_gateway_namespace(keeper, &family->holder, &release);
	if (!err)
		err = keeper->run->world ? join_world(keeper, family)
					 : join_host(keeper, family);
	if (!err)
		err = start_agent(keeper, family);
	if (!err) {
		err = segment_to_agent(keeper->run->plan, family->agent);
		if (err)
			complain_errno("cannot join agent and gateway", err);
	}
	if (!err)
		err = start_gateway(keeper, family);
	if (!err && write(family->agent_go, "", 1) != 1)
		err = -EPIPE;
	if (!err)
		err = report_running(keeper, family->gateway);
	if (release >= 0)
		(void)close(release);
	return err;
}

/* What became of a child, where that matters to the user. */
static void mourn(const struct family *family, pid_t pid, int wait_status)
{
	const char *how = WIFSIGNALED(wait_status) ? "signal" : "status";
	int number = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status)
					      : WEXITSTATUS(wait_status);

	if (pid == family->gateway)
		complain("sluice-gateway: ended (%s %d): the agent has no "
			 "egress from now on",
			 how, number);
	else if (pid == family->uplink)
		complain("uplink: ended (%s %d): nothing can be reached from "
			 "now on",
			 how, number);
}

/* Collects the dead. True when the agent is among them: *@status is its. */
static bool reap(struct family *family, int *status)
{
	bool ended = false;
	int wait_status;
	pid_t pid;

	while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
		if (pid == family->agent) {
			*status = spawn_status(wait_status);
			ended = true;
		} else {
			mourn(family, pid, wait_status);
			if (pid == family->gateway)
				family->gateway = 0;
		}
	}
	return ended;
}

static int supervise(struct family *family, int signals)
{
	struct signalfd_siginfo info;
	int status = EXIT_LAUNCHER;

	while (!reap(family, &status)) {
		if (read(signals, &info, sizeof(info)) != sizeof(info))
			continue;
		/* Of the terminal's signals the agent gets its own. */
		if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL)
			(void)kill(family->agent, (int)info.ssi_signo);
	}
	return status;
}

/* Lets the gateway write its record to the end; P's end would cut it short. */
static void end_gateway(pid_t gateway)
{
	struct pollfd event = { .events = POLLIN };

	if (gateway <= 0 || kill(gateway, SIGTERM) < 0)
		return;
	event.fd = (int)syscall(SYS_pidfd_open, gateway, 0);
	if (event.fd < 0)
		return;
	while (poll(&event, 1, GATEWAY_END_MS) < 0 && errno == EINTR)
		continue;
	(void)close(event.fd);
}

void keeper_main(const struct keeper *keeper)
{
	struct family family = { .agent_go = -1 };
	sigset_t set;
	int signals;
	int status;

	keeper_signals(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0) {
		complain_errno("signalfd", errno);
		_exit(EXIT_LAUNCHER);
	}
	if (set_up(keeper, &family) < 0)
		_exit(EXIT_LAUNCHER);
	status = supervise(&family, signals);
	end_gateway(family.gateway);
	_exit(status);
}
