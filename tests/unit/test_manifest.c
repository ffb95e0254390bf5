#include "manifest.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

static void print_to(char *out, size_t cap,
		     const struct manifest_errors *errors)
{
	FILE *stream = fmemopen(out, cap, "w");

	assert_non_null(stream);
	manifest_errors_print(errors, "m", stream);
	assert_int_equal(fclose(stream), 0);
}

static struct policy *load_bytes(const char *text, size_t len)
{
	struct manifest_errors errors;
	char printed[4096] = "";
	struct policy *policy = manifest_parse(text, len, &errors);

	if (!policy) {
		print_to(printed, sizeof(printed), &errors);
		manifest_errors_done(&errors);
		fail_msg("%s", printed);
	}
	assert_int_equal(errors.n, 0);
	return policy;
}

static struct policy *load(const char *text)
{
	return load_bytes(text, strlen(text));
}

/* What is printed about @text, "m:LINE:COLUMN: MESSAGE", is @expected. */
static void assert_mistakes_in(const char *text, size_t len,
			       const char *expected)
{
	struct manifest_errors errors;
	char printed[8192] = "";
	struct policy *policy = manifest_parse(text, len, &errors);

	if (policy) {
		policy_free(policy);
		fail_msg("accepted: %s", text);
	}
	print_to(printed, sizeof(printed), &errors);
	manifest_errors_done(&errors);
	assert_string_equal(printed, expected);
}

static void assert_mistakes(const char *text, const char *expected)
{
	assert_mistakes_in(text, strlen(text), expected);
}

struct row {
	const char *text, *expected;
};

static void assert_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_mistakes(rows[i].text, rows[i].expected);
}

/* One route, whose text begins at column 12 of line 1. */
static void assert_route_mistakes(const struct row *rows, size_t n)
{
	char text[1024];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text), "routes: [ {%s} ]\n",
			       rows[i].text);
		assert_mistakes(text, rows[i].expected);
	}
}

static void a_route_has_sensible_defaults(void **state)
{
	struct policy *policy = load("routes:\n  - host: Example.ORG.\n");
	const struct route *route;
	size_t n;

	(void)state;
	route = policy_routes(policy, &n);
	assert_int_equal(n, 1);
	assert_false(route->is_cidr);
	assert_false(route->host.below);
	assert_string_equal(route->host.base.name, "example.org");
	assert_int_equal(route->n_ports, 2);
	assert_int_equal(route->ports[0], 443);
	assert_int_equal(route->ports[1], 80);
	assert_int_equal(route->tls, ROUTE_TLS_INTERCEPT);
	assert_int_equal(route->addresses, ROUTE_ADDRESSES_AUTO);
	assert_false(route->private);
	assert_int_equal(route->line, 2);
	assert_int_equal(route->column, 5);
	assert_int_equal(policy_refusals(policy), POLICY_REFUSALS_EXPLAIN);
	policy_free(policy);
}

static void resolvers_are_addresses_or_say_more(void **state)
{
	struct policy *policy =
		load("routes: []\n"
		     "resolvers:\n"
		     "  - {address: 192.0.2.1, tls: DNS.Example.org.}\n"
		     "  - address: \"2001:db8::1\"\n"
		     "    port: 8853\n"
		     "    tls: dns.example.org\n");
	const struct nameserver *resolvers;
	char text[NAMESERVER_TEXT_MAX];
	size_t n;

	(void)state;
	resolvers = policy_resolvers(policy, &n);
	assert_int_equal(n, 2);
	assert_string_equal(nameserver_format(&resolvers[0], text),
			    "192.0.2.1:853#dns.example.org");
	assert_string_equal(nameserver_format(&resolvers[1], text),
			    "[2001:db8::1]:8853#dns.example.org");
	policy_free(policy);

	policy = load(
		"egress:\n"
		"  routes: []\n"
		"  resolvers: [10.0.0.1, {address: 127.0.0.1, port: 54}]\n");
	resolvers = policy_resolvers(policy, &n);
	assert_int_equal(n, 2);
	assert_string_equal(nameserver_format(&resolvers[0], text),
			    "10.0.0.1:53");
	assert_string_equal(nameserver_format(&resolvers[1], text),
			    "127.0.0.1:54");
	policy_free(policy);

	policy = load("routes: []\n");
	(void)policy_resolvers(policy, &n);
	assert_int_equal(n, 0);
	policy_free(policy);
}

#define AN_ADDRESS \
	"an address such as 192.0.2.1, or {address: 192.0.2.1, tls: dns.example.org}"
#define A_CERTIFICATE \
	"expected the name that the resolver's certificate is for, such as dns.example.org, found "
#define IN_CLEAR \
	": that would tell in clear what the others are to hide; give all of them \"tls\", or none\n"

static void mistakes_in_resolvers(void **state)
{
	static const struct row rows[] = {
		{ "resolvers: 192.0.2.1",
		  "m:2:12: expected a list of resolvers, found \"192.0.2.1\"\n" },
		{ "resolvers: []",
		  "m:2:12: expected at least one resolver, found an empty list: leave \"resolvers\" out to ask those of the gateway's own\n" },
		{ "resolvers: [dns.example.org]",
		  "m:2:13: \"dns.example.org\" is a name, and to resolve it would need a resolver first: write its address\n" },
		{ "resolvers: [{address: dns.example.org, tls: dns.example.org}]",
		  "m:2:23: \"dns.example.org\" is a name, and to resolve it would need a resolver first: write its address\n" },
		{ "resolvers: [192.0.2.1/24]",
		  "m:2:13: expected " AN_ADDRESS ", found \"192.0.2.1/24\"\n" },
		{ "resolvers: [192.0.2.1#dns.example.org]",
		  "m:2:13: expected " AN_ADDRESS
		  ", found \"192.0.2.1#dns.example.org\"\n" },
		{ "resolvers: [[192.0.2.1]]",
		  "m:2:13: expected " AN_ADDRESS ", found a list\n" },
		{ "resolvers: [{tls: dns.example.org}]",
		  "m:2:13: a resolver needs its \"address\"\n" },
		{ "resolvers: [{address: 192.0.2.1, port: 0}]",
		  "m:2:40: expected a port from 1 to 65535, found \"0\"\n" },
		{ "resolvers: [{address: 192.0.2.1, tls: true}]",
		  "m:2:39: " A_CERTIFICATE "\"true\"\n" },
		{ "resolvers: [{address: 192.0.2.1, tls: 192.0.2.1}]",
		  "m:2:39: " A_CERTIFICATE "\"192.0.2.1\"\n" },
		{ "resolvers: [{address: 192.0.2.1, tls: \"*.example.org\"}]",
		  "m:2:39: " A_CERTIFICATE "\"*.example.org\"\n" },
		{ "resolvers: [192.0.2.1, {address: 192.0.2.1, port: 53}]",
		  "m:2:24: this resolver is listed twice\n" },
		{ "resolvers: [{address: 192.0.2.1, tls: a.test}, {address: 192.0.2.1, tls: b.test}]",
		  "m:2:48: this resolver is listed twice\n" },
		{ "resolvers: [192.0.2.1, {address: 192.0.2.2, tls: a.test}]",
		  "m:2:24: this resolver has \"tls\", and one before it has not" IN_CLEAR },
		{ "resolvers: [{address: 192.0.2.2, tls: a.test}, 192.0.2.1]",
		  "m:2:48: this resolver has no \"tls\", and one before it has" IN_CLEAR },
		{ "resolvers: [192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5]",
		  "m:2:57: more than 4 resolvers\n" },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		(void)snprintf(text, sizeof(text), "routes: []\n%s\n",
			       rows[i].text);
		assert_mistakes(text, rows[i].expected);
	}
}

