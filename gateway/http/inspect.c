#include "inspect_private.h"

#include "transfer.h"

#include <errno.h>
#include <stdlib.h>

#define ROUNDS 32           /* of work in one turn of the loop */
#define HEAD_MS 10000       /* from the first byte of a head to its last */
#define ORIGIN_IDLE_MS 5000 /* of which the origin's connection waits too */

void inspect_record(struct inspect *inspect, const struct decision *decision,
		    const struct refusal *refusal, const char *detail)
{
	exchange_record(&inspect->now.exchange, inspect->flow, decision,
			refusal, detail);
}

void inspect_went_out(struct inspect *inspect, size_t len)
{
	inspect->flow->bytes_out += len;
	inspect->now.exchange.bytes_out += len;
}

void inspect_came_in(struct inspect *inspect, size_t len)
{
	inspect->flow->bytes_in += len;
	inspect->now.exchange.bytes_in += len;
}

/*
 * Programs that hold our certificate against one that they know (pinning), or
 * that look at it late, leave TLS once it is up; their last word is no alert.
 */
static enum reason why_gone(const struct inspect *inspect)
{
	const struct flow *flow = inspect->flow;
	bool unused = flow->stream.ssl && !inspect->asked &&
		      inspect->from_agent.len == 0;

	return unused ? REASON_TLS_UNUSED : REASON_ALLOWED;
}

static bool step_head(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	struct buffer *in = &inspect->from_agent;
	unsigned status = 400;
	ssize_t gone = 0;
	bool got = false;

	if (in->len > 0 || transfer_fill(in, &flow->stream, &gone)) {
		switch (http1_head_find(buffer_data(in), in->len,
					&inspect->agent_scanned,
					&inspect->head_len, &status)) {
		case HTTP1_DONE:
			inspect->head_begun = false;
			inspect_handle_request(inspect, false);
			return true;
		case HTTP1_BAD:
			inspect_begin(inspect);
			inspect_refuse_for(inspect, REASON_HTTP_MALFORMED,
					   status, "no HTTP request");
			return true;
		case HTTP1_MORE:
			break;
		}
		if (!inspect->head_begun)
			flow_deadline(flow, HEAD_MS);
		inspect->head_begun = true;
		if (in->len == in->cap - in->at &&
		    buffer_reserve(in, in->len) < 0)
			gone = -ENOMEM;
		else
			got = transfer_fill(in, &flow->stream, &gone);
	}
	if (gone < 0) {
		inspect_give_back_origin(inspect);
		flow_close(flow, why_gone(inspect),
			   gone != -EPIPE || in->len > 0);
	}
	return got;
}

/*
 * While the answer is awaited, all that the agent can say is its next request,
 * of which one buffer is taken, or that it has gone: then nobody waits.
 */
static bool step_wait(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	const struct decision allowed = { VERDICT_INTERCEPT, REASON_ALLOWED,
					  NULL };
	ssize_t n = 0;

	if (!inspect->now.request_body.done)
		return false;
	if (!flow->stream.ended)
		n = buffer_fill(&inspect->from_agent, &flow->stream);
	if (n > 0)
		return true;
	if (n == -ENOBUFS || !stream_hung_up(&flow->stream))
		return false;
	inspect_record(inspect, &allowed, NULL, "the agent hung up");
	inspect_drop_origin(inspect, true);
	flow_close(flow, REASON_ALLOWED, true);
	return true;
}

/* After a response that went out whole: the next request, or the end. */
static void end_exchange(struct inspect *inspect)
{
	struct under_way *now = &inspect->now;
	const struct decision allowed = { VERDICT_INTERCEPT, REASON_ALLOWED,
					  NULL };
	bool whole = now->request_body.done;

	inspect_record(inspect, &allowed, NULL, NULL);
	/* Bytes after a response are nobody's. */
	if (!whole || !now->origin_keep_alive || inspect->from_origin.len > 0 ||
	    inspect->to_origin.len > 0)
		inspect_drop_origin(inspect, !whole);
	else if (!now->keep_alive)
		inspect_give_back_origin(inspect);
	if (!whole || !now->keep_alive) {
		inspect_last(inspect);
		return;
	}
	inspect->state = INSPECT_HEAD;
	inspect_forget(inspect);
	flow_idle(inspect->flow, INSPECT_IDLE_MS);
	if (inspect_lends_origin(inspect))
		flow_idle_tell(inspect->flow, ORIGIN_IDLE_MS);
}

