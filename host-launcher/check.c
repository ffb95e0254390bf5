#include "commands.h"
#include "complain.h"
#include "manifest.h"
#include "manifest_file.h"
#include "policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *tls_name(enum route_tls tls)
{
	switch (tls) {
	case ROUTE_TLS_INTERCEPT:
		return "intercept";
	case ROUTE_TLS_SPLICE:
		return "splice";
	case ROUTE_TLS_NONE:
		return "none";
	}
	return "intercept";
}

/* As policy_wants_virtual() will find it for a name of this route alone. */
static const char *addresses_name(const struct route *route)
{
	switch (route->addresses) {
	case ROUTE_ADDRESSES_REAL:
		return "real";
	case ROUTE_ADDRESSES_VIRTUAL:
		return "virtual";
	case ROUTE_ADDRESSES_AUTO:
		break;
	}
	return route->tls == ROUTE_TLS_NONE ? "virtual" : "real";
}

/* "*.example.org" or "192.0.2.0/24". */
static void format_target(const struct route *route, char *text, size_t cap)
{
	char base[ADDRESS_TEXT_MAX];

	if (route->is_cidr)
		(void)snprintf(text, cap, "%s/%u",
			       address_format(&route->cidr.base, base),
			       route->cidr.len);
	else
		(void)snprintf(text, cap, "%s%s", route->host.below ? "*." : "",
			       route->host.base.name);
}

static void format_ports(const struct route *route, char *text, size_t cap)
{
	size_t len = 0;

	(void)snprintf(text, cap, "every port");
	for (size_t i = 0; i < route->n_ports && len < cap; i++)
		len += (size_t)snprintf(text + len, cap - len, "%s%u",
					i > 0 ? "," : "", route->ports[i]);
}

static void format_dns_types(const struct route *route, char *text, size_t cap)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < route->n_dns_types && len < cap; i++)
		len += (size_t)snprintf(text + len, cap - len, "%s%s",
					i > 0 ? "," : "  dns: ",
					dns_type_name(route->dns_types[i]));
}

/* As a manifest would say it, in the largest unit that it is whole in. */
static void format_idle(const struct route *route, char *text, size_t cap)
{
	unsigned idle_s = route->idle_s;

	text[0] = '\0';
	if (idle_s == 0)
		return;
	if (idle_s % 3600 == 0)
		(void)snprintf(text, cap, "  idle: %uh", idle_s / 3600);
	else if (idle_s % 60 == 0)
		(void)snprintf(text, cap, "  idle: %um", idle_s / 60);
	else
		(void)snprintf(text, cap, "  idle: %us", idle_s);
}

static const char *auth_name(enum route_auth auth)
{
	switch (auth) {
	case ROUTE_AUTH_BEARER:
		return "Bearer";
	case ROUTE_AUTH_TOKEN:
		return "token";
	case ROUTE_AUTH_BASIC:
		return "Basic";
	case ROUTE_AUTH_NONE:
		break;
	}
	return "";
}

static void print_words(const char *what, size_t n, const char *word)
{
	(void)printf("%s%s", n == 0 ? what : ", ", word);
}

static void print_match(const struct match *match)
{
	static const char *const types[] = {
		[MATCH_PATH_EXACT] = "",
		[MATCH_PATH_PREFIX] = "prefix ",
		[MATCH_PATH_REGEX] = "regex ",
	};

	(void)printf("         request:");
	for (size_t i = 0; i < match->n_methods; i++)
		print_words(" ", i, match->methods[i]);
	for (size_t i = 0; i < match->n_paths; i++) {
		print_words(" to ", i, types[match->paths[i].type]);
		(void)printf("%s", match->paths[i].value);
	}
	for (size_t i = 0; i < match->n_headers; i++) {
		print_words(" with ", i, match->headers[i].name);
		(void)printf(": %s", match->headers[i].value);
	}
	(void)printf("\n");
}

/* What the route says about requests and its origin, below it. */
static void print_rules(const struct route *route,
			const struct meeting *meeting)
{
	for (size_t i = 0; route->matches && i < route->matches->n; i++)
		print_match(&route->matches->entries[i]);
	if (route->git_fetch)
		(void)printf("         request: git clone and fetch%s\n",
			     route->matches ? ", and no push" : " alone");
	if (route->auth != ROUTE_AUTH_NONE)
		(void)printf("         needs the secret %s (sent as %s)\n",
			     route->token_ref, auth_name(route->auth));
	if (meeting && meeting->client_cert_ref[0])
		(void)printf(
			"         needs the secret %s (shown to the origin)\n",
			meeting->client_cert_ref);
}

static void print_route(const struct route *route,
			const struct meeting *meeting, bool denied)
{
	char target[DOMAIN_MAX + 3];
	char ports[ROUTE_PORTS_MAX * 6 + 1];
	char idle[sizeof("  idle: 4294967295s")];
	char dns[(size_t)DNS_TYPES_LISTED_MAX * 6 + sizeof("  dns: ")];

	format_target(route, target, sizeof(target));
	format_ports(route, ports, sizeof(ports));
	format_idle(route, idle, sizeof(idle));
	format_dns_types(route, dns, sizeof(dns));
	if (denied)
		(void)printf("deny   %-32s %-12s", target, ports);
	else
		(void)printf(
			"allow  %-32s %-12s tls: %-9s  addresses: %-7s%s%s%s%s%s%s",
			target, ports, tls_name(route->tls),
			route->is_cidr ? "listed" : addresses_name(route),
			route->private ? "  private" : "",
			meeting && meeting->upstream_ca ? "  upstream_ca" : "",
			route->h2c ? "  h2c" : "",
			route->http2_websocket ? "  http2_websocket" : "", idle,
			dns);
	(void)printf("  (line %u)\n", route->line);
}

static void print_policy(const struct policy *policy)
{
	size_t n_routes;
	size_t n_denials;
	const struct route *routes = policy_routes(policy, &n_routes);
	const struct route *denials = policy_denials(policy, &n_denials);
	size_t n_meetings;
	const struct meeting *meetings = policy_meetings(policy, &n_meetings);
	size_t n_resolvers;
	const struct nameserver *resolvers =
		policy_resolvers(policy, &n_resolvers);
	char text[NAMESERVER_TEXT_MAX];

	for (size_t i = 0; i < n_denials; i++)
		print_route(&denials[i], NULL, true);
	for (size_t i = 0; i < n_routes; i++) {
		const struct meeting *meeting =
			routes[i].meeting ? &meetings[routes[i].meeting - 1]
					  : NULL;

		print_route(&routes[i], meeting, false);
		print_rules(&routes[i], meeting);
	}
	for (size_t i = 0; i < n_resolvers; i++)
		(void)printf("ask    %-32s %s\n",
			     nameserver_format(&resolvers[i], text),
			     resolvers[i].tls.len > 0 ? "over TLS"
						      : "in clear");
	(void)printf("all else is refused, %s\n",
		     policy_refusals(policy) == POLICY_REFUSALS_TERSE
			     ? "tersely"
			     : "with an explanation");
}

int check_command(int argc, char **argv)
{
	struct policy *policy;

	if (argc != 2 || argv[1][0] == '-') {
		(void)fprintf(stderr, "usage: sluice check MANIFEST\n");
		return EXIT_USAGE;
	}
	policy = manifest_file_read(argv[1]);
	if (!policy)
		return EXIT_FAILURE;
	print_policy(policy);
	policy_free(policy);
	if (fflush(stdout) != 0) {
		complain("cannot write");
		return EXIT_LAUNCHER;
	}
	return 0;
}