static void every_key_is_read(void **state)
{
	struct policy *policy =
		load("version: 1\n"
		     "mode: enforce\n"
		     "refusals: terse\n"
		     "deny:\n"
		     "  - host: \"*.com\"\n"
		     "  - {cidr: 10.0.0.0/8, ports: [22, 23]}\n"
		     "routes:\n"
		     "  - host: \"*.git.example\"\n"
		     "    ports: 22\n"
		     "    tls: none\n"
		     "    addresses: virtual\n"
		     "    private: true\n"
		     "  - {host: s.example, ports: [8443], tls: splice,\n"
		     "     addresses: real, private: false}\n"
		     "  - {cidr: \"::ffff:203.0.113.0/120\", ports: [25],\n"
		     "     private: true}\n"
		     "  - {cidr: 8.8.8.8, ports: 53, tls: none}\n");
	const struct route *route;
	size_t n;

	(void)state;
	assert_int_equal(policy_refusals(policy), POLICY_REFUSALS_TERSE);
	route = policy_denials(policy, &n);
	assert_int_equal(n, 2);
	assert_true(route[0].host.below);
	assert_int_equal(route[0].n_ports, 0);
	assert_true(route[1].is_cidr);
	assert_int_equal(route[1].cidr.len, 8);
	assert_int_equal(route[1].n_ports, 2);

	route = policy_routes(policy, &n);
	assert_int_equal(n, 4);
	assert_true(route[0].host.below);
	assert_int_equal(route[0].n_ports, 1);
	assert_int_equal(route[0].ports[0], 22);
	assert_int_equal(route[0].tls, ROUTE_TLS_NONE);
	assert_int_equal(route[0].addresses, ROUTE_ADDRESSES_VIRTUAL);
	assert_true(route[0].private);
	assert_int_equal(route[1].tls, ROUTE_TLS_SPLICE);
	assert_int_equal(route[1].addresses, ROUTE_ADDRESSES_REAL);
	assert_int_equal(route[2].cidr.base.family, AF_INET);
	assert_int_equal(route[2].cidr.len, 24);
	assert_int_equal(route[2].tls, ROUTE_TLS_NONE);
	assert_int_equal(route[3].cidr.len, 32);
	policy_free(policy);
}

static void nothing_may_be_admitted_on_purpose(void **state)
{
	struct policy *policy = load("routes: []\n");
	size_t n;

	(void)state;
	(void)policy_routes(policy, &n);
	assert_int_equal(n, 0);
	policy_free(policy);
}

static void a_bottle_is_read_for_its_egress(void **state)
{
	static const char *const bottles[] = {
		"---\n"
		"agent_provider: {template: claude}\n"
		"env: {A: &a !!str 1, B: *a, B: 2}\n"
		"egress:\n"
		"  routes: [{host: example.org}]\n"
		"supervise: true\n"
		"---\n"
		"routes: [{host: evil.example}]\n"
		"\tNotes \xff in *Markdown*.\n",
		"\xef\xbb\xbf---\r\n"
		"egress:\r\n"
		"  routes: [{host: example.org}]\r\n"
		"--- \r\n"
		"# Notes\r\n",
		"version: 3\negress: {routes: [{host: example.org}]}\n",
		"---\nroutes: [{host: example.org}]\n---",
		"---\nroutes: [{host: example.org}]\n",
	};
	const struct route *route;
	size_t n;

	(void)state;
	for (size_t i = 0; i < N(bottles); i++) {
		struct policy *policy = load(bottles[i]);

		route = policy_routes(policy, &n);
		assert_int_equal(n, 1);
		assert_string_equal(route->host.base.name, "example.org");
		policy_free(policy);
	}
}

static void places_in_a_bottle_are_those_of_the_file(void **state)
{
	(void)state;
	assert_mistakes("---\nname: x\negress:\n  routes:\n    - hots: a..b\n"
			"---\nnotes\n",
			"m:5:7: unknown key \"hots\"; did you mean \"host\"?\n"
			"m:5:13: \"a..b\" is not a host name: expected a name "
			"such as example.org or \"*.example.org\"\n");
}

static void keys_in_the_wrong_place_are_told_where_to_go(void **state)
{
	static const struct row rows[] = {
		{ "env: {}\n",
		  "m:1:1: no \"egress\": a bottle's routes stand under it\n" },
		{ "egress: {routes: []}\ndeny: []\n",
		  "m:2:1: \"deny\" belongs inside \"egress\"\n" },
		{ "routes: []\ndns: [TXT]\n",
		  "m:2:1: \"dns\" belongs inside a route\n" },
		{ "egress: {routes: []}\nfirewall: off\n",
		  "m:2:1: unknown key \"firewall\"; expected egress, or a key "
		  "that is known to be for others\n" },
		{ "egress: {routes: []}\nskils: []\n",
		  "m:2:1: unknown key \"skils\"; did you mean \"skills\"?\n" },
		{ "routes: []\nenv: {}\n",
		  "m:2:1: unknown key \"env\"; expected version, mode, "
		  "refusals, deny, routes, resolvers\n" },
		{ "egress: {}\n",
		  "m:1:9: no \"routes\": list what is admitted, or write "
		  "routes: [] to admit nothing\n" },
	};

	(void)state;
	assert_rows(rows, N(rows));
}

static void what_is_no_manifest_is_refused(void **state)
{
	static const struct row rows[] = {
		{ "",
		  "m:1:1: expected a mapping with \"routes\", found nothing\n" },
		{ "# only a comment\n",
		  "m:1:1: expected a mapping with \"routes\", found nothing\n" },
		{ "---\n---\n",
		  "m:2:1: expected a mapping with \"routes\", found nothing\n" },
		{ "hello\n",
		  "m:1:1: expected a mapping with \"routes\", found \"hello\"\n" },
		{ "- host: example.org\n",
		  "m:1:1: expected a mapping with \"routes\", found a list\n" },
		{ "version: 1\n",
		  "m:1:1: no \"routes\": list what is admitted, or write "
		  "routes: [] to admit nothing\n" },
		{ "routes:\n",
		  "m:1:8: expected a list of routes ([] admits nothing), "
		  "found nothing\n" },
		{ "routes: example.org\n",
		  "m:1:9: expected a list of routes ([] admits nothing), "
		  "found \"example.org\"\n" },
		{ "routes: [example.org]\n",
		  "m:1:10: expected a route such as {host: example.org}, "
		  "found \"example.org\"\n" },
		{ "routes: [[]]\n",
		  "m:1:10: expected a route such as {host: example.org}, "
		  "found a list\n" },
		{ "routes: []\nroutes: []\n",
		  "m:2:1: duplicate key \"routes\"; the first is on line 1\n" },
		{ "routes: []\nversion: 2\n",
		  "m:2:10: expected version 1, found \"2\"\n" },
		{ "routes: []\nversion: \"1\"\n",
		  "m:2:10: expected version 1, found \"1\" in quotes\n" },
		{ "routes: []\nmode: observe\n",
		  "m:2:7: \"mode: observe\" is not there in this version; it "
		  "enforces\n" },
		{ "routes: []\nmode: off\n",
		  "m:2:7: expected enforce, found \"off\"\n" },
		{ "routes: []\nrefusals: [terse]\n",
		  "m:2:11: expected explain or terse, found a list\n" },
		{ "routes: []\ntests: []\n",
		  "m:2:1: \"tests\" is not run by this version\n" },
		{ "routes: []\ndeny: {host: a.example}\n",
		  "m:2:7: expected a list of what is denied, found a "
		  "mapping\n" },
		{ "routes: []\ndeny: [{host: a.example, tls: none}]\n",
		  "m:2:26: unknown key \"tls\"; expected host, cidr, ports\n" },
		{ "routes: []\n? [a]\n: b\n",
		  "m:2:3: expected a key, found a list\n" },
		{ "routes: []\n\"mo\\0de\": enforce\n",
		  "m:2:1: unknown key \"mo\\x00de\"; did you mean \"mode\"?\n" },
	};

	(void)state;
	assert_rows(rows, N(rows));
}

static void what_yaml_has_and_manifests_do_not_is_refused(void **state)
{
	static const struct row rows[] = {
		{ "routes: &a []\n",
		  "m:1:9: an anchor is not accepted: write the plain value\n" },
		{ "routes: [{host: !!str a.example}]\n",
		  "m:1:17: a tag is not accepted: write the plain value\n" },
		{ "routes: [{host: *all}]\n",
		  "m:1:17: an alias is not accepted: write the value out; a "
		  "wildcard goes in quotes: \"*.example.org\"\n" },
		{ "routes: [{host: *.example.org}]\n",
		  "m:1:18: while scanning an alias: did not find expected "
		  "alphabetic or numeric character; a wildcard goes in "
		  "quotes: \"*.example.org\"\n" },
		{ "routes: [{<<: *all, host: a.example}]\n",
		  "m:1:11: unknown key \"<<\"; expected host, cidr, ports, "
		  "tls, addresses, private, limits, dns, matches, git, "
		  "auth, upstream_ca, client_cert_ref, h2c, http2_websocket\n" },
		{ "routes: []\n...\n---\nroutes: []\n",
		  "m:3:1: a further document begins here; one file holds one "
		  "manifest\n" },
		{ "%YAML 1.1\n---\nroutes: []\n",
		  "m:1:1: directives (%YAML, %TAG) are not accepted\n" },
		{ "routes:\n\t- host: a.example\n",
		  "m:2:1: while scanning for the next token: found character "
		  "that cannot start any token; indent with spaces, and put "
		  "unusual text in quotes\n" },
		{ "routes: []\n# \xff\n",
		  "m:2:3: invalid leading UTF-8 octet\n" },
		{ "routes: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
		  "m:1:10: expected a route such as {host: example.org}, "
		  "found a list\n"
		  "m:1:40: nested more than 32 levels deep\n" },
	};

	(void)state;
	assert_rows(rows, N(rows));
	assert_mistakes_in("routes: []\n#\0\n", 13,
			   "m:2:2: control characters are not allowed\n");
}

