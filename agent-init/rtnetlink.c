#include "rtnetlink.h"

#include <assert.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 512
#define ANSWER_MAX 32768  /* what the kernel fills at most in one dump read */
#define ENTRIES_MAX 65536 /* a dump that is longer than this is refused */
#define DUMP_TRIES 8      /* of a dump that changes under our eyes */

struct request {
	union {
		struct nlmsghdr header;
		char bytes[REQUEST_MAX];
	};
};

/*
 * What a dump is gathered into: an array of entries of @size bytes, each made
 * of one message by @parse, which says false to those that are left out.
 */
struct entries {
	bool (*parse)(const struct nlmsghdr *header, void *entry);
	sa_family_t family; /* the only one wanted; AF_UNSPEC: all */
	char *at;
	size_t size;
	size_t n, cap;
};

/* What is left to read of a message's attributes. */
struct attributes {
	const char *at;
	size_t left;
};

static void *request_put(struct request *request, const void *bytes, size_t len)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);

	/* Requests are of our own making: one too long is our own mistake. */
	assert(at + NLMSG_ALIGN(len) <= sizeof(request->bytes));
	if (len > 0)
		memcpy(request->bytes + at, bytes, len);
	request->header.nlmsg_len = (uint32_t)(at + len);
	return request->bytes + at;
}

/* The fixed part of a request; @body follows the header. */
static void request_start(struct request *request, uint16_t type,
			  uint16_t flags, const void *body, size_t len)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = NLMSG_LENGTH(0);
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = NLM_F_REQUEST | flags;
	(void)request_put(request, body, len);
}

static struct rtattr *put(struct request *request, uint16_t type,
			  const void *bytes, size_t len)
{
	struct rtattr attribute = { .rta_type = type,
				    .rta_len = (uint16_t)RTA_LENGTH(len) };
	struct rtattr *at;

	at = request_put(request, &attribute, sizeof(attribute));
	(void)request_put(request, bytes, len);
	return at;
}

static void put_u32(struct request *request, uint16_t type, uint32_t value)
{
	(void)put(request, type, &value, sizeof(value));
}

static void put_name(struct request *request, const char *name)
{
	(void)put(request, IFLA_IFNAME, name, strlen(name) + 1);
}

static size_t address_len(sa_family_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

static void put_address(struct request *request, uint16_t type,
			const struct address *address)
{
	(void)put(request, type, address->bytes, address_len(address->family));
}

static struct rtattr *nest(struct request *request, uint16_t type)
{
	return put(request, type, NULL, 0);
}

static void nest_end(struct request *request, struct rtattr *nest)
{
	nest->rta_len = (uint16_t)(request->bytes + request->header.nlmsg_len -
				   (char *)nest);
}

static int request_send(struct rtnetlink *rtnetlink, struct request *request)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	request->header.nlmsg_seq = ++rtnetlink->seq;
again:
	n = sendto(rtnetlink->fd, request, request->header.nlmsg_len, 0,
		   (struct sockaddr *)&kernel, sizeof(kernel));
	if (n < 0 && errno == EINTR)
		goto again;
	if (n < 0)
		return -errno;
	return (size_t)n == request->header.nlmsg_len ? 0 : -EIO;
}

/* Reads one datagram of whole messages; its length, or -errno. */
static ssize_t answer_read(const struct rtnetlink *rtnetlink, void *answer)
{
	struct sockaddr_nl from = { 0 };
	struct iovec part = { .iov_base = answer, .iov_len = ANSWER_MAX };
	struct msghdr message = { .msg_name = &from,
				  .msg_namelen = sizeof(from),
				  .msg_iov = &part,
				  .msg_iovlen = 1 };
	ssize_t n;

again:
	n = recvmsg(rtnetlink->fd, &message, 0);
	if (n < 0 && errno == EINTR)
		goto again;
	if (n < 0)
		return -errno;
	if (message.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	/* Another process may write to our port; only the kernel is port 0. */
	if (message.msg_namelen != sizeof(from) || from.nl_pid != 0)
		goto again;
	return n;
}

/* What follows the header; linux/netlink.h's macros would drop const. */
static const void *body_of(const struct nlmsghdr *header)
{
	return (const char *)header + NLMSG_HDRLEN;
}

/* What an NLMSG_ERROR says: 0 for an acknowledgement. */
static int error_of(const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = body_of(header);

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*error)) ||
	    error->error > 0)
		return -EBADMSG;
	return error->error;
}

