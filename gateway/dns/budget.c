#include "budget.h"

#include "table.h"

#include <assert.h>
#include <string.h>

#define RING (BUDGET_BYTES / BUDGET_REPEAT)

static uint64_t hash_of(const uint64_t key[2], const struct domain *name)
{
	uint64_t hash = table_siphash(key, name->name, name->len);

	return hash ? hash : 1;
}

static bool is_idle(const struct budget_base *base, int64_t now_ms)
{
	return base->base == 0 || base->used_ms + BUDGET_WINDOW_MS <= now_ms;
}

/*
 * The place of @hash. A place is taken from another wildcard only when that
 * owes nothing any more, or forgetting it would be a way to a new budget.
 */
static struct budget_base *find_base(struct budget *budget, uint64_t hash,
				     int64_t now_ms)
{
	struct budget_base *last = &budget->bases[BUDGET_BASES_MAX - 1];
	struct budget_base *best = NULL;

	for (size_t i = 0; i < BUDGET_BASES_MAX; i++) {
		struct budget_base *base = &budget->bases[i];

		if (base->base == hash)
			return base;
		if (base != last && is_idle(base, now_ms) &&
		    (!best || base->base == 0 ||
		     (best->base != 0 && base->used_ms < best->used_ms)))
			best = base;
	}
	if (!best)
		return last;
	memset(best, 0, sizeof(*best));
	best->base = hash;
	return best;
}

static void drop_old(struct budget_base *base, int64_t now_ms)
{
	while (base->n_spent > 0 &&
	       base->spent[base->first].at_ms + BUDGET_WINDOW_MS <= now_ms) {
		base->first = (base->first + 1) % RING;
		base->n_spent--;
	}
}

/* Where @hash is known, or stands in for what was asked longest ago. */
static size_t find_known(const struct budget_base *base, uint64_t hash)
{
	size_t oldest = 0;

	for (size_t i = 0; i < BUDGET_KNOWN; i++) {
		if (base->known[i].name == hash)
			return i;
		if (base->known[oldest].name != 0 &&
		    (base->known[i].name == 0 ||
		     base->known[i].at_ms < base->known[oldest].at_ms))
			oldest = i;
	}
	return oldest;
}

static unsigned labels_below(const struct domain *base,
			     const struct domain *name)
{
	unsigned n = 0;

	for (size_t i = 0; i < name->len - base->len; i++)
		n += name->name[i] == '.';
	return n;
}

bool budget_spend(struct budget *budget, const uint64_t key[2],
		  const struct domain *base_name, const struct domain *name,
		  bool is_other, int64_t now_ms)
{
	uint64_t hash = hash_of(key, name);
	struct budget_base *base =
		find_base(budget, hash_of(key, base_name), now_ms);
	size_t place = find_known(base, hash), at;
	bool is_new = base->known[place].name != hash;
	unsigned bytes = BUDGET_REPEAT, sum = 0, n_new = 0;
	unsigned most = BUDGET_BYTES - (is_new ? BUDGET_RESERVED : 0);

	assert(name->len > base_name->len);
	if (is_new) /* the byte more is the dot's place */
		bytes = (unsigned)(name->len - base_name->len);
	if (is_other)
		bytes += BUDGET_TYPE;
	base->used_ms = now_ms;
	drop_old(base, now_ms);
	for (uint32_t i = 0; i < base->n_spent; i++) {
		at = (base->first + i) % RING;
		sum += base->spent[at].bytes;
		n_new += base->spent[at].is_new;
	}
	if (labels_below(base_name, name) > BUDGET_LABELS ||
	    sum + bytes > most || (is_new && n_new >= BUDGET_NAMES))
		return false;
	at = (base->first + base->n_spent) % RING;
	base->spent[at].at_ms = now_ms;
	base->spent[at].bytes = (uint16_t)bytes;
	base->spent[at].is_new = is_new;
	base->n_spent++;
	base->known[place].name = hash;
	base->known[place].at_ms = now_ms;
	return true;
}
