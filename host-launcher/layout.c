#include "layout.h"

#include "blob.h"
#include "complain.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EPOCH "1970-01-01T00:00:00Z"
#define TYPE "application/vnd.oci.image."
#define BLOBS "blobs/sha256/"
#define FILES 6 /* of a layout: three blobs, and three that name them */

struct entry {
	char path[LAYOUT_PATH_MAX]; /* without the slash before it */
	mode_t mode;
	bool is_folder;
	char *bytes;
	size_t len;
};

struct layout {
	struct entry entries[LAYOUT_ENTRIES_MAX];
	size_t n;
};

/* Bytes that grow. */
struct heap {
	char *bytes;
	size_t len, cap;
};

/* A file of the layout. */
struct file {
	char name[BLOB_NAME_MAX];
	char digest[BLOB_HEX_MAX];
	char *bytes;
	size_t len;
};

/* --- the layer --- */

static struct entry *find(struct layout *layout, const char *path, size_t len)
{
	for (size_t i = 0; i < layout->n; i++)
		if (strlen(layout->entries[i].path) == len &&
		    memcmp(layout->entries[i].path, path, len) == 0)
			return &layout->entries[i];
	return NULL;
}

static int add(struct layout *layout, const char *path, size_t len, mode_t mode,
	       struct entry **added)
{
	struct entry *entry = &layout->entries[layout->n];

	if (layout->n == LAYOUT_ENTRIES_MAX)
		return -E2BIG;
	if (len == 0 || len >= sizeof(entry->path))
		return -ENAMETOOLONG;
	if (find(layout, path, len))
		return -EEXIST;
	*entry = (struct entry){ .mode = mode };
	memcpy(entry->path, path, len);
	layout->n++;
	*added = entry;
	return 0;
}

static int add_folders(struct layout *layout, const char *path)
{
	const char *slash = path;
	struct entry *entry;
	int err = 0;

	while (!err && (slash = strchr(slash, '/'))) {
		if (!find(layout, path, (size_t)(slash - path))) {
			err = add(layout, path, (size_t)(slash - path), 0755,
				  &entry);
			if (!err)
				entry->is_folder = true;
		}
		slash++;
	}
	return err;
}

int layout_folder(struct layout *layout, const char *path, mode_t mode)
{
	struct entry *entry;
	int err = add_folders(layout, path + 1);

	if (!err)
		err = add(layout, path + 1, strlen(path + 1), mode, &entry);
	if (!err)
		entry->is_folder = true;
	return err;
}

int layout_file(struct layout *layout, const char *path, mode_t mode,
		char *bytes, size_t len)
{
	struct entry *entry;
	int err = add_folders(layout, path + 1);

	if (!err)
		err = add(layout, path + 1, strlen(path + 1), mode, &entry);
	if (err) {
		free(bytes);
		return err;
	}
	entry->bytes = bytes;
	entry->len = len;
	return 0;
}

struct layout *layout_new(void)
{
	return calloc(1, sizeof(struct layout));
}

void layout_free(struct layout *layout)
{
	for (size_t i = 0; layout && i < layout->n; i++)
		free(layout->entries[i].bytes);
	free(layout);
}

static int by_path(const void *a, const void *b)
{
	const struct entry *one = a;
	const struct entry *other = b;

	return strcmp(one->path, other->path);
}

static la_ssize_t grow(struct archive *archive, void *data, const void *bytes,
		       size_t len)
{
	struct heap *heap = data;

	if (len > LAYOUT_BYTES_MAX - heap->len) {
		archive_set_error(archive, EFBIG, "too large");
		return -1;
	}
	while (heap->len + len > heap->cap) {
		size_t cap = heap->cap ? 2 * heap->cap : (size_t)1 << 20;
		char *more = realloc(heap->bytes, cap);

		if (!more) {
			archive_set_error(archive, ENOMEM, "out of memory");
			return -1;
		}
		heap->bytes = more;
		heap->cap = cap;
	}
	memcpy(heap->bytes + heap->len, bytes, len);
	heap->len += len;
	return (la_ssize_t)len;
}

