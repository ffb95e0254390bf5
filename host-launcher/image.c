#include "image.h"

#include "complain.h"
#include "folders.h"
#include "layer.h"
#include "merge.h"
#include "squashfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define BLOCK 65536
#define NEW_PREFIX ".new-"
/* Part of the name of what is kept: a change of the rules needs another. */
#define CACHE_VERSION "1"

/* As image configurations call it. */
static const char *architecture_of(const struct utsname *machine)
{
	static const char *const names[][2] = {
		{ "x86_64", "amd64" },
		{ "aarch64", "arm64" },
		{ "arm64", "arm64" },
		{ "riscv64", "riscv64" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(machine->machine, names[i][0]) == 0)
			return names[i][1];
	return machine->machine;
}

/* Why a file of the image cannot be had. */
static const char *reason(int err)
{
	return err == -ENOTUNIQ ? "is there twice" : strerror(-err);
}

/* --- what it says of itself --- */

/* The file @part, held to its digest. */
static int load_part(const struct image *image, const struct image_part *part,
		     char **text, size_t *len)
{
	char hex[BLOB_HEX_MAX];
	int err =
		blob_load(image->store, part->file, IMAGE_JSON_MAX, text, len);

	if (err) {
		complain("%s: %s: %s", image->path, part->file, reason(err));
		return err;
	}
	if (part->digest[0] == '\0')
		return 0;
	if (blob_hash(*text, *len, hex) && strcmp(hex, part->digest) == 0)
		return 0;
	complain("%s: %s: is not what its digest says", image->path,
		 part->file);
	free(*text);
	return -EBADMSG;
}

static int bad_part(const struct image *image, const struct image_part *part,
		    const char *why)
{
	complain("%s: %s: %s", image->path, part->file, why);
	return -EBADMSG;
}

/* From index.json by way of indexes to the manifest. */
static int find_manifest(const struct image *image,
			 const struct image_wanted *asked,
			 struct image_part *part)
{
	struct image_wanted wanted = *asked;
	char why[IMAGE_WHY_MAX];
	bool is_index = true;
	char *text;
	size_t len;
	int err;

	*part = (struct image_part){ .file = "index.json" };
	for (int depth = 0; is_index; depth++) {
		struct image_part next = { 0 };

		if (depth == IMAGE_INDEXES_MAX)
			return bad_part(image, part, "too many indexes");
		err = load_part(image, part, &text, &len);
		if (err)
			return err;
		if (!image_index_parse(text, len, &wanted, &next, &is_index,
				       why)) {
			free(text);
			return bad_part(image, part, why);
		}
		free(text);
		*part = next;
		wanted.name = NULL; /* it stands in the first one alone */
	}
	return 0;
}

static int read_parts(struct image *image, const struct image_wanted *wanted)
{
	struct image_part part = { .file = "manifest.json" };
	bool is_oci = store_has(image->store, "oci-layout");
	char why[IMAGE_WHY_MAX];
	char *text;
	size_t len;
	bool good;
	int err = is_oci ? find_manifest(image, wanted, &part) : 0;

	if (!err)
		err = load_part(image, &part, &text, &len);
	if (err)
		return err;
	good = is_oci ? image_manifest_parse(text, len, &image->parts, why)
		      : image_docker_parse(text, len, wanted, &image->parts,
					   why);
	free(text);
	return good ? 0 : bad_part(image, &part, why);
}

static int read_config(struct image *image, const struct image_wanted *wanted)
{
	const struct image_part *part = &image->parts.config;
	struct image_config *config = &image->config;
	char why[IMAGE_WHY_MAX];
	char *text;
	size_t len;
	bool good;
	int err = load_part(image, part, &text, &len);

	if (err)
		return err;
	good = image_config_parse(text, len, config, why);
	if (!blob_hash(text, len, image->id))
		err = complain_errno(image->path, ENOMEM);
	free(text);
	if (err)
		return err;
	if (!good)
		return bad_part(image, part, why);
	if (config->n_layers != image->parts.n_layers)
		return bad_part(image, part,
				"names another number of layers than there "
				"are");
	if (strcmp(config->os, "linux") != 0 ||
	    strcmp(config->architecture, wanted->architecture) != 0) {
		complain("%s: is for %s/%s, and this machine is linux/%s",
			 image->path, config->os, config->architecture,
			 wanted->architecture);
		return -ENOEXEC;
	}
	return 0;
}

/* "PATH:NAME", unless there is a file of that whole name. */
static int split_source(const char *source, char path[PATH_MAX],
			const char **name)
{
	const char *colon = strrchr(source, ':');
	size_t len = strlen(source);

	*name = NULL;
	if (colon && colon > source && !strchr(colon, '/') &&
	    access(source, F_OK) < 0) {
		len = (size_t)(colon - source);
		*name = colon + 1;
	}
	if (len >= PATH_MAX)
		return complain_errno(source, ENAMETOOLONG);
	memcpy(path, source, len);
	path[len] = '\0';
	return 0;
}

int image_open(const char *source, struct image *image)
{
	struct image_wanted wanted = { 0 };
	struct utsname machine;
	char why[BLOB_WHY_MAX];
	struct stat status;
	int err;

	*image = (struct image){ 0 };
	if (uname(&machine) < 0)
		return complain_errno("uname", errno);
	wanted.architecture = architecture_of(&machine);
	err = split_source(source, image->path, &wanted.name);
	if (err)
		return err;
	err = store_open(image->path, &image->store, why);
	if (err) {
		complain("%s: %s", image->path,
			 err == -ENOMEM ? strerror(ENOMEM) : why);
		return err;
	}
	if (!store_has(image->store, "oci-layout") &&
	    stat(image->path, &status) == 0 && S_ISDIR(status.st_mode)) {
		store_close(image->store);
		image->store = NULL;
		return 0;
	}
	if (!store_has(image->store, "oci-layout") &&
	    !store_has(image->store, "manifest.json")) {
		complain("%s: is no image: it has neither oci-layout nor "
			 "manifest.json",
			 image->path);
		return -ENOTSUP;
	}
	err = read_parts(image, &wanted);
	return err ? err : read_config(image, &wanted);
}

void image_close(struct image *image)
{
	image_config_done(&image->config);
	store_close(image->store);
	image->store = NULL;
}

/* --- its layers --- */

/* What is made of an image: first an index of all, then the disk. */
struct making {
	const struct image *image;
	struct merge *merge;
	struct squashfs *squashfs; /* NULL at first */
	uint64_t budget;
	char block[BLOCK];
};

/* "FILE: layer 2 of 5 (sha256:...), entry "usr/x": why", quoted. */
static int bad_entry(const struct making *making, size_t layer,
		     const struct merge_entry *entry, const char *why)
{
	const struct image_parts *parts = &making->image->parts;
	char quoted[256];
	size_t len = 0;

	for (const char *at = entry ? entry->path : "";
	     *at != '\0' && len + 5 < sizeof(quoted); at++)
		if (*at < ' ' || *at == '"' || *at == '\\' || *at == 127)
			len += (size_t)snprintf(quoted + len, 5, "\\%03o",
						(unsigned char)*at);
		else
			quoted[len++] = *at;
	quoted[len] = '\0';
	complain("%s: layer %zu of %zu (%s)%s%s%s: %s", making->image->path,
		 layer + 1, parts->n_layers, parts->layers[layer].file,
		 entry ? ", entry \"" : "", quoted, entry ? "\"" : "", why);
	return -EBADMSG;
}

/* Its content, which is as long as was said at first. */
static int copy_file(struct making *making, struct layer *layer, size_t n,
		     const struct merge_entry *file)
{
	uint64_t left = file->size;
	int err = squashfs_add(making->squashfs, file);

	while (!err && left > 0) {
		ssize_t got = layer_read(layer, making->block,
					 left < BLOCK ? (size_t)left : BLOCK);

		if (got <= 0)
			return bad_entry(making, n, file,
					 got < 0 ? layer_why(layer)
						 : "ends too early");
		err = squashfs_write(making->squashfs, making->block,
				     (size_t)got);
		left -= (uint64_t)got;
	}
	return err;
}

/* Entry number @i: to the index, or, if it is wanted, to the disk. */
static int take_entry(struct making *making, struct layer *layer, size_t n,
		      size_t i, const struct merge_entry *entry)
{
	char path[MERGE_PATH_MAX];
	struct merge_entry file;
	enum merge_fault fault;

	if (!making->squashfs) {
		fault = merge_add(making->merge, entry);
		return fault ? bad_entry(making, n, entry,
					 merge_fault_text(fault))
			     : 0;
	}
	if (!merge_wants(making->merge, n, i, &file, path))
		return 0;
	if (entry->kind != MERGE_FILE || entry->size != file.size)
		return bad_entry(making, n, entry, "has changed meanwhile");
	return copy_file(making, layer, n, &file);
}

static int read_entries(struct making *making, size_t n, struct blob *blob)
{
	struct layer *layer = layer_open(blob, &making->budget);
	struct merge_entry entry = { 0 };
	char hex[BLOB_HEX_MAX];
	int more = 1, err = 0;

	if (!layer)
		return complain_errno(making->image->path, ENOMEM);
	for (size_t i = 0; !err && (more = layer_next(layer, &entry)) > 0; i++)
		err = take_entry(making, layer, n, i, &entry);
	if (!err && more < 0)
		err = bad_entry(making, n, entry.path ? &entry : NULL,
				layer_why(layer));
	if (!err && layer_end(layer, hex) < 0)
		err = bad_entry(making, n, NULL, layer_why(layer));
	if (!err && strcmp(hex, making->image->config.diff_ids[n]) != 0)
		err = bad_entry(making, n, NULL,
				"unpacks to something else than the "
				"configuration says");
	layer_close(layer);
	return err;
}

static int read_layer(struct making *making, size_t n)
{
	const struct image_part *part = &making->image->parts.layers[n];
	char hex[BLOB_HEX_MAX];
	struct blob *blob;
	int err = 0;

	if (part->digest[0] != '\0' && !making->squashfs) {
		err = blob_digest(making->image->store, part->file, hex);
		if (!err && strcmp(hex, part->digest) != 0)
			return bad_entry(making, n, NULL,
					 "is not what its digest says");
	}
	if (!err)
		err = blob_open(making->image->store, part->file, &blob);
	if (err) {
		(void)bad_entry(making, n, NULL, reason(err));
		return err;
	}
	err = read_entries(making, n, blob);
	blob_close(blob);
	return err;
}

static int read_layers(struct making *making)
{
	int err = 0;

	making->budget = IMAGE_BYTES_MAX;
	for (size_t n = 0; n < making->image->parts.n_layers && !err; n++) {
		if (!making->squashfs)
			merge_begin_layer(making->merge);
		err = read_layer(making, n);
	}
	return err;
}

/* --- the disk --- */

/* All that has no content of its own. */
static int write_other(const struct merge_entry *entry, const char *first,
		       void *arg)
{
	const struct making *making = arg;

	(void)first;
	return entry->kind == MERGE_FILE
		       ? 0
		       : squashfs_add(making->squashfs, entry);
}

/* The further names of what has. */
static int write_link(const struct merge_entry *entry, const char *first,
		      void *arg)
{
	const struct making *making = arg;

	return first ? squashfs_link(making->squashfs, entry->path, first) : 0;
}

static int write_disk(struct making *making, const char *path)
{
	int err = squashfs_start(path, &making->squashfs);

	if (err)
		return err;
	err = merge_walk(making->merge, write_other, making);
	if (!err)
		err = read_layers(making);
	if (!err)
		err = merge_walk(making->merge, write_link, making);
	return squashfs_end(making->squashfs, err);
}

static int merge_layers(struct making *making)
{
	const struct merge_limits limits = { .entries = IMAGE_ENTRIES_MAX,
					     .memory = IMAGE_MEMORY_MAX };
	uint64_t seed;
	int err;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return complain_errno("getrandom", errno);
	making->merge = merge_new(&limits, seed);
	if (!making->merge)
		return complain_errno(making->image->path, ENOMEM);
	err = read_layers(making);
	if (!err && !merge_end(making->merge))
		err = complain_errno(making->image->path, ENOMEM);
	return err;
}

/*
 * In the C locale, which nobody here leaves, libarchive takes the names in
 * archives for bytes, and passes what is no UTF-8 as it is.
 */
static int make_disk(struct making *making, const char *path)
{
	int err = merge_layers(making);

	if (!err)
		err = write_disk(making, path);
	merge_free(making->merge);
	return err;
}

int image_to_disk(const struct image *image, const char *path)
{
	struct making *making;
	int err;

	if (!image->store)
		return squashfs_of_folder(image->path, path);
	making = calloc(1, sizeof(*making));
	if (!making)
		return complain_errno(image->path, ENOMEM);
	making->image = image;
	err = make_disk(making, path);
	free(making);
	return err;
}

/* --- the cache --- */

/* Ours in the user's cache, which counts if it is absolute; with a slash. */
static int cache_folder(char path[PATH_MAX])
{
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	int n = -1;

	if (cache && *cache == '/')
		n = snprintf(path, PATH_MAX, "%s/sluice/images/", cache);
	else if (home && *home == '/')
		n = snprintf(path, PATH_MAX, "%s/.cache/sluice/images/", home);
	if (n < 0 || n >= PATH_MAX) {
		complain("HOME: not set, or too long; nothing can be cached");
		return -ENOENT;
	}
	return folders_make(path);
}

/*
 * What was left by somebody who was killed: the lock that its maker holds on
 * an unfinished file is gone with the maker. The caller has the folder's lock,
 * under which such files are made.
 */
static void remove_leftovers(const char *folder)
{
	DIR *names = opendir(folder);
	const struct dirent *name;

	while (names && (name = readdir(names))) {
		int fd;

		if (strncmp(name->d_name, NEW_PREFIX, strlen(NEW_PREFIX)) != 0)
			continue;
		fd = openat(dirfd(names), name->d_name,
			    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			(void)unlinkat(dirfd(names), name->d_name, 0);
		(void)close(fd);
	}
	if (names)
		(void)closedir(names);
}

/* An unfinished file, locked; its descriptor, or -errno. */
static int reserve(const char *folder, char path[PATH_MAX])
{
	int all = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	int fd = -1;
	int err = 0;

	if (all < 0)
		return complain_errno(folder, errno);
	if (flock(all, LOCK_EX) < 0) {
		err = complain_errno(folder, errno);
	} else {
		remove_leftovers(folder);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd < 0 || flock(fd, LOCK_EX) < 0)
			err = complain_errno(path, errno);
	}
	(void)close(all);
	if (err && fd >= 0)
		(void)close(fd);
	return err ? err : fd;
}

static int make_cached(const struct image *image, const char *folder,
		       const char *path)
{
	char unfinished[PATH_MAX];
	int n = snprintf(unfinished, sizeof(unfinished),
			 "%s" NEW_PREFIX "XXXXXX", folder);
	int fd;
	int err;

	if (n < 0 || (size_t)n >= sizeof(unfinished))
		return complain_errno(folder, ENAMETOOLONG);
	fd = reserve(folder, unfinished);
	if (fd < 0)
		return fd;
	err = image_to_disk(image, unfinished);
	if (!err && fsync(fd) < 0)
		err = complain_errno(unfinished, errno);
	if (!err && rename(unfinished, path) < 0)
		err = complain_errno(path, errno);
	if (err)
		(void)unlink(unfinished);
	(void)close(fd);
	return err;
}

int image_to_cache(const struct image *image, char path[PATH_MAX])
{
	char folder[PATH_MAX];
	int n;
	int err;

	if (!image->store)
		return -EINVAL;
	err = cache_folder(folder);
	if (err)
		return err;
	n = snprintf(path, PATH_MAX, "%s%s." CACHE_VERSION ".squashfs", folder,
		     image->id);
	if (n < 0 || n >= PATH_MAX)
		return complain_errno(folder, ENAMETOOLONG);
	if (access(path, R_OK) == 0)
		return 0;
	return make_cached(image, folder, path);
}
