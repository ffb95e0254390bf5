#include "interfaces.h"

#include "clock.h"
#include "log.h"
#include "rtnetlink.h"
#include "setting.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APPEAR_MS 10000 /* a card's driver may find it late */
#define LOOK_MS 20

/*
 * Beside what redirect_forward_nothing() turns off. Nobody on either side may
 * teach us addresses and routes, we answer for our own addresses where they
 * are, and for nobody else's.
 */
static const struct {
	const char *family, *key, *value;
} settings[] = {
	{ "ipv4", "rp_filter", "1" },      { "ipv4", "arp_ignore", "1" },
	{ "ipv4", "arp_announce", "2" },   { "ipv4", "proxy_arp", "0" },
	{ "ipv4", "route_localnet", "0" }, { "ipv6", "accept_ra", "0" },
	{ "ipv6", "autoconf", "0" },       { "ipv6", "proxy_ndp", "0" },
};

static void keep(const char *family, const char *scope, const char *key,
		 const char *value)
{
	char path[128];
	int error;

	if (snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family,
		     scope, key) >= (int)sizeof(path))
		die("interfaces: no interface has so long a name: %s", scope);
	error = setting_keep(path, value);
	/* IPv6 may not be there at all. */
	if (error < 0 && !(error == -ENOENT && strcmp(family, "ipv6") == 0))
		die("interfaces: cannot set %s to %s: %s", path, value,
		    strerror(-error));
}

static void harden(const char *scope)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		keep(settings[i].family, scope, settings[i].key,
		     settings[i].value);
}

/* Its index, once it is there. */
static int await(struct rtnetlink *rtnetlink, const char *name)
{
	const int64_t end = clock_ms() + APPEAR_MS;
	struct rtnetlink_link link;
	int error;

	while ((error = rtnetlink_link_find(rtnetlink, name, &link)) < 0) {
		if (error != -ENODEV)
			die("interfaces: cannot look for %s: %s", name,
			    strerror(-error));
		if (clock_ms() >= end)
			die("interfaces: no interface \"%s\" has appeared: is "
			    "the card there, and its driver in the kernel?",
			    name);
		(void)poll(NULL, 0, LOOK_MS);
	}
	return link.index;
}

static void find(const struct hardware *card, char name[IF_NAMESIZE])
{
	const int64_t end = clock_ms() + APPEAR_MS;
	const uint8_t *mac = card->bytes;
	int error;

	if (!card->known)
		return;
	while ((error = hardware_find(card, name)) < 0) {
		if (error != -ENODEV || clock_ms() >= end)
			die("interfaces: no card " HARDWARE_PREFIX
			    "%02x:%02x:%02x:%02x:%02x:%02x has appeared: %s",
			    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
			    strerror(-error));
		(void)poll(NULL, 0, LOOK_MS);
	}
}

/* As a kernel that was told to configure itself (ip=) would have made one. */
static void no_way_out_by(struct rtnetlink *rtnetlink, const char *name,
			  int index)
{
	struct rtnetlink_route *routes;
	bool found = false;
	size_t n;
	int error = rtnetlink_routes(rtnetlink, AF_UNSPEC, &routes, &n);

	if (error < 0)
		die("interfaces: cannot read the routes: %s", strerror(-error));
	for (size_t i = 0; i < n; i++)
		found |= routes[i].index == index && routes[i].to.len == 0;
	free(routes);
	if (found)
		die("interfaces: \"%s\" has a default route: is it really the "
		    "agent's side?",
		    name);
}

static void set_up(struct rtnetlink *rtnetlink, const char *name, int index)
{
	int error = rtnetlink_link_up(rtnetlink, index);

	if (error < 0)
		die("interfaces: cannot set %s up: %s", name, strerror(-error));
}

static int add_address(struct rtnetlink *rtnetlink, int index,
		       const struct machine_address *address)
{
	int error = rtnetlink_address_add(rtnetlink, index, &address->address,
					  address->len);

	return error == -EEXIST ? 0 : error;
}

static void add_addresses(struct rtnetlink *rtnetlink, const char *name,
			  int index, const struct machine_address addresses[])
{
	for (int i = 0; i < MACHINE_FAMILIES; i++) {
		int error = 0;

		if (addresses[i].address.family)
			error = add_address(rtnetlink, index, &addresses[i]);
		if (error < 0)
			die("interfaces: cannot give %s its address: %s", name,
			    strerror(-error));
	}
}

/*
 * The default route; and one to the gateway itself, which may be outside of
 * our own network as some clouds have it.
 */
