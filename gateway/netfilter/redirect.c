#include "redirect.h"

#include "nflog.h"
#include "nft.h"
#include "setting.h"
#include "verdict.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>

#define TABLE "sluice"
#define HELD_TABLE "sluice-held"

/*
 * What is copied to NFLOG at all, by each rule that records: enough for the
 * worker to show some and count the rest, and too little to keep it from its
 * work. The refusing goes on.
 */
#define LOG_RATE rate(1000, 2000)

/* --- The words that rules are written in ----------------------------- */

/* A number as the packet has it, most significant byte first. */
static struct nft_match is(enum field field, uint16_t number)
{
	struct nft_match m = { .field = field };

	if (field_len(field) == 1) {
		assert(number <= UINT8_MAX);
		m.value[0] = (uint8_t)number;
	} else {
		assert(field_len(field) == 2);
		m.value[0] = (uint8_t)(number >> 8);
		m.value[1] = (uint8_t)number;
	}
	return m;
}

static struct nft_match not(struct nft_match m)
{
	m.differs = !m.differs;
	return m;
}

/* Some bit of a word that the kernel keeps, in the kernel's byte order. */
static struct nft_match any_of(enum field field, uint32_t bits)
{
	struct nft_match m = { .field = field,
			       .differs = true,
			       .masked = true };

	assert(field_len(field) == sizeof(bits));
	memcpy(m.mask, &bits, sizeof(bits));
	return m;
}

static struct nft_match device(enum field field, const char *name)
{
	struct nft_match m = { .field = field };

	assert(strlen(name) < IFNAMSIZ);
	memcpy(m.value, name, strlen(name));
	return m;
}

static struct nft_match from_card(const uint8_t mac[6])
{
	struct nft_match m = { .field = FIELD_CARD };

	memcpy(m.value, mac, 6);
	return m;
}

/* The length of the field decides how much of the address is looked at. */
static struct nft_match address(enum field field, const uint8_t bytes[16])
{
	struct nft_match m = { .field = field };

	memcpy(m.value, bytes, field_len(field));
	return m;
}

static struct nft_match prefix(enum field field, const uint8_t base[16],
			       unsigned int len)
{
	struct nft_match m = address(field, base);

	m.masked = true;
	for (unsigned int i = 0; i < len && i < 8 * field_len(field); i++)
		m.mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return m;
}

static struct nft_match masked(enum field field, uint16_t number, uint16_t mask)
{
	struct nft_match m = is(field, number);

	m.masked = true;
	memcpy(m.mask, is(field, mask).value, sizeof(m.mask));
	return m;
}

static struct nft_match rate(uint32_t per_s, uint32_t burst)
{
	return (struct nft_match){ .field = FIELD_RATE,
				   .per_s = per_s,
				   .burst = burst };
}

static struct nft_match more_than(uint32_t n_connections)
{
	return (struct nft_match){ .field = FIELD_COUNT,
				   .count = n_connections };
}

static struct nft_action action(enum nft_action_kind kind, int number)
{
	return (struct nft_action){ .kind = kind, .number = number };
}

static struct nft_action verdict(int number, const char *chain)
{
	struct nft_action then = action(NFT_ACTION_VERDICT, number);

	assert(strlen(chain) < sizeof(then.text));
	memcpy(then.text, chain, strlen(chain));
	return then;
}

static struct nft_action record(uint16_t group, enum reason reason)
{
	struct nft_action then = action(NFT_ACTION_LOG, group);

	(void)snprintf(then.text, sizeof(then.text), NFLOG_PREFIX "%s",
		       reason_code(reason));
	return then;
}

#define ALWAYS ((struct nft_match){ .field = FIELD_NONE })
#define ACCEPT verdict(NF_ACCEPT, "")
#define DROP verdict(NF_DROP, "")
#define RETURN verdict(NFT_RETURN, "")
#define CALL(chain) verdict(NFT_JUMP, chain)
#define GO(chain) verdict(NFT_GOTO, chain)
#define RECORD(reason) record(redirect->log_group, reason)
#define REJECT(code) action(NFT_ACTION_REJECT, code)
#define RESET action(NFT_ACTION_RESET, 0)
#define REDIRECT(port) action(NFT_ACTION_REDIRECT, port)
#define UNTRACK action(NFT_ACTION_UNTRACK, 0)
#define FROM_PORT(port) action(NFT_ACTION_FROM_PORT, port)
#define TO_PORT(port) action(NFT_ACTION_TO_PORT, port)

