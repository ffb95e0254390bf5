/*
 * rtnetlink.h - interfaces, addresses and routes, asked of the kernel directly
 *
 * A small client of rtnetlink(7) that needs no library: Debian 12 has no
 * static libmnl, and sluice-init must be one static file. The host launcher
 * links it too, to join namespaces with veth pairs, and the gateway, for
 * where it is the first process of a machine.
 *
 * Every change waits for the kernel's acknowledgement, and an answer that is
 * not from the kernel, not to this request or cut short is an error: what
 * returned 0 has happened. Functions return 0 or -errno; the kernel's own
 * refusals come back as they are (-EPERM, -EEXIST, -ESRCH, ...).
 */
#ifndef SLUICE_RTNETLINK_H
#define SLUICE_RTNETLINK_H

#include "address.h"
#include "attributes.h"

#include <stddef.h>
#include <stdint.h>

/* A conversation with the network namespace it was opened in. */
struct rtnetlink {
	int fd;
	uint32_t seq;
};

/* An interface. @flags are those of netdevice(7), such as IFF_RUNNING. */
struct rtnetlink_link {
	int index;
	unsigned int flags;
	char name[16];        /* IF_NAMESIZE */
	uint8_t hardware[32]; /* its hardware address, of @hardware_len bytes */
	uint8_t hardware_len; /* 0 if it has none */
};

/* An address of interface @index, whose network is the first @len bits. */
struct rtnetlink_address {
	struct address address;
	uint8_t len;
	int index;
	uint32_t flags; /* IFA_F_TENTATIVE and its like */
};

/* Who has @address on the link of interface @index. */
struct rtnetlink_neighbour {
	struct address address;
	int index;
	uint8_t hardware[32]; /* its hardware address, of @hardware_len bytes */
	uint8_t hardware_len; /* 0 as long as nobody has answered */
};

/*
 * A route. Zeroes are defaults when one is added: a @to of length 0 is the
 * default route (its family must be set all the same), a @via of family 0
 * is no gateway, so that the destination is on the link itself, and @table,
 * @type and @protocol become main, unicast and boot.
 */
struct rtnetlink_route {
	struct prefix to;
	struct address via;
	int index;
	uint32_t metric;
	uint32_t table;
	uint8_t type;     /* RTN_UNICAST and its like */
	uint8_t protocol; /* RTPROT_BOOT and its like */
	uint8_t scope;    /* for deletion; when adding it follows from @via */
};

/* Opens a socket in the caller's network namespace; close it with _done. */
MUST_CHECK int rtnetlink_init(struct rtnetlink *rtnetlink);
void rtnetlink_done(struct rtnetlink *rtnetlink);

/* -ENODEV if there is no interface of that name. */
MUST_CHECK int rtnetlink_link_find(struct rtnetlink *rtnetlink,
				   const char *name,
				   struct rtnetlink_link *link);

/* All interfaces, in an array that the caller frees. */
MUST_CHECK int rtnetlink_links(struct rtnetlink *rtnetlink,
			       struct rtnetlink_link **links, size_t *n_links);
MUST_CHECK int rtnetlink_link_up(struct rtnetlink *rtnetlink, int index);
MUST_CHECK int rtnetlink_link_down(struct rtnetlink *rtnetlink, int index);
MUST_CHECK int rtnetlink_link_delete(struct rtnetlink *rtnetlink, int index);

/*
 * Makes a pair of joined interfaces: @name here, and @peer_name in the network
 * namespace that @peer_netns_fd refers to, or here too if that is negative.
 */
MUST_CHECK int rtnetlink_veth(struct rtnetlink *rtnetlink, const char *name,
			      const char *peer_name, int peer_netns_fd);

/*
 * Gives interface @index the address @address in a network of @len bits. An
 * IPv6 address can be used at once, without duplicate address detection.
 */
MUST_CHECK int rtnetlink_address_add(struct rtnetlink *rtnetlink, int index,
				     const struct address *address,
				     uint8_t len);
MUST_CHECK int rtnetlink_address_delete(struct rtnetlink *rtnetlink, int index,
					const struct address *address,
					uint8_t len);

/*
 * The addresses of all interfaces, in an array that the caller frees. IPv4
 * and IPv6 if @family is AF_UNSPEC.
 */
MUST_CHECK int rtnetlink_addresses(struct rtnetlink *rtnetlink,
				   sa_family_t family,
				   struct rtnetlink_address **addresses,
				   size_t *n_addresses);

/* -EEXIST if there is one to the same destination with the same metric. */
MUST_CHECK int rtnetlink_route_add(struct rtnetlink *rtnetlink,
				   const struct rtnetlink_route *route);
MUST_CHECK int rtnetlink_route_replace(struct rtnetlink *rtnetlink,
				       const struct rtnetlink_route *route);

/* A route as rtnetlink_routes() gave it. -ESRCH if it is not there. */
MUST_CHECK int rtnetlink_route_delete(struct rtnetlink *rtnetlink,
				      const struct rtnetlink_route *route);

/* The routes of all tables, in an array that the caller frees. */
MUST_CHECK int rtnetlink_routes(struct rtnetlink *rtnetlink, sa_family_t family,
				struct rtnetlink_route **routes,
				size_t *n_routes);

/* The neighbours of all links, in an array that the caller frees. */
MUST_CHECK int rtnetlink_neighbours(struct rtnetlink *rtnetlink,
				    sa_family_t family,
				    struct rtnetlink_neighbour **neighbours,
				    size_t *n_neighbours);

/* Makes a neighbour permanent, as it is: it is not asked for again. */
MUST_CHECK int
rtnetlink_neighbour_fix(struct rtnetlink *rtnetlink,
			const struct rtnetlink_neighbour *neighbour);
MUST_CHECK int
rtnetlink_neighbour_delete(struct rtnetlink *rtnetlink,
			   const struct rtnetlink_neighbour *neighbour);

/*
 * How often the link of interface @index is asked who has an IPv4 address; the
 * kernel's default is 3. With 0, who is not a neighbour yet, and does not speak
 * first, stays out of reach.
 */
MUST_CHECK int rtnetlink_neighbour_probes(struct rtnetlink *rtnetlink,
					  int index, uint32_t probes);

#endif
