/*
 * timings.h - what a run's start consists of, and how long each part took
 */
#ifndef SLUICE_TIMINGS_H
#define SLUICE_TIMINGS_H

#include <stdint.h>
#include <stdio.h>

enum timing {
	TIMING_PREPARED = 0,   /* files and disks are made */
	TIMING_GATEWAY_KERNEL, /* its first process speaks */
	TIMING_GATEWAY_READY,  /* it serves */
	TIMING_AGENT_KERNEL,   /* its first process speaks */
	TIMING_AGENT_NETWORK,  /* set up, and the gateway answers */
	TIMING_COMMAND_STARTED,
	TIMING_FIRST_BYTE, /* of what the command says */
	TIMING_END,
	TIMINGS,
};

struct timings {
	int64_t start_us;
	int64_t at_us[TIMINGS]; /* 0: has not happened */
};

void timings_start(struct timings *timings);
/* Only the first time counts. */
void timings_mark(struct timings *timings, enum timing what);
void timings_print(const struct timings *timings, FILE *out);

#endif