/* A table of rules is named as the chain that they are appended to. */
#define ADD_RULES(batch, chain) \
	nft_batch_rules(batch, #chain, chain, sizeof(chain) / sizeof(*(chain)))

/* --- The rules ------------------------------------------------------- */

/* The words that the tables below are written in. */
#define V4 is(FIELD_FAMILY, NFPROTO_IPV4)
#define V6 is(FIELD_FAMILY, NFPROTO_IPV6)
#define TCP is(FIELD_PROTOCOL, IPPROTO_TCP)
#define UDP is(FIELD_PROTOCOL, IPPROTO_UDP)
#define ICMP4(type) \
	V4, is(FIELD_PROTOCOL, IPPROTO_ICMP), is(FIELD_ICMP_TYPE, type)
#define ICMP6(type) \
	V6, is(FIELD_PROTOCOL, IPPROTO_ICMPV6), is(FIELD_ICMP_TYPE, type)
#define NEXT(protocol) V6, is(FIELD_IP6_NEXT, protocol)
#define BARE is(FIELD_IP6_NEXT, IPPROTO_ICMPV6) /* no extension headers */
#define FROM_AGENT device(FIELD_IN, redirect->internal)
#define TO_AGENT device(FIELD_OUT, redirect->internal)

#define LINK_LOCAL \
	prefix(FIELD_IP6_SOURCE, (const uint8_t[16]){ 0xfe, 0x80 }, 10)
#define UNSPECIFIED prefix(FIELD_IP6_SOURCE, (const uint8_t[16]){ 0 }, 128)
#define TO_GROUP4 prefix(FIELD_IP4_TARGET, (const uint8_t[16]){ 224 }, 24)
#define TO_GROUP6 prefix(FIELD_IP6_TARGET, (const uint8_t[16]){ 0xff, 2 }, 16)

#define MLD2_REPORT 143 /* which <netinet/icmp6.h> does not know */

#define CT_KNOWN                                                    \
	any_of(FIELD_CT_STATE, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | \
				       NF_CT_STATE_BIT(IP_CT_RELATED))
#define CT_NEW any_of(FIELD_CT_STATE, NF_CT_STATE_BIT(IP_CT_NEW))
#define CT_RELATED any_of(FIELD_CT_STATE, NF_CT_STATE_BIT(IP_CT_RELATED))
#define CT_INVALID any_of(FIELD_CT_STATE, NF_CT_STATE_INVALID_BIT)
#define CT_UNTRACKED any_of(FIELD_CT_STATE, NF_CT_STATE_UNTRACKED_BIT)
#define CT_STEERED any_of(FIELD_CT_STATUS, IPS_DST_NAT)

/*
 * guard stands before connection tracking (-200), so that a packet with
 * somebody else's source never touches a connection of the gateway's own;
 * and after reassembly (-400), which the `ct` expressions of the other chains
 * turn on in the same transaction. strays stands where conntrack has spoken
 * and nothing is translated yet.
 */
static void add_chains(struct nft_batch *batch)
{
	static const struct nft_chain chains[] = {
		{ "guard", "filter", NF_INET_PRE_ROUTING, -300, NF_ACCEPT },
		{ "strays", "filter", NF_INET_PRE_ROUTING, -150, NF_ACCEPT },
		{ "steer", "nat", NF_INET_PRE_ROUTING, -100, NF_ACCEPT },
		{ "inbound", "filter", NF_INET_LOCAL_IN, 0, NF_DROP },
		{ "onward", "filter", NF_INET_FORWARD, 0, NF_DROP },
		{ "answers", "filter", NF_INET_LOCAL_OUT, -300, NF_ACCEPT },
		{ "outbound", "filter", NF_INET_LOCAL_OUT, 0, NF_ACCEPT },
		{ .name = "question" },
		{ .name = "near" },
		{ .name = "answer" },
		{ .name = "from_agent" },
		{ .name = "card" },
		{ .name = "sources" },
		{ .name = "spoofed" },
		{ .name = "discard" },
		{ .name = "refuse" },
		{ .name = "crowd" },
	};

	for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++)
		nft_batch_chain(batch, &chains[i]);
}

