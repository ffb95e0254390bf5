#include "manifest.h"

#include "document.h"
#include "fields.h"
#include "hostname.h"
#include "mistakes.h"
#include "pem.h"
#include "request_rules.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUTES_MAX 65536 /* entries of `routes`, and of `deny` */

#define NOT_ENFORCED \
	"is not enforced by this version; a route must not admit more than it says"

/* The entries of one list, as they are read. */
struct routes {
	struct route *list;
	size_t n, cap;
};

struct reader {
	struct mistakes mistakes;
	struct routes routes, denials;
	enum policy_refusals refusals;
	struct nameserver resolvers[NAMESERVERS_MAX];
	size_t n_resolvers;
	struct meeting meetings[MEETINGS_MAX];
	size_t n_meetings;
};

enum bottle_key {
	BOTTLE_EGRESS,
	BOTTLE_OURS, /* the keys of the egress block, in the wrong place */
	BOTTLE_FOREIGN = BOTTLE_OURS + 5, /* and to the end */
};

#define MISPLACED "belongs inside \"egress\""

static const struct field bottle_fields[] = {
	[BOTTLE_EGRESS] = { .name = "egress" },

	[BOTTLE_OURS] = { .name = "routes", .refusal = MISPLACED },
	{ .name = "deny", .refusal = MISPLACED },
	{ .name = "mode", .refusal = MISPLACED },
	{ .name = "refusals", .refusal = MISPLACED },
	{ .name = "resolvers", .refusal = MISPLACED },

	[BOTTLE_FOREIGN] = { .name = "agent", .foreign = true },
	{ .name = "agent_provider", .foreign = true },
	{ .name = "args", .foreign = true },
	{ .name = "author", .foreign = true },
	{ .name = "command", .foreign = true },
	{ .name = "cpus", .foreign = true },
	{ .name = "description", .foreign = true },
	{ .name = "disk", .foreign = true },
	{ .name = "entrypoint", .foreign = true },
	{ .name = "env", .foreign = true },
	{ .name = "environment", .foreign = true },
	{ .name = "extends", .foreign = true },
	{ .name = "git", .foreign = true },
	{ .name = "hooks", .foreign = true },
	{ .name = "image", .foreign = true },
	{ .name = "labels", .foreign = true },
	{ .name = "license", .foreign = true },
	{ .name = "mcp", .foreign = true },
	{ .name = "mcp_servers", .foreign = true },
	{ .name = "memory", .foreign = true },
	{ .name = "metadata", .foreign = true },
	{ .name = "model", .foreign = true },
	{ .name = "mounts", .foreign = true },
	{ .name = "name", .foreign = true },
	{ .name = "packages", .foreign = true },
	{ .name = "permissions", .foreign = true },
	{ .name = "prompt", .foreign = true },
	{ .name = "provider", .foreign = true },
	{ .name = "resources", .foreign = true },
	{ .name = "secrets", .foreign = true },
	{ .name = "setup", .foreign = true },
	{ .name = "shell", .foreign = true },
	{ .name = "skills", .foreign = true },
	{ .name = "supervise", .foreign = true },
	{ .name = "tags", .foreign = true },
	{ .name = "timeout", .foreign = true },
	{ .name = "title", .foreign = true },
	{ .name = "tools", .foreign = true },
	{ .name = "user", .foreign = true },
	{ .name = "version", .foreign = true },
	{ .name = "volumes", .foreign = true },
	{ .name = "workdir", .foreign = true },
	{ .name = "working_dir", .foreign = true },
	{ .name = "workspace", .foreign = true },
};

enum block_key {
	BLOCK_VERSION,
	BLOCK_MODE,
	BLOCK_REFUSALS,
	BLOCK_DENY,
	BLOCK_ROUTES,
	BLOCK_RESOLVERS,
};

static const struct field block_fields[] = {
	[BLOCK_VERSION] = { .name = "version" },
	[BLOCK_MODE] = { .name = "mode" },
	[BLOCK_REFUSALS] = { .name = "refusals" },
	[BLOCK_DENY] = { .name = "deny" },
	[BLOCK_ROUTES] = { .name = "routes" },
	[BLOCK_RESOLVERS] = { .name = "resolvers" },

	{ .name = "tests", .refusal = "is not run by this version" },
	{ .name = "dlp", .refusal = NOT_ENFORCED },
	{ .name = "dns", .refusal = "belongs inside a route" },
	{ .name = "limits", .refusal = "belongs inside a route" },
	{ .name = "supervise", .refusal = NOT_ENFORCED },
};

enum route_key {
	KEY_HOST,
	KEY_CIDR,
	KEY_PORTS,
	KEY_TLS,
	KEY_ADDRESSES,
	KEY_PRIVATE,
	KEY_LIMITS,
	KEY_DNS,
	KEY_MATCHES,
	KEY_GIT,
	KEY_AUTH,
	KEY_UPSTREAM_CA,
	KEY_CLIENT_CERT_REF,
	KEY_H2C,
	KEY_HTTP2_WEBSOCKET,
};

