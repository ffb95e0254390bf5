/*
 * dns_type.h - DNS record types, and those that a manifest may list
 *
 * Addresses (A and AAAA) are answered for every name that is admitted. Of the
 * other types some may be listed in a route's `dns`: those that clients need
 * and whose data the gateway can check and write anew. The rest have a reason
 * why not.
 */
#ifndef SLUICE_DNS_TYPE_H
#define SLUICE_DNS_TYPE_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_TYPES_LISTED_MAX 8 /* in one route; there are no more to list */

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_NAPTR = 35,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_SVCB = 64,
	DNS_TYPE_HTTPS = 65,
	DNS_TYPE_ANY = 255,
	DNS_TYPE_CAA = 257,
};

/* A or AAAA. */
bool dns_type_is_address(uint16_t type);

/* "TXT" for 16; NULL for a type that has no name here. */
const char *dns_type_name(uint16_t type);

/*
 * The type that the @len bytes at @name are the name of, in capitals. Returns
 * false for a name that is unknown.
 */
MUST_CHECK bool dns_type_find(const char *name, size_t len, uint16_t *type);

/* Why @type may not be listed, "carries addresses"; NULL if it may. */
const char *dns_type_refusal(uint16_t type);

/* "NS, SOA, MX, ...": all that may be listed. */
#define DNS_TYPES_LISTABLE "NS, SOA, MX, TXT, SRV, NAPTR, CAA"

#endif
