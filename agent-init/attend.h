/*
 * attend.h - PID 1's life on a machine whose host is at the other end of ports
 *
 *	port in  --> pump --> command --> pump --> port out, port err
 *	port control --> orders: size, signal, eof
 *		    <-- started
 *
 * One loop. What the command and those that it leaves behind have written is
 * passed on to the last byte before its status is told. A host that hangs up
 * has gone, and the command goes too.
 */
#ifndef SLUICE_ATTEND_H
#define SLUICE_ATTEND_H

#include "attributes.h"
#include "streams.h"

#include <sys/types.h>

/* The ports, open and not blocking. */
struct wires {
	int control, in, out, err;
};

/*
 * Attends to @agent, whose streams are @streams, until it has ended, kills what
 * is left and passes on what was said. @started ends when the command runs, or
 * has a byte if it does not. Signals are blocked as by supervise_block().
 *
 * Returns its exit status, or 128 and the number of the signal that ended it;
 * or -errno if there is no memory. *@ran tells whether it ran at all.
 */
MUST_CHECK int attend(const struct wires *wires, struct streams *streams,
		      pid_t agent, int started, bool *ran);

/* Tells the host one line, without its end, however long that takes. */
void attend_say(const struct wires *wires, const char *line);

#endif
