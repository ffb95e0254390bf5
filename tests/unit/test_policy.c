#include "policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

static struct domain domain(const char *text)
{
	struct domain d;

	if (!domain_parse(&d, text, strlen(text)))
		fail_msg("'%s' was not taken for a name", text);
	return d;
}

static struct route host(const char *text, enum route_tls tls, uint16_t port)
{
	struct route route = { .tls = tls, .ports = { port }, .n_ports = 1 };

	assert_true(domain_pattern_parse(&route.host, text, strlen(text)));
	return route;
}

static struct route cidr(const char *text, uint16_t port)
{
	struct route route = {
		.is_cidr = true,
		.tls = ROUTE_TLS_NONE,
		.ports = { port },
		.n_ports = 1,
	};

	assert_true(prefix_parse(&route.cidr, text, strlen(text)));
	return route;
}

static struct policy *policy(const struct route *routes, size_t n_routes,
			     const struct route *denials, size_t n_denials)
{
	struct policy *p = policy_new(routes, n_routes, denials, n_denials,
				      POLICY_REFUSALS_EXPLAIN);

	assert_non_null(p);
	return p;
}

static struct decision judge_name(const struct policy *p,
				  enum attempt_kind kind, const char *name,
				  uint16_t port)
{
	struct domain d = domain(name);
	struct attempt attempt = { .kind = kind, .name = &d, .port = port };

	return policy_judge(p, &attempt);
}

static struct decision judge_address(const struct policy *p,
				     enum attempt_kind kind, const char *text,
				     uint16_t port)
{
	struct address a;
	struct attempt attempt = { .kind = kind, .address = &a, .port = port };

	assert_true(address_parse(&a, text, strlen(text)));
	return policy_judge(p, &attempt);
}

static struct request request(const char *method, const char *target)
{
	return (struct request){ .method = { method, strlen(method) },
				 .target = { target, strlen(target) } };
}

static void assert_decision(struct decision decision, enum verdict verdict,
			    enum reason reason)
{
	assert_string_equal(reason_code(decision.reason), reason_code(reason));
	assert_int_equal(decision.verdict, verdict);
}

static void no_policy_admits_nothing(void **state)
{
	struct address a = { .family = AF_INET };
	struct domain d = domain("example.org");
	size_t n = 1;

	(void)state;
	assert_decision(judge_name(NULL, ATTEMPT_TLS, "example.org", 443),
			VERDICT_DENY, REASON_NO_POLICY);
	assert_decision(judge_address(NULL, ATTEMPT_TCP, "192.0.2.1", 443),
			VERDICT_DENY, REASON_NO_POLICY);
	assert_true(policy_denies_address(NULL, &a, 443));
	assert_false(policy_wants_virtual(NULL, &d));
	assert_int_equal(policy_refusals(NULL), POLICY_REFUSALS_EXPLAIN);
	assert_null(policy_routes(NULL, &n));
	assert_int_equal(n, 0);
	policy_free(NULL);
}

static void an_empty_policy_admits_nothing(void **state)
{
	struct policy *p = policy(NULL, 0, NULL, 0);

	(void)state;
	for (int kind = ATTEMPT_RESOLVE; kind <= ATTEMPT_HTTP; kind++)
		assert_decision(judge_name(p, (enum attempt_kind)kind,
					   "example.org", 443),
				VERDICT_DENY, REASON_NAME_NOT_LISTED);
	assert_decision(judge_address(p, ATTEMPT_TCP, "192.0.2.1", 443),
			VERDICT_DENY, REASON_ADDRESS_NOT_LISTED);
	policy_free(p);
}