static const struct field route_fields[] = {
	[KEY_HOST] = { .name = "host" },
	[KEY_CIDR] = { .name = "cidr" },
	[KEY_PORTS] = { .name = "ports" },
	[KEY_TLS] = { .name = "tls" },
	[KEY_ADDRESSES] = { .name = "addresses" },
	[KEY_PRIVATE] = { .name = "private" },
	[KEY_LIMITS] = { .name = "limits" },
	[KEY_DNS] = { .name = "dns" },
	[KEY_MATCHES] = { .name = "matches" },
	[KEY_GIT] = { .name = "git" },
	[KEY_AUTH] = { .name = "auth" },
	[KEY_UPSTREAM_CA] = { .name = "upstream_ca" },
	[KEY_CLIENT_CERT_REF] = { .name = "client_cert_ref" },
	[KEY_H2C] = { .name = "h2c" },
	[KEY_HTTP2_WEBSOCKET] = { .name = "http2_websocket" },

	{ .name = "dlp", .refusal = NOT_ENFORCED },
	{ .name = "expires", .refusal = NOT_ENFORCED },
	{ .name = "supervise", .refusal = NOT_ENFORCED },
};

enum limit_key {
	LIMIT_IDLE,
};

static const struct field limit_fields[] = {
	[LIMIT_IDLE] = { .name = "idle" },

	{ .name = "connections", .refusal = NOT_ENFORCED },
};

static const struct field denial_fields[] = {
	[KEY_HOST] = { .name = "host" },
	[KEY_CIDR] = { .name = "cidr" },
	[KEY_PORTS] = { .name = "ports" },
};

enum resolver_key {
	RESOLVER_ADDRESS,
	RESOLVER_PORT,
	RESOLVER_TLS,
};

static const struct field resolver_fields[] = {
	[RESOLVER_ADDRESS] = { .name = "address" },
	[RESOLVER_PORT] = { .name = "port" },
	[RESOLVER_TLS] = { .name = "tls" },
};

#define N_FIELDS(fields) (sizeof(fields) / sizeof(*(fields)))

static const char *const tls_words[] = {
	[ROUTE_TLS_INTERCEPT] = "intercept",
	[ROUTE_TLS_SPLICE] = "splice",
	[ROUTE_TLS_NONE] = "none",
};

static bool read_host(struct reader *reader, const struct node *node,
		      struct domain_pattern *host)
{
	struct mistakes *mistakes = &reader->mistakes;
	char quoted[QUOTE_MAX], text[ADDRESS_TEXT_MAX];
	struct prefix prefix;

	if (!field_is_text(node, "a host name", mistakes))
		return false;
	quote(node->text, node->len, quoted);
	if (prefix_parse(&prefix, node->text, node->len)) {
		mistakes_add(
			mistakes, node->line, node->column,
			"%s is an address, not a host name: write cidr: \"%s/%u\"",
			quoted, address_format(&prefix.base, text), prefix.len);
		return false;
	}
	if (!hostname_parse(host, node->text, node->len)) {
		mistakes_add(mistakes, node->line, node->column,
			     "%s is not a host name: %s", quoted,
			     hostname_hint(node->text, node->len));
		return false;
	}
	return true;
}

static bool refuse_public_suffix(struct reader *reader, const struct node *node,
				 const struct domain_pattern *host)
{
	const char *what =
		host->below ? hostname_public_suffix(&host->base) : NULL;

	if (!what)
		return true;
	mistakes_add(
		&reader->mistakes, node->line, node->column,
		"\"*.%s\" would admit names that anybody can register: %s %s; name the hosts, or go one label deeper",
		host->base.name, host->base.name, what);
	return false;
}

/* The prefix meant by one that has host bits set; false if that is not it. */
static bool without_host_bits(const char *text, size_t len,
			      struct prefix *prefix)
{
	const char *slash = memchr(text, '/', len);
	struct address address;
	char copy[2 * ADDRESS_TEXT_MAX], base[ADDRESS_TEXT_MAX];

	if (!slash || len - (size_t)(slash - text) > sizeof("/128") - 1 ||
	    !address_parse(&address, text, (size_t)(slash - text)))
		return false;
	for (uint8_t bits = 0; bits < 128; bits++) {
		if (bits >= 32 && address.family == AF_INET)
			break;
		*prefix = prefix_of(&address, bits);
		(void)snprintf(copy, sizeof(copy), "%s%.*s",
			       address_format(&prefix->base, base),
			       (int)(len - (size_t)(slash - text)), slash);
		if (prefix_parse(prefix, copy, strlen(copy)) &&
		    prefix->len == bits)
			return true;
	}
	return false;
}

static bool read_cidr(struct reader *reader, const struct node *node,
		      struct prefix *cidr)
{
	char quoted[QUOTE_MAX], text[ADDRESS_TEXT_MAX];
	struct prefix meant;

	if (!field_is_text(node, "a prefix such as 203.0.113.0/24",
			   &reader->mistakes))
		return false;
	if (prefix_parse(cidr, node->text, node->len))
		return true;
	quote(node->text, node->len, quoted);
	if (without_host_bits(node->text, node->len, &meant))
		mistakes_add(
			&reader->mistakes, node->line, node->column,
			"%s has bits set after its prefix: write \"%s/%u\"",
			quoted, address_format(&meant.base, text), meant.len);
	else
		mistakes_add(
			&reader->mistakes, node->line, node->column,
			"expected a prefix such as 203.0.113.0/24 or \"2001:db8::/32\", found %s",
			quoted);
	return false;
}

