/*
 * orders.h - what the host tells the machine while the command runs
 *
 * Lines, on a port of their own beside the command's streams:
 *
 *	size ROWS COLUMNS	of the terminal, each from 1 to 65535
 *	signal NUMBER		for the command, from 1 to 64
 *	eof			the host's input has ended; it may still be on
 *				its way, so what comes soon is taken too
 *	eof BYTES		the same, after exactly so many in all
 *
 * One space between words, decimal numbers without a sign or a leading zero.
 * A line that is anything else is passed over, and so is one that is too long.
 * Pure: bytes in, orders out.
 */
#ifndef SLUICE_ORDERS_H
#define SLUICE_ORDERS_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORDERS_LINE_MAX 64 /* bytes, with the line's end */

enum order_kind {
	ORDER_BAD = 0,
	ORDER_SIZE,
	ORDER_SIGNAL,
	ORDER_EOF,
};

struct order {
	enum order_kind kind;
	uint16_t rows, columns;
	int signal;
	bool counted;   /* @bytes was said */
	uint64_t bytes; /* of input, in all */
};

/* A line that has not ended yet. Zeroed is ready. */
struct orders {
	char line[ORDERS_LINE_MAX];
	size_t len;
	bool too_long;
};

/* One line without its end. */
struct order order_parse(const char *line, size_t len);

/*
 * Takes bytes from *@bytes up to the end of a line; true, with the order, if
 * there was one. To be called until it is false.
 */
MUST_CHECK bool orders_take(struct orders *orders, const char **bytes,
			    size_t *len, struct order *order);

#endif