static void a_host_is_a_name_that_can_be_judged(void **state)
{
	static const struct row rows[] = {
		{ "host: ", "m:1:18: expected a host name, found nothing\n" },
		{ "host: null",
		  "m:1:18: expected a host name, found nothing\n" },
		{ "host: \"\"", "m:1:18: expected a host name, found \"\"\n" },
		{ "host: [a.example]",
		  "m:1:18: expected a host name, found a list\n" },
		{ "host: \"*\"",
		  "m:1:18: \"*\" is not a host name: not everything can be "
		  "admitted: name the hosts\n" },
		{ "host: \"a.*.example\"",
		  "m:1:18: \"a.*.example\" is not a host name: a star stands "
		  "only as the whole first label, as in \"*.example.org\"\n" },
		{ "host: \"a*.example.org\"",
		  "m:1:18: \"a*.example.org\" is not a host name: a star "
		  "stands only as the whole first label, as in "
		  "\"*.example.org\"\n" },
		{ "host: .example.org",
		  "m:1:18: \".example.org\" is not a host name: what is below "
		  "a name is written \"*.example.org\"\n" },
		{ "host: \"https://example.org/\"",
		  "m:1:18: \"https://example.org/\" is not a host name: write "
		  "the host of the URL alone\n" },
		{ "host: \"example.org:8443\"",
		  "m:1:18: \"example.org:8443\" is not a host name: a port "
		  "goes in \"ports\"\n" },
		{ "host: me@example.org",
		  "m:1:18: \"me@example.org\" is not a host name: a host has "
		  "no user\n" },
		{ "host: \"a.example\\0.evil.example\"",
		  "m:1:18: \"a.example\\x00.evil.example\" is not a host "
		  "name: it has a NUL in it\n" },
		{ "host: \"a\\r\\nb.example\"",
		  "m:1:18: \"a\\x0d\\nb.example\" is not a host name: "
		  "expected a name such as example.org or "
		  "\"*.example.org\"\n" },
		{ "host: 10.0.0.1",
		  "m:1:18: \"10.0.0.1\" is an address, not a host name: write "
		  "cidr: \"10.0.0.1/32\"\n" },
		{ "host: \"2001:db8::1\"",
		  "m:1:18: \"2001:db8::1\" is an address, not a host name: "
		  "write cidr: \"2001:db8::1/128\"\n" },
		{ "host: \"[::1]\"",
		  "m:1:18: \"[::1]\" is not a host name: an address goes in "
		  "\"cidr\", without brackets\n" },
		{ "host: 0x7f.1",
		  "m:1:18: \"0x7f.1\" is not a host name: expected a name "
		  "such as example.org or \"*.example.org\"\n" },
		{ "host: \"\xef\xbc\x8a.example.org\"",
		  "m:1:18: \"\\xef\\xbc\\x8a.example.org\" is not a host "
		  "name: nor does it become one by IDNA\n" },
	};

	(void)state;
	assert_route_mistakes(rows, N(rows));
}

static void a_wildcard_over_a_public_suffix_is_refused(void **state)
{
	static const struct row rows[] = {
		{ "com", "is a public suffix" },
		{ "co.uk", "is a public suffix" },
		{ "ck", "is a public suffix" },
		{ "any.ck", "is a public suffix" },
		{ "xn--fiqs8s", "is a public suffix" },
		{ "\xe4\xb8\xad\xe5\x9b\xbd", "is a public suffix" },
		{ "github.io",
		  "is in the private section of the public suffix list" },
		{ "s3.amazonaws.com",
		  "is in the private section of the public suffix list" },
		{ "compute.amazonaws.com",
		  "is in the private section of the public suffix list" },
		{ "internal", "is a top-level domain" },
	};
	static const char *const accepted[] = {
		"example.com",  "example.co.uk", "www.ck",
		"me.github.io", "svc.internal",
	};
	struct manifest_errors errors;
	char text[128];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		(void)snprintf(text, sizeof(text),
			       "routes: [{host: \"*.%s\"}]\n", rows[i].text);
		assert_null(manifest_parse(text, strlen(text), &errors));
		assert_int_equal(errors.n, 1);
		if (!strstr(errors.list[0].message, rows[i].expected))
			fail_msg("%s", errors.list[0].message);
		manifest_errors_done(&errors);
	}
	for (size_t i = 0; i < N(accepted); i++) {
		(void)snprintf(text, sizeof(text),
			       "routes: [{host: \"*.%s\"}]\n", accepted[i]);
		policy_free(load(text));
	}
	policy_free(load("routes: [{host: github.io}]\n"));
}

