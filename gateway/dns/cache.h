/*
 * cache.h - the answers of resolvers, for as long as they are good
 *
 * Addresses have one table, other records, which take more room, another, so
 * that these never push out those. The cache knows no policy: whether a name
 * may be told of is decided by whoever asks, every time.
 */
#ifndef SLUICE_CACHE_H
#define SLUICE_CACHE_H

#include "dns_message.h"
#include "records.h"
#include "table.h"

#define CACHE_ADDRESSES_MAX 4096 /* answers */
#define CACHE_RECORDS_MAX 512    /* likewise; about 8 KiB each */

struct cache {
	struct table addresses, records;
};

/* Returns 0 or -errno; cache_done() accepts all zeroes. */
MUST_CHECK int cache_init(struct cache *cache);
void cache_done(struct cache *cache);

/*
 * How long an answer is good, in seconds, where it says @ttl_s: what was found
 * [5, 300], what is not there [2, 60], a failure 2.
 */
uint32_t cache_lifetime_s(enum dns_result result, uint32_t ttl_s);

/*
 * Copies what is kept; its ttl_s is what is left of its life. @records, NULL
 * but for types that have some, is borrowed until the next call. False if
 * nothing is known.
 */
MUST_CHECK bool cache_find(struct cache *cache, const struct domain *name,
			   enum dns_type type, enum dns_result *result,
			   struct dns_addresses *addresses,
			   const struct records **records);

/* @addresses->ttl_s is its life, of records as well; @records may be NULL. */
void cache_keep(struct cache *cache, const struct domain *name,
		enum dns_type type, enum dns_result result,
		const struct dns_addresses *addresses,
		const struct records *records);

#endif
