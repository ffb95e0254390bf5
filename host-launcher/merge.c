#include "merge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WHITEOUT ".wh."
#define WHITEOUT_METADATA ".wh..wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

/* What names lead to. Hard links share one. */
struct inode {
	enum merge_kind kind;
	uint32_t mode, uid, gid, mtime_s;
	uint64_t size;
	size_t layer, n; /* the entry that brought it */
	size_t n_names;
	size_t memory;
	const struct node *first; /* of its names in the result */
	const char *target;
	size_t n_xattrs;
	struct merge_xattr xattrs[]; /* then the texts */
};

/*
 * A name in a folder. The names of a folder are a treap: a search tree by
 * name, a heap by random priority, so that it is shallow whatever the names.
 */
struct node {
	struct node *left, *right;
	uint64_t priority;
	struct node *parent; /* folder; NULL for the root */
	struct node *names;  /* if this is a folder */
	struct inode *inode;
	size_t layer; /* that brought this name */
	size_t depth, path_len;
	size_t name_len;
	char name[];
};

struct merge {
	struct merge_limits limits;
	uint64_t random;
	struct node *root;
	size_t n_layers;
	size_t n_entries, memory; /* so far */
	size_t n;                 /* entries of this layer so far */
	struct inode **files;     /* of the result, by layer and number */
	size_t n_files;
	size_t n_files_max; /* that there can be */
};

/* xorshift64: the seed decides, and nobody outside knows it. */
static uint64_t next_random(struct merge *merge)
{
	merge->random ^= merge->random << 13;
	merge->random ^= merge->random >> 7;
	merge->random ^= merge->random << 17;
	return merge->random;
}

static void *take(struct merge *merge, size_t size)
{
	void *memory;

	if (size > merge->limits.memory - merge->memory)
		return NULL;
	memory = calloc(1, size);
	if (memory)
		merge->memory += size;
	return memory;
}

static void give_back(struct merge *merge, void *memory, size_t size)
{
	merge->memory -= size;
	free(memory);
}

/* --- the names of a folder --- */

static int compare(const char *name, size_t len, const struct node *node)
{
	size_t least = len < node->name_len ? len : node->name_len;
	int order = memcmp(name, node->name, least);

	if (order != 0)
		return order;
	return len < node->name_len ? -1 : len > node->name_len;
}

static struct node *find(const struct node *folder, const char *name,
			 size_t len)
{
	struct node *at = folder->names;

	while (at) {
		int order = compare(name, len, at);

		if (order == 0)
			break;
		at = order < 0 ? at->left : at->right;
	}
	return at;
}

/* Everything before @pivot goes left, everything after it right. */
static void split(struct node *at, const struct node *pivot, struct node **left,
		  struct node **right)
{
	while (at)
		if (compare(pivot->name, pivot->name_len, at) < 0) {
			*right = at;
			right = &at->left;
			at = at->left;
		} else {
			*left = at;
			left = &at->right;
			at = at->right;
		}
	*left = NULL;
	*right = NULL;
}

/* All of @left is before all of @right. */
static struct node *join(struct node *left, struct node *right)
{
	struct node *whole = NULL;
	struct node **end = &whole;

	while (left && right)
		if (left->priority > right->priority) {
			*end = left;
			end = &left->right;
			left = left->right;
		} else {
			*end = right;
			end = &right->left;
			right = right->left;
		}
	*end = left ? left : right;
	return whole;
}

static void put_in(struct node *node)
{
	struct node **at = &node->parent->names;

	while (*at && (*at)->priority >= node->priority)
		at = compare(node->name, node->name_len, *at) < 0
			     ? &(*at)->left
			     : &(*at)->right;
	split(*at, node, &node->left, &node->right);
	*at = node;
}

static void take_out(struct node *node)
{
	struct node **at = &node->parent->names;

	while (*at != node)
		at = compare(node->name, node->name_len, *at) < 0
			     ? &(*at)->left
			     : &(*at)->right;
	*at = join(node->left, node->right);
}

/* --- what names lead to --- */

static void inode_drop(struct merge *merge, struct inode *inode)
{
	if (inode && --inode->n_names == 0)
		give_back(merge, inode, inode->memory);
}

