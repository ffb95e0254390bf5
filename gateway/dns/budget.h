/*
 * budget.h - how much an agent may say by the names it asks for
 *
 * Below a wildcard the agent chooses the names, and whoever serves the zone
 * hears them: `*.example.org` is a line out of the sandbox as wide as its
 * questions. So each wildcard route has a budget, for all workers together,
 * of what is asked upstream in any BUDGET_WINDOW_MS:
 *
 *	a name has at most	BUDGET_LABELS labels below the wildcard
 *	names not asked lately	BUDGET_NAMES
 *	bytes			BUDGET_BYTES; such a name takes its bytes below
 *				the wildcard and one more, a name that was
 *				asked lately BUDGET_REPEAT; the last
 *				BUDGET_RESERVED are for those. A question for
 *				another type than A and AAAA takes BUDGET_TYPE
 *				besides
 *
 * What is answered from the cache is not heard outside and costs nothing. The
 * last BUDGET_KNOWN names of a wildcard count as asked lately.
 *
 * What that lets through: a byte is one of 39 (a to z, 0 to 9, hyphen,
 * underscore, dot), or 5.29 bits. The byte more pays for where a name ends and
 * for A or AAAA; a repeat is a choice of one in 2 * BUDGET_KNOWN, or 9 bits of
 * the 10.6 it pays. Another type is one of seven, or 2.8 bits of the 5.29 that
 * it pays. So 280 bytes are 1480 bits in a window of a minute: 24.7 bit/s in
 * the long run, and less than 50 in any minute or more however it lies. When a
 * question is asked, as against what, is not counted.
 *
 * What an answer brings in is not counted, records of any size though it may
 * have: it comes from whoever also says where the names lead, and so may bring
 * in as much by connections to them as the route allows. It is bounded by the
 * questions there may be, and records.h bounds each.
 *
 * An exact route has no budget: its name says nothing.
 */
#ifndef SLUICE_BUDGET_H
#define SLUICE_BUDGET_H

#include "domain.h"

#include <stdint.h>

#define BUDGET_WINDOW_MS 60000
#define BUDGET_LABELS 4
#define BUDGET_NAMES 24
#define BUDGET_BYTES 280
#define BUDGET_REPEAT 2
#define BUDGET_TYPE 1
#define BUDGET_RESERVED 40 /* so that a flood of names stops none in use */
#define BUDGET_KNOWN 256
#define BUDGET_BASES_MAX 64 /* wildcards in use at once; more share the last */

/* No two are held apart but by their hashes; those are keyed, of 64 bits. */
struct budget_base {
	uint64_t base;   /* 0: free */
	int64_t used_ms; /* when it last let something through, or refused */
	uint32_t first, n_spent;
	struct {
		int64_t at_ms;
		uint16_t bytes;
		bool is_new;
	} spent[BUDGET_BYTES / BUDGET_REPEAT]; /* a ring */
	struct {
		uint64_t name; /* 0: none */
		int64_t at_ms;
	} known[BUDGET_KNOWN];
};

/* All zeroes at first; in memory that all workers share, under its lock. */
struct budget {
	struct budget_base bases[BUDGET_BASES_MAX];
};

/*
 * Whether @name, which is below @base, may be asked upstream for its addresses
 * or, if @is_other, for another type; if so it is paid for. @key is for the
 * hashes.
 */
MUST_CHECK bool budget_spend(struct budget *budget, const uint64_t key[2],
			     const struct domain *base,
			     const struct domain *name, bool is_other,
			     int64_t now_ms);

#endif
