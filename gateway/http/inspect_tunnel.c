#include "inspect_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

bool inspect_websocket_accepted(const struct under_way *now,
				const struct http_response *response)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[sizeof(now->websocket_key) + sizeof(guid)];
	uint8_t hash[EVP_MAX_MD_SIZE], encoded[64];
	unsigned hash_len;
	int n;

	if (!now->wants_websocket || !response->is_websocket)
		return false;
	n = snprintf(text, sizeof(text), "%s%s", now->websocket_key, guid);
	if (!EVP_Digest(text, (size_t)n, hash, &hash_len, EVP_sha1(), NULL))
		return false;
	n = EVP_EncodeBlock(encoded, hash, (int)hash_len);
	return response->websocket_accept.len == (size_t)n &&
	       memcmp(response->websocket_accept.at, encoded, (size_t)n) == 0;
}

/* One direction of a tunnel. Returns bytes moved, or -errno. */
static ssize_t tunnel_step(struct inspect *inspect, struct buffer *buffer,
			   struct stream *from, struct stream *to,
			   void (*count)(struct inspect *inspect, size_t len))
{
	ssize_t moved = 0, n;

	if (buffer->len == 0 && !from->ended) {
		n = buffer_fill(buffer, from);
		if (n < 0 && n != -EAGAIN)
			return n;
		if (n == 0)
			stream_end(to);
		if (n > 0)
			moved += n;
	}
	n = buffer_flush(buffer, to);
	if (n < 0 && n != -EAGAIN)
		return n;
	if (n > 0) {
		count(inspect, (size_t)n);
		moved += n;
	}
	return moved;
}

bool inspect_step_tunnel(struct inspect *inspect)
{
	struct flow *flow = inspect->flow;
	const struct decision allowed = { VERDICT_INTERCEPT, REASON_ALLOWED,
					  NULL };
	ssize_t out, in;

	/* What each had sent beyond the handshake goes first. */
	if (inspect->from_origin.len > 0 &&
	    buffer_add(&inspect->to_agent, buffer_data(&inspect->from_origin),
		       inspect->from_origin.len) < 0) {
		flow_close(flow, REASON_OVERLOADED, true);
		return true;
	}
	buffer_done(&inspect->from_origin);
	out = tunnel_step(inspect, &inspect->from_agent, &flow->stream,
			  &inspect->origin, inspect_went_out);
	in = tunnel_step(inspect, &inspect->to_agent, &inspect->origin,
			 &flow->stream, inspect_came_in);
	if (out < 0 || in < 0 ||
	    (flow->stream.ended && inspect->origin.ended &&
	     inspect->from_agent.len == 0 && inspect->to_agent.len == 0)) {
		inspect_record(inspect, &allowed, NULL, NULL);
		flow_close(flow, REASON_ALLOWED, out < 0 || in < 0);
		return true;
	}
	if (out + in > 0)
		flow_idle(flow, INSPECT_IDLE_MS);
	return out + in > 0;
}
