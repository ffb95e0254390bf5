#include "supervise.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>
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
static bool reached_already(int number, int code, pid_t agent)
{
	if (code != SI_KERNEL || getpgid(agent) != getpgrp())
		return false;
	if (number == SIGHUP || number == SIGCONT)
		return getsid(0) != getpid();
	return true;
}

void supervise_block(sigset_t *before)
{
	sigset_t set;

	watched(&set);
	(void)sigprocmask(SIG_BLOCK, &set, before);
}

int supervise_signals(void)
{
	sigset_t set;
	int fd;

	watched(&set);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

void supervise_pass_on(int number, int code, pid_t agent)
{
	/* It has not been reaped yet, so that its number is its own. */
	if (number != SIGCHLD && !reached_already(number, code, agent))
		(void)kill(agent, number);
}

bool supervise_reap(pid_t agent, int *status)
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

void supervise_kill_the_rest(void)
{
	const struct timespec linger = { .tv_sec = LINGER_S };
	sigset_t set;
	int status;

	watched(&set);
	if (kill(-1, SIGKILL) < 0)
		return;
	for (;;) {
		(void)supervise_reap(-1, &status);
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return;
		if (sigtimedwait(&set, NULL, &linger) < 0 && errno == EAGAIN)
			return;
	}
}

int supervise(pid_t agent)
{
	siginfo_t info;
	sigset_t set;
	int status = 0;

	/* Elsewhere, what is killed below would be everybody's processes. */
	assert(getpid() == 1);
	watched(&set);
	while (!supervise_reap(agent, &status)) {
		int sig = sigwaitinfo(&set, &info);

		if (sig > 0)
			supervise_pass_on(sig, info.si_code, agent);
	}
	supervise_kill_the_rest();
	return status;
}
