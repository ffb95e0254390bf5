#include "exchange.h"

#include "clock.h"
#include "worker.h"

#include <stdio.h>
#include <string.h>

void exchange_begin(struct exchange *exchange)
{
	*exchange = (struct exchange){ .started_ms = clock_ms() };
}

void exchange_done(struct exchange *exchange)
{
	judged_done(&exchange->judged);
}

/* git shows people only text/plain; nobody else minds JSON. */
static enum refusal_form form_for(const struct http_request *request)
{
	struct http_text agent = http_field_value(
		request->fields, request->n_fields, "user-agent");

	return agent.at && agent.len > 4 && memcmp(agent.at, "git/", 4) == 0
		       ? REFUSAL_PLAIN_TEXT
		       : REFUSAL_PROBLEM_JSON;
}

void exchange_remember(struct exchange *exchange,
		       const struct http_request *request)
{
	const char *query = memchr(request->path.at, '?', request->path.len);
	size_t path_len =
		query ? (size_t)(query - request->path.at) : request->path.len;

	exchange->host = request->host;
	exchange->form = form_for(request);
	(void)snprintf(exchange->method, sizeof(exchange->method), "%.*s",
		       (int)request->method.len, request->method.at);
	(void)snprintf(exchange->path, sizeof(exchange->path), "%.*s",
		       (int)path_len, request->path.at);
}

bool exchange_is_safe(const struct http_request *request)
{
	static const char *const methods[] = { "GET", "HEAD", "OPTIONS" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (text_is_exactly(request->method, methods[i]))
			return true;
	return false;
}

/* Requests side by side go to one origin, so the first of them names it. */
static bool has_one_name(const struct flow *flow)
{
	return flow->stream.ssl || flow->name_bound ||
	       (flow->multiplex && flow->name.len > 0);
}

/* DESIGN: all identities agree, on every request. */
static bool identities_agree(const struct flow *flow,
			     const struct http_request *request,
			     struct decision *decision)
{
	bool tls = flow->stream.ssl != NULL;
	uint16_t own_port = tls ? 443 : 80;
	uint16_t port = request->port ? request->port : own_port;

	if (request->host.len == 0) {
		decision->reason = REASON_ADDRESS_NOT_LISTED;
		return false;
	}
	/* Host names where the connection goes, port and all. */
	decision->reason = REASON_HOST_MISMATCH;
	if (port != flow->port ||
	    (request->absolute && request->absolute_https != tls))
		return false;
	if (has_one_name(flow) &&
	    (request->host.len != flow->name.len ||
	     memcmp(request->host.name, flow->name.name, flow->name.len) != 0))
		return false;
	return true;
}

bool exchange_judge(struct exchange *exchange, struct flow *flow,
		    const struct http_request *request,
		    struct decision *decision, struct http_text *asked)
{
	struct worker *worker = flow->worker;
	struct attempt attempt = { .kind = ATTEMPT_HTTP,
				   .name = &request->host,
				   .port = flow->port };

	*decision = (struct decision){ .verdict = VERDICT_DENY };
	*asked = request->authority;
	if (!identities_agree(flow, request, decision))
		return false;
	*asked = (struct http_text){ 0 };
	if (!judged_keep(&exchange->judged, request)) {
		decision->reason = REASON_OVERLOADED;
		return false;
	}
	exchange->judged.request.by_h2c = flow->multiplex && !flow->stream.ssl;
	exchange->judged.request.as_websocket =
		flow->multiplex && request->wants_websocket;
	attempt.request = judged_request(&exchange->judged);
	*decision = policy_judge(worker->policy, &attempt);
	if (decision->verdict == VERDICT_DENY)
		return false;
	decision->verdict = VERDICT_DENY;
	if (audit_is_blind(&worker->audit)) {
		decision->reason = REASON_UNRECORDABLE;
		return false;
	}
	if (decision->route->auth != ROUTE_AUTH_NONE && !flow->stream.ssl) {
		decision->reason = REASON_AUTH_NEEDS_TLS;
		return false;
	}
	/* TLS was held to its address when it was sniffed. */
	if (!flow->stream.ssl && !flow_claim(flow, &request->host)) {
		decision->reason = REASON_ADDRESS_MISMATCH;
		return false;
	}
	decision->verdict = VERDICT_INTERCEPT;
	flow_limit(flow, decision->route);
	return true;
}

void exchange_refusal(const struct exchange *exchange, const struct flow *flow,
		      const struct decision *decision, struct http_text asked,
		      struct refusal *refusal)
{
	struct attempt attempt = flow_attempt(flow, ATTEMPT_HTTP);
	char line[sizeof(exchange->method) + sizeof(exchange->path)];

	attempt.request = judged_request(&exchange->judged);
	if (judged_is_at_fault(decision->reason)) {
		asked.len = (size_t)snprintf(line, sizeof(line), "%s %s",
					     exchange->method, exchange->path);
		asked.at = line;
	}
	/* Without TLS, and with no name bound, the request is what names. */
	if (!flow->stream.ssl && !flow->name_bound) {
		bool named = exchange->host.len > 0;

		attempt.name = named ? &exchange->host : NULL;
		attempt.address = named ? NULL : &flow->address;
	}
	refusal_make(refusal, flow->worker->config->refusal_key, &attempt,
		     decision, asked.at, asked.len);
}

void exchange_record(struct exchange *exchange, struct flow *flow,
		     const struct decision *decision,
		     const struct refusal *refusal, const char *detail)
{
	struct audit_event event;

	if (exchange->recorded)
		return;
	event = flow_event(flow, "request", decision, refusal, detail);
	if (!flow->stream.ssl && !flow->name_bound)
		event.name = &exchange->host;
	if (decision->reason == REASON_PATH_AMBIGUOUS)
		event.detail = judged_ambiguity(&exchange->judged);
	event.method = text_of(exchange->method);
	event.path = text_of(exchange->path);
	event.status = exchange->status;
	event.counted = true;
	event.bytes_out = exchange->bytes_out;
	event.bytes_in = exchange->bytes_in;
	event.duration_ms = (uint64_t)(clock_ms() - exchange->started_ms);
	exchange->recorded = true;
	(void)audit_write(&flow->worker->audit, &event);
}
