#include "blob.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 65536

/* A file of an archive, or another name for one. */
struct member {
	char name[BLOB_NAME_MAX], target[BLOB_NAME_MAX];
	bool twice;
};

struct store {
	int fd;
	bool is_folder;
	struct member *members; /* of an archive */
	size_t n_members;
};

struct blob {
	int fd; /* of a folder's; -1 in an archive */
	int archive_fd;
	off_t at; /* in the archive: each reader has a place of its own */
	struct archive *archive;
	char block[BLOCK];
};

/* "a/./b" and "./a/b" are "a/b"; "a/../b" is "b". False if it leads out. */
static bool tidy(const char *path, char out[BLOB_NAME_MAX])
{
	size_t len = 0;

	while (*path != '\0') {
		size_t n = strcspn(path, "/");

		if (n == 2 && memcmp(path, "..", 2) == 0) {
			if (len == 0)
				return false;
			while (len > 0 && out[--len] != '/')
				;
		} else if (n > 0 && !(n == 1 && *path == '.')) {
			if (len + 1 + n >= BLOB_NAME_MAX)
				return false;
			if (len > 0)
				out[len++] = '/';
			memcpy(out + len, path, n);
			len += n;
		}
		path += n;
		path += *path == '/';
	}
	out[len] = '\0';
	return len > 0;
}

/* --- archives --- */

/* Where clang-tidy wants const, libarchive's type has none. */
static la_ssize_t read_archive(struct archive *archive, void *data,
			       const void **block)
{
	struct blob *blob = data;
	ssize_t n;

	do
		n = pread(blob->archive_fd, blob->block, BLOCK, blob->at);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(archive, errno, "%s", strerror(errno));
		return -1;
	}
	blob->at += n;
	*block = blob->block;
	return n;
}

static la_int64_t skip_archive(struct archive *archive, void *data,
			       la_int64_t n)
{
	struct blob *blob = data;

	(void)archive;
	blob->at += n;
	return n;
}

static int open_archive(int fd, struct blob **opened)
{
	struct blob *blob = calloc(1, sizeof(*blob));

	if (!blob)
		return -ENOMEM;
	blob->fd = -1;
	blob->archive_fd = fd;
	blob->archive = archive_read_new();
	if (!blob->archive) {
		blob_close(blob);
		return -ENOMEM;
	}
	(void)archive_read_support_format_tar(blob->archive);
	(void)archive_read_set_read_callback(blob->archive, read_archive);
	(void)archive_read_set_skip_callback(blob->archive, skip_archive);
	(void)archive_read_set_callback_data(blob->archive, blob);
	if (archive_read_open1(blob->archive) != ARCHIVE_OK) {
		blob_close(blob);
		return -ENOTSUP;
	}
	*opened = blob;
	return 0;
}

static struct member *find_member(const struct store *store, const char *name)
{
	for (size_t i = 0; i < store->n_members; i++)
		if (strcmp(store->members[i].name, name) == 0)
			return &store->members[i];
	return NULL;
}

/* The target of a link is said from the folder that the link is in. */
static bool member_target(const char *name, struct archive_entry *entry,
			  char out[BLOB_NAME_MAX])
{
	char path[2 * BLOB_NAME_MAX];
	const char *slash = strrchr(name, '/');
	const char *link = archive_entry_hardlink(entry);
	int n;

	if (link)
		return tidy(link, out);
	link = archive_entry_symlink(entry);
	if (!link || *link == '/')
		return false;
	n = snprintf(path, sizeof(path), "%.*s%s",
		     slash ? (int)(slash + 1 - name) : 0, name, link);
	return n > 0 && (size_t)n < sizeof(path) && tidy(path, out);
}

/* What is no file and no link, or has a name that is no use, is passed over. */
static void note_member(struct store *store, struct archive_entry *entry)
{
	struct member *member = &store->members[store->n_members];
	const char *path = archive_entry_pathname(entry);
	struct member *other;
	bool is_file = archive_entry_filetype(entry) == AE_IFREG &&
		       !archive_entry_hardlink(entry);

	*member = (struct member){ 0 };
	if (!path || !tidy(path, member->name))
		return;
	if (!is_file && !member_target(member->name, entry, member->target))
		return;
	other = find_member(store, member->name);
	if (other)
		other->twice = true;
	else
		store->n_members++;
}

static int list_archive(struct store *store, char why[BLOB_WHY_MAX])
{
	struct archive_entry *entry;
	struct blob *blob;
	int err = open_archive(store->fd, &blob);
	int result;

	if (err) {
		(void)snprintf(why, BLOB_WHY_MAX,
			       "is not a tar archive; if it is compressed, "
			       "decompress it first");
		return err;
	}
	store->members = calloc(BLOB_MEMBERS_MAX, sizeof(*store->members));
	if (!store->members)
		err = -ENOMEM;
	while (!err &&
	       (result = archive_read_next_header(blob->archive, &entry)) !=
		       ARCHIVE_EOF)
		if (result < ARCHIVE_WARN) {
			(void)snprintf(why, BLOB_WHY_MAX, "%s",
				       archive_error_string(blob->archive));
			err = -EBADMSG;
		} else if (store->n_members == BLOB_MEMBERS_MAX) {
			(void)snprintf(why, BLOB_WHY_MAX,
				       "more than %d files in the archive",
				       BLOB_MEMBERS_MAX);
			err = -E2BIG;
		} else {
			note_member(store, entry);
		}
	blob_close(blob);
	return err;
}

/* The file itself; a link leads to one, and no further. */
static const struct member *resolve(const struct store *store, const char *name)
{
	const struct member *member = find_member(store, name);

	if (member && member->target[0] != '\0')
		member = find_member(store, member->target);
	return member && member->target[0] == '\0' ? member : NULL;
}

