#include "rtnetlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Against the real kernel, in network namespaces of the test's own. Where
 * they cannot be had, the program exits 77, which is shown as skipped.
 */

static const struct address here = { AF_INET, { 10, 9, 0, 2 } };
static const struct address gateway = { AF_INET, { 10, 9, 0, 1 } };
static const struct address here6 = { AF_INET6, { 0xfd, [15] = 2 } };
static const struct address gateway6 = { AF_INET6, { 0xfd, [15] = 1 } };

static bool fresh_namespace(void)
{
	return unshare(CLONE_NEWNET) == 0 ||
	       unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

/* A namespace with v0, joined to v1 in the same one, up and addressed. */
static int setup(void **state)
{
	struct rtnetlink *rtnetlink = calloc(1, sizeof(*rtnetlink));
	struct rtnetlink_link link;

	assert_non_null(rtnetlink);
	assert_true(fresh_namespace());
	assert_int_equal(rtnetlink_init(rtnetlink), 0);
	assert_int_equal(rtnetlink_veth(rtnetlink, "v0", "v1", -1), 0);
	assert_int_equal(rtnetlink_link_find(rtnetlink, "v1", &link), 0);
	assert_int_equal(rtnetlink_link_up(rtnetlink, link.index), 0);
	assert_int_equal(rtnetlink_link_find(rtnetlink, "v0", &link), 0);
	assert_int_equal(rtnetlink_link_up(rtnetlink, link.index), 0);
	assert_int_equal(
		rtnetlink_address_add(rtnetlink, link.index, &here, 24), 0);
	assert_int_equal(
		rtnetlink_address_add(rtnetlink, link.index, &here6, 64), 0);
	*state = rtnetlink;
	return 0;
}

static int teardown(void **state)
{
	rtnetlink_done(*state);
	free(*state);
	return 0;
}

static int index_of(struct rtnetlink *rtnetlink, const char *name)
{
	struct rtnetlink_link link;

	assert_int_equal(rtnetlink_link_find(rtnetlink, name, &link), 0);
	return link.index;
}

static bool is(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, 16) == 0;
}

/* How many routes of the main table lead to @to. */
static size_t n_routes_to(struct rtnetlink *rtnetlink, const struct prefix *to,
			  struct rtnetlink_route *found)
{
	struct rtnetlink_route *routes;
	size_t n, n_found = 0;

	*found = (struct rtnetlink_route){ .index = 0 };
	assert_int_equal(
		rtnetlink_routes(rtnetlink, to->base.family, &routes, &n), 0);
	for (size_t i = 0; i < n; i++) {
		if (routes[i].table != RT_TABLE_MAIN ||
		    routes[i].type != RTN_UNICAST ||
		    routes[i].to.len != to->len ||
		    memcmp(routes[i].to.base.bytes, to->base.bytes, 16) != 0)
			continue;
		*found = routes[i];
		n_found++;
	}
	free(routes);
	return n_found;
}

static void an_interface_is_found_by_its_name_alone(void **state)
{
	struct rtnetlink *rtnetlink = *state;
	struct rtnetlink_link link = { .index = -1 };

	assert_int_equal(index_of(rtnetlink, "v0"), if_nametoindex("v0"));
	assert_int_equal(rtnetlink_link_find(rtnetlink, "v9", &link), -ENODEV);
	assert_int_equal(rtnetlink_link_find(rtnetlink, "", &link), -ENODEV);
	assert_int_equal(rtnetlink_link_find(rtnetlink, "0123456789abcdef",
					     &link),
			 -ENODEV);
	assert_int_equal(link.index, -1);
}

static void up_and_down_show_in_the_flags(void **state)
{
	struct rtnetlink *rtnetlink = *state;
	struct rtnetlink_link link;

	assert_int_equal(rtnetlink_link_find(rtnetlink, "v0", &link), 0);
	assert_true(link.flags & IFF_UP);
	assert_int_equal(rtnetlink_link_down(rtnetlink, link.index), 0);
	assert_int_equal(rtnetlink_link_find(rtnetlink, "v0", &link), 0);
	assert_false(link.flags & IFF_UP);
}