static void the_kind_of_route_says_how_much_is_read(void **state)
{
	struct route routes[] = {
		host("i.example", ROUTE_TLS_INTERCEPT, 443),
		host("s.example", ROUTE_TLS_SPLICE, 443),
		host("n.example", ROUTE_TLS_NONE, 443),
	};
	static const struct {
		const char *name;
		enum attempt_kind kind;
		enum verdict verdict;
		enum reason reason;
	} expected[] = {
		{ "i.example", ATTEMPT_RESOLVE, VERDICT_INTERCEPT,
		  REASON_ALLOWED },
		{ "i.example", ATTEMPT_TCP, VERDICT_DENY,
		  REASON_PROTOCOL_UNKNOWN },
		{ "i.example", ATTEMPT_TLS, VERDICT_INTERCEPT, REASON_ALLOWED },
		{ "i.example", ATTEMPT_HTTP, VERDICT_INTERCEPT,
		  REASON_ALLOWED },
		{ "s.example", ATTEMPT_RESOLVE, VERDICT_INTERCEPT,
		  REASON_ALLOWED },
		{ "s.example", ATTEMPT_TCP, VERDICT_DENY,
		  REASON_PROTOCOL_UNKNOWN },
		{ "s.example", ATTEMPT_TLS, VERDICT_RELAY, REASON_ALLOWED },
		{ "s.example", ATTEMPT_HTTP, VERDICT_INTERCEPT,
		  REASON_ALLOWED },
		{ "n.example", ATTEMPT_RESOLVE, VERDICT_INTERCEPT,
		  REASON_ALLOWED },
		{ "n.example", ATTEMPT_TCP, VERDICT_RELAY, REASON_ALLOWED },
		{ "n.example", ATTEMPT_TLS, VERDICT_DENY,
		  REASON_PORT_NOT_LISTED },
		{ "n.example", ATTEMPT_HTTP, VERDICT_DENY,
		  REASON_PORT_NOT_LISTED },
	};
	struct policy *p = policy(routes, N(routes), NULL, 0);

	(void)state;
	for (size_t i = 0; i < N(expected); i++)
		assert_decision(judge_name(p, expected[i].kind,
					   expected[i].name, 443),
				expected[i].verdict, expected[i].reason);
	policy_free(p);
}

static void another_port_is_another_thing(void **state)
{
	struct route routes[] = {
		host("example.org", ROUTE_TLS_INTERCEPT, 443),
		cidr("203.0.113.0/24", 22),
	};
	struct policy *p = policy(routes, N(routes), NULL, 0);

	(void)state;
	assert_decision(judge_name(p, ATTEMPT_TLS, "example.org", 8443),
			VERDICT_DENY, REASON_PORT_NOT_LISTED);
	assert_decision(judge_name(p, ATTEMPT_TCP, "example.org", 8443),
			VERDICT_DENY, REASON_PORT_NOT_LISTED);
	assert_decision(judge_name(p, ATTEMPT_RESOLVE, "example.org", 0),
			VERDICT_INTERCEPT, REASON_ALLOWED);
	assert_decision(judge_address(p, ATTEMPT_TCP, "203.0.113.1", 23),
			VERDICT_DENY, REASON_PORT_NOT_LISTED);
	policy_free(p);
}

static void a_name_is_admitted_by_whole_labels(void **state)
{
	struct route routes[] = {
		host("*.example.org", ROUTE_TLS_INTERCEPT, 443),
		host("one.example.net", ROUTE_TLS_INTERCEPT, 443),
	};
	static const char *const admitted[] = {
		"a.example.org",
		"a.b.c.example.org",
		"one.example.net",
	};
	static const char *const refused[] = {
		"example.org",
		"badexample.org",
		"example.net",
		"a.one.example.net",
		"org",
		"a.example.org.evil.example",
		"two.example.net",
		"xone.example.net",
	};
	struct policy *p = policy(routes, N(routes), NULL, 0);

	(void)state;
	for (size_t i = 0; i < N(admitted); i++)
		if (judge_name(p, ATTEMPT_TLS, admitted[i], 443).verdict !=
		    VERDICT_INTERCEPT)
			fail_msg("%s was refused", admitted[i]);
	for (size_t i = 0; i < N(refused); i++)
		if (judge_name(p, ATTEMPT_TLS, refused[i], 443).verdict !=
		    VERDICT_DENY)
			fail_msg("%s was admitted", refused[i]);
	policy_free(p);
}

static void the_most_specific_route_decides(void **state)
{
	struct route routes[] = {
		host("*.example.org", ROUTE_TLS_INTERCEPT, 443),
		host("*.b.example.org", ROUTE_TLS_SPLICE, 443),
		host("a.b.example.org", ROUTE_TLS_INTERCEPT, 443),
		host("a.b.example.org", ROUTE_TLS_SPLICE, 443),
		host("*.b.example.org", ROUTE_TLS_SPLICE, 8443),
	};
	struct policy *p = policy(routes, N(routes), NULL, 0);
	const struct route *kept;
	size_t n;

	(void)state;
	for (size_t i = 0; i < N(routes); i++)
		routes[i].tls = ROUTE_TLS_NONE; /* the policy has copies */
	kept = policy_routes(p, &n);
	assert_int_equal(n, N(routes));
	assert_ptr_equal(judge_name(p, ATTEMPT_TLS, "x.example.org", 443).route,
			 kept);
	assert_ptr_equal(
		judge_name(p, ATTEMPT_TLS, "x.b.example.org", 443).route,
		kept + 1);
	assert_ptr_equal(
		judge_name(p, ATTEMPT_TLS, "a.b.example.org", 443).route,
		kept + 2);
	assert_ptr_equal(
		judge_name(p, ATTEMPT_TLS, "a.b.example.org", 8443).route,
		kept + 4);
	policy_free(p);
}

