#include "nflog.h"

#include "cursor.h"
#include "netlink.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>

#define COPY_BYTES 128 /* of a packet: its headers */
#define READS_MAX 64
#define SECOND_MS 1000
#define BUFFER_BYTES (1 << 20)

/* --- Opening --------------------------------------------------------- */

static struct nlmsghdr *config_put(char *buffer, uint16_t group, uint32_t seq)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *generic;

	message->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = seq;
	generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));
	generic->nfgen_family = AF_UNSPEC;
	generic->version = NFNETLINK_V0;
	generic->res_id = htons(group);
	return message;
}

/* The kernel has answered by the time that the send returns. */
static int config_send(int fd, const struct nlmsghdr *message)
{
	_Alignas(struct nlmsghdr) char answer[1024];
	const struct nlmsghdr *head = (const void *)answer;
	const struct nlmsgerr *error;
	ssize_t n;

	if (send(fd, message, message->nlmsg_len, 0) < 0)
		return -errno;
	/* Packets may arrive once the group is bound; they are passed over. */
	do {
		n = recv(fd, answer, sizeof(answer), 0);
		if (n < 0)
			return -errno;
		if (!mnl_nlmsg_ok(head, (int)n))
			return -EPROTO;
	} while (head->nlmsg_type != NLMSG_ERROR ||
		 head->nlmsg_seq != message->nlmsg_seq);
	error = mnl_nlmsg_get_payload(head);
	return mnl_nlmsg_get_payload_len(head) < sizeof(*error) ? -EPROTO
								: error->error;
}

static int group_bind(int fd, uint16_t group)
{
	const struct nfulnl_msg_config_cmd bind = { NFULNL_CFG_CMD_BIND };
	const struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(COPY_BYTES),
		.copy_mode = NFULNL_COPY_PACKET,
	};
	_Alignas(struct nlmsghdr) char buffer[256];
	struct nlmsghdr *message = config_put(buffer, group, 1);
	int error;

	mnl_attr_put(message, NFULA_CFG_CMD, sizeof(bind), &bind);
	error = config_send(fd, message);
	if (error)
		return error;
	/* A record goes out at once: the rules bound how many there are. */
	message = config_put(buffer, group, 2);
	mnl_attr_put(message, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htonl(1));
	return config_send(fd, message);
}

int nflog_open(uint16_t group)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	const int bytes = BUFFER_BYTES;
	int fd, error;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    NETLINK_NETFILTER);
	if (fd < 0)
		return -errno;
	/* Beyond rmem_max where allowed; else as much as there is to have. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes,
				 sizeof(bytes));
	error = bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0
			? -errno
			: group_bind(fd, group);
	if (error) {
		(void)close(fd);
		return error;
	}
	return fd;
}

/* --- The packet ------------------------------------------------------ */

static void ports_parse(struct nflog_packet *packet, struct cursor *c)
{
	uint16_t source, destination;

	switch (packet->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		source = cursor_u16(c);
		destination = cursor_u16(c);
		if (!c->failed) {
			packet->source_port = source;
			packet->destination_port = destination;
		}
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		packet->icmp_type = cursor_u8(c);
		break;
	default:
		break;
	}
}

static void ipv4_parse(struct nflog_packet *packet, struct cursor *c)
{
	uint8_t header_len = (uint8_t)((cursor_u8(c) & 15) * 4);
	const uint8_t *source, *destination;
	uint16_t len, fragment;
	uint8_t protocol;

	(void)cursor_u8(c); /* service */
	len = cursor_u16(c);
	(void)cursor_u16(c); /* identification */
	fragment = cursor_u16(c);
	(void)cursor_u8(c); /* time to live */
	protocol = cursor_u8(c);
	(void)cursor_u16(c); /* checksum */
	source = cursor_bytes(c, 4);
	destination = cursor_bytes(c, 4);
	if (c->failed || header_len < 20)
		return;
	packet->len = len;
	packet->protocol = protocol;
	packet->source = address_from_bytes(AF_INET, source);
	packet->destination = address_from_bytes(AF_INET, destination);
	(void)cursor_bytes(c, header_len - 20U); /* options */
	/* Only the first fragment has a transport header. */
	if (!c->failed && (fragment & 0x1fff) == 0)
		ports_parse(packet, c);
}

/*
 * Steps over one extension header. False if @protocol is none, or if what
 * comes after it cannot be read.
 */
static bool extension_skip(uint8_t *protocol, struct cursor *c)
{
	uint8_t next, len;
	uint16_t fragment;

	switch (*protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		next = cursor_u8(c);
		len = cursor_u8(c);
		(void)cursor_bytes(c, len * 8U + 6);
		break;
	case IPPROTO_AH:
		next = cursor_u8(c);
		len = cursor_u8(c);
		(void)cursor_bytes(c, len * 4U + 6);
		break;
	case IPPROTO_FRAGMENT:
		next = cursor_u8(c);
		(void)cursor_u8(c);
		fragment = cursor_u16(c);
		(void)cursor_u32(c);
		if ((fragment & 0xfff8) != 0)
			(void)cursor_bytes(c, SIZE_MAX);
		break;
	default:
		return false;
	}
	if (c->failed)
		return false;
	*protocol = next;
	return true;
}