/* NLMSG_DONE may end with an error, too: the dump broke off. */
static int end_of(const struct nlmsghdr *header)
{
	int error = 0;

	if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(error)))
		memcpy(&error, body_of(header), sizeof(error));
	return error < 0 ? error : 0;
}

/* A kernel without IPv6 answers a question about it with everything. */
static bool wanted(const struct entries *entries, const struct nlmsghdr *header)
{
	const struct rtgenmsg *body = body_of(header);

	return entries->family == AF_UNSPEC ||
	       (header->nlmsg_len >= NLMSG_LENGTH(sizeof(*body)) &&
		body->rtgen_family == entries->family);
}

static int entries_add(struct entries *entries, const struct nlmsghdr *header)
{
	if (!wanted(entries, header))
		return 0;
	if (entries->n == entries->cap) {
		size_t cap = entries->cap ? entries->cap * 2 : 32;
		char *at;

		if (cap > ENTRIES_MAX)
			return -E2BIG;
		at = reallocarray(entries->at, cap, entries->size);
		if (!at)
			return -ENOMEM;
		entries->at = at;
		entries->cap = cap;
	}
	if (entries->parse(header, entries->at + entries->n * entries->size))
		entries->n++;
	return 0;
}

/*
 * Sends @request and reads what the kernel answers, up to the acknowledgement
 * or the end of the dump. What comes in between goes to @entries, if not NULL.
 */
static int converse(struct rtnetlink *rtnetlink, struct request *request,
		    struct entries *entries)
{
	bool interrupted = false;
	bool over = false;
	void *answer;
	int ret;

	answer = malloc(ANSWER_MAX);
	if (!answer)
		return -ENOMEM;
	ret = request_send(rtnetlink, request);
	while (ret == 0 && !over) {
		struct nlmsghdr *at = answer;
		ssize_t n = answer_read(rtnetlink, answer);
		size_t left = n < 0 ? 0 : (size_t)n;

		if (n < 0)
			ret = (int)n;
		for (; ret == 0 && !over && NLMSG_OK(at, left);
		     at = NLMSG_NEXT(at, left)) {
			/* Left over from a dump that was given up halfway. */
			if (at->nlmsg_seq != rtnetlink->seq)
				continue;
			if (at->nlmsg_flags & NLM_F_DUMP_INTR)
				interrupted = true;
			over = at->nlmsg_type == NLMSG_ERROR ||
			       at->nlmsg_type == NLMSG_DONE;
			if (at->nlmsg_type == NLMSG_ERROR)
				ret = error_of(at);
			else if (at->nlmsg_type == NLMSG_DONE)
				ret = end_of(at);
			else if (entries)
				ret = entries_add(entries, at);
		}
	}
	free(answer);
	return ret == 0 && interrupted ? -EAGAIN : ret;
}

static int change(struct rtnetlink *rtnetlink, struct request *request)
{
	request->header.nlmsg_flags |= NLM_F_ACK;
	return converse(rtnetlink, request, NULL);
}

/* Gathers a dump; on success the array is the caller's to free. */
static int dump(struct rtnetlink *rtnetlink, uint16_t type,
		struct entries *entries)
{
	struct rtgenmsg body = { .rtgen_family =
					 (unsigned char)entries->family };
	struct request request;
	int ret = -EAGAIN;

	for (int i = 0; i < DUMP_TRIES && ret == -EAGAIN; i++) {
		entries->n = 0;
		request_start(&request, type, NLM_F_DUMP, &body, sizeof(body));
		ret = converse(rtnetlink, &request, entries);
	}
	if (ret < 0) {
		free(entries->at);
		entries->at = NULL;
	}
	return ret;
}

/* The attributes behind a body of @body_len bytes. */
static struct attributes attributes_of(const struct nlmsghdr *header,
				       size_t body_len)
{
	size_t skip = NLMSG_SPACE(body_len);

	if (header->nlmsg_len < skip)
		return (struct attributes){ .left = 0 };
	return (struct attributes){ .at = (const char *)header + skip,
				    .left = header->nlmsg_len - skip };
}