/* Whether a route may lead to all of @route->cidr. */
static bool check_space(struct reader *reader, const struct node *node,
			const struct route *route)
{
	char quoted[QUOTE_MAX];
	const char *what;

	(void)address_classify(&route->cidr.base, &what);
	quote(node->text, node->len, quoted);
	switch (prefix_classify(&route->cidr)) {
	case ADDRESS_GLOBAL:
		return true;
	case ADDRESS_PRIVATE:
		if (route->private)
			return true;
		mistakes_add(
			&reader->mistakes, node->line, node->column,
			"%s is special-purpose space (%s): it needs \"private: true\"",
			quoted, what);
		return false;
	case ADDRESS_NEVER:
		break;
	}
	mistakes_add(&reader->mistakes, node->line, node->column,
		     "%s (%s) is never a destination", quoted, what);
	return false;
}

static bool read_port(struct reader *reader, const struct node *node,
		      struct route *route)
{
	unsigned port;

	if (!field_number(node, "a port from 1 to 65535", 1, 65535, &port,
			  &reader->mistakes))
		return false;
	for (size_t i = 0; i < route->n_ports; i++)
		if (route->ports[i] == port) {
			mistakes_add(&reader->mistakes, node->line,
				     node->column, "port %u is listed twice",
				     port);
			return false;
		}
	if (route->n_ports == ROUTE_PORTS_MAX) {
		mistakes_add(
			&reader->mistakes, node->line, node->column,
			"more than %d ports: write another route for the rest",
			ROUTE_PORTS_MAX);
		return false;
	}
	route->ports[route->n_ports++] = (uint16_t)port;
	return true;
}

static bool read_ports(struct reader *reader, const struct node *node,
		       struct route *route)
{
	bool sound = true;

	if (node->kind == NODE_SCALAR)
		return read_port(reader, node, route);
	if (!field_is_list(node, "a port or a list of ports",
			   &reader->mistakes))
		return false;
	if (!node->first && node->closed) {
		mistakes_add(&reader->mistakes, node->line, node->column,
			     "expected at least one port, found an empty list");
		return false;
	}
	for (const struct node *at = node->first; at; at = at->next)
		sound = read_port(reader, at, route) && sound;
	return sound;
}

/* What @entry is about: exactly one of host and cidr. */
static bool read_subject(struct reader *reader, const struct node *entry,
			 const struct node **values, struct route *route)
{
	const struct node *host = values[KEY_HOST], *cidr = values[KEY_CIDR];

	route->line = (unsigned)entry->line;
	route->column = (unsigned)entry->column;
	route->is_cidr = cidr;
	if (host && cidr) {
		mistakes_add(
			&reader->mistakes, cidr->line, cidr->column,
			"an entry has either \"host\" or \"cidr\", not both");
		return false;
	}
	if (host)
		return read_host(reader, host, &route->host);
	if (cidr)
		return read_cidr(reader, cidr, &route->cidr);
	if (entry->closed)
		mistakes_add(
			&reader->mistakes, entry->line, entry->column,
			"neither \"host\" nor \"cidr\": say what the entry is about");
	return false;
}

static bool read_tls(struct reader *reader, const struct node *node,
		     struct route *route)
{
	size_t word;

	if (route->is_cidr)
		route->tls = ROUTE_TLS_NONE;
	if (!node)
		return true;
	if (!field_word(node, "intercept, splice or none", tls_words,
			N_FIELDS(tls_words), &word, &reader->mistakes))
		return false;
	if (route->is_cidr && word != ROUTE_TLS_NONE) {
		mistakes_add(
			&reader->mistakes, node->line, node->column,
			"with \"cidr\" there is no name to judge TLS by: write tls: none, or nothing");
		return false;
	}
	route->tls = (enum route_tls)word;
	return true;
}

/*
 * Names that stand, in a ClientHello, for any name of an operator's that the
 * client hides in it (RFC 9849): unread it cannot be told which. Intercepted
 * they are what they say, for nobody here has the key to the other.
 */
static bool refuse_cover(struct reader *reader, const struct node *host,
			 const struct route *route)
{
	static const char *const covers[] = { "cloudflare-ech.com" };

	if (route->tls == ROUTE_TLS_INTERCEPT || route->host.below)
		return true;
	for (size_t i = 0; i < N_FIELDS(covers); i++) {
		if (strcmp(route->host.base.name, covers[i]) != 0)
			continue;
		mistakes_add(
			&reader->mistakes, host->line, host->column,
			"\"%s\" stands for every name that its operator hides behind it (ECH), and passed unread it would lead to all of them: leave \"%s\" out",
			covers[i],
			route->tls == ROUTE_TLS_SPLICE ? "tls: splice"
						       : "tls: none");
		return false;
	}
	return true;
}

static bool read_addresses(struct reader *reader, const struct node *node,
			   struct route *route)
{
	static const char *const words[] = { "real", "virtual" };
	size_t word;

	if (!node)
		return true;
	if (!field_word(node, "real or virtual", words, N_FIELDS(words), &word,
			&reader->mistakes))
		return false;
	if (route->is_cidr) {
		mistakes_add(
			&reader->mistakes, node->line, node->column,
			"\"addresses\" has no meaning with \"cidr\": nothing is resolved");
		return false;
	}
	route->addresses =
		word == 0 ? ROUTE_ADDRESSES_REAL : ROUTE_ADDRESSES_VIRTUAL;
	return true;
}

static bool read_dns_type(struct reader *reader, const struct node *node,
			  struct route *route)
{
	struct mistakes *mistakes = &reader->mistakes;
	char quoted[QUOTE_MAX];
	uint16_t type;

