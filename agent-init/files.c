#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_STEP 65536

int file_read(const char *path, size_t max, char **text, size_t *len)
{
	char *bytes = NULL;
	size_t n = 0;
	ssize_t got = 0;
	int ret = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	do {
		char *more = realloc(bytes, n + READ_STEP + 1);

		if (!more) {
			ret = -ENOMEM;
			goto out;
		}
		bytes = more;
	again:
		got = read(fd, bytes + n, READ_STEP);
		if (got < 0 && errno == EINTR)
			goto again;
		if (got < 0) {
			ret = -errno;
			goto out;
		}
		n += (size_t)got;
		if (n > max) {
			ret = -EFBIG;
			goto out;
		}
	} while (got > 0);
	bytes[n] = '\0';
	*text = bytes;
	*len = n;
	bytes = NULL;
out:
	free(bytes);
	(void)close(fd);
	return ret;
}

int file_write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_write(const char *path, const char *text, size_t len)
{
	int ret;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	ret = file_write_all(fd, text, len);
	/* A full disk may show only here. */
	if (close(fd) < 0 && ret == 0)
		ret = -errno;
	return ret;
}
