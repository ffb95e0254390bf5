#include "redirect.h"

#include "nflog.h"
#include "verdict.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#define TABLE "sluice"

/* Well above the some 100 rules that REDIRECT_AGENTS_MAX can lead to. */
#define BATCH_MAX 65536

/* Enough for the headers; nflog.c reads no further. */
#define LOG_BYTES 128

/* A flood of refusals must not bury the record; the refusing goes on. */
#define LOG_RATE rate(20, 100)

/* --- Rules as data -------------------------------------------------- */

/* What a rule can look at. */
enum field {
	FIELD_NONE,
	RATE, /* at most so many packets */
	IN,
	OUT,
	FAMILY,
	PROTOCOL, /* after IPv6 extension headers */
	CT_STATE,
	CT_STATUS,
	IP4_LENGTH,
	IP4_FRAGMENT,
	IP4_SOURCE,
	IP4_TARGET,
	IP6_NEXT, /* before extension headers */
	IP6_SOURCE,
	IP6_TARGET,
	FROM_PORT,
	PORT,
	ICMP_TYPE,
};

static const struct {
	const char *expression;
	uint32_t key; /* or base, of a header */
	uint32_t offset, len;
} fields[] = {
	[IN] = { "meta", NFT_META_IIFNAME, 0, IFNAMSIZ },
	[OUT] = { "meta", NFT_META_OIFNAME, 0, IFNAMSIZ },
	[FAMILY] = { "meta", NFT_META_NFPROTO, 0, 1 },
	[PROTOCOL] = { "meta", NFT_META_L4PROTO, 0, 1 },
	[CT_STATE] = { "ct", NFT_CT_STATE, 0, 4 },
	[CT_STATUS] = { "ct", NFT_CT_STATUS, 0, 4 },
	[IP4_LENGTH] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 0, 1 },
	[IP4_FRAGMENT] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 6, 2 },
	[IP4_SOURCE] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 12, 4 },
	[IP4_TARGET] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 16, 4 },
	[IP6_NEXT] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 6, 1 },
	[IP6_SOURCE] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 8, 16 },
	[IP6_TARGET] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 24, 16 },
	[FROM_PORT] = { "payload", NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2 },
	[PORT] = { "payload", NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2 },
	[ICMP_TYPE] = { "payload", NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1 },
};

/* (field & mask) == value, or != where it differs. */
struct match {
	enum field field;
	bool differs;
	bool masked;
	uint8_t value[16], mask[16];
	uint32_t per_s, burst; /* of RATE */
};

enum action_kind {
	ACTION_VERDICT, /* @number, with @chain to go to */
	ACTION_RECORD,  /* to NFLOG, for reason @number */
	ACTION_REJECT,  /* with an NFT_REJECT_ICMPX of @number */
	ACTION_REDIRECT /* to port @number */
};

struct action {
	enum action_kind kind;
	int number;
	const char *chain;
};

struct rule {
	struct match when[5]; /* all of these */
	struct action then;
};

/* A number as the packet has it, most significant byte first. */
static struct match is(enum field field, uint16_t number)
{
	struct match m = { .field = field };

	if (fields[field].len == 1) {
		assert(number <= UINT8_MAX);
		m.value[0] = (uint8_t)number;
	} else {
		assert(fields[field].len == 2);
		m.value[0] = (uint8_t)(number >> 8);
		m.value[1] = (uint8_t)number;
	}
	return m;
}

static struct match not(struct match m)
{
	m.differs = !m.differs;
	return m;
}

/* Some bit of a word that the kernel keeps, in the kernel's byte order. */
static struct match any_of(enum field field, uint32_t bits)
{
	struct match m = { .field = field, .differs = true, .masked = true };

	assert(fields[field].len == sizeof(bits));
	memcpy(m.mask, &bits, sizeof(bits));
	return m;
}

static struct match device(enum field field, const char *name)
{
	struct match m = { .field = field };

