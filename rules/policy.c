#include "policy.h"

#include "git.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_LENS 129 /* of IPv6: /0 to /128 */
#define SUGGESTED_PATH_MAX 128

/* Keys that one lookup can find: a name has at most 127 labels. */
#define MATCHES_MAX PREFIX_LENS

/* What a route is found by. For a name @len is in characters, else in bits. */
struct key {
	bool is_cidr, below;
	const void *bytes;
	size_t len;
	sa_family_t family;
	uint64_t hash;
};

struct slot {
	uint64_t hash;
	uint32_t
		head; /* 1 + the first entry with this key; 0: the slot is free */
};

/*
 * Entries by key, in open addressing that is at most half full. Who makes
 * names up cannot make probing long: that depends on the manifest's keys.
 */
struct index {
	struct route *entries;
	uint32_t *next; /* by entry: 1 + the next one with the same key */
	size_t n;
	struct slot *slots;
	size_t mask;
	bool has_len[2][PREFIX_LENS]; /* by family: prefixes of that length */
};

struct policy {
	struct index routes, denials;
	enum policy_refusals refusals;
	struct nameserver resolvers[NAMESERVERS_MAX];
	size_t n_resolvers;
	struct meeting meetings[MEETINGS_MAX];
	size_t n_meetings;
};

/* The entries that one lookup found, the most specific key first. */
struct matches {
	const struct index *index;
	uint32_t heads[MATCHES_MAX]; /* the most specific last */
	size_t n;
	uint32_t entry;
};

/* FNV-1a, from the right end of a name to its left. */
static uint64_t hash_start(void)
{
	return 0xcbf29ce484222325u;
}

static uint64_t hash_add(uint64_t hash, char c)
{
	return (hash ^ (uint8_t)c) * 0x100000001b3u;
}

/* FNV's low bits are weak; this is MurmurHash3's finalizer. */
static uint64_t hash_end(uint64_t hash, uint64_t salt)
{
	hash += salt;
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdu;
	hash ^= hash >> 33;
	hash *= 0xc4ceb9fe1a85ec53u;
	return hash ^ hash >> 33;
}

static struct key name_key(const char *name, size_t len, bool below,
			   uint64_t hash)
{
	return (struct key){
		.below = below,
		.bytes = name,
		.len = len,
		.hash = hash_end(hash, below),
	};
}

static struct key prefix_key(const struct prefix *prefix)
{
	struct key key = {
		.is_cidr = true,
		.bytes = prefix->base.bytes,
		.len = prefix->len,
		.family = prefix->base.family,
		.hash = hash_start(),
	};

	for (size_t i = 0; i < sizeof(prefix->base.bytes); i++)
		key.hash = hash_add(key.hash, (char)prefix->base.bytes[i]);
	key.hash = hash_end(key.hash, 2u + prefix->len);
	return key;
}

static struct key route_key(const struct route *route)
{
	const struct domain *base = &route->host.base;
	uint64_t hash = hash_start();

	if (route->is_cidr)
		return prefix_key(&route->cidr);
	for (size_t i = base->len; i-- > 0;)
		hash = hash_add(hash, base->name[i]);
	return name_key(base->name, base->len, route->host.below, hash);
}

static bool route_has_key(const struct route *route, const struct key *key)
{
	if (route->is_cidr != key->is_cidr)
		return false;
	if (route->is_cidr)
		return route->cidr.len == key->len &&
		       route->cidr.base.family == key->family &&
		       memcmp(route->cidr.base.bytes, key->bytes, 16) == 0;
	return route->host.below == key->below &&
	       route->host.base.len == key->len &&
	       memcmp(route->host.base.name, key->bytes, key->len) == 0;
}

/* The slot of @key, or the free one where it would go. */
static struct slot *index_slot(const struct index *index, const struct key *key)
{
	for (size_t i = key->hash;; i++) {
		struct slot *slot = &index->slots[i & index->mask];

		if (slot->head == 0)
			return slot;
		if (slot->hash == key->hash &&
		    route_has_key(&index->entries[slot->head - 1], key))
			return slot;
	}
}

