/*
 * verdict.h - what becomes of a connection, a query or a request, and why
 *
 * Both lists are closed. Their names stand in the audit log, in the bodies of
 * refusals and in manifests; a name, once published, keeps its meaning.
 */
#ifndef SLUICE_VERDICT_H
#define SLUICE_VERDICT_H

/*
 * Deny is zero, so that a verdict nobody reached is a refusal. The others
 * are ordered by how much of the traffic the gateway gets to read.
 */
enum verdict {
	VERDICT_DENY = 0,  /* refuse, and say so in the audit log */
	VERDICT_RELAY,     /* pass the bytes on, unread */
	VERDICT_INTERCEPT, /* terminate TLS if there is any; judge requests */
};

enum reason {
	REASON_NO_POLICY = 0,      /* nothing has been decided */
	REASON_ALLOWED,            /* a route admits it */
	REASON_NAME_NOT_LISTED,    /* no route admits the name */
	REASON_NAME_DENIED,        /* `deny` lists the name or the address */
	REASON_PORT_NOT_LISTED,    /* routes admit the name, not on this port */
	REASON_ADDRESS_NOT_LISTED, /* an address that stands for no name */
	REASON_ADDRESS_MISMATCH,   /* this name was never given that address */
	REASON_ADDRESS_PRIVATE,    /* resolves to special-purpose space only */
	REASON_NAME_MISSING,       /* TLS without a server name, no Host */
	REASON_NAME_INVALID,       /* not a host name in any spelling */
	REASON_HOST_MISMATCH,    /* Host or target differs from the TLS name */
	REASON_HELLO_CHANGED,    /* the second ClientHello names another */
	REASON_PROTOCOL_UNKNOWN, /* neither TLS nor HTTP, where either must be */
	REASON_PROTOCOL_REFUSED, /* UDP, ICMP, SCTP, ...: not carried */
	REASON_TLS_MALFORMED,
	REASON_TLS_VERSION,    /* older than TLS 1.2, or no common ALPN */
	REASON_TLS_REJECTED,   /* the agent does not take our certificate */
	REASON_TLS_UNUSED,     /* it asked for nothing once TLS was up */
	REASON_HTTP_MALFORMED, /* or with two readings */
	REASON_HTTP_METHOD,    /* CONNECT, and others that are not carried */
	REASON_DNS_MALFORMED,
	REASON_DNS_TYPE, /* a record type that is not answered */
	REASON_SOURCE_SPOOFED,
	REASON_GATEWAY_ITSELF, /* the gateway's own address is no destination */
	REASON_TIMED_OUT,      /* a deadline of the gateway's passed */
	REASON_OVERLOADED,     /* a limit of the gateway's was reached */
	REASON_UNRECORDABLE,   /* the audit record cannot be written */
	REASON_POLICY_CHANGED, /* a new manifest no longer admits it */
	REASON_UPSTREAM_DNS,   /* admitted, but the name did not resolve */
	REASON_UPSTREAM_CONNECT, /* admitted, but no address answered */
	REASON_UPSTREAM_TLS,     /* admitted, but the origin failed to verify */
	REASON_UPSTREAM_WANTS_CERTIFICATE, /* of its client, as who it is */
	REASON_UPSTREAM_HTTP, /* admitted, but the origin's answer is unsound */
	REASON_DNS_TUNNEL_SUSPECT,  /* too many names below a wildcard */
	REASON_DESTINATION_UNKNOWN, /* the kernel lost what it redirected */
	REASON_REQUEST_NOT_LISTED, /* routes admit the name, not this request */
	REASON_PATH_AMBIGUOUS,     /* rules on paths, and two readings of it */
	REASON_GIT_PUSH,           /* the route lets git fetch, and not push */
	REASON_AUTH_NEEDS_TLS,     /* a credential would go out in plain HTTP */
	REASON_H2C_NOT_LISTED,     /* admitted, but not by HTTP/2 in clear */
	REASON_WEBSOCKET_NOT_LISTED, /* admitted, not as HTTP/2's WebSocket */
	REASON_COUNT,
};

/* The name used in the audit log and in manifests; never NULL. */
const char *verdict_name(enum verdict verdict);

/* The reason's code, "name_not_listed"; never NULL. */
const char *reason_code(enum reason reason);

/* One short clause for people, "no route admits this name"; never NULL. */
const char *reason_text(enum reason reason);

#endif