static bool put(struct archive *tar, struct archive_entry *to,
		const struct entry *entry)
{
	(void)archive_entry_clear(to);
	archive_entry_set_pathname(to, entry->path);
	archive_entry_set_filetype(to, entry->is_folder ? AE_IFDIR : AE_IFREG);
	archive_entry_set_perm(to, entry->mode);
	archive_entry_set_mtime(to, 0, 0);
	archive_entry_set_size(to, (la_int64_t)entry->len);
	return archive_write_header(tar, to) == ARCHIVE_OK &&
	       (entry->len == 0 ||
		archive_write_data(tar, entry->bytes, entry->len) ==
			(la_ssize_t)entry->len);
}

/* Into @heap, or, if that is NULL, into the file @fd. */
static int write_tar(const struct entry *entries, size_t n, struct heap *heap,
		     int fd)
{
	struct archive *tar = archive_write_new();
	struct archive_entry *to = archive_entry_new();
	int err = tar && to ? 0 : -ENOMEM;
	bool good;

	if (!err) {
		good = archive_write_set_format_ustar(tar) == ARCHIVE_OK &&
		       (heap ? archive_write_open(tar, heap, NULL, grow, NULL)
			     : archive_write_open_fd(tar, fd)) == ARCHIVE_OK;
		for (size_t i = 0; i < n && good; i++)
			good = put(tar, to, &entries[i]);
		if (!good || archive_write_close(tar) != ARCHIVE_OK)
			err = archive_errno(tar) ? -archive_errno(tar) : -EIO;
	}
	archive_entry_free(to);
	(void)archive_write_free(tar);
	return err;
}

/* As gzip -9n would. */
static int compress(const struct heap *from, struct heap *to)
{
	struct archive *gzip = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	int err = gzip && entry ? 0 : -ENOMEM;

	if (!err) {
		archive_entry_set_filetype(entry, AE_IFREG);
		if (archive_write_set_format_raw(gzip) != ARCHIVE_OK ||
		    archive_write_add_filter_gzip(gzip) != ARCHIVE_OK ||
		    archive_write_set_options(
			    gzip, "gzip:compression-level=9,!timestamp") !=
			    ARCHIVE_OK ||
		    archive_write_set_bytes_in_last_block(gzip, 1) !=
			    ARCHIVE_OK ||
		    archive_write_open(gzip, to, NULL, grow, NULL) !=
			    ARCHIVE_OK ||
		    archive_write_header(gzip, entry) != ARCHIVE_OK ||
		    archive_write_data(gzip, from->bytes, from->len) !=
			    (la_ssize_t)from->len ||
		    archive_write_close(gzip) != ARCHIVE_OK)
			err = -EIO;
	}
	archive_entry_free(entry);
	(void)archive_write_free(gzip);
	return err;
}

/* --- what is said of it --- */

/* Takes over @bytes, also when it fails. */
static int make_blob(struct file *file, char *bytes, size_t len)
{
	if (!bytes || !blob_hash(bytes, len, file->digest)) {
		free(bytes);
		return -ENOMEM;
	}
	(void)snprintf(file->name, sizeof(file->name), BLOBS "%s",
		       file->digest);
	file->bytes = bytes;
	file->len = len;
	return 0;
}

/* Takes over @root, which may be NULL. */
static char *dump(json_t *root)
{
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	return text;
}

static json_t *descriptor(const struct file *file, const char *type)
{
	char digest[sizeof("sha256:") + BLOB_HEX_MAX];
	char media[64];

	(void)snprintf(digest, sizeof(digest), "sha256:%s", file->digest);
	(void)snprintf(media, sizeof(media), TYPE "%s", type);
	return json_pack("{s:s, s:s, s:I}", "mediaType", media, "digest",
			 digest, "size", (json_int_t)file->len);
}

