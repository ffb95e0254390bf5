/*
 * nft.h - rules as data, and the way into the kernel's nf_tables
 *
 * A rule is a list of matches and an action; a batch is one transaction that
 * replaces one table of the `inet` family by chains of such rules. It is
 * acknowledged message by message: either all of it is there, or nothing has
 * changed. What the rules are is for redirect.c to say.
 */
#ifndef SLUICE_NFT_H
#define SLUICE_NFT_H

#include "ruleset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a rule can look at. */
enum field {
	FIELD_NONE,
	FIELD_RATE,  /* at most so many packets, or more than that */
	FIELD_COUNT, /* of connections that came by: more than that */
	FIELD_IN,
	FIELD_OUT,
	FIELD_CARD, /* that an Ethernet frame is from */
	FIELD_FAMILY,
	FIELD_PROTOCOL, /* after IPv6 extension headers */
	FIELD_CT_STATE,
	FIELD_CT_STATUS,
	FIELD_IP4_LENGTH,
	FIELD_IP4_FRAGMENT,
	FIELD_IP4_SOURCE,
	FIELD_IP4_TARGET,
	FIELD_IP6_NEXT, /* before extension headers */
	FIELD_IP6_SOURCE,
	FIELD_IP6_TARGET,
	FIELD_FROM_PORT,
	FIELD_PORT,
	FIELD_ICMP_TYPE,
	FIELD_ICMP4_CITED_PORT, /* where what an error cites was from */
	FIELD_ICMP6_CITED_PORT,
	FIELD_UDP_CHECKSUM,
};

/* In bytes; 0 for what is no part of a packet. */
size_t field_len(enum field field);

/* (field & mask) == value, or != where it differs. */
struct nft_match {
	enum field field;
	bool differs;
	bool masked;
	uint8_t value[16], mask[16];
	uint32_t per_s, burst; /* of FIELD_RATE */
	uint32_t count;        /* of FIELD_COUNT */
};

enum nft_action_kind {
	NFT_ACTION_VERDICT, /* @number; @text is the chain to go to, or "" */
	NFT_ACTION_LOG,     /* to NFLOG group @number, under the prefix @text */
	NFT_ACTION_REJECT,  /* with an NFT_REJECT_ICMPX of @number */
	NFT_ACTION_RESET,   /* of a TCP connection */
	NFT_ACTION_REDIRECT,  /* to port @number */
	NFT_ACTION_UNTRACK,   /* the kernel is to keep no track of it */
	NFT_ACTION_FROM_PORT, /* a datagram is from port @number, from now on */
	NFT_ACTION_TO_PORT,   /* or to */
};

#define NFT_TEXT_MAX 64

struct nft_action {
	enum nft_action_kind kind;
	int number;
	char text[NFT_TEXT_MAX];
};

struct nft_rule {
	struct nft_match when[5]; /* all of these */
	struct nft_action then;
};

struct nft_chain {
	const char *name, *type; /* no type: called by others */
	uint32_t hook;
	int priority;
	uint32_t policy;
};

/* The first thing to go wrong is kept, and all later calls do nothing. */
struct nft_batch;

/*
 * A transaction that begins with an empty table of that name, whatever is
 * there now. @flags are NFT_TABLE_F_*; @table is borrowed. NULL if there is no
 * memory.
 */
MUST_CHECK struct nft_batch *nft_batch_new(const char *table, uint32_t flags);
void nft_batch_free(struct nft_batch *batch);

void nft_batch_chain(struct nft_batch *batch, const struct nft_chain *chain);

/* Appends @n rules to @chain, in order. */
void nft_batch_rules(struct nft_batch *batch, const char *chain,
		     const struct nft_rule *rules, size_t n);

/* Deletes the table that the transaction has made: it was only to try. */
void nft_batch_undo(struct nft_batch *batch);

/* What has been put in, owned by the batch; NULL if something went wrong. */
struct ruleset *nft_batch_ruleset(struct nft_batch *batch);

/*
 * A non-blocking socket for what follows. Its netlink port, by which the
 * kernel tells others who changed something, is put in @port unless that is
 * NULL. Returns it or -errno.
 */
MUST_CHECK int nft_open(uint32_t *port);

/*
 * Ends the transaction and sends it. Needs CAP_NET_ADMIN. Returns 0 or
 * -errno; on failure what was there before is there still.
 */
MUST_CHECK int nft_batch_commit(struct nft_batch *batch, int link);

/*
 * Reads the table of that name as the kernel has it; a table that is not
 * there has no lines. Frees what @found had. Returns 0, -EINTR if it will
 * not stand still, or -errno.
 */
MUST_CHECK int nft_read(int link, const char *table, struct ruleset *found);

/*
 * Sans-I/O: one datagram, aligned as struct nlmsghdr is, of the answer to the
 * dump of tables, chains or rules that was asked for as number @seq. Adds to
 * @found what is of the table of that name. Returns NFT_PARSE_MORE if the end
 * is still to come, 0 if this was it, -EINTR if the rules changed meanwhile,
 * or -errno.
 */
#define NFT_PARSE_MORE 1
MUST_CHECK int nft_parse(const void *bytes, size_t len, uint32_t seq,
			 const char *table, struct ruleset *found);

#endif
