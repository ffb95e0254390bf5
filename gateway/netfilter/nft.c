#include "nft.h"

#include "netlink.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

/* Where a UDP header has it. */
#define UDP_CHECKSUM 6

/* Well above the some 100 rules that REDIRECT_AGENTS_MAX can lead to. */
#define BATCH_MAX 65536

/* Enough for the headers; nflog.c reads no further. */
#define LOG_BYTES 128

/* A table that changes under our eyes is read anew, this often. */
#define READ_TRIES 8

/* More answers than a batch can have. */
#define DRAIN_MAX 4096

static const struct {
	const char *expression;
	uint32_t key; /* or base, of a header */
	uint32_t offset, len;
} fields[] = {
	[FIELD_IN] = { "meta", NFT_META_IIFNAME, 0, IFNAMSIZ },
	[FIELD_OUT] = { "meta", NFT_META_OIFNAME, 0, IFNAMSIZ },
	[FIELD_CARD] = { "payload", NFT_PAYLOAD_LL_HEADER, 6, 6 },
	[FIELD_FAMILY] = { "meta", NFT_META_NFPROTO, 0, 1 },
	[FIELD_PROTOCOL] = { "meta", NFT_META_L4PROTO, 0, 1 },
	[FIELD_CT_STATE] = { "ct", NFT_CT_STATE, 0, 4 },
	[FIELD_CT_STATUS] = { "ct", NFT_CT_STATUS, 0, 4 },
	[FIELD_IP4_LENGTH] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 0, 1 },
	[FIELD_IP4_FRAGMENT] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 6, 2 },
	[FIELD_IP4_SOURCE] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 12, 4 },
	[FIELD_IP4_TARGET] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 16, 4 },
	[FIELD_IP6_NEXT] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 6, 1 },
	[FIELD_IP6_SOURCE] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 8, 16 },
	[FIELD_IP6_TARGET] = { "payload", NFT_PAYLOAD_NETWORK_HEADER, 24, 16 },
	[FIELD_FROM_PORT] = { "payload", NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2 },
	[FIELD_PORT] = { "payload", NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2 },
	[FIELD_ICMP_TYPE] = { "payload", NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1 },
	[FIELD_ICMP4_CITED_PORT] = { "payload", NFT_PAYLOAD_TRANSPORT_HEADER,
				     8 + 20, 2 },
	[FIELD_ICMP6_CITED_PORT] = { "payload", NFT_PAYLOAD_TRANSPORT_HEADER,
				     8 + 40, 2 },
	[FIELD_UDP_CHECKSUM] = { "payload", NFT_PAYLOAD_TRANSPORT_HEADER,
				 UDP_CHECKSUM, 2 },
};

size_t field_len(enum field field)
{
	return fields[field].len;
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

static bool append_mask(struct nftnl_rule *rule, const struct nft_match *m)
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

static bool append_rate(struct nftnl_rule *rule, const struct nft_match *m)
{
	struct nftnl_expr *e = append(rule, "limit");

	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, m->per_s);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, m->burst);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_FLAGS,
			   m->differs ? NFT_LIMIT_F_INV : 0);
	return true;
}

static bool append_count(struct nftnl_rule *rule, const struct nft_match *m)
{
	struct nftnl_expr *e = append(rule, "connlimit");

	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CONNLIMIT_COUNT, m->count);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV);
	return true;
}

static bool append_match(struct nftnl_rule *rule, const struct nft_match *m)
{
	struct nftnl_expr *e;

	if (m->field == FIELD_RATE)
		return append_rate(rule, m);
	if (m->field == FIELD_COUNT)
		return append_count(rule, m);
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
	return !chain[0] ||
	       nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain) == 0;
}

static bool append_log(struct nftnl_rule *rule, uint16_t group,
		       const char *prefix)
{
	struct nftnl_expr *e = append(rule, "log");

	if (!e)
		return false;
	nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, group);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOG_SNAPLEN, LOG_BYTES);
	return nftnl_expr_set_str(e, NFTNL_EXPR_LOG_PREFIX, prefix) == 0;
}

static bool append_reject(struct nftnl_rule *rule, uint32_t type, uint8_t code)
{
	struct nftnl_expr *e = append(rule, "reject");

	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE, type);
	nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, code);
	return true;
}

