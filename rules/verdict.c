#include "verdict.h"

#include <stddef.h>

const char *verdict_name(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_DENY:
		return "deny";
	case VERDICT_RELAY:
		return "relay";
	case VERDICT_INTERCEPT:
		return "intercept";
	}
	return "deny";
}

static const struct {
	const char *code, *text;
} reasons[REASON_COUNT] = {
	[REASON_NO_POLICY] = { "no_policy", "nothing has been decided" },
	[REASON_ALLOWED] = { "allowed", "a route admits it" },
	[REASON_NAME_NOT_LISTED] = { "name_not_listed",
				     "no route admits this name" },
	[REASON_NAME_DENIED] = { "name_denied", "the manifest denies it" },
	[REASON_PORT_NOT_LISTED] = { "port_not_listed",
				     "routes admit this name, but not on this port" },
	[REASON_ADDRESS_NOT_LISTED] = { "address_not_listed",
					"the address stands for no admitted name" },
	[REASON_ADDRESS_MISMATCH] = { "address_mismatch",
				      "this name was never given that address" },
	[REASON_ADDRESS_PRIVATE] = { "address_private",
				     "it leads to special-purpose addresses only" },
	[REASON_NAME_MISSING] = { "name_missing",
				  "no name was given to judge it by" },
	[REASON_NAME_INVALID] = { "name_invalid",
				  "what was given is not a host name" },
	[REASON_HOST_MISMATCH] = { "host_mismatch",
				   "the request names another host than its connection" },
	[REASON_HELLO_CHANGED] = { "hello_changed",
				   "the second ClientHello differs from the first" },
	[REASON_PROTOCOL_UNKNOWN] = { "protocol_unknown",
				      "neither TLS nor HTTP was spoken" },
	[REASON_PROTOCOL_REFUSED] = { "protocol_refused",
				      "this protocol is not carried" },
	[REASON_TLS_MALFORMED] = { "tls_malformed",
				   "the ClientHello is malformed" },
	[REASON_TLS_VERSION] = { "tls_version",
				 "no common TLS version or application protocol" },
	[REASON_TLS_REJECTED] = { "tls_client_rejected",
				  "the client does not accept the gateway's certificate" },
	[REASON_TLS_UNUSED] = { "tls_unused",
				"the client ended TLS before it asked for anything" },
	[REASON_HTTP_MALFORMED] = { "http_malformed",
				    "the request is malformed or ambiguous" },
	[REASON_HTTP_METHOD] = { "http_method",
				 "this kind of request is not carried" },
	[REASON_DNS_MALFORMED] = { "dns_malformed",
				   "the DNS message is malformed" },
	[REASON_DNS_TYPE] = { "dns_type", "this record type is not answered" },
	[REASON_SOURCE_SPOOFED] = { "source_spoofed",
				    "the source address is not the agent's" },
	[REASON_GATEWAY_ITSELF] = { "gateway_itself",
				    "the gateway itself is no destination" },
	[REASON_TIMED_OUT] = { "timed_out", "the peer took too long" },
	[REASON_OVERLOADED] = { "overloaded",
				"a limit of the gateway was reached" },
	[REASON_UNRECORDABLE] = { "unrecordable",
				  "the audit record cannot be written" },
	[REASON_POLICY_CHANGED] = { "policy_changed",
				    "a new manifest no longer admits it" },
	[REASON_UPSTREAM_DNS] = { "upstream_dns", "the name did not resolve" },
	[REASON_UPSTREAM_CONNECT] = { "upstream_connect",
				      "no address of the origin answered" },
	[REASON_UPSTREAM_TLS] = { "upstream_tls",
				  "the origin's certificate or TLS failed to verify" },
	[REASON_UPSTREAM_WANTS_CERTIFICATE] = { "upstream_wants_client_cert",
						"the origin wants a certificate of its client, and the gateway has none" },
	[REASON_UPSTREAM_HTTP] = { "upstream_http",
				   "the origin's answer is malformed or ambiguous" },
	[REASON_DESTINATION_UNKNOWN] = { "destination_unknown",
					 "where it was headed is not known" },
	[REASON_DNS_TUNNEL_SUSPECT] = { "dns_tunnel_suspect",
					"too much is asked for below this wildcard" },
	[REASON_REQUEST_NOT_LISTED] = { "request_not_listed",
					"routes admit this name, but not this request" },
	[REASON_PATH_AMBIGUOUS] = { "path_ambiguous",
				    "rules on paths apply, and this path has more than one reading" },
	[REASON_GIT_PUSH] = { "git_push",
			      "the route lets git clone and fetch, and not push" },
	[REASON_AUTH_NEEDS_TLS] = { "auth_needs_tls",
				    "the route's credential is sent over TLS only: use https" },
	[REASON_H2C_NOT_LISTED] = { "h2c_not_listed",
				    "routes admit this request, but not by HTTP/2 without TLS" },
	[REASON_WEBSOCKET_NOT_LISTED] = { "websocket_not_listed",
					  "routes admit this request, but not as a WebSocket over HTTP/2" },
};

const char *reason_code(enum reason reason)
{
	return reasons[(size_t)reason < REASON_COUNT ? reason : 0].code;
}

const char *reason_text(enum reason reason)
{
	return reasons[(size_t)reason < REASON_COUNT ? reason : 0].text;
}
