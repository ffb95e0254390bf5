#include "modules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_module(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 3 && strcmp(entry->d_name + len - 3, ".ko") == 0;
}

static int load(int folder, const char *name)
{
	int ret = 0;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST &&
	    errno != ENODEV)
		ret = -errno;
	(void)close(fd);
	return ret;
}

int modules_load(const char *path, char failed[NAME_MAX + 1])
{
	struct dirent **names = NULL;
	int ret = 0, n = 0;
	int folder = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	failed[0] = '\0';
	if (folder < 0)
		return errno == ENOENT ? 0 : -errno;
	n = scandirat(folder, ".", &names, is_module, alphasort);
	if (n < 0)
		ret = -errno;
	else if (n > MODULES_MAX)
		ret = -E2BIG;
	for (int i = 0; i < n && ret == 0; i++) {
		ret = load(folder, names[i]->d_name);
		if (ret < 0)
			(void)snprintf(failed, NAME_MAX + 1, "%s",
				       names[i]->d_name);
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	(void)close(folder);
	return ret;
}
