#include "plan.h"

/*
 * pasta would by default forward ports both ways and give the host's loopback
 * an address inside; each of these flags closes one such hole.
 */
static void plan_uplink(struct plan *plan)
{
	struct plan_step *step = plan_step(plan, "uplink", PLAN_HOST);

	plan_word(plan, step, "pasta");
	plan_word(plan, step, "--config-net");
	plan_word(plan, step, "--foreground");
	plan_word(plan, step, "--quiet");
	plan_option(plan, step, "--tcp-ports", "none");
	plan_option(plan, step, "--udp-ports", "none");
	plan_option(plan, step, "--tcp-ns", "none");
	plan_option(plan, step, "--udp-ns", "none");
	plan_word(plan, step, "--no-map-gw");
	plan_option(plan, step, "--ns-ifname", PLAN_UPLINK_INTERFACE);
	plan_word(plan, step, "{pid}");
}

static void plan_gateway(struct plan *plan)
{
	const struct plan_options *options = &plan->options;
	struct plan_step *step = plan_step(plan, "gateway", PLAN_GATEWAY);

	plan_word(plan, step, options->gateway_program);
	plan_option(plan, step, "--internal", PLAN_GATEWAY_INTERFACE);
	plan_option(plan, step, "--manifest", options->manifest);
	plan_option(plan, step, "--agent", PLAN_AGENT4);
	plan_option(plan, step, "--agent", PLAN_AGENT6);
	for (size_t i = 0; i < options->n_resolvers; i++)
		plan_option(plan, step, "--resolver", options->resolvers[i]);
	plan_option(plan, step, "--audit", options->audit);
	if (options->trust)
		plan_option(plan, step, "--trust", options->trust);
	if (options->secrets)
		plan_option(plan, step, "--secrets", options->secrets);
	plan_option(plan, step, "--log-level",
		    options->verbose ? "info" : "err");
	plan_option(plan, step, "--ready-fd", "{fd}");
}

static void plan_agent(struct plan *plan)
{
	const struct plan_options *options = &plan->options;
	struct plan_step *step = plan_step(plan, "agent", PLAN_AGENT);

	plan_word(plan, step, options->init_program);
	plan_option(plan, step, "--gateway", PLAN_GATEWAY4);
	plan_option(plan, step, "--gateway6", PLAN_GATEWAY6);
	plan_option(plan, step, "--interface", PLAN_AGENT_INTERFACE);
	plan_option(plan, step, "--user",
		    plan_text(plan, "%u:%u", options->uid, options->gid));
	plan_option(plan, step, "--workdir", options->workdir);
	plan_command(plan, step);
}

int netns_plan(const struct plan_options *options, struct plan *plan)
{
	plan_begin(plan, options);
	plan_uplink(plan);
	plan_gateway(plan);
	plan_agent(plan);
	return plan_end(plan);
}