static void a_deleted_link_takes_its_peer_along(void **state)
{
	struct rtnetlink *rtnetlink = *state;
	struct rtnetlink_link link;
	int index = index_of(rtnetlink, "v0");

	assert_int_equal(rtnetlink_link_delete(rtnetlink, index), 0);
	assert_int_equal(rtnetlink_link_find(rtnetlink, "v0", &link), -ENODEV);
	assert_int_equal(rtnetlink_link_find(rtnetlink, "v1", &link), -ENODEV);
	assert_int_equal(rtnetlink_link_up(rtnetlink, index), -ENODEV);
}

static void a_pair_can_end_in_another_namespace(void **state)
{
	int other = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct rtnetlink rtnetlink;
	struct rtnetlink_link link;

	assert_true(other >= 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(rtnetlink_init(&rtnetlink), 0);
	assert_int_equal(rtnetlink_veth(&rtnetlink, "near", "far", other), 0);
	assert_int_equal(rtnetlink_link_find(&rtnetlink, "near", &link), 0);
	assert_int_equal(rtnetlink_link_find(&rtnetlink, "far", &link),
			 -ENODEV);
	assert_int_equal(rtnetlink_link_find(*state, "far", &link), 0);
	assert_int_equal(rtnetlink_veth(&rtnetlink, "near", "x", -1), -EEXIST);
	rtnetlink_done(&rtnetlink);
	assert_int_equal(close(other), 0);
}

static void addresses_are_listed_as_they_were_given(void **state)
{
	struct rtnetlink *rtnetlink = *state;
	int index = index_of(rtnetlink, "v0");
	struct rtnetlink_address *addresses;
	size_t n, n_here = 0;

	assert_int_equal(rtnetlink_address_add(rtnetlink, index, &here, 24),
			 -EEXIST);
	assert_int_equal(
		rtnetlink_addresses(rtnetlink, AF_UNSPEC, &addresses, &n), 0);
	for (size_t i = 0; i < n; i++) {
		if (is(&addresses[i].address, &here)) {
			assert_int_equal(addresses[i].len, 24);
			assert_int_equal(addresses[i].index, index);
			n_here++;
		}
		if (is(&addresses[i].address, &here6)) {
			assert_int_equal(addresses[i].len, 64);
			assert_false(addresses[i].flags & IFA_F_TENTATIVE);
			n_here++;
		}
	}
	free(addresses);
	assert_int_equal(n_here, 2);

	assert_int_equal(rtnetlink_address_delete(rtnetlink, index, &here, 24),
			 0);
	assert_int_equal(
		rtnetlink_addresses(rtnetlink, AF_INET, &addresses, &n), 0);
	assert_int_equal(n, 0);
	free(addresses);
}

static void routes_come_back_as_they_were_added(void **state)
{
	struct rtnetlink *rtnetlink = *state;
	const struct rtnetlink_route wanted[] = {
		{ .to = { .base = gateway, .len = 32 } },
		{ .to = { .base = { .family = AF_INET } }, .via = gateway },
		{ .to = { .base = gateway6, .len = 128 }, .metric = 1 },
		{ .to = { .base = { .family = AF_INET6 } },
		  .via = gateway6,
		  .metric = 7 },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct rtnetlink_route route = wanted[i];
		struct rtnetlink_route found;

		route.index = index_of(rtnetlink, "v0");
		assert_int_equal(rtnetlink_route_add(rtnetlink, &route), 0);
		assert_int_equal(rtnetlink_route_add(rtnetlink, &route),
				 -EEXIST);
		assert_int_equal(rtnetlink_route_replace(rtnetlink, &route), 0);
		assert_int_equal(n_routes_to(rtnetlink, &route.to, &found), 1);
		assert_true(is(&found.via, &route.via));
		assert_int_equal(found.index, route.index);
		assert_int_equal(found.metric, route.metric);
		assert_int_equal(found.protocol, RTPROT_BOOT);
	}
}

static void every_listed_route_can_be_deleted_once(void **state)
{
	struct rtnetlink *rtnetlink = *state;
	struct rtnetlink_route *routes;
	size_t n, n_deleted = 0;

	assert_int_equal(rtnetlink_routes(rtnetlink, AF_UNSPEC, &routes, &n),
			 0);
	for (size_t i = 0; i < n; i++) {
		if (routes[i].table != RT_TABLE_MAIN ||
		    routes[i].type != RTN_UNICAST)
			continue;
		assert_int_equal(rtnetlink_route_delete(rtnetlink, &routes[i]),
				 0);
		assert_int_equal(rtnetlink_route_delete(rtnetlink, &routes[i]),
				 -ESRCH);
		n_deleted++;
	}
	free(routes);
	/* 10.9.0.0/24 and fd00::/64, at the least. */
	assert_true(n_deleted >= 2);
}

static void a_long_dump_is_gathered_whole(void **state)
{
	struct rtnetlink *rtnetlink = *state;
	struct rtnetlink_route route = { .to = { .base = here, .len = 32 } };
	struct rtnetlink_route *routes;
	size_t n, n_added = 2000, n_found = 0;

	route.index = index_of(rtnetlink, "v0");
	for (size_t i = 0; i < n_added; i++) {
		route.to.base.bytes[1] = 200;
		route.to.base.bytes[2] = (uint8_t)(i >> 8);
		route.to.base.bytes[3] = (uint8_t)i;
		assert_int_equal(rtnetlink_route_add(rtnetlink, &route), 0);
	}
	assert_int_equal(rtnetlink_routes(rtnetlink, AF_INET, &routes, &n), 0);
	for (size_t i = 0; i < n; i++)
		n_found += routes[i].to.base.bytes[1] == 200;
	free(routes);
	assert_int_equal(n_found, n_added);
}

static void a_neighbour_is_fixed_and_forgotten(void **state)
{
	struct rtnetlink *rtnetlink = *state;
	struct rtnetlink_neighbour neighbour = {
		.address = gateway,
		.hardware = { 2, 0, 0, 0, 0, 1 },
		.hardware_len = 6,
	};
	struct rtnetlink_neighbour *neighbours;
	size_t n;

	neighbour.index = index_of(rtnetlink, "v0");
	assert_int_equal(
		rtnetlink_neighbour_probes(rtnetlink, neighbour.index, 0), 0);
	assert_int_equal(rtnetlink_neighbour_fix(rtnetlink, &neighbour), 0);
	assert_int_equal(
		rtnetlink_neighbours(rtnetlink, AF_INET, &neighbours, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(neighbours[0].index, neighbour.index);
	assert_int_equal(neighbours[0].hardware_len, 6);
	assert_memory_equal(neighbours[0].hardware, neighbour.hardware, 6);
	assert_memory_equal(neighbours[0].address.bytes, gateway.bytes, 4);
	free(neighbours);
	assert_int_equal(rtnetlink_neighbour_delete(rtnetlink, &neighbour), 0);
	assert_int_equal(rtnetlink_neighbour_delete(rtnetlink, &neighbour),
			 -ENOENT);
}

static void the_kernels_refusal_comes_back(void **state)
{
	struct rtnetlink *rtnetlink = *state;
	struct rtnetlink_route route = {
		.to = { .base = { .family = AF_INET } },
		.via = { AF_INET, { 192, 0, 2, 1 } },
	};

	assert_int_equal(rtnetlink_route_add(rtnetlink, &route), -ENETUNREACH);
	assert_int_equal(rtnetlink_link_up(rtnetlink, 9999), -ENODEV);
}

#define in_a_namespace(test) \
	cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_namespace(an_interface_is_found_by_its_name_alone),
		in_a_namespace(up_and_down_show_in_the_flags),
		in_a_namespace(a_deleted_link_takes_its_peer_along),
		in_a_namespace(a_pair_can_end_in_another_namespace),
		in_a_namespace(addresses_are_listed_as_they_were_given),
		in_a_namespace(routes_come_back_as_they_were_added),
		in_a_namespace(every_listed_route_can_be_deleted_once),
		in_a_namespace(a_long_dump_is_gathered_whole),
		in_a_namespace(a_neighbour_is_fixed_and_forgotten),
		in_a_namespace(the_kernels_refusal_comes_back),
	};

	if (!fresh_namespace())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
