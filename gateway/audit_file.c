#include "audit_file.h"

#include "audit.h"
#include "audit_list.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What each line begins with, and what its number stands behind. */
#define OPENING "{\"v\":1,\"seq\":"

int audit_file_open(struct audit_file *file)
{
	struct stat status;

	file->fd = STDOUT_FILENO;
	if (file->path)
		file->fd = open(file->path,
				O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
					O_NOCTTY,
				0600);
	if (file->fd < 0 || fstat(file->fd, &status) < 0)
		return -errno;
	file->plain = file->path && S_ISREG(status.st_mode);
	/*
	 * A pipe or a port holds its writer up while the other end does not
	 * read: it is not waited for unseen.
	 */
	if (file->path && !file->plain &&
	    fcntl(file->fd, F_SETFL, O_APPEND | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* The last @cap bytes, or all; *len is how many. */
static int read_end(const char *path, char *bytes, size_t cap, size_t *len,
		    uint64_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	int error = 0;

	if (fd < 0)
		return -errno;
	*len = 0;
	if (fstat(fd, &status) < 0) {
		error = -errno;
		goto out;
	}
	*size = (uint64_t)status.st_size;
	while (*len < cap && (uint64_t)*len < *size) {
		size_t want = *size < cap ? (size_t)*size : cap;
		ssize_t n = pread(fd, bytes + *len, want - *len,
				  status.st_size - (off_t)(want - *len));

		if (n <= 0) {
			error = n < 0 ? -errno : -EIO;
			goto out;
		}
		*len += (size_t)n;
	}
out:
	(void)close(fd);
	return error;
}

/* Of the line from @begin to @end. */
static void number_of(const char *bytes, size_t begin, size_t end,
		      uint64_t *number)
{
	const char *line = bytes + begin;
	const size_t len = end - begin;
	const size_t opening = sizeof(OPENING) - 1;
	uint64_t found = 0;

	if (len < opening || memcmp(line, OPENING, opening) != 0)
		return;
	for (size_t i = opening; i < len && i < opening + 19; i++) {
		if (line[i] < '0' || line[i] > '9')
			break;
		found = 10 * found + (uint64_t)(line[i] - '0');
	}
	/* Lines that were lost with their writer have had their numbers. */
	if (found > *number)
		*number = found;
}

/* Where the line begins that ends before @end. */
static size_t begin_of(const char *bytes, size_t end)
{
	while (end > 0 && bytes[end - 1] != '\n')
		end--;
	return end;
}

int audit_file_find_tail(const struct audit_file *file, struct audit_tail *tail)
{
	char bytes[2 * AUDIT_WRITTEN_MAX];
	struct chain chain = { 0 };
	size_t begin, whole, len = 0;
	int error;

	if (!file->plain)
		return 0;
	error = read_end(file->path, bytes, sizeof(bytes), &len, &tail->size);
	if (error || len == 0)
		return error;
	/* The last line whose number is all there. */
	whole = begin_of(bytes, len);
	if (bytes[len - 1] == '\n')
		len--;
	else if (write(file->fd, "\n", 1) == 1)
		tail->size++;
	else
		return -errno;
	begin = begin_of(bytes, len);
	if (whole > 0)
		number_of(bytes, begin_of(bytes, whole - 1), whole,
			  &tail->number);
	error = chain_init(&chain);
	if (!error)
		chain_hash(&chain, bytes + begin, len - begin, &tail->hash);
	chain_done(&chain);
	return error;
}

/* What cannot be removed is said, and tried again with the next one. */
static void thin_out(const struct audit_file *file)
{
	struct audit_list list;
	int error = audit_list_read(file->path, &list);

	if (error < 0)
		log_warn("audit: cannot look for files to remove: %s",
			 strerror(-error));
	/* The last is not one that was put aside. */
	for (size_t i = 0; !error && i + file->keep + 1 < list.n; i++)
		if (unlink(list.paths[i]) < 0)
			log_warn("audit: cannot remove %s: %s", list.paths[i],
				 strerror(errno));
	audit_list_done(&list);
}

int audit_file_rotate(struct audit_file *file, const struct audit_tail *tail)
{
	struct audit_file next = *file;
	char aside[PATH_MAX];
	int len = snprintf(aside, sizeof(aside), "%s.%012llu", file->path,
			   (unsigned long long)tail->number);
	int error;

	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	if (renameat2(AT_FDCWD, file->path, AT_FDCWD, aside, RENAME_NOREPLACE) <
	    0)
		return -errno;
	error = audit_file_open(&next);
	if (error) {
		(void)rename(aside, file->path);
		return error;
	}
	(void)close(file->fd);
	*file = next;
	if (file->keep > 0)
		thin_out(file);
	return 0;
}