	assert(strlen(name) < IFNAMSIZ);
	memcpy(m.value, name, strlen(name));
	return m;
}

/* The length of the field decides how much of the address is looked at. */
static struct match address(enum field field, const uint8_t bytes[16])
{
	struct match m = { .field = field };

	memcpy(m.value, bytes, fields[field].len);
	return m;
}

static struct match prefix(enum field field, const uint8_t base[16],
			   unsigned int len)
{
	struct match m = address(field, base);

	m.masked = true;
	for (unsigned int i = 0; i < len && i < 8 * fields[field].len; i++)
		m.mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return m;
}

static struct match masked(enum field field, uint16_t number, uint16_t mask)
{
	struct match m = is(field, number);

	m.masked = true;
	memcpy(m.mask, is(field, mask).value, sizeof(m.mask));
	return m;
}

static struct match rate(uint32_t per_s, uint32_t burst)
{
	return (struct match){ .field = RATE, .per_s = per_s, .burst = burst };
}

static struct action action(enum action_kind kind, int number)
{
	return (struct action){ kind, number, NULL };
}

static struct action verdict(int number, const char *chain)
{
	return (struct action){ ACTION_VERDICT, number, chain };
}

#define ALWAYS ((struct match){ .field = FIELD_NONE })
#define ACCEPT verdict(NF_ACCEPT, NULL)
#define DROP verdict(NF_DROP, NULL)
#define RETURN verdict(NFT_RETURN, NULL)
#define CALL(chain) verdict(NFT_JUMP, chain)
#define GO(chain) verdict(NFT_GOTO, chain)
#define RECORD(reason) action(ACTION_RECORD, (int)(reason))
#define REJECT(code) action(ACTION_REJECT, code)
#define REDIRECT(port) action(ACTION_REDIRECT, port)

/* --- One transaction ------------------------------------------------ */

/* The first thing to go wrong is kept, and all later calls do nothing. */
struct batch {
	const struct redirect *redirect;
	struct mnl_nlmsg_batch *messages;
	char *buffer;
	uint32_t seq, n_expected;
	int error;
};

/* Where the next message goes; it is acknowledged by itself. */
static struct nlmsghdr *batch_message(struct batch *batch, uint16_t type,
				      uint16_t flags)
{
	batch->n_expected++;
	return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch->messages),
				     type, NFPROTO_INET,
				     (uint16_t)(flags | NLM_F_ACK),
				     batch->seq++);
}

static void batch_next(struct batch *batch)
{
	if (!mnl_nlmsg_batch_next(batch->messages))
		batch->error = -E2BIG;
}

static void add_table(struct batch *batch, uint16_t type, uint16_t flags)
{
	struct nftnl_table *table;

	if (batch->error)
		return;
	table = nftnl_table_alloc();
	if (!table || nftnl_table_set_str(table, NFTNL_TABLE_NAME, TABLE) < 0) {
		batch->error = -ENOMEM;
		goto out;
	}
	nftnl_table_nlmsg_build_payload(batch_message(batch, type, flags),
					table);
	batch_next(batch);
out:
	if (table)
		nftnl_table_free(table);
}

/* @type NULL: a chain that others call. */
static void add_chain(struct batch *batch, const char *name, const char *type,
		      uint32_t hook, int priority, uint32_t policy)
{
	struct nftnl_chain *chain;

	if (batch->error)
		return;
	chain = nftnl_chain_alloc();
	if (!chain ||
	    nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, TABLE) < 0 ||
	    nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name) < 0 ||
	    (type && nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, type) < 0)) {
		batch->error = -ENOMEM;
		goto out;
	}
	if (type) {
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, priority);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, policy);
	}
	nftnl_chain_nlmsg_build_payload(
		batch_message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE), chain);
	batch_next(batch);
out:
	if (chain)
		nftnl_chain_free(chain);
}

/* --- From rules to the kernel's expressions -------------------------- */

