/*
 * policy.h - may this be done?
 *
 * A policy is what a manifest says, compiled: immutable once built, with no
 * pointers to anything else. policy_judge() is a pure function of the policy
 * and the attempt; it says which route decided.
 *
 * A name is looked up from its last label to its first, one hash probe for
 * each label, so that the cost depends on the name and not on how many routes
 * there are. All routes that admit the name are considered, the most specific
 * first (the name itself, then the longest wildcard, then manifest order);
 * the first that also admits port and protocol decides. `deny` is looked at
 * before any route.
 *
 * Where a request is known, the route has to admit that too. If it does not,
 * the next one for the same name or wildcard is asked, and no wider one: what
 * is said about a name in particular is not undone by a wildcard above it.
 */
#ifndef SLUICE_POLICY_H
#define SLUICE_POLICY_H

#include "address.h"
#include "dns_type.h"
#include "domain.h"
#include "match.h"
#include "nameserver.h"
#include "request.h"
#include "verdict.h"

#define ROUTE_PORTS_MAX 32
#define ROUTE_TOKEN_REF_MAX 64 /* bytes of the name of a secret */
#define ROUTE_IDLE_MIN_S 1
#define ROUTE_IDLE_MAX_S 86400
#define MEETINGS_MAX 64               /* ways to meet origins, of a policy */
#define AUTHORITY_CERTIFICATES_MAX 16 /* in one `upstream_ca` */

enum route_tls {
	ROUTE_TLS_INTERCEPT = 0,
	ROUTE_TLS_SPLICE, /* TLS passes unread; plain HTTP is still judged */
	ROUTE_TLS_NONE,   /* raw TCP, unread */
};

enum route_addresses {
	ROUTE_ADDRESSES_AUTO = 0, /* virtual if any admitted port is raw */
	ROUTE_ADDRESSES_REAL,
	ROUTE_ADDRESSES_VIRTUAL,
};

/* The scheme of the credential that is put in: `auth`. */
enum route_auth {
	ROUTE_AUTH_NONE = 0,
	ROUTE_AUTH_BEARER,
	ROUTE_AUTH_TOKEN,
	ROUTE_AUTH_BASIC,
};

/* One entry of `routes` or of `deny`. */
struct route {
	struct domain_pattern host;
	size_t n_ports;             /* 0 in `deny`: every port */
	size_t n_dns_types;         /* answered besides addresses */
	struct match_list *matches; /* NULL: every request; owned */
	enum route_tls tls;
	enum route_addresses addresses;
	enum route_auth auth;
	unsigned auth_line, auth_column;
	unsigned meeting; /* from 1; 0 if it says nothing of that */
	unsigned idle_s;  /* that a connection may be silent; 0: not said */
	unsigned line, column; /* where the manifest says so, from 1 */
	uint16_t ports[ROUTE_PORTS_MAX];
	uint16_t dns_types[DNS_TYPES_LISTED_MAX];
	struct prefix cidr; /* in place of @host */
	bool is_cidr;
	bool private;         /* may lead to ADDRESS_PRIVATE */
	bool git_fetch;       /* what git fetches by is admitted, and no push */
	bool h2c;             /* HTTP/2 may come without TLS */
	bool http2_websocket; /* ... and carry WebSockets (RFC 8441) */
	char token_ref[ROUTE_TOKEN_REF_MAX + 1]; /* which secret @auth takes */
};

/*
 * How gateway and origin come to know each other: by which certificates the
 * origin is verified, and which secret is the certificate that it gets to see
 * if it asks for one.
 */
struct meeting {
	char *upstream_ca; /* PEM; NULL: the system's; owned */
	char client_cert_ref[ROUTE_TOKEN_REF_MAX + 1]; /* or empty */
	unsigned ref_line, ref_column; /* where that is said first */
};

enum policy_refusals {
	POLICY_REFUSALS_EXPLAIN = 0,
	POLICY_REFUSALS_TERSE,
};

struct policy;

enum attempt_kind {
	ATTEMPT_RESOLVE, /* a DNS question; the port does not matter */
	ATTEMPT_TCP,     /* a connection that nobody has spoken on yet */
	ATTEMPT_TLS,     /* a ClientHello with a server name */
	ATTEMPT_HTTP,    /* a request, inside TLS or not */
};