static bool index_init(struct index *index, const struct route *entries,
		       size_t n)
{
	size_t n_slots = 2;

	assert(n < UINT32_MAX / 4);
	while (n_slots < 2 * n)
		n_slots *= 2;
	index->n = n;
	index->mask = n_slots - 1;
	index->entries = calloc(n + 1, sizeof(*index->entries));
	index->next = calloc(n + 1, sizeof(*index->next));
	index->slots = calloc(n_slots, sizeof(*index->slots));
	if (!index->entries || !index->next || !index->slots)
		return false;
	if (n > 0)
		memcpy(index->entries, entries, n * sizeof(*entries));

	/* From the last, so that each key's list is in manifest order. */
	for (size_t i = n; i-- > 0;) {
		const struct route *route = &index->entries[i];
		struct key key = route_key(route);
		struct slot *slot = index_slot(index, &key);

		index->next[i] = slot->head;
		slot->hash = key.hash;
		slot->head = (uint32_t)i + 1;
		if (route->is_cidr)
			index->has_len[key.family == AF_INET6][key.len] = true;
	}
	return true;
}

static void index_done(struct index *index)
{
	free(index->slots);
	free(index->next);
	free(index->entries);
}

static void matches_add(struct matches *matches, const struct key *key)
{
	const struct slot *slot = index_slot(matches->index, key);

	if (slot->head == 0)
		return;
	assert(matches->n < MATCHES_MAX);
	matches->heads[matches->n++] = slot->head;
}

static void match_name(struct matches *matches, const struct domain *name)
{
	uint64_t hash = hash_start();
	struct key key;

	for (size_t i = name->len; i-- > 0;) {
		hash = hash_add(hash, name->name[i]);
		if (i > 0 && name->name[i - 1] != '.')
			continue;
		key = name_key(name->name + i, name->len - i, i > 0, hash);
		matches_add(matches, &key);
	}
}

static void match_address(struct matches *matches,
			  const struct address *address)
{
	bool v6 = address->family == AF_INET6;
	uint8_t longest = v6 ? 128 : 32;
	struct prefix prefix;
	struct key key;

	for (uint8_t len = 0; len <= longest; len++) {
		if (!matches->index->has_len[v6][len])
			continue;
		prefix = prefix_of(address, len);
		key = prefix_key(&prefix);
		matches_add(matches, &key);
	}
}

static struct matches matches_of(const struct index *index,
				 const struct domain *name,
				 const struct address *address)
{
	struct matches matches;

	matches.index = index;
	matches.n = 0;
	matches.entry = 0;
	if (index->n > 0 && name)
		match_name(&matches, name);
	if (index->n > 0 && address)
		match_address(&matches, address);
	return matches;
}

/* The next entry, NULL after the last. */
static const struct route *matches_next(struct matches *matches)
{
	if (matches->entry)
		matches->entry = matches->index->next[matches->entry - 1];
	if (matches->entry == 0 && matches->n > 0)
		matches->entry = matches->heads[--matches->n];
	if (matches->entry == 0)
		return NULL;
	return &matches->index->entries[matches->entry - 1];
}

static bool lists_port(const struct route *route, uint16_t port)
{
	for (size_t i = 0; i < route->n_ports; i++)
		if (route->ports[i] == port)
			return true;
	return false;
}

/* The first of @denials that is for every port, or for @port in particular. */
static const struct route *first_denial(struct matches denials,
					const uint16_t *port)
{
	const struct route *denial;

	while ((denial = matches_next(&denials)))
		if (denial->n_ports == 0 || (port && lists_port(denial, *port)))
			return denial;
	return NULL;
}

static struct decision deny(enum reason reason, const struct route *route)
{
	return (struct decision){ VERDICT_DENY, reason, route };
}

static struct decision allow(enum verdict verdict, const struct route *route)
{
	return (struct decision){ verdict, REASON_ALLOWED, route };
}

/*
 * Whether @route has a port that is not denied; if not, @denial is what denies
 * the last of them.
 */
static bool has_open_port(const struct route *route,
			  const struct matches *denials,
			  const struct route **denial)
{
	for (size_t i = 0; i < route->n_ports; i++) {
		const struct route *closed =
			first_denial(*denials, &route->ports[i]);

		if (!closed)
			return true;
		*denial = closed;
	}
	return false;
}

/* Names are asked upstream only where some port would be open afterwards. */
static struct decision judge_resolve(struct matches routes,
				     const struct matches *denials,
				     enum reason unlisted)
{
	const struct route *denial = first_denial(*denials, NULL);
	const struct route *route;

