#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

static struct address address(const char *text)
{
	struct address a;

	if (!address_parse(&a, text, strlen(text)))
		fail_msg("'%s' was not taken for an address", text);
	return a;
}

static struct prefix prefix(const char *text)
{
	struct prefix p;

	if (!prefix_parse(&p, text, strlen(text)))
		fail_msg("'%s' was not taken for a prefix", text);
	return p;
}

static bool holds(const char *outer, const char *inner)
{
	struct prefix p = prefix(outer);
	struct address a = address(inner);

	return prefix_holds(&p, &a);
}

static void one_address_has_one_form(void **state)
{
	static const char *const forms[][2] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::ffff:c000:201", "192.0.2.1" },
		{ "0:0:0:0:0:FFFF:192.0.2.1", "192.0.2.1" },
		{ "64:ff9b::192.0.2.1", "64:ff9b::c000:201" },
		{ "::", "::" },
	};
	char text[ADDRESS_TEXT_MAX];
	struct address a;

	(void)state;
	for (size_t i = 0; i < N(forms); i++) {
		a = address(forms[i][0]);
		assert_string_equal(address_format(&a, text), forms[i][1]);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const refused[] = {
		"",
		"1",
		"127.1",
		"10.0.0",
		"10.0.0.0.0",
		"010.0.0.1",
		"10.0.0.01",
		"0x7f.0.0.1",
		"256.0.0.1",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1.2.3.-4",
		"1..3.4",
		"[::1]",
		"::1%lo",
		"fe80::1%1",
		":::",
		"1::2::3",
		"12345::",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"::ffff:1.2.3",
		"::ffff:01.2.3.4",
		"0000:0000:0000:0000:0000:0000:00000000.00000000:0000",
	};
	struct address a = { .family = 99 };

	(void)state;
	for (size_t i = 0; i < N(refused); i++)
		if (address_parse(&a, refused[i], strlen(refused[i])))
			fail_msg("'%s' was taken for an address", refused[i]);
	assert_false(address_parse(&a, "1.2.3.4\0", 8));
	assert_int_equal(a.family, 99);
}

static void a_mapped_address_is_ipv4_at_every_entry(void **state)
{
	static const uint8_t bytes[16] = { [10] = 0xff, 0xff, 10, 0, 0, 1 };
	struct address inner = address("10.0.0.1");
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(443),
	};
	struct address a = address_from_bytes(AF_INET6, bytes);
	uint16_t port = 0;

	(void)state;
	assert_true(address_equal(&a, &inner));
	memcpy(&in6.sin6_addr, bytes, sizeof(bytes));
	assert_true(address_from_sockaddr(&a, &port, (struct sockaddr *)&in6));
	assert_true(address_equal(&a, &inner));
	assert_int_equal(port, 443);
	assert_true(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
	assert_true(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
}

static void a_sockaddr_comes_back_as_it_went(void **state)
{
	static const char *const texts[] = { "192.0.2.1", "2001:db8::1" };
	struct sockaddr_storage sa;
	struct address a, b;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < N(texts); i++) {
		a = address(texts[i]);
		assert_int_equal(address_to_sockaddr(&a, 8443, &sa),
				 i == 0 ? sizeof(struct sockaddr_in)
					: sizeof(struct sockaddr_in6));
		assert_true(address_from_sockaddr(&b, &port,
						  (struct sockaddr *)&sa));
		assert_true(address_equal(&a, &b));
		assert_int_equal(port, 8443);
	}
	sa.ss_family = AF_UNIX;
	assert_false(address_from_sockaddr(&b, NULL, (struct sockaddr *)&sa));
}

