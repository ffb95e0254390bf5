#include "setting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define VALUE_MAX 32

/* 1 if it is @value, 0 if not, or -errno. */
static int is(const char *path, const char *value)
{
	char now[VALUE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, now, sizeof(now));
	if (n < 0)
		n = -errno;
	(void)close(fd);
	if (n < 0)
		return (int)n;
	if (n > 0 && now[n - 1] == '\n')
		n--;
	return (size_t)n == strlen(value) && memcmp(now, value, (size_t)n) == 0;
}

int setting_keep(const char *path, const char *value)
{
	int answer = is(path, value), error = 0, fd;

	if (answer != 0)
		return answer < 0 ? answer : 0;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		error = -errno;
	(void)close(fd);
	if (error < 0)
		return error;
	answer = is(path, value);
	if (answer < 0)
		return answer;
	return answer ? 0 : -EPERM;
}