/* The rule owns what is appended to it; NULL once memory has run out. */
static struct nftnl_expr *append(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (e)
		nftnl_rule_add_expr(rule, e);
	return e;
}

static bool append_load(struct nftnl_rule *rule, enum field field)
{
	const char *name = fields[field].expression;
	struct nftnl_expr *e = append(rule, name);

	if (!e)
		return false;
	if (strcmp(name, "meta") == 0) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, fields[field].key);
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
	} else if (strcmp(name, "ct") == 0) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, fields[field].key);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	} else {
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE,
				   fields[field].key);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET,
				   fields[field].offset);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN,
				   fields[field].len);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
	}
	return true;
}

static bool append_mask(struct nftnl_rule *rule, const struct match *m)
{
	static const uint8_t zeroes[16];
	uint32_t len = fields[m->field].len;
	struct nftnl_expr *e = append(rule, "bitwise");

	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	return nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, m->mask, len) == 0 &&
	       nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zeroes, len) == 0;
}

static bool append_rate(struct nftnl_rule *rule, const struct match *m)
{
	struct nftnl_expr *e = append(rule, "limit");

	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, m->per_s);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, m->burst);
	return true;
}

static bool append_match(struct nftnl_rule *rule, const struct match *m)
{
	struct nftnl_expr *e;

	if (m->field == RATE)
		return append_rate(rule, m);
	if (!append_load(rule, m->field) ||
	    (m->masked && !append_mask(rule, m)))
		return false;
	e = append(rule, "cmp");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP,
			   m->differs ? NFT_CMP_NEQ : NFT_CMP_EQ);
	return nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, m->value,
			      fields[m->field].len) == 0;
}

static bool append_verdict(struct nftnl_rule *rule, int verdict,
			   const char *chain)
{
	struct nftnl_expr *e = append(rule, "immediate");

	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	return !chain ||
	       nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain) == 0;
}

static bool append_log(struct nftnl_rule *rule, uint16_t group,
		       enum reason reason)
{
	struct nftnl_expr *e = append(rule, "log");
	char text[64];

	if (!e)
		return false;
	(void)snprintf(text, sizeof(text), NFLOG_PREFIX "%s",
		       reason_code(reason));
	nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, group);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOG_SNAPLEN, LOG_BYTES);
	return nftnl_expr_set_str(e, NFTNL_EXPR_LOG_PREFIX, text) == 0;
}

static bool append_reject(struct nftnl_rule *rule, uint8_t code)
{
	struct nftnl_expr *e = append(rule, "reject");

	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
	nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, code);
	return true;
}

static bool append_redirect(struct nftnl_rule *rule, uint16_t port)
{
	const uint8_t wire[2] = { (uint8_t)(port >> 8), (uint8_t)port };
	struct nftnl_expr *e = append(rule, "immediate");

	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	if (nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, wire, sizeof(wire)) < 0)
		return false;
	e = append(rule, "redir");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_REDIR_REG_PROTO_MIN, NFT_REG_1);
	return true;
}

static bool append_action(struct nftnl_rule *rule, const struct action *then,
			  uint16_t log_group)
{
	switch (then->kind) {
	case ACTION_VERDICT:
		return append_verdict(rule, then->number, then->chain);
	case ACTION_RECORD:
		return append_log(rule, log_group, (enum reason)then->number);
	case ACTION_REJECT:
		return append_reject(rule, (uint8_t)then->number);
	case ACTION_REDIRECT:
		return append_redirect(rule, (uint16_t)then->number);
	}
	return false;
}

static bool append_all(struct nftnl_rule *rule, const char *chain,
		       const struct rule *r, uint16_t log_group)
{
	const size_t max = sizeof(r->when) / sizeof(*r->when);

	if (nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, TABLE) < 0 ||
	    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain) < 0)
		return false;
	for (size_t i = 0; i < max && r->when[i].field; i++)
		if (!append_match(rule, &r->when[i]))
			return false;
	return append_action(rule, &r->then, log_group);
}