static void names_turn_to_a_labels_once(void **state)
{
	static const char *const names[][2] = {
		{ "b\xc3\xbc"
		  "cher.example",
		  "xn--bcher-kva.example" },
		{ "B\xc3\x9c"
		  "CHER.example",
		  "xn--bcher-kva.example" },
		/* Non-transitional: sharp s is not "ss". */
		{ "fa\xc3\x9f.example", "xn--fa-hia.example" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < N(names); i++)
		for (int below = 0; below < 2; below++) {
			const struct route *route;
			struct policy *policy;
			size_t n;

			(void)snprintf(text, sizeof(text),
				       "routes: [{host: \"%s%s\"}]\n",
				       below ? "*." : "", names[i][0]);
			policy = load(text);
			route = policy_routes(policy, &n);
			assert_string_equal(route->host.base.name, names[i][1]);
			assert_int_equal(route->host.below, below);
			policy_free(policy);
		}
}

static void a_cidr_is_a_prefix_that_may_be_reached(void **state)
{
	static const struct row rows[] = {
		{ "cidr: 10.1.2.3/8, ports: [22], private: true",
		  "m:1:18: \"10.1.2.3/8\" has bits set after its prefix: write "
		  "\"10.0.0.0/8\"\n" },
		{ "cidr: \"2001:db8::1/32\", ports: [22], private: true",
		  "m:1:18: \"2001:db8::1/32\" has bits set after its prefix: "
		  "write \"2001:db8::/32\"\n" },
		{ "cidr: 10.0.0.0/33, ports: [22]",
		  "m:1:18: expected a prefix such as 203.0.113.0/24 or "
		  "\"2001:db8::/32\", found \"10.0.0.0/33\"\n" },
		{ "cidr: example.org, ports: [22]",
		  "m:1:18: expected a prefix such as 203.0.113.0/24 or "
		  "\"2001:db8::/32\", found \"example.org\"\n" },
		{ "cidr: 010.0.0.0/8, ports: [22]",
		  "m:1:18: expected a prefix such as 203.0.113.0/24 or "
		  "\"2001:db8::/32\", found \"010.0.0.0/8\"\n" },
		{ "cidr: 169.254.169.254/32, ports: [80]",
		  "m:1:18: \"169.254.169.254/32\" is special-purpose space "
		  "(cloud metadata): it needs \"private: true\"\n" },
		{ "cidr: 127.0.0.0/8, ports: [80], private: true",
		  "m:1:18: \"127.0.0.0/8\" (loopback) is never a "
		  "destination\n" },
		{ "cidr: 8.8.8.0/24",
		  "m:1:11: \"cidr\" passes bytes unread: it needs its "
		  "\"ports\", such as ports: [22]\n" },
		{ "cidr: 8.8.8.0/24, ports: [443], tls: splice",
		  "m:1:49: with \"cidr\" there is no name to judge TLS by: "
		  "write tls: none, or nothing\n" },
		{ "cidr: 8.8.8.0/24, ports: [443], addresses: real",
		  "m:1:55: \"addresses\" has no meaning with \"cidr\": nothing "
		  "is resolved\n" },
		{ "cidr: 8.8.8.0/24, host: a.example, ports: [443]",
		  "m:1:18: an entry has either \"host\" or \"cidr\", not "
		  "both\n" },
		{ "ports: [443]",
		  "m:1:11: neither \"host\" nor \"cidr\": say what the entry "
		  "is about\n" },
	};

	(void)state;
	assert_route_mistakes(rows, N(rows));
}

static void a_port_is_a_number_and_nothing_else(void **state)
{
#define PORT(found) "m:1:38: expected a port from 1 to 65535, found " found "\n"
	static const struct row rows[] = {
		{ "host: a.example, ports: [ htpps]", PORT("\"htpps\"") },
		{ "host: a.example, ports: [ 0]", PORT("\"0\"") },
		{ "host: a.example, ports: [ 65536]", PORT("\"65536\"") },
		{ "host: a.example, ports: [ 0443]", PORT("\"0443\"") },
		{ "host: a.example, ports: [ 0x1bb]", PORT("\"0x1bb\"") },
		{ "host: a.example, ports: [ 4_43]", PORT("\"4_43\"") },
		{ "host: a.example, ports: [ 443.0]", PORT("\"443.0\"") },
		{ "host: a.example, ports: [ +443]", PORT("\"+443\"") },
		{ "host: a.example, ports: [ -1]", PORT("\"-1\"") },
		{ "host: a.example, ports: [ '443']",
		  PORT("\"443\" in quotes") },
		{ "host: a.example, ports: [ 99999999999999999999]",
		  PORT("\"99999999999999999999\"") },
		{ "host: a.example, ports: [ [443]]", PORT("a list") },
		{ "host: a.example, ports: [443, 443]",
		  "m:1:42: port 443 is listed twice\n" },
		{ "host: a.example, ports: []",
		  "m:1:36: expected at least one port, found an empty list\n" },
		{ "host: a.example, ports: {443: 80}",
		  "m:1:36: expected a port or a list of ports, found a "
		  "mapping\n" },
		{ "host: a.example, tls: none",
		  "m:1:11: \"tls: none\" passes bytes unread: it needs its "
		  "\"ports\", such as ports: [22]\n" },
	};
#undef PORT
	(void)state;
	assert_route_mistakes(rows, N(rows));
}

static void a_route_has_so_many_ports_and_no_more(void **state)
{
	char text[1024] = "routes: [{host: a.example, ports: [1";
	size_t at = strlen(text);
	struct manifest_errors errors;
	struct policy *policy;

	(void)state;
	for (int port = 2; port <= ROUTE_PORTS_MAX; port++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, ", %d",
				       port);
	(void)snprintf(text + at, sizeof(text) - at, "]}]");
	policy_free(load(text));
	(void)snprintf(text + at, sizeof(text) - at, ", 99, 100]}]");
	policy = manifest_parse(text, strlen(text), &errors);
	assert_null(policy);
	assert_int_equal(errors.n, 2);
	assert_non_null(strstr(errors.list[0].message, "more than 32 ports"));
	manifest_errors_done(&errors);
}

static void only_true_and_false_are_booleans(void **state)
{
	static const char *const refused[][2] = {
		{ "yes", "\"yes\"" },   { "on", "\"on\"" },
		{ "True", "\"True\"" }, { "1", "\"1\"" },
		{ "y", "\"y\"" },       { "'true'", "\"true\" in quotes" },
		{ "", "nothing" },      { "~", "nothing" },
	};
	char text[128], expected[128];

	(void)state;
	for (size_t i = 0; i < N(refused); i++) {
		(void)snprintf(text, sizeof(text),
			       "routes:\n- host: a.example\n  private: %s\n",
			       refused[i][0]);
		(void)snprintf(expected, sizeof(expected),
			       "m:3:%d: expected true or false, found %s\n",
			       refused[i][0][0] ? 12 : 11, refused[i][1]);
		assert_mistakes(text, expected);
	}
}

static void record_types_are_listed_by_name(void **state)
{
	struct policy *policy =
		load("routes:\n"
		     "- {host: a.example, dns: MX}\n"
		     "- {host: b.example, dns: [" DNS_TYPES_LISTABLE "]}\n"
		     "- host: c.example\n");
	const uint16_t all[] = { DNS_TYPE_NS,  DNS_TYPE_SOA, DNS_TYPE_MX,
				 DNS_TYPE_TXT, DNS_TYPE_SRV, DNS_TYPE_NAPTR,
				 DNS_TYPE_CAA };
	const struct route *route;
	size_t n;

	(void)state;
	route = policy_routes(policy, &n);
	assert_int_equal(n, 3);
	assert_int_equal(route[0].n_dns_types, 1);
	assert_int_equal(route[0].dns_types[0], DNS_TYPE_MX);
	assert_int_equal(route[1].n_dns_types, N(all));
	assert_memory_equal(route[1].dns_types, all, sizeof(all));
	assert_int_equal(route[2].n_dns_types, 0);
	policy_free(policy);
}

static void a_type_that_goes_round_the_policy_is_no_type_to_list(void **state)
{
	static const struct row rows[] = {
		{ "host: a.example, dns: [TXT, HTTPS]",
		  "m:1:40: HTTPS cannot be listed: it has address hints and "
		  "keys (ECH) in it that lead round the policy\n" },
		{ "host: a.example, dns: SVCB",
		  "m:1:34: SVCB cannot be listed: it has address hints and "
		  "keys (ECH) in it that lead round the policy\n" },
		{ "host: a.example, dns: ANY",
		  "m:1:34: ANY cannot be listed: it is no type: list those "
		  "that are needed\n" },
		{ "host: a.example, dns: \"NULL\"",
		  "m:1:34: NULL cannot be listed: it holds any bytes, and "
		  "nothing but tunnels asks for it\n" },
		{ "host: a.example, dns: [AXFR, IXFR]",
		  "m:1:35: AXFR cannot be listed: it asks for a whole zone, "
		  "not for records of a name\n"
		  "m:1:41: IXFR cannot be listed: it asks for a whole zone, "
		  "not for records of a name\n" },
		{ "host: a.example, dns: [DNSKEY, RRSIG]",
		  "m:1:35: DNSKEY cannot be listed: it is of no use to the "
		  "agent: the gateway hands no signatures on\n"
		  "m:1:43: RRSIG cannot be listed: it is of no use to the "
		  "agent: the gateway hands no signatures on\n" },
		{ "host: a.example, dns: PTR",
		  "m:1:34: PTR cannot be listed: it is about an address, and "
		  "a route that admits names about names\n" },
		{ "host: a.example, dns: CNAME",
		  "m:1:34: CNAME cannot be listed: it is followed by the "
		  "gateway; what is at its end is told\n" },
		{ "host: a.example, dns: AAAA",
		  "m:1:34: AAAA cannot be listed: it is answered for every "
		  "name that is admitted\n" },
	};

	(void)state;
	assert_route_mistakes(rows, N(rows));
}

static void what_is_no_type_is_refused(void **state)
{
	static const struct row rows[] = {
		{ "host: a.example, dns: [txt]",
		  "m:1:35: expected a record type (" DNS_TYPES_LISTABLE
		  "), found \"txt\"\n" },
		{ "host: a.example, dns: TYPE16",
		  "m:1:34: expected a record type (" DNS_TYPES_LISTABLE
		  "), found \"TYPE16\"\n" },
		{ "host: a.example, dns: [MX, TXT, MX]",
		  "m:1:44: MX is listed twice\n" },
		{ "host: a.example, dns: []",
		  "m:1:34: expected at least one record type, found an empty "
		  "list\n" },
		{ "host: a.example, dns: {}",
		  "m:1:34: expected a record type or a list of them, found a "
		  "mapping\n" },
		{ "cidr: 203.0.113.0/24, private: true, ports: 22, dns: TXT",
		  "m:1:65: \"dns\" has no meaning with \"cidr\": nothing is "
		  "resolved\n" },
	};

	(void)state;
	assert_route_mistakes(rows, N(rows));
}

#define CERTIFICATE \
	"-----BEGIN CERTIFICATE-----\\nMAMCAQE=\\n-----END CERTIFICATE-----\\n"
#define OTHER \
	"-----BEGIN CERTIFICATE-----\\nMAMCAQI=\\n-----END CERTIFICATE-----\\n"

static void origins_may_be_verified_by_others(void **state)
{
	struct policy *policy =
		load("routes:\n"
		     "  - host: a.example\n"
		     "    upstream_ca: |\n"
		     "      -----BEGIN CERTIFICATE-----\n"
		     "      MAMCAQE=\n"
		     "      -----END CERTIFICATE-----\n"
		     "  - {host: b.example, upstream_ca: \"" OTHER "\"}\n"
		     "  - {host: c.example, upstream_ca: \"" CERTIFICATE "\"}\n"
		     "  - {host: d.example, upstream_ca: \"" CERTIFICATE OTHER
		     "\"}\n"
		     "  - host: e.example\n");
	size_t n;
	const struct route *route = policy_routes(policy, &n);
	const struct meeting *meetings = policy_meetings(policy, &n);

	(void)state;
	assert_int_equal(n, 3);
	assert_int_equal(route[0].meeting, 1);
	assert_int_equal(route[1].meeting, 2);
	assert_int_equal(route[2].meeting, 1);
	assert_int_equal(route[3].meeting, 3);
	assert_int_equal(route[4].meeting, 0);
	assert_string_equal(meetings[0].upstream_ca,
			    "-----BEGIN CERTIFICATE-----\n"
			    "MAMCAQE=\n-----END CERTIFICATE-----\n");
	policy_free(policy);
}

#define NO_CERTIFICATES                                                      \
	"expected 1 to 16 certificates in PEM, as a block after \"|\", and " \
	"nothing else: line "

static void who_verifies_is_told_in_certificates(void **state)
{
	static const struct row rows[] = {
		{ "host: a.example, upstream_ca: /etc/ssl/ours.pem",
		  "m:1:42: " NO_CERTIFICATES "1 of it is wrong\n" },
		{ "host: a.example, upstream_ca: \"" CERTIFICATE "x\"",
		  "m:1:42: " NO_CERTIFICATES "4 of it is wrong\n" },
		{ "host: a.example, upstream_ca: []",
		  "m:1:42: expected certificates in PEM, as a block after "
		  "\"|\", found a list\n" },
		{ "host: a.example, tls: splice, upstream_ca: \"" CERTIFICATE
		  "\"",
		  "m:1:55: \"upstream_ca\" has no meaning with \"tls: splice\": "
		  "the gateway verifies nothing there\n" },
		{ "cidr: 8.8.8.0/24, ports: 22, upstream_ca: \"" CERTIFICATE
		  "\"",
		  "m:1:54: \"upstream_ca\" has no meaning with \"cidr\": the "
		  "gateway verifies nothing there\n" },
	};

	(void)state;
	assert_route_mistakes(rows, N(rows));
	assert_mistakes("routes:\n"
			"  - {host: a.example, upstream_ca: \"" CERTIFICATE
			"\"}\n"
			"  - {host: a.example, ports: 443}\n",
			"m:3:5: this and line 2 are about the same host and "
			"port, but differ in \"upstream_ca\"\n");
}

static void how_requests_may_come_is_said_by_route(void **state)
{
	struct policy *policy = load(
		"routes:\n"
		"- {host: a.example, h2c: true}\n"
		"- {host: b.example, tls: splice, h2c: true}\n"
		"- {host: c.example, http2_websocket: true}\n"
		"- {host: d.example, h2c: false, http2_websocket: false}\n");
	const struct route *route;
	size_t n;

	(void)state;
	route = policy_routes(policy, &n);
	assert_int_equal(n, 4);
	assert_true(route[0].h2c && !route[0].http2_websocket);
	assert_true(route[1].h2c && !route[1].http2_websocket);
	assert_true(!route[2].h2c && route[2].http2_websocket);
	assert_true(!route[3].h2c && !route[3].http2_websocket);
	policy_free(policy);
}

static void mistakes_in_how_requests_may_come(void **state)
{
	static const struct row rows[] = {
		{ "host: a.example, h2c: yes",
		  "m:1:34: expected true or false, found \"yes\"\n" },
		{ "host: a.example, http2_websocket: [chat]",
		  "m:1:46: expected true or false, found a list\n" },
		{ "host: a.example, tls: none, ports: 22, h2c: true",
		  "m:1:56: \"h2c\" needs requests to be read, and \"tls: "
		  "none\" passes them unread\n" },
		{ "cidr: 8.8.8.0/24, ports: 22, h2c: true",
		  "m:1:46: \"h2c\" needs requests to be read, and \"cidr\" "
		  "passes them unread\n" },
		{ "host: a.example, tls: splice, http2_websocket: true",
		  "m:1:59: \"http2_websocket\" needs requests to be read, and "
		  "\"tls: splice\" passes them unread\n" },
	};

	(void)state;
	assert_route_mistakes(rows, N(rows));
	assert_mistakes("routes:\n"
			"  - {host: a.example, h2c: true}\n"
			"  - {host: a.example, ports: 80}\n",
			"m:3:5: this and line 2 are about the same host and "
			"port, but differ in \"h2c\"\n");
	assert_mistakes("routes:\n"
			"  - {host: a.example}\n"
			"  - {host: a.example, http2_websocket: true}\n",
			"m:3:5: this and line 2 are about the same host and "
			"port, but differ in \"http2_websocket\"\n");
}

static void there_are_so_many_authorities_and_no_more(void **state)
{
	char text[16384] = "routes:\n";
	size_t n = strlen(text);
	struct policy *policy;

	(void)state;
	for (int i = 0; i < MEETINGS_MAX; i++)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n,
			"  - {host: a%d.example, upstream_ca: "
			"\"-----BEGIN CERTIFICATE-----\\nMAMC%cQ%c=\\n"
			"-----END CERTIFICATE-----\\n\"}\n",
			i, 'A' + i % 16, "AEIM"[i / 16]);
	policy = load(text);
	assert_int_equal((policy_meetings(policy, &n), n), MEETINGS_MAX);
	policy_free(policy);
	n = strlen(text);
	(void)snprintf(
		text + n, sizeof(text) - n,
		"  - {host: b.example, upstream_ca: \"" CERTIFICATE CERTIFICATE
		"\"}\n");
	assert_mistakes(text, "m:66:36: more than 64 different pairs of "
			      "\"upstream_ca\" and \"client_cert_ref\"\n");
}

