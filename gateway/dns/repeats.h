/*
 * repeats.h - answers alike share a line of the record, and refusals a text
 *
 * A program that is refused a name asks for it again and again, and one that
 * is not asks before each connection. The first answer of a kind (to a name
 * and record type, with a reason) is written at once; the next ones are
 * counted, and at most one line in REPEATS_LINE_MS says how many there were.
 * None goes uncounted: what is pending is written when it is due, when its
 * place is needed, and at the end. What was asked upstream is not for here:
 * each such question is a line of its own.
 *
 * What the agent is told of a refusal is kept beside the count, so that it is
 * made once.
 */
#ifndef SLUICE_REPEATS_H
#define SLUICE_REPEATS_H

#include "dns_message.h"
#include "refusal.h"
#include "table.h"

#define REPEATS_MAX 2048 /* of a worker; about 1 KiB each */
#define REPEATS_LINE_MS 10000
#define REPEATS_DETAIL_MAX 160

/* What is looked at each time comes first: there are many of these. */
struct repeat {
	struct table_node node;
	int64_t written_ms;
	uint64_t count; /* since then; not written yet */
	/* Of the last one; @asked below as well. */
	struct address agent;
	uint16_t agent_port;
	bool over_tcp;
	unsigned line;
	/* What makes two alike; @detail below as well. */
	uint16_t type;
	enum verdict verdict;
	enum reason reason;
	struct domain name; /* len 0 where there is none */

	char detail[REPEATS_DETAIL_MAX]; /* "" if there is none */
	struct domain asked;             /* where it differs from @name */
	/* Of all of them, where they are refusals. */
	char id[REFUSAL_ID_LEN + 1];
	char text[DNS_EDE_TEXT_MAX + 1];
};

struct repeats {
	struct table table;
	void (*write)(void *arg, const struct repeat *repeat);
	void *arg;
};

/* What makes two alike, as in struct repeat; borrowed. */
struct repeat_key {
	const struct domain *name;
	enum verdict verdict;
	enum reason reason;
	uint16_t type;
	const char *detail; /* or NULL; what is too long is cut */
};

/*
 * @write puts one line into the record for repeat->count answers. Returns 0
 * or -errno; repeats_done(), which accepts all zeroes, writes what is pending.
 */
MUST_CHECK int
repeats_init(struct repeats *repeats,
	     void (*write)(void *arg, const struct repeat *repeat), void *arg);
void repeats_done(struct repeats *repeats);

/*
 * The place of answers like @key; @is_new if there was none, and a refusal's
 * id and text are to be filled in. NULL for want of memory. It may be gone
 * after the next call.
 */
struct repeat *repeats_place(struct repeats *repeats,
			     const struct repeat_key *key, bool *is_new);

/* One more: written now if it is the first, or due. */
void repeats_count(struct repeats *repeats, struct repeat *repeat,
		   int64_t now_ms);

/* Writes whatever is due; to be called every few seconds. */
void repeats_sweep(struct repeats *repeats, int64_t now_ms);

#endif