	if (!field_is_text(node, "a record type such as TXT", mistakes))
		return false;
	if (!dns_type_find(node->text, node->len, &type)) {
		mistakes_add(mistakes, node->line, node->column,
			     "expected a record type (" DNS_TYPES_LISTABLE
			     "), found %s",
			     quote(node->text, node->len, quoted));
		return false;
	}
	if (dns_type_refusal(type)) {
		mistakes_add(mistakes, node->line, node->column,
			     "%s cannot be listed: it %s", dns_type_name(type),
			     dns_type_refusal(type));
		return false;
	}
	for (size_t i = 0; i < route->n_dns_types; i++)
		if (route->dns_types[i] == type) {
			mistakes_add(mistakes, node->line, node->column,
				     "%s is listed twice", dns_type_name(type));
			return false;
		}
	assert(route->n_dns_types < DNS_TYPES_LISTED_MAX);
	route->dns_types[route->n_dns_types++] = type;
	return true;
}

static bool read_dns(struct reader *reader, const struct node *node,
		     struct route *route)
{
	bool sound = true;

	if (!node)
		return true;
	if (route->is_cidr) {
		mistakes_add(
			&reader->mistakes, node->line, node->column,
			"\"dns\" has no meaning with \"cidr\": nothing is resolved");
		return false;
	}
	if (node->kind == NODE_SCALAR)
		return read_dns_type(reader, node, route);
	if (!field_is_list(node, "a record type or a list of them",
			   &reader->mistakes))
		return false;
	if (!node->first && node->closed) {
		mistakes_add(
			&reader->mistakes, node->line, node->column,
			"expected at least one record type, found an empty list");
		return false;
	}
	for (const struct node *at = node->first; at; at = at->next)
		sound = read_dns_type(reader, at, route) && sound;
	return sound;
}

static bool read_limits(struct reader *reader, const struct node *node,
			struct route *route)
{
	const struct node *values[N_FIELDS(limit_fields)];

	if (!node)
		return true;
	if (!fields_of(node, "limits such as {idle: 10m}", limit_fields,
		       N_FIELDS(limit_fields), values, &reader->mistakes))
		return false;
	if (!node->first && node->closed) {
		mistakes_add(&reader->mistakes, node->line, node->column,
			     "expected at least one limit, such as {idle: "
			     "10m}, found an empty mapping");
		return false;
	}
	return !values[LIMIT_IDLE] ||
	       field_duration(values[LIMIT_IDLE],
			      "how long a connection may be silent, from 1s "
			      "to 24h, such as 10m",
			      ROUTE_IDLE_MIN_S, ROUTE_IDLE_MAX_S,
			      &route->idle_s, &reader->mistakes);
}

static bool is_meeting(const struct meeting *meeting, const char *pem,
		       const char *ref)
{
	if (strcmp(meeting->client_cert_ref, ref) != 0 ||
	    !meeting->upstream_ca != !pem)
		return false;
	return !pem || strcmp(meeting->upstream_ca, pem) == 0;
}

/*
 * The place, from 1, of what @said and @pem (or NULL) are together; 0 if there
 * is none left.
 */
static unsigned keep_meeting(struct reader *reader, const struct meeting *said,
			     const char *pem)
{
	struct meeting *kept = reader->meetings;
	size_t i = 0;

	while (i < reader->n_meetings &&
	       !is_meeting(&kept[i], pem, said->client_cert_ref))
		i++;
	if (i == MEETINGS_MAX)
		return 0;
	if (i < reader->n_meetings)
		return (unsigned)i + 1;
	kept[i] = *said;
	if (pem) {
		kept[i].upstream_ca = strdup(pem);
		if (!kept[i].upstream_ca)
			reader->mistakes.out_of_memory = true;
	}
	reader->n_meetings++;
	return (unsigned)i + 1;
}

/* Whether the gateway is what meets the origin, as @key has it. */
static bool has_meeting(struct reader *reader, const struct node *node,
			const char *key, const char *why,
			const struct route *route)
{
	if (route->tls == ROUTE_TLS_INTERCEPT)
		return true;
	mistakes_add(&reader->mistakes, node->line, node->column,
		     "\"%s\" has no meaning with \"%s\": %s", key,
		     route->is_cidr                   ? "cidr"
		     : route->tls == ROUTE_TLS_SPLICE ? "tls: splice"
						      : "tls: none",
		     why);
	return false;
}

static bool check_upstream_ca(struct reader *reader, const struct node *node,
			      const struct route *route)
{
	struct mistakes *mistakes = &reader->mistakes;
	size_t line;

	if (!has_meeting(reader, node, "upstream_ca",
			 "the gateway verifies nothing there", route) ||
	    !field_is_text(node, "certificates in PEM, as a block after \"|\"",
			   mistakes))
		return false;
	if (pem_are_certificates(node->text, node->len,
				 AUTHORITY_CERTIFICATES_MAX, &line))
		return true;
	mistakes_add(
		mistakes, node->line, node->column,
		"expected 1 to %d certificates in PEM, as a block after \"|\", and nothing else: line %zu of it is wrong",
		AUTHORITY_CERTIFICATES_MAX, line);
	return false;
}