/* The next attribute, which is whole; NULL if there is none. */
static const struct rtattr *next(struct attributes *attributes)
{
	const struct rtattr *attribute = (const void *)attributes->at;
	size_t len;

	if (!RTA_OK(attribute, attributes->left))
		return NULL;
	len = RTA_ALIGN(attribute->rta_len);
	if (len > attributes->left)
		len = attributes->left;
	attributes->at += len;
	attributes->left -= len;
	return attribute;
}

static const void *value_of(const struct rtattr *attribute)
{
	return (const char *)attribute + RTA_LENGTH(0);
}

static bool read_u32(const struct rtattr *attribute, uint32_t *value)
{
	if (RTA_PAYLOAD(attribute) != sizeof(*value))
		return false;
	memcpy(value, value_of(attribute), sizeof(*value));
	return true;
}

static bool read_address(const struct rtattr *attribute, sa_family_t family,
			 struct address *address)
{
	if (RTA_PAYLOAD(attribute) != address_len(family))
		return false;
	*address = (struct address){ .family = family };
	memcpy(address->bytes, value_of(attribute), address_len(family));
	return true;
}

static bool internet(sa_family_t family)
{
	return family == AF_INET || family == AF_INET6;
}

static bool read_name(const struct rtattr *attribute, char name[IF_NAMESIZE])
{
	size_t len = RTA_PAYLOAD(attribute);
	const char *text = value_of(attribute);

	if (len < 2 || len > IF_NAMESIZE || text[len - 1] != '\0')
		return false;
	memcpy(name, text, len);
	return true;
}

/* False if it has more than the 32 bytes that there is room for. */
static bool read_hardware(const struct rtattr *attribute, uint8_t hardware[32],
			  uint8_t *hardware_len)
{
	size_t len = RTA_PAYLOAD(attribute);

	if (len > 32)
		return false;
	memcpy(hardware, value_of(attribute), len);
	*hardware_len = (uint8_t)len;
	return true;
}

static bool parse_link(const struct nlmsghdr *header, void *entry)
{
	struct attributes attributes =
		attributes_of(header, sizeof(struct ifinfomsg));
	const struct ifinfomsg *body = body_of(header);
	struct rtnetlink_link *link = entry;
	const struct rtattr *at;

	if (header->nlmsg_type != RTM_NEWLINK ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(*body)))
		return false;
	memset(link, 0, sizeof(*link));
	link->index = body->ifi_index;
	link->flags = body->ifi_flags;
	while ((at = next(&attributes))) {
		if (at->rta_type == IFLA_IFNAME && !read_name(at, link->name))
			return false;
		if (at->rta_type == IFLA_ADDRESS &&
		    !read_hardware(at, link->hardware, &link->hardware_len))
			return false;
	}
	return true;
}

static bool parse_address(const struct nlmsghdr *header, void *entry)
{
	struct attributes attributes =
		attributes_of(header, sizeof(struct ifaddrmsg));
	const struct ifaddrmsg *body = body_of(header);
	struct rtnetlink_address *address = entry;
	const struct rtattr *at;

	if (header->nlmsg_type != RTM_NEWADDR ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(*body)) ||
	    !internet(body->ifa_family))
		return false;
	memset(address, 0, sizeof(*address));
	address->index = (int)body->ifa_index;
	address->len = body->ifa_prefixlen;
	address->flags = body->ifa_flags;
	while ((at = next(&attributes))) {
		/* On a point-to-point link IFA_ADDRESS is the other end. */
		if (at->rta_type == IFA_LOCAL ||
		    (at->rta_type == IFA_ADDRESS &&
		     address->address.family == 0)) {
			if (!read_address(at, body->ifa_family,
					  &address->address))
				return false;
		} else if (at->rta_type == IFA_FLAGS) {
			if (!read_u32(at, &address->flags))
				return false;
		}
	}
	return address->address.family != 0;
}