	if (denial)
		return deny(REASON_NAME_DENIED, denial);
	while ((route = matches_next(&routes)))
		if (has_open_port(route, denials, &denial))
			return allow(VERDICT_INTERCEPT, route);
	if (denial)
		return deny(REASON_NAME_DENIED, denial);
	return deny(unlisted, NULL);
}

/* A request, and its path in normal form once somebody has asked for it. */
struct judged {
	const struct request *request;
	bool normalised, ambiguous;
	struct path path;
};

static enum reason judge_words(const struct route *route, struct judged *judged)
{
	const struct request *request = judged->request;
	const struct match_list *matches = route->matches;
	const char *why;

	if (!matches && !route->git_fetch)
		return REASON_ALLOWED;
	if (route->git_fetch || match_list_has_paths(matches)) {
		if (!judged->normalised)
			judged->ambiguous =
				!request_path(request, &judged->path, &why);
		judged->normalised = true;
		if (judged->ambiguous)
			return REASON_PATH_AMBIGUOUS;
	}
	if (route->git_fetch && git_is_push(request, &judged->path))
		return REASON_GIT_PUSH;
	if (route->git_fetch && git_is_fetch(request, &judged->path))
		return REASON_ALLOWED;
	return matches && match_list_meets(matches, request, &judged->path)
		       ? REASON_ALLOWED
		       : REASON_REQUEST_NOT_LISTED;
}

static enum reason judge_request(const struct route *route,
				 struct judged *judged)
{
	const struct request *request = judged->request;
	enum reason reason;

	if (!request)
		return REASON_ALLOWED;
	reason = judge_words(route, judged);
	if (reason != REASON_ALLOWED)
		return reason;
	if (request->by_h2c && !route->h2c)
		return REASON_H2C_NOT_LISTED;
	if (request->as_websocket && !route->http2_websocket)
		return REASON_WEBSOCKET_NOT_LISTED;
	return REASON_ALLOWED;
}

static struct decision judge_port(struct matches routes,
				  const struct attempt *attempt,
				  enum reason unlisted)
{
	bool raw = attempt->kind == ATTEMPT_TCP;
	struct decision refused = deny(unlisted, NULL);
	struct judged judged;
	const struct route *route;
	enum reason reason;
	size_t wider = 0; /* keys, than that of the route that refused */

	judged.request = attempt->request;
	judged.normalised = judged.ambiguous = false;
	while ((route = matches_next(&routes))) {
		if (refused.route && routes.n != wider)
			break;
		if (!refused.route)
			refused.reason = REASON_PORT_NOT_LISTED;
		if (!lists_port(route, attempt->port))
			continue;
		/*
		 * Where a more specific route wants the bytes looked at, a
		 * wider one that does not care must not pass them unread.
		 */
		if (raw && route->tls != ROUTE_TLS_NONE)
			return deny(REASON_PROTOCOL_UNKNOWN, route);
		if (raw)
			return allow(VERDICT_RELAY, route);
		if (route->tls == ROUTE_TLS_NONE)
			continue;
		if (route->tls == ROUTE_TLS_SPLICE &&
		    attempt->kind == ATTEMPT_TLS)
			return allow(VERDICT_RELAY, route);
		reason = judge_request(route, &judged);
		if (reason == REASON_ALLOWED)
			return allow(VERDICT_INTERCEPT, route);
		/* Later reasons say more: see verdict.h. */
		if (!refused.route || reason > refused.reason)
			refused = deny(reason, route);
		wider = routes.n;
	}
	return refused;
}

struct decision policy_judge(const struct policy *policy,
			     const struct attempt *attempt)
{
	enum reason unlisted = attempt->name ? REASON_NAME_NOT_LISTED
					     : REASON_ADDRESS_NOT_LISTED;
	struct matches routes, denials;
	const struct route *denial;

	assert(!attempt->name != !attempt->address);
	if (!policy)
		return deny(REASON_NO_POLICY, NULL);

	routes = matches_of(&policy->routes, attempt->name, attempt->address);
	denials = matches_of(&policy->denials, attempt->name, attempt->address);
	if (attempt->kind == ATTEMPT_RESOLVE)
		return judge_resolve(routes, &denials, unlisted);

	denial = first_denial(denials, &attempt->port);
	if (denial)
		return deny(REASON_NAME_DENIED, denial);
	return judge_port(routes, attempt, unlisted);
}