static void add_source(struct nft_batch *batch, const struct prefix *p)
{
	const bool v4 = p->base.family == AF_INET;
	const enum field field = v4 ? FIELD_IP4_SOURCE : FIELD_IP6_SOURCE;
	const struct nft_rule sources[] = {
		{ { v4 ? V4 : V6, prefix(field, p->base.bytes, p->len) },
		  RETURN },
	};

	/* No address at all, or a prefix of one, is nobody. */
	if (v4 || p->base.family == AF_INET6)
		ADD_RULES(batch, sources);
}

static void add_agents(struct nft_batch *batch, const struct redirect *redirect)
{
	for (size_t i = 0; i < redirect->n_agents; i++) {
		const struct prefix alone = {
			.base = redirect->agents[i],
			.len = redirect->agents[i].family == AF_INET ? 32 : 128,
		};

		add_source(batch, &alone);
	}
	for (size_t i = 0; redirect->n_agents == 0 && i < redirect->n_prefixes;
	     i++)
		add_source(batch, &redirect->prefixes[i]);
}

/*
 * Returns to its caller if the source is the agent's, and drops if not. The
 * gateway that lacks a family is 0.0.0.0 or :: in it: no source either.
 */
static void add_sources(struct nft_batch *batch,
			const struct redirect *redirect)
{
	const uint8_t *ours4 = redirect->gateway4.bytes,
		      *ours6 = redirect->gateway6.bytes;
	const struct nft_rule sources[] = {
		{ { V4, prefix(FIELD_IP4_SOURCE, ours4, 32) }, GO("spoofed") },
		{ { V6, prefix(FIELD_IP6_SOURCE, ours6, 128) }, GO("spoofed") },
	};
	const struct nft_rule anyone_else = { { ALWAYS }, GO("spoofed") };
	const struct nft_rule spoofed[] = {
		{ { LOG_RATE }, RECORD(REASON_SOURCE_SPOOFED) },
		{ { ALWAYS }, DROP },
	};

	ADD_RULES(batch, sources);
	add_agents(batch, redirect);
	nft_batch_rules(batch, "sources", &anyone_else, 1);
	ADD_RULES(batch, spoofed);
}

/* As add_sources() does, of the frame: one that has no card drops, too. */
static void add_card(struct nft_batch *batch, const struct redirect *redirect)
{
	const struct nft_rule card[] = {
		{ { from_card(redirect->agent_mac) }, RETURN },
		{ { ALWAYS }, GO("spoofed") },
	};

	if (redirect->agent_mac_known)
		ADD_RULES(batch, card);
}

/*
 * Questions to the gateway's own address, which is nearly all of them: there
 * is nothing to translate, so that they need no place in the connection
 * table, neither its cost nor, in a flood, the end of it. They have a port of
 * their own, by which their answers are told from those to redirected ones. A
 * datagram without a checksum would get a wrong one.
 */
static void add_questions(struct nft_batch *batch,
			  const struct redirect *redirect)
{
	const uint8_t *gateway4 = redirect->gateway4.bytes;
	const uint8_t *gateway6 = redirect->gateway6.bytes;
	const struct nft_rule question[] = {
		{ { V4, address(FIELD_IP4_TARGET, gateway4),
		    not(is(FIELD_UDP_CHECKSUM, 0)) },
		  GO("near") },
		{ { V6, address(FIELD_IP6_TARGET, gateway6),
		    not(is(FIELD_UDP_CHECKSUM, 0)) },
		  GO("near") },
	};
	const struct nft_rule near[] = {
		{ { ALWAYS }, UNTRACK },
		{ { ALWAYS }, TO_PORT(redirect->near_dns_port) },
	};
	const struct nft_rule answers[] = {
		{ { not(TO_AGENT) }, ACCEPT },
		{ { UDP, is(FIELD_FROM_PORT, redirect->near_dns_port) },
		  GO("answer") },
	};
	const struct nft_rule answer[] = {
		{ { ALWAYS }, UNTRACK },
		{ { ALWAYS }, FROM_PORT(53) },
	};

	if (redirect->tracked)
		return;
	ADD_RULES(batch, question);
	ADD_RULES(batch, near);
	ADD_RULES(batch, answers);
	ADD_RULES(batch, answer);
}