static void every_special_block_has_its_class(void **state)
{
	static const struct {
		const char *text;
		enum address_class class;
		const char *what;
	} expected[] = {
		{ "8.8.8.8", ADDRESS_GLOBAL, "global" },
		{ "0.0.0.0", ADDRESS_NEVER, "this network" },
		{ "0.255.255.255", ADDRESS_NEVER, "this network" },
		{ "1.0.0.0", ADDRESS_GLOBAL, "global" },
		{ "9.255.255.255", ADDRESS_GLOBAL, "global" },
		{ "10.0.0.0", ADDRESS_PRIVATE, "private use" },
		{ "10.255.255.255", ADDRESS_PRIVATE, "private use" },
		{ "11.0.0.0", ADDRESS_GLOBAL, "global" },
		{ "100.63.255.255", ADDRESS_GLOBAL, "global" },
		{ "100.64.0.0", ADDRESS_PRIVATE, "shared by carriers" },
		{ "100.127.255.255", ADDRESS_PRIVATE, "shared by carriers" },
		{ "100.128.0.0", ADDRESS_GLOBAL, "global" },
		{ "127.0.0.1", ADDRESS_NEVER, "loopback" },
		{ "127.255.255.255", ADDRESS_NEVER, "loopback" },
		{ "168.63.129.16", ADDRESS_PRIVATE, "cloud platform" },
		{ "168.63.129.17", ADDRESS_GLOBAL, "global" },
		{ "169.254.0.1", ADDRESS_PRIVATE, "link-local" },
		{ "169.254.169.254", ADDRESS_PRIVATE, "cloud metadata" },
		{ "172.15.255.255", ADDRESS_GLOBAL, "global" },
		{ "172.16.0.0", ADDRESS_PRIVATE, "private use" },
		{ "172.31.255.255", ADDRESS_PRIVATE, "private use" },
		{ "172.32.0.0", ADDRESS_GLOBAL, "global" },
		{ "192.0.0.8", ADDRESS_PRIVATE, "protocol assignments" },
		{ "192.0.2.1", ADDRESS_PRIVATE, "documentation" },
		{ "192.31.196.1", ADDRESS_PRIVATE, "AS112" },
		{ "192.52.193.1", ADDRESS_PRIVATE, "AMT" },
		{ "192.88.99.1", ADDRESS_PRIVATE, "6to4 relay" },
		{ "192.168.1.1", ADDRESS_PRIVATE, "private use" },
		{ "192.175.48.1", ADDRESS_PRIVATE, "AS112" },
		{ "198.17.255.255", ADDRESS_GLOBAL, "global" },
		{ "198.18.0.0", ADDRESS_PRIVATE, "benchmarking" },
		{ "198.19.255.255", ADDRESS_PRIVATE, "benchmarking" },
		{ "198.51.100.1", ADDRESS_PRIVATE, "documentation" },
		{ "203.0.113.1", ADDRESS_PRIVATE, "documentation" },
		{ "223.255.255.255", ADDRESS_GLOBAL, "global" },
		{ "224.0.0.1", ADDRESS_NEVER, "multicast" },
		{ "240.0.0.1", ADDRESS_NEVER, "reserved" },
		{ "255.255.255.255", ADDRESS_NEVER, "limited broadcast" },

		{ "2606:4700::1111", ADDRESS_GLOBAL, "global" },
		{ "::", ADDRESS_NEVER, "unspecified" },
		{ "::1", ADDRESS_NEVER, "loopback" },
		{ "::ffff:0:8.8.8.8", ADDRESS_PRIVATE, "not global unicast" },
		{ "100::1", ADDRESS_PRIVATE, "discard-only" },
		{ "100:0:0:1::1", ADDRESS_PRIVATE, "dummy prefix" },
		{ "2001:2::1", ADDRESS_PRIVATE, "benchmarking" },
		{ "2001:10::1", ADDRESS_PRIVATE, "ORCHID" },
		{ "2001:20::1", ADDRESS_PRIVATE, "ORCHIDv2" },
		{ "2001:1::1", ADDRESS_PRIVATE, "protocol assignments" },
		{ "2001:1ff::1", ADDRESS_PRIVATE, "protocol assignments" },
		{ "2001:200::1", ADDRESS_GLOBAL, "global" },
		{ "2001:db8::1", ADDRESS_PRIVATE, "documentation" },
		{ "2620:4f:8000::1", ADDRESS_PRIVATE, "AS112" },
		{ "3fff::1", ADDRESS_PRIVATE, "documentation" },
		{ "4000::1", ADDRESS_PRIVATE, "not global unicast" },
		{ "5f00::1", ADDRESS_PRIVATE, "segment routing" },
		{ "fc00::1", ADDRESS_PRIVATE, "unique local" },
		{ "fd00:ec2::254", ADDRESS_PRIVATE, "unique local" },
		{ "fe80::1", ADDRESS_PRIVATE, "link-local" },
		{ "febf::1", ADDRESS_PRIVATE, "link-local" },
		{ "fec0::1", ADDRESS_PRIVATE, "site-local" },
		{ "ff02::1", ADDRESS_NEVER, "multicast" },
	};
	const char *what;

	(void)state;
	for (size_t i = 0; i < N(expected); i++) {
		struct address a = address(expected[i].text);
		enum address_class class = address_classify(&a, &what);

		if (class != expected[i].class ||
		    strcmp(what, expected[i].what) != 0)
			fail_msg("%s is %d, %s", expected[i].text, class, what);
	}
}

