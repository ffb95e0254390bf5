#include "machine/lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct machine usual(void)
{
	struct machine machine = { .init = true, .dhcp = true };

	assert_true(machine_add_internal(&machine, "10.77.0.1/24"));
	return machine;
}

static void the_words_of_a_lease_are_read(void **state)
{
	const struct lease_words words = {
		.ip = "192.0.2.7",
		.mask = "24",
		.router = "0.0.0.0 192.0.2.1 192.0.2.254",
		.dns = "127.0.0.1  192.0.2.53 nonsense 2001:db8::53 "
		       "192.0.2.54 192.0.2.55 192.0.2.56 192.0.2.57",
		.lease = "3600",
	};
	const struct machine machine = usual();
	char text[ADDRESS_TEXT_MAX];
	struct lease lease;

	(void)state;
	assert_true(lease_parse(&lease, &words));
	assert_string_equal(address_format(&lease.ours.address, text),
			    "192.0.2.7");
	assert_int_equal(lease.ours.len, 24);
	assert_string_equal(address_format(&lease.router, text), "192.0.2.1");
	assert_int_equal(lease.n_resolvers, NAMESERVERS_MAX);
	assert_string_equal(address_format(&lease.resolvers[0], text),
			    "192.0.2.53");
	assert_string_equal(address_format(&lease.resolvers[3], text),
			    "192.0.2.56");
	assert_int_equal(lease.seconds, 3600);
	assert_null(lease_objection(&lease, &machine));
}

static void what_is_no_lease_is_none(void **state)
{
	static const struct lease_words rows[] = {
		{ NULL, "24", NULL, NULL, "60" },
		{ "192.0.2.7", NULL, NULL, NULL, "60" },
		{ "192.0.2.7", "24", NULL, NULL, NULL },
		{ "192.0.2", "24", NULL, NULL, "60" },
		{ "192.0.2.7 ", "24", NULL, NULL, "60" },
		{ "2001:db8::7", "24", NULL, NULL, "60" },
		{ "127.0.0.1", "24", NULL, NULL, "60" },
		{ "0.0.0.0", "24", NULL, NULL, "60" },
		{ "255.255.255.255", "24", NULL, NULL, "60" },
		{ "192.0.2.7", "33", NULL, NULL, "60" },
		{ "192.0.2.7", "24x", NULL, NULL, "60" },
		{ "192.0.2.7", "", NULL, NULL, "60" },
		{ "192.0.2.7", "24", NULL, NULL, "-1" },
		{ "192.0.2.7", "24", NULL, NULL, "4294967296" },
		{ "192.0.2.7", "24", NULL, NULL, "99999999999999999999" },
	};
	struct lease lease;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (lease_parse(&lease, &rows[i]))
			fail_msg("row %zu is a lease", i);
}

static void a_lease_does_not_reach_inside(void **state)
{
	static const struct {
		struct lease_words words;
		const char *says;
	} rows[] = {
		{ { "192.0.2.7", "24", "192.0.2.1", "192.0.2.53", "60" },
		  NULL },
		{ { "10.76.0.7", "16", "10.76.0.1", NULL, "60" }, NULL },
		{ { "203.0.113.7", "32", "203.0.114.1", NULL, "60" }, NULL },
		{ { "10.77.0.9", "24", NULL, NULL, "60" }, "overlaps" },
		{ { "10.77.0.9", "32", NULL, NULL, "60" }, "overlaps" },
		{ { "10.77.9.9", "16", NULL, NULL, "60" }, "overlaps" },
		{ { "10.1.1.1", "8", NULL, NULL, "60" }, "overlaps" },
		{ { "192.0.2.7", "7", NULL, NULL, "60" }, "size" },
		{ { "192.0.2.7", "0", NULL, NULL, "60" }, "size" },
		{ { "192.0.2.7", "24", "10.77.0.2", NULL, "60" }, "router" },
		{ { "192.0.2.7", "24", "192.0.2.7", NULL, "60" }, "router" },
		{ { "192.0.2.7", "24", NULL, "192.0.2.53 10.77.0.2", "60" },
		  "resolver" },
		{ { "192.0.2.7", "24", NULL, NULL, "0" }, "over" },
	};
	const struct machine machine = usual();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lease lease;
		const char *said;

		assert_true(lease_parse(&lease, &rows[i].words));
		said = lease_objection(&lease, &machine);
		if (!said != !rows[i].says ||
		    (said && !strstr(said, rows[i].says)))
			fail_msg("row %zu: %s", i, said ? said : "no word");
	}
}

/* It may come from a process that somebody has taken over. */
static void no_bytes_are_believed(void **state)
{
	const struct lease_words words = { "192.0.2.7", "24", "192.0.2.1",
					   "192.0.2.53", "60" };
	const struct machine machine = usual();
	struct lease good, lease;

	(void)state;
	assert_true(lease_parse(&good, &words));
	lease = good;
	lease.n_resolvers = NAMESERVERS_MAX + 1;
	assert_non_null(lease_objection(&lease, &machine));
	lease = good;
	lease.ours.len = 200;
	assert_non_null(lease_objection(&lease, &machine));
	lease = good;
	lease.ours.address.family = AF_INET6;
	assert_non_null(lease_objection(&lease, &machine));
	lease = good;
	lease.router.family = AF_UNIX;
	assert_non_null(lease_objection(&lease, &machine));
	lease = good;
	lease.resolvers[0].family = 0;
	assert_non_null(lease_objection(&lease, &machine));
	memset(&lease, 0xff, sizeof(lease));
	assert_non_null(lease_objection(&lease, &machine));
	memset(&lease, 0, sizeof(lease));
	assert_non_null(lease_objection(&lease, &machine));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_words_of_a_lease_are_read),
		cmocka_unit_test(what_is_no_lease_is_none),
		cmocka_unit_test(a_lease_does_not_reach_inside),
		cmocka_unit_test(no_bytes_are_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