static bool step_exchange(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	bool moved = inspect_step_out(inspect);

	if (inspect->state != INSPECT_EXCHANGE || flow->state == FLOW_CLOSED)
		return true;
	moved |= step_wait(inspect);
	if (flow->state == FLOW_CLOSED)
		return true;
	moved |= inspect_step_in(inspect);
	if (inspect->state != INSPECT_EXCHANGE || flow->state == FLOW_CLOSED)
		return true;
	moved |= inspect_flush_agent(inspect);
	if (flow->state == FLOW_CLOSED)
		return true;
	if (inspect->now.response_begun && inspect->now.response_body.done &&
	    inspect->to_agent.len == 0) {
		end_exchange(inspect);
		return true;
	}
	if (moved)
		flow_idle(flow, INSPECT_IDLE_MS);
	return moved;
}

void inspect_pump(evutil_socket_t fd, short what, void *arg)
{
	struct inspect *inspect = arg;
	struct flow *flow = inspect->flow;

	(void)fd;
	(void)what;
	for (int round = 0; round < ROUNDS; round++) {
		bool moved = false;

		if (flow->state == FLOW_CLOSED)
			return;
		switch (inspect->state) {
		case INSPECT_HEAD:
			moved = step_head(inspect);
			break;
		case INSPECT_DIALLING:
			return;
		case INSPECT_EXCHANGE:
			moved = step_exchange(inspect);
			break;
		case INSPECT_TUNNEL:
			moved = inspect_step_tunnel(inspect);
			break;
		case INSPECT_LAST:
			moved = inspect_step_last(inspect);
			break;
		}
		if (!moved)
			return;
	}
	/* Others have their turn; edge triggering would not call again. */
	if (flow->state != FLOW_CLOSED)
		event_active(flow->stream.event, EV_READ, 0);
}

int inspect_start(struct flow *flow, enum inspect_mode mode,
		  struct stream *origin, bool reused,
		  const struct refusal *refusal)
{
	struct inspect *inspect = calloc(1, sizeof(*inspect));

	if (!inspect)
		return -ENOMEM;
	flow->inspect = inspect;
	inspect->flow = flow;
	inspect->mode = mode;
	inspect->origin.fd = -1;
	if (refusal) {
		inspect->refusal = malloc(sizeof(*refusal));
		if (!inspect->refusal)
			return -ENOMEM;
		*inspect->refusal = *refusal;
	}
	if (origin) {
		inspect->origin_name = flow->name;
		inspect->origin_reused = reused;
		stream_move(&inspect->origin, origin, inspect_pump, inspect);
	}
	flow_deadline(flow, HEAD_MS);
	stream_attend(&flow->stream, inspect_pump, inspect);
	return 0;
}

const struct request *inspect_request(const struct inspect *inspect)
{
	switch (inspect->state) {
	case INSPECT_DIALLING:
	case INSPECT_EXCHANGE:
	case INSPECT_TUNNEL:
		return judged_request(&inspect->now.exchange.judged);
	case INSPECT_HEAD:
	case INSPECT_LAST:
		break;
	}
	return NULL;
}

void inspect_rests(struct inspect *inspect)
{
	if (inspect->state == INSPECT_HEAD && inspect_lends_origin(inspect))
		inspect_give_back_origin(inspect);
}

void inspect_timed_out(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;

	switch (inspect->state) {
	case INSPECT_HEAD:
		if (inspect->from_agent.len == 0) {
			inspect_give_back_origin(inspect);
			flow_close(flow, REASON_ALLOWED, false);
			return;
		}
		inspect_begin(inspect);
		inspect_refuse_for(inspect, REASON_TIMED_OUT, 0, NULL);
		return;
	case INSPECT_EXCHANGE:
		inspect_refuse_for(inspect,
				   inspect->now.request_body.done
					   ? REASON_UPSTREAM_CONNECT
					   : REASON_TIMED_OUT,
				   0, "nothing moved");
		return;
	case INSPECT_LAST:
		/* It was told; what it still sends nobody waits for. */
		flow_close(flow, REASON_ALLOWED, false);
		return;
	case INSPECT_DIALLING:
	case INSPECT_TUNNEL:
		break;
	}
	flow_close(flow, REASON_TIMED_OUT, true);
}

void inspect_free(struct inspect *inspect)
{
	const struct decision cut = { VERDICT_INTERCEPT, REASON_ALLOWED, NULL };
	bool busy;

	if (!inspect)
		return;
	busy = inspect->state == INSPECT_EXCHANGE ||
	       inspect->state == INSPECT_TUNNEL;
	if (busy && !inspect->now.exchange.recorded)
		inspect_record(inspect, &cut, NULL, "cut short");
	inspect_drop_origin(inspect, busy);
	buffer_done(&inspect->from_agent);
	buffer_done(&inspect->to_agent);
	inspect_forget(inspect);
	free(inspect->refusal);
	free(inspect);
}