static void a_translated_address_is_judged_by_its_inner_one(void **state)
{
	static const struct {
		const char *text;
		enum address_class class;
		const char *what;
	} expected[] = {
		{ "64:ff9b::8.8.8.8", ADDRESS_PRIVATE, "NAT64" },
		{ "64:ff9b::169.254.169.254", ADDRESS_PRIVATE, "NAT64" },
		{ "64:ff9b::127.0.0.1", ADDRESS_NEVER, "NAT64" },
		{ "64:ff9b:1::10.0.0.1", ADDRESS_PRIVATE, "local NAT64" },
		{ "64:ff9b:1:2:3:4:127.0.0.1", ADDRESS_NEVER, "local NAT64" },
		{ "2002:0808:0808::1", ADDRESS_PRIVATE, "6to4" },
		{ "2002:7f00:0001::1", ADDRESS_NEVER, "6to4" },
		/* Teredo inverts: 80ff:fffe is 127.0.0.1, f7f7:f7f7 8.8.8.8. */
		{ "2001::80ff:fffe", ADDRESS_NEVER, "Teredo" },
		{ "2001::f7f7:f7f7", ADDRESS_PRIVATE, "Teredo" },
		{ "::10.0.0.1", ADDRESS_PRIVATE, "IPv4-compatible" },
		{ "::127.0.0.1", ADDRESS_NEVER, "IPv4-compatible" },
		{ "::ffff:127.0.0.1", ADDRESS_NEVER, "loopback" },
	};
	const char *what;

	(void)state;
	for (size_t i = 0; i < N(expected); i++) {
		struct address a = address(expected[i].text);
		enum address_class class = address_classify(&a, &what);

		if (class != expected[i].class ||
		    strcmp(what, expected[i].what) != 0)
			fail_msg("%s is %d, %s", expected[i].text, class, what);
	}
}

static void no_address_is_never_dialled(void **state)
{
	const struct address none = { 0 };
	char text[ADDRESS_TEXT_MAX];
	const char *what = NULL;

	(void)state;
	assert_int_equal(address_classify(&none, &what), ADDRESS_NEVER);
	assert_string_equal(what, "no address");
	assert_string_equal(address_format(&none, text), "none");
}

static void a_prefix_has_no_host_bits(void **state)
{
	static const char *const refused[] = {
		"",
		"/8",
		"10.0.0.1/8",
		"10.0.0.0/33",
		"10.0.0.0/",
		"10.0.0.0/08",
		"10.0.0.0/-1",
		"10.0.0.0/+8",
		"10.0.0.0/8 ",
		"10.0.0.0/8/8",
		"::1/127",
		"::/129",
		"10/8",
		"0.0.0.0/255.0.0.0",
		"::ffff:10.0.0.0/95",
		"::ffff:10.0.0.0/8",
		"fe80::%1/64",
		"128.0.0.0/0",
	};
	struct prefix p;

	(void)state;
	for (size_t i = 0; i < N(refused); i++)
		if (prefix_parse(&p, refused[i], strlen(refused[i])))
			fail_msg("'%s' was taken for a prefix", refused[i]);
	assert_int_equal(prefix("10.0.0.0/8").len, 8);
	assert_int_equal(prefix("0.0.0.0/0").len, 0);
	assert_int_equal(prefix("10.0.0.1").len, 32);
	assert_int_equal(prefix("::1").len, 128);
	assert_int_equal(prefix("::ffff:10.0.0.1").len, 32);
	assert_int_equal(prefix("::ffff:10.0.0.0/104").len, 8);
}

