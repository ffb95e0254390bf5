#include "config.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGS_MAX 32

/* In a process of its own: what is wrong ends it. Returns its status. */
static int parse(struct config *config, const char *const *given)
{
	char *args[ARGS_MAX + 1] = { strdup("sluice-gateway") };
	int argc = 1, fds[2], status;
	ssize_t n;
	pid_t pid;

	for (; given[argc - 1]; argc++) {
		assert_true(argc < ARGS_MAX);
		args[argc] = strdup(given[argc - 1]);
	}
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(STDERR_FILENO); /* the usage */
		config_parse(config, argc, args);
		_exit(write(fds[1], config, sizeof(*config)) ==
				      (ssize_t)sizeof(*config)
			      ? 0
			      : 99);
	}
	close(fds[1]);
	n = read(fds[0], config, sizeof(*config));
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(n, WEXITSTATUS(status) == 0 ? sizeof(*config) : 0);
	for (int i = 0; i < argc; i++)
		free(args[i]);
	return WEXITSTATUS(status);
}

#define PARSE(config, ...)                                               \
	parse(config,                                                    \
	      (const char *const[]){ "--internal", "eth0", "--manifest", \
				     "m.yaml", __VA_ARGS__, NULL })

static void resolvers_are_asked_in_clear_or_over_tls(void **state)
{
	struct config config;
	char text[NAMESERVER_TEXT_MAX];

	(void)state;
	assert_int_equal(PARSE(&config, "--resolver", "192.0.2.1", "--resolver",
			       "[2001:db8::1]:5353"),
			 0);
	assert_int_equal(config.n_resolvers, 2);
	assert_string_equal(nameserver_format(&config.resolvers[1], text),
			    "[2001:db8::1]:5353");
	assert_int_equal(PARSE(&config, "--resolver", "192.0.2.1#dns.test",
			       "--resolver", "[2001:db8::1]:5353#dns.test"),
			 0);
	assert_int_equal(config.n_resolvers, 2);
	assert_string_equal(nameserver_format(&config.resolvers[0], text),
			    "192.0.2.1:853#dns.test");
}

static void
a_resolver_is_no_name_and_none_is_asked_in_clear_beside_others(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(PARSE(&config, "--resolver", "dns.test"), 2);
	assert_int_equal(PARSE(&config, "--resolver", "dns.test#dns.test"), 2);
	assert_int_equal(PARSE(&config, "--resolver", "192.0.2.1#"), 2);
	assert_int_equal(PARSE(&config, "--resolver", "192.0.2.1#dns.test",
			       "--resolver", "192.0.2.2"),
			 2);
	assert_int_equal(PARSE(&config, "--resolver", "192.0.2.2", "--resolver",
			       "192.0.2.1#dns.test"),
			 2);
}

static void the_resolvers_of_a_manifest_replace_the_others(void **state)
{
	struct nameserver own = { .port = 53 }, other = { .port = 54 };
	struct config config = { .resolvers = { own }, .n_resolvers = 1 };
	struct policy *policy =
		policy_new(NULL, 0, NULL, 0, POLICY_REFUSALS_EXPLAIN);
	size_t n;

	(void)state;
	assert_non_null(policy);
	assert_int_equal(config_resolvers(&config, policy, &n)->port, 53);
	assert_int_equal(n, 1);
	policy_resolve_by(policy, &other, 1);
	assert_int_equal(config_resolvers(&config, policy, &n)->port, 54);
	assert_int_equal(n, 1);
	policy_free(policy);
}

static void options_are_read(void **state)
{
	struct config config;
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	assert_int_equal(PARSE(&config, "--resolver", "192.0.2.1", "--resolver",
			       "192.0.2.2:54", "--agent", "10.0.0.2", "--agent",
			       "fd00::2", "--workers", "3", "--ready-fd", "9",
			       "--log-level", "debug"),
			 0);
	assert_string_equal(config.redirect.internal, "eth0");
	assert_int_equal(config.redirect.tcp_port, CONFIG_TCP_PORT);
	assert_int_equal(config.redirect.dns_port, CONFIG_DNS_PORT);
	assert_int_equal(config.redirect.log_group, CONFIG_LOG_GROUP);
	assert_int_equal(config.n_resolvers, 2);
	assert_int_equal(config.resolvers[1].port, 54);
	assert_int_equal(config.redirect.n_agents, 2);
	assert_string_equal(address_format(&config.redirect.agents[1], text),
			    "fd00::2");
	assert_int_equal(config.workers, 3);
	assert_int_equal(config.redirect.workers, 3);
	assert_int_equal(config.ready_fd, 9);
	assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
	assert_null(config.audit.path);
	assert_int_equal(config.audit.full, AUDIT_FILE_FULL);
	assert_int_equal(config.audit.keep, 0);
	assert_null(config.trust);
	assert_null(config.secrets);
}

static void without_options_there_is_a_worker_for_each_core(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(PARSE(&config, "--resolver", "192.0.2.1"), 0);
	assert_in_range(config.workers, 1, CONFIG_WORKERS_MAX);
	assert_int_equal(config.ready_fd, -1);
	assert_int_equal(config.log_level, LOG_LEVEL_INFO);
	assert_int_equal(config.redirect.n_agents, 0);
}