/* Copies @len bytes to @at, which moves past them. */
static const void *append(char **at, const void *bytes, size_t len)
{
	char *copy = *at;

	if (len > 0)
		memcpy(copy, bytes, len);
	*at += len;
	return copy;
}

static size_t memory_for(const struct merge_entry *entry)
{
	size_t memory = sizeof(struct inode);

	if (entry->kind == MERGE_SYMLINK)
		memory += strlen(entry->target) + 1;
	for (size_t i = 0; i < entry->n_xattrs; i++)
		memory += sizeof(*entry->xattrs) + entry->xattrs[i].len +
			  strlen(entry->xattrs[i].name) + 1;
	return memory;
}

/* In one piece, with one name, that of the caller. */
static struct inode *inode_new(struct merge *merge,
			       const struct merge_entry *entry)
{
	size_t memory = memory_for(entry);
	struct inode *inode = take(merge, memory);
	char *at;

	if (!inode)
		return NULL;
	inode->kind = entry->kind;
	inode->mode = entry->mode & 07777;
	inode->uid = entry->uid;
	inode->gid = entry->gid;
	inode->mtime_s = entry->mtime_s;
	inode->size = entry->kind == MERGE_FILE ? entry->size : 0;
	inode->layer = merge->n_layers;
	inode->n = merge->n;
	inode->n_names = 1;
	inode->memory = memory;
	inode->n_xattrs = entry->n_xattrs;
	merge->n_files_max += inode->kind == MERGE_FILE;

	at = (char *)&inode->xattrs[entry->n_xattrs];
	if (entry->kind == MERGE_SYMLINK)
		inode->target =
			append(&at, entry->target, strlen(entry->target) + 1);
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		const struct merge_xattr *from = &entry->xattrs[i];

		inode->xattrs[i].name =
			append(&at, from->name, strlen(from->name) + 1);
		inode->xattrs[i].value = append(&at, from->value, from->len);
		inode->xattrs[i].len = from->len;
	}
	return inode;
}

static struct inode *implied_folder(struct merge *merge)
{
	const struct merge_entry entry = { .kind = MERGE_FOLDER, .mode = 0755 };

	return inode_new(merge, &entry);
}

/* --- the tree --- */

static bool is_folder(const struct node *node)
{
	return node->inode->kind == MERGE_FOLDER;
}

/* Takes over @inode, also when it fails. */
static enum merge_fault node_new(struct merge *merge, struct node *parent,
				 const char *name, size_t len,
				 struct inode *inode, struct node **made)
{
	size_t path_len = parent->path_len + (parent->path_len > 0) + len;
	enum merge_fault fault = MERGE_FINE;
	struct node *node = NULL;

	if (!inode)
		return MERGE_NO_MEMORY;
	if (path_len >= MERGE_PATH_MAX)
		fault = MERGE_TOO_LONG;
	else if (parent->depth == MERGE_DEPTH_MAX)
		fault = MERGE_TOO_DEEP;
	else
		node = take(merge, sizeof(*node) + len);
	if (!node) {
		inode_drop(merge, inode);
		return fault ? fault : MERGE_NO_MEMORY;
	}
	node->priority = next_random(merge);
	node->parent = parent;
	node->inode = inode;
	node->layer = merge->n_layers;
	node->depth = parent->depth + 1;
	node->path_len = path_len;
	node->name_len = len;
	memcpy(node->name, name, len);
	put_in(node);
	*made = node;
	return MERGE_FINE;
}

static void free_tree(struct merge *merge, struct node *node);

static void free_names(struct merge *merge, struct node *names)
{
	while (names) {
		struct node *right = names->right;

		free_names(merge, names->left);
		free_tree(merge, names);
		names = right;
	}
}

/* @node, which is in no folder any more, and what is below it. */
static void free_tree(struct merge *merge, struct node *node)
{
	free_names(merge, node->names);
	inode_drop(merge, node->inode);
	give_back(merge, node, sizeof(*node) + node->name_len);
}

static enum merge_fault hide(struct merge *merge, struct node *node);

/* Hides @names and puts those that stay into their folder anew. */
static enum merge_fault hide_each(struct merge *merge, struct node *names)
{
	enum merge_fault fault = MERGE_FINE;