static void add_guard(struct nft_batch *batch, const struct redirect *redirect)
{
	const uint8_t *gateway4 = redirect->gateway4.bytes;
	const uint8_t *gateway6 = redirect->gateway6.bytes;
	const struct nft_rule guard[] = {
		{ { not(FROM_AGENT) }, ACCEPT },
		{ { ALWAYS }, CALL("card") },

		/*
		 * The agent's kernel sends these by itself, to the segment's
		 * groups: no answer, and no record that would only be noise.
		 */
		{ { V4, is(FIELD_PROTOCOL, IPPROTO_IGMP), TO_GROUP4 }, DROP },
		{ { ICMP6(MLD_LISTENER_REPORT), TO_GROUP6 }, DROP },
		{ { ICMP6(MLD_LISTENER_REDUCTION), TO_GROUP6 }, DROP },
		{ { ICMP6(MLD2_REPORT), TO_GROUP6 }, DROP },
		{ { ICMP6(ND_ROUTER_SOLICIT), TO_GROUP6 }, DROP },

		/* Neighbours meet by link-local addresses, and by :: (DAD). */
		{ { ICMP6(ND_NEIGHBOR_SOLICIT), BARE, UNSPECIFIED }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_SOLICIT), BARE, LINK_LOCAL }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_ADVERT), BARE, LINK_LOCAL }, ACCEPT },

		{ { ALWAYS }, CALL("sources") },

		/*
		 * Options, fragments that nobody reassembled, and extension
		 * headers are dropped rather than rejected: the ICMP error
		 * would follow a source route or a home address option to
		 * where it points, and carry the agent's bytes there.
		 */
		{ { V4, not(masked(FIELD_IP4_LENGTH, 5, 0x0f)) },
		  GO("discard") },
		{ { V4, not(masked(FIELD_IP4_FRAGMENT, 0, 0x3fff)) },
		  GO("discard") },
		{ { NEXT(IPPROTO_HOPOPTS) }, GO("discard") },
		{ { NEXT(IPPROTO_ROUTING) }, GO("discard") },
		{ { NEXT(IPPROTO_FRAGMENT) }, GO("discard") },
		{ { NEXT(IPPROTO_AH) }, GO("discard") },
		{ { NEXT(IPPROTO_DSTOPTS) }, GO("discard") },
		{ { NEXT(IPPROTO_MH) }, GO("discard") },
		{ { NEXT(139 /* HIP */) }, GO("discard") },
		{ { NEXT(140 /* shim6 */) }, GO("discard") },

		/* What is carried, or may be: strays sees the errors again. */
		{ { TCP }, ACCEPT },
		{ { UDP, is(FIELD_PORT, 53) }, GO("question") },
		{ { ICMP4(ICMP_ECHO), address(FIELD_IP4_TARGET, gateway4) },
		  ACCEPT },
		{ { ICMP4(ICMP_DEST_UNREACH) }, ACCEPT },
		{ { ICMP4(ICMP_TIME_EXCEEDED) }, ACCEPT },
		{ { ICMP4(ICMP_PARAMETERPROB) }, ACCEPT },
		{ { ICMP6(ICMP6_ECHO_REQUEST),
		    address(FIELD_IP6_TARGET, gateway6) },
		  ACCEPT },
		{ { ICMP6(ICMP6_DST_UNREACH) }, ACCEPT },
		{ { ICMP6(ICMP6_PACKET_TOO_BIG) }, ACCEPT },
		{ { ICMP6(ICMP6_TIME_EXCEEDED) }, ACCEPT },
		{ { ICMP6(ICMP6_PARAM_PROB) }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_SOLICIT) }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_ADVERT) }, ACCEPT },

		{ { ALWAYS }, GO("refuse") },
	};

	ADD_RULES(batch, guard);
}

/*
 * With forwarding off, what is refused would never reach a later hook: it is
 * answered from prerouting. The rate bounds the record, not the refusal.
 */
static void add_refusals(struct nft_batch *batch,
			 const struct redirect *redirect)
{
	const struct nft_rule refuse[] = {
		{ { LOG_RATE }, RECORD(REASON_PROTOCOL_REFUSED) },
		/* QUIC falls back to TCP at once. */
		{ { UDP, is(FIELD_PORT, 443) },
		  REJECT(NFT_REJECT_ICMPX_PORT_UNREACH) },
		{ { ALWAYS }, REJECT(NFT_REJECT_ICMPX_ADMIN_PROHIBITED) },
	};
	const struct nft_rule discard[] = {
		{ { LOG_RATE }, RECORD(REASON_PROTOCOL_REFUSED) },
		{ { ALWAYS }, DROP },
	};

	ADD_RULES(batch, refuse);
	ADD_RULES(batch, discard);
}

