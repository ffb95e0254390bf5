/*
 * sluice-init - sets the agent's machine up behind the gateway, then runs the
 * agent without a privilege left
 *
 *	network -> gateway -> resolver -> trust -> user
 *	                                            |
 *	             exec <- workdir <- proof <- privileges
 *
 * The agent is started by the last step alone. A step that fails says why in
 * one line and ends the program with a status of its own.
 */
#include "deadline.h"
#include "enrol.h"
#include "network.h"
#include "options.h"
#include "pem.h"
#include "privileges.h"
#include "report.h"
#include "resolver.h"
#include "supervise.h"
#include "trust.h"
#include "users.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

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
	STATUS_NOT_EXECUTABLE = 126, /* as shells have it */
	STATUS_NOT_FOUND = 127,
};

/* All that needs privilege: network, gateway, resolver and trust. */
static enum exit_status set_up(const struct options *options)
{
	const struct network *network = &options->network;
	int64_t deadline = deadline_in(options->timeout_ms);
	char answer[ENROL_HEAD_MAX + ENROL_BODY_MAX];
	struct enrolment enrolment;
	struct trust trust;

	if (network_set_up(network, deadline) < 0)
		return STATUS_NETWORK;
	if (enrol(&network->gateway, deadline, answer, &enrolment) < 0)
		return STATUS_GATEWAY;
	if (network_close(network) < 0)
		return STATUS_NETWORK;
	if (enrolment.date_s)
		enrol_clock(enrolment.date_s);
	if (resolver_write("/etc/resolv.conf", &network->gateway,
			   network->gateway6.family ? &network->gateway6
						    : NULL) < 0)
		return STATUS_RESOLVER;
	if (!pem_is_one_certificate(enrolment.body, enrolment.len)) {
		(void)report("trust", 0,
			     "what the gateway sent is not one certificate");
		return STATUS_TRUST;
	}
	if (trust_install(enrolment.body, enrolment.len, &trust) < 0)
		return STATUS_TRUST;
	if (!trust_environment(&trust)) {
		(void)report("trust", -ENOMEM, "cannot set the environment");
		return STATUS_TRUST;
	}
	return STATUS_OK;
}

/* A program looks for its files at home, which root's is not any more. */
static bool set_home(const struct user *user)
{
	if (user->name[0] == '\0' || !privileges_differ(user))
		return true;
	if (setenv("HOME", user->home, 1) == 0 &&
	    setenv("USER", user->name, 1) == 0 &&
	    setenv("LOGNAME", user->name, 1) == 0)
		return true;
	(void)report("user", -ENOMEM, "cannot set the environment");
	return false;
}

/* Becomes the agent; returns only if it cannot. */
static enum exit_status become_agent(const struct options *options,
				     const struct user *user)
{
	const char *program = options->command[0];
	int error;

	if (privileges_drop(user, 0) < 0)
		return STATUS_PRIVILEGES;
	if (privileges_prove(&options->network) < 0)
		return STATUS_PROOF;
	if (options->workdir && chdir(options->workdir) < 0) {
		(void)report("workdir", -errno, "cannot enter %s",
			     options->workdir);
		return STATUS_WORKDIR;
	}
	(void)execvp(program, options->command);
	error = errno;
	(void)report("exec", -error, "cannot run %s", program);
	return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

/* The agent's side of the fork: waits until PID 1 has dropped its own. */
static enum exit_status start_agent(const struct options *options,
				    const struct user *user, int dropped)
{
	char byte;

	/* At its end without a byte PID 1 is gone, and takes us along. */
	if (read(dropped, &byte, 1) != 1)
		return STATUS_PRIVILEGES;
	return become_agent(options, user);
}

/*
 * As PID 1: the agent is a child, and we keep no privilege either, except to
 * send signals to it where it is another user.
 */
static int stay_as_init(const struct options *options, const struct user *user)
{
	bool other = user && user->uid != getuid();
	sigset_t before;
	int dropped[2];
	pid_t agent;

	supervise_block(&before);
	if (pipe2(dropped, O_CLOEXEC) < 0) {
		(void)report("fork", -errno, "cannot start the agent");
		return STATUS_FORK;
	}
	agent = fork();
	if (agent < 0) {
		(void)report("fork", -errno, "cannot start the agent");
		return STATUS_FORK;
	}
	if (agent == 0) {
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		(void)close(dropped[1]);
		return (int)start_agent(options, user, dropped[0]);
	}
	(void)close(dropped[0]);
	if (privileges_drop(NULL, other ? 1ULL << CAP_KILL : 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return STATUS_PRIVILEGES;
	if (write(dropped[1], "", 1) != 1) {
		(void)report("fork", -errno, "cannot start the agent");
		return STATUS_FORK;
	}
	(void)close(dropped[1]);
	return supervise(agent);
}

int main(int argc, char **argv)
{
	struct options options;
	struct user user;
	enum exit_status status;
	mode_t umask_before;

	switch (options_parse(argc, argv, &options)) {
	case OPTIONS_HELP:
		return STATUS_OK;
	case OPTIONS_BAD:
		return STATUS_USAGE;
	case OPTIONS_RUN:
		break;
	}
	/* What is written here is for every user to read. */
	umask_before = umask(0022);
	status = set_up(&options);
	(void)umask(umask_before);
	if (status != STATUS_OK)
		return (int)status;
	if (options.user &&
	    (users_look_up(options.user, &user) < 0 || !set_home(&user)))
		return STATUS_USER;
	if (getpid() == 1)
		return stay_as_init(&options, options.user ? &user : NULL);
	return (int)become_agent(&options, options.user ? &user : NULL);
}