	while (names) {
		struct node *right = names->right;
		enum merge_fault left = hide_each(merge, names->left);
		enum merge_fault here;

		put_in(names);
		here = hide(merge, names);
		if (!fault)
			fault = left ? left : here;
		names = right;
	}
	return fault;
}

static enum merge_fault hide_below(struct merge *merge, struct node *folder)
{
	struct node *names = folder->names;

	folder->names = NULL;
	return hide_each(merge, names);
}

/*
 * Takes away what the layers below brought at @node. A folder of theirs that
 * has something of this layer in it stays as one that no entry brought.
 */
static enum merge_fault hide(struct merge *merge, struct node *node)
{
	enum merge_fault fault = hide_below(merge, node);
	struct inode *inode;

	if (fault || node->layer == merge->n_layers)
		return fault;
	if (!node->names) {
		take_out(node);
		free_tree(merge, node);
		return MERGE_FINE;
	}
	inode = implied_folder(merge);
	if (!inode)
		return MERGE_NO_MEMORY;
	inode_drop(merge, node->inode);
	node->inode = inode;
	node->layer = merge->n_layers;
	return MERGE_FINE;
}

/* Takes over @inode, also when it fails. */
static enum merge_fault place(struct merge *merge, struct node *parent,
			      const char *name, size_t len, struct inode *inode)
{
	struct node *node = find(parent, name, len);

	if (!inode)
		return MERGE_NO_MEMORY;
	if (node && is_folder(node) && inode->kind == MERGE_FOLDER) {
		inode_drop(merge, node->inode);
		node->inode = inode;
		node->layer = merge->n_layers;
		return MERGE_FINE;
	}
	if (node) {
		take_out(node);
		free_tree(merge, node);
	}
	return node_new(merge, parent, name, len, inode, &node);
}

/* --- paths --- */

/* A path without "." and needless slashes. */
static enum merge_fault clean(const char *path, char out[MERGE_PATH_MAX])
{
	size_t len = 0;