static bool parse_route(const struct nlmsghdr *header, void *entry)
{
	struct attributes attributes =
		attributes_of(header, sizeof(struct rtmsg));
	const struct rtmsg *body = body_of(header);
	struct rtnetlink_route *route = entry;
	const struct rtattr *at;
	uint32_t index;

	if (header->nlmsg_type != RTM_NEWROUTE ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(*body)) ||
	    !internet(body->rtm_family) || body->rtm_flags & RTM_F_CLONED)
		return false;
	memset(route, 0, sizeof(*route));
	route->to.base.family = body->rtm_family;
	route->to.len = body->rtm_dst_len;
	route->table = body->rtm_table;
	route->type = body->rtm_type;
	route->protocol = body->rtm_protocol;
	route->scope = body->rtm_scope;
	while ((at = next(&attributes))) {
		bool good = true;

		if (at->rta_type == RTA_DST) {
			good = read_address(at, body->rtm_family,
					    &route->to.base);
		} else if (at->rta_type == RTA_GATEWAY) {
			good = read_address(at, body->rtm_family, &route->via);
		} else if (at->rta_type == RTA_PRIORITY) {
			good = read_u32(at, &route->metric);
		} else if (at->rta_type == RTA_TABLE) {
			good = read_u32(at, &route->table);
		} else if (at->rta_type == RTA_OIF) {
			good = read_u32(at, &index);
			if (good)
				route->index = (int)index;
		}
		if (!good)
			return false;
	}
	return true;
}

static bool parse_neighbour(const struct nlmsghdr *header, void *entry)
{
	struct attributes attributes =
		attributes_of(header, sizeof(struct ndmsg));
	const struct ndmsg *body = body_of(header);
	struct rtnetlink_neighbour *neighbour = entry;
	const struct rtattr *at;

	if (header->nlmsg_type != RTM_NEWNEIGH ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(*body)) ||
	    !internet(body->ndm_family) || body->ndm_state & NUD_NOARP)
		return false;
	memset(neighbour, 0, sizeof(*neighbour));
	neighbour->index = body->ndm_ifindex;
	while ((at = next(&attributes))) {
		if (at->rta_type == NDA_DST &&
		    !read_address(at, body->ndm_family, &neighbour->address))
			return false;
		if (at->rta_type == NDA_LLADDR &&
		    !read_hardware(at, neighbour->hardware,
				   &neighbour->hardware_len))
			return false;
	}
	return neighbour->address.family != 0;
}

static int link_set(struct rtnetlink *rtnetlink, int index, unsigned int flags)
{
	struct ifinfomsg body = { .ifi_index = index,
				  .ifi_flags = flags,
				  .ifi_change = IFF_UP };
	struct request request;

	request_start(&request, RTM_NEWLINK, 0, &body, sizeof(body));
	return change(rtnetlink, &request);
}

static int address_change(struct rtnetlink *rtnetlink, uint16_t type,
			  uint16_t flags, int index,
			  const struct address *address, uint8_t len)
{
	struct ifaddrmsg body = { .ifa_family = (uint8_t)address->family,
				  .ifa_prefixlen = len,
				  .ifa_index = (uint32_t)index };
	struct request request;

	/*
	 * A test for duplicates takes a second, and there is nobody on the
	 * segment to have taken the address.
	 */
	if (address->family == AF_INET6)
		body.ifa_flags = IFA_F_NODAD;
	request_start(&request, type, flags, &body, sizeof(body));
	put_address(&request, IFA_LOCAL, address);
	put_address(&request, IFA_ADDRESS, address);
	return change(rtnetlink, &request);
}

static int route_change(struct rtnetlink *rtnetlink, uint16_t type,
			uint16_t flags, const struct rtnetlink_route *route)
{
	struct rtmsg body = { .rtm_family = (uint8_t)route->to.base.family,
			      .rtm_dst_len = route->to.len,
			      .rtm_type = route->type,
			      .rtm_protocol = route->protocol,
			      .rtm_scope = route->scope };
	struct request request;

	/* Tables have 32 bits in the attribute, of which the body holds 8. */
	request_start(&request, type, flags, &body, sizeof(body));
	put_u32(&request, RTA_TABLE,
		route->table ? route->table : (uint32_t)RT_TABLE_MAIN);
	if (route->to.len > 0)
		put_address(&request, RTA_DST, &route->to.base);
	if (route->via.family)
		put_address(&request, RTA_GATEWAY, &route->via);
	if (route->index)
		put_u32(&request, RTA_OIF, (uint32_t)route->index);
	if (route->metric)
		put_u32(&request, RTA_PRIORITY, route->metric);
	return change(rtnetlink, &request);
}

