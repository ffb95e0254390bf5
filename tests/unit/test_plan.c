#include "plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void make(struct plan *plan, struct plan_options *options)
{
	static char resolvers[2][PLAN_RESOLVER_TEXT_MAX] = {
		"192.0.2.53", "192.0.2.54:5353"
	};
	static char ls[] = "ls";
	static char all[] = "-l";
	static char *command[] = { ls, all, NULL };

	*options = (struct plan_options){
		.manifest = "/m",
		.audit = "/a",
		.gateway_program = "/bin/gateway",
		.init_program = "/bin/init",
		.workdir = "/home",
		.resolvers = resolvers,
		.n_resolvers = 2,
		.uid = 1000,
		.gid = 100,
		.command = command,
	};
	assert_int_equal(netns_plan(options, plan), 0);
}

static void assert_words(const char *const *argv, const char *words)
{
	char text[2048] = "";
	size_t len = 0;

	for (size_t i = 0; argv[i]; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
					i > 0 ? " " : "", argv[i]);
	assert_string_equal(text, words);
}

static void the_gateway_is_told_of_both_sides(void **state)
{
	struct plan_options options;
	struct plan plan;

	(void)state;
	make(&plan, &options);
	assert_int_equal(plan_fill(&plan, "gateway", "{fd}", "7"), 0);
	assert_words(plan_argv(&plan, "gateway"),
		     "/bin/gateway --internal int0 --manifest /m "
		     "--agent 10.77.0.2 --agent fd73:6c75:6963:1::2 "
		     "--resolver 192.0.2.53 --resolver 192.0.2.54:5353 "
		     "--audit /a --log-level err --ready-fd 7");
	plan_done(&plan);
}

static void trust_secrets_and_verbosity_are_passed_on(void **state)
{
	struct plan_options options;
	struct plan plan;

	(void)state;
	make(&plan, &options);
	plan_done(&plan);
	options.trust = "/t";
	options.secrets = "/s";
	options.verbose = true;
	options.n_resolvers = 0;
	assert_int_equal(netns_plan(&options, &plan), 0);
	assert_int_equal(plan_fill(&plan, "gateway", "{fd}", "3"), 0);
	assert_words(plan_argv(&plan, "gateway"),
		     "/bin/gateway --internal int0 --manifest /m "
		     "--agent 10.77.0.2 --agent fd73:6c75:6963:1::2 "
		     "--audit /a --trust /t --secrets /s --log-level info "
		     "--ready-fd 3");
	plan_done(&plan);
}

static void the_command_follows_init_as_it_is(void **state)
{
	struct plan_options options;
	struct plan plan;

	(void)state;
	make(&plan, &options);
	assert_words(plan_argv(&plan, "agent"),
		     "/bin/init --gateway 10.77.0.1 "
		     "--gateway6 fd73:6c75:6963:1::1 "
		     "--interface eth0 --user 1000:100 "
		     "--workdir /home -- ls -l");
	plan_done(&plan);
}

/* Without these, what the gateway reaches includes the host's loopback. */
static void the_uplink_forwards_nothing_by_itself(void **state)
{
	struct plan_options options;
	struct plan plan;

	(void)state;
	make(&plan, &options);
	assert_int_equal(plan_fill(&plan, "uplink", "{pid}", "42"), 0);
	assert_words(plan_argv(&plan, "uplink"),
		     "pasta --config-net --foreground --quiet "
		     "--tcp-ports none --udp-ports none --tcp-ns none "
		     "--udp-ns none --no-map-gw --ns-ifname up0 42");
	plan_done(&plan);
}

/* A word of the user's that looks like ours is the user's. */
static void only_the_step_that_is_named_is_filled_in(void **state)
{
	static char word[] = "{fd}";
	static char *command[] = { word, NULL };
	struct plan_options options;
	struct plan plan;

	(void)state;
	make(&plan, &options);
	plan_done(&plan);
	options.command = command;
	assert_int_equal(netns_plan(&options, &plan), 0);
	assert_int_equal(plan_fill(&plan, "gateway", "{fd}", "7"), 0);
	assert_ptr_equal(plan_argv(&plan, "agent")[12], word);
	plan_done(&plan);
}

static void a_plan_is_printed_as_a_shell_would_take_it(void **state)
{
	static char first[] = "it's";
	static char second[] = "";
	static char *command[] = { first, second, NULL };
	struct plan_options options;
	struct plan plan;
	char text[4096] = "";
	FILE *out;

	(void)state;
	make(&plan, &options);
	plan_done(&plan);
	options.command = command;
	assert_int_equal(netns_plan(&options, &plan), 0);
	out = fmemopen(text, sizeof(text), "w");
	assert_non_null(out);
	plan_print(&plan, out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "\nuplink (host):\n  pasta "));
	assert_non_null(strstr(text, " -- 'it'\\''s' ''\n"));
	plan_done(&plan);
}