static char *config_text(const struct layout_image *image, const char *diff_id)
{
	char digest[sizeof("sha256:") + BLOB_HEX_MAX];

	(void)snprintf(digest, sizeof(digest), "sha256:%s", diff_id);
	return dump(json_pack(
		"{s:s, s:s, s:s, s:{s:[s], s:s, s:{s:s, s:s, s:s, s:s}},"
		" s:{s:s, s:[s]}, s:[{s:s, s:s}]}",
		"created", EPOCH, "architecture", image->architecture, "os",
		"linux", "config", "Entrypoint", image->program, "WorkingDir",
		"/", "Labels", "org.opencontainers.image.title", image->name,
		"org.opencontainers.image.description", image->summary,
		"org.opencontainers.image.version", image->version,
		"org.opencontainers.image.licenses", "Apache-2.0", "rootfs",
		"type", "layers", "diff_ids", digest, "history", "created",
		EPOCH, "created_by", "sluice image"));
}

static char *manifest_text(const struct file *config, const struct file *layer)
{
	return dump(json_pack("{s:i, s:s, s:o, s:[o]}", "schemaVersion", 2,
			      "mediaType", TYPE "manifest.v1+json", "config",
			      descriptor(config, "config.v1+json"), "layers",
			      descriptor(layer, "layer.v1.tar+gzip")));
}

/* podman goes by the one annotation, docker by the other. */
static char *index_text(const struct layout_image *image,
			const struct file *manifest)
{
	char name[256], docker_name[300];
	json_t *entry = descriptor(manifest, "manifest.v1+json");

	(void)snprintf(name, sizeof(name), "%s:%s", image->name,
		       image->version);
	(void)snprintf(docker_name, sizeof(docker_name), "docker.io/library/%s",
		       name);
	if (json_object_set_new(entry, "platform",
				json_pack("{s:s, s:s}", "architecture",
					  image->architecture, "os", "linux")) <
		    0 ||
	    json_object_set_new(entry, "annotations",
				json_pack("{s:s, s:s}",
					  "org.opencontainers.image.ref.name",
					  name, "io.containerd.image.name",
					  docker_name)) < 0) {
		json_decref(entry);
		return NULL;
	}
	return dump(json_pack("{s:i, s:s, s:[o]}", "schemaVersion", 2,
			      "mediaType", TYPE "index.v1+json", "manifests",
			      entry));
}

static char *docker_text(const struct layout_image *image,
			 const struct file *config, const struct file *layer)
{
	char name[256];

	(void)snprintf(name, sizeof(name), "%s:%s", image->name,
		       image->version);
	return dump(json_pack("[{s:s, s:[s], s:[s]}]", "Config", config->name,
			      "RepoTags", name, "Layers", layer->name));
}

/* Takes over @text, which may be NULL. */
static int make_text(struct file *file, const char *name, char *text)
{
	if (!text)
		return -ENOMEM;
	(void)snprintf(file->name, sizeof(file->name), "%s", name);
	file->bytes = text;
	file->len = strlen(text);
	return 0;
}

static int make_blob_text(struct file *file, char *text)
{
	return make_blob(file, text, text ? strlen(text) : 0);
}

static int make_layer(struct layout *layout, struct file *layer,
		      char diff_id[BLOB_HEX_MAX])
{
	struct heap tar = { 0 };
	struct heap packed = { 0 };
	int err;

	qsort(layout->entries, layout->n, sizeof(layout->entries[0]), by_path);
	err = write_tar(layout->entries, layout->n, &tar, -1);
	if (!err)
		err = compress(&tar, &packed);
	if (!err && !blob_hash(tar.bytes, tar.len, diff_id))
		err = -ENOMEM;
	free(tar.bytes);
	if (!err)
		return make_blob(layer, packed.bytes, packed.len);
	free(packed.bytes);
	return err;
}

static int make_files(struct layout *layout, const struct layout_image *image,
		      struct file files[FILES])
{
	struct file *layer = &files[0], *config = &files[1];
	struct file *manifest = &files[2];
	char diff_id[BLOB_HEX_MAX];
	int err = make_layer(layout, layer, diff_id);

	if (!err)
		err = make_blob_text(config, config_text(image, diff_id));
	if (!err)
		err = make_blob_text(manifest, manifest_text(config, layer));
	if (!err)
		err = make_text(&files[3], "index.json",
				index_text(image, manifest));
	if (!err)
		err = make_text(&files[4], "manifest.json",
				docker_text(image, config, layer));
	if (!err)
		err = make_text(&files[5], "oci-layout",
				strdup("{\"imageLayoutVersion\":\"1.0.0\"}"));
	return err;
}

