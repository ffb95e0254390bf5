/*
 * table.h - a bounded hash table that forgets what was used least lately
 *
 * For caches whose keys a peer may choose. An entry embeds a struct
 * table_node; the table links nodes and owns none of their memory. It holds
 * at most as many as it was made for: one more evicts the one that was used
 * least lately. Keys are hashed with SipHash under a random key, so that
 * nobody outside can choose keys that fall into one chain.
 *
 *	struct leaf { struct table_node node; struct domain name; ... };
 *
 *	hash = table_hash(&table, name->name, name->len);
 *	node = table_find(&table, hash, name);
 *	if (node)
 *		leaf = table_entry(node, struct leaf, node);
 */
#ifndef SLUICE_TABLE_H
#define SLUICE_TABLE_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* The struct of @type whose member @member is @pointer. */
#define table_entry(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#define table_entry_const(pointer, type, member) \
	((const type *)(const void *)((          \
		const char *)(pointer)-offsetof(type, member)))

struct table_node {
	struct table_node *next; /* in its chain */
	TAILQ_ENTRY(table_node) order;
	uint64_t hash;
};

TAILQ_HEAD(table_order, table_node);

/* What a table asks of its entries' kind. */
struct table_ops {
	/* Whether @node's key is @key, as given to table_find(). */
	bool (*is)(const struct table_node *node, const void *key);
	/* @node is out of the table already: free its entry. */
	void (*evict)(struct table_node *node, void *arg);
};

struct table {
	const struct table_ops *ops;
	void *arg; /* for ops->evict */
	struct table_node **chains;
	size_t n_chains; /* a power of two */
	size_t n, max;
	struct table_order order; /* the one used last comes first */
	uint64_t key[2];
};

/*
 * Makes @table ready for @max entries, which must not be 0; all memory it
 * ever needs is taken here. Returns 0 or -errno.
 */
MUST_CHECK int table_init(struct table *table, size_t max,
			  const struct table_ops *ops, void *arg);

/* Evicts all entries. */
void table_clear(struct table *table);

/* The same, for good. A table that is all zeroes may be passed too. */
void table_done(struct table *table);

uint64_t table_hash(const struct table *table, const void *bytes, size_t len);

/* The entry for @key, which now counts as used last; NULL if there is none. */
struct table_node *table_find(struct table *table, uint64_t hash,
			      const void *key);

/*
 * Adds @node, evicting first if the table is full. That its key is not there
 * yet is the caller's to see to.
 */
void table_insert(struct table *table, struct table_node *node, uint64_t hash);

/* Takes @node out. It is the caller's again; ops->evict is not called. */
void table_remove(struct table *table, struct table_node *node);

/* SipHash-2-4 (Aumasson, Bernstein 2012), which table_hash() is made of. */
uint64_t table_siphash(const uint64_t key[2], const void *bytes, size_t len);

#endif
