#include "layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK 65536

struct layer {
	struct blob *blob;
	uint64_t *budget;
	struct archive *packed; /* the blob, as one long file */
	struct archive *tar;    /* in it */
	EVP_MD_CTX *hash;
	char in[BLOCK], out[BLOCK];
	struct merge_xattr xattrs[MERGE_XATTRS_MAX + 1];
	char why[LAYER_WHY_MAX];
};

static void explain(struct layer *layer, const char *why)
{
	if (layer->why[0] == '\0')
		(void)snprintf(layer->why, sizeof(layer->why), "%s",
			       why ? why : "cannot be read");
}

static la_ssize_t read_packed(struct archive *archive, void *data,
			      const void **block)
{
	struct layer *layer = data;
	ssize_t n = blob_read(layer->blob, layer->in, BLOCK);

	if (n < 0) {
		archive_set_error(archive, (int)-n, "%s", strerror((int)-n));
		return -1;
	}
	*block = layer->in;
	return n;
}

/* What comes out of the decompression: counted and hashed. */
static la_ssize_t read_tar(struct archive *archive, void *data,
			   const void **block)
{
	struct layer *layer = data;
	ssize_t n = archive_read_data(layer->packed, layer->out, BLOCK);
	const char *why = NULL;

	if (n < 0)
		why = archive_error_string(layer->packed);
	else if ((uint64_t)n > *layer->budget)
		why = "the image unpacks to more than is allowed";
	else if (EVP_DigestUpdate(layer->hash, layer->out, (size_t)n) != 1)
		why = strerror(ENOMEM);
	if (n < 0 || why) {
		explain(layer, why);
		archive_set_error(archive, EBADMSG, "%s", layer->why);
		return -1;
	}
	*layer->budget -= (uint64_t)n;
	*block = layer->out;
	return n;
}

/* A filter that libarchive would leave to another program is not there. */
static bool open_packed(struct layer *layer)
{
	struct archive *packed = archive_read_new();
	struct archive_entry *entry;

	layer->packed = packed;
	if (!packed)
		return false;
	(void)archive_read_support_format_raw(packed);
	if (archive_read_support_filter_gzip(packed) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(packed) != ARCHIVE_OK) {
		explain(layer, "this libarchive has no gzip or no zstd");
		return false;
	}
	if (archive_read_open(packed, layer, NULL, read_packed, NULL) !=
		    ARCHIVE_OK ||
	    archive_read_next_header(packed, &entry) != ARCHIVE_OK) {
		explain(layer, archive_error_string(packed));
		return false;
	}
	return true;
}

static bool open_tar(struct layer *layer)
{
	layer->tar = archive_read_new();
	if (!layer->tar)
		return false;
	(void)archive_read_support_format_tar(layer->tar);
	if (archive_read_open(layer->tar, layer, NULL, read_tar, NULL) !=
	    ARCHIVE_OK) {
		explain(layer, archive_error_string(layer->tar));
		return false;
	}
	return true;
}

/*
 * squashfs knows these. The names of overlayfs are left out: the agent's root
 * is a lower layer of one, and they would speak to it.
 */
static bool keeps_xattr(const char *name)
{
	static const char *const kept[] = { "user.", "trusted.", "security." };

	if (strncmp(name, "user.overlay.", 13) == 0 ||
	    strncmp(name, "trusted.overlay.", 16) == 0)
		return false;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strncmp(name, kept[i], strlen(kept[i])) == 0)
			return true;
	return false;
}

/* Some archivers write each twice, in two ways. */
static bool has_xattr(const struct layer *layer, size_t n, const char *name)
{
	while (n-- > 0)
		if (strcmp(layer->xattrs[n].name, name) == 0)
			return true;
	return false;
}

/* One more than may be is enough to have the entry refused. */
static size_t read_xattrs(struct layer *layer, struct archive_entry *from)
{
	size_t n = 0, len;
	const void *value;
	const char *name;

	(void)archive_entry_xattr_reset(from);
	while (n <= MERGE_XATTRS_MAX &&
	       archive_entry_xattr_next(from, &name, &value, &len) ==
		       ARCHIVE_OK)
		if (name && keeps_xattr(name) && !has_xattr(layer, n, name))
			layer->xattrs[n++] = (struct merge_xattr){
				.name = name, .value = value, .len = len
			};
	return n;
}

