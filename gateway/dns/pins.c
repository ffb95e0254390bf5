#include "pins.h"

#include "table.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#define BUCKETS 131072u /* a power of two, for each of the two indexes */
#define NONE UINT32_MAX

/* 198.18.0.0/15 (RFC 2544), and a ULA /64 whose low 32 bits follow it. */
static const uint8_t virtual6[12] = { 0xfd, 0x73, 0x6c, 0x75, 0x69, 0x63,
				      0x00, 0x65, 0x00, 0x00, 0x00, 0x00 };
#define VIRTUAL4_BASE 0xc6120000u
#define VIRTUAL_FIRST 256u /* the first 256 are kept for the gateway */
#define REFUSAL_INDEX 1u

struct real_pin {
	struct domain name;
	struct address address;
	uint32_t next;         /* in its bucket */
	uint32_t older, newer; /* in the order of use, unless held */
	uint32_t held;         /* by so many flows */
	bool whole;            /* what is above can be read */
};

struct virtual_pin {
	struct domain name;
	uint32_t next;
};

/*
 * A process may be killed anywhere. Buckets and order can be made anew from
 * the entries, and are; so an entry counts (by whole, or by n_virtual) only
 * from when it has been written.
 */
struct pins {
	pthread_mutex_t lock;
	uint64_t key[2];
	uint32_t n_real, n_virtual;
	uint32_t oldest, newest; /* of the real ones that nobody holds */
	uint32_t real_buckets[BUCKETS];
	uint32_t virtual_buckets[BUCKETS];
	struct real_pin real[PINS_REAL_MAX];
	struct virtual_pin virtual[PINS_VIRTUAL_MAX];
	struct budget budget;
};

_Static_assert(VIRTUAL_FIRST + PINS_VIRTUAL_MAX <= 1 << 17,
	       "they fit into a /15");

/*
 * An agent that chooses names, below a wildcard, must not be able to choose
 * how they fall into buckets: the hash is keyed.
 */
static uint32_t name_bucket(const struct pins *pins, const struct domain *name)
{
	return (uint32_t)table_siphash(pins->key, name->name, name->len) &
	       (BUCKETS - 1);
}

static uint32_t pair_bucket(const struct pins *pins, const struct domain *name,
			    const struct address *address)
{
	uint8_t pair[DOMAIN_MAX + sizeof(address->bytes)];

	memcpy(pair, name->name, name->len);
	memcpy(pair + name->len, address->bytes, sizeof(address->bytes));
	return (uint32_t)table_siphash(pins->key, pair,
				       name->len + sizeof(address->bytes)) &
	       (BUCKETS - 1);
}

static bool same_name(const struct domain *a, const struct domain *b)
{
	return a->len == b->len && memcmp(a->name, b->name, a->len) == 0;
}

static void unlock(struct pins *pins)
{
	int error = pthread_mutex_unlock(&pins->lock);

	assert(error == 0);
}

static int lock_init(struct pins *pins)
{
	pthread_mutexattr_t attr;
	int error = pthread_mutexattr_init(&attr);

	if (error == 0)
		error = pthread_mutexattr_setpshared(&attr,
						     PTHREAD_PROCESS_SHARED);
	if (error == 0)
		error = pthread_mutexattr_setrobust(&attr,
						    PTHREAD_MUTEX_ROBUST);
	if (error == 0)
		error = pthread_mutex_init(&pins->lock, &attr);
	return error;
}

