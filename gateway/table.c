#include "table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

/* Up to 8 bytes, least significant first, whatever the machine's order. */
static uint64_t sip_word(const uint8_t *bytes, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++)
		word |= (uint64_t)bytes[i] << 8 * i;
	return word;
}

static void sip_absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

/*
 * Not OpenSSL's: its EVP_MAC allocates and looks up by name on each use,
 * which costs many times the hash of one name.
 */
uint64_t table_siphash(const uint64_t key[2], const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	size_t left = len;
	uint64_t v[4] = {
		key[0] ^ UINT64_C(0x736f6d6570736575),
		key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261),
		key[1] ^ UINT64_C(0x7465646279746573),
	};

	for (; left >= 8; at += 8, left -= 8)
		sip_absorb(v, sip_word(at, 8));
	sip_absorb(v, sip_word(at, left) | (uint64_t)len << 56);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct table_node **table_chain(const struct table *table, uint64_t hash)
{
	return &table->chains[hash & (table->n_chains - 1)];
}

int table_init(struct table *table, size_t max, const struct table_ops *ops,
	       void *arg)
{
	uint64_t key[2];
	struct table_node **chains;
	size_t n_chains = 1;

	assert(max > 0 && max <= SIZE_MAX / 4);
	while (n_chains < max)
		n_chains *= 2;
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return errno ? -errno : -EIO;
	chains = calloc(n_chains, sizeof(struct table_node *));
	if (!chains)
		return -ENOMEM;
	*table = (struct table){
		.ops = ops,
		.arg = arg,
		.chains = chains,
		.n_chains = n_chains,
		.max = max,
		.key = { key[0], key[1] },
	};
	TAILQ_INIT(&table->order);
	return 0;
}

static void table_evict(struct table *table, struct table_node *node)
{
	table_remove(table, node);
	table->ops->evict(node, table->arg);
}

void table_clear(struct table *table)
{
	while (table->n > 0)
		table_evict(table, TAILQ_FIRST(&table->order));
}

void table_done(struct table *table)
{
	table_clear(table);
	free(table->chains);
	table->chains = NULL;
}

uint64_t table_hash(const struct table *table, const void *bytes, size_t len)
{
	return table_siphash(table->key, bytes, len);
}

struct table_node *table_find(struct table *table, uint64_t hash,
			      const void *key)
{
	struct table_node *node = *table_chain(table, hash);

	while (node && (node->hash != hash || !table->ops->is(node, key)))
		node = node->next;
	if (node && node != TAILQ_FIRST(&table->order)) {
		TAILQ_REMOVE(&table->order, node, order);
		TAILQ_INSERT_HEAD(&table->order, node, order);
	}
	return node;
}

void table_insert(struct table *table, struct table_node *node, uint64_t hash)
{
	struct table_node **chain = table_chain(table, hash);

	if (table->n == table->max)
		table_evict(table, TAILQ_LAST(&table->order, table_order));
	node->hash = hash;
	node->next = *chain;
	*chain = node;
	TAILQ_INSERT_HEAD(&table->order, node, order);
	table->n++;
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **at = table_chain(table, node->hash);

	while (*at != node) {
		assert(*at); /* or it is not in this table */
		at = &(*at)->next;
	}
	*at = node->next;
	TAILQ_REMOVE(&table->order, node, order);
	table->n--;
}