/* --- where it goes --- */

static bool is_archive(const char *out)
{
	size_t len = strlen(out);

	return len > 4 && strcmp(out + len - 4, ".tar") == 0;
}

/* What mkostemp(3) and mkdtemp(3) keep to themselves is for all to see. */
static mode_t allowed(mode_t mode)
{
	mode_t mask = umask(022);

	(void)umask(mask);
	return mode & ~mask;
}

static int write_archive(const struct file files[FILES], char *unfinished)
{
	struct layout *outer = layout_new();
	int fd = mkostemp(unfinished, O_CLOEXEC);
	int err = fd < 0 ? -errno : 0;

	if (!err && !outer)
		err = -ENOMEM;
	for (size_t i = 0; i < FILES && !err; i++) {
		struct entry *entry;

		err = add_folders(outer, files[i].name);
		if (!err)
			err = add(outer, files[i].name, strlen(files[i].name),
				  0644, &entry);
		if (!err) {
			entry->bytes = files[i].bytes;
			entry->len = files[i].len;
		}
	}
	if (!err) {
		qsort(outer->entries, outer->n, sizeof(outer->entries[0]),
		      by_path);
		err = write_tar(outer->entries, outer->n, NULL, fd);
	}
	if (!err && fchmod(fd, allowed(0644)) < 0)
		err = -errno;
	free(outer); /* the bytes are not its own */
	if (fd >= 0 && close(fd) < 0 && !err)
		err = -errno;
	return err;
}

static int write_file(int folder, const struct file *file)
{
	int fd = openat(folder, file->name,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t done = 0;
	int err = fd < 0 ? -errno : 0;

	while (!err && done < file->len) {
		ssize_t n = write(fd, file->bytes + done, file->len - done);

		if (n < 0)
			err = -errno;
		else
			done += (size_t)n;
	}
	if (fd >= 0 && close(fd) < 0 && !err)
		err = -errno;
	return err;
}

static int write_folder(const struct file files[FILES], char *unfinished)
{
	int folder =
		mkdtemp(unfinished)
			? open(unfinished, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
			: -1;
	int err = folder < 0 ? -errno : 0;

	if (!err && (mkdirat(folder, "blobs", 0755) < 0 ||
		     mkdirat(folder, BLOBS, 0755) < 0 ||
		     fchmod(folder, allowed(0755)) < 0))
		err = -errno;
	for (size_t i = 0; i < FILES && !err; i++)
		err = write_file(folder, &files[i]);
	if (folder >= 0)
		(void)close(folder);
	return err;
}

static void remove_unfinished(const struct file files[FILES],
			      const char *unfinished)
{
	int folder = open(unfinished, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0) {
		(void)unlink(unfinished);
		return;
	}
	for (size_t i = 0; i < FILES; i++)
		(void)unlinkat(folder, files[i].name, 0);
	(void)unlinkat(folder, BLOBS, AT_REMOVEDIR);
	(void)unlinkat(folder, "blobs", AT_REMOVEDIR);
	(void)close(folder);
	(void)rmdir(unfinished);
}

int layout_write(struct layout *layout, const struct layout_image *image,
		 const char *out)
{
	struct file files[FILES] = { 0 };
	char unfinished[PATH_MAX];
	int n = snprintf(unfinished, sizeof(unfinished), "%s.new-XXXXXX", out);
	int err;

	if (n < 0 || (size_t)n >= sizeof(unfinished))
		return complain_errno(out, ENAMETOOLONG);
	err = make_files(layout, image, files);
	if (!err) {
		err = is_archive(out) ? write_archive(files, unfinished)
				      : write_folder(files, unfinished);
		if (!err && rename(unfinished, out) < 0)
			err = -errno;
		if (err)
			remove_unfinished(files, unfinished);
	}
	for (size_t i = 0; i < FILES; i++)
		free(files[i].bytes);
	if (err == -ENOTEMPTY || err == -ENOTDIR)
		err = -EEXIST;
	return err ? complain_errno(out, err) : 0;
}