bool policy_denies_address(const struct policy *policy,
			   const struct address *address, uint16_t port)
{
	if (!policy)
		return true;
	return first_denial(matches_of(&policy->denials, NULL, address), &port);
}

bool policy_wants_virtual(const struct policy *policy,
			  const struct domain *name)
{
	const struct route *route;
	struct matches routes;
	bool raw = false;

	if (!policy)
		return false;
	routes = matches_of(&policy->routes, name, NULL);
	while ((route = matches_next(&routes))) {
		if (route->addresses != ROUTE_ADDRESSES_AUTO)
			return route->addresses == ROUTE_ADDRESSES_VIRTUAL;
		raw = raw || route->tls == ROUTE_TLS_NONE;
	}
	return raw;
}

static bool lists_dns_type(const struct route *route, uint16_t type)
{
	for (size_t i = 0; i < route->n_dns_types; i++)
		if (route->dns_types[i] == type)
			return true;
	return false;
}

static bool is_same_host(const struct route *a, const struct route *b)
{
	return a->host.below == b->host.below &&
	       a->host.base.len == b->host.base.len;
}

bool policy_admits_dns_type(const struct policy *policy,
			    const struct domain *name, uint16_t type)
{
	const struct attempt attempt = { .kind = ATTEMPT_RESOLVE,
					 .name = name };
	const struct decision decision = policy_judge(policy, &attempt);
	const struct route *route, *denial;
	struct matches routes, denials;

	if (decision.verdict == VERDICT_DENY)
		return false;
	if (dns_type_is_address(type))
		return true;
	routes = matches_of(&policy->routes, name, NULL);
	denials = matches_of(&policy->denials, name, NULL);
	/* Both are suffixes of the name: of one length they are the same. */
	while ((route = matches_next(&routes)))
		if (is_same_host(route, decision.route) &&
		    lists_dns_type(route, type) &&
		    has_open_port(route, &denials, &denial))
			return true;
	return false;
}

static const char *suggest_address(const struct attempt *attempt, char *text)
{
	enum address_class class = address_classify(attempt->address, NULL);
	char base[ADDRESS_TEXT_MAX];

	if (class == ADDRESS_NEVER || attempt->port == 0)
		return text;
	(void)snprintf(text, POLICY_SUGGESTION_MAX,
		       "- {cidr: \"%s/%d\", ports: [%u]%s}",
		       address_format(attempt->address, base),
		       attempt->address->family == AF_INET ? 32 : 128,
		       attempt->port,
		       class == ADDRESS_PRIVATE ? ", private: true" : "");
	return text;
}

/* Nothing that YAML in double quotes would read otherwise, nor much of it. */
static bool is_quotable(const struct path *path)
{
	return path->len <= SUGGESTED_PATH_MAX &&
	       !memchr(path->text, '"', path->len);
}

static bool has_method_field(const struct request *request)
{
	for (size_t i = 0; i < request->n_fields; i++)
		if (request_field_is_method(&request->fields[i]))
			return true;
	return false;
}

/* The request itself, and nothing around it: whoever reads it may widen it. */
static const char *suggest_request(const struct attempt *attempt, char *text)
{
	const struct request *request = attempt->request;
	char methods[sizeof(", methods: []") + MATCH_METHOD_MAX] = "";
	char ports[sizeof(", ports: [65535]")] = "";
	struct path path;
	const char *why;

	if (!attempt->name || request->method.len > MATCH_METHOD_MAX ||
	    !request_path(request, &path, &why) || !is_quotable(&path))
		return text;
	/* A list of methods would have to have what the field says, too. */
	if (!has_method_field(request))
		(void)snprintf(methods, sizeof(methods), ", methods: [%.*s]",
			       (int)request->method.len, request->method.at);
	if (attempt->port != 443 && attempt->port != 80)
		(void)snprintf(ports, sizeof(ports), ", ports: [%u]",
			       attempt->port);
	(void)snprintf(
		text, POLICY_SUGGESTION_MAX,
		"- {host: %s%s, matches: [{paths: [{type: exact, value: \"%.*s\"}]%s}]}",
		attempt->name->name, ports, SUGGESTED_PATH_MAX, path.text,
		methods);
	return text;
}