static bool append_port(struct nftnl_rule *rule, uint16_t port)
{
	const uint8_t wire[2] = { (uint8_t)(port >> 8), (uint8_t)port };
	struct nftnl_expr *e = append(rule, "immediate");

	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	return nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, wire, sizeof(wire)) == 0;
}

/* Writes a port where @field is in the datagram, and mends its checksum. */
static bool append_rewrite(struct nftnl_rule *rule, enum field field,
			   uint16_t port)
{
	struct nftnl_expr *e;

	if (!append_port(rule, port))
		return false;
	e = append(rule, "payload");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, fields[field].key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, fields[field].offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, fields[field].len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_TYPE,
			   NFT_PAYLOAD_CSUM_INET);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, UDP_CHECKSUM);
	return true;
}

static bool append_redirect(struct nftnl_rule *rule, uint16_t port)
{
	struct nftnl_expr *e;

	if (!append_port(rule, port))
		return false;
	e = append(rule, "redir");
	if (!e)
		return false;
	/* The kernel adds the last two by itself, and reads them back. */
	nftnl_expr_set_u32(e, NFTNL_EXPR_REDIR_REG_PROTO_MIN, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_REDIR_REG_PROTO_MAX, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_REDIR_FLAGS,
			   NF_NAT_RANGE_PROTO_SPECIFIED);
	return true;
}

static bool append_action(struct nftnl_rule *rule,
			  const struct nft_action *then)
{
	switch (then->kind) {
	case NFT_ACTION_VERDICT:
		return append_verdict(rule, then->number, then->text);
	case NFT_ACTION_LOG:
		return append_log(rule, (uint16_t)then->number, then->text);
	case NFT_ACTION_REJECT:
		return append_reject(rule, NFT_REJECT_ICMPX_UNREACH,
				     (uint8_t)then->number);
	case NFT_ACTION_RESET:
		return append_reject(rule, NFT_REJECT_TCP_RST, 0);
	case NFT_ACTION_REDIRECT:
		return append_redirect(rule, (uint16_t)then->number);
	case NFT_ACTION_UNTRACK:
		return append(rule, "notrack") != NULL;
	case NFT_ACTION_FROM_PORT:
		return append_rewrite(rule, FIELD_FROM_PORT,
				      (uint16_t)then->number);
	case NFT_ACTION_TO_PORT:
		return append_rewrite(rule, FIELD_PORT, (uint16_t)then->number);
	}
	return false;
}

static bool append_all(struct nftnl_rule *rule, const struct nft_rule *r)
{
	const size_t max = sizeof(r->when) / sizeof(*r->when);

	for (size_t i = 0; i < max && r->when[i].field; i++)
		if (!append_match(rule, &r->when[i]))
			return false;
	return append_action(rule, &r->then);
}

/* --- As text --------------------------------------------------------- */

static int describe_table(struct ruleset *ruleset,
			  const struct nftnl_table *table)
{
	char text[RULESET_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "flags %#x",
		       nftnl_table_get_u32(table, NFTNL_TABLE_FLAGS));
	return ruleset_add(ruleset, "", text);
}

/* What the kernel adds by itself is left out. */
static int describe_chain(struct ruleset *ruleset,
			  const struct nftnl_chain *chain)
{
	const char *name = nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME);
	const uint32_t flags = nftnl_chain_get_u32(chain, NFTNL_CHAIN_FLAGS) &
			       ~(uint32_t)NFT_CHAIN_BASE;
	char text[RULESET_TEXT_MAX];

	if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM))
		(void)snprintf(text, sizeof(text), "called flags %#x", flags);
	else
		(void)snprintf(text, sizeof(text),
			       "%s hook %u priority %d policy %u flags %#x",
			       nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE),
			       nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM),
			       nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO),
			       nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY),
			       flags);
	return ruleset_add(ruleset, name ? name : "?", text);
}

struct description {
	char text[RULESET_TEXT_MAX];
	size_t len;
	bool too_long;
};

