/*
 * pump.h - bytes from one descriptor to another, through a bounded buffer
 *
 *	from ---> [ up to PUMP_MAX bytes ] ---> to
 *
 * Nothing is read while the buffer is full, so that a reader who is slow slows
 * the writer, and nothing more. Neither descriptor blocks. An end of what is
 * read is passed on when the last byte before it has been. Where nobody reads
 * any more, what comes is read and thrown away: its writer is none the wiser,
 * as with a terminal that has been turned off.
 */
#ifndef SLUICE_PUMP_H
#define SLUICE_PUMP_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PUMP_MAX 65536 /* bytes on their way */

struct pump {
	int from; /* -1 when it has ended */
	int to;   /* -1 when nobody reads */
	size_t at, len;
	uint64_t taken; /* bytes, in all */
	char bytes[PUMP_MAX];
};

/* Neither descriptor is closed here. */
void pump_init(struct pump *pump, int from, int to);

/* Whether it waits for @from to have something, or @to to take something. */
bool pump_reads(const struct pump *pump);
bool pump_writes(const struct pump *pump);

/* Moves what can be moved at once. */
void pump_read(struct pump *pump);
void pump_write(struct pump *pump);

/* All that there will be has been passed on, or thrown away. */
bool pump_is_done(const struct pump *pump);

#endif