/* What comes before it is in memory if this process is killed after it. */
static void written(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

/* --- The order of use ------------------------------------------------ */

static uint32_t *newer_of(struct pins *pins, uint32_t entry)
{
	return entry == NONE ? &pins->oldest : &pins->real[entry].newer;
}

static uint32_t *older_of(struct pins *pins, uint32_t entry)
{
	return entry == NONE ? &pins->newest : &pins->real[entry].older;
}

static void order_remove(struct pins *pins, uint32_t entry)
{
	const struct real_pin *pin = &pins->real[entry];

	*newer_of(pins, pin->older) = pin->newer;
	*older_of(pins, pin->newer) = pin->older;
}

static void order_append(struct pins *pins, uint32_t entry)
{
	struct real_pin *pin = &pins->real[entry];

	pin->older = pins->newest;
	pin->newer = NONE;
	*newer_of(pins, pin->older) = entry;
	pins->newest = entry;
}

/* --- The buckets ----------------------------------------------------- */

static uint32_t find_real(const struct pins *pins, const struct domain *name,
			  const struct address *address)
{
	uint32_t i = pins->real_buckets[pair_bucket(pins, name, address)];

	for (; i != NONE; i = pins->real[i].next)
		if (same_name(&pins->real[i].name, name) &&
		    address_equal(&pins->real[i].address, address))
			return i;
	return NONE;
}

static void link_real(struct pins *pins, uint32_t entry)
{
	struct real_pin *pin = &pins->real[entry];
	uint32_t *bucket = &pins->real_buckets[pair_bucket(pins, &pin->name,
							   &pin->address)];

	pin->next = *bucket;
	*bucket = entry;
}

static void unlink_real(struct pins *pins, uint32_t entry)
{
	const struct real_pin *pin = &pins->real[entry];
	uint32_t *at = &pins->real_buckets[pair_bucket(pins, &pin->name,
						       &pin->address)];

	while (*at != entry && *at != NONE)
		at = &pins->real[*at].next;
	if (*at == entry)
		*at = pin->next;
}

static void link_virtual(struct pins *pins, uint32_t entry)
{
	struct virtual_pin *pin = &pins->virtual[entry];
	uint32_t *bucket =
		&pins->virtual_buckets[name_bucket(pins, &pin->name)];

	pin->next = *bucket;
	*bucket = entry;
}

/* From the entries alone. When they were used is forgotten. */
static void make_indexes(struct pins *pins)
{
	memset(pins->real_buckets, 0xff, sizeof(pins->real_buckets));
	memset(pins->virtual_buckets, 0xff, sizeof(pins->virtual_buckets));
	pins->oldest = pins->newest = NONE;
	for (uint32_t i = 0; i < pins->n_real; i++) {
		struct real_pin *pin = &pins->real[i];

		if (pin->whole)
			link_real(pins, i);
		else
			*pin = (struct real_pin){ 0 };
		if (pin->held == 0)
			order_append(pins, i);
	}
	for (uint32_t i = 0; i < pins->n_virtual; i++)
		link_virtual(pins, i);
}

static void lock(struct pins *pins)
{
	int error = pthread_mutex_lock(&pins->lock);

	if (error == EOWNERDEAD) { /* it was killed at work */
		make_indexes(pins);
		error = pthread_mutex_consistent(&pins->lock);
	}
	assert(error == 0);
}

/* A free entry, or the one used longest ago; NONE if flows hold them all. */
static uint32_t take_real(struct pins *pins)
{
	uint32_t entry = pins->oldest;

	if (pins->n_real < PINS_REAL_MAX)
		return pins->n_real++;
	if (entry != NONE) {
		order_remove(pins, entry);
		unlink_real(pins, entry);
	}
	return entry;
}

/* --- Virtual addresses ----------------------------------------------- */

static struct address virtual_address(sa_family_t family, uint32_t index)
{
	struct address address = { .family = family };
	uint32_t v4 = htonl(VIRTUAL4_BASE + index);
	uint32_t low = htonl(index);

	if (family == AF_INET) {
		memcpy(address.bytes, &v4, 4);
	} else {
		memcpy(address.bytes, virtual6, sizeof(virtual6));
		memcpy(address.bytes + sizeof(virtual6), &low, 4);
	}
	return address;
}

/* Where in the ranges an address lies; NONE outside them. */
static uint32_t virtual_index(const struct address *address)
{
	uint32_t value;

	if (address->family == AF_INET) {
		memcpy(&value, address->bytes, 4);
		value = ntohl(value);
		return (value & 0xfffe0000u) == VIRTUAL4_BASE
			       ? value - VIRTUAL4_BASE
			       : NONE;
	}
	if (address->family != AF_INET6 ||
	    memcmp(address->bytes, virtual6, 8) != 0)
		return NONE;
	/* The rest of the /64 is ours too and stands for nothing. */
	memcpy(&value, address->bytes + 12, 4);
	value = ntohl(value);
	if (memcmp(address->bytes + 8, virtual6 + 8, 4) != 0 ||
	    value >= VIRTUAL_FIRST + PINS_VIRTUAL_MAX)
		return 0;
	return value;
}

struct pins *pins_new(void)
{
	struct pins *pins =
		mmap(NULL, sizeof(*pins), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pins == MAP_FAILED)
		return NULL;
	if (lock_init(pins) != 0 ||
	    getrandom(pins->key, sizeof(pins->key), 0) != sizeof(pins->key)) {
		munmap(pins, sizeof(*pins));
		return NULL;
	}
	make_indexes(pins);
	return pins;
}

void pins_recover(struct pins *pins)
{
	lock(pins);
	for (uint32_t i = 0; i < pins->n_real; i++) {
		if (pins->real[i].held > 0) {
			pins->real[i].held = 0;
			order_append(pins, i);
		}
	}
	unlock(pins);
}

void pins_add(struct pins *pins, const struct domain *name,
	      const struct address *address)
{
	uint32_t entry;

	lock(pins);
	entry = find_real(pins, name, address);
	if (entry != NONE) {
		if (pins->real[entry].held == 0) {
			order_remove(pins, entry);
			order_append(pins, entry);
		}
	} else if ((entry = take_real(pins)) != NONE) {
		struct real_pin *pin = &pins->real[entry];

		pin->whole = false;
		written();
		pin->name = *name;
		pin->address = *address;
		written();
		pin->whole = true;
		link_real(pins, entry);
		order_append(pins, entry);
	}
	unlock(pins);
}

bool pins_hold(struct pins *pins, const struct domain *name,
	       const struct address *address)
{
	uint32_t entry;

	lock(pins);
	entry = find_real(pins, name, address);
	if (entry != NONE && pins->real[entry].held++ == 0)
		order_remove(pins, entry);
	unlock(pins);
	return entry != NONE;
}

void pins_release(struct pins *pins, const struct domain *name,
		  const struct address *address)
{
	uint32_t entry;

	lock(pins);
	entry = find_real(pins, name, address);
	if (entry != NONE && pins->real[entry].held > 0 &&
	    --pins->real[entry].held == 0)
		order_append(pins, entry);
	unlock(pins);
}

bool pins_virtual(struct pins *pins, const struct domain *name,
		  struct address *v4, struct address *v6)
{
	uint32_t entry;

	lock(pins);
	entry = pins->virtual_buckets[name_bucket(pins, name)];
	while (entry != NONE && !same_name(&pins->virtual[entry].name, name))
		entry = pins->virtual[entry].next;
	if (entry == NONE && pins->n_virtual < PINS_VIRTUAL_MAX) {
		entry = pins->n_virtual;
		pins->virtual[entry].name = *name;
		written();
		pins->n_virtual++;
		link_virtual(pins, entry);
	}
	unlock(pins);
	if (entry == NONE)
		return false;
	*v4 = virtual_address(AF_INET, VIRTUAL_FIRST + entry);
	*v6 = virtual_address(AF_INET6, VIRTUAL_FIRST + entry);
	return true;
}

bool pins_name(struct pins *pins, const struct address *address,
	       struct domain *name)
{
	uint32_t index = virtual_index(address);
	bool found;

	if (index == NONE || index < VIRTUAL_FIRST)
		return false;
	lock(pins);
	found = index - VIRTUAL_FIRST < pins->n_virtual;
	if (found)
		*name = pins->virtual[index - VIRTUAL_FIRST].name;
	unlock(pins);
	return found;
}

bool pins_spend(struct pins *pins, const struct domain *base,
		const struct domain *name, bool is_other, int64_t now_ms)
{
	bool within;

	lock(pins);
	within = budget_spend(&pins->budget, pins->key, base, name, is_other,
			      now_ms);
	unlock(pins);
	return within;
}

bool pins_is_virtual(const struct address *address)
{
	return virtual_index(address) != NONE;
}

void pins_refusal_address(struct address *v4, struct address *v6)
{
	*v4 = virtual_address(AF_INET, REFUSAL_INDEX);
	*v6 = virtual_address(AF_INET6, REFUSAL_INDEX);
}

bool pins_is_refusal_address(const struct address *address)
{
	return virtual_index(address) == REFUSAL_INDEX;
}
