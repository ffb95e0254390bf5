/*
 * Whatever a DHCP server says, and whatever a process between says it said: a
 * lease that is not objected to touches nothing of the agent's side.
 */
#include "machine/lease.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void judge(const struct lease *lease)
{
	struct machine machine = { .init = true, .dhcp = true };
	struct machine_address *inside = &machine.internal[MACHINE_IPV4];
	struct prefix network, agents;

	assert(machine_add_internal(&machine, "10.77.0.1/24"));
	if (lease_objection(lease, &machine))
		return;
	network = prefix_of(&lease->ours.address, lease->ours.len);
	agents = prefix_of(&inside->address, inside->len);
	assert(lease->ours.address.family == AF_INET);
	assert(!prefix_holds(&network, &inside->address));
	assert(!prefix_holds(&agents, &lease->ours.address));
	assert(!lease->router.family || !prefix_holds(&agents, &lease->router));
	assert(lease->n_resolvers <= NAMESERVERS_MAX);
	for (size_t i = 0; i < lease->n_resolvers; i++)
		assert(!prefix_holds(&agents, &lease->resolvers[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *words[5] = { NULL };
	char *text = malloc(len + 1), *at = text;
	struct lease lease;

	if (!text)
		return 0;
	memcpy(text, bytes, len);
	text[len] = '\0';
	for (size_t i = 0; i < 5 && at; i++)
		words[i] = strsep(&at, "\n");
	if (lease_parse(&lease,
			&(struct lease_words){ words[0], words[1], words[2],
					       words[3], words[4] })) {
		assert(lease.ours.address.family == AF_INET);
		judge(&lease);
	}
	if (len >= sizeof(lease)) {
		memcpy(&lease, bytes, sizeof(lease));
		judge(&lease);
	}
	free(text);
	return 0;
}
