#include "cursor.h"
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint16_t some_ports[] = { 22, 80, 443, 8443 };

/* Few labels, so that names and patterns often meet. */
static struct domain read_domain(struct cursor *c)
{
	static const char *const labels[] = { "a", "b", "ab", "ba" };
	unsigned bits = cursor_u16(c);
	char text[32] = "";
	struct domain domain;

	for (unsigned n = 1 + bits % 4; n > 0; n--) {
		bits /= 4;
		strcat(text, labels[bits % 4]);
		if (n > 1)
			strcat(text, ".");
	}
	if (!domain_parse(&domain, text, strlen(text)))
		abort();
	return domain;
}

/* Few addresses, for the same reason, and of both families. */
static struct address read_address(struct cursor *c)
{
	uint8_t bits = cursor_u8(c);
	uint8_t bytes[16] = { 0x20, bits & 0x80, bits & 0x40, bits & 0x3f };

	return address_from_bytes(bits & 1 ? AF_INET6 : AF_INET, bytes);
}

/* Rules and requests that often meet; all paths but one are in normal form. */
static const char *const some_paths[] = { "/a", "/a/b", "/a/", "/" };
static const char *const some_methods[] = { "GET", "POST" };
static const char *const some_targets[] = {
	"/a",
	"/ab",
	"/a/b?c",
	"/a//b",
	"/a/info/refs?service=git-upload-pack",
	"/a/git-upload-pack",
	"/a/git-receive-pack",
	"/x",
};

static struct match_list *read_matches(struct cursor *c)
{
	unsigned n = cursor_u8(c) % 4;
	struct match_list *list = n ? match_list_new() : NULL;
	char error[MATCH_ERROR_MAX];
	size_t at;

	for (unsigned i = 0; list && i < n; i++) {
		struct match *match = match_list_add(list);
		uint8_t bits = cursor_u8(c);
		const char *path = some_paths[bits % 4];

		if (!match ||
		    ((bits & 4) &&
		     match_add_path(match,
				    (enum match_path_type)(bits / 16 % 2), path,
				    strlen(path), error, &at) < 0) ||
		    ((bits & 8) &&
		     match_add_method(match, some_methods[bits / 32 % 2]) < 0))
			abort();
	}
	return list;
}

static struct request read_request(struct cursor *c)
{
	uint8_t bits = cursor_u8(c);
	const char *method = some_methods[bits % 2];
	const char *target = some_targets[bits / 2 % 8];

	return (struct request){ .method = { method, strlen(method) },
				 .target = { target, strlen(target) } };
}

static struct route read_route(struct cursor *c, bool is_denial)
{
	uint8_t bits = cursor_u8(c);
	struct route route = {
		.is_cidr = bits & 1,
		.tls = (enum route_tls)(bits / 4 % 3),
		.addresses = (enum route_addresses)(bits / 16 % 3),
		.n_dns_types = bits >> 7,
		.dns_types = { DNS_TYPE_TXT },
	};
	struct address base;
	uint8_t len;

	if (route.is_cidr) {
		base = read_address(c);
		len = cursor_u8(c) % (base.family == AF_INET ? 33 : 129);
		route.cidr = prefix_of(&base, len);
		route.tls = ROUTE_TLS_NONE;
	} else {
		route.host.base = read_domain(c);
		route.host.below = bits & 2;
		if (!is_denial) {
			route.matches = read_matches(c);
			route.git_fetch = bits & 64;
		}
	}
	route.n_ports = cursor_u8(c) % 3 + !is_denial;
	for (size_t i = 0; i < route.n_ports; i++)
		route.ports[i] = some_ports[cursor_u8(c) % 4];
	return route;
}

static bool matches(const struct route *route, const struct attempt *attempt)
{
	if (route->is_cidr)
		return attempt->address &&
		       prefix_holds(&route->cidr, attempt->address);
	return attempt->name &&
	       domain_pattern_admits(&route->host, attempt->name);
}

