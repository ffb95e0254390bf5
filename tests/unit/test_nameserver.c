#include "nameserver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

static struct nameserver server_of(const char *text)
{
	struct nameserver server;

	if (!nameserver_parse(&server, text, strlen(text)))
		fail_msg("\"%s\" is no nameserver", text);
	return server;
}

static void a_server_is_an_address_and_perhaps_port_and_name(void **state)
{
	static const struct {
		const char *text, *whole;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1:53" },
		{ "192.0.2.1:5353", "192.0.2.1:5353" },
		{ "192.0.2.1:65535", "192.0.2.1:65535" },
		{ "2001:db8::1", "[2001:db8::1]:53" },
		{ "::1", "[::1]:53" },
		{ "[2001:db8::1]", "[2001:db8::1]:53" },
		{ "[2001:db8::1]:5353", "[2001:db8::1]:5353" },
		{ "192.0.2.1#dns.example", "192.0.2.1:853#dns.example" },
		{ "192.0.2.1:53#dns.example", "192.0.2.1:53#dns.example" },
		{ "192.0.2.1#DNS.Example.", "192.0.2.1:853#dns.example" },
		{ "2001:db8::1#dns.example", "[2001:db8::1]:853#dns.example" },
		{ "[2001:db8::1]#dns.example",
		  "[2001:db8::1]:853#dns.example" },
		{ "[2001:db8::1]:8853#dns.example",
		  "[2001:db8::1]:8853#dns.example" },
	};
	char text[NAMESERVER_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct nameserver server = server_of(rows[i].text), again;

		assert_string_equal(nameserver_format(&server, text),
				    rows[i].whole);
		again = server_of(text);
		assert_true(nameserver_equal(&server, &again));
	}
}

static void what_is_no_server_is_refused_with_a_reason(void **state)
{
	static const char a_name[] =
		"a resolver is given by its address: a name would need a resolver first";
	static const char no_name[] =
		"after the # stands the name of its certificate, such as 192.0.2.1#dns.example.org";
	static const char other[] =
		"expected an address such as 192.0.2.1, [2001:db8::1]:53 or 192.0.2.1#dns.example.org";
	static const struct {
		const char *text, *hint;
	} rows[] = {
		{ "", other },
		{ ":", other },
		{ ":53", other },
		{ "[]", other },
		{ "[", other },
		{ "[2001:db8::1", other },
		{ "[2001:db8::1]x", other },
		{ "[2001:db8::1]:", other },
		{ "[2001:db8::1]53", other },
		{ "192.0.2.1:", other },
		{ "192.0.2.1:0", other },
		{ "192.0.2.1:65536", other },
		{ "192.0.2.1:+53", other },
		{ "192.0.2.1: 53", other },
		{ "192.0.2.1:53x", other },
		{ "192.0.2.1:4294967349", other },
		{ "192.0.2.1 ", other },
		{ "192.0.2", other },
		{ "fe80::1%eth0", other },
		{ "#dns.example", other },
		{ "dns.example", a_name },
		{ "dns.example:853", a_name },
		{ "dns.example#dns.example", a_name },
		{ "192.0.2.1#", no_name },
		{ "192.0.2.1#192.0.2.1", no_name },
		{ "192.0.2.1#*.example", no_name },
		{ "192.0.2.1#dns.example#dns.example", no_name },
		{ "192.0.2.1#dns.example:853", no_name },
		{ "[2001:db8::1]:853# dns.example", no_name },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct nameserver server;
		size_t len = strlen(rows[i].text);

		if (nameserver_parse(&server, rows[i].text, len))
			fail_msg("\"%s\" was taken", rows[i].text);
		assert_string_equal(nameserver_hint(rows[i].text, len),
				    rows[i].hint);
	}
}

static void servers_are_the_same_only_in_all_of_it(void **state)
{
	static const char *const texts[] = {
		"192.0.2.1",
		"192.0.2.2",
		"192.0.2.1:853",
		"192.0.2.1#dns.example",
		"192.0.2.1#dns2.example",
	};

	(void)state;
	for (size_t i = 0; i < N(texts); i++)
		for (size_t j = 0; j < N(texts); j++) {
			struct nameserver a = server_of(texts[i]);
			struct nameserver b = server_of(texts[j]);

			assert_int_equal(nameserver_equal(&a, &b), i == j);
		}
}

static void all_are_asked_over_tls_or_none(void **state)
{
	struct nameserver mixed[] = {
		server_of("192.0.2.1#dns.example"),
		server_of("192.0.2.2#dns.example"),
		server_of("192.0.2.3"),
		server_of("192.0.2.4"),
	};

	(void)state;
	assert_false(nameservers_differ(mixed, 0));
	assert_false(nameservers_differ(mixed, 2));
	assert_true(nameservers_differ(mixed, 3));
	assert_false(nameservers_differ(mixed + 2, 2));
	assert_true(nameservers_differ(mixed + 1, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_server_is_an_address_and_perhaps_port_and_name),
		cmocka_unit_test(what_is_no_server_is_refused_with_a_reason),
		cmocka_unit_test(servers_are_the_same_only_in_all_of_it),
		cmocka_unit_test(all_are_asked_over_tls_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
