#include "network.h"

#include "deadline.h"
#include "report.h"
#include "rtnetlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEP "network"
#define METRIC_IPV6 1024 /* what the kernel would make of 0 */
#define PROBES 3         /* the kernel's default */
#define FLUSH_TRIES 8    /* if somebody adds routes while we delete them */

/* The routes that shall be the only ones. */
struct wanted {
	struct rtnetlink_route routes[4];
	size_t n;
	int loopback; /* index of lo, whose routes lead nowhere else */
};

/* Writes a kernel setting if it is there and may be written. */
static bool sysctl(const char *family, const char *interface, const char *key,
		   const char *value)
{
	char path[128];
	bool done;
	int n, fd;

	n = snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family,
		     interface, key);
	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	(void)close(fd);
	return done;
}

/*
 * Nobody on the segment may teach us routes or addresses. Where /proc/sys is
 * read-only, as in containers, that is up to the gateway's side; the wall
 * that holds is there anyway.
 */
static void stop_listening(const char *interface)
{
	const char *const scopes[] = { "all", interface };

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		(void)sysctl("ipv4", scopes[i], "accept_redirects", "0");
		(void)sysctl("ipv4", scopes[i], "secure_redirects", "0");
		(void)sysctl("ipv6", scopes[i], "accept_redirects", "0");
		(void)sysctl("ipv6", scopes[i], "accept_ra", "0");
		(void)sysctl("ipv6", scopes[i], "autoconf", "0");
	}
}

