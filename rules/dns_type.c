#include "dns_type.h"

#include <string.h>

#define ANSWERED "is answered for every name that is admitted"
#define GOES_ROUND \
	"has address hints and keys (ECH) in it that lead round the policy"
#define IS_DNSSEC \
	"is of no use to the agent: the gateway hands no signatures on"
#define IS_A_ZONE "asks for a whole zone, not for records of a name"

static const struct {
	uint16_t type;
	const char *name, *refusal;
} types[] = {
	{ DNS_TYPE_A, "A", ANSWERED },
	{ DNS_TYPE_AAAA, "AAAA", ANSWERED },
	{ DNS_TYPE_NS, "NS", NULL },
	{ DNS_TYPE_SOA, "SOA", NULL },
	{ DNS_TYPE_MX, "MX", NULL },
	{ DNS_TYPE_TXT, "TXT", NULL },
	{ DNS_TYPE_SRV, "SRV", NULL },
	{ DNS_TYPE_NAPTR, "NAPTR", NULL },
	{ DNS_TYPE_CAA, "CAA", NULL },
	{ DNS_TYPE_SVCB, "SVCB", GOES_ROUND },
	{ DNS_TYPE_HTTPS, "HTTPS", GOES_ROUND },
	{ DNS_TYPE_CNAME, "CNAME",
	  "is followed by the gateway; what is at its end is told" },
	{ 12, "PTR",
	  "is about an address, and a route that admits names about names" },
	{ 10, "NULL", "holds any bytes, and nothing but tunnels asks for it" },
	{ DNS_TYPE_ANY, "ANY", "is no type: list those that are needed" },
	{ 251, "IXFR", IS_A_ZONE },
	{ 252, "AXFR", IS_A_ZONE },
	{ 43, "DS", IS_DNSSEC },
	{ 44, "SSHFP", IS_DNSSEC },
	{ 46, "RRSIG", IS_DNSSEC },
	{ 47, "NSEC", IS_DNSSEC },
	{ 48, "DNSKEY", IS_DNSSEC },
	{ 50, "NSEC3", IS_DNSSEC },
	{ 52, "TLSA", IS_DNSSEC },
};

#define N_TYPES (sizeof(types) / sizeof(*types))

bool dns_type_is_address(uint16_t type)
{
	return type == DNS_TYPE_A || type == DNS_TYPE_AAAA;
}

const char *dns_type_name(uint16_t type)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

bool dns_type_find(const char *name, size_t len, uint16_t *type)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (strlen(types[i].name) == len &&
		    memcmp(types[i].name, name, len) == 0) {
			*type = types[i].type;
			return true;
		}
	return false;
}

const char *dns_type_refusal(uint16_t type)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (types[i].type == type)
			return types[i].refusal;
	return "has no format here that could be checked";
}
