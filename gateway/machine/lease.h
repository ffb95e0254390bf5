/*
 * lease.h - what a DHCP server on the uplink gave us
 *
 * The client hands a lease over as words of its environment, whose text is
 * the server's; from there it goes to the main process as a struct lease, by
 * way of a process that may have been taken over. So a lease is looked at
 * twice, and neither look believes anything: lease_parse() by whoever has the
 * words, lease_objection() by whoever is to act on it. Pure.
 */
#ifndef SLUICE_LEASE_H
#define SLUICE_LEASE_H

#include "machine.h"
#include "nameserver.h"

struct lease {
	struct machine_address ours;
	struct address router; /* family 0 if there is none */
	struct address resolvers[NAMESERVERS_MAX];
	uint32_t n_resolvers;
	uint32_t seconds;
};

/* As udhcpc has them; NULL where the server gave none. */
struct lease_words {
	const char *ip, *mask; /* "192.0.2.7", "24" */
	const char *router;    /* the first of several is taken */
	const char *dns;       /* so many as there is room for */
	const char *lease;     /* seconds */
};

/* False if it is not a lease at all; a bad router or resolver is left out. */
MUST_CHECK bool lease_parse(struct lease *lease,
			    const struct lease_words *words);

/*
 * Why it must not be used, as a literal, or NULL: it would make the uplink
 * look like the agent's side, or is no lease.
 */
const char *lease_objection(const struct lease *lease,
			    const struct machine *machine);

#endif