static void routes_that_name_the_same_certificate_share_it(void **state)
{
	struct policy *policy = load(
		"routes:\n"
		"  - {host: a.example, client_cert_ref: ONE}\n"
		"  - {host: b.example, client_cert_ref: ONE, upstream_ca: \"" CERTIFICATE
		"\"}\n"
		"  - {host: c.example, client_cert_ref: TWO}\n"
		"  - {host: d.example, upstream_ca: \"" CERTIFICATE "\"}\n"
		"  - {host: e.example, client_cert_ref: ONE}\n"
		"  - {host: f.example}\n");
	static const unsigned meeting[] = { 1, 2, 3, 4, 1, 0 };
	size_t n;
	const struct route *route = policy_routes(policy, &n);
	const struct meeting *meetings = policy_meetings(policy, &n);

	(void)state;
	assert_int_equal(n, 4);
	for (size_t i = 0; i < N(meeting); i++)
		assert_int_equal(route[i].meeting, meeting[i]);
	assert_string_equal(meetings[1].client_cert_ref, "ONE");
	assert_string_equal(meetings[1].upstream_ca, meetings[3].upstream_ca);
	assert_int_equal(meetings[1].ref_line, 3);
	assert_int_equal(meetings[1].ref_column, 40);
	assert_string_equal(meetings[2].client_cert_ref, "TWO");
	assert_null(meetings[2].upstream_ca);
	assert_string_equal(meetings[3].client_cert_ref, "");
	policy_free(policy);
}

static void a_name_that_covers_others_is_read(void **state)
{
	static const struct row rows[] = {
		{ "host: cloudflare-ech.com, tls: splice",
		  "m:1:18: \"cloudflare-ech.com\" stands for every name that its "
		  "operator hides behind it (ECH), and passed unread it would "
		  "lead to all of them: leave \"tls: splice\" out\n" },
		{ "host: Cloudflare-ECH.com., tls: none, ports: 443",
		  "m:1:18: \"cloudflare-ech.com\" stands for every name that its "
		  "operator hides behind it (ECH), and passed unread it would "
		  "lead to all of them: leave \"tls: none\" out\n" },
	};

	(void)state;
	assert_route_mistakes(rows, N(rows));
	policy_free(load("routes: [{host: cloudflare-ech.com}]"));
	policy_free(load("routes: [{host: \"*.cloudflare-ech.com\", "
			 "tls: splice}]"));
}