static int describe_expr(struct nftnl_expr *e, void *arg)
{
	struct description *d = arg;
	const size_t left = sizeof(d->text) - d->len;
	int n = snprintf(d->text + d->len, left, "[ %s ",
			 nftnl_expr_get_str(e, NFTNL_EXPR_NAME));

	if (n < 0 || (size_t)n >= left) {
		d->too_long = true;
		return -1;
	}
	d->len += (size_t)n;
	n = nftnl_expr_snprintf(d->text + d->len, left - (size_t)n, e,
				NFTNL_OUTPUT_DEFAULT, 0);
	if (n < 0 || (size_t)n + 2 >= sizeof(d->text) - d->len) {
		d->too_long = true;
		return -1;
	}
	d->len += (size_t)n;
	d->text[d->len++] = ']';
	d->text[d->len] = '\0';
	return 0;
}

static int describe_rule(struct ruleset *ruleset, struct nftnl_rule *rule)
{
	const char *chain = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
	struct description d = { .text = "" };

	(void)nftnl_expr_foreach(rule, describe_expr, &d);
	return ruleset_add(ruleset, chain ? chain : "?",
			   d.too_long ? "too long" : d.text);
}

/* --- One transaction ------------------------------------------------ */

struct nft_batch {
	const char *table;
	struct mnl_nlmsg_batch *messages;
	char *buffer;
	struct ruleset ruleset; /* what has been put in so far */
	uint32_t seq, n_expected;
	int error;
};

/* Where the next message goes; it is acknowledged by itself. */
static struct nlmsghdr *batch_message(struct nft_batch *batch, uint16_t type,
				      uint16_t flags)
{
	batch->n_expected++;
	return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch->messages),
				     type, NFPROTO_INET,
				     (uint16_t)(flags | NLM_F_ACK),
				     batch->seq++);
}

static void batch_next(struct nft_batch *batch)
{
	if (!mnl_nlmsg_batch_next(batch->messages))
		batch->error = -E2BIG;
}

static void batch_frame(struct nft_batch *batch, bool begin)
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

static void batch_table(struct nft_batch *batch, uint16_t type, uint16_t flags,
			uint32_t table_flags)
{
	struct nftnl_table *table;

	if (batch->error)
		return;
	table = nftnl_table_alloc();
	if (!table ||
	    nftnl_table_set_str(table, NFTNL_TABLE_NAME, batch->table) < 0) {
		batch->error = -ENOMEM;
		goto out;
	}
	if (table_flags)
		nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, table_flags);
	nftnl_table_nlmsg_build_payload(batch_message(batch, type, flags),
					table);
	batch_next(batch);
out:
	if (table)
		nftnl_table_free(table);
}

static void batch_rule(struct nft_batch *batch, const char *chain,
		       const struct nft_rule *r)
{
	struct nftnl_rule *rule;

	if (batch->error)
		return;
	rule = nftnl_rule_alloc();
	if (!rule ||
	    nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, batch->table) < 0 ||
	    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain) < 0 ||
	    !append_all(rule, r)) {
		batch->error = -ENOMEM;
		goto out;
	}
	batch->error = describe_rule(&batch->ruleset, rule);
	nftnl_rule_nlmsg_build_payload(batch_message(batch, NFT_MSG_NEWRULE,
						     NLM_F_CREATE |
							     NLM_F_APPEND),
				       rule);
	batch_next(batch);
out:
	if (rule)
		nftnl_rule_free(rule);
}

/* What an error or the end of a dump says: 0 or -errno. */
static int read_error(const struct netlink_message *message)
{
	struct cursor c = message->body;
	const uint8_t *bytes = cursor_bytes(&c, sizeof(int));
	int error;

	if (!bytes)
		return -EPROTO;
	memcpy(&error, bytes, sizeof(error));
	return error > 0 ? -EPROTO : error;
}

/* One datagram's answers. The kernel puts the error of a commit first. */
static int count_acks(const void *answers, size_t len, uint32_t *n_acks)
{
	struct cursor c = cursor_over(answers, len);
	struct netlink_message message;
	int error = 0;

	while (error == 0 && netlink_message_next(&c, &message)) {
		if (message.head.nlmsg_type != NLMSG_ERROR)
			continue;
		error = read_error(&message);
		if (error == 0)
			(*n_acks)++;
	}
	return error == 0 && c.failed ? -EPROTO : error;
}