static void a_wide_raw_route_does_not_blind_a_narrow_one(void **state)
{
	struct route routes[] = {
		host("*.example.org", ROUTE_TLS_NONE, 443),
		host("read.example.org", ROUTE_TLS_INTERCEPT, 443),
	};
	struct policy *p = policy(routes, N(routes), NULL, 0);

	(void)state;
	assert_decision(judge_name(p, ATTEMPT_TCP, "read.example.org", 443),
			VERDICT_DENY, REASON_PROTOCOL_UNKNOWN);
	assert_decision(judge_name(p, ATTEMPT_TCP, "raw.example.org", 443),
			VERDICT_RELAY, REASON_ALLOWED);
	policy_free(p);
}

static void an_address_is_admitted_by_prefix_only(void **state)
{
	struct route routes[] = {
		cidr("203.0.113.0/24", 22),
		cidr("203.0.113.8/29", 22),
		cidr("2001:db8::/32", 22),
		host("example.org", ROUTE_TLS_NONE, 22),
	};
	struct policy *p = policy(routes, N(routes), NULL, 0);
	const struct route *kept;
	size_t n;

	(void)state;
	kept = policy_routes(p, &n);
	assert_ptr_equal(judge_address(p, ATTEMPT_TCP, "203.0.113.1", 22).route,
			 kept);
	assert_ptr_equal(judge_address(p, ATTEMPT_TCP, "203.0.113.9", 22).route,
			 kept + 1);
	assert_decision(judge_address(p, ATTEMPT_TCP, "2001:db8::9", 22),
			VERDICT_RELAY, REASON_ALLOWED);
	assert_decision(judge_address(p, ATTEMPT_TCP, "203.0.114.1", 22),
			VERDICT_DENY, REASON_ADDRESS_NOT_LISTED);
	assert_decision(judge_address(p, ATTEMPT_TCP, "2001:db9::", 22),
			VERDICT_DENY, REASON_ADDRESS_NOT_LISTED);
	assert_int_equal(
		judge_address(p, ATTEMPT_HTTP, "203.0.113.1", 22).verdict,
		VERDICT_DENY);
	policy_free(p);
}

static void deny_wins(void **state)
{
	struct route routes[] = {
		host("*.example.org", ROUTE_TLS_INTERCEPT, 443),
		host("bad.example.org", ROUTE_TLS_INTERCEPT, 443),
		host("half.example.org", ROUTE_TLS_INTERCEPT, 443),
		host("half.example.org", ROUTE_TLS_INTERCEPT, 80),
		cidr("203.0.113.0/24", 22),
	};
	struct route denials[] = {
		host("bad.example.org", ROUTE_TLS_INTERCEPT, 0),
		host("half.example.org", ROUTE_TLS_INTERCEPT, 80),
		host("*.shut.example.org", ROUTE_TLS_INTERCEPT, 443),
		cidr("203.0.113.128/25", 0),
		cidr("198.51.100.0/24", 22),
	};
	struct policy *p;
	struct address a;

	(void)state;
	denials[0].n_ports = 0;
	denials[3].n_ports = 0;
	p = policy(routes, N(routes), denials, N(denials));

	for (int kind = ATTEMPT_RESOLVE; kind <= ATTEMPT_HTTP; kind++)
		assert_decision(judge_name(p, (enum attempt_kind)kind,
					   "bad.example.org", 443),
				VERDICT_DENY, REASON_NAME_DENIED);
	assert_non_null(
		judge_name(p, ATTEMPT_TLS, "bad.example.org", 443).route);
	assert_decision(judge_name(p, ATTEMPT_HTTP, "half.example.org", 80),
			VERDICT_DENY, REASON_NAME_DENIED);
	assert_decision(judge_name(p, ATTEMPT_TLS, "half.example.org", 443),
			VERDICT_INTERCEPT, REASON_ALLOWED);
	assert_decision(judge_name(p, ATTEMPT_RESOLVE, "half.example.org", 0),
			VERDICT_INTERCEPT, REASON_ALLOWED);
	/* Every port that a route has is denied: not even a query leaves. */
	assert_decision(judge_name(p, ATTEMPT_RESOLVE, "x.shut.example.org", 0),
			VERDICT_DENY, REASON_NAME_DENIED);

	assert_decision(judge_address(p, ATTEMPT_TCP, "203.0.113.1", 22),
			VERDICT_RELAY, REASON_ALLOWED);
	assert_decision(judge_address(p, ATTEMPT_TCP, "203.0.113.200", 22),
			VERDICT_DENY, REASON_NAME_DENIED);
	assert_true(address_parse(&a, "203.0.113.200", 13));
	assert_true(policy_denies_address(p, &a, 443));
	assert_true(address_parse(&a, "198.51.100.1", 12));
	assert_true(policy_denies_address(p, &a, 22));
	assert_false(policy_denies_address(p, &a, 443));
	policy_free(p);
}

