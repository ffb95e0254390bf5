/*
 * cache.h - files that take a while to make and may be thrown away
 *
 * They are below XDG_CACHE_HOME, or ~/.cache, in the folder sluice, named by
 * what they are and a digest of all that they were made from, so that nothing
 * there is ever wrong, only not of use any more. Of each kind the newest is
 * kept. A file appears there whole or not at all, and until then has no name:
 * whoever is killed leaves nothing behind.
 */
#ifndef SLUICE_CACHE_H
#define SLUICE_CACHE_H

#include "attributes.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define CACHE_KEY_LEN 32 /* hexadecimal digits */

struct cache_key {
	void *digest; /* NULL once something has failed */
};

void cache_key_init(struct cache_key *key);
void cache_key_text(struct cache_key *key, const char *text);
/* A file as it is now: where, how large, which and how old. */
void cache_key_file(struct cache_key *key, const char *path);
/* Ends it. False for want of memory, or if a file was not there. */
MUST_CHECK bool cache_key_done(struct cache_key *key,
			       char text[CACHE_KEY_LEN + 1]);

/*
 * The file of @kind and @key, open for reading. If it is not there yet, @make
 * writes it to the descriptor that it is given and returns 0 or -errno; where
 * there is no folder to keep it, it is made each time. -errno, if need be
 * after @make said why.
 */
MUST_CHECK int cache_open(const char *kind, const char *key,
			  int (*make)(int fd, void *data), void *data);

/* A file without a name, to be read and written, in the cache's folder or,
   where there is none, in memory. Closed, it is gone. */
MUST_CHECK int cache_nameless(void);

/* The way by which another process opens a descriptor that it has been given,
   or this one a descriptor anew. */
#define CACHE_FD_PATH_MAX 32
void cache_fd_path(int fd, char path[CACHE_FD_PATH_MAX]);

#endif
