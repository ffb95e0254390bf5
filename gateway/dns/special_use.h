/*
 * special_use.h - names that the DNS of the Internet is not asked for
 *
 * Some names mean something on one host or one network only, or nothing at
 * all. A question for one tells a stranger about this network and can have no
 * good answer, so it is answered here. The table has a source for each.
 */
#ifndef SLUICE_SPECIAL_USE_H
#define SLUICE_SPECIAL_USE_H

#include "domain.h"

enum special_use {
	SPECIAL_USE_NONE = 0, /* a name like any other */
	SPECIAL_USE_LOCAL,    /* NXDOMAIN, unless a route admits it */
	SPECIAL_USE_NEVER,    /* NXDOMAIN, even if a route admits it */
	SPECIAL_USE_LOOPBACK, /* the agent's own loopback, likewise */
};

/* The most specific entry of the table counts, for itself and all below it. */
enum special_use special_use_of(const struct domain *name);

#endif
