#include "segment.h"

#include "rtnetlink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define UPLINK_WAIT_MS 5000

static struct address parse(const char *text)
{
	struct address address = { 0 };
	bool sound = address_parse(&address, text, strlen(text));

	assert(sound);
	return address;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The network namespace of process @pid, as a descriptor, or -errno. */
static int netns_of(pid_t pid)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int has_default(struct rtnetlink *rtnetlink, sa_family_t family,
		       bool *has)
{
	struct rtnetlink_route *routes;
	size_t n;
	int err = rtnetlink_routes(rtnetlink, family, &routes, &n);

	if (err)
		return err;
	*has = false;
	for (size_t i = 0; i < n; i++)
		*has |= routes[i].to.len == 0 &&
			routes[i].table == RT_TABLE_MAIN &&
			routes[i].type == RTN_UNICAST;
	free(routes);
	return 0;
}

int segment_loopback(void)
{
	struct rtnetlink rtnetlink;
	struct rtnetlink_link loopback;
	int err = rtnetlink_init(&rtnetlink);

	if (err)
		return err;
	err = rtnetlink_link_find(&rtnetlink, "lo", &loopback);
	if (!err)
		err = rtnetlink_link_up(&rtnetlink, loopback.index);
	rtnetlink_done(&rtnetlink);
	return err;
}

int segment_families(struct segment_families *families)
{
	struct rtnetlink rtnetlink;
	int err = rtnetlink_init(&rtnetlink);

	if (err)
		return err;
	err = has_default(&rtnetlink, AF_INET, &families->ipv4);
	if (!err)
		err = has_default(&rtnetlink, AF_INET6, &families->ipv6);
	rtnetlink_done(&rtnetlink);
	return err;
}

/* A socket that becomes readable whenever routes change. */
static int watch_routes(void)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int err = -errno;

		(void)close(fd);
		return err;
	}
	return fd;
}

/* Reads until there is no more; what it says is looked up anew anyway. */
static void drain(int fd)
{
	char buffer[8192];

	while (recv(fd, buffer, sizeof(buffer), 0) > 0 || errno == ENOBUFS)
		continue;
}

int segment_wait_uplink(const struct segment_families *wanted, pid_t pid)
{
	int64_t deadline = now_ms() + UPLINK_WAIT_MS;
	struct segment_families have = { 0 };
	struct pollfd events[2] = {
		{ .fd = watch_routes(), .events = POLLIN },
		{ .fd = (int)syscall(SYS_pidfd_open, pid, 0),
		  .events = POLLIN },
	};
	int err = 0;

	if (events[0].fd < 0 || events[1].fd < 0) {
		err = events[0].fd < 0 ? events[0].fd : -errno;
		goto out;
	}
	for (;;) {
		int64_t left = deadline - now_ms();

		err = segment_families(&have);
		if (err ||
		    (have.ipv4 >= wanted->ipv4 && have.ipv6 >= wanted->ipv6))
			goto out;
		if (left <= 0 || poll(events, 2, (int)left) == 0) {
			err = have.ipv4 || have.ipv6 ? 0 : -ETIMEDOUT;
			goto out;
		}
		if (events[1].revents) {
			err = -ECHILD;
			goto out;
		}
		drain(events[0].fd);
	}
out:
	for (size_t i = 0; i < 2; i++)
		if (events[i].fd >= 0)
			(void)close(events[i].fd);
	return err;
}

/* One end of a cable: its addresses, then up. */
struct end {
	const char *interface;
	struct address address4, address6;
	uint8_t prefix4, prefix6;
};

static int bring_up(struct rtnetlink *rtnetlink, const struct end *end,
		    int *index)
{
	struct rtnetlink_link link;
	int err = rtnetlink_link_find(rtnetlink, end->interface, &link);

	if (!err)
		err = rtnetlink_address_add(rtnetlink, link.index,
					    &end->address4, end->prefix4);
	if (!err)
		err = rtnetlink_address_add(rtnetlink, link.index,
					    &end->address6, end->prefix6);
	if (!err)
		err = rtnetlink_link_up(rtnetlink, link.index);
	if (!err)
		*index = link.index;
	return err;
}

/* A cable from here, @end, to @peer_interface where process @pid is. */
static int lay_cable(struct rtnetlink *rtnetlink, const struct end *end,
		     const char *peer_interface, pid_t pid, int *index)
{
	int netns = netns_of(pid);
	int err;

	if (netns < 0)
		return netns;
	err = rtnetlink_veth(rtnetlink, end->interface, peer_interface, netns);
	(void)close(netns);
	return err ? err : bring_up(rtnetlink, end, index);
}

static int default_route(struct rtnetlink *rtnetlink, const char *router,
			 int index)
{
	struct rtnetlink_route route = {
		.via = parse(router),
		.index = index,
	};

	route.to.base.family = route.via.family;
	return rtnetlink_route_add(rtnetlink, &route);
}

int segment_to_world(const struct backend_world *world, pid_t pid)
{
	struct end end = {
		.interface = PLAN_UPLINK_INTERFACE,
		.address4 = parse(world->uplink4),
		.address6 = parse(world->uplink6),
		.prefix4 = world->prefix4,
		.prefix6 = world->prefix6,
	};
	struct rtnetlink rtnetlink;
	int index = 0;
	int err = rtnetlink_init(&rtnetlink);

	if (err)
		return err;
	err = lay_cable(&rtnetlink, &end, world->interface, pid, &index);
	if (!err)
		err = default_route(&rtnetlink, world->router4, index);
	if (!err)
		err = default_route(&rtnetlink, world->router6, index);
	rtnetlink_done(&rtnetlink);
	return err;
}

int segment_to_agent(const struct plan *plan, pid_t pid)
{
	struct end end = {
		.interface = PLAN_GATEWAY_INTERFACE,
		.address4 = plan->gateway4,
		.address6 = plan->gateway6,
		.prefix4 = PLAN_PREFIX4,
		.prefix6 = PLAN_PREFIX6,
	};
	struct rtnetlink rtnetlink;
	int index = 0;
	int err = rtnetlink_init(&rtnetlink);

	if (err)
		return err;
	err = lay_cable(&rtnetlink, &end, PLAN_AGENT_INTERFACE, pid, &index);
	rtnetlink_done(&rtnetlink);
	return err;
}

int segment_as_agent(const struct plan *plan)
{
	struct end end = {
		.interface = PLAN_AGENT_INTERFACE,
		.address4 = plan->agent4,
		.address6 = plan->agent6,
		.prefix4 = PLAN_PREFIX4,
		.prefix6 = PLAN_PREFIX6,
	};
	struct rtnetlink rtnetlink;
	int index = 0;
	int err = segment_loopback();

	if (!err)
		err = rtnetlink_init(&rtnetlink);
	if (err)
		return err;
	err = bring_up(&rtnetlink, &end, &index);
	rtnetlink_done(&rtnetlink);
	return err;
}
