#include "fake_clock.h"

#include <time.h>

static struct timespec monotonic, wall;

/* The linker wants these names. NOLINTBEGIN(bugprone-reserved-identifier) */
int __wrap_clock_gettime(clockid_t id, struct timespec *now);

int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
	*now = id == CLOCK_REALTIME ? wall : monotonic;
	return 0;
}
/* NOLINTEND(bugprone-reserved-identifier) */

void fake_clock_set(int64_t now_ms)
{
	monotonic.tv_sec = now_ms / 1000;
	monotonic.tv_nsec = now_ms % 1000 * 1000000;
}

void fake_clock_set_wall(int64_t wall_s)
{
	wall.tv_sec = wall_s;
}
