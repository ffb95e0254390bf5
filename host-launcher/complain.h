/*
 * complain.h - what the launcher has to say to its user
 *
 * Everything goes to stderr as one line, "sluice: what: why", because stdout
 * belongs to the agent. Control characters come out as question marks.
 */
#ifndef SLUICE_COMPLAIN_H
#define SLUICE_COMPLAIN_H

#include "attributes.h"

/* The launcher's own failures, apart from every status an agent is likely
   to have; env(1) and its kin use the same. */
#define EXIT_LAUNCHER 125
#define EXIT_USAGE 2

void complain(const char *format, ...) PRINTF(1, 2);

/*
 * "sluice: @what: " and the text of @err, which is positive or negative.
 * Returns -|err|, so that one line can both complain and fail.
 */
int complain_errno(const char *what, int err);

#endif
