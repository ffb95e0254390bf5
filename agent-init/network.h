/*
 * network.h - one way out: to the gateway
 *
 * When this step is done the machine has, in each family that it uses, a host
 * route to the gateway and a default route through it, and no other unicast
 * route but loopback's. The prefix of the interface's own address is not
 * on-link any more: its neighbours, and the host that carries the segment,
 * are reached through the gateway, which is to say not at all.
 *
 * Without a gateway for IPv6 there is no IPv6 on the interface.
 */
#ifndef SLUICE_NETWORK_H
#define SLUICE_NETWORK_H

#include "address.h"
#include "attributes.h"

#include <stdint.h>

struct network {
	const char *interface;
	struct address gateway;
	struct address gateway6; /* family 0: no IPv6 */
};

/*
 * Waits until @deadline for the interface to exist, to have a carrier and to
 * have its addresses, then sets the routes. Reports and returns -errno if it
 * cannot.
 */
MUST_CHECK int network_set_up(const struct network *network, int64_t deadline);

#endif