	while (*path != '\0') {
		size_t n = strcspn(path, "/");

		if (n == 2 && memcmp(path, "..", 2) == 0)
			return MERGE_UPWARD;
		if (n > 0 && !(n == 1 && *path == '.')) {
			if (n > MERGE_NAME_MAX || len + n + 2 > MERGE_PATH_MAX)
				return MERGE_TOO_LONG;
			if (len > 0)
				out[len++] = '/';
			memcpy(out + len, path, n);
			len += n;
		}
		path += n;
		path += *path == '/';
	}
	out[len] = '\0';
	return MERGE_FINE;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Whether a folder on the way has a name that only whiteouts have. */
static bool is_reserved(const char *folders)
{
	while (!begins(folders, WHITEOUT)) {
		folders = strchr(folders, '/');
		if (!folders)
			return false;
		folders++;
	}
	return true;
}

/* A path on the way to its folder: what is still to go. */
struct way {
	char rest[2 * MERGE_PATH_MAX];
	char *at;
	struct node *here;
	unsigned n_links;
};

/* Puts the target of a link before what is still to go. */
static enum merge_fault follow(struct merge *merge, struct way *way,
			       const char *target)
{
	size_t target_len = strlen(target);
	size_t rest_len = strlen(way->at);

	if (++way->n_links > MERGE_LINKS_MAX)
		return MERGE_LINK_LOOP;
	if (target_len + 1 + rest_len + 1 > sizeof(way->rest))
		return MERGE_TOO_LONG;
	memmove(way->rest + target_len + 1, way->at, rest_len + 1);
	memcpy(way->rest, target, target_len);
	way->rest[target_len] = '/';
	way->at = way->rest;
	if (*target == '/')
		way->here = merge->root;
	return MERGE_FINE;
}

/* One name further. */
static enum merge_fault step(struct merge *merge, struct way *way,
			     const char *name, size_t len, bool make)
{
	struct node *next;

	if (len == 0 || (len == 1 && *name == '.'))
		return MERGE_FINE;
	if (len == 2 && memcmp(name, "..", 2) == 0) {
		if (way->here->parent)
			way->here = way->here->parent;
		return MERGE_FINE;
	}
	if (len > MERGE_NAME_MAX)
		return MERGE_TOO_LONG;
	if (begins(name, WHITEOUT)) /* in the target of a link */
		return MERGE_RESERVED;
	next = find(way->here, name, len);
	if (!next && !make)
		return MERGE_NO_TARGET;
	if (!next) {
		enum merge_fault fault = node_new(merge, way->here, name, len,
						  implied_folder(merge), &next);

		if (fault)
			return fault;
	}
	if (next->inode->kind == MERGE_SYMLINK)
		return follow(merge, way, next->inode->target);
	if (!is_folder(next))
		return MERGE_NOT_A_FOLDER;
	way->here = next;
	return MERGE_FINE;
}

/*
 * The folder at the clean path @folders, links followed. If it is not there,
 * it is made, or MERGE_NO_TARGET.
 */
static enum merge_fault walk_to(struct merge *merge, const char *folders,
				bool make, struct node **folder)
{
	struct way way = { .here = merge->root };
	enum merge_fault fault = MERGE_FINE;

	way.at = way.rest;
	memcpy(way.rest, folders, strlen(folders) + 1);
	while (!fault && *way.at != '\0') {
		const char *name = way.at;
		size_t len = strcspn(name, "/");

		way.at += len;
		way.at += *way.at == '/';
		fault = step(merge, &way, name, len, make);
	}
	*folder = way.here;
	return fault;
}

/* --- entries --- */

/* A clean path in two: its folders, "" for the root, and its last name. */
static char *cut(char *path, const char **folders)
{
	char *slash = strrchr(path, '/');

	if (!slash) {
		*folders = "";
		return path;
	}
	*slash = '\0';
	*folders = path;
	return slash + 1;
}

static enum merge_fault add_root(struct merge *merge,
				 const struct merge_entry *entry)
{
	struct inode *inode;

	if (entry->kind != MERGE_FOLDER)
		return MERGE_ROOT_IS_NO_FOLDER;
	inode = inode_new(merge, entry);
	if (!inode)
		return MERGE_NO_MEMORY;
	inode_drop(merge, merge->root->inode);
	merge->root->inode = inode;
	return MERGE_FINE;
}

/* @name has the prefix of a whiteout. */
static enum merge_fault add_whiteout(struct merge *merge, const char *folders,
				     const char *name)
{
	struct node *folder;
	struct node *node;
	enum merge_fault fault = walk_to(merge, folders, false, &folder);
	const char *hidden = name + strlen(WHITEOUT);

	if (*hidden == '\0' || strcmp(hidden, ".") == 0 ||
	    strcmp(hidden, "..") == 0)
		return MERGE_RESERVED;
	/* There is nothing to hide where there is nothing. */
	if (fault == MERGE_NO_TARGET || fault == MERGE_NOT_A_FOLDER)
		return MERGE_FINE;
	if (fault)
		return fault;
	if (strcmp(name, WHITEOUT_OPAQUE) == 0)
		return hide_below(merge, folder);
	node = find(folder, hidden, strlen(hidden));
	return node ? hide(merge, node) : MERGE_FINE;
}

/* The owner and mode that a hard link claims are not its own to set. */
static enum merge_fault target_of(struct merge *merge, const char *target,
				  struct inode **inode)
{
	char path[MERGE_PATH_MAX];
	const char *folders, *name;
	struct node *folder;
	struct node *node;
	enum merge_fault fault = clean(target, path);

