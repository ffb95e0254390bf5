#include "inspect_private.h"

#include <string.h>

void inspect_drop_origin(struct inspect *inspect, bool reset)
{
	upstream_cancel(inspect->upstream);
	inspect->upstream = NULL;
	if (inspect->origin.fd >= 0)
		stream_close(&inspect->origin, reset);
	inspect->origin.fd = -1;
	buffer_done(&inspect->from_origin);
	buffer_done(&inspect->to_origin);
	inspect->origin_scanned = 0;
}

/* An origin's connection that is in good order is good for the next. */
void inspect_give_back_origin(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	const struct pool_key key = {
		.name = &inspect->origin_name,
		.port = flow->port,
		.tls = flow->stream.ssl != NULL,
		.authority = flow->authority,
	};

	if (inspect->origin.fd >= 0 && !inspect->origin_bound &&
	    inspect->from_origin.len == 0 && inspect->to_origin.len == 0)
		pool_put(flow->worker->pool, &key, &flow->origin,
			 &inspect->origin, POOL_IDLE_MS);
	inspect_drop_origin(inspect, false);
}

/*
 * An agent that says nothing for a while leaves its origin's connection to
 * others. One that is logged in is nobody else's, and could not be had again.
 */
bool inspect_lends_origin(const struct inspect *inspect)
{
	return inspect->origin.fd >= 0 && !inspect->origin_bound;
}

bool inspect_can_reuse_origin(struct inspect *inspect,
			      const struct domain *name)
{
	if (inspect->origin.fd < 0)
		return false;
	if (inspect->origin_name.len == name->len &&
	    memcmp(inspect->origin_name.name, name->name, name->len) == 0 &&
	    stream_is_quiet(&inspect->origin))
		return true;
	inspect_drop_origin(inspect, false);
	return false;
}

static void dialled(void *arg, const struct upstream_result *result)
{
	struct inspect *inspect = arg;
	struct flow *flow = inspect->flow;
	const struct decision failed = { .verdict = VERDICT_INTERCEPT,
					 .reason = result->reason };
	struct http_request request;
	struct decision decision;

	inspect->upstream = NULL;
	flow->origin = result->address;
	/* Parsed anew: nothing of a request is kept but its bytes. */
	if (!inspect_parse_request(inspect, &request))
		return;
	if (result->reason != REASON_ALLOWED) {
		inspect_refuse(inspect, &failed, 0, (struct http_text){ 0 },
			       result->detail);
		return;
	}
	inspect->origin_reused = result->reused;
	stream_move(&inspect->origin, result->stream, inspect_pump, inspect);
	/* There may be another manifest by now. */
	if (inspect_admit(inspect, &request, &decision))
		inspect_begin_exchange(inspect, &request, decision.route);
}

void inspect_dial(struct inspect *inspect, const struct domain *name,
		  const struct route *route, bool pooled)
{
	struct flow *flow = inspect->flow;
	struct upstream_want want = {
		.name = name,
		.port = flow->port,
		.private = route && route->private,
		.tls = flow->stream.ssl != NULL,
		.authority = flow->authority,
		.pooled = pooled,
	};

	want.alpn_len =
		stream_alpn(&flow->stream, want.alpn, sizeof(want.alpn));
	inspect->origin_name = *name;
	inspect->origin_reused = inspect->origin_bound = false;
	inspect->state = INSPECT_DIALLING;
	flow_deadline(flow, 0); /* upstream has one of its own */
	inspect->upstream =
		upstream_start(flow->worker, &want, dialled, inspect);
	if (!inspect->upstream)
		inspect_refuse_for(inspect, REASON_OVERLOADED, 0, NULL);
}
