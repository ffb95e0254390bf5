#include "inspect_private.h"

#include "transfer.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

void inspect_forget(struct inspect *inspect)
{
	exchange_done(&inspect->now.exchange);
	redact_free(inspect->now.redact);
	inspect->now = (struct under_way){ 0 };
}

void inspect_begin(struct inspect *inspect)
{
	inspect_forget(inspect);
	exchange_begin(&inspect->now.exchange);
}

void inspect_keep_names(char names[INSPECT_TRAILER_MAX],
			struct http_text declared)
{
	(void)snprintf(names, INSPECT_TRAILER_MAX, "%.*s", (int)declared.len,
		       declared.len > 0 ? declared.at : "");
}

static void remember(struct inspect *inspect,
		     const struct http_request *request)
{
	struct under_way *now = &inspect->now;
	struct http_text key = http_field_value(
		request->fields, request->n_fields, "sec-websocket-key");

	exchange_remember(&now->exchange, request);
	now->to_head = text_is_exactly(request->method, "HEAD");
	now->agent_http10 = request->is_http10;
	now->keep_alive = request->keep_alive;
	now->wants_websocket = request->wants_websocket;
	if (key.at && key.len < sizeof(now->websocket_key))
		memcpy(now->websocket_key, key.at, key.len);
	http1_body_init(&now->request_body, request->framing,
			request->content_length);
	now->request_framing = request->framing;
	inspect_keep_names(now->trailers_out, request->trailers);
}

/* NTLM and Negotiate prove who a connection is, not a request (RFC 4559). */
static bool logs_connection_in(const struct http_request *request)
{
	struct http_text proof = http_field_value(
		request->fields, request->n_fields, "authorization");

	return text_starts(proof, "ntlm") || text_starts(proof, "negotiate");
}

/* Writes the head for the origin. Why not, if it cannot be. */
static enum reason write_head(struct inspect *inspect,
			      const struct http_request *request)
{
	struct buffer *out = &inspect->to_origin;
	size_t credential = out->secret ? CREDENTIAL_MAX : 0;
	size_t room, len;
	char *bytes;

	if (buffer_reserve(out, inspect->head_len + DOMAIN_MAX + 256 +
					credential) < 0)
		return REASON_OVERLOADED;
	bytes = buffer_room(out, &room);
	len = http1_request_write(request, bytes, room);
	if (len == 0)
		return REASON_HTTP_MALFORMED;
	buffer_took(out, len);
	return REASON_ALLOWED;
}

/* The same with the credential of @route in it, over TLS as was judged. */
static enum reason write_head_with(struct inspect *inspect,
				   struct http_request *request,
				   const struct route *route)
{
	const struct secrets *secrets = inspect->flow->worker->secrets;
	struct redact **redact = &inspect->now.redact;
	struct credential credential;
	enum reason reason = REASON_OVERLOADED;

	assert(inspect->origin.ssl);
	/* No manifest is put in force without the secrets that it names. */
	if (!credential_make(&credential, route, secrets))
		return REASON_NO_POLICY;
	*redact = redact_new(&credential, route, secrets);
	inspect->to_origin.secret = true;
	if (*redact)
		reason = credential_put(&credential, request)
				 ? write_head(inspect, request)
				 : REASON_HTTP_MALFORMED;
	credential_done(&credential);
	return reason;
}

void inspect_begin_exchange(struct inspect *inspect,
			    struct http_request *request,
			    const struct route *route)
{
	enum reason reason = route->auth == ROUTE_AUTH_NONE
				     ? write_head(inspect, request)
				     : write_head_with(inspect, request, route);

	if (reason != REASON_ALLOWED) {
		inspect_refuse_for(inspect, reason,
				   reason == REASON_HTTP_MALFORMED ? 431 : 0,
				   NULL);
		return;
	}
	inspect->origin_bound |= logs_connection_in(request);
	if (inspect->origin_reused && exchange_is_safe(request) &&
	    request->framing == HTTP_NO_BODY)
		inspect->now.kept = inspect->head_len;
	else
		buffer_drop(&inspect->from_agent, inspect->head_len);
	inspect->agent_scanned = 0;
	inspect->state = INSPECT_EXCHANGE;
	flow_idle(inspect->flow, INSPECT_IDLE_MS);
}

bool inspect_admit(struct inspect *inspect, const struct http_request *request,
		   struct decision *decision)
{
	struct http_text asked;

	if (exchange_judge(&inspect->now.exchange, inspect->flow, request,
			   decision, &asked))
		return true;
	inspect_refuse(inspect, decision, 0, asked, NULL);
	return false;
}

bool inspect_parse_request(struct inspect *inspect,
			   struct http_request *request)
{
	unsigned status = 400;
	const char *why = NULL;

	if (http1_request_parse(buffer_data(&inspect->from_agent),
				inspect->head_len, request, &status, &why))
		return true;
	inspect_refuse_for(inspect,
			   status == 501 ? REASON_HTTP_METHOD
					 : REASON_HTTP_MALFORMED,
			   status, why);
	return false;
}

void inspect_handle_request(struct inspect *inspect, bool again)
{
	struct flow *flow = inspect->flow;
	struct http_request request;
	struct decision decision;

	inspect->asked = true;
	inspect_begin(inspect);
	if (!inspect_parse_request(inspect, &request))
		return;
	remember(inspect, &request);
	switch (inspect->mode) {
	case INSPECT_ENROL:
		inspect_answer_enrolment(inspect, &request);
		return;
	case INSPECT_REFUSE:
		decision =
			(struct decision){ .verdict = VERDICT_DENY,
					   .reason = inspect->refusal->reason };
		inspect->now.exchange.status =
			refusal_status(inspect->refusal->reason);
		inspect_record(inspect, &decision, inspect->refusal, NULL);
		inspect_answer(inspect, inspect->refusal, 0);
		return;
	case INSPECT_JUDGE:
		break;
	}
	if (!inspect_admit(inspect, &request, &decision))
		return;
	flow_record(flow, &decision, NULL, NULL);
	if (inspect_can_reuse_origin(inspect, &request.host))
		inspect_begin_exchange(inspect, &request, decision.route);
	else
		inspect_dial(inspect, &request.host, decision.route, !again);
}

bool inspect_step_out(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	struct under_way *now = &inspect->now;
	bool moved = false;
	ssize_t gone = 0, n;

	if (transfer_is_starved(&now->request_body, &inspect->from_agent))
		moved = transfer_fill(&inspect->from_agent, &flow->stream,
				      &gone);
	if (gone < 0) {
		/* Half a request is no request: the origin must see that. */
		inspect_drop_origin(inspect, true);
		flow_close(flow, REASON_ALLOWED, true);
		return true;
	}
	if (transfer_move(&now->request_body, now->request_framing,
			  now->trailers_out, NULL, &inspect->from_agent,
			  &inspect->to_origin, &moved) == HTTP1_BAD) {
		inspect_refuse_for(inspect, REASON_HTTP_MALFORMED, 400,
				   "bad body");
		return true;
	}
	n = buffer_flush(&inspect->to_origin, &inspect->origin);
	if (n > 0)
		inspect_went_out(inspect, (size_t)n);
	/* What the origin may have answered before it went is still read. */
	if (n < 0 && n != -EAGAIN)
		buffer_done(&inspect->to_origin);
	return moved || n > 0;
}
