#include "cohort.h"

#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

/* Of its descriptors it keeps the one that tells it when to end. */
static NORETURN void wait_for_end(int fd)
{
	char byte;

	(void)setsid();
	if (dup2(fd, 0) < 0)
		_exit(1);
	(void)close_range(1, ~0U, 0);
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		continue;
	_exit(0);
}

int cohort_begin(struct cohort *cohort)
{
	int err = 0;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	cohort->outside = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	if (cohort->outside < 0 || unshare(CLONE_NEWPID) < 0) {
		err = -errno;
	} else {
		cohort->first = fork();
		if (cohort->first == 0)
			wait_for_end(ends[0]);
		if (cohort->first < 0)
			err = -errno;
	}
	(void)close(ends[0]);
	cohort->held = ends[1];
	if (!err)
		return 0;
	cohort->first = 0;
	(void)close(ends[1]);
	if (cohort->outside >= 0)
		(void)close(cohort->outside);
	return err;
}

int cohort_leave(struct cohort *cohort)
{
	if (cohort->first == 0)
		return 0;
	return setns(cohort->outside, CLONE_NEWPID) < 0 ? -errno : 0;
}

void cohort_end(struct cohort *cohort)
{
	if (cohort->first == 0)
		return;
	(void)close(cohort->held);
	(void)close(cohort->outside);
	(void)kill(cohort->first, SIGKILL);
	(void)spawn_wait(cohort->first);
	cohort->first = 0;
}
