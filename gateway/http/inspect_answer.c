#include "inspect_private.h"

#include "enrol.h"

#include <errno.h>

bool inspect_flush_agent(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	ssize_t n = buffer_flush(&inspect->to_agent, &flow->stream);

	if (n < 0 && n != -EAGAIN) {
		flow_close(flow, REASON_ALLOWED, true);
		return true;
	}
	return n > 0;
}

void inspect_last(struct inspect *inspect)
{
	inspect_drop_origin(inspect, true);
	inspect->state = INSPECT_LAST;
	inspect->last.dropped = inspect->from_agent.len;
	buffer_done(&inspect->from_agent);
	farewell_begin(&inspect->last, inspect->flow);
	event_active(inspect->flow->stream.event, EV_READ, 0);
}

void inspect_answer(struct inspect *inspect, const struct refusal *refusal,
		    unsigned status)
{
	struct flow *flow = inspect->flow;
	char bytes[REFUSAL_HTTP_MAX];
	bool explain = policy_refusals(flow->worker->policy) ==
		       POLICY_REFUSALS_EXPLAIN;
	size_t len;

	if (inspect->now.response_begun) {
		flow_close(flow, refusal->reason, true);
		return;
	}
	len = refusal_http(refusal, status, inspect->now.exchange.form, explain,
			   !inspect->now.to_head, bytes);
	if (buffer_add(&inspect->to_agent, bytes, len) < 0) {
		flow_close(flow, REASON_OVERLOADED, true);
		return;
	}
	inspect_last(inspect);
}

void inspect_refuse(struct inspect *inspect, const struct decision *decision,
		    unsigned status, struct http_text asked, const char *detail)
{
	struct exchange *exchange = &inspect->now.exchange;
	struct refusal refusal;

	exchange_refusal(exchange, inspect->flow, decision, asked, &refusal);
	exchange->status = status ? status : refusal_status(refusal.reason);
	inspect_record(inspect, decision, &refusal, detail);
	inspect_answer(inspect, &refusal, status);
}

void inspect_refuse_for(struct inspect *inspect, enum reason reason,
			unsigned status, const char *detail)
{
	const struct decision decision = { .verdict = VERDICT_DENY,
					   .reason = reason };

	inspect_refuse(inspect, &decision, status, (struct http_text){ 0 },
		       detail);
}

void inspect_answer_enrolment(struct inspect *inspect,
			      const struct http_request *request)
{
	int status = enrol_answer(request, ca_pem(inspect->flow->worker->ca),
				  &inspect->to_agent);
	const struct decision decision = {
		.verdict = status == 200 ? VERDICT_INTERCEPT : VERDICT_DENY,
		.reason =
			status == 200 ? REASON_ALLOWED : REASON_GATEWAY_ITSELF,
	};

	if (status < 0) {
		flow_close(inspect->flow, REASON_OVERLOADED, true);
		return;
	}
	inspect->now.exchange.status = (unsigned)status;
	inspect_record(inspect, &decision, NULL, NULL);
	inspect_last(inspect);
}

bool inspect_step_last(struct inspect *inspect)
{
	if (inspect->to_agent.len > 0)
		return inspect_flush_agent(inspect);
	return farewell_step(&inspect->last, inspect->flow, REASON_ALLOWED);
}