static void add_rule(struct batch *batch, const char *chain,
		     const struct rule *r)
{
	struct nftnl_rule *rule;

	if (batch->error)
		return;
	rule = nftnl_rule_alloc();
	if (!rule || !append_all(rule, chain, r, batch->redirect->log_group)) {
		batch->error = -ENOMEM;
		goto out;
	}
	nftnl_rule_nlmsg_build_payload(batch_message(batch, NFT_MSG_NEWRULE,
						     NLM_F_CREATE |
							     NLM_F_APPEND),
				       rule);
	batch_next(batch);
out:
	if (rule)
		nftnl_rule_free(rule);
}

static void add_rules(struct batch *batch, const char *chain,
		      const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_rule(batch, chain, &rules[i]);
}

/* A table of rules is named as the chain that they are appended to. */
#define ADD_RULES(batch, chain) \
	add_rules(batch, #chain, chain, sizeof(chain) / sizeof(*(chain)))

/* --- The rules ------------------------------------------------------- */

/* The words that the tables below are written in. */
#define V4 is(FAMILY, NFPROTO_IPV4)
#define V6 is(FAMILY, NFPROTO_IPV6)
#define TCP is(PROTOCOL, IPPROTO_TCP)
#define UDP is(PROTOCOL, IPPROTO_UDP)
#define ICMP4(type) V4, is(PROTOCOL, IPPROTO_ICMP), is(ICMP_TYPE, type)
#define ICMP6(type) V6, is(PROTOCOL, IPPROTO_ICMPV6), is(ICMP_TYPE, type)
#define NEXT(protocol) V6, is(IP6_NEXT, protocol)
#define BARE is(IP6_NEXT, IPPROTO_ICMPV6) /* no extension headers */
#define FROM_AGENT device(IN, batch->redirect->internal)
#define TO_AGENT device(OUT, batch->redirect->internal)

#define LINK_LOCAL prefix(IP6_SOURCE, (const uint8_t[16]){ 0xfe, 0x80 }, 10)
#define UNSPECIFIED prefix(IP6_SOURCE, (const uint8_t[16]){ 0 }, 128)
#define TO_GROUP4 prefix(IP4_TARGET, (const uint8_t[16]){ 224 }, 24)
#define TO_GROUP6 prefix(IP6_TARGET, (const uint8_t[16]){ 0xff, 2 }, 16)

#define MLD2_REPORT 143 /* which <netinet/icmp6.h> does not know */

#define CT_KNOWN                                              \
	any_of(CT_STATE, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | \
				 NF_CT_STATE_BIT(IP_CT_RELATED))
#define CT_RELATED any_of(CT_STATE, NF_CT_STATE_BIT(IP_CT_RELATED))
#define CT_INVALID any_of(CT_STATE, NF_CT_STATE_INVALID_BIT)
#define CT_STEERED any_of(CT_STATUS, IPS_DST_NAT)

/*
 * guard stands before connection tracking (-200), so that a packet with
 * somebody else's source never touches a connection of the gateway's own;
 * and after reassembly (-400), which the `ct` expressions of the other chains
 * turn on in the same transaction. strays stands where conntrack has spoken
 * and nothing is translated yet.
 */
static void add_chains(struct batch *batch)
{
	static const struct {
		const char *name, *type; /* no type: called by others */
		uint32_t hook;
		int priority;
		uint32_t policy;
	} chains[] = {
		{ "guard", "filter", NF_INET_PRE_ROUTING, -300, NF_ACCEPT },
		{ "strays", "filter", NF_INET_PRE_ROUTING, -150, NF_ACCEPT },
		{ "steer", "nat", NF_INET_PRE_ROUTING, -100, NF_ACCEPT },
		{ "inbound", "filter", NF_INET_LOCAL_IN, 0, NF_DROP },
		{ "onward", "filter", NF_INET_FORWARD, 0, NF_DROP },
		{ "outbound", "filter", NF_INET_LOCAL_OUT, 0, NF_ACCEPT },
		{ .name = "from_agent" },
		{ .name = "sources" },
		{ .name = "spoofed" },
		{ .name = "discard" },
		{ .name = "refuse" },
	};

	for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++)
		add_chain(batch, chains[i].name, chains[i].type, chains[i].hook,
			  chains[i].priority, chains[i].policy);
}

