/*
 * segment.h - the network between the namespaces of a run
 *
 * Pairs of joined interfaces, straight from one namespace to the other, and
 * the addresses at their ends. None of it is ever visible on the host.
 */
#ifndef SLUICE_SEGMENT_H
#define SLUICE_SEGMENT_H

#include "attributes.h"
#include "backend.h"

#include <stdbool.h>
#include <sys/types.h>

/* The families that have a default route. */
struct segment_families {
	bool ipv4, ipv6;
};

/* Brings up loopback in the caller's network namespace. */
MUST_CHECK int segment_loopback(void);

/* Those of the network namespace the caller is in. */
MUST_CHECK int segment_families(struct segment_families *families);

/*
 * Waits until the caller's network namespace has a default route for each
 * family in @wanted, which it gets from process @pid. -ECHILD if that ends
 * first, -ETIMEDOUT after some seconds without any route; one family of two
 * is enough by then.
 */
MUST_CHECK int segment_wait_uplink(const struct segment_families *wanted,
				   pid_t pid);

/*
 * Joins the caller's network namespace to that of process @pid, which plays
 * @world, and addresses this end.
 */
MUST_CHECK int segment_to_world(const struct backend_world *world, pid_t pid);

/* Makes the segment between the caller's namespace and that of the agent,
   which is the process @pid, and addresses the gateway's end. */
MUST_CHECK int segment_to_agent(const struct plan *plan, pid_t pid);

/* Addresses the agent's end; called by that process. */
MUST_CHECK int segment_as_agent(const struct plan *plan);

#endif
