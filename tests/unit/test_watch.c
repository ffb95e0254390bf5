/* In a network namespace of its own, with the kernel's real notices. */
#include "netfilter/watch.h"

#include "log.h"
#include "netfilter/nft.h"

#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#define SKIPPED 77

static const struct redirect usual = {
	.internal = "int0",
	.gateway4 = { .family = AF_INET, .bytes = { 10, 77, 0, 1 } },
	.agents = { { .family = AF_INET, .bytes = { 10, 77, 0, 2 } } },
	.n_agents = 1,
	.tcp_port = 15001,
	.dns_port = 15053,
	.near_dns_port = 15054,
	.log_group = 1518,
};

static struct watch begin(void)
{
	struct watch watch;
	char text[WATCH_TEXT_MAX];

	assert_int_equal(watch_init(&watch, &usual), 0);
	assert_int_equal(redirect_install(&usual, watch.link), 0);
	assert_int_equal(watch_wait_ms(&watch), 0);
	assert_false(watch_look(&watch, text));
	assert_int_equal(watch_wait_ms(&watch), -1);
	return watch;
}

/* The kernel has queued the notice when nft returns. */
static void nft(const char *command)
{
	char line[256];

	(void)snprintf(line, sizeof(line), "nft '%s'", command);
	/* A shell and root are what a third hand has. NOLINTNEXTLINE */
	assert_int_equal(system(line), 0);
}

static bool is_noticed(const struct watch *watch)
{
	struct pollfd polled = { .fd = watch->notices, .events = POLLIN };

	return poll(&polled, 1, 1000) > 0;
}

static void assert_whole(struct watch *watch)
{
	char what[256];

	assert_int_equal(
		redirect_verify(&usual, watch->link, what, sizeof(what)), 0);
}

static void what_another_changed_is_put_back(void **state)
{
	static const struct {
		const char *command, *text;
	} all[] = {
		{ "flush ruleset", "the table is missing (nft, pid " },
		{ "delete table inet sluice", "the table is missing (nft, " },
		{ "flush table inet sluice", "chain answer: rule 1 is missi" },
		{ "insert rule inet sluice guard accept",
		  "chain guard: rule 1 is [ immediate reg 0 accept ], not" },
	};
	struct watch watch = begin();

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char text[WATCH_TEXT_MAX];

		nft(all[i].command);
		assert_true(is_noticed(&watch));
		assert_true(watch_look(&watch, text));
		assert_non_null(strstr(text, ": installed again"));
		text[strlen(all[i].text)] = '\0';
		assert_string_equal(text, all[i].text);
		assert_whole(&watch);
		/* Its own repair is no reason for another look. */
		assert_false(watch_look(&watch, text));
		assert_int_equal(watch_wait_ms(&watch), -1);
	}
	watch_done(&watch);
}

static void what_concerns_others_is_let_be(void **state)
{
	struct watch watch = begin();
	char text[WATCH_TEXT_MAX];

	(void)state;
	nft("add table ip theirs");
	assert_true(is_noticed(&watch));
	assert_false(watch_look(&watch, text));
	watch_done(&watch);
}

static void notices_that_were_lost_are_made_up_for(void **state)
{
	struct watch watch = begin();
	const int little = 1;
	char text[WATCH_TEXT_MAX];

	(void)state;
	assert_int_equal(setsockopt(watch.notices, SOL_SOCKET, SO_RCVBUF,
				    &little, sizeof(little)),
			 0);
	/* Its own changes fill the buffer; the other's finds no room. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(redirect_install(&usual, watch.link), 0);
	nft("delete table inet sluice");
	assert_true(watch_look(&watch, text));
	assert_whole(&watch);
	watch_done(&watch);
}

/* --- without a kernel --- */

struct notice {
	_Alignas(4) struct nlmsghdr head;
	struct nfgenmsg generic;
	struct nlattr pid_head;
	uint32_t pid;
	struct nlattr name_head;
	char name[8];
};

static struct notice notice_of(uint32_t port)
{
	struct notice n = {
		.head = { .nlmsg_len = sizeof(n),
			  .nlmsg_type =
				  NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN,
			  .nlmsg_pid = port },
		.pid_head = { sizeof(struct nlattr) + 4, NFTA_GEN_PROC_PID },
		.pid = htonl(77),
		.name_head = { sizeof(struct nlattr) + 8, NFTA_GEN_PROC_NAME },
		.name = "a\"b\x01",
	};

	return n;
}

static void a_notice_is_ones_own_by_its_port(void **state)
{
	struct notice two[2] = { notice_of(5), notice_of(5) };
	char who[96] = "";

	(void)state;
	assert_false(watch_parse(two, sizeof(two), 5, who, sizeof(who)));
	assert_string_equal(who, "");
	two[1].head.nlmsg_pid = 6;
	assert_true(watch_parse(two, sizeof(two), 5, who, sizeof(who)));
	assert_string_equal(who, "a\\\"b\\x01, pid 77");
}

static void a_notice_cut_anywhere_is_a_reason_to_look(void **state)
{
	struct notice n = notice_of(5);
	char who[96];

	(void)state;
	for (size_t len = 1; len < sizeof(n); len++)
		assert_true(watch_parse(&n, len, 5, who, sizeof(who)));
	n.head.nlmsg_pid = 6;
	for (uint32_t len = sizeof(n.head); len < sizeof(n); len++) {
		n.head.nlmsg_len = len;
		assert_true(watch_parse(&n, sizeof(n), 5, who, sizeof(who)));
	}
}

/* One above INT32_MAX, and one that is no multiple of four. */
static void a_length_leads_nowhere_else(void **state)
{
	static const uint32_t lens[] = { 0x80000010, 0xd1d1d1d1, UINT32_MAX,
					 sizeof(struct notice) - 1 };
	char who[96];

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		struct notice n = notice_of(5);

		n.head.nlmsg_len = lens[i];
		assert_int_equal(watch_parse(&n, sizeof(n), 5, who,
					     sizeof(who)),
				 lens[i] > sizeof(n));
		n.head.nlmsg_len = sizeof(n);
		n.name_head.nla_len = (uint16_t)lens[i];
		n.head.nlmsg_pid = 6;
		assert_true(watch_parse(&n, sizeof(n), 5, who, sizeof(who)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_notice_is_ones_own_by_its_port),
		cmocka_unit_test(a_notice_cut_anywhere_is_a_reason_to_look),
		cmocka_unit_test(a_length_leads_nowhere_else),
		cmocka_unit_test(what_another_changed_is_put_back),
		cmocka_unit_test(what_concerns_others_is_let_be),
		cmocka_unit_test(notices_that_were_lost_are_made_up_for),
	};

	if (unshare(CLONE_NEWNET) < 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return SKIPPED;
	/* Is there one at all? NOLINTNEXTLINE */
	if (system("nft list ruleset >/dev/null 2>&1") != 0)
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
