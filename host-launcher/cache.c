#include "cache.h"

#include "folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void fail(struct cache_key *key)
{
	EVP_MD_CTX_free(key->digest);
	key->digest = NULL;
}

static void update(struct cache_key *key, const void *bytes, size_t len)
{
	if (key->digest && EVP_DigestUpdate(key->digest, bytes, len) != 1)
		fail(key);
}

void cache_key_init(struct cache_key *key)
{
	key->digest = EVP_MD_CTX_new();
	if (key->digest &&
	    EVP_DigestInit_ex(key->digest, EVP_sha256(), NULL) != 1)
		fail(key);
}

void cache_key_text(struct cache_key *key, const char *text)
{
	/* With its end, so that no two lists of words are one. */
	update(key, text, strlen(text) + 1);
}

void cache_key_file(struct cache_key *key, const char *path)
{
	char facts[160];
	struct stat file;

	if (stat(path, &file) < 0) {
		fail(key);
		return;
	}
	(void)snprintf(facts, sizeof(facts), "%jx %jx %jx %jx.%lx",
		       (uintmax_t)file.st_dev, (uintmax_t)file.st_ino,
		       (uintmax_t)file.st_size, (uintmax_t)file.st_mtim.tv_sec,
		       file.st_mtim.tv_nsec);
	cache_key_text(key, path);
	cache_key_text(key, facts);
}

bool cache_key_done(struct cache_key *key, char text[CACHE_KEY_LEN + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	bool done = key->digest &&
		    EVP_DigestFinal_ex(key->digest, digest, NULL) == 1;

	for (size_t i = 0; done && i < CACHE_KEY_LEN / 2; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
	fail(key);
	return done;
}

static int open_folder(void)
{
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char path[PATH_MAX];
	int len = -1;
	int err;
	int fd;

	if (xdg && xdg[0] == '/')
		len = snprintf(path, sizeof(path), "%s/sluice/", xdg);
	else if (home && home[0] == '/')
		len = snprintf(path, sizeof(path), "%s/.cache/sluice/", home);
	if (len < 0 || len >= (int)sizeof(path))
		return -ENOENT;
	err = folders_make(path);
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void cache_fd_path(int fd, char path[CACHE_FD_PATH_MAX])
{
	(void)snprintf(path, CACHE_FD_PATH_MAX, "/proc/self/fd/%d", fd);
}

static int nameless_in(int folder)
{
	int fd = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static int in_memory(void)
{
	int fd = memfd_create("sluice", MFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int cache_nameless(void)
{
	int folder = open_folder();
	int fd = folder < 0 ? folder : nameless_in(folder);

	if (folder >= 0)
		(void)close(folder);
	return fd >= 0 ? fd : in_memory();
}

/* What was of the same kind; whoever has it open keeps it. */
static void remove_others(int folder, const char *kind, const char *name)
{
	int fd = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	DIR *files = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	size_t len = strlen(kind);

	if (!files) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	rewinddir(files);
	while ((entry = readdir(files)))
		if (strlen(entry->d_name) == len + 1 + CACHE_KEY_LEN &&
		    strncmp(entry->d_name, kind, len) == 0 &&
		    entry->d_name[len] == '-' &&
		    strcmp(entry->d_name, name) != 0)
			(void)unlinkat(folder, entry->d_name, 0);
	(void)closedir(files);
}

/* A descriptor that can only be read, of the same file. */
static int reopen(int fd)
{
	char path[CACHE_FD_PATH_MAX];
	int again;

	cache_fd_path(fd, path);
	again = open(path, O_RDONLY | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

static int make_file(int folder, const char *kind, const char *name,
		     int (*make)(int fd, void *data), void *data)
{
	int fd = folder < 0 ? -ENOENT : nameless_in(folder);
	char path[CACHE_FD_PATH_MAX];
	bool kept = fd >= 0;
	int result;

	if (!kept)
		fd = in_memory();
	if (fd < 0)
		return fd;
	result = make(fd, data);
	if (!result)
		result = reopen(fd);
	cache_fd_path(fd, path);
	if (result >= 0 && kept &&
	    linkat(AT_FDCWD, path, folder, name, AT_SYMLINK_FOLLOW) == 0)
		remove_others(folder, kind, name);
	(void)close(fd);
	return result;
}

int cache_open(const char *kind, const char *key,
	       int (*make)(int fd, void *data), void *data)
{
	int folder = open_folder();
	char name[NAME_MAX];
	int fd = -1;

	(void)snprintf(name, sizeof(name), "%s-%s", kind, key);
	if (folder >= 0)
		fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		fd = make_file(folder, kind, name, make, data);
	if (folder >= 0)
		(void)close(folder);
	return fd;
}