/*
 * What somebody wants. Exactly one of @name and @address is given: a name
 * where one is known (claimed, or bound to a virtual address), else the bare
 * address. Both are borrowed for the call.
 */
struct attempt {
	enum attempt_kind kind;
	const struct domain *name;
	const struct address *address;
	uint16_t port;
	const struct request *request; /* of HTTP; NULL: not known yet */
};

struct decision {
	enum verdict verdict;
	enum reason reason;
	const struct route *route; /* that decided; NULL if none did; as long
				      as the policy lives */
};

/*
 * RESOLVE: VERDICT_INTERCEPT if any route admits the name, on any port that
 * is not denied.
 * TCP: the first route that admits name (or address) and port decides:
 * VERDICT_RELAY if it says `tls: none`, else REASON_PROTOCOL_UNKNOWN
 * (somebody has to look at the bytes first). If there is none, why.
 * TLS: VERDICT_INTERCEPT or VERDICT_RELAY by the route's `tls`; routes with
 * `tls: none` do not count.
 * HTTP: VERDICT_INTERCEPT; routes with `tls: none` do not count. Without a
 * request, whether there could be one that is admitted.
 *
 * A policy of NULL denies everything for REASON_NO_POLICY.
 */
struct decision policy_judge(const struct policy *policy,
			     const struct attempt *attempt);

/*
 * Whether `deny` lists this address: asked of what a name resolved to. A
 * policy of NULL denies all.
 */
bool policy_denies_address(const struct policy *policy,
			   const struct address *address, uint16_t port);

/*
 * Whether the agent gets a virtual address for this (admitted) name. The most
 * specific route that says `addresses` decides; where none does, a name that
 * any `tls: none` route admits gets one.
 */
bool policy_wants_virtual(const struct policy *policy,
			  const struct domain *name);

/*
 * Whether records of this type may be asked for and told: addresses of every
 * name that RESOLVE admits; another type where the most specific route that
 * admits the name lists it, or another route for the same host.
 */
bool policy_admits_dns_type(const struct policy *policy,
			    const struct domain *name, uint16_t type);

#define POLICY_SUGGESTION_MAX (DOMAIN_MAX + 256)

/*
 * The manifest line that would admit what was just refused for @reason, such
 * as "- host: example.org" or "- {host: example.org, ports: [8443]}"; empty
 * where no line of a manifest would. Where TLS cannot be ended on the way as it
 * is, it is one with `client_cert_ref` or `tls: splice`, for the place of the
 * route that there is, and so it is where that route lacks a key for how a
 * request comes. Returns @text.
 */
const char *policy_suggest(const struct attempt *attempt, enum reason reason,
			   char text[POLICY_SUGGESTION_MAX]);

enum policy_refusals policy_refusals(const struct policy *policy);

/* Whom to ask for names; none if the manifest leaves that to others. */
const struct nameserver *policy_resolvers(const struct policy *policy,
					  size_t *n);

/* Every route in manifest order, and every entry of `deny`. */
const struct route *policy_routes(const struct policy *policy, size_t *n);
const struct route *policy_denials(const struct policy *policy, size_t *n);

/* What routes say of it, each once: that of route->meeting 1 comes first. */
const struct meeting *policy_meetings(const struct policy *policy, size_t *n);

/*
 * Compiles copies of @n_routes and @n_denials entries, and takes over what
 * the routes own, also where it returns NULL for want of memory. policy_free()
 * accepts NULL.
 */
struct policy *policy_new(const struct route *routes, size_t n_routes,
			  const struct route *denials, size_t n_denials,
			  enum policy_refusals refusals);
void policy_free(struct policy *policy);

/*
 * For who has just made @policy: at most MEETINGS_MAX, which are taken over,
 * and all that its routes speak of.
 */
void policy_meet_by(struct policy *policy, const struct meeting *meetings,
		    size_t n);

/* For who has just made @policy: at most NAMESERVERS_MAX, which are copied. */
void policy_resolve_by(struct policy *policy,
		       const struct nameserver *resolvers, size_t n);

#endif