/* What a route has to say, besides host and ports; NULL: no route would do. */
static const char *const suggested_keys[REASON_COUNT] = {
	[REASON_NAME_NOT_LISTED] = "",
	[REASON_PORT_NOT_LISTED] = "",
	[REASON_ADDRESS_NOT_LISTED] = "",
	[REASON_PROTOCOL_UNKNOWN] = "",
	[REASON_ADDRESS_PRIVATE] = ", private: true",
	[REASON_UPSTREAM_WANTS_CERTIFICATE] = ", client_cert_ref: CLIENT_CERT",
	[REASON_TLS_REJECTED] = ", tls: splice",
	[REASON_TLS_UNUSED] = ", tls: splice",
	[REASON_H2C_NOT_LISTED] = ", h2c: true",
	[REASON_WEBSOCKET_NOT_LISTED] = ", http2_websocket: true",
};

const char *policy_suggest(const struct attempt *attempt, enum reason reason,
			   char text[POLICY_SUGGESTION_MAX])
{
	bool known_port = attempt->kind == ATTEMPT_RESOLVE ||
			  attempt->port == 443 || attempt->port == 80;
	bool private = reason == REASON_ADDRESS_PRIVATE;
	const char *key = suggested_keys[reason];
	char ports[sizeof(", ports: [65535]")] = "";
	bool raw;

	text[0] = '\0';
	if (reason == REASON_REQUEST_NOT_LISTED && attempt->request)
		return suggest_request(attempt, text);
	if (!key)
		return text;
	if (attempt->address && (key[0] == '\0' || private))
		return suggest_address(attempt, text);
	if (!attempt->name)
		return text;

	raw = reason == REASON_PROTOCOL_UNKNOWN ||
	      (attempt->kind == ATTEMPT_TCP && !known_port);
	if (raw || !known_port)
		(void)snprintf(ports, sizeof(ports), ", ports: [%u]",
			       attempt->port);
	if (!raw && key[0] == '\0' && ports[0] == '\0')
		(void)snprintf(text, POLICY_SUGGESTION_MAX, "- host: %s",
			       attempt->name->name);
	else
		(void)snprintf(text, POLICY_SUGGESTION_MAX,
			       "- {host: %s%s%s%s}", attempt->name->name, ports,
			       raw ? ", tls: none" : "", key);
	return text;
}

enum policy_refusals policy_refusals(const struct policy *policy)
{
	return policy ? policy->refusals : POLICY_REFUSALS_EXPLAIN;
}

const struct nameserver *policy_resolvers(const struct policy *policy,
					  size_t *n)
{
	*n = policy ? policy->n_resolvers : 0;
	return policy ? policy->resolvers : NULL;
}

const struct route *policy_routes(const struct policy *policy, size_t *n)
{
	*n = policy ? policy->routes.n : 0;
	return policy ? policy->routes.entries : NULL;
}

const struct route *policy_denials(const struct policy *policy, size_t *n)
{
	*n = policy ? policy->denials.n : 0;
	return policy ? policy->denials.entries : NULL;
}

const struct meeting *policy_meetings(const struct policy *policy, size_t *n)
{
	*n = policy ? policy->n_meetings : 0;
	return policy ? policy->meetings : NULL;
}

/* What they own. */
static void routes_done(const struct route *routes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		match_list_free(routes[i].matches);
}

struct policy *policy_new(const struct route *routes, size_t n_routes,
			  const struct route *denials, size_t n_denials,
			  enum policy_refusals refusals)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (policy && index_init(&policy->routes, routes, n_routes) &&
	    index_init(&policy->denials, denials, n_denials)) {
		policy->refusals = refusals;
		return policy;
	}
	routes_done(routes, n_routes);
	if (policy) {
		index_done(&policy->denials);
		index_done(&policy->routes);
	}
	free(policy);
	return NULL;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->n_meetings; i++)
		free(policy->meetings[i].upstream_ca);
	routes_done(policy->routes.entries, policy->routes.n);
	index_done(&policy->denials);
	index_done(&policy->routes);
	free(policy);
}

void policy_meet_by(struct policy *policy, const struct meeting *meetings,
		    size_t n)
{
	assert(n <= MEETINGS_MAX);
	memcpy(policy->meetings, meetings, n * sizeof(*meetings));
	policy->n_meetings = n;
}

void policy_resolve_by(struct policy *policy,
		       const struct nameserver *resolvers, size_t n)
{
	assert(n <= NAMESERVERS_MAX);
	memcpy(policy->resolvers, resolvers, n * sizeof(*resolvers));
	policy->n_resolvers = n;
}