static bool read_client_cert_ref(struct reader *reader, const struct node *node,
				 const struct route *route,
				 struct meeting *meeting)
{
	meeting->ref_line = (unsigned)node->line;
	meeting->ref_column = (unsigned)node->column;
	if (!has_meeting(reader, node, "client_cert_ref",
			 "the origin meets the agent itself there", route) ||
	    !field_secret_name(node, meeting->client_cert_ref,
			       &reader->mistakes))
		return false;
	if (route->n_ports != 1 || route->ports[0] != 80)
		return true;
	mistakes_add(
		&reader->mistakes, node->line, node->column,
		"a certificate is shown over TLS only, and the route has no port but 80");
	return false;
}

/* Of a route whose ports and TLS have been read. */
static bool read_meeting(struct reader *reader, const struct node **values,
			 struct route *route)
{
	const struct node *ca = values[KEY_UPSTREAM_CA];
	const struct node *ref = values[KEY_CLIENT_CERT_REF];
	const struct node *last = ref ? ref : ca;
	struct meeting said = { 0 };
	bool sound = true;

	if (!last)
		return true;
	if (ca)
		sound = check_upstream_ca(reader, ca, route);
	if (ref)
		sound = read_client_cert_ref(reader, ref, route, &said) &&
			sound;
	if (!sound)
		return false;
	route->meeting = keep_meeting(reader, &said, ca ? ca->text : NULL);
	if (route->meeting == 0)
		mistakes_add(
			&reader->mistakes, last->line, last->column,
			"more than %d different pairs of \"upstream_ca\" and \"client_cert_ref\"",
			MEETINGS_MAX);
	return route->meeting != 0;
}

/* Ports of a route: raw ones are never guessed. */
static bool read_route_ports(struct reader *reader, const struct node *entry,
			     const struct node *node, struct route *route)
{
	if (node)
		return read_ports(reader, node, route);
	if (route->tls != ROUTE_TLS_NONE) {
		route->ports[0] = 443;
		route->ports[1] = 80;
		route->n_ports = 2;
		return true;
	}
	if (entry->closed)
		mistakes_add(
			&reader->mistakes, entry->line, entry->column,
			"%s passes bytes unread: it needs its \"ports\", such as ports: [22]",
			route->is_cidr ? "\"cidr\"" : "\"tls: none\"");
	return false;
}

/* False for want of memory. */
static bool keep(struct reader *reader, struct routes *routes,
		 const struct route *route)
{
	size_t cap = routes->cap ? 2 * routes->cap : 64;
	struct route *list;

	if (routes->n == routes->cap) {
		list = reallocarray(routes->list, cap, sizeof(*list));
		if (!list) {
			reader->mistakes.out_of_memory = true;
			return false;
		}
		routes->list = list;
		routes->cap = cap;
	}
	routes->list[routes->n++] = *route;
	return true;
}

static void read_route(struct reader *reader, const struct node *entry)
{
	const struct node *values[N_FIELDS(route_fields)];
	struct request_rules rules;
	struct route route = { 0 };
	bool sound;

	if (!fields_of(entry, "a route such as {host: example.org}",
		       route_fields, N_FIELDS(route_fields), values,
		       &reader->mistakes))
		return;
	sound = read_subject(reader, entry, values, &route);
	sound = read_tls(reader, values[KEY_TLS], &route) && sound;
	sound = read_addresses(reader, values[KEY_ADDRESSES], &route) && sound;
	sound = read_limits(reader, values[KEY_LIMITS], &route) && sound;
	sound = read_dns(reader, values[KEY_DNS], &route) && sound;
	if (values[KEY_PRIVATE])
		sound = field_bool(values[KEY_PRIVATE], &route.private,
				   &reader->mistakes) &&
			sound;
	sound = read_route_ports(reader, entry, values[KEY_PORTS], &route) &&
		sound;
	sound = read_meeting(reader, values, &route) && sound;
	if (values[KEY_CIDR] && route.cidr.base.family)
		sound = check_space(reader, values[KEY_CIDR], &route) && sound;
	if (values[KEY_HOST])
		sound = refuse_public_suffix(reader, values[KEY_HOST],
					     &route.host) &&
			refuse_cover(reader, values[KEY_HOST], &route) && sound;
	rules = (struct request_rules){
		.matches = values[KEY_MATCHES],
		.git = values[KEY_GIT],
		.auth = values[KEY_AUTH],
		.h2c = values[KEY_H2C],
		.http2_websocket = values[KEY_HTTP2_WEBSOCKET],
	};
	sound = request_rules_read(&rules, &route, &reader->mistakes) && sound;
	if (!sound || !keep(reader, &reader->routes, &route))
		match_list_free(route.matches);
}

static void read_denial(struct reader *reader, const struct node *entry)
{
	const struct node *values[N_FIELDS(denial_fields)];
	struct route denial = { 0 };
	bool sound;

	if (!fields_of(entry, "an entry such as {host: example.org}",
		       denial_fields, N_FIELDS(denial_fields), values,
		       &reader->mistakes))
		return;
	sound = read_subject(reader, entry, values, &denial);
	if (values[KEY_PORTS])
		sound = read_ports(reader, values[KEY_PORTS], &denial) && sound;
	if (sound)
		(void)keep(reader, &reader->denials, &denial);
}

static void read_entries(struct reader *reader, const struct node *list,
			 const char *expected,
			 void (*read)(struct reader *, const struct node *))
{
	size_t n = 0;

	if (!field_is_list(list, expected, &reader->mistakes))
		return;
	for (const struct node *at = list->first; at; at = at->next) {
		if (++n > ROUTES_MAX) {
			mistakes_add(&reader->mistakes, at->line, at->column,
				     "more than %d entries", ROUTES_MAX);
			return;
		}
		read(reader, at);
	}
}

