#include "watch.h"

#include "log.h"
#include "nft.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#define READS_MAX 64 /* in one look; poll() says if there are more */
#define RETRY_MS 100 /* after a repair that failed */
#define BUFFER_BYTES (1 << 20)

/* --- Notices --------------------------------------------------------- */

struct author {
	char name[64];
	uint32_t pid;
};

static int author_attribute(const struct nlattr *attribute, void *arg)
{
	struct author *author = arg;
	const size_t len = mnl_attr_get_payload_len(attribute);
	const char *value = mnl_attr_get_payload(attribute);

	if (mnl_attr_get_type(attribute) == NFTA_GEN_PROC_PID &&
	    len == sizeof(author->pid))
		author->pid = ntohl(mnl_attr_get_u32(attribute));
	else if (mnl_attr_get_type(attribute) == NFTA_GEN_PROC_NAME)
		(void)log_quote(author->name, sizeof(author->name), value,
				strnlen(value, len));
	return MNL_CB_OK;
}

/* The end of a transaction names the process that made it. */
static void author_parse(const struct nlmsghdr *message, char *who, size_t cap)
{
	struct author author = { .name = "?" };

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg))
		return;
	(void)mnl_attr_parse(message, sizeof(struct nfgenmsg), author_attribute,
			     &author);
	(void)snprintf(who, cap, "%s, pid %u", author.name, author.pid);
}

bool watch_parse(const void *bytes, size_t len, uint32_t port, char *who,
		 size_t cap)
{
	const uint16_t generation = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
	const struct nlmsghdr *message = bytes;
	int left = (int)len;
	bool another = false;

	for (; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_pid == port)
			continue;
		another = true;
		if (message->nlmsg_type == generation)
			author_parse(message, who, cap);
	}
	/* What cannot be read may have been anything. */
	return another || left != 0;
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
