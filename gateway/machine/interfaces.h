/*
 * interfaces.h - a bare machine's interfaces, brought up behind the rules
 *
 * What machine.h describes is done here, in this order, and each step is
 * either done or the end: what neighbours could teach the kernel is turned
 * off, before there are interfaces and again once they are there; loopback,
 * the agent's side, the uplink; the ways out. The kernel's rules must be in
 * place already, and forwarding off.
 */
#ifndef SLUICE_INTERFACES_H
#define SLUICE_INTERFACES_H

#include "lease.h"
#include "machine.h"

/*
 * Waits, for a bounded time, for the cards that the options name by hardware
 * address, and fills their names in. Nothing is set up yet: rules are made by
 * name, and come first. Dies with the reason.
 */
void interfaces_find(struct machine *machine, struct redirect *redirect);

/*
 * Waits for both interfaces, for a bounded time, and sets them up; a leased
 * uplink is only up and has no address yet. The agents of @redirect become
 * permanent neighbours where their hardware address is known. Dies with the
 * reason.
 */
void interfaces_set_up(const struct machine *machine,
		       const struct redirect *redirect);

/*
 * Puts @lease on the uplink in place of @before; either may be NULL, for
 * none. Returns 0 or -errno.
 */
MUST_CHECK int interfaces_lease(const struct machine *machine,
				const struct lease *before,
				const struct lease *lease);

#endif
