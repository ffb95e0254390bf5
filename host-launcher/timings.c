#include "timings.h"

#include <time.h>

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

void timings_start(struct timings *timings)
{
	*timings = (struct timings){ .start_us = now_us() };
}

void timings_mark(struct timings *timings, enum timing what)
{
	if (timings->at_us[what] == 0)
		timings->at_us[what] = now_us();
}

void timings_print(const struct timings *timings, FILE *out)
{
	static const char *const names[TIMINGS] = {
		[TIMING_PREPARED] = "prepared",
		[TIMING_GATEWAY_KERNEL] = "gateway: kernel",
		[TIMING_GATEWAY_READY] = "gateway: ready",
		[TIMING_AGENT_KERNEL] = "agent: kernel",
		[TIMING_AGENT_NETWORK] = "agent: network",
		[TIMING_COMMAND_STARTED] = "command: started",
		[TIMING_FIRST_BYTE] = "command: first byte",
		[TIMING_END] = "end",
	};

	for (int i = 0; i < TIMINGS; i++) {
		int64_t us = timings->at_us[i] - timings->start_us;

		if (timings->at_us[i] == 0)
			(void)fprintf(out, "sluice: timing: %-20s -\n",
				      names[i]);
		else
			(void)fprintf(out,
				      "sluice: timing: %-20s %3lld.%03d s\n",
				      names[i], (long long)(us / 1000000),
				      (int)(us / 1000 % 1000));
	}
}