static int route_new(struct rtnetlink *rtnetlink, uint16_t flags,
		     const struct rtnetlink_route *route)
{
	struct rtnetlink_route whole = *route;

	if (!whole.type)
		whole.type = RTN_UNICAST;
	if (!whole.protocol)
		whole.protocol = RTPROT_BOOT;
	/* Only IPv4 has scopes; IPv6 ignores them. */
	whole.scope = RT_SCOPE_UNIVERSE;
	if (whole.type == RTN_UNICAST && !whole.via.family)
		whole.scope = RT_SCOPE_LINK;
	return route_change(rtnetlink, RTM_NEWROUTE, NLM_F_CREATE | flags,
			    &whole);
}

static int neighbour_change(struct rtnetlink *rtnetlink, uint16_t type,
			    uint16_t flags,
			    const struct rtnetlink_neighbour *neighbour)
{
	struct ndmsg body = {
		.ndm_family = (uint8_t)neighbour->address.family,
		.ndm_ifindex = neighbour->index,
		.ndm_state = NUD_PERMANENT,
	};
	struct request request;

	request_start(&request, type, flags, &body, sizeof(body));
	put_address(&request, NDA_DST, &neighbour->address);
	if (type == RTM_NEWNEIGH)
		(void)put(&request, NDA_LLADDR, neighbour->hardware,
			  neighbour->hardware_len);
	return change(rtnetlink, &request);
}

int rtnetlink_init(struct rtnetlink *rtnetlink)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0) {
		int ret = -errno;

		(void)close(fd);
		return ret;
	}
	*rtnetlink = (struct rtnetlink){ .fd = fd };
	return 0;
}

void rtnetlink_done(struct rtnetlink *rtnetlink)
{
	(void)close(rtnetlink->fd);
	rtnetlink->fd = -1;
}

int rtnetlink_link_find(struct rtnetlink *rtnetlink, const char *name,
			struct rtnetlink_link *link)
{
	struct entries entries = { .parse = parse_link, .size = sizeof(*link) };
	struct ifinfomsg body = { 0 };
	struct request request;
	int ret;

	if (name[0] == '\0' || strlen(name) >= IF_NAMESIZE)
		return -ENODEV;
	request_start(&request, RTM_GETLINK, NLM_F_ACK, &body, sizeof(body));
	put_name(&request, name);
	ret = converse(rtnetlink, &request, &entries);
	if (ret == 0 && entries.n != 1)
		ret = -ENODEV;
	if (ret == 0)
		memcpy(link, entries.at, sizeof(*link));
	free(entries.at);
	return ret;
}

int rtnetlink_links(struct rtnetlink *rtnetlink, struct rtnetlink_link **links,
		    size_t *n_links)
{
	struct entries entries = { .parse = parse_link,
				   .size = sizeof(**links) };
	int ret = dump(rtnetlink, RTM_GETLINK, &entries);

	if (ret < 0)
		return ret;
	*links = (void *)entries.at;
	*n_links = entries.n;
	return 0;
}

int rtnetlink_link_up(struct rtnetlink *rtnetlink, int index)
{
	return link_set(rtnetlink, index, IFF_UP);
}

int rtnetlink_link_down(struct rtnetlink *rtnetlink, int index)
{
	return link_set(rtnetlink, index, 0);
}

int rtnetlink_link_delete(struct rtnetlink *rtnetlink, int index)
{
	struct ifinfomsg body = { .ifi_index = index };
	struct request request;

	request_start(&request, RTM_DELLINK, 0, &body, sizeof(body));
	return change(rtnetlink, &request);
}

int rtnetlink_veth(struct rtnetlink *rtnetlink, const char *name,
		   const char *peer_name, int peer_netns_fd)
{
	struct ifinfomsg body = { 0 };
	struct rtattr *info, *data, *peer;
	struct request request;

	if (strlen(name) >= IF_NAMESIZE || strlen(peer_name) >= IF_NAMESIZE)
		return -EINVAL;
	request_start(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body,
		      sizeof(body));
	put_name(&request, name);
	info = nest(&request, IFLA_LINKINFO);
	(void)put(&request, IFLA_INFO_KIND, "veth", strlen("veth"));
	data = nest(&request, IFLA_INFO_DATA);
	peer = nest(&request, VETH_INFO_PEER);
	(void)request_put(&request, &body, sizeof(body));
	put_name(&request, peer_name);
	if (peer_netns_fd >= 0)
		put_u32(&request, IFLA_NET_NS_FD, (uint32_t)peer_netns_fd);
	nest_end(&request, peer);
	nest_end(&request, data);
	nest_end(&request, info);
	return change(rtnetlink, &request);
}

