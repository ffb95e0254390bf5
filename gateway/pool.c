#include "pool.h"

#include "clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define SWEEP_MS 1000 /* between looks for those that have idled enough */

struct idler {
	TAILQ_ENTRY(idler) link;
	struct pool *pool;
	struct domain name;
	uint16_t port;
	bool tls;
	uint64_t authority;
	struct address address;
	struct stream stream;
	int64_t until_ms;
};

struct pool {
	TAILQ_HEAD(idlers, idler) idlers; /* the one put last comes first */
	size_t n;
	struct event *sweep; /* pending while there is one */
};

static void drop(struct idler *idler)
{
	struct pool *pool = idler->pool;

	TAILQ_REMOVE(&pool->idlers, idler, link);
	pool->n--;
	stream_close(&idler->stream, false);
	free(idler);
}

static bool is_for(const struct idler *idler, const struct pool_key *key)
{
	return idler->port == key->port && idler->tls == key->tls &&
	       idler->authority == key->authority &&
	       idler->name.len == key->name->len &&
	       memcmp(idler->name.name, key->name->name, key->name->len) == 0;
}

static void spoke(evutil_socket_t fd, short what, void *arg)
{
	struct idler *idler = arg;

	(void)fd;
	(void)what;
	/* Nothing but the housekeeping of TLS may come now. */
	if (!stream_is_quiet(&idler->stream))
		drop(idler);
}

static void arm(struct pool *pool)
{
	const struct timeval next = clock_span(SWEEP_MS);

	if (pool->n > 0)
		evtimer_add(pool->sweep, &next);
}

static void sweep(evutil_socket_t fd, short what, void *arg)
{
	struct pool *pool = arg;
	struct idler *idler, *next;
	int64_t now_ms = clock_ms();

	(void)fd;
	(void)what;
	for (idler = TAILQ_FIRST(&pool->idlers); idler; idler = next) {
		next = TAILQ_NEXT(idler, link);
		if (idler->until_ms <= now_ms)
			drop(idler);
	}
	arm(pool);
}

struct pool *pool_new(struct event_base *base)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	TAILQ_INIT(&pool->idlers);
	pool->sweep = evtimer_new(base, sweep, pool);
	if (!pool->sweep) {
		free(pool);
		return NULL;
	}
	return pool;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	pool_clear(pool);
	event_free(pool->sweep);
	free(pool);
}

void pool_clear(struct pool *pool)
{
	struct idler *idler, *next;

	for (idler = TAILQ_FIRST(&pool->idlers); idler; idler = next) {
		next = TAILQ_NEXT(idler, link);
		drop(idler);
	}
}

/* Of those for @key, or of all, the one that has idled longest has to go. */
static void make_room(struct pool *pool, const struct pool_key *key)
{
	struct idler *idler, *oldest = NULL;
	size_t n = 0;

	TAILQ_FOREACH (idler, &pool->idlers, link) {
		if (!is_for(idler, key))
			continue;
		oldest = idler;
		n++;
	}
	if (n >= POOL_PER_NAME_MAX)
		drop(oldest);
	else if (pool->n >= POOL_MAX)
		drop(TAILQ_LAST(&pool->idlers, idlers));
}

void pool_put(struct pool *pool, const struct pool_key *key,
	      const struct address *address, struct stream *stream,
	      unsigned idle_ms)
{
	struct idler *idler = calloc(1, sizeof(*idler));

	if (!idler) {
		stream_close(stream, false);
		return;
	}
	make_room(pool, key);
	idler->pool = pool;
	idler->name = *key->name;
	idler->port = key->port;
	idler->tls = key->tls;
	idler->authority = key->authority;
	idler->address = *address;
	idler->until_ms =
		clock_ms() + (idle_ms < POOL_IDLE_MS ? idle_ms : POOL_IDLE_MS);
	TAILQ_INSERT_HEAD(&pool->idlers, idler, link);
	pool->n++;
	/* It is looked at at once: it may have spoken already. */
	stream_move(&idler->stream, stream, spoke, idler);
	if (!evtimer_pending(pool->sweep, NULL))
		arm(pool);
}

bool pool_take(struct pool *pool, const struct pool_key *key,
	       struct address *address, struct stream *stream,
	       event_callback_fn changed, void *arg)
{
	struct idler *idler, *next;
	int64_t now_ms = clock_ms();
	bool found = false;

	for (idler = TAILQ_FIRST(&pool->idlers); idler && !found;
	     idler = next) {
		next = TAILQ_NEXT(idler, link);
		if (!is_for(idler, key) ||
		    (key->declined_h2 && !idler->stream.declined_h2))
			continue;
		/* The loop may not have come round to them yet. */
		if (idler->until_ms <= now_ms ||
		    !stream_is_quiet(&idler->stream)) {
			drop(idler);
			continue;
		}
		stream_move(stream, &idler->stream, changed, arg);
		*address = idler->address;
		found = true;
		drop(idler);
	}
	return found;
}

size_t pool_size(const struct pool *pool)
{
	return pool->n;
}
