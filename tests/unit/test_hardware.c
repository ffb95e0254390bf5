#include "hardware.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_hardware_address_is_somebodys(void **state)
{
	static const char *const bad[] = {
		"",
		"52:54:00:12:34",
		"52:54:00:12:34:5",
		"52:54:00:12:34:56:",
		"52-54-00-12-34-56",
		"52:54:00:12:34:5g",
		"525:4:00:12:34:56",
		"00:00:00:00:00:00",
		"ff:ff:ff:ff:ff:ff",
		"01:00:5e:00:00:01",
	};
	uint8_t mac[6];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (hardware_parse(mac, bad[i]))
			fail_msg("\"%s\"", bad[i]);
	assert_true(hardware_parse(mac, "52:54:00:aB:Cd:0f"));
	assert_memory_equal(mac, "\x52\x54\x00\xab\xcd\x0f", 6);
}

static void an_interface_is_a_name_or_a_card(void **state)
{
	struct hardware card = { .known = true };
	char name[IF_NAMESIZE] = "";

	(void)state;
	assert_true(hardware_parse_interface(&card, name, "eth0"));
	assert_false(card.known);
	assert_string_equal(name, "eth0");
	assert_true(
		hardware_parse_interface(&card, name, "mac=52:54:00:77:00:01"));
	assert_true(card.known);
	assert_memory_equal(card.bytes, "\x52\x54\x00\x77\x00\x01", 6);
	assert_string_equal(name, "");
}

static void what_is_no_part_of_a_path_is_no_name(void **state)
{
	static const char *const bad[] = {
		"",     "..",       "../all",           "a/b",
		"mac=", "mac=eth0", "sixteen-letters-", ".hidden",
	};
	struct hardware card = { .known = false };
	char name[IF_NAMESIZE] = "kept";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (hardware_parse_interface(&card, name, bad[i]))
			fail_msg("\"%s\"", bad[i]);
	assert_string_equal(name, "kept");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hardware_address_is_somebodys),
		cmocka_unit_test(an_interface_is_a_name_or_a_card),
		cmocka_unit_test(what_is_no_part_of_a_path_is_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
