#include "deadline.h"

#include <limits.h>
#include <time.h>

#define PAUSE_MS 50

static int64_t now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t deadline_in(int64_t ms)
{
	return now_ms() + ms;
}

int deadline_left_ms(int64_t deadline)
{
	int64_t left = deadline - now_ms();

	if (left < 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

bool deadline_pause(int64_t deadline)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	if (deadline_left_ms(deadline) < PAUSE_MS)
		return false;
	/* Cut short by a signal, it is only a try that comes sooner. */
	(void)nanosleep(&pause, NULL);
	return true;
}