static void a_certificate_is_shown_where_we_meet_the_origin(void **state)
{
	static const struct row rows[] = {
		{ "host: a.example, client_cert_ref: /etc/ssl/me.pem",
		  "m:1:46: \"/etc/ssl/me.pem\" is no name of a secret: letters, "
		  "digits and underscores, at most 64\n" },
		{ "host: a.example, client_cert_ref: 1A",
		  "m:1:46: \"1A\" is no name of a secret: letters, digits and "
		  "underscores, at most 64\n" },
		{ "host: a.example, client_cert_ref: []",
		  "m:1:46: expected the name of a secret, found a list\n" },
		{ "host: a.example, tls: splice, client_cert_ref: A",
		  "m:1:59: \"client_cert_ref\" has no meaning with \"tls: "
		  "splice\": the origin meets the agent itself there\n" },
		{ "cidr: 8.8.8.0/24, ports: 443, client_cert_ref: A",
		  "m:1:59: \"client_cert_ref\" has no meaning with \"cidr\": "
		  "the origin meets the agent itself there\n" },
		{ "host: a.example, ports: 80, client_cert_ref: A",
		  "m:1:57: a certificate is shown over TLS only, and the route "
		  "has no port but 80\n" },
		{ "host: a.example, client_cert_ref: \"\", upstream_ca: x",
		  "m:1:46: expected the name of a secret, found \"\"\n"
		  "m:1:63: " NO_CERTIFICATES "1 of it is wrong\n" },
	};

	(void)state;
	assert_route_mistakes(rows, N(rows));
	assert_mistakes("routes:\n"
			"  - {host: a.example, client_cert_ref: A}\n"
			"  - {host: a.example, client_cert_ref: B}\n",
			"m:3:5: this and line 2 are about the same host and "
			"port, but differ in \"client_cert_ref\"\n");
	assert_mistakes("routes:\n"
			"  - {host: a.example, client_cert_ref: A}\n"
			"  - {host: a.example, client_cert_ref: A, "
			"upstream_ca: \"" CERTIFICATE "\"}\n",
			"m:3:5: this and line 2 are about the same host and "
			"port, but differ in \"upstream_ca\"\n");
}

static void silence_may_have_a_limit(void **state)
{
	struct policy *policy =
		load("routes:\n"
		     "  - {host: a.example, limits: {idle: 1s}}\n"
		     "  - {host: b.example, limits: {idle: \"90m\"}}\n"
		     "  - {host: c.example, tls: splice, limits: {idle: 24h}}\n"
		     "  - {cidr: 8.8.8.0/24, ports: 22, limits: {idle: 45s}}\n"
		     "  - host: e.example\n");
	const unsigned idle_s[] = { 1, 5400, 86400, 45, 0 };
	const struct route *routes;
	size_t n;

	(void)state;
	routes = policy_routes(policy, &n);
	assert_int_equal(n, N(idle_s));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(routes[i].idle_s, idle_s[i]);
	policy_free(policy);
}

#define NO_DURATION                                                           \
	"expected how long a connection may be silent, from 1s to 24h, such " \
	"as 10m, found "

static void a_limit_of_silence_is_a_length_of_time(void **state)
{
	static const struct row rows[] = {
		{ "host: a.example, limits: {idle: 0s}",
		  "m:1:44: " NO_DURATION "\"0s\"\n" },
		{ "host: a.example, limits: {idle: 25h}",
		  "m:1:44: " NO_DURATION "\"25h\"\n" },
		{ "host: a.example, limits: {idle: 86401s}",
		  "m:1:44: " NO_DURATION "\"86401s\"\n" },
		{ "host: a.example, limits: {idle: 9999999999h}",
		  "m:1:44: " NO_DURATION "\"9999999999h\"\n" },
		{ "host: a.example, limits: {idle: 18446744073709551616s}",
		  "m:1:44: " NO_DURATION "\"18446744073709551616s\"\n" },
		{ "host: a.example, limits: {idle: 600}",
		  "m:1:44: " NO_DURATION "\"600\"\n" },
		{ "host: a.example, limits: {idle: m}",
		  "m:1:44: " NO_DURATION "\"m\"\n" },
		{ "host: a.example, limits: {idle: 05m}",
		  "m:1:44: " NO_DURATION "\"05m\"\n" },
		{ "host: a.example, limits: {idle: -5m}",
		  "m:1:44: " NO_DURATION "\"-5m\"\n" },
		{ "host: a.example, limits: {idle: 1.5h}",
		  "m:1:44: " NO_DURATION "\"1.5h\"\n" },
		{ "host: a.example, limits: {idle: 5d}",
		  "m:1:44: " NO_DURATION "\"5d\"\n" },
		{ "host: a.example, limits: {idle: }",
		  "m:1:44: " NO_DURATION "nothing\n" },
		{ "host: a.example, limits: {idle: [10m]}",
		  "m:1:44: " NO_DURATION "a list\n" },
		{ "host: a.example, limits: 10m",
		  "m:1:37: expected limits such as {idle: 10m}, found "
		  "\"10m\"\n" },
		{ "host: a.example, limits: {}",
		  "m:1:37: expected at least one limit, such as {idle: 10m}, "
		  "found an empty mapping\n" },
		{ "host: a.example, limits: {idel: 10m, idle: 5m}",
		  "m:1:38: unknown key \"idel\"; did you mean \"idle\"?\n" },
		{ "host: a.example, limits: {connections: 5}",
		  "m:1:38: \"connections\" is not enforced by this version; a "
		  "route must not admit more than it says\n" },
	};

	(void)state;
	assert_route_mistakes(rows, N(rows));
	assert_mistakes("routes:\n"
			"  - {host: a.example, limits: {idle: 10m}}\n"
			"  - {host: a.example, ports: 443}\n",
			"m:3:5: this and line 2 are about the same host and "
			"port, but differ in \"limits\"\n");
	assert_mistakes("limits: {idle: 10m}\nroutes: []\n",
			"m:1:1: \"limits\" belongs inside a route\n");
}

static void what_is_not_enforced_is_not_accepted(void **state)
{
	static const char *const keys[] = {
		"dlp",
		"expires",
		"supervise",
	};
	char text[128], expected[256];

	(void)state;
	for (size_t i = 0; i < N(keys); i++) {
		(void)snprintf(text, sizeof(text), "host: a.example, %s: {}",
			       keys[i]);
		(void)snprintf(
			expected, sizeof(expected),
			"m:1:29: \"%s\" is not enforced by this version; a route must not admit more than it says\n",
			keys[i]);
		assert_route_mistakes(&(struct row){ text, expected }, 1);
	}
}

/* The routes of a manifest with one, which say what @rules do. */
static const struct route *only_route(const struct policy *policy)
{
	size_t n;
	const struct route *routes = policy_routes(policy, &n);

	assert_int_equal(n, 1);
	return routes;
}

static void rules_on_requests_are_read(void **state)
{
	struct policy *policy =
		load("routes:\n"
		     "  - host: gitea.example.org\n"
		     "    auth:\n"
		     "      scheme: token\n"
		     "      token_ref: GITEA_TOKEN\n"
		     "    matches:\n"
		     "      - paths: [{type: prefix, value: /api/v1/},\n"
		     "                {type: exact, value: /login},\n"
		     "                {type: regex, value: '/user/[0-9]+'}]\n"
		     "        methods: [GET, POST]\n"
		     "        headers: [{name: X-Team, value: core}]\n"
		     "      - methods: [HEAD]\n"
		     "    git: {fetch: true}\n");
	const struct route *route = only_route(policy);
	const struct match *match;

	(void)state;
	assert_int_equal(route->auth, ROUTE_AUTH_TOKEN);
	assert_string_equal(route->token_ref, "GITEA_TOKEN");
	assert_int_equal(route->auth_line, 5);
	assert_int_equal(route->auth_column, 18);
	assert_true(route->git_fetch);
	assert_int_equal(route->matches->n, 2);
	match = &route->matches->entries[0];
	assert_int_equal(match->n_paths, 3);
	assert_int_equal(match->paths[0].type, MATCH_PATH_PREFIX);
	assert_string_equal(match->paths[0].value, "/api/v1/");
	assert_int_equal(match->paths[1].type, MATCH_PATH_EXACT);
	assert_int_equal(match->paths[2].type, MATCH_PATH_REGEX);
	assert_int_equal(match->n_methods, 2);
	assert_string_equal(match->methods[1], "POST");
	assert_int_equal(match->n_headers, 1);
	assert_string_equal(match->headers[0].name, "X-Team");
	match = &route->matches->entries[1];
	assert_int_equal(match->n_paths + match->n_headers, 0);
	policy_free(policy);

	policy = load("routes: [{host: a.example}]\n");
	route = only_route(policy);
	assert_null(route->matches);
	assert_false(route->git_fetch);
	assert_int_equal(route->auth, ROUTE_AUTH_NONE);
	policy_free(policy);
}