/* Nothing is expected: what is there belongs to something that failed. */
static void link_drain(int link)
{
	char bytes[64];

	for (int i = 0; i < DRAIN_MAX; i++)
		if (recv(link, bytes, sizeof(bytes), MSG_TRUNC) < 0 &&
		    errno == EAGAIN)
			break;
}

/*
 * The kernel has done all of the batch, and queued all answers, when the
 * send returns; so the reads need not wait, and an answer that is not there
 * is one that was lost.
 */
static int batch_send(struct nft_batch *batch, int link)
{
	const size_t len = mnl_nlmsg_batch_size(batch->messages);
	_Alignas(struct nlmsghdr) char answers[4096];
	uint32_t n_acks = 0;
	int error = 0;

	link_drain(link);
	if (send(link, mnl_nlmsg_batch_head(batch->messages), len, 0) < 0)
		return -errno;
	while (error == 0 && n_acks < batch->n_expected) {
		ssize_t n = recv(link, answers, sizeof(answers), 0);

		if (n < 0)
			error = errno == EAGAIN ? -EPROTO : -errno;
		else
			error = count_acks(answers, (size_t)n, &n_acks);
	}
	return error;
}

struct nft_batch *nft_batch_new(const char *table, uint32_t flags)
{
	char text[32];
	struct nft_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->table = table;
	batch->seq = (uint32_t)time(NULL);
	/* Room behind the end for the message that turns out not to fit. */
	batch->buffer = malloc(2 * (size_t)BATCH_MAX);
	if (batch->buffer)
		batch->messages =
			mnl_nlmsg_batch_start(batch->buffer, BATCH_MAX);
	if (!batch->messages) {
		nft_batch_free(batch);
		return NULL;
	}
	/* Deleting needs one that is there; adding one twice is no error. */
	batch_frame(batch, true);
	batch_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, 0);
	batch_table(batch, NFT_MSG_DELTABLE, 0, 0);
	batch_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, flags);
	(void)snprintf(text, sizeof(text), "flags %#x", flags);
	if (!batch->error)
		batch->error = ruleset_add(&batch->ruleset, "", text);
	return batch;
}

void nft_batch_free(struct nft_batch *batch)
{
	if (!batch)
		return;
	if (batch->messages)
		mnl_nlmsg_batch_stop(batch->messages);
	ruleset_done(&batch->ruleset);
	free(batch->buffer);
	free(batch);
}

void nft_batch_chain(struct nft_batch *batch, const struct nft_chain *c)
{
	struct nftnl_chain *chain;

	if (batch->error)
		return;
	chain = nftnl_chain_alloc();
	if (!chain ||
	    nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, batch->table) < 0 ||
	    nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, c->name) < 0 ||
	    (c->type &&
	     nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, c->type) < 0)) {
		batch->error = -ENOMEM;
		goto out;
	}
	if (c->type) {
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, c->hook);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, c->priority);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, c->policy);
	}
	batch->error = describe_chain(&batch->ruleset, chain);
	nftnl_chain_nlmsg_build_payload(
		batch_message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE), chain);
	batch_next(batch);
out:
	if (chain)
		nftnl_chain_free(chain);
}

void nft_batch_rules(struct nft_batch *batch, const char *chain,
		     const struct nft_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		batch_rule(batch, chain, &rules[i]);
}

void nft_batch_undo(struct nft_batch *batch)
{
	batch_table(batch, NFT_MSG_DELTABLE, 0, 0);
}

struct ruleset *nft_batch_ruleset(struct nft_batch *batch)
{
	return batch->error ? NULL : &batch->ruleset;
}

int nft_batch_commit(struct nft_batch *batch, int link)
{
	batch_frame(batch, false);
	return batch->error ? batch->error : batch_send(batch, link);
}

/* --- Reading back ---------------------------------------------------- */

static bool is_ours(uint32_t family, const char *table, const char *name)
{
	return family == NFPROTO_INET && table && strcmp(table, name) == 0;
}

static int read_table(const struct nlmsghdr *message, const char *name,
		      struct ruleset *found)
{
	struct nftnl_table *table = nftnl_table_alloc();
	int error = 0;

	if (!table)
		return -ENOMEM;
	if (nftnl_table_nlmsg_parse(message, table) < 0)
		error = -EPROTO;
	else if (is_ours(nftnl_table_get_u32(table, NFTNL_TABLE_FAMILY),
			 nftnl_table_get_str(table, NFTNL_TABLE_NAME), name))
		error = describe_table(found, table);
	nftnl_table_free(table);
	return error;
}