#define RESOLVER_EXAMPLE \
	"an address such as 192.0.2.1, or {address: 192.0.2.1, tls: dns.example.org}"

static bool read_resolver_address(struct reader *reader,
				  const struct node *node,
				  struct address *address)
{
	char quoted[QUOTE_MAX];
	struct domain name;

	if (!field_is_text(node, RESOLVER_EXAMPLE, &reader->mistakes))
		return false;
	if (address_parse(address, node->text, node->len))
		return true;
	quote(node->text, node->len, quoted);
	if (domain_parse(&name, node->text, node->len))
		mistakes_add(
			&reader->mistakes, node->line, node->column,
			"%s is a name, and to resolve it would need a resolver first: write its address",
			quoted);
	else
		mistakes_add(&reader->mistakes, node->line, node->column,
			     "expected %s, found %s", RESOLVER_EXAMPLE, quoted);
	return false;
}

/* Who writes that means that there is TLS, and forgot for whom. */
static bool is_yes_or_no(const struct node *node)
{
	return node->plain && (strcmp(node->text, "true") == 0 ||
			       strcmp(node->text, "false") == 0);
}

static bool read_resolver_name(struct reader *reader, const struct node *node,
			       struct domain *name)
{
	char quoted[QUOTE_MAX];
	struct domain_pattern pattern;

	if (!field_is_text(node, "the name of its certificate",
			   &reader->mistakes))
		return false;
	if (!is_yes_or_no(node) &&
	    hostname_parse(&pattern, node->text, node->len) && !pattern.below) {
		*name = pattern.base;
		return true;
	}
	mistakes_add(
		&reader->mistakes, node->line, node->column,
		"expected the name that the resolver's certificate is for, such as dns.example.org, found %s",
		quote(node->text, node->len, quoted));
	return false;
}

static bool read_resolver_fields(struct reader *reader,
				 const struct node *entry,
				 struct nameserver *server)
{
	const struct node *values[N_FIELDS(resolver_fields)];
	unsigned port;
	bool sound = true;

	if (!fields_of(entry, RESOLVER_EXAMPLE, resolver_fields,
		       N_FIELDS(resolver_fields), values, &reader->mistakes))
		return false;
	if (values[RESOLVER_ADDRESS])
		sound = read_resolver_address(reader, values[RESOLVER_ADDRESS],
					      &server->address);
	else if (entry->closed)
		mistakes_add(&reader->mistakes, entry->line, entry->column,
			     "a resolver needs its \"address\"");
	if (values[RESOLVER_TLS]) {
		server->port = NAMESERVER_TLS_PORT;
		sound = read_resolver_name(reader, values[RESOLVER_TLS],
					   &server->tls) &&
			sound;
	}
	if (values[RESOLVER_PORT]) {
		if (!field_number(values[RESOLVER_PORT],
				  "a port from 1 to 65535", 1, 65535, &port,
				  &reader->mistakes))
			return false;
		server->port = (uint16_t)port;
	}
	return sound && values[RESOLVER_ADDRESS];
}

static void read_resolver(struct reader *reader, const struct node *entry)
{
	struct nameserver server = { .port = NAMESERVER_PORT };

	if (entry->kind == NODE_SCALAR
		    ? !read_resolver_address(reader, entry, &server.address)
		    : !read_resolver_fields(reader, entry, &server))
		return;
	for (size_t i = 0; i < reader->n_resolvers; i++)
		if (reader->resolvers[i].port == server.port &&
		    address_equal(&reader->resolvers[i].address,
				  &server.address)) {
			mistakes_add(&reader->mistakes, entry->line,
				     entry->column,
				     "this resolver is listed twice");
			return;
		}
	if (reader->n_resolvers == NAMESERVERS_MAX) {
		mistakes_add(&reader->mistakes, entry->line, entry->column,
			     "more than %d resolvers", NAMESERVERS_MAX);
		return;
	}
	reader->resolvers[reader->n_resolvers++] = server;
	if (nameservers_differ(reader->resolvers, reader->n_resolvers)) {
		mistakes_add(
			&reader->mistakes, entry->line, entry->column,
			"%s: that would tell in clear what the others are to hide; give all of them \"tls\", or none",
			server.tls.len > 0
				? "this resolver has \"tls\", and one before it has not"
				: "this resolver has no \"tls\", and one before it has");
		reader->n_resolvers--;
	}
}

static void read_resolvers(struct reader *reader, const struct node *list)
{
	if (!field_is_list(list, "a list of resolvers", &reader->mistakes))
		return;
	if (!list->first && list->closed)
		mistakes_add(
			&reader->mistakes, list->line, list->column,
			"expected at least one resolver, found an empty list: leave \"resolvers\" out to ask those of the gateway's own");
	for (const struct node *at = list->first; at; at = at->next)
		read_resolver(reader, at);
}

static void read_mode(struct reader *reader, const struct node *node)
{
	static const char *const words[] = { "enforce", "observe" };
	size_t word;

	if (field_word(node, "enforce", words, N_FIELDS(words), &word,
		       &reader->mistakes) &&
	    word != 0)
		mistakes_add(
			&reader->mistakes, node->line, node->column,
			"\"mode: observe\" is not there in this version; it enforces");
}

