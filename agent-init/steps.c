#include "steps.h"

#include "deadline.h"
#include "enrol.h"
#include "pem.h"
#include "privileges.h"
#include "report.h"
#include "resolver.h"
#include "runtimes.h"
#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_resolver(const struct options *options, bool has_ipv6)
{
	const struct network *network = &options->network;
	static const struct address loopback = { .family = AF_INET,
						 .bytes = { 127, 0, 0, 1 } };
	static const struct address loopback6 = { .family = AF_INET6,
						  .bytes = { [15] = 1 } };
	const struct address *one = &network->gateway;
	const struct address *other =
		network->gateway6.family ? &network->gateway6 : NULL;

	if (options->dns_over_tcp) {
		one = &loopback;
		other = has_ipv6 ? &loopback6 : NULL;
	}
	return resolver_write("/etc/resolv.conf", one, other);
}

static enum exit_status ask_gateway(const struct options *options,
				    int64_t deadline, bool has_ipv6)
{
	const struct network *network = &options->network;
	char answer[ENROL_HEAD_MAX + ENROL_BODY_MAX];
	struct enrolment enrolment;
	struct trust trust;

	if (enrol(&network->gateway, deadline, answer, &enrolment) < 0)
		return STATUS_GATEWAY;
	if (network_close(network) < 0)
		return STATUS_NETWORK;
	if (enrolment.date_s)
		enrol_clock(enrolment.date_s);
	if (write_resolver(options, has_ipv6) < 0)
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

static enum exit_status choose_user(const struct options *options,
				    struct user *user, const struct user **who)
{
	*who = NULL;
	if (!options->user)
		return STATUS_OK;
	if (users_look_up(options->user, user) < 0 || !set_home(user))
		return STATUS_USER;
	*who = user;
	return STATUS_OK;
}

enum exit_status steps_set_up(struct options *options, struct user *user,
			      const struct user **who)
{
	int64_t deadline = deadline_in(options->timeout_ms);
	/* What is written here is for every user to read. */
	mode_t umask_before = umask(0022);
	enum exit_status status;
	struct stub stub;

	if (network_find(&options->network, deadline) < 0 ||
	    network_set_up(&options->network, deadline) < 0)
		return STATUS_NETWORK;
	if (options->dns_over_tcp &&
	    stub_open(&stub, &options->network.gateway) < 0)
		return STATUS_RESOLVER;
	status = ask_gateway(options, deadline,
			     options->dns_over_tcp && stub.udp[1] >= 0);
	(void)umask(umask_before);
	if (status == STATUS_OK)
		status = choose_user(options, user, who);
	if (status != STATUS_OK)
		return status;
	if (options->dns_over_tcp && stub_start(&stub, *who) < 0)
		return STATUS_RESOLVER;
	if (options->report)
		runtimes_report(options->report, *who);
	return STATUS_OK;
}

enum exit_status steps_enter(struct options *options, struct user *user,
			     const struct user **who)
{
	struct trust trust = { .ca = "/run/sluice/ca.pem",
			       .bundle = "/run/sluice/bundle.pem" };

	if (network_find(&options->network, deadline_in(options->timeout_ms)) <
	    0)
		return STATUS_NETWORK;
	/* Elsewhere it may be, in a folder that anybody could have made. */
	if (access(trust.ca, R_OK) == 0 && !trust_environment(&trust)) {
		(void)report("trust", -ENOMEM, "cannot set the environment");
		return STATUS_TRUST;
	}
	return choose_user(options, user, who);
}

enum exit_status steps_become_agent(const struct options *options,
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
static enum exit_status be_started(const struct options *options,
				   const struct user *user, int dropped,
				   const struct streams *streams)
{
	char byte;

	/* At its end without a byte PID 1 is gone, and takes us along. */
	if (read(dropped, &byte, 1) != 1)
		return STATUS_PRIVILEGES;
	if (streams) {
		/* The host hears what goes wrong by the streams from now on. */
		report_also(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC,
				  STDERR_FILENO + 1));
		if (streams_adopt(streams) < 0)
			return STATUS_FORK;
	}
	return steps_become_agent(options, user);
}

pid_t steps_start_agent(const struct options *options, const struct user *user,
			uint64_t keep, const sigset_t *before,
			const struct streams *streams, int *started,
			enum exit_status *status)
{
	bool other = user && user->uid != getuid();
	int dropped[2], starts[2];
	pid_t agent = -1;

	*status = STATUS_FORK;
	if (pipe2(dropped, O_CLOEXEC) == 0 && pipe2(starts, O_CLOEXEC) == 0)
		agent = fork();
	if (agent < 0)
		return report("fork", -errno, "cannot start the agent");
	if (agent == 0) {
		(void)sigprocmask(SIG_SETMASK, before, NULL);
		(void)close(dropped[1]);
		*status = be_started(options, user, dropped[0], streams);
		(void)!write(starts[1], "", 1);
		_exit((int)*status);
	}
	(void)close(dropped[0]);
	(void)close(starts[1]);
	if (started)
		*started = starts[0];
	else
		(void)close(starts[0]);
	if (privileges_drop(NULL, keep | (other ? 1ULL << CAP_KILL : 0)) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
		*status = STATUS_PRIVILEGES;
		return -EPERM;
	}
	if (write(dropped[1], "", 1) != 1)
		return report("fork", -errno, "cannot start the agent");
	(void)close(dropped[1]);
	return agent;
}
