#include "netfilter/watch.h"

#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* What is said about another's program can go into a record as it is. */
static void check_plain(const char *who, size_t cap)
{
	size_t n = strnlen(who, cap);

	check(n < cap);
	for (size_t i = 0; i < n; i++)
		check(who[i] >= ' ' && who[i] <= '~');
}

/* Nothing but whole messages of @port, one after the other. */
static void check_our_own(const uint8_t *bytes, size_t len, uint32_t port)
{
	while (len > 0) {
		struct nlmsghdr head;
		size_t whole;

		check(len >= sizeof(head));
		memcpy(&head, bytes, sizeof(head));
		check(head.nlmsg_pid == port);
		check(head.nlmsg_len >= sizeof(head) && head.nlmsg_len <= len);
		whole = NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (whole > len)
			whole = len;
		bytes += whole;
		len -= whole;
	}
}

/* What is let pass was ours, all of it; the first four bytes are our port. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint32_t port;
	char who[96] = "", little[4] = "";
	uint8_t *bytes;
	bool another;

	if (len < sizeof(port))
		return 0;
	memcpy(&port, data, sizeof(port));
	len -= sizeof(port);
	/* Of its own, so that a read beyond it is seen. */
	bytes = malloc(len);
	check(bytes || len == 0);
	if (len > 0)
		memcpy(bytes, data + sizeof(port), len);
	another = watch_parse(bytes, len, port, who, sizeof(who));
	check_plain(who, sizeof(who));
	if (!another) {
		check_our_own(bytes, len, port);
		check(who[0] == '\0');
		/* From any other port, it is another's. */
		check(len == 0 ||
		      watch_parse(bytes, len, ~port, little, sizeof(little)));
	} else {
		check(watch_parse(bytes, len, port, little, sizeof(little)));
	}
	check(strnlen(little, sizeof(little)) < sizeof(little));
	free(bytes);
	return 0;
}