/* A new connection of one source's, above its rate or its number. */
static void add_limit(struct nft_batch *batch, const struct redirect *redirect,
		      const struct prefix *p)
{
	const bool v4 = p->base.family == AF_INET;
	const struct nft_match family = v4 ? V4 : V6;
	const struct nft_match source =
		prefix(v4 ? FIELD_IP4_SOURCE : FIELD_IP6_SOURCE, p->base.bytes,
		       p->len);
	const struct nft_rule strays[] = {
		{ { TCP, CT_NEW, family, source,
		    not(rate(REDIRECT_CONNECTIONS_PER_S,
			     REDIRECT_CONNECTIONS_BURST)) },
		  GO("crowd") },
		{ { TCP, CT_NEW, family, source,
		    more_than(redirect->workers * REDIRECT_CONNECTIONS_MAX) },
		  GO("crowd") },
	};

	if (v4 || p->base.family == AF_INET6)
		nft_batch_rules(batch, "strays", strays,
				redirect->uncounted ? 1 : 2);
}

/*
 * Behind conntrack, which says what is new, and before any translation. A
 * source is an address of the agent's, or a whole prefix where that is how
 * the agents are told: to change the address does not help.
 */
static void add_limits(struct nft_batch *batch, const struct redirect *redirect)
{
	const struct nft_rule crowd[] = {
		{ { LOG_RATE }, RECORD(REASON_OVERLOADED) },
		{ { ALWAYS }, RESET },
	};

	for (size_t i = 0; i < redirect->n_agents; i++) {
		const struct prefix alone = {
			.base = redirect->agents[i],
			.len = redirect->agents[i].family == AF_INET ? 32 : 128,
		};

		add_limit(batch, redirect, &alone);
	}
	for (size_t i = 0; redirect->n_agents == 0 && i < redirect->n_prefixes;
	     i++)
		add_limit(batch, redirect, &redirect->prefixes[i]);
	ADD_RULES(batch, crowd);
}

static void add_steering(struct nft_batch *batch,
			 const struct redirect *redirect)
{
	const uint16_t dns_port = redirect->dns_port;
	const uint16_t tcp_port = redirect->tcp_port;
	const struct nft_rule strays[] = {
		{ { not(FROM_AGENT) }, ACCEPT },
		/* Late segments of a connection that is over: no news. */
		{ { TCP, CT_INVALID }, DROP },
		/* Who asked and left says so, of an answer without a track. */
		{ { ICMP4(ICMP_DEST_UNREACH), CT_INVALID,
		    is(FIELD_ICMP4_CITED_PORT, 53) },
		  DROP },
		{ { ICMP6(ICMP6_DST_UNREACH), CT_INVALID,
		    is(FIELD_ICMP6_CITED_PORT, 53) },
		  DROP },
		{ { CT_INVALID }, GO("discard") },
		/*
		 * An ICMP error may concern the agent's own connections, which
		 * are steered ones, and none of the gateway's.
		 */
		{ { CT_RELATED, not(CT_STEERED) }, GO("discard") },
	};
	const struct nft_rule steer[] = {
		{ { not(FROM_AGENT) }, ACCEPT },
		{ { UDP, is(FIELD_PORT, 53) }, REDIRECT(dns_port) },
		{ { TCP, is(FIELD_PORT, 53) }, REDIRECT(dns_port) },
		{ { TCP }, REDIRECT(tcp_port) },
	};

	ADD_RULES(batch, strays);
	ADD_RULES(batch, steer);
}