static void ipv6_parse(struct nflog_packet *packet, struct cursor *c)
{
	const uint8_t *source, *destination;
	uint8_t protocol;
	uint16_t len;

	(void)cursor_u32(c); /* version, class, flow label */
	len = cursor_u16(c);
	protocol = cursor_u8(c);
	(void)cursor_u8(c); /* hop limit */
	source = cursor_bytes(c, 16);
	destination = cursor_bytes(c, 16);
	if (c->failed)
		return;
	packet->len = len + 40U;
	packet->source = address_from_bytes(AF_INET6, source);
	packet->destination = address_from_bytes(AF_INET6, destination);
	while (extension_skip(&protocol, c))
		;
	packet->protocol = protocol;
	if (!c->failed)
		ports_parse(packet, c);
}

static void packet_parse(struct nflog_packet *packet, struct cursor c)
{
	struct cursor version = c;

	packet->len = cursor_left(&c);
	switch (cursor_u8(&version) >> 4) {
	case 4:
		ipv4_parse(packet, &c);
		break;
	case 6:
		ipv6_parse(packet, &c);
		break;
	default:
		break;
	}
}

/* --- The messages ---------------------------------------------------- */

/* Another's rule may log to our group; its prefix is no reason of ours. */
static bool reason_parse(enum reason *reason, struct cursor c)
{
	const size_t len = cursor_left(&c), skip = strlen(NFLOG_PREFIX);
	const char *text = (const char *)cursor_bytes(&c, len);

	if (len <= skip || text[len - 1] != '\0' ||
	    strncmp(text, NFLOG_PREFIX, skip) != 0)
		return false;
	for (int i = 0; i < REASON_COUNT; i++) {
		if (strcmp(text + skip, reason_code((enum reason)i)) == 0) {
			*reason = (enum reason)i;
			return true;
		}
	}
	return false;
}

static bool record_parse(struct cursor c, nflog_seen *seen, void *arg)
{
	struct nflog_packet packet = { .reason = REASON_NO_POLICY };
	struct netlink_attribute attribute;
	bool ours = false;

	(void)cursor_take(&c, sizeof(struct nfgenmsg));
	while (netlink_attribute_next(&c, &attribute)) {
		if (attribute.type == NFULA_PREFIX)
			ours = reason_parse(&packet.reason, attribute.value);
		else if (attribute.type == NFULA_PAYLOAD)
			packet_parse(&packet, attribute.value);
	}
	if (!c.failed && ours)
		seen(arg, &packet);
	return !c.failed;
}

static bool message_parse(uint16_t type, struct cursor body, nflog_seen *seen,
			  void *arg)
{
	switch (type) {
	case NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET:
		return record_parse(body, seen, arg);
	case NLMSG_NOOP:
	case NLMSG_DONE: /* the end of several records; the next follow */
		return true;
	default:
		return false;
	}
}

int nflog_read(int fd, nflog_seen *seen, void *arg)
{
	int n_lost = 0;

	for (int i = 0; i < READS_MAX; i++) {
		_Alignas(struct nlmsghdr) uint8_t bytes[16384];
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		/* Our buffer was full: the kernel dropped, and went on. */
		if (n < 0 && errno == ENOBUFS) {
			n_lost++;
			continue;
		}
		if (n < 0)
			return -errno;
		if (!nflog_parse(bytes, (size_t)n, seen, arg))
			n_lost++;
	}
	return n_lost;
}

bool nflog_parse(const uint8_t *bytes, size_t len, nflog_seen *seen, void *arg)
{
	struct cursor c = cursor_over(bytes, len);
	struct netlink_message message;

	while (netlink_message_next(&c, &message))
		if (!message_parse(message.head.nlmsg_type, message.body, seen,
				   arg))
			return false;
	return !c.failed;
}

/* --- How much of it is shown ----------------------------------------- */

static bool second_is_over(const struct nflog_budget *budget, int64_t now_ms)
{
	return now_ms - budget->second_ms >= SECOND_MS;
}

bool nflog_budget_take(struct nflog_budget *budget, int64_t now_ms)
{
	/* What is hidden is told first, and only then a second begins. */
	if (budget->n_hidden == 0 && second_is_over(budget, now_ms)) {
		budget->second_ms = now_ms;
		budget->n_shown = 0;
	}
	if (budget->n_shown < NFLOG_SHOWN_MAX) {
		budget->n_shown++;
		return true;
	}
	budget->n_hidden++;
	return false;
}

void nflog_budget_miss(struct nflog_budget *budget, uint64_t n)
{
	budget->n_hidden += n;
}

uint64_t nflog_budget_told(struct nflog_budget *budget, int64_t now_ms)
{
	uint64_t n = budget->n_hidden;

	if (n == 0 || !second_is_over(budget, now_ms))
		return 0;
	*budget = (struct nflog_budget){ .second_ms = now_ms };
	return n;
}

int nflog_budget_wait_ms(const struct nflog_budget *budget, int64_t now_ms)
{
	if (budget->n_hidden == 0)
		return -1;
	return second_is_over(budget, now_ms)
		       ? 0
		       : (int)(budget->second_ms + SECOND_MS - now_ms);
}