	if (fault)
		return fault;
	name = cut(path, &folders);
	fault = walk_to(merge, folders, false, &folder);
	if (fault)
		return fault;
	node = *name == '\0' ? folder : find(folder, name, strlen(name));
	if (!node)
		return MERGE_NO_TARGET;
	if (is_folder(node))
		return MERGE_FOLDER_LINK;
	node->inode->n_names++;
	*inode = node->inode;
	return MERGE_FINE;
}

static enum merge_fault check_entry(const struct merge_entry *entry)
{
	if (entry->n_xattrs > MERGE_XATTRS_MAX)
		return MERGE_XATTR;
	for (size_t i = 0; i < entry->n_xattrs; i++)
		if (strlen(entry->xattrs[i].name) > MERGE_XATTR_NAME_MAX ||
		    entry->xattrs[i].len > MERGE_XATTR_VALUE_MAX)
			return MERGE_XATTR;
	if (entry->kind != MERGE_SYMLINK && entry->kind != MERGE_HARD_LINK)
		return MERGE_FINE;
	if (*entry->target == '\0')
		return MERGE_EMPTY_LINK;
	if (strlen(entry->target) >= MERGE_PATH_MAX)
		return MERGE_TOO_LONG;
	return MERGE_FINE;
}

static enum merge_fault add_named(struct merge *merge,
				  const struct merge_entry *entry,
				  const char *folders, const char *name)
{
	struct inode *inode = NULL;
	struct node *folder;
	enum merge_fault fault;

	if (entry->kind == MERGE_HARD_LINK)
		fault = target_of(merge, entry->target, &inode);
	else
		fault = (inode = inode_new(merge, entry)) ? MERGE_FINE
							  : MERGE_NO_MEMORY;
	if (fault)
		return fault;
	fault = walk_to(merge, folders, true, &folder);
	if (fault) {
		inode_drop(merge, inode);
		return fault;
	}
	return place(merge, folder, name, strlen(name), inode);
}

static enum merge_fault add(struct merge *merge,
			    const struct merge_entry *entry)
{
	char path[MERGE_PATH_MAX];
	const char *folders, *name;
	enum merge_fault fault = clean(entry->path, path);

	if (!fault)
		fault = check_entry(entry);
	if (fault)
		return fault;
	if (*path == '\0')
		return add_root(merge, entry);
	/* What the engines' first storage driver kept beside the files. */
	if (begins(path, WHITEOUT_METADATA) &&
	    strcmp(path, WHITEOUT_OPAQUE) != 0)
		return MERGE_FINE;
	name = cut(path, &folders);
	if (is_reserved(folders))
		return MERGE_RESERVED;
	if (begins(name, WHITEOUT_METADATA) &&
	    strcmp(name, WHITEOUT_OPAQUE) != 0)
		return MERGE_FINE;
	if (begins(name, WHITEOUT))
		return add_whiteout(merge, folders, name);
	return add_named(merge, entry, folders, name);
}

/* --- the result --- */

static void path_of(const struct node *node, char path[MERGE_PATH_MAX])
{
	size_t at = node->path_len;

	path[at] = '\0';
	for (; node->parent; node = node->parent) {
		at -= node->name_len;
		memcpy(path + at, node->name, node->name_len);
		if (at > 0)
			path[--at] = '/';
	}
}

static struct merge_entry entry_of(const struct inode *inode, const char *path)
{
	return (struct merge_entry){
		.kind = inode->kind,
		.path = path,
		.target = inode->target,
		.size = inode->size,
		.mode = inode->mode,
		.uid = inode->uid,
		.gid = inode->gid,
		.mtime_s = inode->mtime_s,
		.xattrs = inode->xattrs,
		.n_xattrs = inode->n_xattrs,
	};
}

struct visitor {
	int (*visit)(const struct merge_entry *entry, const char *first,
		     void *arg);
	void *arg;
	/* Long, and on no stack more than once. */
	char path[MERGE_PATH_MAX], first[MERGE_PATH_MAX];
};

static int visit_names(struct visitor *visitor, const struct node *names);

static int visit_tree(struct visitor *visitor, const struct node *node)
{
	const struct inode *inode = node->inode;
	struct merge_entry entry = entry_of(inode, visitor->path);
	const char *first = NULL;
	int err;

	if (inode->kind == MERGE_DEVICE)
		return 0;
	path_of(node, visitor->path);
	if (inode->kind == MERGE_FILE && inode->first != node) {
		path_of(inode->first, visitor->first);
		first = visitor->first;
	}
	err = visitor->visit(&entry, first, visitor->arg);
	return err ? err : visit_names(visitor, node->names);
}

static int visit_names(struct visitor *visitor, const struct node *names)
{
	int err = 0;

	while (names && !err) {
		err = visit_names(visitor, names->left);
		if (!err)
			err = visit_tree(visitor, names);
		names = names->right;
	}
	return err;
}

/* Each file once, under the first of its names. */
static void gather(struct merge *merge, const struct node *names)
{
	for (; names; names = names->right) {
		struct inode *inode = names->inode;

		gather(merge, names->left);
		if (inode->kind == MERGE_FILE && !inode->first) {
			inode->first = names;
			merge->files[merge->n_files++] = inode;
		}
		gather(merge, names->names);
	}
}

static int by_place(const void *a, const void *b)
{
	const struct inode *const *one = a;
	const struct inode *const *other = b;

	if ((*one)->layer != (*other)->layer)
		return (*one)->layer < (*other)->layer ? -1 : 1;
	return (*one)->n < (*other)->n ? -1 : (*one)->n > (*other)->n;
}

struct merge *merge_new(const struct merge_limits *limits, uint64_t seed)
{
	struct merge *merge = calloc(1, sizeof(*merge));

