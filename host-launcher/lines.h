/*
 * lines.h - whole lines out of bytes that come in pieces
 *
 * A line longer than there is room for is cut there, so that whoever sends it
 * holds nobody up.
 */
#ifndef SLUICE_LINES_H
#define SLUICE_LINES_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>

#define LINES_MAX 65536

/* Zeroed is ready. */
struct lines {
	char bytes[LINES_MAX];
	size_t len;
};

/* Where the next bytes go, and how many; 0 until lines are dropped. */
char *lines_room(struct lines *lines, size_t *room);
void lines_added(struct lines *lines, size_t n);

/* How many of the bytes are whole lines, with their ends. */
size_t lines_whole(const struct lines *lines);

/* How many of the bytes are the first line, with its end; 0: none is whole. */
size_t lines_first(const struct lines *lines);

void lines_drop(struct lines *lines, size_t n);

#endif
