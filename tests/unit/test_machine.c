#include "machine/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void an_address_of_ours_is_one_in_a_network(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "10.88.1.1/24", true },
		{ "10.88.1.0/31", true },
		{ "203.0.113.7/32", true },
		{ "fd00::1/64", true },
		{ "fd00::/127", true },
		{ "10.88.1.1", false },
		{ "10.88.1.1/", false },
		{ "10.88.1.1/0", false },
		{ "10.88.1.1/024", false },
		{ "10.88.1.1/33", false },
		{ "10.88.1.1/24x", false },
		{ "10.88.1.1/-1", false },
		{ "10.88.1.1/+24", false },
		{ "10.88.1.1/24/24", false },
		{ "10.88.1.0/24", false },
		{ "fd00::1/129", false },
		{ "fd00::/64", false },
		{ "fe80::1/64", false },
		{ "127.0.0.1/8", false },
		{ "0.0.0.0/32", false },
		{ "224.0.0.1/24", false },
		{ "::1/128", false },
		{ "ff02::1/64", false },
		{ "eth0", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct machine machine = { 0 };

		if (machine_add_internal(&machine, rows[i].text) !=
		    rows[i].good)
			fail_msg("\"%s\"", rows[i].text);
	}
}

static void a_family_has_one_of_each(void **state)
{
	struct machine machine = { 0 };

	(void)state;
	assert_true(machine_add_internal(&machine, "10.0.0.1/24"));
	assert_false(machine_add_internal(&machine, "10.0.1.1/24"));
	assert_true(machine_add_internal(&machine, "fd00::1/64"));
	assert_false(machine_add_internal(&machine, "fd01::1/64"));
	assert_true(machine_add_gateway(&machine, "192.0.2.1"));
	assert_false(machine_add_gateway(&machine, "192.0.2.2"));
	assert_false(machine_add_gateway(&machine, "192.0.2.2/24"));
	assert_true(machine_add_gateway(&machine, "fe80::1"));
	assert_true(machine_add_uplink(&machine, "dhcp"));
	assert_false(machine_add_uplink(&machine, "dhcp"));
	assert_true(machine_add_uplink(&machine, "ra"));
	assert_false(machine_add_uplink(&machine, "slaac"));
}

/* What is given, and a word of what is said about it; NULL: nothing. */
struct row {
	const char *internal[2], *uplink, *uplinks[2], *gateway, *agent, *says;
};

static const char *objection(const struct row *row)
{
	struct redirect redirect = { .internal = "eth0" };
	struct machine machine = { .init = true };

	for (int i = 0; i < 2; i++) {
		if (row->internal[i])
			assert_true(machine_add_internal(&machine,
							 row->internal[i]));
		if (row->uplinks[i])
			assert_true(
				machine_add_uplink(&machine, row->uplinks[i]));
	}
	if (row->uplink)
		(void)snprintf(machine.uplink, sizeof(machine.uplink), "%s",
			       row->uplink);
	if (row->gateway)
		assert_true(machine_add_gateway(&machine, row->gateway));
	if (row->agent) {
		assert_true(address_parse(&redirect.agents[0], row->agent,
					  strlen(row->agent)));
		redirect.n_agents = 1;
	}
	return machine_objection(&machine, &redirect);
}

