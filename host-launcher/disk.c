#include "disk.h"

#include "cache.h"
#include "complain.h"
#include "image.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH_SIZE (INT64_C(16) << 30) /* of which little is ever there */

/* With the path that its descriptor @fd has in the program itself. */
static int run_tool(const char *const *argv, int fd)
{
	struct spawn spawn = spawn_of(argv);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid;
	int err;

	spawn.background = true;
	spawn.mortal = true;
	spawn.stdio[1] = null;
	spawn_pass(&spawn, fd);
	err = spawn_start(&spawn, &pid);
	if (null >= 0)
		(void)close(null);
	if (err)
		return err;
	return spawn_wait(pid) == 0 ? 0 : -EIO;
}

enum disk_kind disk_kind(const void *head, size_t len)
{
	static const unsigned char ext4[] = { 0x53, 0xef };
	const char *bytes = head;

	if (len >= 4 && memcmp(bytes, "hsqs", 4) == 0)
		return DISK_SQUASHFS;
	/* The superblock's magic number. */
	if (len >= 1082 && memcmp(bytes + 1080, ext4, sizeof(ext4)) == 0)
		return DISK_EXT4;
	return DISK_UNKNOWN;
}

/* -EINVAL, without a word, for what is no file system by itself. */
static int open_disk(const char *source)
{
	char head[DISK_HEAD];
	int fd = open(source, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return complain_errno(source, errno);
	len = pread(fd, head, sizeof(head), 0);
	if (len >= 0 && disk_kind(head, (size_t)len) != DISK_UNKNOWN)
		return fd;
	(void)close(fd);
	return -EINVAL;
}

/* The same file, but not to be written. */
static int only_to_read(int fd)
{
	char path[CACHE_FD_PATH_MAX];
	int again;

	if (fd < 0)
		return fd;
	cache_fd_path(fd, path);
	again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0)
		again = complain_errno("disk", errno);
	(void)close(fd);
	return again;
}

/* It lives as long as the machine, and has no name. */
static int pack(const struct image *image)
{
	char path[64];
	int fd = cache_nameless();
	int err;

	if (fd < 0)
		return complain_errno("disk", fd);
	/* By way of us: whoever packs it has not got the descriptor. */
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	err = image_to_disk(image, path);
	if (!err)
		return only_to_read(fd);
	(void)close(fd);
	return err;
}

static int open_cached(const struct image *image)
{
	char path[PATH_MAX];
	int err = image_to_cache(image, path);

	return err ? err : open_disk(path);
}

int disk_root(const char *source)
{
	struct stat facts;
	struct image image;
	int fd;

	if (stat(source, &facts) == 0 && S_ISREG(facts.st_mode)) {
		fd = open_disk(source);
		if (fd != -EINVAL)
			return fd;
	}
	fd = image_open(source, &image);
	if (!fd)
		fd = image.store ? open_cached(&image) : pack(&image);
	image_close(&image);
	return fd;
}

int disk_scratch(const char *mke2fs)
{
	char path[CACHE_FD_PATH_MAX];
	/* Without a journal: nobody reads it after a crash. */
	const char *const argv[] = { mke2fs,
				     "-q",
				     "-F",
				     "-t",
				     "ext4",
				     "-m",
				     "0",
				     "-O",
				     "^has_journal,^resize_inode",
				     "-E",
				     "lazy_itable_init=1,nodiscard",
				     path,
				     NULL };
	int fd = cache_nameless();
	int err;

	if (fd < 0)
		return complain_errno("disk", fd);
	cache_fd_path(fd, path);
	err = ftruncate(fd, SCRATCH_SIZE) < 0 ? -errno : run_tool(argv, fd);
	if (!err)
		return fd;
	complain_errno("mke2fs", err);
	(void)close(fd);
	return err;
}
