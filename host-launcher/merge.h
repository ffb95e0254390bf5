/*
 * merge.h - the file system that the layers of an image make together
 *
 * An index in memory: it is told every entry of every layer in order, and
 * knows in the end which layer provides what at each path. It holds no
 * content. The rules are those of the OCI image specification, and where that
 * is silent, those of the container engines:
 *
 *	- a folder over a folder keeps what is in it and takes the new owner,
 *	  mode, time and attributes; anything else takes the place of whatever
 *	  was there, with all that was below it
 *	- .wh.NAME removes NAME, .wh..wh..opq whatever its folder has, as far
 *	  as it came from the layers below: what the same layer brings stays,
 *	  wherever in the layer it stands
 *	- a folder that no entry brings is root's, 0755
 *	- a link among the folders of a path is followed, as it would be inside
 *	  the image: from its root, never out of it
 *	- a hard link is another name for what its target is at that moment
 *	- a leading slash is dropped; a path with ".." is refused
 *
 * Device nodes take part in all that, and are left out of the result: the
 * agent's /dev is made where it runs, and a node elsewhere would open a disk
 * to whoever its mode admits.
 *
 * The bytes of the layers are an outsider's. Nothing here does I/O, and both
 * the number of entries and the memory for them are limited.
 */
#ifndef SLUICE_MERGE_H
#define SLUICE_MERGE_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERGE_PATH_MAX 4096 /* with its NUL, as PATH_MAX is in Linux */
#define MERGE_NAME_MAX 255
#define MERGE_DEPTH_MAX 256 /* folders in one another */
#define MERGE_LINKS_MAX 40  /* followed for one path */
#define MERGE_XATTRS_MAX 64
#define MERGE_XATTR_NAME_MAX 255
#define MERGE_XATTR_VALUE_MAX 65536

/* Why an entry is refused. */
enum merge_fault {
	MERGE_FINE = 0,
	MERGE_NO_MEMORY, /* or the limit is reached */
	MERGE_TOO_MANY,
	MERGE_UPWARD,
	MERGE_TOO_LONG,
	MERGE_TOO_DEEP,
	MERGE_ROOT_IS_NO_FOLDER,
	MERGE_NOT_A_FOLDER,
	MERGE_LINK_LOOP,
	MERGE_RESERVED,
	MERGE_NO_TARGET,
	MERGE_FOLDER_LINK,
	MERGE_EMPTY_LINK,
	MERGE_XATTR,
};

enum merge_kind {
	MERGE_FOLDER = 0,
	MERGE_FILE,
	MERGE_SYMLINK,
	MERGE_FIFO,
	MERGE_DEVICE,
	MERGE_HARD_LINK, /* in layers only, never in the result */
};

struct merge_xattr {
	const char *name;
	const void *value;
	size_t len;
};

/* An entry of a layer, or of the result. All borrowed. */
struct merge_entry {
	enum merge_kind kind;
	const char *path;   /* of the result: without a leading slash */
	const char *target; /* of links */
	uint64_t size;      /* of files */
	uint32_t mode;      /* the lowest twelve bits */
	uint32_t uid, gid, mtime_s;
	const struct merge_xattr *xattrs;
	size_t n_xattrs;
};

struct merge_limits {
	size_t entries; /* of all layers together, whiteouts too */
	size_t memory;  /* for what they leave behind, in bytes */
};

struct merge;

/*
 * An empty file system. @seed is random, so that nobody can choose names that
 * make the index slow. NULL for want of memory.
 */
struct merge *merge_new(const struct merge_limits *limits, uint64_t seed);
void merge_free(struct merge *merge);

/* What is added from here on is of the next layer. Comes before the first. */
void merge_begin_layer(struct merge *merge);

/* Adds the next entry of the layer. After a fault there is no result. */
MUST_CHECK enum merge_fault merge_add(struct merge *merge,
				      const struct merge_entry *entry);

/* For people: "leads upward". */
const char *merge_fault_text(enum merge_fault fault);

/* Ends the last layer. False for want of memory. */
MUST_CHECK bool merge_end(struct merge *merge);

/*
 * The result, after merge_end(): folder by folder, each before what is in it,
 * in the order of names; the root has the path "". A file that has several
 * names is visited for each of them: @first is then the one that comes first,
 * and NULL there and elsewhere. Ends early with what @visit returns, unless 0.
 */
int merge_walk(const struct merge *merge,
	       int (*visit)(const struct merge_entry *entry, const char *first,
			    void *arg),
	       void *arg);

/*
 * Whether entry number @n of layer number @layer, both from 0 and as they were
 * added, is the content of a file of the result, after merge_end(). If so,
 * @entry is that file under the first of its names, with @path for its path.
 */
bool merge_wants(const struct merge *merge, size_t layer, size_t n,
		 struct merge_entry *entry, char path[MERGE_PATH_MAX]);

#endif