static void the_two_sides_are_never_one(void **state)
{
#define IN                                  \
	{                                   \
		"10.0.0.1/24", "fd00::1/64" \
	}
#define OUT                                      \
	{                                        \
		"192.0.2.2/24", "2001:db8::2/64" \
	}
	static const struct row rows[] = {
		{ IN, "eth1", OUT, "192.0.2.1", "10.0.0.2", NULL },
		{ IN, "eth1", OUT, "fe80::1", "fd00::2", NULL },
		{ IN, "eth1", { "dhcp", "ra" }, NULL, NULL, NULL },
		{ IN, "eth1", { "203.0.113.7/32" }, "203.0.114.1", NULL, NULL },
		{ { "10.0.0.1/24" },
		  "eth1",
		  { "dhcp", "2001:db8::2/64" },
		  NULL,
		  NULL,
		  NULL },
		{ IN, "eth0", OUT, NULL, NULL, "one interface" },
		{ IN, "lo", OUT, NULL, NULL, "lo leads nowhere" },
		{ IN, NULL, OUT, NULL, NULL, "Give --uplink" },
		{ { NULL }, "eth1", OUT, NULL, NULL, "--internal-address" },
		{ IN, "eth1", { NULL }, NULL, NULL, "--uplink-address" },
		{ IN, "eth1", { "10.0.0.9/24" }, NULL, NULL, "overlap" },
		{ IN, "eth1", { "10.9.9.9/8" }, NULL, NULL, "overlap" },
		{ IN, "eth1", { "10.0.0.9/32" }, NULL, NULL, "overlap" },
		{ IN, "eth1", { "fd00::9/48" }, NULL, NULL, "overlap" },
		{ IN,
		  "eth1",
		  { "dhcp", "192.0.2.2/24" },
		  NULL,
		  NULL,
		  "dhcp or" },
		{ IN, "eth1", { "ra", "fd01::1/64" }, NULL, NULL, "ra or" },
		{ IN, "eth1", { "dhcp" }, "192.0.2.1", NULL, "of its family" },
		{ IN, "eth1", OUT, "192.0.2.2", NULL, "our own" },
		{ IN, "eth1", OUT, "10.0.0.2", NULL, "on the internal" },
		{ IN, "eth1", OUT, NULL, "10.0.1.2", "in no network" },
		{ { "10.0.0.1/24" },
		  "eth1",
		  OUT,
		  NULL,
		  "fd00::2",
		  "in no network" },
		{ IN, "eth1", OUT, NULL, "10.0.0.1", "has the address" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *said = objection(&rows[i]);

		if (!said != !rows[i].says ||
		    (said && !strstr(said, rows[i].says)))
			fail_msg("row %zu: %s", i, said ? said : "no word");
	}
}

/* Their names are found later, and are nothing to compare yet. */
static void two_cards_are_not_one_interface(void **state)
{
	struct redirect redirect = { .internal = "" };
	struct machine machine = {
		.init = true,
		.internal_card = { true, { 0x52, 0x54, 0, 0, 0, 1 } },
		.uplink_card = { true, { 0x52, 0x54, 0, 0, 0, 2 } },
	};

	(void)state;
	assert_true(machine_add_internal(&machine, "10.0.0.1/24"));
	assert_true(machine_add_uplink(&machine, "dhcp"));
	assert_null(machine_objection(&machine, &redirect));
	machine.uplink_card = machine.internal_card;
	assert_non_null(strstr(machine_objection(&machine, &redirect),
			       "one interface"));
}

static void nothing_is_set_up_unasked(void **state)
{
	struct redirect redirect = { .internal = "eth0" };
	struct machine machine = { 0 };

	(void)state;
	assert_null(machine_objection(&machine, &redirect));
	assert_true(machine_add_uplink(&machine, "dhcp"));
	assert_non_null(machine_objection(&machine, &redirect));
	machine = (struct machine){ .uplink = "eth1" };
	assert_non_null(machine_objection(&machine, &redirect));
	machine = (struct machine){ .internal_card = { .known = true } };
	assert_non_null(machine_objection(&machine, &redirect));
	machine = (struct machine){ 0 };
	redirect.agent_mac_known = true;
	redirect.n_agents = 1;
	assert_non_null(machine_objection(&machine, &redirect));
}

static void rules_are_made_before_there_is_an_interface(void **state)
{
	struct redirect redirect = { .internal = "eth0" };
	struct machine machine = { .init = true };
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	assert_true(machine_add_internal(&machine, "fd00::1/64"));
	machine_fill(&machine, &redirect);
	assert_int_equal(redirect.gateway4.family, 0);
	assert_string_equal(address_format(&redirect.gateway6, text),
			    "fd00::1");
	assert_int_equal(redirect.n_prefixes, 1);
	assert_string_equal(address_format(&redirect.prefixes[0].base, text),
			    "fd00::");
	assert_int_equal(redirect.prefixes[0].len, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_of_ours_is_one_in_a_network),
		cmocka_unit_test(a_family_has_one_of_each),
		cmocka_unit_test(the_two_sides_are_never_one),
		cmocka_unit_test(two_cards_are_not_one_interface),
		cmocka_unit_test(nothing_is_set_up_unasked),
		cmocka_unit_test(rules_are_made_before_there_is_an_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