static void names_of_raw_ports_get_virtual_addresses(void **state)
{
	struct route routes[] = {
		host("web.example", ROUTE_TLS_INTERCEPT, 443),
		host("ssh.example", ROUTE_TLS_INTERCEPT, 443),
		host("ssh.example", ROUTE_TLS_NONE, 22),
		host("real.example", ROUTE_TLS_NONE, 22),
		host("*.wide.example", ROUTE_TLS_INTERCEPT, 443),
		host("a.wide.example", ROUTE_TLS_INTERCEPT, 443),
		host("b.wide.example", ROUTE_TLS_INTERCEPT, 443),
	};
	static const struct {
		const char *name;
		bool wanted;
	} expected[] = {
		{ "web.example", false },   { "ssh.example", true },
		{ "real.example", false },  { "a.wide.example", false },
		{ "b.wide.example", true }, { "unlisted.example", false },
	};
	struct policy *p;

	(void)state;
	routes[3].addresses = ROUTE_ADDRESSES_REAL;
	routes[4].addresses = ROUTE_ADDRESSES_VIRTUAL;
	routes[5].addresses = ROUTE_ADDRESSES_REAL;
	p = policy(routes, N(routes), NULL, 0);
	for (size_t i = 0; i < N(expected); i++) {
		struct domain d = domain(expected[i].name);

		if (policy_wants_virtual(p, &d) != expected[i].wanted)
			fail_msg("%s", expected[i].name);
	}
	policy_free(p);
}

static bool admits_type(const struct policy *p, const char *name, uint16_t type)
{
	struct domain d = domain(name);

	return policy_admits_dns_type(p, &d, type);
}

static struct route with_types(struct route route, uint16_t one, uint16_t two)
{
	route.dns_types[0] = one;
	route.dns_types[1] = two;
	route.n_dns_types = 2;
	return route;
}

static void a_record_type_is_told_where_it_is_listed(void **state)
{
	const struct route routes[] = {
		with_types(host("example.org", ROUTE_TLS_INTERCEPT, 443),
			   DNS_TYPE_TXT, DNS_TYPE_MX),
		host("example.org", ROUTE_TLS_NONE, 22),
		with_types(host("example.org", ROUTE_TLS_NONE, 25),
			   DNS_TYPE_CAA, DNS_TYPE_NS),
		with_types(host("*.example.org", ROUTE_TLS_INTERCEPT, 443),
			   DNS_TYPE_TXT, DNS_TYPE_SRV),
		host("quiet.example.org", ROUTE_TLS_INTERCEPT, 443),
		with_types(host("shut.example.org", ROUTE_TLS_INTERCEPT, 8443),
			   DNS_TYPE_MX, DNS_TYPE_MX),
	};
	const struct route denials[] = {
		{ .host = host("denied.example.org", ROUTE_TLS_NONE, 0).host },
		host("shut.example.org", ROUTE_TLS_INTERCEPT, 8443),
		host("example.org", ROUTE_TLS_INTERCEPT, 25),
	};
	struct policy *p = policy(routes, N(routes), denials, N(denials));

	(void)state;
	assert_true(admits_type(p, "example.org", DNS_TYPE_TXT));
	assert_true(admits_type(p, "example.org", DNS_TYPE_MX));
	assert_false(admits_type(p, "example.org", DNS_TYPE_SRV));
	assert_false(admits_type(p, "example.org", DNS_TYPE_HTTPS));
	assert_false(admits_type(p, "example.org", 0));
	/* Of a port that is shut. */
	assert_false(admits_type(p, "example.org", DNS_TYPE_CAA));
	/* Below, by the wildcard; of two, by the narrower one alone. */
	assert_true(admits_type(p, "_ldap._tcp.example.org", DNS_TYPE_SRV));
	assert_true(
		admits_type(p, "_acme-challenge.a.example.org", DNS_TYPE_TXT));
	assert_false(admits_type(p, "a.example.org", DNS_TYPE_MX));
	assert_false(admits_type(p, "quiet.example.org", DNS_TYPE_TXT));
	assert_true(admits_type(p, "a.quiet.example.org", DNS_TYPE_TXT));
	/* One that has no open port does not count. */
	assert_false(admits_type(p, "shut.example.org", DNS_TYPE_MX));
	assert_true(admits_type(p, "shut.example.org", DNS_TYPE_TXT));
	/* Addresses of what is admitted, nothing of what is not. */
	assert_true(admits_type(p, "quiet.example.org", DNS_TYPE_A));
	assert_true(admits_type(p, "quiet.example.org", DNS_TYPE_AAAA));
	assert_false(admits_type(p, "denied.example.org", DNS_TYPE_TXT));
	assert_false(admits_type(p, "denied.example.org", DNS_TYPE_A));
	assert_false(admits_type(p, "example.net", DNS_TYPE_TXT));
	assert_false(admits_type(NULL, "example.org", DNS_TYPE_TXT));
	policy_free(p);
}

