#include "machine.h"

#include <stdlib.h>
#include <string.h>

static int index_of(const struct address *address)
{
	return address->family == AF_INET6 ? MACHINE_IPV6 : MACHINE_IPV4;
}

static bool link_local(const struct address *address)
{
	return address->family == AF_INET6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

/* "10.88.1.1/24": a host's address, whose network has others. */
static bool parse(struct machine_address *parsed, const char *text)
{
	const char *slash = strchr(text, '/');
	struct machine_address found;
	struct prefix network;
	unsigned long len;
	char *end;

	if (!slash || slash[1] < '1' || slash[1] > '9' ||
	    !address_parse(&found.address, text, (size_t)(slash - text)))
		return false;
	len = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || len > (found.address.family == AF_INET ? 32 : 128))
		return false;
	found.len = (uint8_t)len;
	network = prefix_of(&found.address, found.len);
	/* All host bits zero is the network; but for two, or one, there are none. */
	if (len < (found.address.family == AF_INET ? 31 : 127) &&
	    address_equal(&network.base, &found.address))
		return false;
	if (link_local(&found.address) ||
	    address_classify(&found.address, NULL) == ADDRESS_NEVER)
		return false;
	*parsed = found;
	return true;
}

static bool add(struct machine_address pair[MACHINE_FAMILIES], const char *text)
{
	struct machine_address found;
	int i;

	if (!parse(&found, text))
		return false;
	i = index_of(&found.address);
	if (pair[i].address.family)
		return false;
	pair[i] = found;
	return true;
}

bool machine_add_internal(struct machine *machine, const char *text)
{
	return add(machine->internal, text);
}

static bool ask(bool *asked)
{
	bool first = !*asked;

	*asked = true;
	return first;
}

bool machine_add_uplink(struct machine *machine, const char *text)
{
	if (strcmp(text, "dhcp") == 0)
		return ask(&machine->dhcp);
	if (strcmp(text, "ra") == 0)
		return ask(&machine->advertisements);
	return add(machine->uplinks, text);
}

bool machine_add_gateway(struct machine *machine, const char *text)
{
	struct address found;
	int i;

	if (!address_parse(&found, text, strlen(text)) ||
	    address_classify(&found, NULL) == ADDRESS_NEVER)
		return false;
	i = index_of(&found);
	if (machine->gateways[i].family)
		return false;
	machine->gateways[i] = found;
	return true;
}

static bool holds(const struct machine_address *network,
		  const struct address *address)
{
	const struct prefix p = prefix_of(&network->address, network->len);

	return network->address.family &&
	       network->address.family == address->family &&
	       prefix_holds(&p, address);
}

bool machine_overlap(const struct machine_address *a,
		     const struct machine_address *b)
{
	return holds(a, &b->address) || holds(b, &a->address);
}

static bool empty(const struct machine *machine)
{
	for (int i = 0; i < MACHINE_FAMILIES; i++)
		if (machine->internal[i].address.family ||
		    machine->uplinks[i].address.family ||
		    machine->gateways[i].family)
			return false;
	return !machine->internal_card.known && !machine->uplink_card.known &&
	       !machine->uplink[0] && !machine->dhcp &&
	       !machine->advertisements;
}

static const char *agent_objection(const struct machine *machine,
				   const struct redirect *redirect)
{
	for (size_t i = 0; i < redirect->n_agents; i++) {
		const struct address *agent = &redirect->agents[i];
		const struct machine_address *ours =
			&machine->internal[index_of(agent)];

		if (!holds(ours, agent))
			return "an --agent is in no network of "
			       "--internal-address";
		if (address_equal(&ours->address, agent))
			return "an --agent has the address of "
			       "--internal-address";
	}
	return NULL;
}

static const char *family_objection(const struct machine *machine, int i)
{
	const struct machine_address *uplink = &machine->uplinks[i],
				     *internal = &machine->internal[i];
	const struct address *gateway = &machine->gateways[i];
	bool by_itself =
		i == MACHINE_IPV4 ? machine->dhcp : machine->advertisements;

	if (uplink->address.family && by_itself)
		return i == MACHINE_IPV4
			       ? "--uplink-address is either dhcp or an IPv4 "
				 "address"
			       : "--uplink-address is either ra or an IPv6 "
				 "address";
	if (machine_overlap(uplink, internal))
		return "the networks of --uplink-address and "
		       "--internal-address overlap";
	if (!gateway->family)
		return NULL;
	if (!uplink->address.family)
		return "an --uplink-gateway needs an --uplink-address of its "
		       "family";
	if (address_equal(&uplink->address, gateway))
		return "--uplink-gateway is our own --uplink-address";
	if (holds(internal, gateway))
		return "--uplink-gateway is on the internal interface";
	return NULL;
}

static bool same_card(const struct machine *machine,
		      const struct redirect *redirect)
{
	const struct hardware *a = &machine->internal_card,
			      *b = &machine->uplink_card;

	if (a->known && b->known)
		return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
	return !a->known && !b->known &&
	       strcmp(machine->uplink, redirect->internal) == 0;
}

const char *machine_objection(const struct machine *machine,
			      const struct redirect *redirect)
{
	const char *objection = NULL;

	if (redirect->agent_mac_known && redirect->n_agents == 0)
		return "whose is --agent-mac? Give --agent";
	if (!machine->init)
		return empty(machine) && !redirect->agent_mac_known
			       ? NULL
			       : "addresses, the uplink, --agent-mac and "
				 "cards by mac= are set only with --init";
	if (!machine->uplink[0] && !machine->uplink_card.known)
		return "which interface leads out? Give --uplink";
	if (same_card(machine, redirect))
		return "--uplink and --internal are one interface";
	if (strcmp(machine->uplink, "lo") == 0 ||
	    strcmp(redirect->internal, "lo") == 0)
		return "lo leads nowhere: give a network card's name";
	if (!machine->internal[MACHINE_IPV4].address.family &&
	    !machine->internal[MACHINE_IPV6].address.family)
		return "what is our address for the agent? Give "
		       "--internal-address";
	if (!machine->dhcp && !machine->advertisements &&
	    !machine->uplinks[MACHINE_IPV4].address.family &&
	    !machine->uplinks[MACHINE_IPV6].address.family)
		return "what is our address outside? Give --uplink-address, or "
		       "--uplink-address dhcp";
	for (int i = 0; i < MACHINE_FAMILIES && !objection; i++)
		objection = family_objection(machine, i);
	return objection ? objection : agent_objection(machine, redirect);
}

void machine_fill(const struct machine *machine, struct redirect *redirect)
{
	redirect->gateway4 = machine->internal[MACHINE_IPV4].address;
	redirect->gateway6 = machine->internal[MACHINE_IPV6].address;
	for (int i = 0; i < MACHINE_FAMILIES; i++)
		if (machine->internal[i].address.family)
			redirect->prefixes[redirect->n_prefixes++] =
				prefix_of(&machine->internal[i].address,
					  machine->internal[i].len);
}