static void a_prefix_holds_what_begins_with_it(void **state)
{
	(void)state;
	assert_true(holds("10.0.0.0/9", "10.127.255.255"));
	assert_false(holds("10.0.0.0/9", "10.128.0.0"));
	assert_true(holds("0.0.0.0/0", "255.255.255.255"));
	assert_false(holds("0.0.0.0/0", "::1"));
	assert_false(holds("::/0", "10.0.0.1"));
	assert_true(holds("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(holds("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(holds("192.0.2.1", "192.0.2.1"));
	assert_false(holds("192.0.2.1", "192.0.2.0"));
}

static void a_prefix_has_the_class_of_its_most_open_part(void **state)
{
	static const struct {
		const char *text;
		enum address_class class;
	} expected[] = {
		{ "0.0.0.0/0", ADDRESS_GLOBAL },
		{ "8.8.8.0/24", ADDRESS_GLOBAL },
		{ "10.0.0.0/8", ADDRESS_PRIVATE },
		{ "10.0.0.0/7", ADDRESS_GLOBAL },
		{ "10.1.0.0/16", ADDRESS_PRIVATE },
		{ "127.0.0.0/8", ADDRESS_NEVER },
		{ "126.0.0.0/7", ADDRESS_GLOBAL },
		{ "0.0.0.0/8", ADDRESS_NEVER },
		{ "192.0.0.0/22", ADDRESS_GLOBAL },
		{ "192.0.2.0/24", ADDRESS_PRIVATE },
		{ "224.0.0.0/3", ADDRESS_NEVER },
		{ "255.255.255.255/32", ADDRESS_NEVER },
		{ "::/0", ADDRESS_GLOBAL },
		{ "::/3", ADDRESS_PRIVATE },
		{ "::/127", ADDRESS_NEVER },
		{ "::/104", ADDRESS_NEVER },
		{ "::/96", ADDRESS_PRIVATE },
		{ "2000::/3", ADDRESS_GLOBAL },
		{ "2002::/16", ADDRESS_PRIVATE },
		{ "2002:7f00::/24", ADDRESS_NEVER },
		{ "2002:7f00:1::/48", ADDRESS_NEVER },
		{ "64:ff9b::/96", ADDRESS_PRIVATE },
		{ "64:ff9b::7f00:0/104", ADDRESS_NEVER },
		{ "2001::/32", ADDRESS_PRIVATE },
		{ "2001::8000:0/104", ADDRESS_NEVER },
		{ "2001:db8::/32", ADDRESS_PRIVATE },
		{ "2001:db8::/31", ADDRESS_GLOBAL },
		{ "fc00::/7", ADDRESS_PRIVATE },
		{ "fc00::/6", ADDRESS_PRIVATE },
		{ "ff00::/8", ADDRESS_NEVER },
		{ "fe00::/7", ADDRESS_PRIVATE },
	};

	(void)state;
	for (size_t i = 0; i < N(expected); i++) {
		struct prefix p = prefix(expected[i].text);
		enum address_class class = prefix_classify(&p);

		if (class != expected[i].class)
			fail_msg("%s is %d", expected[i].text, class);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address_has_one_form),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(a_mapped_address_is_ipv4_at_every_entry),
		cmocka_unit_test(a_sockaddr_comes_back_as_it_went),
		cmocka_unit_test(every_special_block_has_its_class),
		cmocka_unit_test(
			a_translated_address_is_judged_by_its_inner_one),
		cmocka_unit_test(no_address_is_never_dialled),
		cmocka_unit_test(a_prefix_has_no_host_bits),
		cmocka_unit_test(a_prefix_holds_what_begins_with_it),
		cmocka_unit_test(a_prefix_has_the_class_of_its_most_open_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
