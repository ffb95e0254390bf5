#include "cache.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

#define TTL_MIN_S 5
#define TTL_MAX_S 300
#define NEGATIVE_MAX_S 60
#define FAILED_S 2 /* a failure is kept so long, to spare the resolver */

struct key {
	const struct domain *name;
	enum dns_type type;
};

struct entry {
	struct table_node node;
	struct domain name;
	enum dns_type type;
	int64_t expires_ms;
	enum dns_result result;
	struct dns_addresses addresses;
	struct records *records; /* NULL for addresses, and for want of any */
};

static bool entry_is(const struct table_node *node, const void *key)
{
	const struct entry *entry = table_entry_const(node, struct entry, node);
	const struct key *wanted = key;

	return entry->type == wanted->type &&
	       entry->name.len == wanted->name->len &&
	       memcmp(entry->name.name, wanted->name->name,
		      wanted->name->len) == 0;
}

static void entry_evict(struct table_node *node, void *arg)
{
	struct entry *entry = table_entry(node, struct entry, node);

	(void)arg;
	free(entry->records);
	free(entry);
}

int cache_init(struct cache *cache)
{
	static const struct table_ops ops = { entry_is, entry_evict };
	int error =
		table_init(&cache->addresses, CACHE_ADDRESSES_MAX, &ops, NULL);

	if (error == 0)
		error = table_init(&cache->records, CACHE_RECORDS_MAX, &ops,
				   NULL);
	return error;
}

void cache_done(struct cache *cache)
{
	table_done(&cache->records);
	table_done(&cache->addresses);
}

static uint32_t clamp(uint32_t value, uint32_t least, uint32_t most)
{
	return value < least ? least : value > most ? most : value;
}

uint32_t cache_lifetime_s(enum dns_result result, uint32_t ttl_s)
{
	switch (result) {
	case DNS_RESULT_FOUND:
		return clamp(ttl_s, TTL_MIN_S, TTL_MAX_S);
	case DNS_RESULT_NODATA:
	case DNS_RESULT_NXDOMAIN:
		return clamp(ttl_s, FAILED_S, NEGATIVE_MAX_S);
	case DNS_RESULT_BAD:
	case DNS_RESULT_FAILED:
	case DNS_RESULT_WITHHELD:
		break;
	}
	return FAILED_S;
}

static struct table *table_of(struct cache *cache, enum dns_type type)
{
	return dns_type_is_address((uint16_t)type) ? &cache->addresses
						   : &cache->records;
}

/* All types of a name share a chain; entry_is() tells them apart. */
static struct entry *find(struct table *table, const struct key *key,
			  uint64_t *hash)
{
	struct table_node *node;

	*hash = table_hash(table, key->name->name, key->name->len);
	node = table_find(table, *hash, key);
	return node ? table_entry(node, struct entry, node) : NULL;
}

bool cache_find(struct cache *cache, const struct domain *name,
		enum dns_type type, enum dns_result *result,
		struct dns_addresses *addresses, const struct records **records)
{
	const struct key key = { name, type };
	uint64_t hash;
	const struct entry *entry = find(table_of(cache, type), &key, &hash);
	int64_t left = entry ? entry->expires_ms - clock_ms() : 0;

	if (left <= 0)
		return false;
	*result = entry->result;
	memcpy(addresses->list, entry->addresses.list,
	       entry->addresses.n * sizeof(*addresses->list));
	addresses->n = entry->addresses.n;
	addresses->ttl_s = (uint32_t)((left + 999) / 1000);
	*records = entry->records;
	return true;
}

/* The place of @key, empty if it is new; NULL for want of memory. */
static struct entry *place(struct table *table, const struct key *key)
{
	uint64_t hash;
	struct entry *entry = find(table, key, &hash);

	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->name = *key->name;
	entry->type = key->type;
	table_insert(table, &entry->node, hash);
	return entry;
}

void cache_keep(struct cache *cache, const struct domain *name,
		enum dns_type type, enum dns_result result,
		const struct dns_addresses *addresses,
		const struct records *records)
{
	const struct key key = { name, type };
	struct records *copy = NULL;
	struct entry *entry;

	if (records) {
		copy = malloc(sizeof(*copy));
		if (!copy)
			return; /* it will be asked again */
		*copy = *records;
	}
	entry = place(table_of(cache, type), &key);
	if (!entry) {
		free(copy);
		return; /* likewise */
	}
	free(entry->records);
	entry->records = copy;
	entry->result = result;
	entry->addresses = *addresses;
	entry->expires_ms = clock_ms() + 1000 * (int64_t)addresses->ttl_s;
}
