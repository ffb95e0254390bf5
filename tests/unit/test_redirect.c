/* In a network namespace of its own, with the kernel's real rules. */
#include "netfilter/redirect.h"

#include "netfilter/nft.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SKIPPED 77

static struct redirect usual(void)
{
	struct redirect redirect = {
		.internal = "int0",
		.gateway4 = { .family = AF_INET, .bytes = { 10, 77, 0, 1 } },
		.gateway6 = { .family = AF_INET6,
			      .bytes = { 0xfd, 0x77, [15] = 1 } },
		.agents = { { .family = AF_INET, .bytes = { 10, 77, 0, 2 } },
			    { .family = AF_INET6,
			      .bytes = { 0xfd, 0x77, [15] = 2 } } },
		.n_agents = 2,
		.tcp_port = 15001,
		.dns_port = 15053,
		.near_dns_port = 15054,
		.log_group = 1518,
		.workers = 2,
	};

	return redirect;
}

static int open_link(void)
{
	int link = nft_open(NULL);

	assert_true(link >= 0);
	return link;
}

static void nft(const char *command)
{
	char line[256];

	(void)snprintf(line, sizeof(line), "nft '%s'", command);
	/* A shell and root are what a third hand has. NOLINTNEXTLINE */
	assert_int_equal(system(line), 0);
}

static void what_is_installed_is_what_is_read_back(void **state)
{
	struct redirect redirect = usual();
	char what[512] = "";
	int link = open_link();

	(void)state;
	assert_int_equal(redirect_verify(&redirect, link, what, sizeof(what)),
			 1);
	assert_string_equal(what, "the table is missing");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(redirect_install(&redirect, link), 0);
		what[0] = '\0';
		if (redirect_verify(&redirect, link, what, sizeof(what)) != 0)
			fail_msg("not the same: %s", what);
	}
	/* As many sources as there may be, of an address and of a prefix. */
	redirect.n_agents = REDIRECT_AGENTS_MAX;
	for (uint8_t i = 2; i < REDIRECT_AGENTS_MAX; i++)
		redirect.agents[i] =
			(struct address){ .family = AF_INET,
					  .bytes = { 10, 77, 1, i } };
	assert_int_equal(redirect_verify(&redirect, link, what, sizeof(what)),
			 1);
	assert_int_equal(redirect_install(&redirect, link), 0);
	assert_int_equal(redirect_verify(&redirect, link, what, sizeof(what)),
			 0);
	redirect.n_agents = 0;
	redirect.n_prefixes = 1;
	redirect.prefixes[0].base = redirect.agents[0];
	redirect.prefixes[0].len = 24;
	assert_int_equal(redirect_install(&redirect, link), 0);
	assert_int_equal(redirect_verify(&redirect, link, what, sizeof(what)),
			 0);
	(void)close(link);
}

static void only_a_known_card_may_send(void **state)
{
	struct redirect redirect = usual();
	char what[512] = "";
	int link = open_link();

	(void)state;
	assert_int_equal(redirect_install(&redirect, link), 0);
	memcpy(redirect.agent_mac, "\x02\x00\x0a\x4d\x00\x02", 6);
	redirect.agent_mac_known = true;
	assert_int_equal(redirect_verify(&redirect, link, what, sizeof(what)),
			 1);
	assert_non_null(strstr(what, "chain card: rule 1 is missing"));
	assert_int_equal(redirect_install(&redirect, link), 0);
	assert_int_equal(redirect_verify(&redirect, link, what, sizeof(what)),
			 0);
	/* Another one's card is another rule. */
	redirect.agent_mac[5]++;
	assert_int_equal(redirect_verify(&redirect, link, what, sizeof(what)),
			 1);
	assert_non_null(strstr(what, "chain card: rule 1 is [ payload"));
	(void)close(link);
}

