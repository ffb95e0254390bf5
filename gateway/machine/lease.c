#include "lease.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEN_MIN 8 /* a larger network than this is nobody's */

static bool number(const char *text, unsigned long most, unsigned long *found)
{
	char *end;

	if (!text || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*found = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && *found <= most;
}

static bool usable(const struct address *address)
{
	return address->family == AF_INET &&
	       address_classify(address, NULL) != ADDRESS_NEVER;
}

/* The next word of @text that is a usable address; NULL for none, or its end */
static const char *next(const char *text, struct address *address)
{
	size_t len;

	for (; text && *text; text += len) {
		text += strspn(text, " ");
		len = strcspn(text, " ");
		if (address_parse(address, text, len) && usable(address))
			return text + len;
	}
	return NULL;
}

bool lease_parse(struct lease *lease, const struct lease_words *words)
{
	struct lease found = { 0 };
	struct address address;
	const char *at = words->dns;
	unsigned long len, seconds;

	if (!words->ip ||
	    !address_parse(&found.ours.address, words->ip, strlen(words->ip)) ||
	    !usable(&found.ours.address) || !number(words->mask, 32, &len) ||
	    !number(words->lease, UINT32_MAX, &seconds))
		return false;
	found.ours.len = (uint8_t)len;
	found.seconds = (uint32_t)seconds;
	if (next(words->router, &address))
		found.router = address;
	while (found.n_resolvers < NAMESERVERS_MAX && (at = next(at, &address)))
		found.resolvers[found.n_resolvers++] = address;
	*lease = found;
	return true;
}

static bool inside(const struct machine *machine, const struct address *address)
{
	const struct machine_address alone = { *address, 32 };

	return machine_overlap(&machine->internal[MACHINE_IPV4], &alone);
}

const char *lease_objection(const struct lease *lease,
			    const struct machine *machine)
{
	if (!usable(&lease->ours.address))
		return "its address cannot be a host's";
	if (lease->ours.len < LEN_MIN || lease->ours.len > 32)
		return "its network has no such size";
	if (lease->seconds == 0)
		return "it is over already";
	if (machine_overlap(&lease->ours, &machine->internal[MACHINE_IPV4]))
		return "its network overlaps the internal one";
	if (lease->router.family &&
	    (!usable(&lease->router) || inside(machine, &lease->router) ||
	     address_equal(&lease->router, &lease->ours.address)))
		return "its router is not on the uplink";
	if (lease->n_resolvers > NAMESERVERS_MAX)
		return "it has too many resolvers";
	for (size_t i = 0; i < lease->n_resolvers; i++)
		if (!usable(&lease->resolvers[i]) ||
		    inside(machine, &lease->resolvers[i]))
			return "its resolver is not on the uplink";
	return NULL;
}