static void add_source(struct batch *batch, const struct prefix *p)
{
	const bool v4 = p->base.family == AF_INET;
	const enum field field = v4 ? IP4_SOURCE : IP6_SOURCE;
	const struct rule sources[] = {
		{ { v4 ? V4 : V6, prefix(field, p->base.bytes, p->len) },
		  RETURN },
	};

	/* No address at all, or a prefix of one, is nobody. */
	if (v4 || p->base.family == AF_INET6)
		ADD_RULES(batch, sources);
}

/*
 * Returns to its caller if the source is the agent's, and drops if not. The
 * gateway that lacks a family is 0.0.0.0 or :: in it: no source either.
 */
static void add_sources(struct batch *batch)
{
	const struct redirect *r = batch->redirect;
	const uint8_t *ours4 = r->gateway4.bytes, *ours6 = r->gateway6.bytes;
	const struct rule sources[] = {
		{ { V4, prefix(IP4_SOURCE, ours4, 32) }, GO("spoofed") },
		{ { V6, prefix(IP6_SOURCE, ours6, 128) }, GO("spoofed") },
	};
	const struct rule anyone_else = { { ALWAYS }, GO("spoofed") };
	const struct rule spoofed[] = {
		{ { LOG_RATE }, RECORD(REASON_SOURCE_SPOOFED) },
		{ { ALWAYS }, DROP },
	};

	ADD_RULES(batch, sources);
	for (size_t i = 0; i < r->n_agents; i++) {
		const struct prefix alone = {
			.base = r->agents[i],
			.len = r->agents[i].family == AF_INET ? 32 : 128,
		};

		add_source(batch, &alone);
	}
	for (size_t i = 0; r->n_agents == 0 && i < r->n_prefixes; i++)
		add_source(batch, &r->prefixes[i]);
	add_rules(batch, "sources", &anyone_else, 1);
	ADD_RULES(batch, spoofed);
}

