#include "initramfs.h"

#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FOLDERS_MAX 128

struct initramfs {
	struct archive *archive;
	char *folders[FOLDERS_MAX]; /* that are there already */
	size_t n_folders;
	int64_t n_entries;
};

struct initramfs *initramfs_new(int fd)
{
	struct initramfs *initramfs = calloc(1, sizeof(*initramfs));

	if (!initramfs)
		return NULL;
	initramfs->archive = archive_write_new();
	if (!initramfs->archive ||
	    archive_write_set_format_cpio_newc(initramfs->archive) !=
		    ARCHIVE_OK ||
	    archive_write_open_fd(initramfs->archive, fd) != ARCHIVE_OK) {
		(void)archive_write_free(initramfs->archive);
		free(initramfs);
		return NULL;
	}
	return initramfs;
}

static int error_of(struct archive *archive)
{
	int err = archive_errno(archive);

	return err > 0 ? -err : -EIO;
}

static int add(struct initramfs *initramfs, const char *path, mode_t mode,
	       dev_t device, const void *bytes, size_t len)
{
	struct archive *archive = initramfs->archive;
	struct archive_entry *entry = archive_entry_new();
	int err = 0;

	if (!entry)
		return -ENOMEM;
	archive_entry_set_pathname(entry, path + 1);
	archive_entry_set_mode(entry, mode);
	archive_entry_set_size(entry, (la_int64_t)len);
	archive_entry_set_nlink(entry, 1);
	/* Equal numbers would be taken for links to one file. */
	archive_entry_set_ino(entry, ++initramfs->n_entries);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	if (device != 0)
		archive_entry_set_rdev(entry, device);
	if (archive_write_header(archive, entry) != ARCHIVE_OK ||
	    (len > 0 &&
	     archive_write_data(archive, bytes, len) != (la_ssize_t)len))
		err = error_of(archive);
	archive_entry_free(entry);
	return err;
}

static bool has_folder(const struct initramfs *initramfs, const char *path)
{
	for (size_t i = 0; i < initramfs->n_folders; i++)
		if (strcmp(initramfs->folders[i], path) == 0)
			return true;
	return false;
}

static int make_folder(struct initramfs *initramfs, const char *path)
{
	if (has_folder(initramfs, path))
		return 0;
	if (initramfs->n_folders == FOLDERS_MAX)
		return -ENOSPC;
	initramfs->folders[initramfs->n_folders] = strdup(path);
	if (!initramfs->folders[initramfs->n_folders])
		return -ENOMEM;
	initramfs->n_folders++;
	return add(initramfs, path, S_IFDIR | 0755, 0, NULL, 0);
}

/* The kernel makes no folder by itself. */
static int make_parents(struct initramfs *initramfs, const char *path)
{
	char folder[PATH_MAX];
	size_t len = strlen(path);
	int err = 0;

	assert(*path == '/');
	if (len >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, len + 1);
	for (char *slash = folder + 1; !err && (slash = strchr(slash, '/'));
	     slash++) {
		*slash = '\0';
		err = make_folder(initramfs, folder);
		*slash = '/';
	}
	return err;
}

int initramfs_folder(struct initramfs *initramfs, const char *path)
{
	int err = make_parents(initramfs, path);

	return err ? err : make_folder(initramfs, path);
}

int initramfs_bytes(struct initramfs *initramfs, const char *path, mode_t mode,
		    const void *bytes, size_t len)
{
	int err = make_parents(initramfs, path);

	return err ? err : add(initramfs, path, S_IFREG | mode, 0, bytes, len);
}

int initramfs_file(struct initramfs *initramfs, const char *path, mode_t mode,
		   const char *from)
{
	struct stat file;
	void *bytes = NULL;
	int err = make_parents(initramfs, path);
	int fd;

	if (err)
		return err;
	fd = open(from, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &file) < 0) {
		err = -errno;
	} else if (!S_ISREG(file.st_mode)) {
		err = -EINVAL;
	} else if (file.st_size > 0) {
		bytes = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE,
			     fd, 0);
		if (bytes == MAP_FAILED)
			err = -errno;
	}
	(void)close(fd);
	if (err)
		return err;
	err = add(initramfs, path, S_IFREG | mode, 0, bytes,
		  (size_t)file.st_size);
	if (bytes)
		(void)munmap(bytes, (size_t)file.st_size);
	return err;
}

int initramfs_unpacked(struct initramfs *initramfs, const char *path,
		       mode_t mode, const char *from)
{
	char *bytes;
	size_t len;
	int err = unpack_file(from, &bytes, &len);

	if (err)
		return err;
	err = initramfs_bytes(initramfs, path, mode, bytes, len);
	free(bytes);
	return err;
}

int initramfs_console(struct initramfs *initramfs)
{
	int err = make_parents(initramfs, "/dev/console");

	return err ? err
		   : add(initramfs, "/dev/console", S_IFCHR | 0600,
			 makedev(5, 1), NULL, 0);
}

int initramfs_end(struct initramfs *initramfs)
{
	int err = 0;

	if (archive_write_close(initramfs->archive) != ARCHIVE_OK)
		err = error_of(initramfs->archive);
	(void)archive_write_free(initramfs->archive);
	for (size_t i = 0; i < initramfs->n_folders; i++)
		free(initramfs->folders[i]);
	free(initramfs);
	return err;
}