static void add_inbound(struct nft_batch *batch,
			const struct redirect *redirect)
{
	const uint16_t dns_port = redirect->dns_port;
	const uint16_t tcp_port = redirect->tcp_port;
	const struct nft_rule inbound[] = {
		{ { device(FIELD_IN, "lo") }, ACCEPT },
		{ { FROM_AGENT }, GO("from_agent") },
		/* The agent's connections do not come by the uplink. */
		{ { CT_STEERED }, DROP },
		{ { CT_KNOWN }, ACCEPT },
		{ { ICMP6(ND_ROUTER_ADVERT) }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_SOLICIT) }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_ADVERT) }, ACCEPT },
		/* The uplink's DHCP, whose answers conntrack may not know. */
		{ { V4, UDP, is(FIELD_FROM_PORT, 67), is(FIELD_PORT, 68) },
		  ACCEPT },
		{ { V6, UDP, is(FIELD_FROM_PORT, 547), is(FIELD_PORT, 546),
		    LINK_LOCAL },
		  ACCEPT },
	};
	const struct nft_rule from_agent[] = {
		/*
		 * All TCP and UDP that is here was steered, also what was sent
		 * to these ports by number: the listener sees that it was.
		 */
		{ { TCP, is(FIELD_PORT, tcp_port) }, ACCEPT },
		{ { TCP, is(FIELD_PORT, dns_port) }, ACCEPT },
		{ { UDP, is(FIELD_PORT, dns_port) }, ACCEPT },
		{ { UDP, is(FIELD_PORT, redirect->near_dns_port),
		    CT_UNTRACKED },
		  ACCEPT },
		{ { ICMP4(ICMP_ECHO), rate(10, 20) }, ACCEPT },
		{ { ICMP6(ICMP6_ECHO_REQUEST), rate(10, 20) }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_SOLICIT) }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_ADVERT) }, ACCEPT },
		{ { CT_RELATED }, ACCEPT },
		{ { ALWAYS }, DROP },
	};

	ADD_RULES(batch, inbound);
	ADD_RULES(batch, from_agent);
}

/*
 * To the agent go answers, the ICMP errors that refuse (which conntrack
 * knows nothing of), and what finding a neighbour takes. onward stays empty:
 * its policy is all there is to say.
 */
static void add_outbound(struct nft_batch *batch,
			 const struct redirect *redirect)
{
	const struct nft_rule outbound[] = {
		{ { not(TO_AGENT) }, ACCEPT },
		{ { CT_KNOWN }, ACCEPT },
		{ { UDP, is(FIELD_FROM_PORT, 53), CT_UNTRACKED }, ACCEPT },
		{ { ICMP4(ICMP_DEST_UNREACH) }, ACCEPT },
		{ { ICMP6(ICMP6_DST_UNREACH) }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_SOLICIT) }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_ADVERT) }, ACCEPT },
		/* A switch that snoops wants these. */
		{ { ICMP6(MLD2_REPORT) }, ACCEPT },
		{ { ALWAYS }, DROP },
	};

	ADD_RULES(batch, outbound);
}

/* NULL if there is no memory. */
static struct nft_batch *draft(const struct redirect *redirect)
{
	struct nft_batch *batch = nft_batch_new(TABLE, 0);

	if (!batch)
		return NULL;
	add_chains(batch);
	add_card(batch, redirect);
	add_sources(batch, redirect);
	add_refusals(batch, redirect);
	add_guard(batch, redirect);
	add_questions(batch, redirect);
	add_steering(batch, redirect);
	add_limits(batch, redirect);
	add_inbound(batch, redirect);
	add_outbound(batch, redirect);
	return batch;
}

static bool can(int link, const struct nft_rule *rules, size_t n)
{
	static const struct nft_chain chain = { .name = "probe" };
	struct nft_batch *batch = nft_batch_new("sluice-probe", 0);
	int error = -ENOMEM;

	if (batch) {
		nft_batch_chain(batch, &chain);
		nft_batch_rules(batch, chain.name, rules, n);
		nft_batch_undo(batch);
		error = nft_batch_commit(batch, link);
	}
	nft_batch_free(batch);
	return error == 0;
}

bool redirect_can_count(int link)
{
	const struct nft_rule rule = { { more_than(1) }, RETURN };

	return can(link, &rule, 1);
}

bool redirect_can_untrack(int link)
{
	const struct nft_rule rules[] = {
		{ { ALWAYS }, UNTRACK },
		{ { ALWAYS }, TO_PORT(53) },
	};

	return can(link, rules, 2);
}

int redirect_install(const struct redirect *redirect, int link)
{
	struct nft_batch *batch;
	int error = -ENOMEM;

	assert(redirect->internal[0] &&
	       memchr(redirect->internal, '\0', sizeof(redirect->internal)));
	assert(redirect->n_agents <= REDIRECT_AGENTS_MAX &&
	       redirect->n_prefixes <= REDIRECT_AGENTS_MAX);
	batch = draft(redirect);
	if (batch)
		error = nft_batch_commit(batch, link);
	nft_batch_free(batch);
	return error;
}

