#include "options.h"

#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 32
#define GATEWAY "--gateway 10.77.0.1 "

/* The words of a line, which are those of the command too. */
static enum options_result parsed(const char *line, bool bare,
				  struct options *options)
{
	static char text[512];
	static char *argv[WORDS_MAX];
	int argc = 0;

	assert_true(strlen(line) < sizeof(text));
	memcpy(text, line, strlen(line) + 1);
	argv[argc++] = text + strlen(text);
	for (char *at = strtok(text, " "); at; at = strtok(NULL, " "))
		argv[argc++] = at;
	argv[argc] = NULL;
	optind = 0;
	return options_parse(argc, argv, bare, options);
}

static void a_bare_machine_has_more(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parsed(GATEWAY
				"--root /dev/vda --scratch /dev/vdb "
				"--share work /home/me --hostname box-1 "
				"--address 10.77.0.2/30 --address fd00::2/126 "
				"--env A=1 --env B= --terminal 24x80 xterm "
				"--interface mac=52:54:00:77:00:02 -- sh -c x",
				true, &options),
			 OPTIONS_RUN);
	assert_string_equal(options.root.device, "/dev/vda");
	assert_string_equal(options.root.scratch, "/dev/vdb");
	assert_string_equal(options.root.share_tag, "work");
	assert_string_equal(options.root.share_path, "/home/me");
	assert_string_equal(options.workdir, "/home/me");
	assert_string_equal(options.hostname, "box-1");
	assert_int_equal(options.network.n_addresses, 2);
	assert_int_equal(options.network.addresses[0].len, 30);
	assert_int_equal(options.network.addresses[1].len, 126);
	assert_int_equal(options.n_environment, 2);
	assert_string_equal(options.environment[1], "B=");
	assert_true(options.terminal.wanted);
	assert_int_equal(options.terminal.rows, 24);
	assert_int_equal(options.terminal.columns, 80);
	assert_string_equal(options.terminal.type, "xterm");
	assert_true(options.network.card.known);
	assert_string_equal(options.command[0], "sh");
	assert_string_equal(options.command[2], "x");
}

static void what_a_bare_machine_is_told_is_judged(void **state)
{
	static const char *const bad[] = {
		"-- sh", /* no root */
		"--root /dev/vda --address 10.77.0.2 -- sh",
		"--root /dev/vda --address 10.77.0.2/0 -- sh",
		"--root /dev/vda --address 10.77.0.2/33 -- sh",
		"--root /dev/vda --address 10.77.0.2/30x -- sh",
		"--root /dev/vda --address /30 -- sh",
		"--root /dev/vda --address 127.0.0.1/8 -- sh",
		"--root /dev/vda --address fe80::1/64 -- sh",
		"--root /dev/vda --address 10.0.0.1/8 --address 10.0.0.2/8 -- sh",
		"--root /dev/vda --share work home -- sh",
		"--root /dev/vda --share work",
		"--root /dev/vda --hostname -x -- sh",
		"--root /dev/vda --hostname a_b -- sh",
		"--root /dev/vda --env A -- sh",
		"--root /dev/vda --env =1 -- sh",
		"--root /dev/vda --terminal 24 xterm -- sh",
		"--root /dev/vda --terminal 0x80 xterm -- sh",
		"--root /dev/vda --terminal 24x80x xterm -- sh",
		"--root /dev/vda --terminal 24x65536 xterm -- sh",
		"--root /dev/vda --terminal 24x80",
		"--root /dev/vda --report a/b -- sh",
		"--root /dev/vda --exec -- sh",
		"--root /dev/vda --nonsense -- sh",
		"--root /dev/vda",
	};
	struct options options;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char line[256] = GATEWAY;

		if (parsed(strncat(line, bad[i], 200), true, &options) !=
		    OPTIONS_BAD)
			fail_msg("%s", bad[i]);
	}
}

static void elsewhere_that_is_not_for_us(void **state)
{
	static const char *const bad[] = {
		"--root /dev/vda -- sh",
		"--env A=1 -- sh",
		"--address 10.0.0.1/8 -- sh",
		"--terminal 24x80 xterm -- sh",
	};
	struct options options;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char line[256] = GATEWAY;

		if (parsed(strncat(line, bad[i], 200), false, &options) !=
		    OPTIONS_BAD)
			fail_msg("%s", bad[i]);
	}
	assert_int_equal(parsed(GATEWAY "-- sh", false, &options), OPTIONS_RUN);
	assert_string_equal(options.network.interface, "eth0");
}

static void more_variables_than_fit_are_refused(void **state)
{
	static char *argv[2 * OPTIONS_ENVIRONMENT_MAX + 16];
	static char words[][16] = { "sluice-init", "--gateway", "10.77.0.1",
				    "--root",      "/dev/vda",  "--env",
				    "A=1",         "--",        "sh" };
	struct options options;
	int argc = 0;

	(void)state;
	for (int more = 0; more < 2; more++) {
		for (argc = 0; argc < 5; argc++)
			argv[argc] = words[argc];
		for (int i = 0; i < OPTIONS_ENVIRONMENT_MAX + more; i++) {
			argv[argc++] = words[5];
			argv[argc++] = words[6];
		}
		argv[argc++] = words[7];
		argv[argc++] = words[8];
		argv[argc] = NULL;
		optind = 0;
		assert_int_equal(options_parse(argc, argv, true, &options),
				 more ? OPTIONS_BAD : OPTIONS_RUN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_machine_has_more),
		cmocka_unit_test(what_a_bare_machine_is_told_is_judged),
		cmocka_unit_test(elsewhere_that_is_not_for_us),
		cmocka_unit_test(more_variables_than_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