static void add_guard(struct batch *batch)
{
	const uint8_t *gateway4 = batch->redirect->gateway4.bytes;
	const uint8_t *gateway6 = batch->redirect->gateway6.bytes;
	const struct rule guard[] = {
		{ { not(FROM_AGENT) }, ACCEPT },

		/*
		 * The agent's kernel sends these by itself, to the segment's
		 * groups: no answer, and no record that would only be noise.
		 */
		{ { V4, is(PROTOCOL, IPPROTO_IGMP), TO_GROUP4 }, DROP },
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
		{ { V4, not(masked(IP4_LENGTH, 5, 0x0f)) }, GO("discard") },
		{ { V4, not(masked(IP4_FRAGMENT, 0, 0x3fff)) }, GO("discard") },
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
		{ { UDP, is(PORT, 53) }, ACCEPT },
		{ { ICMP4(ICMP_ECHO), address(IP4_TARGET, gateway4) }, ACCEPT },
		{ { ICMP4(ICMP_DEST_UNREACH) }, ACCEPT },
		{ { ICMP4(ICMP_TIME_EXCEEDED) }, ACCEPT },
		{ { ICMP4(ICMP_PARAMETERPROB) }, ACCEPT },
		{ { ICMP6(ICMP6_ECHO_REQUEST), address(IP6_TARGET, gateway6) },
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
static void add_refusals(struct batch *batch)
{
	const struct rule refuse[] = {
		{ { LOG_RATE }, RECORD(REASON_PROTOCOL_REFUSED) },
		/* QUIC falls back to TCP at once. */
		{ { UDP, is(PORT, 443) },
		  REJECT(NFT_REJECT_ICMPX_PORT_UNREACH) },
		{ { ALWAYS }, REJECT(NFT_REJECT_ICMPX_ADMIN_PROHIBITED) },
	};
	const struct rule discard[] = {
		{ { LOG_RATE }, RECORD(REASON_PROTOCOL_REFUSED) },
		{ { ALWAYS }, DROP },
	};

	ADD_RULES(batch, refuse);
	ADD_RULES(batch, discard);
}

static void add_steering(struct batch *batch)
{
	const uint16_t dns_port = batch->redirect->dns_port;
	const uint16_t tcp_port = batch->redirect->tcp_port;
	const struct rule strays[] = {
		{ { not(FROM_AGENT) }, ACCEPT },
		/* Late segments of a connection that is over: no news. */
		{ { TCP, CT_INVALID }, DROP },
		{ { CT_INVALID }, GO("discard") },
		/*
		 * An ICMP error may concern the agent's own connections, which
		 * are steered ones, and none of the gateway's.
		 */
		{ { CT_RELATED, not(CT_STEERED) }, GO("discard") },
	};
	const struct rule steer[] = {
		{ { not(FROM_AGENT) }, ACCEPT },
		{ { UDP, is(PORT, 53) }, REDIRECT(dns_port) },
		{ { TCP, is(PORT, 53) }, REDIRECT(dns_port) },
		{ { TCP }, REDIRECT(tcp_port) },
	};

	ADD_RULES(batch, strays);
	ADD_RULES(batch, steer);
}

static void add_inbound(struct batch *batch)
{
	const uint16_t dns_port = batch->redirect->dns_port;
	const uint16_t tcp_port = batch->redirect->tcp_port;
	const struct rule inbound[] = {
		{ { device(IN, "lo") }, ACCEPT },
		{ { FROM_AGENT }, GO("from_agent") },
		/* The agent's connections do not come by the uplink. */
		{ { CT_STEERED }, DROP },
		{ { CT_KNOWN }, ACCEPT },
		{ { ICMP6(ND_ROUTER_ADVERT) }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_SOLICIT) }, ACCEPT },
		{ { ICMP6(ND_NEIGHBOR_ADVERT) }, ACCEPT },
		/* The uplink's DHCP, whose answers conntrack may not know. */
		{ { V4, UDP, is(FROM_PORT, 67), is(PORT, 68) }, ACCEPT },
		{ { V6, UDP, is(FROM_PORT, 547), is(PORT, 546), LINK_LOCAL },
		  ACCEPT },
	};
	const struct rule from_agent[] = {
		/*
		 * All TCP and UDP that is here was steered, also what was sent
		 * to these ports by number: the listener sees that it was.
		 */
		{ { TCP, is(PORT, tcp_port) }, ACCEPT },
		{ { TCP, is(PORT, dns_port) }, ACCEPT },
		{ { UDP, is(PORT, dns_port) }, ACCEPT },
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
static void add_outbound(struct batch *batch)
{
	const struct rule outbound[] = {
		{ { not(TO_AGENT) }, ACCEPT },
		{ { CT_KNOWN }, ACCEPT },
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

/* --- Sending it ------------------------------------------------------ */

static void batch_frame(struct batch *batch, bool begin)
{
	char *at = mnl_nlmsg_batch_current(batch->messages);

	if (batch->error)
		return;
	if (begin)
		nftnl_batch_begin(at, batch->seq++);
	else
		nftnl_batch_end(at, batch->seq++);
	batch_next(batch);
}

/* One datagram's answers. The kernel puts the error of a commit first. */
static int count_acks(const char *answers, size_t len, uint32_t *n_acks)
{
	const struct nlmsghdr *message = (const void *)answers;
	int left = (int)len;

	for (; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left)) {
		const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);

		if (message->nlmsg_type != NLMSG_ERROR)
			continue;
		if (mnl_nlmsg_get_payload_len(message) < sizeof(*answer))
			return -EPROTO;
		if (answer->error)
			return answer->error;
		(*n_acks)++;
	}
	return 0;
}

/*
 * The kernel has done all of the batch, and queued all answers, when the
 * send returns; so the reads need not wait, and an answer that is not there
 * is one that was lost.
 */
static int batch_send(struct batch *batch)
{
	const size_t len = mnl_nlmsg_batch_size(batch->messages);
	int on = 1;
	struct mnl_socket *socket;
	_Alignas(struct nlmsghdr) char answers[4096];
	uint32_t n_acks = 0;
	int error = 0;

	socket = mnl_socket_open2(NETLINK_NETFILTER,
				  SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof(on)) <
		    0 ||
	    mnl_socket_sendto(socket, mnl_nlmsg_batch_head(batch->messages),
			      len) < 0) {
		error = -errno;
		goto out;
	}
	while (error == 0 && n_acks < batch->n_expected) {
		ssize_t n =
			mnl_socket_recvfrom(socket, answers, sizeof(answers));

		if (n < 0)
			error = errno == EAGAIN ? -EPROTO : -errno;
		else
			error = count_acks(answers, (size_t)n, &n_acks);
	}
out:
	mnl_socket_close(socket);
	return error;
}

int redirect_install(const struct redirect *redirect)
{
	struct batch batch = { .redirect = redirect,
			       .seq = (uint32_t)time(NULL) };
	int error = -ENOMEM;

	assert(redirect->internal[0] &&
	       memchr(redirect->internal, '\0', sizeof(redirect->internal)));
	assert(redirect->n_agents <= REDIRECT_AGENTS_MAX &&
	       redirect->n_prefixes <= REDIRECT_AGENTS_MAX);

	/* Room behind the end for the message that turns out not to fit. */
	batch.buffer = malloc(2 * (size_t)BATCH_MAX);
	if (!batch.buffer)
		goto out;
	batch.messages = mnl_nlmsg_batch_start(batch.buffer, BATCH_MAX);
	if (!batch.messages)
		goto out;

	/* Deleting needs one that is there; adding one twice is no error. */
	batch_frame(&batch, true);
	add_table(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	add_table(&batch, NFT_MSG_DELTABLE, 0);
	add_table(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	add_chains(&batch);
	add_sources(&batch);
	add_refusals(&batch);
	add_guard(&batch);
	add_steering(&batch);
	add_inbound(&batch);
	add_outbound(&batch);
	batch_frame(&batch, false);
	error = batch.error ? batch.error : batch_send(&batch);
out:
	if (batch.messages)
		mnl_nlmsg_batch_stop(batch.messages);
	free(batch.buffer);
	return error;
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

/* Writes only where there is something to change: /proc/sys may be read-only */
static bool turn_off(int folder, const char *device, const char *file)
{
	char path[300], now = '?';
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", device, file) >=
	    (int)sizeof(path))
		return false;
	fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT; /* the device has just gone */
	if (read(fd, &now, 1) != 1)
		now = '?';
	(void)close(fd);
	if (now == '0')
		return true;
	fd = openat(folder, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	now = write(fd, "0", 1) == 1 ? '0' : '?';
	(void)close(fd);
	return now == '0';
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
			bool off = turn_off(dirfd(folder), device->d_name,
					    files[i]);

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
	(void)turn_off(AT_FDCWD, "/proc/sys/net/ipv4", "icmp_ratelimit");
	(void)turn_off(AT_FDCWD, "/proc/sys/net/ipv6/icmp", "ratelimit");
}

int redirect_forward_nothing(void)
{
	int error = 0;

	answer_each();
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		int family_error = family_off(i);

		if (!error)
			error = family_error;
	}
	return error;
}