static void read_refusals(struct reader *reader, const struct node *node)
{
	static const char *const words[] = {
		[POLICY_REFUSALS_EXPLAIN] = "explain",
		[POLICY_REFUSALS_TERSE] = "terse",
	};
	size_t word;

	if (field_word(node, "explain or terse", words, N_FIELDS(words), &word,
		       &reader->mistakes))
		reader->refusals = (enum policy_refusals)word;
}

static void read_block(struct reader *reader, const struct node *block)
{
	const struct node *values[N_FIELDS(block_fields)];
	unsigned version;

	if (!fields_of(block, "a mapping with \"routes\"", block_fields,
		       N_FIELDS(block_fields), values, &reader->mistakes))
		return;
	if (values[BLOCK_VERSION])
		(void)!field_number(values[BLOCK_VERSION], "version 1", 1, 1,
				    &version, &reader->mistakes);
	if (values[BLOCK_MODE])
		read_mode(reader, values[BLOCK_MODE]);
	if (values[BLOCK_REFUSALS])
		read_refusals(reader, values[BLOCK_REFUSALS]);
	if (values[BLOCK_DENY])
		read_entries(reader, values[BLOCK_DENY],
			     "a list of what is denied", read_denial);
	if (values[BLOCK_RESOLVERS])
		read_resolvers(reader, values[BLOCK_RESOLVERS]);
	if (values[BLOCK_ROUTES])
		read_entries(reader, values[BLOCK_ROUTES],
			     "a list of routes ([] admits nothing)",
			     read_route);
	else if (block->closed)
		mistakes_add(
			&reader->mistakes, block->line, block->column,
			"no \"routes\": list what is admitted, or write routes: [] to admit nothing");
}

static const struct node *key_of(const struct node *map, const char *name)
{
	for (const struct node *key = map->first; key; key = key->next)
		if (key->kind == NODE_SCALAR && key->len == strlen(name) &&
		    memcmp(key->text, name, key->len) == 0)
			return key;
	return NULL;
}

/* A bottle is known by its `egress`, or by keys that only a bottle has. */
static bool is_bottle(const struct node *root)
{
	if (root->kind != NODE_MAP)
		return false;
	if (key_of(root, "egress"))
		return true;
	if (key_of(root, "routes"))
		return false;
	for (size_t i = BOTTLE_FOREIGN; i < N_FIELDS(bottle_fields); i++)
		if (strcmp(bottle_fields[i].name, "version") != 0 &&
		    key_of(root, bottle_fields[i].name))
			return true;
	return false;
}

static void read_root(struct reader *reader, const struct node *root)
{
	const struct node *values[N_FIELDS(bottle_fields)];

	if (!is_bottle(root)) {
		read_block(reader, root);
		return;
	}
	if (!fields_of(root, "a bottle", bottle_fields, N_FIELDS(bottle_fields),
		       values, &reader->mistakes))
		return;
	if (values[BOTTLE_EGRESS])
		read_block(reader, values[BOTTLE_EGRESS]);
	else if (root->closed && !key_of(root, "egress"))
		mistakes_add(&reader->mistakes, root->line, root->column,
			     "no \"egress\": a bottle's routes stand under it");
}

/* Routes by key, then by place in the manifest. */
static int order_by_key(const struct route *a, const struct route *b)
{
	int order;

	if (a->is_cidr != b->is_cidr)
		return a->is_cidr ? 1 : -1;
	if (a->is_cidr) {
		if (a->cidr.base.family != b->cidr.base.family)
			return a->cidr.base.family < b->cidr.base.family ? -1
									 : 1;
		if (a->cidr.len != b->cidr.len)
			return a->cidr.len < b->cidr.len ? -1 : 1;
		return memcmp(a->cidr.base.bytes, b->cidr.base.bytes,
			      sizeof(a->cidr.base.bytes));
	}
	order = strcmp(a->host.base.name, b->host.base.name);
	if (order != 0 || a->host.below == b->host.below)
		return order;
	return a->host.below ? 1 : -1;
}

struct opening {
	const struct route *route;
	uint16_t port;
};

static int order_openings(const void *a, const void *b)
{
	const struct opening *x = a, *y = b;
	int order = order_by_key(x->route, y->route);

	if (order != 0)
		return order;
	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return x->route < y->route ? -1 : x->route > y->route;
}

/* Of two meetings, which say different things. */
static const char *differing_key(const struct reader *reader,
				 const struct route *a, const struct route *b)
{
	static const struct meeting none;
	const struct meeting *x =
		a->meeting ? &reader->meetings[a->meeting - 1] : &none;
	const struct meeting *y =
		b->meeting ? &reader->meetings[b->meeting - 1] : &none;

	return strcmp(x->client_cert_ref, y->client_cert_ref) != 0
		       ? "client_cert_ref"
		       : "upstream_ca";
}

/* The key that two routes for the same must agree in and do not, or NULL. */
static const char *contradiction(const struct reader *reader,
				 const struct route *a, const struct route *b)
{
	if (a->tls != b->tls)
		return "tls";
	if (a->private != b->private)
		return "private";
	if (a->meeting != b->meeting)
		return differing_key(reader, a, b);
	if (a->addresses != b->addresses)
		return "addresses";
	if (a->idle_s != b->idle_s)
		return "limits";
	if (a->h2c != b->h2c)
		return "h2c";
	return a->http2_websocket != b->http2_websocket ? "http2_websocket"
							: NULL;
}