static void of_one_host_any_route_may_list_a_type(void **state)
{
	const struct route routes[] = {
		host("example.org", ROUTE_TLS_INTERCEPT, 443),
		with_types(host("example.org", ROUTE_TLS_NONE, 22),
			   DNS_TYPE_TXT, DNS_TYPE_MX),
	};
	struct policy *p = policy(routes, N(routes), NULL, 0);

	(void)state;
	assert_true(admits_type(p, "example.org", DNS_TYPE_TXT));
	assert_false(admits_type(p, "a.example.org", DNS_TYPE_TXT));
	policy_free(p);
}

static void a_refusal_suggests_the_line_that_helps(void **state)
{
	static const struct {
		const char *name, *address;
		enum attempt_kind kind;
		uint16_t port;
		enum reason reason;
		const char *line;
	} expected[] = {
		{ "example.org", NULL, ATTEMPT_TLS, 443, REASON_NAME_NOT_LISTED,
		  "- host: example.org" },
		{ "example.org", NULL, ATTEMPT_RESOLVE, 0,
		  REASON_NAME_NOT_LISTED, "- host: example.org" },
		{ "example.org", NULL, ATTEMPT_TLS, 8443,
		  REASON_PORT_NOT_LISTED,
		  "- {host: example.org, ports: [8443]}" },
		{ "example.org", NULL, ATTEMPT_TCP, 22, REASON_PORT_NOT_LISTED,
		  "- {host: example.org, ports: [22], tls: none}" },
		{ "example.org", NULL, ATTEMPT_TCP, 443,
		  REASON_PROTOCOL_UNKNOWN,
		  "- {host: example.org, ports: [443], tls: none}" },
		{ "example.org", NULL, ATTEMPT_TLS, 443, REASON_ADDRESS_PRIVATE,
		  "- {host: example.org, private: true}" },
		{ "example.org", NULL, ATTEMPT_TLS, 443,
		  REASON_UPSTREAM_WANTS_CERTIFICATE,
		  "- {host: example.org, client_cert_ref: CLIENT_CERT}" },
		{ "example.org", NULL, ATTEMPT_HTTP, 8443, REASON_TLS_REJECTED,
		  "- {host: example.org, ports: [8443], tls: splice}" },
		{ "example.org", NULL, ATTEMPT_TLS, 443, REASON_TLS_UNUSED,
		  "- {host: example.org, tls: splice}" },
		{ NULL, "8.8.8.8", ATTEMPT_TLS, 443, REASON_TLS_REJECTED, "" },
		{ "example.org", NULL, ATTEMPT_HTTP, 80, REASON_H2C_NOT_LISTED,
		  "- {host: example.org, h2c: true}" },
		{ "example.org", NULL, ATTEMPT_HTTP, 8443,
		  REASON_WEBSOCKET_NOT_LISTED,
		  "- {host: example.org, ports: [8443], http2_websocket: true}" },
		{ "example.org", NULL, ATTEMPT_TLS, 443, REASON_NAME_DENIED,
		  "" },
		{ "example.org", NULL, ATTEMPT_TLS, 443, REASON_HOST_MISMATCH,
		  "" },
		{ NULL, "8.8.8.8", ATTEMPT_TCP, 22, REASON_ADDRESS_NOT_LISTED,
		  "- {cidr: \"8.8.8.8/32\", ports: [22]}" },
		{ NULL, "fd00::1", ATTEMPT_TCP, 22, REASON_ADDRESS_NOT_LISTED,
		  "- {cidr: \"fd00::1/128\", ports: [22], private: true}" },
		{ NULL, "127.0.0.1", ATTEMPT_TCP, 22, REASON_ADDRESS_NOT_LISTED,
		  "" },
	};
	char text[POLICY_SUGGESTION_MAX];

	(void)state;
	for (size_t i = 0; i < N(expected); i++) {
		struct attempt attempt = {
			.kind = expected[i].kind,
			.port = expected[i].port,
		};
		struct address a;
		struct domain d;

		if (expected[i].name) {
			d = domain(expected[i].name);
			attempt.name = &d;
		} else {
			assert_true(address_parse(&a, expected[i].address,
						  strlen(expected[i].address)));
			attempt.address = &a;
		}
		assert_string_equal(policy_suggest(&attempt, expected[i].reason,
						   text),
				    expected[i].line);
	}
}