/* How much a route that matches narrows down, as a number. */
static size_t specificity(const struct route *route)
{
	if (route->is_cidr)
		return route->cidr.len;
	return route->host.base.len + (route->host.below ? 0 : DOMAIN_MAX + 1);
}

static bool has_port(const struct route *route, uint16_t port)
{
	for (size_t i = 0; i < route->n_ports; i++)
		if (route->ports[i] == port)
			return true;
	return false;
}

static bool is_denied(const struct route *denials, size_t n,
		      const struct attempt *attempt, const uint16_t *port)
{
	for (size_t i = 0; i < n; i++)
		if (matches(&denials[i], attempt) &&
		    (denials[i].n_ports == 0 ||
		     (port && has_port(&denials[i], *port))))
			return true;
	return false;
}

static bool speaks(const struct route *route, const struct attempt *attempt)
{
	return attempt->kind == ATTEMPT_TCP || route->tls != ROUTE_TLS_NONE;
}

static bool entry_admits(const struct match *match,
			 const struct request *request)
{
	size_t len = strcspn(request->target.at, "?");

	if (match->n_methods > 0 &&
	    strcmp(match->methods[0], request->method.at) != 0)
		return false;
	for (size_t i = 0; i < match->n_paths; i++) {
		const struct match_path *path = &match->paths[i];

		if (strncmp(request->target.at, path->value, path->len) != 0)
			return false;
		if (path->len == len)
			return true;
		return path->type == MATCH_PATH_PREFIX &&
		       (request->target.at[path->len] == '/' ||
			path->value[path->len - 1] == '/');
	}
	return true;
}

static bool admits(const struct route *route, const struct request *request)
{
	const struct match_list *list = route->matches;
	bool ambiguous = strstr(request->target.at, "//");

	if (!list && !route->git_fetch)
		return true;
	if (ambiguous && (route->git_fetch || match_list_has_paths(list)))
		return false;
	if (route->git_fetch && strstr(request->target.at, "git-receive-pack"))
		return false;
	if (route->git_fetch && strstr(request->target.at, "git-upload-pack") &&
	    (strchr(request->target.at, '?') != NULL) ==
		    (strcmp(request->method.at, "GET") == 0))
		return true;
	for (size_t i = 0; list && i < list->n; i++)
		if (entry_admits(&list->entries[i], request))
			return true;
	return false;
}

/* The answer by looking at every entry, as the header words it. */
static enum verdict naive(const struct route *routes, size_t n_routes,
			  const struct route *denials, size_t n_denials,
			  const struct attempt *attempt)
{
	const struct route *best = NULL;

	if (attempt->kind == ATTEMPT_RESOLVE) {
		if (is_denied(denials, n_denials, attempt, NULL))
			return VERDICT_DENY;
		for (size_t i = 0; i < n_routes; i++)
			for (size_t j = 0; matches(&routes[i], attempt) &&
					   j < routes[i].n_ports;
			     j++)
				if (!is_denied(denials, n_denials, attempt,
					       &routes[i].ports[j]))
					return VERDICT_INTERCEPT;
		return VERDICT_DENY;
	}
	if (is_denied(denials, n_denials, attempt, &attempt->port))
		return VERDICT_DENY;
	for (size_t i = 0; i < n_routes; i++)
		if (matches(&routes[i], attempt) &&
		    has_port(&routes[i], attempt->port) &&
		    speaks(&routes[i], attempt) &&
		    (!best || specificity(&routes[i]) > specificity(best)))
			best = &routes[i];
	if (!best)
		return VERDICT_DENY;
	if (attempt->request) {
		for (size_t i = 0; i < n_routes; i++)
			if (matches(&routes[i], attempt) &&
			    has_port(&routes[i], attempt->port) &&
			    speaks(&routes[i], attempt) &&
			    specificity(&routes[i]) == specificity(best) &&
			    admits(&routes[i], attempt->request))
				return VERDICT_INTERCEPT;
		return VERDICT_DENY;
	}
	if (attempt->kind == ATTEMPT_TCP)
		return best->tls == ROUTE_TLS_NONE ? VERDICT_RELAY
						   : VERDICT_DENY;
	if (attempt->kind == ATTEMPT_TLS && best->tls == ROUTE_TLS_SPLICE)
		return VERDICT_RELAY;
	return VERDICT_INTERCEPT;
}

