#include "contents.h"

#include "complain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* All of @fd, should it not grow meanwhile. */
static int read_all(int fd, size_t max, char **bytes, size_t *len)
{
	struct stat status;
	ssize_t n = 1;
	size_t cap;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	cap = (size_t)status.st_size;
	if (cap > max)
		return -EFBIG;
	*bytes = malloc(cap + 1);
	if (!*bytes)
		return -ENOMEM;
	for (*len = 0; *len < cap && n > 0; *len += n > 0 ? (size_t)n : 0)
		n = read(fd, *bytes + *len, cap - *len);
	if (n >= 0)
		return 0;
	n = -errno;
	free(*bytes);
	return (int)n;
}

int contents_read(const char *path, size_t max, char **bytes, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err = fd < 0 ? -errno : read_all(fd, max, bytes, len);

	if (fd >= 0)
		(void)close(fd);
	return err ? complain_errno(path, err) : 0;
}
