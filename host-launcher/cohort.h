/*
 * cohort.h - processes that end with this one, whatever they become
 *
 * A process asks by itself to be killed when its parent ends (spawn.h), and
 * that is forgotten when it changes its user. Where that happens, root's
 * children are put in a process namespace, whose first process does nothing
 * but end when this one has ended; the kernel then ends the rest.
 */
#ifndef SLUICE_COHORT_H
#define SLUICE_COHORT_H

#include "attributes.h"

#include <sys/types.h>

/* Zeroed is none. */
struct cohort {
	pid_t first;
	int held;
	int outside; /* the process namespace that we are in */
};

/* From now on children of this process are in it. 0 or -errno. */
MUST_CHECK int cohort_begin(struct cohort *cohort);

/* And from now on they are not. 0 or -errno. */
MUST_CHECK int cohort_leave(struct cohort *cohort);

/* Ends all that are in it. */
void cohort_end(struct cohort *cohort);

#endif