static int open_member(const struct store *store, const char *name,
		       struct blob **opened)
{
	const struct member *member = resolve(store, name);
	char path[BLOB_NAME_MAX];
	struct archive_entry *entry;
	struct blob *blob;
	int result;
	int err;

	if (!member)
		return -ENOENT;
	if (member->twice)
		return -ENOTUNIQ;
	err = open_archive(store->fd, &blob);
	if (err)
		return err;
	while ((result = archive_read_next_header(blob->archive, &entry)) !=
		       ARCHIVE_EOF &&
	       result >= ARCHIVE_WARN)
		if (archive_entry_pathname(entry) &&
		    tidy(archive_entry_pathname(entry), path) &&
		    strcmp(path, member->name) == 0) {
			*opened = blob;
			return 0;
		}
	blob_close(blob);
	return -ENOENT;
}

/* --- folders --- */

static int open_file(const struct store *store, const char *name,
		     struct blob **opened)
{
	char path[BLOB_NAME_MAX];
	struct stat status;
	struct blob *blob;

	if (!tidy(name, path) || strcmp(name, path) != 0)
		return -ENOENT;
	blob = calloc(1, sizeof(*blob));
	if (!blob)
		return -ENOMEM;
	blob->fd = openat(store->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (blob->fd < 0 || fstat(blob->fd, &status) < 0 ||
	    !S_ISREG(status.st_mode)) {
		int err = blob->fd < 0 ? -errno : -ENOENT;

		blob_close(blob);
		return err;
	}
	*opened = blob;
	return 0;
}

int store_open(const char *path, struct store **opened, char why[BLOB_WHY_MAX])
{
	struct store *store = calloc(1, sizeof(*store));
	struct stat status;
	int err = 0;

	if (!store)
		return -ENOMEM;
	store->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (store->fd < 0 || fstat(store->fd, &status) < 0) {
		err = -errno;
		(void)snprintf(why, BLOB_WHY_MAX, "%s", strerror(errno));
	} else if (S_ISDIR(status.st_mode)) {
		store->is_folder = true;
	} else if (S_ISREG(status.st_mode)) {
		err = list_archive(store, why);
	} else {
		err = -ENOTSUP;
		(void)snprintf(why, BLOB_WHY_MAX,
			       "is neither a folder nor a file");
	}
	if (err) {
		store_close(store);
		return err;
	}
	*opened = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->fd >= 0)
		(void)close(store->fd);
	free(store->members);
	free(store);
}

bool store_has(const struct store *store, const char *name)
{
	struct blob *blob = NULL;

	if (!store->is_folder)
		return resolve(store, name) != NULL;
	if (open_file(store, name, &blob) < 0)
		return false;
	blob_close(blob);
	return true;
}

int blob_open(const struct store *store, const char *name, struct blob **blob)
{
	return store->is_folder ? open_file(store, name, blob)
				: open_member(store, name, blob);
}

ssize_t blob_read(struct blob *blob, void *bytes, size_t cap)
{
	ssize_t n;

	if (blob->fd < 0) {
		n = archive_read_data(blob->archive, bytes, cap);
		return n < 0 ? -EBADMSG : n;
	}
	do
		n = read(blob->fd, bytes, cap);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

void blob_close(struct blob *blob)
{
	if (!blob)
		return;
	if (blob->archive)
		(void)archive_read_free(blob->archive);
	if (blob->fd >= 0)
		(void)close(blob->fd);
	free(blob);
}

int blob_load(const struct store *store, const char *name, size_t max,
	      char **bytes, size_t *len)
{
	struct blob *blob = NULL;
	char *text = malloc(max + 1);
	size_t n = 0;
	ssize_t got = 0;
	int err = text ? blob_open(store, name, &blob) : -ENOMEM;

	if (err) {
		free(text);
		return err;
	}
	while (n <= max && (got = blob_read(blob, text + n, max + 1 - n)) > 0)
		n += (size_t)got;
	blob_close(blob);
	if (got < 0 || n > max) {
		free(text);
		return got < 0 ? (int)got : -EFBIG;
	}
	text[n] = '\0';
	*bytes = text;
	*len = n;
	return 0;
}

void blob_hex(const uint8_t *digest, size_t len, char hex[BLOB_HEX_MAX])
{
	for (size_t i = 0; i < len && i < (BLOB_HEX_MAX - 1) / 2; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

bool blob_hash(const void *bytes, size_t len, char hex[BLOB_HEX_MAX])
{
	uint8_t digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(bytes, len, digest, NULL, EVP_sha256(), NULL) != 1)
		return false;
	blob_hex(digest, 32, hex);
	return true;
}

int blob_digest(const struct store *store, const char *name,
		char hex[BLOB_HEX_MAX])
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE];
	char *block = malloc(BLOCK);
	struct blob *blob = NULL;
	ssize_t n = 0;
	int err = hash && block ? blob_open(store, name, &blob) : -ENOMEM;

	if (!err && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		err = -ENOMEM;
	while (!err && (n = blob_read(blob, block, BLOCK)) != 0)
		if (n < 0)
			err = (int)n;
		else if (EVP_DigestUpdate(hash, block, (size_t)n) != 1)
			err = -ENOMEM;
	if (!err && EVP_DigestFinal_ex(hash, digest, NULL) != 1)
		err = -ENOMEM;
	if (!err)
		blob_hex(digest, 32, hex);
	blob_close(blob);
	EVP_MD_CTX_free(hash);
	free(block);
	return err;
}
