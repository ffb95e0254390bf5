#include "inspect_private.h"

#include "transfer.h"

#include <errno.h>

#define INTERIM_MAX 16 /* 1xx responses to one request */

static void unsound_response(struct inspect *inspect, const char *why)
{
	inspect_refuse_for(inspect, REASON_UPSTREAM_HTTP, 0, why);
}

/* A whole head of the origin's lies in from_origin. */
static void handle_response(struct inspect *inspect)
{
	struct under_way *now = &inspect->now;
	struct http_response response;
	const char *why = NULL;
	size_t room, len;
	bool interim, keep_alive;

	if (now->redact)
		redact_head(now->redact, buffer_bytes(&inspect->from_origin),
			    inspect->head_len);
	if (!http1_response_parse(buffer_data(&inspect->from_origin),
				  inspect->head_len, now->to_head, &response,
				  &why)) {
		unsound_response(inspect, why);
		return;
	}
	inspect->origin_reused = inspect->answered = true;
	buffer_drop(&inspect->from_agent, now->kept);
	now->kept = 0;
	interim = response.status < 200 && response.status != 101;
	if (interim && ++now->interim > INTERIM_MAX) {
		unsound_response(inspect, "too many interim responses");
		return;
	}
	if (response.status == 101 &&
	    !inspect_websocket_accepted(now, &response)) {
		unsound_response(inspect, "an upgrade that was not asked for");
		return;
	}
	keep_alive = now->keep_alive;
	if (!(interim && now->agent_http10)) {
		if (buffer_reserve(&inspect->to_agent,
				   inspect->head_len + 256) < 0) {
			flow_close(inspect->flow, REASON_OVERLOADED, true);
			return;
		}
		buffer_room(&inspect->to_agent, &room);
		len = http1_response_write(
			&response, now->agent_http10,
			buffer_room(&inspect->to_agent, &room), room,
			&now->response_framing, &keep_alive);
		if (len == 0) {
			unsound_response(inspect, "a head too long");
			return;
		}
		buffer_took(&inspect->to_agent, len);
	}
	buffer_drop(&inspect->from_origin, inspect->head_len);
	inspect->origin_scanned = 0;
	if (interim)
		return;
	now->response_begun = true;
	now->exchange.status = response.status;
	now->keep_alive = keep_alive;
	now->origin_keep_alive = response.keep_alive;
	if (response.status == 101) {
		now->keep_alive = now->origin_keep_alive = false;
		inspect->state = INSPECT_TUNNEL;
	}
	inspect_keep_names(now->trailers_in, response.trailers);
	http1_body_init(&now->response_body, response.framing,
			response.content_length);
}

/* What that is, where it has nothing to do with the connection's age. */
static void never_answered(struct inspect *inspect)
{
	bool silent = !inspect->origin_reused && inspect->from_origin.len == 0;
	const char *detail;
	enum reason reason = silent ? upstream_turned_away(&inspect->origin,
							   &detail)
				    : REASON_ALLOWED;

	if (reason != REASON_ALLOWED)
		inspect_refuse_for(inspect, reason, 0, detail);
	else
		unsound_response(inspect,
				 "the origin closed before it answered");
}

/* The origin's connection ended where its answer should be. */
static void gone_unanswered(struct inspect *inspect)
{
	const struct decision stale = { VERDICT_INTERCEPT, REASON_UPSTREAM_HTTP,
					NULL };

	if (!inspect->origin_reused || inspect->from_origin.len > 0 ||
	    inspect->now.interim > 0) {
		never_answered(inspect);
		return;
	}
	inspect_drop_origin(inspect, false);
	if (inspect->now.kept > 0) {
		inspect->head_len = inspect->now.kept;
		inspect_handle_request(inspect, true);
		return;
	}
	if (!inspect->answered) {
		unsound_response(inspect,
				 "the origin closed before it answered");
		return;
	}
	/* Whoever keeps connections knows what that means (RFC 9112 9.3.1). */
	inspect->now.exchange.status = 0;
	inspect_record(inspect, &stale, NULL,
		       "the origin's connection was stale");
	flow_close(inspect->flow, REASON_UPSTREAM_HTTP, false);
}

bool inspect_step_in(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	struct under_way *now = &inspect->now;
	struct buffer *in = &inspect->from_origin;
	unsigned status;
	bool moved = false;
	ssize_t gone = 0;

	if (!now->response_body.done && inspect->to_agent.len < TRANSFER_ROOM &&
	    (!now->response_begun ||
	     transfer_is_starved(&now->response_body, in))) {
		size_t before = in->len;

		if (in->len > 0 && in->len == in->cap - in->at &&
		    buffer_reserve(in, in->len) < 0)
			gone = -ENOMEM;
		else
			moved = transfer_fill(in, &inspect->origin, &gone);
		inspect_came_in(inspect, in->len - before);
	}
	if (!now->response_begun) {
		switch (http1_head_find(buffer_data(in), in->len,
					&inspect->origin_scanned,
					&inspect->head_len, &status)) {
		case HTTP1_DONE:
			handle_response(inspect);
			/* What has come of the body goes with the head. */
			if (gone < 0 || !now->response_begun ||
			    inspect->state != INSPECT_EXCHANGE)
				return true;
			moved = true;
			break;
		case HTTP1_BAD:
			unsound_response(inspect, "no HTTP response");
			return true;
		case HTTP1_MORE:
			if (gone < 0)
				gone_unanswered(inspect);
			return moved || gone < 0;
		}
	}
	if (gone == -EPIPE && now->response_body.framing == HTTP_UNTIL_CLOSE &&
	    in->len == 0) {
		gone = transfer_end(&now->response_body, now->response_framing,
				    now->redact, &inspect->to_agent)
			       ? 0
			       : -ENOMEM;
		moved = true;
	}
	if (gone < 0 ||
	    transfer_move(&now->response_body, now->response_framing,
			  now->trailers_in, now->redact, in, &inspect->to_agent,
			  &moved) == HTTP1_BAD) {
		const struct decision cut = { VERDICT_INTERCEPT,
					      REASON_UPSTREAM_HTTP, NULL };

		inspect_record(inspect, &cut, NULL,
			       "the response was cut short");
		flow_close(flow, REASON_UPSTREAM_HTTP, true);
		return true;
	}
	return moved;
}