static void the_two_ends_are_in_one_network(void **state)
{
	struct plan_options options;
	struct prefix prefix4;
	struct prefix prefix6;
	struct plan plan;
	char text[64];

	(void)state;
	make(&plan, &options);
	(void)snprintf(text, sizeof(text), "10.77.0.0/%d", PLAN_PREFIX4);
	assert_true(prefix_parse(&prefix4, text, strlen(text)));
	(void)snprintf(text, sizeof(text), "fd73:6c75:6963:1::/%d",
		       PLAN_PREFIX6);
	assert_true(prefix_parse(&prefix6, text, strlen(text)));
	assert_true(prefix_holds(&prefix4, &plan.gateway4));
	assert_true(prefix_holds(&prefix4, &plan.agent4));
	assert_true(prefix_holds(&prefix6, &plan.gateway6));
	assert_true(prefix_holds(&prefix6, &plan.agent6));
	plan_done(&plan);
}

static void resolvers_are_taken_from_resolv_conf(void **state)
{
	char found[PLAN_RESOLVERS_MAX][PLAN_RESOLVER_TEXT_MAX];
	size_t n;

	(void)state;
	assert_int_equal(plan_resolvers_parse("# nameserver 192.0.2.9\n"
					      "search example.org\n"
					      "nameserver 192.0.2.1\r\n"
					      "nameserver\t2001:db8::1 # a\n"
					      "nameserver fe80::1%eth0\n"
					      "nameserver nonsense\n"
					      "nameservers 192.0.2.8\n"
					      "nameserver 127.0.0.1\n"
					      "nameserver 192.0.2.2",
					      found, &n),
			 PLAN_RESOLVERS_FOUND);
	assert_int_equal(n, 3);
	assert_string_equal(found[0], "192.0.2.1");
	assert_string_equal(found[1], "2001:db8::1");
	assert_string_equal(found[2], "192.0.2.2");
}

static void loopback_resolvers_are_no_use_but_a_hint(void **state)
{
	static const char *const texts[] = {
		"nameserver 127.0.0.53\n",
		"nameserver ::1\n",
		"nameserver 127.0.0.1\nnameserver 127.0.0.53\n",
	};
	char found[PLAN_RESOLVERS_MAX][PLAN_RESOLVER_TEXT_MAX];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(plan_resolvers_parse(texts[i], found, &n),
				 PLAN_RESOLVERS_LOOPBACK);
		assert_int_equal(n, 0);
	}
	assert_int_equal(plan_resolvers_parse("", found, &n),
			 PLAN_RESOLVERS_NONE);
}

static void more_resolvers_than_fit_are_left_out(void **state)
{
	char found[PLAN_RESOLVERS_MAX][PLAN_RESOLVER_TEXT_MAX];
	char text[1024] = "";
	size_t len = 0;
	size_t n;

	(void)state;
	for (int i = 1; i <= PLAN_RESOLVERS_MAX + 1; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"nameserver 192.0.2.%d\n", i);
	assert_int_equal(plan_resolvers_parse(text, found, &n),
			 PLAN_RESOLVERS_FOUND);
	assert_int_equal(n, PLAN_RESOLVERS_MAX);
}

static void a_user_is_a_number_or_two(void **state)
{
	static const char *const refused[] = {
		"",
		":",
		"1000:",
		":100",
		"-1",
		"+1",
		" 1",
		"1000 ",
		"1000:100:1",
		"agent",
		"1:-1",
		"0x10",
		"4294967295",
		"1:4294967295",
		"99999999999999999999",
	};
	uid_t uid = 7;
	gid_t gid = 8;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (plan_user_parse(refused[i], &uid, &gid))
			fail_msg("'%s' was taken for a user", refused[i]);
	assert_int_equal(uid, 7);
	assert_int_equal(gid, 8);

	assert_true(plan_user_parse("1000", &uid, &gid));
	assert_int_equal(uid, 1000);
	assert_int_equal(gid, 1000);
	assert_true(plan_user_parse("0:4294967294", &uid, &gid));
	assert_int_equal(uid, 0);
	assert_int_equal(gid, 4294967294);
}

static void the_record_is_where_xdg_says(void **state)
{
	char path[PATH_MAX];
	char home[PATH_MAX];

	(void)state;
	assert_true(plan_audit_file("/state", "/home/a", path));
	assert_string_equal(path, "/state/sluice/audit.jsonl");
	assert_true(plan_audit_file("relative", "/home/a", path));
	assert_string_equal(path, "/home/a/.local/state/sluice/audit.jsonl");
	assert_true(plan_audit_file(NULL, "/home/a", path));
	assert_string_equal(path, "/home/a/.local/state/sluice/audit.jsonl");
	assert_false(plan_audit_file(NULL, NULL, path));
	assert_false(plan_audit_file("", "", path));

	memset(home, 'a', sizeof(home));
	home[0] = '/';
	home[sizeof(home) - 1] = '\0';
	assert_false(plan_audit_file(NULL, home, path));
}

static void make_machines(struct plan *plan, struct plan_options *options)
{
	make(plan, options);
	plan_done(plan);
	options->secrets = "/s";
	options->machines = (struct plan_machines){
		.trust = "/bundle",
		.share_program = "/bin/virtiofsd",
		.mke2fs = "/sbin/mke2fs",
		.agent_mib = 96,
		.gateway_mib = 128,
	};
	assert_int_equal(qemu_plan(options, plan), 0);
}

