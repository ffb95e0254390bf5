#include "watch.h"

#include "log.h"
#include "netlink.h"
#include "nft.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#define READS_MAX 64 /* in one look; poll() says if there are more */
#define RETRY_MS 100 /* after a repair that failed */
#define BUFFER_BYTES (1 << 20)

/* --- Notices --------------------------------------------------------- */

/* The end of a transaction names the process that made it. */
static void author_parse(struct cursor c, char *who, size_t cap)
{
	struct netlink_attribute attribute;
	char name[64] = "?";
	uint32_t pid = 0;

	(void)cursor_take(&c, sizeof(struct nfgenmsg));
	while (netlink_attribute_next(&c, &attribute)) {
		const size_t len = cursor_left(&attribute.value);
		const void *value;

		switch (attribute.type) {
		case NFTA_GEN_PROC_PID:
			pid = cursor_u32(&attribute.value);
			break;
		case NFTA_GEN_PROC_NAME:
			value = cursor_bytes(&attribute.value, len);
			(void)log_quote(name, sizeof(name), value,
					strnlen(value, len));
			break;
		default:
			break;
		}
	}
	(void)snprintf(who, cap, "%s, pid %u", name, pid);
}

bool watch_parse(const void *bytes, size_t len, uint32_t port, char *who,
		 size_t cap)
{
	const uint16_t generation = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
	struct cursor c = cursor_over(bytes, len);
	struct netlink_message message;
	bool another = false;

	while (netlink_message_next(&c, &message)) {
		if (message.head.nlmsg_pid == port)
			continue;
		another = true;
		if (message.head.nlmsg_type == generation)
			author_parse(message.body, who, cap);
	}
	/* What cannot be read may have been anything. */
	return another || c.failed;
}

static void notices_read(struct watch *watch)
{
	for (int i = 0; i < READS_MAX; i++) {
		_Alignas(struct nlmsghdr) char bytes[32768];
		ssize_t n = recv(watch->notices, bytes, sizeof(bytes),
				 MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 || (size_t)n > sizeof(bytes)) {
			watch->suspect = true; /* ENOBUFS: some were lost */
			continue;
		}
		if (watch_parse(bytes, (size_t)n, watch->port, watch->who,
				sizeof(watch->who)))
			watch->suspect = true;
	}
}

/* --- Looking and repairing ------------------------------------------- */

int watch_init(struct watch *watch, const struct redirect *redirect)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	const int group = NFNLGRP_NFTABLES, bytes = BUFFER_BYTES;
	int error;

	*watch = (struct watch){ .redirect = redirect,
				 .notices = -1,
				 .suspect = true };
	watch->link = nft_open(&watch->port);
	if (watch->link < 0)
		return watch->link;
	watch->notices =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_NETFILTER);
	if (watch->notices < 0)
		goto fail;
	/* Beyond rmem_max where allowed; else as much as there is to have. */
	if (setsockopt(watch->notices, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
		       sizeof(bytes)) < 0)
		(void)setsockopt(watch->notices, SOL_SOCKET, SO_RCVBUF, &bytes,
				 sizeof(bytes));
	if (bind(watch->notices, (const struct sockaddr *)&any, sizeof(any)) <
		    0 ||
	    setsockopt(watch->notices, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
		       &group, sizeof(group)) < 0)
		goto fail;
	error = redirect_hold(redirect, watch->link);
	if (error < 0)
		log_warn("redirect: no table that others cannot change: %s",
			 strerror(-error));
	return 0;
fail:
	error = -errno;
	watch_done(watch);
	return error;
}

void watch_done(struct watch *watch)
{
	if (watch->notices >= 0)
		(void)close(watch->notices);
	if (watch->link >= 0)
		(void)close(watch->link);
	watch->notices = watch->link = -1;
}

/* True if that is to be told: each repair, and the first one that fails. */
static bool repair(struct watch *watch, const char *what,
		   char text[WATCH_TEXT_MAX])
{
	const bool told = watch->failed;
	int error = redirect_install(watch->redirect, watch->link);
	int forwarding = redirect_forward_nothing();

	watch->failed = error < 0;
	watch->suspect = error < 0;
	(void)snprintf(
		text, WATCH_TEXT_MAX, "%s%s%s%s: %s%s%s", what,
		watch->who[0] ? " (" : "", watch->who, watch->who[0] ? ")" : "",
		error < 0 ? "cannot be installed again: " : "installed again",
		error < 0 ? strerror(-error) : "",
		forwarding < 0 ? "; forwarding is on" : "");
	if (error == 0)
		watch->who[0] = '\0';
	if (error == 0 || !told) {
		log_err("redirect: somebody changed the rules: %s", text);
		return true;
	}
	return false;
}

bool watch_look(struct watch *watch, char text[WATCH_TEXT_MAX])
{
	char what[WATCH_TEXT_MAX / 2];
	int answer;

	notices_read(watch);
	if (!watch->suspect)
		return false;
	answer = redirect_verify(watch->redirect, watch->link, what,
				 sizeof(what));
	if (answer == 0) {
		watch->suspect = watch->failed = false;
		watch->who[0] = '\0';
		return false;
	}
	/* Rules that cannot be read are not known to be good. */
	if (answer < 0)
		(void)snprintf(what, sizeof(what), "cannot be read: %s",
			       strerror(-answer));
	return repair(watch, what, text);
}

int watch_wait_ms(const struct watch *watch)
{
	return watch->failed ? RETRY_MS : watch->suspect ? 0 : -1;
}