static bool read_kind(struct archive_entry *from, struct merge_entry *entry)
{
	if (archive_entry_hardlink(from)) {
		entry->kind = MERGE_HARD_LINK;
		entry->target = archive_entry_hardlink(from);
		return true;
	}
	switch (archive_entry_filetype(from)) {
	case AE_IFREG:
		entry->kind = MERGE_FILE;
		return true;
	case AE_IFDIR:
		entry->kind = MERGE_FOLDER;
		return true;
	case AE_IFLNK:
		entry->kind = MERGE_SYMLINK;
		entry->target = archive_entry_symlink(from);
		return entry->target != NULL;
	case AE_IFIFO:
		entry->kind = MERGE_FIFO;
		return true;
	case AE_IFBLK:
	case AE_IFCHR:
		entry->kind = MERGE_DEVICE;
		return true;
	default:
		return false;
	}
}

/* squashfs has 32 bits for a time. */
static uint32_t clamp(la_int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

static bool read_numbers(struct layer *layer, struct archive_entry *from,
			 struct merge_entry *entry)
{
	la_int64_t uid = archive_entry_uid(from);
	la_int64_t gid = archive_entry_gid(from);

	/* The highest number means "nobody in particular" to the kernel. */
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX) {
		explain(layer, "an owner that nobody can be");
		return false;
	}
	entry->uid = (uint32_t)uid;
	entry->gid = (uint32_t)gid;
	entry->mode = archive_entry_perm(from) & 07777U;
	entry->mtime_s = clamp(archive_entry_mtime(from));
	if (archive_entry_size(from) < 0 ||
	    (entry->kind == MERGE_FILE &&
	     (uint64_t)archive_entry_size(from) > *layer->budget)) {
		explain(layer, "the image unpacks to more than is allowed");
		return false;
	}
	entry->size = (uint64_t)archive_entry_size(from);
	return true;
}

struct layer *layer_open(struct blob *blob, uint64_t *budget)
{
	struct layer *layer = calloc(1, sizeof(*layer));

	if (!layer)
		return NULL;
	layer->blob = blob;
	layer->budget = budget;
	layer->hash = EVP_MD_CTX_new();
	if (!layer->hash ||
	    EVP_DigestInit_ex(layer->hash, EVP_sha256(), NULL) != 1) {
		layer_close(layer);
		return NULL;
	}
	if (open_packed(layer) && open_tar(layer))
		return layer;
	explain(layer, strerror(ENOMEM));
	return layer;
}

void layer_close(struct layer *layer)
{
	if (!layer)
		return;
	if (layer->tar)
		(void)archive_read_free(layer->tar);
	if (layer->packed)
		(void)archive_read_free(layer->packed);
	EVP_MD_CTX_free(layer->hash);
	free(layer);
}

int layer_next(struct layer *layer, struct merge_entry *entry)
{
	struct archive_entry *from;
	int result;

	/* What it borrowed goes with the entry before. */
	*entry = (struct merge_entry){ 0 };
	if (layer->why[0] != '\0')
		return -1;
	result = archive_read_next_header(layer->tar, &from);
	if (result == ARCHIVE_EOF)
		return 0;
	if (result < ARCHIVE_WARN) {
		explain(layer, archive_error_string(layer->tar));
		return -1;
	}
	entry->path = archive_entry_pathname(from);
	if (!entry->path) {
		explain(layer, "an entry without a name");
		return -1;
	}
	if (!read_kind(from, entry)) {
		explain(layer, "neither a file nor a folder, a link, a pipe or "
			       "a device");
		return -1;
	}
	if (!read_numbers(layer, from, entry))
		return -1;
	entry->n_xattrs = read_xattrs(layer, from);
	entry->xattrs = layer->xattrs;
	return 1;
}

ssize_t layer_read(struct layer *layer, void *bytes, size_t cap)
{
	ssize_t n = archive_read_data(layer->tar, bytes, cap);

	if (n >= 0)
		return n;
	explain(layer, archive_error_string(layer->tar));
	return -1;
}

int layer_end(struct layer *layer, char hex[BLOB_HEX_MAX])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	const void *block;
	la_ssize_t n;

	while ((n = read_tar(layer->tar, layer, &block)) > 0)
		;
	if (n < 0)
		return -1;
	if (EVP_DigestFinal_ex(layer->hash, digest, NULL) != 1) {
		explain(layer, strerror(ENOMEM));
		return -1;
	}
	blob_hex(digest, 32, hex);
	return 0;
}

const char *layer_why(const struct layer *layer)
{
	return layer->why;
}
