#include "dns/pins.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DEATHS 40 /* of processes that are busy with the pins */

/* The pins live as long as their process; one table serves one test. */
static struct pins *fresh(void)
{
	struct pins *pins = pins_new();

	assert_non_null(pins);
	return pins;
}

static struct domain domain(const char *text)
{
	struct domain domain;

	assert_true(domain_parse(&domain, text, strlen(text)));
	return domain;
}

static struct domain numbered(unsigned i)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "n%u.test", i);
	return domain(text);
}

static struct address address(const char *text)
{
	struct address address;

	assert_true(address_parse(&address, text, strlen(text)));
	return address;
}

static bool told(struct pins *pins, const struct domain *name,
		 const struct address *where)
{
	if (!pins_hold(pins, name, where))
		return false;
	pins_release(pins, name, where);
	return true;
}

static void only_what_was_told_is_held(void **state)
{
	struct pins *pins = fresh();
	struct domain a = domain("a.test"), b = domain("b.test");
	struct address v4 = address("192.0.2.1"), v6 = address("2001:db8::1");
	struct address other = address("192.0.2.2");

	(void)state;
	pins_add(pins, &a, &v4);
	pins_add(pins, &a, &v6);
	pins_add(pins, &b, &other);
	assert_true(told(pins, &a, &v4));
	assert_true(told(pins, &a, &v6));
	assert_true(told(pins, &b, &other));
	assert_false(told(pins, &a, &other));
	assert_false(told(pins, &b, &v4));
	assert_false(told(pins, &b, &v6));
}

static void one_address_may_serve_many_names(void **state)
{
	struct pins *pins = fresh();
	struct address shared = address("192.0.2.1");

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		struct domain name = numbered(i);

		pins_add(pins, &name, &shared);
		pins_add(pins, &name, &shared);
	}
	for (unsigned i = 0; i < 1001; i++) {
		struct domain name = numbered(i);

		assert_int_equal(told(pins, &name, &shared), i < 1000);
	}
}

static void a_real_pin_names_nothing_by_address(void **state)
{
	struct pins *pins = fresh();
	struct domain a = domain("a.test"), name;
	struct address v4 = address("192.0.2.1");

	(void)state;
	pins_add(pins, &a, &v4);
	assert_false(pins_name(pins, &v4, &name));
	assert_false(pins_is_virtual(&v4));
}

static void a_virtual_address_stays_its_names(void **state)
{
	struct pins *pins = fresh();
	struct domain a = domain("a.test"), b = domain("b.test"), name;
	struct address a4, a6, b4, b6, again4, again6;

	(void)state;
	assert_true(pins_virtual(pins, &a, &a4, &a6));
	assert_true(pins_virtual(pins, &b, &b4, &b6));
	assert_true(pins_virtual(pins, &a, &again4, &again6));
	assert_true(address_equal(&a4, &again4));
	assert_true(address_equal(&a6, &again6));
	assert_false(address_equal(&a4, &b4));
	assert_false(address_equal(&a6, &b6));
	assert_int_equal(a4.family, AF_INET);
	assert_int_equal(a6.family, AF_INET6);
	assert_true(pins_is_virtual(&a4) && pins_is_virtual(&a6));
	assert_true(pins_name(pins, &a4, &name));
	assert_string_equal(name.name, "a.test");
	assert_true(pins_name(pins, &b6, &name));
	assert_string_equal(name.name, "b.test");
}

static void the_virtual_ranges_are_ours_to_their_ends(void **state)
{
	static const struct {
		const char *text;
		bool ours;
	} rows[] = {
		{ "198.17.255.255", false },
		{ "198.18.0.0", true },
		{ "198.19.255.255", true },
		{ "198.20.0.0", false },
		{ "fd73:6c75:6963:64:ffff:ffff:ffff:ffff", false },
		{ "fd73:6c75:6963:65::", true },
		{ "fd73:6c75:6963:65:1::1", true },
		{ "fd73:6c75:6963:65:ffff:ffff:ffff:ffff", true },
		{ "fd73:6c75:6963:66::", false },
	};
	struct pins *pins = fresh();
	struct domain name;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct address at = address(rows[i].text);

		assert_int_equal(pins_is_virtual(&at), rows[i].ours);
		/* Nothing was given out, so none of them names anything. */
		assert_false(pins_name(pins, &at, &name));
		assert_false(pins_is_refusal_address(&at));
	}
}

static void the_refusal_address_stands_for_no_name(void **state)
{
	struct pins *pins = fresh();
	struct domain a = domain("a.test"), name;
	struct address v4, v6, a4, a6;

	(void)state;
	pins_refusal_address(&v4, &v6);
	assert_true(pins_virtual(pins, &a, &a4, &a6));
	assert_true(pins_is_refusal_address(&v4));
	assert_true(pins_is_refusal_address(&v6));
	assert_true(pins_is_virtual(&v4) && pins_is_virtual(&v6));
	assert_false(pins_is_refusal_address(&a4));
	assert_false(pins_is_refusal_address(&a6));
	assert_false(pins_name(pins, &v4, &name));
	assert_false(pins_name(pins, &v6, &name));
}