static bool is_open(const struct route *route, const struct route *denials,
		    size_t n_denials, const struct attempt *attempt)
{
	for (size_t i = 0; i < route->n_ports; i++)
		if (!is_denied(denials, n_denials, attempt, &route->ports[i]))
			return true;
	return false;
}

/* Of the open routes as specific as any, does one list TXT? */
static bool naive_txt(const struct route *routes, size_t n_routes,
		      const struct route *denials, size_t n_denials,
		      const struct attempt *attempt)
{
	size_t most = 0;
	bool lists = false;

	if (is_denied(denials, n_denials, attempt, NULL))
		return false;
	for (size_t i = 0; i < n_routes; i++) {
		size_t n = specificity(&routes[i]);

		if (n < most || !matches(&routes[i], attempt) ||
		    !is_open(&routes[i], denials, n_denials, attempt))
			continue;
		lists = routes[i].n_dns_types > 0 || (lists && n == most);
		most = n;
	}
	return lists;
}

static void check(const struct policy *policy, const struct route *routes,
		  size_t n_routes, const struct route *denials,
		  size_t n_denials, const struct attempt *attempt)
{
	struct decision decision = policy_judge(policy, attempt);

	if (decision.verdict !=
	    naive(routes, n_routes, denials, n_denials, attempt))
		abort();
	if (attempt->kind == ATTEMPT_RESOLVE && attempt->name &&
	    policy_admits_dns_type(policy, attempt->name, DNS_TYPE_TXT) !=
		    naive_txt(routes, n_routes, denials, n_denials, attempt))
		abort();
	if ((decision.verdict == VERDICT_DENY) ==
	    (decision.reason == REASON_ALLOWED))
		abort();
	if (decision.route && !matches(decision.route, attempt))
		abort();
	if (attempt->address &&
	    policy_denies_address(policy, attempt->address, attempt->port) !=
		    is_denied(denials, n_denials, attempt, &attempt->port))
		abort();
}

/* The index gives the same answer as looking at every entry. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cursor c = cursor_over(data, len);
	struct route routes[ENTRIES_MAX], denials[ENTRIES_MAX];
	size_t n_routes = cursor_u8(&c) % (ENTRIES_MAX + 1);
	size_t n_denials = cursor_u8(&c) % 4;
	struct policy *policy;
	struct domain name;
	struct address address;
	struct request request;

	for (size_t i = 0; i < n_routes; i++)
		routes[i] = read_route(&c, false);
	for (size_t i = 0; i < n_denials; i++)
		denials[i] = read_route(&c, true);
	name = read_domain(&c);
	address = read_address(&c);
	request = read_request(&c);
	policy = policy_new(routes, n_routes, denials, n_denials,
			    POLICY_REFUSALS_EXPLAIN);
	if (!policy)
		return 0;

	for (int kind = ATTEMPT_RESOLVE; kind <= ATTEMPT_HTTP; kind++)
		for (size_t i = 0; i < 4; i++) {
			struct attempt attempt = {
				.kind = (enum attempt_kind)kind,
				.name = &name,
				.port = some_ports[i],
			};

			check(policy, routes, n_routes, denials, n_denials,
			      &attempt);
			if (kind == ATTEMPT_HTTP) {
				attempt.request = &request;
				check(policy, routes, n_routes, denials,
				      n_denials, &attempt);
				attempt.request = NULL;
			}
			attempt.name = NULL;
			attempt.address = &address;
			check(policy, routes, n_routes, denials, n_denials,
			      &attempt);
		}
	policy_free(policy);
	return 0;
}