static void the_longest_suggestion_fits(void **state)
{
	char name[DOMAIN_MAX + 1], text[POLICY_SUGGESTION_MAX];
	struct attempt attempt = { .kind = ATTEMPT_TCP, .port = 65535 };
	char path[128 + 1] = "";
	struct request r;
	struct domain d;

	(void)state;
	memset(name, 'a', sizeof(name));
	for (size_t i = 63; i < sizeof(name); i += 64)
		name[i] = '.';
	assert_true(domain_parse(&d, name, DOMAIN_MAX));
	attempt.name = &d;
	policy_suggest(&attempt, REASON_ADDRESS_PRIVATE, text);
	assert_string_equal(text + strlen(text) - 15, " private: true}");

	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	attempt.request = &r;
	r = request("PROPPATCH123456", path);
	policy_suggest(&attempt, REASON_REQUEST_NOT_LISTED, text);
	assert_string_equal(text + strlen(text) - 29,
			    "methods: [PROPPATCH123456]}]}");
}

/* What becomes of a request for @name, by plain HTTP's rules or TLS's. */
static struct decision judge_request(const struct policy *p, const char *name,
				     const char *method, const char *target)
{
	struct domain d = domain(name);
	struct request r = request(method, target);
	struct attempt attempt = {
		.kind = ATTEMPT_HTTP, .name = &d, .port = 443, .request = &r
	};

	return policy_judge(p, &attempt);
}

/* A route for @name that admits what is below @prefix. */
static struct route narrowed(const char *name, const char *prefix)
{
	struct route route = host(name, ROUTE_TLS_INTERCEPT, 443);
	char error[MATCH_ERROR_MAX];
	struct match *match;
	size_t at;

	route.matches = match_list_new();
	assert_non_null(route.matches);
	match = match_list_add(route.matches);
	assert_non_null(match);
	assert_int_equal(match_add_path(match, MATCH_PATH_PREFIX, prefix,
					strlen(prefix), error, &at),
			 0);
	return route;
}

static void a_request_is_admitted_by_one_of_its_routes(void **state)
{
	struct route routes[] = {
		narrowed("a.example", "/one"),
		narrowed("a.example", "/two"),
		host("*.example", ROUTE_TLS_INTERCEPT, 443),
	};
	struct route denied = host("no.example", ROUTE_TLS_INTERCEPT, 443);
	struct policy *p = policy(routes, N(routes), &denied, 1);
	const struct route *kept = policy_routes(p, &(size_t){ 0 });
	struct decision decision;

	(void)state;
	decision = judge_request(p, "a.example", "GET", "/one/x");
	assert_decision(decision, VERDICT_INTERCEPT, REASON_ALLOWED);
	assert_ptr_equal(decision.route, kept);
	decision = judge_request(p, "a.example", "GET", "/two?/one");
	assert_decision(decision, VERDICT_INTERCEPT, REASON_ALLOWED);
	assert_ptr_equal(decision.route, kept + 1);

	/* What is said of a name is not undone by a wildcard above it. */
	decision = judge_request(p, "a.example", "GET", "/three");
	assert_decision(decision, VERDICT_DENY, REASON_REQUEST_NOT_LISTED);
	assert_ptr_equal(decision.route, kept);
	decision = judge_request(p, "b.example", "GET", "/three");
	assert_decision(decision, VERDICT_INTERCEPT, REASON_ALLOWED);
	decision = judge_request(p, "no.example", "GET", "/three");
	assert_decision(decision, VERDICT_DENY, REASON_NAME_DENIED);

	decision = judge_request(p, "a.example", "GET", "/one/%2e%2e/three");
	assert_decision(decision, VERDICT_DENY, REASON_PATH_AMBIGUOUS);
	/* Where no rule is on paths, they may be as they like. */
	decision = judge_request(p, "b.example", "GET", "/one/%2e%2e//three");
	assert_decision(decision, VERDICT_INTERCEPT, REASON_ALLOWED);
	policy_free(p);
}

