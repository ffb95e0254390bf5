/*
 * streams.h - the command's standard streams: a terminal, or three pipes
 *
 * On a machine whose host is at the other end of ports, the command gets
 * neither the ports nor the console, but a pseudoterminal or pipes, whose other
 * ends are ours.
 */
#ifndef SLUICE_STREAMS_H
#define SLUICE_STREAMS_H

#include "attributes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct terminal {
	bool wanted;
	uint16_t rows, columns;
	const char *type; /* for TERM */
};

struct streams {
	bool terminal; /* in, out and err are one */
	int in, out, err;
	int command[3]; /* the command's ends */
};

/*
 * Makes them; the command's ends become @owner's. Ours do not block. Reports and
 * returns -errno on failure.
 */
MUST_CHECK int streams_open(struct streams *streams,
			    const struct terminal *terminal, uid_t owner);

/*
 * In the command's process: makes it the leader of a session, and the streams
 * its own, with the terminal to control it if there is one.
 */
MUST_CHECK int streams_adopt(const struct streams *streams);

/* In ours: lets go of the command's ends, so that it alone holds them. */
void streams_release(struct streams *streams);

/* Ends the command's input; a terminal is told, as by a key. */
void streams_end_input(struct streams *streams);

void streams_resize(const struct streams *streams, uint16_t rows,
		    uint16_t columns);

#endif