static int read_chain(const struct nlmsghdr *message, const char *name,
		      struct ruleset *found)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	int error = 0;

	if (!chain)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(message, chain) < 0)
		error = -EPROTO;
	else if (is_ours(nftnl_chain_get_u32(chain, NFTNL_CHAIN_FAMILY),
			 nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE), name))
		error = describe_chain(found, chain);
	nftnl_chain_free(chain);
	return error;
}

static int read_rule(const struct nlmsghdr *message, const char *name,
		     struct ruleset *found)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	int error = 0;

	if (!rule)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(message, rule) < 0)
		error = -EPROTO;
	else if (is_ours(nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY),
			 nftnl_rule_get_str(rule, NFTNL_RULE_TABLE), name))
		error = describe_rule(found, rule);
	nftnl_rule_free(rule);
	return error;
}

/* @message is aligned, and whole. */
static int read_object(const struct nlmsghdr *message, const char *table,
		       struct ruleset *found)
{
	switch (message->nlmsg_type) {
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE:
		return read_table(message, table, found);
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN:
		return read_chain(message, table, found);
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE:
		return read_rule(message, table, found);
	default:
		return -EPROTO;
	}
}

int nft_parse(const void *bytes, size_t len, uint32_t seq, const char *table,
	      struct ruleset *found)
{
	struct cursor c = cursor_over(bytes, len);
	const void *at = bytes;
	struct netlink_message message;
	int error = 0;

	for (; error == 0 && netlink_message_next(&c, &message); at = c.at) {
		if (message.head.nlmsg_seq != seq)
			return -EPROTO;
		if (message.head.nlmsg_flags & NLM_F_DUMP_INTR)
			return -EINTR;
		if (message.head.nlmsg_type == NLMSG_DONE)
			return read_error(&message);
		if (message.head.nlmsg_type == NLMSG_ERROR)
			error = read_error(&message);
		else if (cursor_left(&message.body) >= sizeof(struct nfgenmsg))
			error = read_object(at, table, found);
		else
			error = -EPROTO;
	}
	if (error)
		return error;
	return c.failed ? -EPROTO : NFT_PARSE_MORE;
}

/* -EINTR if the rules changed meanwhile. */
static int dump(int link, uint16_t type, const char *table,
		struct ruleset *found)
{
	_Alignas(struct nlmsghdr) char bytes[32768];
	struct nlmsghdr *message = nftnl_nlmsg_build_hdr(
		bytes, type, NFPROTO_INET, NLM_F_DUMP, (uint32_t)type);
	int error = NFT_PARSE_MORE;

	link_drain(link);
	if (send(link, message, message->nlmsg_len, 0) < 0)
		return -errno;
	while (error == NFT_PARSE_MORE) {
		ssize_t n = recv(link, bytes, sizeof(bytes), 0);

		if (n < 0)
			return errno == EAGAIN ? -EPROTO : -errno;
		error = nft_parse(bytes, (size_t)n, type, table, found);
	}
	return error;
}

int nft_read(int link, const char *table, struct ruleset *found)
{
	int error = -EINTR;

	for (int i = 0; i < READ_TRIES && error == -EINTR; i++) {
		ruleset_done(found);
		error = dump(link, NFT_MSG_GETTABLE, table, found);
		if (error == 0)
			error = dump(link, NFT_MSG_GETCHAIN, table, found);
		if (error == 0)
			error = dump(link, NFT_MSG_GETRULE, table, found);
	}
	if (error)
		ruleset_done(found);
	return error;
}

/* --- The link -------------------------------------------------------- */

int nft_open(uint32_t *port)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(address);
	const int on = 1;
	int error;
	int link = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			  NETLINK_NETFILTER);

	if (link < 0)
		return -errno;
	if (bind(link, (const struct sockaddr *)&address, len) < 0 ||
	    getsockname(link, (struct sockaddr *)&address, &len) < 0 ||
	    setsockopt(link, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) <
		    0) {
		error = -errno;
		(void)close(link);
		return error;
	}
	if (port)
		*port = address.nl_pid;
	return link;
}
