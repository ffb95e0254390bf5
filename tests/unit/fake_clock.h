/*
 * fake_clock.h - time as a test would have it
 *
 * Linked with --wrap=clock_gettime, so that what is tested asks here and has
 * no hook for it. Libraries still have the real time.
 */
#ifndef SLUICE_FAKE_CLOCK_H
#define SLUICE_FAKE_CLOCK_H

#include <stdint.h>

/* The time since the machine came up. */
void fake_clock_set(int64_t now_ms);

/* The time of day, which somebody may set to whatever they like. */
void fake_clock_set_wall(int64_t wall_s);

#endif
