/*
 * In a network namespace whose loopback interface is the uplink. The client
 * is played; what it starts is real, and so is the kernel.
 */
#include "machine/uplink.h"

#include <ifaddrs.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <net/if.h>

#include <cmocka.h>

#define SKIPPED 77

static struct config config;
static struct uplink uplink;

static int start(void **state)
{
	int ends[2];

	(void)state;
	config = (struct config){
		.machine = { .init = true, .uplink = "lo", .dhcp = true }
	};
	assert_true(machine_add_internal(&config.machine, "10.77.0.1/24"));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	uplink = (struct uplink){ .config = &config,
				  .client = 1,
				  .leases = ends[0],
				  .hook = ends[1],
				  .learns = true };
	return 0;
}

static int stop(void **state)
{
	(void)state;
	uplink.client = 0;
	uplink_done(&uplink);
	assert_int_equal(uplink.leases, -1);
	return 0;
}

/* As the client starts it, with words for its environment; then the look. */
static bool says(const char *event, const char *ip, const char *dns,
		 const char *seconds)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (ip &&
		    (setenv("ip", ip, 1) < 0 || setenv("mask", "24", 1) < 0 ||
		     setenv("dns", dns, 1) < 0 ||
		     setenv("lease", seconds, 1) < 0))
			_exit(99);
		if (dup2(uplink.hook, UPLINK_HOOK_FD) < 0)
			_exit(99);
		_exit(uplink_hook(event));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return uplink_look(&uplink);
}

static bool has(const char *wanted)
{
	struct ifaddrs *list;
	bool found = false;

	assert_int_equal(getifaddrs(&list), 0);
	for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
		char text[ADDRESS_TEXT_MAX];
		struct address address;

		if (at->ifa_addr &&
		    address_from_sockaddr(&address, NULL, at->ifa_addr) &&
		    strcmp(address_format(&address, text), wanted) == 0)
			found = true;
	}
	freeifaddrs(list);
	return found;
}

static void what_is_leased_is_set_and_asked(void **state)
{
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	assert_false(says("deconfig", NULL, NULL, NULL));
	assert_true(says("bound", "192.0.2.7", "192.0.2.53", "600"));
	assert_true(has("192.0.2.7"));
	assert_int_equal(config.n_resolvers, 1);
	assert_int_equal(config.resolvers[0].port, NAMESERVER_PORT);
	assert_string_equal(address_format(&config.resolvers[0].address, text),
			    "192.0.2.53");
	assert_in_range(uplink_wait_ms(&uplink), 1, 600000);
	/* The same once more is no news. */
	assert_false(says("renew", "192.0.2.7", "192.0.2.53", "600"));
	assert_true(has("192.0.2.7"));
	/* Nor is it that there is no resolver now. */
	assert_false(says("renew", "192.0.2.7", "", "600"));
	assert_int_equal(config.n_resolvers, 1);
	/* Another address takes the place of the first. */
	assert_true(says("renew", "192.0.2.8", "192.0.2.54", "600"));
	assert_true(has("192.0.2.8"));
	assert_false(has("192.0.2.7"));
	assert_false(says("deconfig", NULL, NULL, NULL));
	assert_false(has("192.0.2.8"));
}

static void resolvers_that_are_given_stay(void **state)
{
	(void)state;
	uplink.learns = false;
	config.n_resolvers = 1;
	assert_false(says("bound", "192.0.2.7", "192.0.2.53", "600"));
	assert_true(has("192.0.2.7"));
	assert_int_equal(config.resolvers[0].address.family, 0);
	assert_false(says("deconfig", NULL, NULL, NULL));
}

static void what_reaches_inside_is_refused(void **state)
{
	(void)state;
	assert_false(says("bound", "10.77.0.9", "192.0.2.53", "600"));
	assert_false(has("10.77.0.9"));
	assert_false(says("bound", "192.0.2.7", "10.77.0.2", "600"));
	assert_false(has("192.0.2.7"));
	assert_false(uplink.leased);
	assert_int_equal(config.n_resolvers, 0);
}

static void a_new_client_does_not_end_a_lease(void **state)
{
	(void)state;
	assert_false(says("deconfig", NULL, NULL, NULL));
	assert_true(says("bound", "192.0.2.7", "192.0.2.53", "600"));
	uplink_reaped(&uplink, 2);
	assert_int_equal(uplink.client, 1);
	uplink_reaped(&uplink, 1);
	assert_int_equal(uplink.client, 0);
	/* It is soon time to start another, which here is there at once. */
	assert_in_range(uplink_wait_ms(&uplink), 0, 60000);
	uplink.client = 1;
	uplink.greeted = false;
	assert_false(says("deconfig", NULL, NULL, NULL));
	assert_true(has("192.0.2.7"));
	assert_false(says("deconfig", NULL, NULL, NULL));
	assert_false(has("192.0.2.7"));
}

static void a_lease_that_nobody_renews_is_over(void **state)
{
	(void)state;
	assert_true(says("bound", "192.0.2.7", "192.0.2.53", "1"));
	assert_true(has("192.0.2.7"));
	assert_in_range(uplink_wait_ms(&uplink), 0, 1000);
	while (uplink.leased) {
		(void)poll(NULL, 0, uplink_wait_ms(&uplink));
		assert_false(uplink_look(&uplink));
	}
	assert_false(has("192.0.2.7"));
}

static void other_events_and_other_messages_are_nothing(void **state)
{
	(void)state;
	assert_false(says("leasefail", "192.0.2.7", "192.0.2.53", "600"));
	assert_false(says("nak", "192.0.2.7", "192.0.2.53", "600"));
	assert_int_equal(send(uplink.hook, "short", 5, 0), 5);
	assert_false(uplink_look(&uplink));
	assert_false(uplink.leased);
	/* What is no lease is the same as none. */
	assert_true(says("bound", "192.0.2.7", "192.0.2.53", "600"));
	assert_false(says("renew", "192.0.2", "192.0.2.53", "600"));
	assert_false(has("192.0.2.7"));
}

static void a_hook_is_told_from_a_gateway(void **state)
{
	char program[] = "sluice-gateway", event[] = "bound", option[] = "--x";
	char *hook[] = { program, event, NULL };
	char *gateway[] = { program, option, NULL };

	(void)state;
	assert_false(uplink_is_hook(2, hook));
	assert_int_equal(setenv("SLUICE_LEASES", "1", 1), 0);
	assert_true(uplink_is_hook(2, hook));
	assert_false(uplink_is_hook(2, gateway));
	assert_false(uplink_is_hook(1, hook));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(what_is_leased_is_set_and_asked),
		TEST(resolvers_that_are_given_stay),
		TEST(what_reaches_inside_is_refused),
		TEST(a_new_client_does_not_end_a_lease),
		TEST(a_lease_that_nobody_renews_is_over),
		TEST(other_events_and_other_messages_are_nothing),
		cmocka_unit_test(a_hook_is_told_from_a_gateway),
	};
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNET) < 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return SKIPPED;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &up) < 0)
		return SKIPPED;
	(void)close(fd);
	log_set(LOG_LEVEL_ERR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
