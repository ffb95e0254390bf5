#include "netfilter/nft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#define OURS "sluice"
#define SEQ 7
#define MESSAGES_MAX 64
#define MESSAGE_MAX 256 /* more than any of those here */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/*
 * libnftnl ends the process where attributes are not the kernel's. So those
 * are left as it writes them; each two bytes say which message comes next,
 * and what is wrong with it.
 */
enum what {
	WHAT_TABLE,
	WHAT_CHAIN,
	WHAT_RULE,
	WHAT_DONE,
	WHAT_ERROR,
	WHAT_UNKNOWN,
	WHAT_SHORT,
	WHAT_COUNT
};

enum wrong {
	WRONG_TABLE = 1, /* it is of another */
	WRONG_FAMILY,
	WRONG_SEQ,
	WRONG_INTERRUPTED,
	WRONG_LEN,
	WRONG_ERRNO, /* of DONE and ERROR */
	WRONG_COUNT
};

struct dump {
	_Alignas(struct nlmsghdr) char bytes[MESSAGES_MAX * MESSAGE_MAX];
	size_t len, n_lines; /* that ours has */
	int answer;
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void put_object(struct nlmsghdr *message, enum what what,
		       const char *table)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct nftnl_rule *r = nftnl_rule_alloc();

	check(t && c && r);
	if (what == WHAT_TABLE) {
		nftnl_table_set_str(t, NFTNL_TABLE_NAME, table);
		nftnl_table_nlmsg_build_payload(message, t);
	} else if (what == WHAT_CHAIN) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, table);
		nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, "guard");
		nftnl_chain_nlmsg_build_payload(message, c);
	} else {
		nftnl_rule_set_str(r, NFTNL_RULE_TABLE, table);
		nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, "guard");
		nftnl_rule_nlmsg_build_payload(message, r);
	}
	nftnl_table_free(t);
	nftnl_chain_free(c);
	nftnl_rule_free(r);
}

static struct nlmsghdr *put_message(struct dump *dump, enum what what,
				    enum wrong wrong, int error)
{
	static const uint16_t types[WHAT_COUNT] = {
		[WHAT_TABLE] = NFT_MSG_NEWTABLE,
		[WHAT_CHAIN] = NFT_MSG_NEWCHAIN,
		[WHAT_RULE] = NFT_MSG_NEWRULE,
		[WHAT_UNKNOWN] = NFT_MSG_NEWGEN,
		[WHAT_SHORT] = NFT_MSG_NEWRULE,
	};
	const uint16_t family =
		wrong == WRONG_FAMILY ? NFPROTO_IPV4 : NFPROTO_INET;
	struct nlmsghdr *message = nftnl_nlmsg_build_hdr(
		dump->bytes + dump->len, types[what], family, 0, SEQ);

	switch (what) {
	case WHAT_DONE:
	case WHAT_ERROR:
		message->nlmsg_type =
			what == WHAT_DONE ? NLMSG_DONE : NLMSG_ERROR;
		memcpy(mnl_nlmsg_get_payload(message), &error, sizeof(error));
		break;
	case WHAT_SHORT:
		message->nlmsg_len = sizeof(*message);
		break;
	case WHAT_UNKNOWN:
	case WHAT_COUNT:
		break;
	case WHAT_TABLE:
	case WHAT_CHAIN:
	case WHAT_RULE:
		put_object(message, what,
			   wrong == WRONG_TABLE ? "sluice-held" : OURS);
		break;
	}
	return message;
}

/* What must come of it, as long as all before it was well. */
static int answer_to(enum what what, enum wrong wrong, int error)
{
	if (wrong == WRONG_LEN || wrong == WRONG_SEQ)
		return -EPROTO;
	if (wrong == WRONG_INTERRUPTED)
		return -EINTR;
	switch (what) {
	case WHAT_TABLE:
	case WHAT_CHAIN:
	case WHAT_RULE:
		return NFT_PARSE_MORE;
	case WHAT_DONE:
		return error;
	case WHAT_ERROR: /* an acknowledgement means nothing here */
		return error ? error : NFT_PARSE_MORE;
	case WHAT_UNKNOWN:
	case WHAT_SHORT:
	case WHAT_COUNT:
		break;
	}
	return -EPROTO;
}

static void put(struct dump *dump, uint8_t first, uint8_t second)
{
	static const uint32_t lens[] = { 0, 15, 0x7fffffff, 0x80000000,
					 UINT32_MAX };
	enum what what = first % WHAT_COUNT;
	enum wrong wrong = second % WRONG_COUNT;
	int error = wrong == WRONG_ERRNO ? -(1 + second / WRONG_COUNT) : 0;
	struct nlmsghdr *message = put_message(dump, what, wrong, error);

	dump->len += message->nlmsg_len;
	check(message->nlmsg_len < MESSAGE_MAX);
	if (wrong == WRONG_SEQ)
		message->nlmsg_seq++;
	else if (wrong == WRONG_INTERRUPTED)
		message->nlmsg_flags |= NLM_F_DUMP_INTR;
	else if (wrong == WRONG_LEN)
		message->nlmsg_len = lens[first / WHAT_COUNT % 5];
	if (dump->answer != NFT_PARSE_MORE)
		return; /* it comes after the end */
	dump->answer = answer_to(what, wrong, error);
	dump->n_lines += what <= WHAT_RULE && wrong != WRONG_TABLE &&
			 wrong != WRONG_FAMILY &&
			 dump->answer == NFT_PARSE_MORE;
}

/* What comes of a dump is what its messages say up to the first bad one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct dump dump;
	struct ruleset found = { 0 };
	char *bytes;

	dump.len = dump.n_lines = 0;
	dump.answer = NFT_PARSE_MORE;
	for (size_t i = 0; i + 1 < len && i / 2 < MESSAGES_MAX; i += 2)
		put(&dump, data[i], data[i + 1]);
	/* Of its own, so that a read beyond it is seen. */
	bytes = malloc(dump.len);
	check(bytes || dump.len == 0);
	if (dump.len > 0)
		memcpy(bytes, dump.bytes, dump.len);
	check(nft_parse(bytes, dump.len, SEQ, OURS, &found) == dump.answer);
	check(found.n == dump.n_lines);
	for (size_t i = 0; i < found.n; i++)
		check(strlen(found.lines[i].text) < RULESET_TEXT_MAX);
	ruleset_done(&found);
	free(bytes);
	return 0;
}