static void refuse_contradiction(struct reader *reader,
				 const struct route *first,
				 const struct route *route, const char *key)
{
	mistakes_add(
		&reader->mistakes, route->line, route->column,
		"this and line %u are about the same %s and port, but differ in \"%s\"",
		first->line, route->is_cidr ? "prefix" : "host", key);
}

/* One name on one port is treated in one way, or the manifest has two readings. */
static void find_contradictions(struct reader *reader)
{
	const struct routes *routes = &reader->routes;
	struct opening *openings;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < routes->n; i++)
		cap += routes->list[i].n_ports;
	if (cap < 2)
		return;
	openings = calloc(cap, sizeof(*openings));
	if (!openings) {
		reader->mistakes.out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < routes->n; i++)
		for (size_t j = 0; j < routes->list[i].n_ports; j++)
			openings[n++] = (struct opening){
				&routes->list[i],
				routes->list[i].ports[j],
			};

	qsort(openings, n, sizeof(*openings), order_openings);
	for (size_t i = 1, first = 0; i < n; i++) {
		const struct route *a = openings[first].route;
		const struct route *b = openings[i].route;
		const char *key = contradiction(reader, a, b);

		if (openings[i].port != openings[first].port ||
		    order_by_key(a, b) != 0)
			first = i;
		else if (key)
			refuse_contradiction(reader, a, b, key);
	}
	free(openings);
}

/* The length of @text's first line, its end included, if that is "---". */
static size_t fence_len(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);
	size_t line = end ? (size_t)(end - text) : len;

	if (line < 3 || memcmp(text, "---", 3) != 0)
		return 0;
	for (size_t i = 3; i < line; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
			return 0;
	return end ? line + 1 : line;
}

/*
 * How much of @text is YAML: the front matter of a bottle ends before the
 * second line of "---". The first one is part of it: to YAML it begins a
 * document, and the lines count as in the file.
 */
static size_t yaml_len(const char *text, size_t len)
{
	size_t at = fence_len(text, len);

	if (at == 0)
		return len;
	while (at < len) {
		const char *end = memchr(text + at, '\n', len - at);

		if (fence_len(text + at, len - at) > 0)
			return at;
		at = end ? (size_t)(end - text) + 1 : len;
	}
	return len;
}

static void read_text(struct reader *reader, const char *text, size_t len)
{
	const char *bom = "\xef\xbb\xbf";
	struct document document;

	if (len > MANIFEST_MAX) {
		mistakes_add(&reader->mistakes, 1, 1,
			     "more than %u bytes of manifest", MANIFEST_MAX);
		return;
	}
	if (len >= strlen(bom) && memcmp(text, bom, strlen(bom)) == 0) {
		text += strlen(bom);
		len -= strlen(bom);
	}
	document_read(&document, text, yaml_len(text, len), &reader->mistakes);
	if (document.root)
		read_root(reader, document.root);
	else if (reader->mistakes.errors.n == 0)
		mistakes_add(
			&reader->mistakes, 1, 1,
			"expected a mapping with \"routes\", found nothing");
	document_done(&document);
	find_contradictions(reader);
}

struct policy *manifest_parse(const char *text, size_t len,
			      struct manifest_errors *errors)
{
	struct reader reader = { 0 };
	struct policy *policy = NULL;

	read_text(&reader, text, len);
	if (mistakes_settle(&reader.mistakes, errors))
		policy = policy_new(reader.routes.list, reader.routes.n,
				    reader.denials.list, reader.denials.n,
				    reader.refusals);
	else
		for (size_t i = 0; i < reader.routes.n; i++)
			match_list_free(reader.routes.list[i].matches);
	if (policy) {
		policy_resolve_by(policy, reader.resolvers, reader.n_resolvers);
		policy_meet_by(policy, reader.meetings, reader.n_meetings);
	} else {
		for (size_t i = 0; i < reader.n_meetings; i++)
			free(reader.meetings[i].upstream_ca);
	}
	free(reader.denials.list);
	free(reader.routes.list);
	return policy;
}

void manifest_errors_done(struct manifest_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++)
		free(errors->list[i].message);
	free(errors->list);
	*errors = (struct manifest_errors){ 0 };
}

void manifest_errors_print(const struct manifest_errors *errors,
			   const char *file, FILE *out)
{
	if (errors->n == 0)
		(void)fprintf(out, "%s: out of memory\n", file);
	for (size_t i = 0; i < errors->n; i++)
		(void)fprintf(out, "%s:%u:%u: %s\n", file, errors->list[i].line,
			      errors->list[i].column, errors->list[i].message);
}

static int read_all(int fd, char *text, size_t cap, size_t *len)
{
	ssize_t n;

	*len = 0;
	do {
		n = read(fd, text + *len, cap - *len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			*len += (size_t)n;
	} while (n != 0 && *len < cap);
	return 0;
}

int manifest_read(const char *file, char **text, size_t *len)
{
	const size_t cap =
		MANIFEST_MAX + 1; /* one more shows that it is more */
	char *whole = NULL, *shrunk;
	size_t n = 0;
	int fd, err;

	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	whole = malloc(cap + 1);
	err = whole ? read_all(fd, whole, cap, &n) : -ENOMEM;
	if (!err && n > MANIFEST_MAX)
		err = -EFBIG;
	if (err)
		goto out;

	whole[n] = '\0';
	shrunk = realloc(whole, n + 1);
	*text = shrunk ? shrunk : whole;
	*len = n;
	whole = NULL;
out:
	free(whole);
	(void)close(fd);
	return err;
}