	if (!merge)
		return NULL;
	merge->limits = *limits;
	merge->random = seed | 1; /* xorshift stays at zero */
	merge->root = take(merge, sizeof(*merge->root));
	if (merge->root)
		merge->root->inode = implied_folder(merge);
	if (!merge->root || !merge->root->inode) {
		merge_free(merge);
		return NULL;
	}
	return merge;
}

void merge_free(struct merge *merge)
{
	if (!merge)
		return;
	if (merge->root)
		free_tree(merge, merge->root);
	free(merge->files);
	free(merge);
}

void merge_begin_layer(struct merge *merge)
{
	merge->n_layers++;
	merge->n = 0;
}

enum merge_fault merge_add(struct merge *merge, const struct merge_entry *entry)
{
	enum merge_fault fault;

	assert(merge->n_layers > 0);
	if (merge->n_entries == merge->limits.entries)
		return MERGE_TOO_MANY;
	merge->n_entries++;
	fault = add(merge, entry);
	merge->n++;
	return fault;
}

const char *merge_fault_text(enum merge_fault fault)
{
	switch (fault) {
	case MERGE_FINE:
		return "fine";
	case MERGE_NO_MEMORY:
		return "there is more about its files than memory for it";
	case MERGE_TOO_MANY:
		return "there are more entries than an image may have";
	case MERGE_UPWARD:
		return "the path leads upward";
	case MERGE_TOO_LONG:
		return "the path is too long";
	case MERGE_TOO_DEEP:
		return "the path is too deep";
	case MERGE_ROOT_IS_NO_FOLDER:
		return "the root is not a folder";
	case MERGE_NOT_A_FOLDER:
		return "it is in something that is not a folder";
	case MERGE_LINK_LOOP:
		return "the links on its path lead nowhere";
	case MERGE_RESERVED:
		return "a name that begins with .wh. removes nothing";
	case MERGE_NO_TARGET:
		return "a hard link to what is not there";
	case MERGE_FOLDER_LINK:
		return "a hard link to a folder";
	case MERGE_EMPTY_LINK:
		return "a link to an empty path";
	case MERGE_XATTR:
		return "too many extended attributes, or too large ones";
	}
	return "fine";
}

bool merge_end(struct merge *merge)
{
	merge->files = calloc(merge->n_files_max + 1, sizeof(struct inode *));
	if (!merge->files)
		return false;
	gather(merge, merge->root);
	qsort(merge->files, merge->n_files, sizeof(struct inode *), by_place);
	return true;
}

int merge_walk(const struct merge *merge,
	       int (*visit)(const struct merge_entry *entry, const char *first,
			    void *arg),
	       void *arg)
{
	struct visitor visitor = { .visit = visit, .arg = arg };

	return visit_tree(&visitor, merge->root);
}

bool merge_wants(const struct merge *merge, size_t layer, size_t n,
		 struct merge_entry *entry, char path[MERGE_PATH_MAX])
{
	const struct inode key = { .layer = layer + 1, .n = n };
	const struct inode *const pointer = &key;
	struct inode **found = bsearch(&pointer, merge->files, merge->n_files,
				       sizeof(struct inode *), by_place);

	if (!found)
		return false;
	path_of((*found)->first, path);
	*entry = entry_of(*found, path);
	return true;
}