static void mistakes_in_matches_are_told(void **state)
{
	static const struct row rows[] = {
		{ "host: a.example, matches: {}",
		  "m:1:38: expected a list with at least one entry, found a mapping\n" },
		{ "host: a.example, matches: [{}]",
		  "m:1:39: an entry without rules would admit every request: if that is meant, write paths: [{type: prefix, value: /}]\n" },
		{ "host: a.example, matches: [{path: /}]",
		  "m:1:40: unknown key \"path\"; did you mean \"paths\"?\n"
		  "m:1:46: expected a list of paths, found \"/\"\n" },
		{ "host: a.example, matches: [{paths: []}]",
		  "m:1:47: expected a list of paths, found an empty list\n" },
		{ "host: a.example, matches: [{paths: [/x]}]",
		  "m:1:48: expected a path such as {type: prefix, value: /api/}, found \"/x\"\n" },
		{ "host: a.example, matches: [{paths: [{value: /x}]}]",
		  "m:1:48: no \"type\": write a path such as {type: prefix, value: /api/}\n" },
		{ "host: a.example, matches: [{paths: [{type: glob, value: /x}]}]",
		  "m:1:55: expected exact, prefix or regex, found \"glob\"\n" },
		{ "host: a.example, matches: [{paths: [{type: exact, value: x}]}]",
		  "m:1:69: \"x\" is no path to judge by: it has no slash at its start\n" },
		{ "host: a.example, matches: [{paths: [{type: exact, value: /x?y}]}]",
		  "m:1:69: \"/x?y\" has a query, which is not part of the path and is not judged\n" },
		{ "host: a.example, matches: [{paths: [{type: prefix, value: /a//b}]}]",
		  "m:1:70: \"/a//b\" is no path to judge by: it has an empty segment\n" },
		{ "host: a.example, matches: [{paths: [{type: prefix, value: /a/../%7eb}]}]",
		  "m:1:70: \"/a/../%7eb\" is not in normal form: write \"/~b\"\n" },
		{ "host: a.example, matches: [{paths: [{type: regex, value: '/a('}]}]",
		  "m:1:69: no regular expression: missing closing parenthesis (at character 4)\n" },
		{ "host: a.example, matches: [{methods: [get]}]",
		  "m:1:50: methods are told apart by case: write \"get\" in capitals\n" },
		{ "host: a.example, matches: [{methods: [CONNECT]}]",
		  "m:1:50: \"CONNECT\" is never carried\n" },
		{ "host: a.example, matches: [{methods: ['G T']}]",
		  "m:1:50: expected a method such as GET, found \"G T\"\n" },
		{ "host: a.example, matches: [{headers: [{name: Host, value: x}]}]",
		  "m:1:57: \"Host\" is no header field that rules can judge\n" },
		{ "host: a.example, matches: [{headers: [{name: X, value: ' x'}]}]",
		  "m:1:67: \" x\" can be no header's value\n" },
		{ "host: a.example, matches: [{headers: [{name: X}]}]",
		  "m:1:50: no \"value\": write a header such as {name: X-Team, value: core}\n" },
		{ "host: a.example, tls: splice, matches: [{methods: [GET]}]",
		  "m:1:51: \"matches\" needs requests to be read, and \"tls: splice\" passes them unread\n" },
		{ "host: a.example, tls: none, ports: 22, git: {fetch: true}",
		  "m:1:56: \"git\" needs requests to be read, and \"tls: none\" passes them unread\n" },
		{ "cidr: 93.184.216.0/24, ports: 443, auth: {scheme: token, token_ref: T}",
		  "m:1:53: \"auth\" needs requests to be read, and \"cidr\" passes them unread\n" },
	};

	(void)state;
	assert_route_mistakes(rows, N(rows));
}

static void mistakes_in_git_and_auth_are_told(void **state)
{
	static const struct row rows[] = {
		{ "host: a.example, git: true",
		  "m:1:34: expected {fetch: true}, found \"true\"\n" },
		{ "host: a.example, git: {}",
		  "m:1:34: expected {fetch: true}, found no \"fetch\"\n" },
		{ "host: a.example, git: {fetch: false}",
		  "m:1:42: \"fetch: false\" has no meaning: leave \"git\" out\n" },
		{ "host: a.example, git: {fetch: true, push: true}",
		  "m:1:48: \"push\" is never admitted: a route with \"git\" lets no push through\n" },
		{ "host: a.example, auth: {scheme: token}",
		  "m:1:35: no \"token_ref\": write {scheme: Bearer, token_ref: NAME_OF_A_SECRET}\n" },
		{ "host: a.example, auth: {scheme: bearer, token_ref: T}",
		  "m:1:44: expected Bearer, token or Basic, found \"bearer\"\n" },
		{ "host: a.example, auth: {scheme: token, token_ref: ghp-0123}",
		  "m:1:62: \"ghp-0123\" is no name of a secret: letters, digits and underscores, at most 64\n" },
		{ "host: a.example, ports: 80, auth: {scheme: token, token_ref: T}",
		  "m:1:46: a credential is sent over TLS only, and the route has no port but 80\n" },
	};

	(void)state;
	assert_route_mistakes(rows, N(rows));
}

static void unknown_words_are_told_what_is_known(void **state)
{
	static const struct row rows[] = {
		{ "host: a.example, port: 443",
		  "m:1:29: unknown key \"port\"; did you mean \"ports\"?\n" },
		{ "host: a.example, colour: red",
		  "m:1:29: unknown key \"colour\"; expected host, cidr, ports, "
		  "tls, addresses, private, limits, dns, matches, git, "
		  "auth, upstream_ca, client_cert_ref, h2c, http2_websocket\n" },
		{ "host: a.example, tls: spice",
		  "m:1:34: expected intercept, splice or none, found "
		  "\"spice\"\n" },
		{ "host: a.example, addresses: fake",
		  "m:1:40: expected real or virtual, found \"fake\"\n" },
	};

	(void)state;
	assert_route_mistakes(rows, N(rows));
	/* In the order of the text, not in that of finding. */
	assert_mistakes("routes: [ {host: a.example, tsl: none} ]\n",
			"m:1:11: \"tls: none\" passes bytes unread: it needs "
			"its \"ports\", such as ports: [22]\n"
			"m:1:29: unknown key \"tsl\"; did you mean \"tls\"?\n");
}

static void long_text_is_quoted_short(void **state)
{
	(void)state;
	assert_mistakes(
		"routes: []\nrefusals: "
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		"m:2:11: expected explain or terse, found \""
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..."
		"\"\n");
}

static void two_readings_of_one_destination_are_refused(void **state)
{
	static const struct row rows[] = {
		{ "routes:\n"
		  "- host: a.example\n"
		  "- host: b.example\n"
		  "- {host: A.example., ports: [80, 443], tls: splice}\n",
		  "m:4:3: this and line 2 are about the same host and port, "
		  "but differ in \"tls\"\n" },
		{ "routes:\n"
		  "- {cidr: 8.8.8.8/32, ports: [53]}\n"
		  "- {cidr: 8.8.8.8, ports: [53], private: true}\n",
		  "m:3:3: this and line 2 are about the same prefix and port, "
		  "but differ in \"private\"\n" },
		{ "routes:\n"
		  "- {host: a.example, addresses: real}\n"
		  "- {host: a.example, ports: 443}\n",
		  "m:3:3: this and line 2 are about the same host and port, "
		  "but differ in \"addresses\"\n" },
	};

	(void)state;
	assert_rows(rows, N(rows));
	policy_free(load("routes:\n"
			 "- host: a.example\n"
			 "- {host: a.example, ports: 22, tls: none}\n"
			 "- {host: \"*.a.example\", tls: splice}\n"
			 "- {host: a.example, ports: 443}\n"));
}