static void a_bare_machine_is_described(void **state)
{
	struct config config;
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	assert_int_equal(PARSE(&config, "--init", "--internal-address",
			       "10.0.0.1/30", "--agent", "10.0.0.2",
			       "--agent-mac", "02:00:00:00:00:02", "--uplink",
			       "eth1", "--uplink-address", "dhcp"),
			 0);
	assert_true(config.machine.init);
	assert_string_equal(config.machine.uplink, "eth1");
	assert_true(config.machine.dhcp);
	assert_true(config.redirect.agent_mac_known);
	/* The lease names them, and not what this machine happens to have. */
	assert_int_equal(config.n_resolvers, 0);
	assert_int_equal(config_probe_interface(&config), 0);
	assert_string_equal(address_format(&config.redirect.gateway4, text),
			    "10.0.0.1");
}

static void a_wrong_command_line_is_status_2(void **state)
{
#define REST "--resolver", "192.0.2.1"
	static const char *const lines[][12] = {
		{ NULL },
		{ REST },
		{ "--internal", "eth0", REST },
		{ "--manifest", "m", REST },
		{ "--internal", "", "--manifest", "m", REST },
		{ "--internal", "abcdefghijklmnop", "--manifest", "m", REST },
		{ "--internal", "e", "--manifest", "m", REST, "more" },
		{ "--internal", "e", "--manifest", "m", REST, "--nonsense" },
		{ "--internal", "e", "--manifest", "m", "--resolver" },
		{ "--internal", "e", "--manifest", "m", REST, "--workers",
		  "0" },
		{ "--internal", "e", "--manifest", "m", REST, "--workers",
		  "65" },
		{ "--internal", "e", "--manifest", "m", REST, "--workers",
		  "-1" },
		{ "--internal", "e", "--manifest", "m", REST, "--workers",
		  "2x" },
		{ "--internal", "e", "--manifest", "m", REST, "--ready-fd",
		  "-1" },
		{ "--internal", "e", "--manifest", "m", REST, "--log-level",
		  "loud" },
		{ "--internal", "e", "--manifest", "m", REST, "--agent",
		  "agent" },
		{ "--internal", "e", "--manifest", "m", REST, "--agent",
		  "10.0.0.0/8" },
		{ "--internal", "e", "--manifest", "m", REST, "--init" },
		{ "--internal", "e", "--manifest", "m", REST, "--uplink", "u" },
		{ "--internal", "e", "--manifest", "m", REST, "--uplink",
		  "abcdefghijklmnop" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct config config;

		if (parse(&config, lines[i]) != 2)
			fail_msg("command line %zu was taken", i);
	}
}

static void no_more_are_taken_than_there_is_room_for(void **state)
{
	struct config config;
	const char *line[ARGS_MAX] = { "--internal", "e", "--manifest", "m" };

	(void)state;
	for (size_t i = 0; i < NAMESERVERS_MAX; i++) {
		line[4 + 2 * i] = "--resolver";
		line[5 + 2 * i] = "192.0.2.1";
	}
	assert_int_equal(parse(&config, line), 0);
	assert_int_equal(config.n_resolvers, NAMESERVERS_MAX);
	line[4 + 2 * NAMESERVERS_MAX] = "--resolver";
	line[5 + 2 * NAMESERVERS_MAX] = "192.0.2.1";
	assert_int_equal(parse(&config, line), 2);
}

static void an_interface_must_be_there_and_have_an_address(void **state)
{
	struct config config = { .redirect = { .internal = "sl-nosuch" } };
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	char text[ADDRESS_TEXT_MAX];
	int fd;

	(void)state;
	log_set(LOG_LEVEL_ERR, "test");
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 &&
	    unshare(CLONE_NEWNET) < 0)
		skip();
	assert_int_equal(config_probe_interface(&config), -ENODEV);
	strcpy(config.redirect.internal, "lo");
	assert_int_equal(config_probe_interface(&config), -EADDRNOTAVAIL);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &up), 0);
	close(fd);
	assert_int_equal(config_probe_interface(&config), 0);
	assert_string_equal(address_format(&config.redirect.gateway4, text),
			    "127.0.0.1");
	assert_true(config.redirect.n_prefixes >= 1);
	assert_string_equal(address_format(&config.redirect.prefixes[0].base,
					   text),
			    "127.0.0.0");
	assert_int_equal(config.redirect.prefixes[0].len, 8);
}

static void prefixes_may_be_out_of_bounds(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(PARSE(&config, "--never-dial", "10.0.2.0/24",
			       "--never-dial", "fd00::/64", "--never-dial",
			       "192.0.2.1"),
			 0);
	assert_int_equal(config.n_never, 3);
	assert_int_equal(config.never[0].len, 24);
	assert_int_equal(config.never[2].len, 32);
	assert_int_equal(PARSE(&config, "--never-dial", "10.0.2.2/24"), 2);
	assert_int_equal(PARSE(&config, "--never-dial", "example.org"), 2);
	assert_int_equal(PARSE(&config, "--never-dial", ""), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_may_be_out_of_bounds),
		cmocka_unit_test(resolvers_are_asked_in_clear_or_over_tls),
		cmocka_unit_test(
			a_resolver_is_no_name_and_none_is_asked_in_clear_beside_others),
		cmocka_unit_test(
			the_resolvers_of_a_manifest_replace_the_others),
		cmocka_unit_test(options_are_read),
		cmocka_unit_test(
			without_options_there_is_a_worker_for_each_core),
		cmocka_unit_test(a_bare_machine_is_described),
		cmocka_unit_test(a_wrong_command_line_is_status_2),
		cmocka_unit_test(no_more_are_taken_than_there_is_room_for),
		cmocka_unit_test(
			an_interface_must_be_there_and_have_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
