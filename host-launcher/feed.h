/*
 * feed.h - bytes on their way from one descriptor to another
 *
 * Bounded: while the receiver does not take them, no more are read. Neither
 * descriptor needs to be non-blocking, since each is touched only after
 * poll(2) said that it is ready, and no more is written at a time than a pipe
 * that is ready surely takes.
 */
#ifndef SLUICE_FEED_H
#define SLUICE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_MAX 65536

struct feed {
	int from, to; /* borrowed */
	char bytes[FEED_MAX];
	size_t at, len;   /* what is read and not yet written */
	uint64_t written; /* in all */
	bool ended;       /* there is no more to read */
	bool refused;     /* the receiver is gone: what comes is dropped */
};

void feed_init(struct feed *feed, int from, int to);

/* Whether the descriptors are to be polled, for reading and for writing. */
bool feed_wants_input(const struct feed *feed);
bool feed_wants_output(const struct feed *feed);

/* To be called when the descriptor is ready; true if there were bytes. */
bool feed_read(struct feed *feed);
void feed_write(struct feed *feed);

/* Everything has been read, and written if there is anybody to take it. */
bool feed_is_done(const struct feed *feed);

#endif
