/*
 * netlink.h - netlink's messages and attributes, read with a cursor
 *
 * libmnl's loops trust the lengths that they find: one above INT32_MAX, or one
 * that is no multiple of four at the end, leads them out of the datagram. The
 * kernel writes no such thing; but these are read by who holds CAP_NET_ADMIN.
 */
#ifndef SLUICE_NETLINK_H
#define SLUICE_NETLINK_H

#include "cursor.h"

#include <string.h>

#include <linux/netlink.h>

struct netlink_message {
	struct nlmsghdr head;
	struct cursor body;
};

struct netlink_attribute {
	uint16_t type; /* without its flags */
	struct cursor value;
};

/* The rest of what began with a header of @header bytes and is @len in all. */
static inline struct cursor netlink_body(struct cursor *c, size_t len,
					 size_t header)
{
	struct cursor body;
	size_t padding;

	if (len < header)
		c->failed = true;
	body = cursor_take(c, len - header);
	/* It may be missing at the very end. */
	padding = (4 - len % 4) % 4;
	if (padding > cursor_left(c))
		padding = cursor_left(c);
	(void)cursor_bytes(c, padding);
	return body;
}

/* False at the end of @c, and where it is malformed: then it has failed. */
static inline bool netlink_message_next(struct cursor *c,
					struct netlink_message *message)
{
	const uint8_t *head;

	if (!cursor_left(c))
		return false;
	head = cursor_bytes(c, sizeof(message->head));
	if (!head)
		return false;
	/* Netlink's own numbers are in the byte order of the machine. */
	memcpy(&message->head, head, sizeof(message->head));
	message->body =
		netlink_body(c, message->head.nlmsg_len, sizeof(message->head));
	return !c->failed;
}

/* As netlink_message_next(). */
static inline bool netlink_attribute_next(struct cursor *c,
					  struct netlink_attribute *attribute)
{
	struct nlattr head;
	const uint8_t *bytes;

	if (!cursor_left(c))
		return false;
	bytes = cursor_bytes(c, sizeof(head));
	if (!bytes)
		return false;
	memcpy(&head, bytes, sizeof(head));
	attribute->type = (uint16_t)(head.nla_type & NLA_TYPE_MASK);
	attribute->value = netlink_body(c, head.nla_len, sizeof(head));
	return !c->failed;
}

#endif
