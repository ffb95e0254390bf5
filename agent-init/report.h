/*
 * report.h - the one line that says which step failed, and why
 *
 * sluice-init either starts the agent or says in one line why not. Who meets
 * the failure reports it, because the best words are there; callers pass the
 * error on in silence.
 */
#ifndef SLUICE_REPORT_H
#define SLUICE_REPORT_H

#include "attributes.h"

/*
 * Writes "sluice-init: STEP: what: error text" to standard error and returns
 * @error, which is -errno, or 0 where the words say it all.
 */
PRINTF(3, 4) int report(const char *step, int error, const char *format, ...);

/*
 * From now on the line goes to @fd too, which stays open; it takes what it
 * takes at once. Both the machine's console and whoever started the machine
 * are to know.
 */
void report_also(int fd);

#endif
