#include "ports.h"

#include "deadline.h"
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLASS "/sys/class/virtio-ports"
#define REST_MS 10

/* Whether the kernel's port @device is the one that the host calls @name. */
static bool is_called(const char *device, const char *name)
{
	char path[64 + NAME_MAX], *text;
	size_t len;
	bool same;

	(void)snprintf(path, sizeof(path), CLASS "/%s/name", device);
	if (file_read(path, PORTS_NAME_MAX, &text, &len) < 0)
		return false;
	same = len == strlen(name) + 1 && text[len - 1] == '\n' &&
	       memcmp(text, name, len - 1) == 0;
	free(text);
	return same;
}

/* Returns 0 if the link is there now, -ENOENT if there is no such port. */
static int make_link(const char *name)
{
	char target[4 + NAME_MAX], path[sizeof(PORTS_FOLDER) + PORTS_NAME_MAX];
	struct dirent *entry;
	int ret = -ENOENT;
	DIR *class = opendir(CLASS);

	if (!class)
		return -errno;
	while (ret == -ENOENT && (entry = readdir(class))) {
		if (entry->d_name[0] == '.' || !is_called(entry->d_name, name))
			continue;
		(void)snprintf(target, sizeof(target), "../%s", entry->d_name);
		(void)snprintf(path, sizeof(path), PORTS_FOLDER "%s", name);
		ret = symlink(target, path) < 0 && errno != EEXIST ? -errno : 0;
	}
	(void)closedir(class);
	return ret;
}

static bool sound(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && !strchr(name, '/') &&
	       strlen(name) < PORTS_NAME_MAX;
}

/* Less than deadline_pause() takes: most ports are there at the second look. */
static bool rest(int64_t deadline)
{
	(void)poll(NULL, 0, REST_MS);
	return deadline_left_ms(deadline) > 0;
}

int ports_await(const char *path, int64_t deadline)
{
	const char *name = path + strlen(PORTS_FOLDER);
	int ret;

	if (strncmp(path, PORTS_FOLDER, strlen(PORTS_FOLDER)) != 0)
		return 0;
	if (!sound(name))
		return -EINVAL;
	if (access(CLASS, F_OK) < 0)
		return -ENXIO;
	if (mkdir(PORTS_FOLDER, 0755) < 0 && errno != EEXIST)
		return -errno;
	do {
		ret = make_link(name);
	} while (ret == -ENOENT && rest(deadline));
	return ret == -ENOENT ? -ETIMEDOUT : ret;
}

/* Until the host's end is there, a port is hung up. */
static int await_host(int fd, int64_t deadline)
{
	struct pollfd polled = { .fd = fd, .events = POLLOUT };

	do {
		if (poll(&polled, 1, 0) == 1 && !(polled.revents & POLLHUP))
			return 0;
	} while (rest(deadline));
	return -ETIMEDOUT;
}

int ports_open(const char *name, int64_t deadline)
{
	char path[sizeof(PORTS_FOLDER) + PORTS_NAME_MAX];
	int ret, fd;

	(void)snprintf(path, sizeof(path), PORTS_FOLDER "%s", name);
	ret = ports_await(path, deadline);
	if (ret < 0)
		return ret;
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	ret = await_host(fd, deadline);
	if (ret < 0) {
		(void)close(fd);
		return ret;
	}
	return fd;
}