/* How many words of the step have @text in them. */
static size_t count(const struct plan *plan, const char *step, const char *text)
{
	const char *const *argv = plan_argv(plan, step);
	size_t n = 0;

	for (; *argv; argv++)
		if (strstr(*argv, text))
			n++;
	return n;
}

static void the_agents_machine_has_one_card_and_it_is_on_the_wire(void **state)
{
	struct plan_options options;
	struct plan plan;

	(void)state;
	make_machines(&plan, &options);
	assert_int_equal(count(&plan, "agent-machine", "virtio-net"), 1);
	assert_int_equal(count(&plan, "agent-machine", "-netdev"), 1);
	assert_int_equal(count(&plan, "agent-machine",
			       "dgram,id=wire,local.type=fd,local.str={wire}"),
			 1);
	assert_int_equal(count(&plan, "gateway-machine", "virtio-net"), 2);
	assert_int_equal(count(&plan, "gateway-machine",
			       "dgram,id=wire,local.type=fd,local.str={wire}"),
			 1);
	/* What qemu adds by itself would be another way out. */
	assert_int_equal(count(&plan, "agent-machine", "-nodefaults"), 1);
	assert_int_equal(count(&plan, "gateway-machine", "-nodefaults"), 1);
	plan_done(&plan);
}

/* The host's loopback is in them; see the end-to-end test. */
static void the_uplinks_own_networks_are_never_dialled(void **state)
{
	struct plan_options options;
	struct plan plan;

	(void)state;
	make_machines(&plan, &options);
	assert_int_equal(count(&plan, "gateway-machine",
			       "net=10.0.2.0/24,host=10.0.2.2,"
			       "ipv6-net=fd00:736c:7569:6365::/64,"),
			 1);
	assert_int_equal(count(&plan, "gateway", "--never-dial"), 2);
	assert_int_equal(count(&plan, "gateway", "10.0.2.0/24"), 1);
	assert_int_equal(count(&plan, "gateway", "fd00:736c:7569:6365::/64"),
			 1);
	plan_done(&plan);
}

static void only_the_gateways_machine_has_manifest_and_secrets(void **state)
{
	struct plan_options options;
	struct plan plan;
	size_t n = 0;

	(void)state;
	make_machines(&plan, &options);
	for (size_t i = 0; i < plan.n_files; i++) {
		const struct plan_file *file = &plan.files[i];

		if (strcmp(file->from, "/s") != 0 &&
		    strcmp(file->from, "/m") != 0)
			continue;
		assert_string_equal(file->where, PLAN_GATEWAY);
		assert_memory_equal(file->path, PLAN_RUN_FOLDER,
				    strlen(PLAN_RUN_FOLDER));
		n++;
	}
	assert_int_equal(n, 2);
	assert_int_equal(count(&plan, "gateway-machine", "secrets"), 0);
	plan_done(&plan);
}

static void a_root_of_its_own_is_the_first_disk(void **state)
{
	struct plan_options options;
	struct plan plan;

	(void)state;
	make_machines(&plan, &options);
	assert_int_equal(count(&plan, "agent", "virtiofs:root"), 1);
	assert_int_equal(count(&plan, "agent", "/dev/vda"), 1);
	assert_int_equal(count(&plan, "agent", "/dev/vdb"), 0);
	plan_done(&plan);
	options.root = "/image";
	assert_int_equal(qemu_plan(&options, &plan), 0);
	assert_int_equal(count(&plan, "agent", "virtiofs:root"), 0);
	assert_int_equal(count(&plan, "agent", "/dev/vda"), 1);
	assert_int_equal(count(&plan, "agent", "/dev/vdb"), 1);
	assert_int_equal(count(&plan, "agent-machine",
			       "driver=raw,node-name=root,read-only=on"),
			 1);
	plan_done(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_agents_machine_has_one_card_and_it_is_on_the_wire),
		cmocka_unit_test(the_uplinks_own_networks_are_never_dialled),
		cmocka_unit_test(
			only_the_gateways_machine_has_manifest_and_secrets),
		cmocka_unit_test(a_root_of_its_own_is_the_first_disk),
		cmocka_unit_test(the_gateway_is_told_of_both_sides),
		cmocka_unit_test(trust_secrets_and_verbosity_are_passed_on),
		cmocka_unit_test(the_command_follows_init_as_it_is),
		cmocka_unit_test(the_uplink_forwards_nothing_by_itself),
		cmocka_unit_test(only_the_step_that_is_named_is_filled_in),
		cmocka_unit_test(a_plan_is_printed_as_a_shell_would_take_it),
		cmocka_unit_test(the_two_ends_are_in_one_network),
		cmocka_unit_test(resolvers_are_taken_from_resolv_conf),
		cmocka_unit_test(loopback_resolvers_are_no_use_but_a_hint),
		cmocka_unit_test(more_resolvers_than_fit_are_left_out),
		cmocka_unit_test(a_user_is_a_number_or_two),
		cmocka_unit_test(the_record_is_where_xdg_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