/* Link-local addresses do not count: every interface makes its own. */
static bool lasting(const struct rtnetlink_address *address)
{
	const uint8_t *bytes = address->address.bytes;

	return address->address.family == AF_INET ||
	       !(bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

static int has_address(struct rtnetlink *rtnetlink, int index,
		       sa_family_t family, bool *found)
{
	struct rtnetlink_address *addresses;
	size_t n;
	int ret;

	ret = rtnetlink_addresses(rtnetlink, family, &addresses, &n);
	if (ret < 0)
		return ret;
	*found = false;
	for (size_t i = 0; i < n; i++)
		if (addresses[i].index == index && lasting(&addresses[i]))
			*found = true;
	free(addresses);
	return 0;
}

static int add_addresses(struct rtnetlink *rtnetlink,
			 const struct network *network, int index)
{
	for (size_t i = 0; i < network->n_addresses; i++) {
		int ret = rtnetlink_address_add(rtnetlink, index,
						&network->addresses[i].address,
						network->addresses[i].len);

		if (ret < 0 && ret != -EEXIST)
			return ret;
	}
	return 0;
}

/* Sets @lacks to what is still missing, or to NULL if nothing is. */
static int look(struct rtnetlink *rtnetlink, const struct network *network,
		int *index, const char **lacks)
{
	struct rtnetlink_link link;
	bool ready = false;
	int ret;

	*lacks = "does not exist";
	ret = rtnetlink_link_find(rtnetlink, network->interface, &link);
	if (ret == -ENODEV)
		return 0;
	if (ret < 0)
		return ret;
	*index = link.index;
	if (!(link.flags & IFF_UP)) {
		ret = rtnetlink_link_up(rtnetlink, link.index);
		if (ret < 0)
			return ret;
	}
	ret = add_addresses(rtnetlink, network, link.index);
	if (ret < 0)
		return ret;
	*lacks = "has no carrier";
	if (!(link.flags & IFF_RUNNING))
		return 0;
	*lacks = "has no IPv4 address";
	ret = has_address(rtnetlink, link.index, AF_INET, &ready);
	if (ret < 0 || !ready)
		return ret;
	*lacks = "has no IPv6 address";
	if (network->gateway6.family) {
		ret = has_address(rtnetlink, link.index, AF_INET6, &ready);
		if (ret < 0 || !ready)
			return ret;
	}
	*lacks = NULL;
	return 0;
}

static int await_interface(struct rtnetlink *rtnetlink,
			   const struct network *network, int64_t deadline,
			   int *index)
{
	const char *lacks;
	int ret;

	do {
		ret = look(rtnetlink, network, index, &lacks);
		if (ret < 0)
			return report(STEP, ret, "cannot set %s up",
				      network->interface);
		if (!lacks)
			return 0;
	} while (deadline_pause(deadline));
	(void)report(STEP, 0, "%s %s", network->interface, lacks);
	return -ETIMEDOUT;
}

/* For where the setting that turns IPv6 off cannot be written. */
static int delete_ipv6(struct rtnetlink *rtnetlink, int index)
{
	struct rtnetlink_address *addresses;
	size_t n;
	int ret;

	ret = rtnetlink_addresses(rtnetlink, AF_INET6, &addresses, &n);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < n && ret == 0; i++)
		if (addresses[i].index == index)
			ret = rtnetlink_address_delete(rtnetlink, index,
						       &addresses[i].address,
						       addresses[i].len);
	free(addresses);
	return ret == -EADDRNOTAVAIL ? 0 : ret;
}

/* A host route to @gateway, and the default route through it. */
static void want(struct wanted *wanted, const struct address *gateway,
		 int index)
{
	bool ipv6 = gateway->family == AF_INET6;
	struct rtnetlink_route route = {
		.to = { .base = *gateway, .len = ipv6 ? 128 : 32 },
		.index = index,
		.metric = ipv6 ? METRIC_IPV6 : 0,
		.table = RT_TABLE_MAIN,
		.type = RTN_UNICAST,
	};

	wanted->routes[wanted->n++] = route;
	route.to = (struct prefix){ .base = { .family = gateway->family } };
	route.via = *gateway;
	wanted->routes[wanted->n++] = route;
}

static bool same_address(const struct address *a, const struct address *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool same_route(const struct rtnetlink_route *a,
		       const struct rtnetlink_route *b)
{
	return same_address(&a->to.base, &b->to.base) &&
	       a->to.len == b->to.len && same_address(&a->via, &b->via) &&
	       a->index == b->index && a->metric == b->metric &&
	       a->table == b->table && a->type == b->type;
}

/* Whether @route leads out of the machine by another way than we want. */
static bool stray(const struct rtnetlink_route *route,
		  const struct wanted *wanted)
{
	if (route->type != RTN_UNICAST || route->table == RT_TABLE_LOCAL ||
	    route->index == wanted->loopback)
		return false;
	for (size_t i = 0; i < wanted->n; i++)
		if (same_route(route, &wanted->routes[i]))
			return false;
	return true;
}

/*
 * Deletes stray routes, one after the other, and says how many there were.
 * IPv6's fe80::/64 is among them: neighbour discovery does not look routes
 * up, and the segment has nobody else to talk to.
 */
static int delete_strays(struct rtnetlink *rtnetlink,
			 const struct wanted *wanted, size_t *n_strays)
{
	struct rtnetlink_route *routes;
	size_t n;
	int ret;

	ret = rtnetlink_routes(rtnetlink, AF_UNSPEC, &routes, &n);
	if (ret < 0)
		return ret;
	*n_strays = 0;
	for (size_t i = 0; i < n && ret == 0; i++) {
		if (!stray(&routes[i], wanted))
			continue;
		(*n_strays)++;
		ret = rtnetlink_route_delete(rtnetlink, &routes[i]);
		/* Gone with another one, or by itself. */
		if (ret == -ESRCH || ret == -ENOENT)
			ret = 0;
	}
	free(routes);
	return ret;
}

static int set_routes(struct rtnetlink *rtnetlink, const struct wanted *wanted)
{
	size_t n_strays;
	int ret;

	for (size_t i = 0; i < wanted->n; i++) {
		ret = rtnetlink_route_replace(rtnetlink, &wanted->routes[i]);
		if (ret < 0)
			return report(STEP, ret, "cannot set the routes");
	}
	for (int i = 0; i < FLUSH_TRIES; i++) {
		ret = delete_strays(rtnetlink, wanted, &n_strays);
		if (ret < 0)
			return report(STEP, ret,
				      "cannot delete the other routes");
		if (n_strays == 0)
			return 0;
	}
	return report(STEP, -EBUSY, "other routes keep coming back");
}

/*
 * Fixes @gateway and forgets the other IPv4 neighbours; all of them if it is
 * NULL. -ENOENT if the gateway is not among them.
 */
static int keep_neighbour(struct rtnetlink *rtnetlink,
			  const struct address *gateway, int index)
{
	struct rtnetlink_neighbour *neighbours;
	bool kept = !gateway;
	size_t n;
	int ret;

	ret = rtnetlink_neighbours(rtnetlink, AF_INET, &neighbours, &n);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < n && ret == 0; i++) {
		if (neighbours[i].index != index)
			continue;
		if (gateway && neighbours[i].hardware_len > 0 &&
		    same_address(&neighbours[i].address, gateway)) {
			ret = rtnetlink_neighbour_fix(rtnetlink,
						      &neighbours[i]);
			kept = true;
			continue;
		}
		ret = rtnetlink_neighbour_delete(rtnetlink, &neighbours[i]);
		/* Expired meanwhile. */
		if (ret == -ENOENT)
			ret = 0;
	}
	free(neighbours);
	return ret == 0 && !kept ? -ENOENT : ret;
}

/* What network_close() did in an earlier start on this machine. */
static int reopen(struct rtnetlink *rtnetlink, int index)
{
	int ret = rtnetlink_neighbour_probes(rtnetlink, index, PROBES);

	return ret < 0 ? ret : keep_neighbour(rtnetlink, NULL, index);
}

int network_find(struct network *network, int64_t deadline)
{
	const uint8_t *mac = network->card.bytes;
	int ret;

	if (!network->card.known)
		return 0;
	do {
		ret = hardware_find(&network->card, network->interface);
	} while (ret == -ENODEV && deadline_pause(deadline));
	if (ret < 0)
		return report(STEP, ret,
			      "no card " HARDWARE_PREFIX
			      "%02x:%02x:%02x:%02x:%02x:%02x",
			      mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return 0;
}

int network_set_up(const struct network *network, int64_t deadline)
{
	struct rtnetlink rtnetlink = { .fd = -1 };
	struct wanted wanted = { .n = 0 };
	struct rtnetlink_link loopback;
	int index = 0;
	int ret;

	ret = rtnetlink_init(&rtnetlink);
	if (ret < 0)
		return report(STEP, ret, "cannot talk to the kernel");
	stop_listening(network->interface);
	ret = rtnetlink_link_find(&rtnetlink, "lo", &loopback);
	if (ret == 0)
		ret = rtnetlink_link_up(&rtnetlink, loopback.index);
	if (ret < 0) {
		(void)report(STEP, ret, "cannot set lo up");
		goto out;
	}
	wanted.loopback = loopback.index;
	ret = await_interface(&rtnetlink, network, deadline, &index);
	if (ret < 0)
		goto out;
	ret = reopen(&rtnetlink, index);
	if (ret < 0) {
		(void)report(STEP, ret, "cannot forget the neighbours");
		goto out;
	}
	/* The interface may not have existed the first time. */
	stop_listening(network->interface);
	want(&wanted, &network->gateway, index);
	if (network->gateway6.family) {
		want(&wanted, &network->gateway6, index);
	} else if (!sysctl("ipv6", network->interface, "disable_ipv6", "1")) {
		ret = delete_ipv6(&rtnetlink, index);
		if (ret < 0) {
			(void)report(STEP, ret, "cannot turn IPv6 off");
			goto out;
		}
	}
	ret = set_routes(&rtnetlink, &wanted);
out:
	rtnetlink_done(&rtnetlink);
	return ret;
}

int network_close(const struct network *network)
{
	struct rtnetlink rtnetlink;
	struct rtnetlink_link link;
	int ret;

	ret = rtnetlink_init(&rtnetlink);
	if (ret < 0)
		return report(STEP, ret, "cannot talk to the kernel");
	ret = rtnetlink_link_find(&rtnetlink, network->interface, &link);
	/* A point-to-point link has one other end, and asks nobody. */
	if (ret == 0 && !(link.flags & IFF_NOARP)) {
		/* In this order, or a new one could come in between. */
		ret = rtnetlink_neighbour_probes(&rtnetlink, link.index, 0);
		if (ret == 0)
			ret = keep_neighbour(&rtnetlink, &network->gateway,
					     link.index);
	}
	rtnetlink_done(&rtnetlink);
	if (ret < 0)
		return report(STEP, ret, "cannot keep to one neighbour");
	return 0;
}