int rtnetlink_address_add(struct rtnetlink *rtnetlink, int index,
			  const struct address *address, uint8_t len)
{
	return address_change(rtnetlink, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
			      index, address, len);
}

int rtnetlink_address_delete(struct rtnetlink *rtnetlink, int index,
			     const struct address *address, uint8_t len)
{
	return address_change(rtnetlink, RTM_DELADDR, 0, index, address, len);
}

int rtnetlink_addresses(struct rtnetlink *rtnetlink, sa_family_t family,
			struct rtnetlink_address **addresses,
			size_t *n_addresses)
{
	struct entries entries = { .parse = parse_address,
				   .family = family,
				   .size = sizeof(**addresses) };
	int ret = dump(rtnetlink, RTM_GETADDR, &entries);

	if (ret < 0)
		return ret;
	*addresses = (void *)entries.at;
	*n_addresses = entries.n;
	return 0;
}

int rtnetlink_route_add(struct rtnetlink *rtnetlink,
			const struct rtnetlink_route *route)
{
	return route_new(rtnetlink, NLM_F_EXCL, route);
}

int rtnetlink_route_replace(struct rtnetlink *rtnetlink,
			    const struct rtnetlink_route *route)
{
	return route_new(rtnetlink, NLM_F_REPLACE, route);
}

int rtnetlink_route_delete(struct rtnetlink *rtnetlink,
			   const struct rtnetlink_route *route)
{
	return route_change(rtnetlink, RTM_DELROUTE, 0, route);
}

int rtnetlink_routes(struct rtnetlink *rtnetlink, sa_family_t family,
		     struct rtnetlink_route **routes, size_t *n_routes)
{
	struct entries entries = { .parse = parse_route,
				   .family = family,
				   .size = sizeof(**routes) };
	int ret = dump(rtnetlink, RTM_GETROUTE, &entries);

	if (ret < 0)
		return ret;
	*routes = (void *)entries.at;
	*n_routes = entries.n;
	return 0;
}

int rtnetlink_neighbours(struct rtnetlink *rtnetlink, sa_family_t family,
			 struct rtnetlink_neighbour **neighbours,
			 size_t *n_neighbours)
{
	struct entries entries = { .parse = parse_neighbour,
				   .family = family,
				   .size = sizeof(**neighbours) };
	int ret = dump(rtnetlink, RTM_GETNEIGH, &entries);

	if (ret < 0)
		return ret;
	*neighbours = (void *)entries.at;
	*n_neighbours = entries.n;
	return 0;
}

int rtnetlink_neighbour_fix(struct rtnetlink *rtnetlink,
			    const struct rtnetlink_neighbour *neighbour)
{
	return neighbour_change(rtnetlink, RTM_NEWNEIGH,
				NLM_F_CREATE | NLM_F_REPLACE, neighbour);
}

int rtnetlink_neighbour_delete(struct rtnetlink *rtnetlink,
			       const struct rtnetlink_neighbour *neighbour)
{
	return neighbour_change(rtnetlink, RTM_DELNEIGH, 0, neighbour);
}

int rtnetlink_neighbour_probes(struct rtnetlink *rtnetlink, int index,
			       uint32_t probes)
{
	struct ndtmsg body = { .ndtm_family = AF_INET };
	struct request request;
	struct rtattr *parameters;

	request_start(&request, RTM_SETNEIGHTBL, 0, &body, sizeof(body));
	(void)put(&request, NDTA_NAME, "arp_cache", sizeof("arp_cache"));
	parameters = nest(&request, NDTA_PARMS);
	put_u32(&request, NDTPA_IFINDEX, (uint32_t)index);
	put_u32(&request, NDTPA_MCAST_PROBES, probes);
	nest_end(&request, parameters);
	return change(rtnetlink, &request);
}
