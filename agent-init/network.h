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
#include "hardware.h"

#include <stdint.h>

#define NETWORK_ADDRESSES_MAX 2 /* one of each family */

/* An address of the machine's, in a network of @len bits. */
struct network_address {
	struct address address;
	uint8_t len;
};

struct network {
	struct hardware card; /* if known, network_find() fills the name in */
	char interface[IF_NAMESIZE];
	/* Those that nobody else gives the interface; perhaps none. */
	struct network_address addresses[NETWORK_ADDRESSES_MAX];
	size_t n_addresses;
	struct address gateway;
	struct address gateway6; /* family 0: no IPv6 */
};

/*
 * Where the interface is known by its hardware address, waits until @deadline
 * for it to exist. Reports and returns -errno if it does not.
 */
MUST_CHECK int network_find(struct network *network, int64_t deadline);

/*
 * Waits until @deadline for the interface to exist, to have a carrier and to
 * have its addresses, of which it adds those in @network, then sets the routes. Reports and returns -errno if it
 * cannot.
 */
MUST_CHECK int network_set_up(const struct network *network, int64_t deadline);

/*
 * Makes the gateway the one IPv4 neighbour that the kernel knows, for good.
 * Routes do not bind everybody: a program without privilege may have its
 * packets sent past them (SO_DONTROUTE with SO_BINDTODEVICE), and the kernel
 * would then ask the segment who has the address. IPv6 has no such way. It
 * still learns of a neighbour that speaks to the machine first.
 *
 * Call it when the gateway has answered, so that its hardware address is
 * known. Reports and returns -errno if it cannot.
 */
MUST_CHECK int network_close(const struct network *network);

#endif
