/*
 * deadline.h - how long to go on trying
 *
 * A deadline is a point of the monotonic clock, in milliseconds: setting the
 * clock of the machine, which sluice-init may do itself, does not move it.
 */
#ifndef SLUICE_DEADLINE_H
#define SLUICE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

int64_t deadline_in(int64_t ms);

/* Milliseconds that are left; 0 once it has passed. */
int deadline_left_ms(int64_t deadline);

/* Rests before the next try; false, at once, if there is no time for one. */
bool deadline_pause(int64_t deadline);

#endif
