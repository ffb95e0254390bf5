/*
 * raw_terminal.h - the user's terminal, lent to a machine that has one too
 *
 * The terminal of the machine does the editing, the echo and the signals, so
 * that this one is to pass every byte on. It becomes what it was before when
 * it is given back, and also when this process is killed: a process of its
 * own waits for that.
 */
#ifndef SLUICE_RAW_TERMINAL_H
#define SLUICE_RAW_TERMINAL_H

#include "attributes.h"

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

struct raw_terminal {
	bool taken;
	int fd; /* borrowed */
	struct termios before;
	pid_t guard;
	int held; /* the guard waits for its end */
};

/* 0 or -errno. @terminal is zeroed before; nothing is taken on failure. */
MUST_CHECK int raw_terminal_take(struct raw_terminal *terminal, int fd);
void raw_terminal_give_back(struct raw_terminal *terminal);

/* False if it has none, or has not been told. */
MUST_CHECK bool raw_terminal_size(int fd, unsigned *rows, unsigned *columns);

#endif
