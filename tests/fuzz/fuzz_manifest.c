#include "manifest.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What a sound manifest says is sound, whatever its text was. */
static bool is_sound(const struct policy *policy, const struct route *route)
{
	const struct domain *base = &route->host.base;
	struct attempt attempt = { .kind = ATTEMPT_RESOLVE, .name = base };
	struct decision decision;
	struct domain again;

	if (route->n_ports == 0 || route->n_ports > ROUTE_PORTS_MAX ||
	    route->line == 0 || route->column == 0)
		return false;
	if (route->is_cidr)
		return route->tls == ROUTE_TLS_NONE &&
		       prefix_classify(&route->cidr) != ADDRESS_NEVER;
	if (!domain_parse(&again, base->name, base->len))
		return false;
	decision = policy_judge(policy, &attempt);
	return route->host.below || decision.reason == REASON_ALLOWED ||
	       decision.reason == REASON_NAME_DENIED;
}

static void check_policy(const struct policy *policy)
{
	const struct nameserver *resolvers;
	const struct route *routes;
	size_t n;

	routes = policy_routes(policy, &n);
	for (size_t i = 0; i < n; i++)
		if (!is_sound(policy, &routes[i]))
			abort();
	resolvers = policy_resolvers(policy, &n);
	if (n > NAMESERVERS_MAX || nameservers_differ(resolvers, n))
		abort();
	for (size_t i = 0; i < n; i++)
		if (resolvers[i].port == 0 || resolvers[i].address.family == 0)
			abort();
}

/* Text is either a policy or at least one mistake, each with its place. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct manifest_errors errors;
	struct policy *policy;

	policy = manifest_parse((const char *)data, len, &errors);
	if (!policy == !errors.n)
		abort();
	for (size_t i = 0; i < errors.n; i++) {
		const struct manifest_error *error = &errors.list[i];

		if (error->line < 1 || error->column < 1 ||
		    strlen(error->message) == 0)
			abort();
		if (i > 0 && error[-1].line > error->line)
			abort();
		for (const char *c = error->message; *c; c++)
			if (*c < 0x20 || *c > 0x7e)
				abort();
	}
	if (policy)
		check_policy(policy);
	policy_free(policy);
	manifest_errors_done(&errors);
	return 0;
}
