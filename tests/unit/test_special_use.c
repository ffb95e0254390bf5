#include "dns/special_use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *name;
	enum special_use use;
} cases[] = {
	{ "localhost", SPECIAL_USE_LOOPBACK },
	{ "a.localhost", SPECIAL_USE_LOOPBACK },
	{ "notlocalhost.org", SPECIAL_USE_NONE },
	{ "localhost.example.org", SPECIAL_USE_NONE },
	{ "x.onion", SPECIAL_USE_NEVER },
	{ "x.invalid", SPECIAL_USE_NEVER },
	{ "printer.local", SPECIAL_USE_LOCAL },
	{ "xlocal.org", SPECIAL_USE_NONE },
	{ "nas.home.arpa", SPECIAL_USE_LOCAL },
	{ "nothome.arpa", SPECIAL_USE_LOCAL },
	{ "build.internal", SPECIAL_USE_LOCAL },
	{ "printer", SPECIAL_USE_LOCAL },
	{ "com", SPECIAL_USE_LOCAL },
	{ "a.test", SPECIAL_USE_NONE },
	{ "example.com", SPECIAL_USE_NONE },
	{ "use-application-dns.net", SPECIAL_USE_NEVER },
	{ "1.0.0.10.in-addr.arpa", SPECIAL_USE_NEVER },
	{ "10.in-addr.arpa", SPECIAL_USE_NEVER },
	{ "110.in-addr.arpa", SPECIAL_USE_LOCAL },
	{ "1.1.15.172.in-addr.arpa", SPECIAL_USE_LOCAL },
	{ "1.1.16.172.in-addr.arpa", SPECIAL_USE_NEVER },
	{ "1.1.31.172.in-addr.arpa", SPECIAL_USE_NEVER },
	{ "1.1.32.172.in-addr.arpa", SPECIAL_USE_LOCAL },
	{ "254.254.169.254.in-addr.arpa", SPECIAL_USE_LOCAL },
	{ "254.169.254.169.in-addr.arpa", SPECIAL_USE_NEVER },
	{ "1.1.254.169.in-addr.arpa", SPECIAL_USE_NEVER },
	{ "8.b.d.0.1.0.0.2.ip6.arpa", SPECIAL_USE_NEVER },
	{ "1.c.f.ip6.arpa", SPECIAL_USE_LOCAL },
	{ "1.d.f.ip6.arpa", SPECIAL_USE_NEVER },
	{ "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	  "ip6.arpa",
	  SPECIAL_USE_NEVER },
};

static void each_name_has_the_use_of_its_longest_entry(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct domain name;

		assert_true(domain_parse(&name, cases[i].name,
					 strlen(cases[i].name)));
		if (special_use_of(&name) != cases[i].use)
			fail_msg("%s", cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_name_has_the_use_of_its_longest_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