static int way_out(struct rtnetlink *rtnetlink, int index,
		   const struct address *gateway)
{
	struct rtnetlink_route route = {
		.to = { .base = *gateway,
			.len = gateway->family == AF_INET6 ? 128 : 32 },
		.index = index,
	};
	int error = rtnetlink_route_replace(rtnetlink, &route);

	if (error < 0)
		return error;
	route.to = (struct prefix){ .base = { .family = gateway->family } };
	route.via = *gateway;
	return rtnetlink_route_replace(rtnetlink, &route);
}

static void fix_agents(struct rtnetlink *rtnetlink,
		       const struct redirect *redirect, int index)
{
	struct rtnetlink_neighbour agent = {
		.index = index,
		.hardware_len = sizeof(redirect->agent_mac),
	};
	size_t n = redirect->agent_mac_known ? redirect->n_agents : 0;

	memcpy(agent.hardware, redirect->agent_mac,
	       sizeof(redirect->agent_mac));
	for (size_t i = 0; i < n; i++) {
		int error;

		agent.address = redirect->agents[i];
		error = rtnetlink_neighbour_fix(rtnetlink, &agent);
		if (error < 0)
			die("interfaces: cannot make the agent a neighbour: %s",
			    strerror(-error));
	}
}

static void set_up_internal(struct rtnetlink *rtnetlink,
			    const struct machine *machine,
			    const struct redirect *redirect, int index)
{
	const char *name = redirect->internal;

	no_way_out_by(rtnetlink, name, index);
	/* Who says that our address is taken is not asked, and not heard. */
	keep("ipv6", name, "accept_dad", "0");
	keep("ipv6", name, "dad_transmits", "0");
	set_up(rtnetlink, name, index);
	add_addresses(rtnetlink, name, index, machine->internal);
	fix_agents(rtnetlink, redirect, index);
}

static void set_up_uplink(struct rtnetlink *rtnetlink,
			  const struct machine *machine, int index)
{
	const char *name = machine->uplink;

	if (machine->advertisements) {
		keep("ipv6", name, "accept_ra", "1");
		keep("ipv6", name, "autoconf", "1");
	}
	set_up(rtnetlink, name, index);
	add_addresses(rtnetlink, name, index, machine->uplinks);
	for (int i = 0; i < MACHINE_FAMILIES; i++) {
		int error = 0;

		if (machine->gateways[i].family)
			error = way_out(rtnetlink, index,
					&machine->gateways[i]);
		if (error < 0)
			die("interfaces: cannot set the default route: %s",
			    strerror(-error));
	}
}

void interfaces_find(struct machine *machine, struct redirect *redirect)
{
	find(&machine->internal_card, redirect->internal);
	find(&machine->uplink_card, machine->uplink);
	if (strcmp(machine->uplink, redirect->internal) == 0)
		die("interfaces: \"%s\" cannot be both sides", machine->uplink);
}

void interfaces_set_up(const struct machine *machine,
		       const struct redirect *redirect)
{
	struct rtnetlink rtnetlink;
	int internal, uplink, error;

	harden("all");
	/* What appears from now on is born with these. */
	harden("default");
	error = rtnetlink_init(&rtnetlink);
	if (error < 0)
		die("interfaces: cannot talk to the kernel: %s",
		    strerror(-error));
	internal = await(&rtnetlink, redirect->internal);
	uplink = await(&rtnetlink, machine->uplink);
	harden(redirect->internal);
	harden(machine->uplink);
	error = redirect_forward_nothing();
	if (error < 0)
		die("redirect: forwarding is on and cannot be turned off: %s",
		    strerror(-error));
	set_up(&rtnetlink, "lo", await(&rtnetlink, "lo"));
	set_up_internal(&rtnetlink, machine, redirect, internal);
	set_up_uplink(&rtnetlink, machine, uplink);
	rtnetlink_done(&rtnetlink);
}

static bool same_address(const struct lease *a, const struct lease *b)
{
	return a->ours.len == b->ours.len &&
	       address_equal(&a->ours.address, &b->ours.address);
}

int interfaces_lease(const struct machine *machine, const struct lease *before,
		     const struct lease *lease)
{
	struct rtnetlink rtnetlink;
	struct rtnetlink_link link;
	int error = rtnetlink_init(&rtnetlink);

	if (error < 0)
		return error;
	error = rtnetlink_link_find(&rtnetlink, machine->uplink, &link);
	if (error < 0)
		goto out;
	/* The routes that need it go with it. */
	if (before && (!lease || !same_address(before, lease)))
		error = rtnetlink_address_delete(&rtnetlink, link.index,
						 &before->ours.address,
						 before->ours.len);
	if (error == -EADDRNOTAVAIL)
		error = 0;
	if (error < 0 || !lease)
		goto out;
	error = add_address(&rtnetlink, link.index, &lease->ours);
	if (error == 0 && lease->router.family)
		error = way_out(&rtnetlink, link.index, &lease->router);
out:
	rtnetlink_done(&rtnetlink);
	return error;
}