static void before_there_is_a_request_one_may_come(void **state)
{
	struct route routes[] = { narrowed("a.example", "/one") };
	struct policy *p = policy(routes, 1, NULL, 0);

	(void)state;
	assert_decision(judge_name(p, ATTEMPT_RESOLVE, "a.example", 0),
			VERDICT_INTERCEPT, REASON_ALLOWED);
	assert_decision(judge_name(p, ATTEMPT_TLS, "a.example", 443),
			VERDICT_INTERCEPT, REASON_ALLOWED);
	assert_decision(judge_name(p, ATTEMPT_HTTP, "a.example", 443),
			VERDICT_INTERCEPT, REASON_ALLOWED);
	assert_decision(judge_name(p, ATTEMPT_TLS, "a.example", 80),
			VERDICT_DENY, REASON_PORT_NOT_LISTED);
	policy_free(p);
}

static void a_route_with_git_lets_fetch_and_not_push(void **state)
{
	struct route routes[] = {
		host("git.example", ROUTE_TLS_INTERCEPT, 443),
		narrowed("both.example", "/"),
	};
	struct policy *p;

	(void)state;
	routes[0].git_fetch = routes[1].git_fetch = true;
	p = policy(routes, N(routes), NULL, 0);
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "both.example" : "git.example";

		assert_decision(
			judge_request(p, name, "GET",
				      "/r/info/refs?service=git-upload-pack"),
			VERDICT_INTERCEPT, REASON_ALLOWED);
		assert_decision(judge_request(p, name, "POST",
					      "/r/git-upload-pack"),
				VERDICT_INTERCEPT, REASON_ALLOWED);
		assert_decision(
			judge_request(p, name, "GET",
				      "/r/info/refs?service=git-receive-pack"),
			VERDICT_DENY, REASON_GIT_PUSH);
		assert_decision(judge_request(p, name, "POST",
					      "/r/git-receive-pack"),
				VERDICT_DENY, REASON_GIT_PUSH);
		assert_decision(judge_request(p, name, "POST",
					      "/r//git-upload-pack"),
				VERDICT_DENY, REASON_PATH_AMBIGUOUS);
	}
	/* All else only where `matches` admits it, the dumb protocol too. */
	assert_decision(judge_request(p, "git.example", "GET", "/r/info/refs"),
			VERDICT_DENY, REASON_REQUEST_NOT_LISTED);
	assert_decision(judge_request(p, "both.example", "GET", "/r/info/refs"),
			VERDICT_INTERCEPT, REASON_ALLOWED);
	policy_free(p);
}

static void a_request_is_also_judged_by_how_it_comes(void **state)
{
	struct route routes[] = {
		narrowed("a.example", "/one"),
		narrowed("b.example", "/one"),
		host("*.example", ROUTE_TLS_INTERCEPT, 443),
	};
	struct request clear = request("GET", "/one");
	struct request websocket = request("GET", "/one");
	struct request elsewhere = request("GET", "/two");
	struct domain names[] = { domain("a.example"), domain("b.example") };
	struct attempt attempt = { .kind = ATTEMPT_HTTP, .port = 443 };
	struct policy *p;

	(void)state;
	routes[0].h2c = true;
	routes[1].http2_websocket = true;
	clear.by_h2c = websocket.as_websocket = elsewhere.by_h2c = true;
	p = policy(routes, N(routes), NULL, 0);

	attempt.name = &names[0];
	attempt.request = &clear;
	assert_decision(policy_judge(p, &attempt), VERDICT_INTERCEPT,
			REASON_ALLOWED);
	attempt.request = &websocket;
	assert_decision(policy_judge(p, &attempt), VERDICT_DENY,
			REASON_WEBSOCKET_NOT_LISTED);
	attempt.name = &names[1];
	assert_decision(policy_judge(p, &attempt), VERDICT_INTERCEPT,
			REASON_ALLOWED);
	attempt.request = &clear;
	assert_decision(policy_judge(p, &attempt), VERDICT_DENY,
			REASON_H2C_NOT_LISTED);
	/* What is not admitted in any way is refused for that. */
	attempt.request = &elsewhere;
	assert_decision(policy_judge(p, &attempt), VERDICT_DENY,
			REASON_REQUEST_NOT_LISTED);
	policy_free(p);
}

