/*
 * bare.h - whether this is the first process of a whole machine
 *
 * Of the machine itself and not of a container on it: what belongs to all of
 * a machine, such as its clock and its modules, is ours to change only there.
 */
#ifndef SLUICE_BARE_H
#define SLUICE_BARE_H

#include <stdbool.h>

/* False also where /proc is not mounted, since nothing can be told then. */
bool bare_machine(void);

#endif
