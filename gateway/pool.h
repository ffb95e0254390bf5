/*
 * pool.h - connections to origins that idle, for whoever wants one next
 *
 * A connection whose last answer came whole costs a name lookup and two
 * handshakes to make again. It is kept for a while under the name that its
 * certificate was verified for, and given out for that name, port, kind and
 * authority alone, to one user at a time. One that says anything while it idles, even
 * that it ends, is dropped: nobody asked.
 *
 * Whether the name is admitted is decided before, every time; what was
 * admitted by an older manifest is not given out (pool_clear()).
 *
 * All of them speak HTTP/1. Who would have HTTP/2 first gets one only if its
 * origin was offered that and declined.
 */
#ifndef SLUICE_POOL_H
#define SLUICE_POOL_H

#include "address.h"
#include "domain.h"
#include "stream.h"

#define POOL_MAX 256        /* of one worker; each is a descriptor */
#define POOL_PER_NAME_MAX 8 /* of one name, port and kind */
#define POOL_IDLE_MS 30000

struct pool;

/* What makes two connections the same to those who want one. */
struct pool_key {
	const struct domain *name;
	uint16_t port;
	bool tls;
	uint64_t authority; /* that the certificate was verified by */
	bool declined_h2;   /* to take: only such a one will do */
};

/* NULL for want of memory. */
struct pool *pool_new(struct event_base *base);
void pool_free(struct pool *pool); /* accepts NULL */

/* Closes all of them. */
void pool_clear(struct pool *pool);

/*
 * Takes @stream over, which is connected to @address, for at most @idle_ms,
 * itself at most POOL_IDLE_MS. The one that has idled longest makes room.
 */
void pool_put(struct pool *pool, const struct pool_key *key,
	      const struct address *address, struct stream *stream,
	      unsigned idle_ms);

/*
 * Moves the one that has idled least to @stream, as stream_move() does. False
 * if there is none.
 */
MUST_CHECK bool pool_take(struct pool *pool, const struct pool_key *key,
			  struct address *address, struct stream *stream,
			  event_callback_fn changed, void *arg);

size_t pool_size(const struct pool *pool);

#endif
