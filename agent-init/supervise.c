#include "supervise.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINGER_S 2 /* for what was killed to be reaped */

static const int forwarded[] = { SIGTERM, SIGINT,   SIGHUP,  SIGQUIT, SIGUSR1,
				 SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP };

static void watched(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		(void)sigaddset(set, forwarded[i]);
}

/*
 * What the terminal sends, the kernel sends to every process of the group in
 * the foreground: if we got it, so did an agent that is still in our group.
 * A hangup is for the session's leader alone, if that is us.
 */
static bool reached_already(const siginfo_t *info, pid_t agent)
{
	if (info->si_code != SI_KERNEL || getpgid(agent) != getpgrp())
		return false;
	if (info->si_signo == SIGHUP || info->si_signo == SIGCONT)
		return getsid(0) != getpid();
	return true;
}

/* Reaps all that ended; true, with its status, if @agent was among them. */
static bool reap(pid_t agent, int *status)
{
	bool ended = false;
	int at = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &at, WNOHANG)) > 0) {
		if (pid != agent)
			continue;
		ended = true;
		*status =
			WIFSIGNALED(at) ? 128 + WTERMSIG(at) : WEXITSTATUS(at);
	}
	return ended;
}

/*
 * Kills and reaps all other processes. The bound is for one that cannot be
 * killed, such as one that an operator entered the machine with.
 */
static void kill_the_rest(const sigset_t *set)
{
	const struct timespec linger = { .tv_sec = LINGER_S };
	int status;

	if (kill(-1, SIGKILL) < 0)
		return;
	for (;;) {
		(void)reap(-1, &status);
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return;
		if (sigtimedwait(set, NULL, &linger) < 0 && errno == EAGAIN)
			return;
	}
}

void supervise_block(sigset_t *before)
{
	sigset_t set;

	watched(&set);
	(void)sigprocmask(SIG_BLOCK, &set, before);
}

int supervise(pid_t agent)
{
	siginfo_t info;
	sigset_t set;
	int status = 0;

	/* Elsewhere, what is killed below would be everybody's processes. */
	assert(getpid() == 1);
	watched(&set);
	while (!reap(agent, &status)) {
		int sig = sigwaitinfo(&set, &info);

		/* It cannot have been reaped: its number is its own. */
		if (sig > 0 && sig != SIGCHLD && !reached_already(&info, agent))
			(void)kill(agent, sig);
	}
	kill_the_rest(&set);
	return status;
}