static void a_full_virtual_range_gives_no_more(void **state)
{
	struct pins *pins = fresh();
	struct address v4, v6, first4, first6, last4 = { 0 };
	struct domain name = numbered(0), found;

	(void)state;
	assert_true(pins_virtual(pins, &name, &first4, &first6));
	for (unsigned i = 1; i < PINS_VIRTUAL_MAX; i++) {
		name = numbered(i);
		assert_true(pins_virtual(pins, &name, &last4, &v6));
		assert_true(pins_name(pins, &v6, &found));
		assert_string_equal(found.name, name.name);
	}
	/* All of them are still theirs, and one more finds no room. */
	assert_true(pins_name(pins, &last4, &found));
	assert_string_equal(found.name, name.name);
	name = numbered(PINS_VIRTUAL_MAX);
	assert_false(pins_virtual(pins, &name, &v4, &v6));
	name = numbered(0);
	assert_true(pins_virtual(pins, &name, &v4, &v6));
	assert_true(address_equal(&v4, &first4));
	assert_true(address_equal(&v6, &first6));
}

static void what_a_flow_holds_is_never_evicted(void **state)
{
	struct pins *pins = fresh();
	struct address at = address("192.0.2.1");
	struct domain held = domain("held.test"), last, gone;

	(void)state;
	pins_add(pins, &held, &at);
	assert_true(pins_hold(pins, &held, &at));
	for (unsigned i = 0; i < 2 * PINS_REAL_MAX; i++) {
		last = numbered(i);
		pins_add(pins, &last, &at);
	}
	gone = numbered(0);
	assert_false(told(pins, &gone, &at));
	assert_true(told(pins, &last, &at));
	assert_true(told(pins, &held, &at));
	/* Released, it goes like the rest. */
	pins_release(pins, &held, &at);
	for (unsigned i = 0; i < 2 * PINS_REAL_MAX + 2; i++) {
		last = numbered(i);
		pins_add(pins, &last, &at);
	}
	assert_false(told(pins, &held, &at));
}

static void where_all_are_held_a_new_one_is_not_pinned(void **state)
{
	struct pins *pins = fresh();
	struct address at = address("192.0.2.1");
	struct domain name = numbered(0), extra = domain("extra.test");

	(void)state;
	for (unsigned i = 0; i < PINS_REAL_MAX; i++) {
		name = numbered(i);
		pins_add(pins, &name, &at);
		assert_true(pins_hold(pins, &name, &at));
	}
	pins_add(pins, &extra, &at);
	assert_false(told(pins, &extra, &at));
	assert_true(told(pins, &name, &at));
	/* No flow is left after a restart: there is room again. */
	pins_recover(pins);
	pins_add(pins, &extra, &at);
	assert_true(told(pins, &extra, &at));
}

/* Adds, holds and makes without end, until it is killed. */
static void be_busy(struct pins *pins, unsigned seed, int started)
{
	struct address at = address("192.0.2.7"), v4, v6;

	for (unsigned i = seed;; i++) {
		struct domain name = numbered(i);

		pins_add(pins, &name, &at);
		/* The range may be full; that is another test's. */
		if (!pins_hold(pins, &name, &at) ||
		    (!pins_virtual(pins, &name, &v4, &v6) && i == seed) ||
		    (i == seed && write(started, "", 1) != 1))
			_exit(1);
	}
}

static void pins_outlive_processes_that_die_at_work(void **state)
{
	struct pins *pins = fresh();
	struct domain kept = domain("kept.test"), name;
	struct address at = address("192.0.2.1"), v4, v6, again4, again6;
	int status;

	(void)state;
	pins_add(pins, &kept, &at);
	assert_true(pins_virtual(pins, &kept, &v4, &v6));
	for (unsigned i = 0; i < DEATHS; i++) {
		struct timespec while_busy = { 0, 50000L * (i % 7) };
		int started[2];
		char byte;
		pid_t pid;

		assert_int_equal(pipe(started), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			be_busy(pins, i * 1000, started[1]);
		close(started[1]);
		assert_int_equal(read(started[0], &byte, 1), 1);
		close(started[0]);
		(void)nanosleep(&while_busy, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);

		/* It very likely died within: the lock is had all the same. */
		pins_recover(pins);
		assert_true(told(pins, &kept, &at));
		assert_true(pins_virtual(pins, &kept, &again4, &again6));
		assert_true(address_equal(&v4, &again4));
		assert_true(address_equal(&v6, &again6));
		assert_true(pins_name(pins, &v4, &name));
		assert_string_equal(name.name, "kept.test");
		name = numbered(i * 1000);
		pins_add(pins, &name, &at);
		assert_true(told(pins, &name, &at));
	}
}

static void children_share_the_pins(void **state)
{
	struct pins *pins = fresh();
	struct domain a = domain("a.test"), name;
	struct address at = address("192.0.2.1"), v4, v6;
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		pins_add(pins, &a, &at);
		_exit(pins_virtual(pins, &a, &v4, &v6) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(told(pins, &a, &at));
	assert_true(pins_virtual(pins, &a, &v4, &v6));
	assert_true(pins_name(pins, &v6, &name));
	assert_string_equal(name.name, "a.test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_told_is_held),
		cmocka_unit_test(one_address_may_serve_many_names),
		cmocka_unit_test(a_real_pin_names_nothing_by_address),
		cmocka_unit_test(a_virtual_address_stays_its_names),
		cmocka_unit_test(the_virtual_ranges_are_ours_to_their_ends),
		cmocka_unit_test(the_refusal_address_stands_for_no_name),
		cmocka_unit_test(a_full_virtual_range_gives_no_more),
		cmocka_unit_test(what_a_flow_holds_is_never_evicted),
		cmocka_unit_test(where_all_are_held_a_new_one_is_not_pinned),
		cmocka_unit_test(pins_outlive_processes_that_die_at_work),
		cmocka_unit_test(children_share_the_pins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