/*
 * What must not happen even while the table is missing. With forwarding off
 * nothing of the agent's passes through; but the kernel answers what is sent
 * to itself, and the answer to a source beyond the uplink leaves by it.
 * (rp_filter would do for IPv4; there is none for IPv6.) It stands behind
 * guard, which records what it drops.
 */
int redirect_hold(const struct redirect *redirect, int link)
{
	static const struct nft_chain chains[] = {
		{ "sources", "filter", NF_INET_PRE_ROUTING, -299, NF_ACCEPT },
		{ "onward", "filter", NF_INET_FORWARD, 1, NF_DROP },
	};
	const struct nft_rule before[] = {
		{ { not(FROM_AGENT) }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_SOLICIT), BARE, UNSPECIFIED }, ACCEPT },
		{ { V6, LINK_LOCAL }, ACCEPT },
	};
	const struct nft_rule after[] = { { { ALWAYS }, DROP } };
	struct nft_batch *batch = nft_batch_new(HELD_TABLE, NFT_TABLE_F_OWNER);
	int error;

	if (!batch)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++)
		nft_batch_chain(batch, &chains[i]);
	nft_batch_rules(batch, "sources", before,
			sizeof(before) / sizeof(*before));
	add_agents(batch, redirect);
	nft_batch_rules(batch, "sources", after,
			sizeof(after) / sizeof(*after));
	error = nft_batch_commit(batch, link);
	nft_batch_free(batch);
	return error;
}

int redirect_verify(const struct redirect *redirect, int link, char *what,
		    size_t cap)
{
	struct nft_batch *batch = draft(redirect);
	struct ruleset *meant = batch ? nft_batch_ruleset(batch) : NULL;
	struct ruleset found = { 0 };
	int answer = -ENOMEM;

	if (!meant)
		goto out;
	answer = nft_read(link, TABLE, &found);
	if (answer == 0 && !ruleset_same(meant, &found, what, cap))
		answer = 1;
out:
	ruleset_done(&found);
	nft_batch_free(batch);
	return answer;
}

/* --- Forwarding ------------------------------------------------------ */

static const struct {
	const char *folder, *files[4];
	bool may_lack; /* IPv6 may not be there at all */
} families[] = {
	{ "/proc/sys/net/ipv4/conf",
	  { "forwarding", "accept_redirects", "send_redirects",
	    "accept_source_route" },
	  false },
	{ "/proc/sys/net/ipv6/conf",
	  { "forwarding", "accept_redirects", "accept_source_route" },
	  true },
};

/* A device that has just gone has nothing to turn. */
static bool turn(const char *folder, const char *device, const char *file,
		 const char *value)
{
	char path[300];
	int error;

	if (snprintf(path, sizeof(path), "%s/%s/%s", folder, device, file) >=
	    (int)sizeof(path))
		return false;
	error = setting_keep(path, value);
	return error == 0 || error == -ENOENT;
}

static int family_off(size_t family)
{
	const char *const *files = families[family].files;
	DIR *folder = opendir(families[family].folder);
	const struct dirent *device;
	int error = 0;

	if (!folder)
		return errno == ENOENT && families[family].may_lack ? 0
								    : -errno;
	while ((device = readdir(folder))) {
		if (device->d_name[0] == '.')
			continue;
		for (size_t i = 0; i < 4 && files[i]; i++) {
			bool off = turn(families[family].folder, device->d_name,
					files[i], "0");

			/* The rest is prudence; forwarding is a promise. */
			if (!off && strcmp(files[i], "forwarding") == 0)
				error = -EPERM;
		}
	}
	(void)closedir(folder);
	return error;
}

/*
 * By default the kernel sends a destination one ICMP error a second, and the
 * agent is a single one: what is refused then would look like an outage.
 */
static void answer_each(void)
{
	(void)turn("/proc/sys/net", "ipv4", "icmp_ratelimit", "0");
	(void)turn("/proc/sys/net/ipv6", "icmp", "ratelimit", "0");
}

/*
 * The agent often ends a connection first, and so do we towards the origin:
 * its port then rests for a minute, and one origin has no more than 28000.
 */
static void reuse_ports(void)
{
	(void)turn("/proc/sys/net", "ipv4", "tcp_tw_reuse", "1");
}

int redirect_forward_nothing(void)
{
	int error = 0;

	answer_each();
	reuse_ports();
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		int family_error = family_off(i);

		if (!error)
			error = family_error;
	}
	return error;
}