static void the_limits_are_in_the_rules(void **state)
{
	struct redirect redirect = usual();
	char what[512] = "";
	int link = open_link();

	(void)state;
	/* Nothing is left of the question. */
	redirect.uncounted = !redirect_can_count(link);
	/* NOLINTNEXTLINE */
	assert_int_not_equal(system("nft list table inet sluice-probe "
				    ">/dev/null 2>&1"),
			     0);
	assert_int_equal(redirect_install(&redirect, link), 0);
	/* A kernel that cannot count has all the other rules. */
	redirect.uncounted = !redirect.uncounted;
	assert_int_equal(redirect_verify(&redirect, link, what, sizeof(what)),
			 1);
	assert_non_null(strstr(what, "chain strays: rule "));
	redirect.uncounted = true;
	assert_int_equal(redirect_install(&redirect, link), 0);
	assert_int_equal(redirect_verify(&redirect, link, what, sizeof(what)),
			 0);
	(void)close(link);
}

/* Where the kernel has no way to leave a datagram untracked, all are. */
static void without_the_means_all_questions_are_tracked(void **state)
{
	struct redirect redirect = usual();
	char what[512] = "";
	int link = open_link();

	(void)state;
	assert_true(redirect_can_untrack(link));
	assert_int_equal(redirect_install(&redirect, link), 0);
	redirect.tracked = true;
	assert_int_equal(redirect_verify(&redirect, link, what, sizeof(what)),
			 1);
	assert_non_null(strstr(what, "one too many"));
	assert_int_equal(redirect_install(&redirect, link), 0);
	assert_int_equal(redirect_verify(&redirect, link, what, sizeof(what)),
			 0);
	(void)close(link);
}

/* What another hand may do to it, and how that is told. */
static void every_change_by_another_is_found(void **state)
{
	static const struct {
		const char *command, *what;
	} all[] = {
		{ "flush ruleset", "the table is missing" },
		{ "delete table inet sluice", "the table is missing" },
		{ "flush table inet sluice", "chain answer: rule 1 is missi" },
		{ "flush chain inet sluice guard",
		  "chain guard: rule 1 is missing" },
		{ "insert rule inet sluice guard accept",
		  "chain guard: rule 1 is [ immediate reg 0 accept ], not" },
		{ "add rule inet sluice outbound counter accept",
		  "chain outbound: rule 10 is one too many" },
		{ "add chain inet sluice inbound { policy accept; }",
		  "chain inbound is filter hook 1 priority 0 policy 1" },
		{ "add chain inet sluice onward { policy accept; }",
		  "chain onward is filter hook 2" },
		{ "add chain inet sluice more "
		  "{ type nat hook prerouting priority -150; }",
		  "chain more is not ours" },
		{ "add table inet sluice { flags dormant; }",
		  "the table is flags 0x1" },
	};
	const struct redirect redirect = usual();
	int link = open_link();

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char what[512] = "";

		assert_int_equal(redirect_install(&redirect, link), 0);
		nft(all[i].command);
		assert_int_equal(redirect_verify(&redirect, link, what,
						 sizeof(what)),
				 1);
		what[strlen(all[i].what)] = '\0';
		assert_string_equal(what, all[i].what);
	}
	assert_int_equal(redirect_install(&redirect, link), 0);
	(void)close(link);
}

static void tables_of_others_are_theirs(void **state)
{
	const struct redirect redirect = usual();
	char what[512] = "";
	int link = open_link();

	(void)state;
	assert_int_equal(redirect_install(&redirect, link), 0);
	nft("add table ip sluice");
	nft("add chain ip sluice guard "
	    "{ type filter hook input priority 0; }");
	nft("add rule ip sluice guard accept");
	assert_int_equal(redirect_verify(&redirect, link, what, sizeof(what)),
			 0);
	(void)close(link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_installed_is_what_is_read_back),
		cmocka_unit_test(only_a_known_card_may_send),
		cmocka_unit_test(the_limits_are_in_the_rules),
		cmocka_unit_test(without_the_means_all_questions_are_tracked),
		cmocka_unit_test(every_change_by_another_is_found),
		cmocka_unit_test(tables_of_others_are_theirs),
	};

	if (unshare(CLONE_NEWNET) < 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return SKIPPED;
	/* Is there one at all? NOLINTNEXTLINE */
	if (system("nft list ruleset >/dev/null 2>&1") != 0)
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