static void all_mistakes_are_reported_in_order(void **state)
{
	(void)state;
	assert_mistakes(
		"version: one\n"
		"refusals: loud\n"
		"deny:\n"
		"  - host: a..b\n"
		"routes:\n"
		"  - host: example.org\n"
		"    ports: [htpps]\n"
		"  - host: \"*.com\"\n"
		"  - cidr: 10.0.0.0/8\n"
		"    ports: 22\n"
		"  - host: a.example\n"
		"    private: yes\n"
		"    matches: []\n"
		"  - host: b.example\n"
		"    host: c.example\n"
		"  - {}\n"
		"  - host: [\n",
		"m:1:10: expected version 1, found \"one\"\n"
		"m:2:11: expected explain or terse, found \"loud\"\n"
		"m:4:11: \"a..b\" is not a host name: expected a name such as "
		"example.org or \"*.example.org\"\n"
		"m:7:13: expected a port from 1 to 65535, found \"htpps\"\n"
		"m:8:11: \"*.com\" would admit names that anybody can register: "
		"com is a public suffix; name the hosts, or go one label "
		"deeper\n"
		"m:9:11: \"10.0.0.0/8\" is special-purpose space (private "
		"use): it needs \"private: true\"\n"
		"m:12:14: expected true or false, found \"yes\"\n"
		"m:13:14: expected a list with at least one entry, found an "
		"empty list\n"
		"m:15:5: duplicate key \"host\"; the first is on line 14\n"
		"m:16:5: neither \"host\" nor \"cidr\": say what the entry is "
		"about\n"
		"m:17:11: expected a host name, found a list\n"
		"m:18:1: while parsing a flow node: did not find expected node "
		"content\n");
}

/* Only what the text says is reported, not what was cut off. */
static void a_syntax_error_is_not_made_worse(void **state)
{
	(void)state;
	assert_mistakes("routes:\n  - ports: [x]\n    tls: none\n    @",
			"m:2:13: expected a port from 1 to 65535, found \"x\"\n"
			"m:4:5: while scanning for the next token: found "
			"character that cannot start any token; indent with "
			"spaces, and put unusual text in quotes\n");
	assert_mistakes("version: 1\n@",
			"m:2:1: while scanning for the next token: found "
			"character that cannot start any token; indent with "
			"spaces, and put unusual text in quotes\n");
}

static void mistakes_without_end_are_counted(void **state)
{
	char *text = malloc(65536);
	struct manifest_errors errors;
	size_t at;

	(void)state;
	assert_non_null(text);
	at = (size_t)snprintf(text, 65536, "routes:\n");
	for (int i = 0; i < 1000; i++)
		at += (size_t)snprintf(text + at, 65536 - at, "- x\n");
	assert_null(manifest_parse(text, at, &errors));
	assert_int_equal(errors.n, 101);
	assert_string_equal(errors.list[100].message,
			    "and 900 more mistakes that are not listed");
	manifest_errors_done(&errors);
	free(text);
}

static void a_huge_text_is_refused_unread(void **state)
{
	char *text = calloc(1, MANIFEST_MAX + 1);

	(void)state;
	assert_non_null(text);
	assert_mistakes_in(text, MANIFEST_MAX + 1,
			   "m:1:1: more than 4194304 bytes of manifest\n");
	free(text);
}

static void ten_thousand_routes_load(void **state)
{
	const size_t cap = 1 << 20;
	char *text = malloc(cap);
	struct policy *policy;
	size_t at, n;

	(void)state;
	assert_non_null(text);
	at = (size_t)snprintf(text, cap, "routes:\n");
	for (int i = 0; i < 10000; i++)
		at += (size_t)snprintf(text + at, cap - at,
				       "  - host: \"*.h%d.example\"\n", i);
	policy = load_bytes(text, at);
	(void)policy_routes(policy, &n);
	assert_int_equal(n, 10000);
	policy_free(policy);
	free(text);
}

static void a_file_is_read_whole(void **state)
{
	char name[] = "/tmp/sluice-manifest-XXXXXX";
	int fd = mkstemp(name);
	char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "routes: []\n", 11), 11);
	assert_int_equal(manifest_read(name, &text, &len), 0);
	assert_int_equal(len, 11);
	assert_string_equal(text, "routes: []\n");
	free(text);

	text = NULL;
	assert_int_equal(ftruncate(fd, MANIFEST_MAX), 0);
	assert_int_equal(manifest_read(name, &text, &len), 0);
	assert_int_equal(len, MANIFEST_MAX);
	free(text);

	text = NULL;
	assert_int_equal(ftruncate(fd, MANIFEST_MAX + 1), 0);
	assert_int_equal(manifest_read(name, &text, &len), -EFBIG);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(manifest_read(name, &text, &len), -ENOENT);
	assert_int_equal(manifest_read("/", &text, &len), -EISDIR);
	assert_null(text);
}

static void want_of_memory_is_said(void **state)
{
	const struct manifest_errors none = { 0 };
	char printed[64] = "";

	(void)state;
	print_to(printed, sizeof(printed), &none);
	assert_string_equal(printed, "m: out of memory\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_route_has_sensible_defaults),
		cmocka_unit_test(resolvers_are_addresses_or_say_more),
		cmocka_unit_test(mistakes_in_resolvers),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(nothing_may_be_admitted_on_purpose),
		cmocka_unit_test(a_bottle_is_read_for_its_egress),
		cmocka_unit_test(places_in_a_bottle_are_those_of_the_file),
		cmocka_unit_test(keys_in_the_wrong_place_are_told_where_to_go),
		cmocka_unit_test(what_is_no_manifest_is_refused),
		cmocka_unit_test(what_yaml_has_and_manifests_do_not_is_refused),
		cmocka_unit_test(a_host_is_a_name_that_can_be_judged),
		cmocka_unit_test(a_wildcard_over_a_public_suffix_is_refused),
		cmocka_unit_test(names_turn_to_a_labels_once),
		cmocka_unit_test(a_cidr_is_a_prefix_that_may_be_reached),
		cmocka_unit_test(a_port_is_a_number_and_nothing_else),
		cmocka_unit_test(a_route_has_so_many_ports_and_no_more),
		cmocka_unit_test(only_true_and_false_are_booleans),
		cmocka_unit_test(record_types_are_listed_by_name),
		cmocka_unit_test(
			a_type_that_goes_round_the_policy_is_no_type_to_list),
		cmocka_unit_test(what_is_no_type_is_refused),
		cmocka_unit_test(origins_may_be_verified_by_others),
		cmocka_unit_test(who_verifies_is_told_in_certificates),
		cmocka_unit_test(how_requests_may_come_is_said_by_route),
		cmocka_unit_test(mistakes_in_how_requests_may_come),
		cmocka_unit_test(there_are_so_many_authorities_and_no_more),
		cmocka_unit_test(silence_may_have_a_limit),
		cmocka_unit_test(a_limit_of_silence_is_a_length_of_time),
		cmocka_unit_test(
			routes_that_name_the_same_certificate_share_it),
		cmocka_unit_test(a_name_that_covers_others_is_read),
		cmocka_unit_test(
			a_certificate_is_shown_where_we_meet_the_origin),
		cmocka_unit_test(what_is_not_enforced_is_not_accepted),
		cmocka_unit_test(rules_on_requests_are_read),
		cmocka_unit_test(mistakes_in_matches_are_told),
		cmocka_unit_test(mistakes_in_git_and_auth_are_told),
		cmocka_unit_test(unknown_words_are_told_what_is_known),
		cmocka_unit_test(long_text_is_quoted_short),
		cmocka_unit_test(two_readings_of_one_destination_are_refused),
		cmocka_unit_test(all_mistakes_are_reported_in_order),
		cmocka_unit_test(a_syntax_error_is_not_made_worse),
		cmocka_unit_test(mistakes_without_end_are_counted),
		cmocka_unit_test(a_huge_text_is_refused_unread),
		cmocka_unit_test(ten_thousand_routes_load),
		cmocka_unit_test(a_file_is_read_whole),
		cmocka_unit_test(want_of_memory_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
