/*
 * machine.h - the network of a bare machine, as the command line has it
 *
 * With --init the gateway is the first process of a machine that nobody else
 * sets up: its two interfaces and their addresses are then options. Which one
 * is the agent's side is never guessed, and what could make the two one
 * network is refused. Pure: interfaces.c carries it out.
 */
#ifndef SLUICE_MACHINE_H
#define SLUICE_MACHINE_H

#include "hardware.h"
#include "netfilter/redirect.h"

/* An address of ours, and how much of it is the network's. */
struct machine_address {
	struct address address; /* family 0 if there is none */
	uint8_t len;
};

/* Of each pair the first is IPv4's, the second IPv6's; most may be empty. */
enum { MACHINE_IPV4 = 0, MACHINE_IPV6, MACHINE_FAMILIES };

struct machine {
	bool init; /* if false, all else is empty */
	/* Cards by their addresses, whose names interfaces_find() fills in. */
	struct hardware internal_card, uplink_card;
	struct machine_address internal[MACHINE_FAMILIES];
	char uplink[16]; /* IFNAMSIZ */
	struct machine_address uplinks[MACHINE_FAMILIES];
	struct address gateways[MACHINE_FAMILIES]; /* ways out of the uplink */
	bool dhcp;           /* the uplink's IPv4 is leased */
	bool advertisements; /* the uplink's IPv6 is what routers there say */
};

/*
 * One option's text. They return false if it is not what it should be, or if
 * that family has one already.
 */
MUST_CHECK bool machine_add_internal(struct machine *machine, const char *text);
MUST_CHECK bool machine_add_uplink(struct machine *machine, const char *text);
MUST_CHECK bool machine_add_gateway(struct machine *machine, const char *text);

/*
 * Whether all of it makes sense together, with the interface and the agents
 * of @redirect. Returns NULL, or what is wrong and what to do, as a literal.
 */
const char *machine_objection(const struct machine *machine,
			      const struct redirect *redirect);

/*
 * Fills in our addresses on the internal interface, and its prefixes, so that
 * rules can be made before there is such an interface.
 */
void machine_fill(const struct machine *machine, struct redirect *redirect);

/* Whether some address is in both. */
bool machine_overlap(const struct machine_address *a,
		     const struct machine_address *b);

#endif