static void a_refused_request_suggests_its_own_entry(void **state)
{
	static const struct {
		const char *method, *target;
		uint16_t port;
		const char *line;
	} rows[] = {
		{ "GET", "/a/%62?c=d", 443,
		  "- {host: a.example, matches: [{paths: [{type: exact, value: \"/a/b\"}], methods: [GET]}]}" },
		{ "POST", "/", 8443,
		  "- {host: a.example, ports: [8443], matches: [{paths: [{type: exact, value: \"/\"}], methods: [POST]}]}" },
		{ "GET", "/a\"b", 443, "" },
		{ "GET", "/a//b", 443, "" },
		{ "AMETHODTHATISLONG", "/a", 443, "" },
	};
	char text[POLICY_SUGGESTION_MAX];
	struct domain d = domain("a.example");

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct request r = request(rows[i].method, rows[i].target);
		struct attempt attempt = { .kind = ATTEMPT_HTTP,
					   .name = &d,
					   .port = rows[i].port,
					   .request = &r };

		assert_string_equal(policy_suggest(&attempt,
						   REASON_REQUEST_NOT_LISTED,
						   text),
				    rows[i].line);
		assert_string_equal(policy_suggest(&attempt,
						   REASON_PATH_AMBIGUOUS, text),
				    "");
	}
}

static void a_suggestion_admits_what_asked_for_it(void **state)
{
	const struct request_field fields[] = {
		{ { "X-HTTP-Method", 13 }, { "MERGE", 5 } },
		{ { "X-Original-URL", 14 }, { "/b", 2 } },
	};
	struct request r = request("POST", "/a");
	char text[POLICY_SUGGESTION_MAX];
	struct domain d = domain("a.example");
	struct attempt attempt = {
		.kind = ATTEMPT_HTTP, .name = &d, .port = 443, .request = &r
	};

	(void)state;
	r.fields = fields;
	r.n_fields = 1;
	assert_string_equal(
		policy_suggest(&attempt, REASON_REQUEST_NOT_LISTED, text),
		"- {host: a.example, matches: [{paths: [{type: exact, value: \"/a\"}]}]}");
	r.n_fields = 2;
	assert_string_equal(
		policy_suggest(&attempt, REASON_REQUEST_NOT_LISTED, text), "");
}

/* Every third route, each asked for by a name that it alone admits. */
static void ten_thousand_routes_are_told_apart(void **state)
{
	const size_t n = 10000;
	struct route *routes = calloc(n, sizeof(*routes));
	const struct route *kept;
	struct policy *p;
	char name[64];

	(void)state;
	assert_non_null(routes);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%sh%zu.example",
			       i % 2 ? "*." : "", i);
		routes[i] = host(name, ROUTE_TLS_INTERCEPT, 443);
	}
	p = policy(routes, n, NULL, 0);
	kept = policy_routes(p, &(size_t){ 0 });
	for (size_t i = 0; i < n; i += 3) {
		(void)snprintf(name, sizeof(name), "%sh%zu.example",
			       i % 2 ? "a.b." : "", i);
		assert_ptr_equal(judge_name(p, ATTEMPT_TLS, name, 443).route,
				 kept + i);
		(void)snprintf(name, sizeof(name), "%sh%zu.example",
			       i % 2 ? "" : "a.", i);
		assert_null(judge_name(p, ATTEMPT_TLS, name, 443).route);
	}
	policy_free(p);
	free(routes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_policy_admits_nothing),
		cmocka_unit_test(an_empty_policy_admits_nothing),
		cmocka_unit_test(the_kind_of_route_says_how_much_is_read),
		cmocka_unit_test(another_port_is_another_thing),
		cmocka_unit_test(a_name_is_admitted_by_whole_labels),
		cmocka_unit_test(the_most_specific_route_decides),
		cmocka_unit_test(a_wide_raw_route_does_not_blind_a_narrow_one),
		cmocka_unit_test(an_address_is_admitted_by_prefix_only),
		cmocka_unit_test(deny_wins),
		cmocka_unit_test(names_of_raw_ports_get_virtual_addresses),
		cmocka_unit_test(a_record_type_is_told_where_it_is_listed),
		cmocka_unit_test(of_one_host_any_route_may_list_a_type),
		cmocka_unit_test(a_refusal_suggests_the_line_that_helps),
		cmocka_unit_test(a_request_is_admitted_by_one_of_its_routes),
		cmocka_unit_test(before_there_is_a_request_one_may_come),
		cmocka_unit_test(a_route_with_git_lets_fetch_and_not_push),
		cmocka_unit_test(a_request_is_also_judged_by_how_it_comes),
		cmocka_unit_test(a_refused_request_suggests_its_own_entry),
		cmocka_unit_test(a_suggestion_admits_what_asked_for_it),
		cmocka_unit_test(the_longest_suggestion_fits),
		cmocka_unit_test(ten_thousand_routes_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
