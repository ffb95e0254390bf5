/*
 * layer.h - one layer of an image: its tar, decompressed, entry by entry
 *
 * The compression, none, gzip or zstd, is told by the first bytes. What comes
 * out of it is counted against the caller's budget, so that a small layer
 * cannot keep us busy for ever, and hashed. libarchive reads both; entries of
 * kinds that it does not know are refused.
 */
#ifndef SLUICE_LAYER_H
#define SLUICE_LAYER_H

#include "attributes.h"
#include "blob.h"
#include "merge.h"

#define LAYER_WHY_MAX 256

struct layer;

/*
 * Starts to read @blob, which stays the caller's. Each byte of the tar takes
 * one from @budget. NULL for want of memory.
 */
struct layer *layer_open(struct blob *blob, uint64_t *budget);
void layer_close(struct layer *layer);

/*
 * The next entry, borrowed until the one after it: 1, 0 at the end, or -1, and
 * layer_why() says why; @entry has its path then, if it has come that far.
 */
int layer_next(struct layer *layer, struct merge_entry *entry);

/* The next bytes of the entry, 0 at its end, or -1. */
ssize_t layer_read(struct layer *layer, void *bytes, size_t cap);

/*
 * Reads what is left after the last entry, and gives the SHA-256 of the whole
 * tar: the layer's DiffID. 0 or -1.
 */
MUST_CHECK int layer_end(struct layer *layer, char hex[BLOB_HEX_MAX]);

const char *layer_why(const struct layer *layer);

#endif
