#include "audit_list.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MIN 12
#define DIGITS_MAX 20

static bool is_aside(const char *entry, const char *name)
{
	size_t len = strlen(name);
	size_t digits;

	if (strncmp(entry, name, len) != 0 || entry[len] != '.')
		return false;
	digits = strspn(entry + len + 1, "0123456789");
	return digits >= DIGITS_MIN && digits <= DIGITS_MAX &&
	       entry[len + 1 + digits] == '\0';
}

/* They differ in the number alone, of which a longer one is greater. */
static int by_number(const void *a, const void *b)
{
	const char *const *left = a;
	const char *const *right = b;
	size_t left_len = strlen(*left);
	size_t right_len = strlen(*right);

	if (left_len != right_len)
		return left_len < right_len ? -1 : 1;
	return strcmp(*left, *right);
}

static int add(struct audit_list *list, const char *folder, const char *name)
{
	char **paths = realloc(list->paths, (list->n + 1) * sizeof(*paths));
	char *path = NULL;

	if (!paths)
		return -ENOMEM;
	list->paths = paths;
	if (asprintf(&path, "%s%s", folder, name) < 0)
		return -ENOMEM;
	paths[list->n++] = path;
	return 0;
}

/* @folder ends in a slash, or is empty. */
static int add_aside(struct audit_list *list, const char *folder,
		     const char *name)
{
	DIR *directory = opendir(folder[0] ? folder : ".");
	const struct dirent *entry;
	int error = 0;

	if (!directory)
		return -errno;
	while (!error && (entry = readdir(directory))) {
		if (!is_aside(entry->d_name, name))
			continue;
		error = list->n < AUDIT_FILES_MAX
				? add(list, folder, entry->d_name)
				: -E2BIG;
	}
	(void)closedir(directory);
	return error;
}

int audit_list_read(const char *path, struct audit_list *list)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + 1 : 0;
	char folder[PATH_MAX];
	int error;

	*list = (struct audit_list){ 0 };
	if (len >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, len);
	folder[len] = '\0';
	error = add_aside(list, folder, path + len);
	if (error)
		return error;
	if (list->n > 0)
		qsort(list->paths, list->n, sizeof(*list->paths), by_number);
	return add(list, folder, path + len);
}

void audit_list_done(struct audit_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->paths[i]);
	free(list->paths);
	*list = (struct audit_list){ 0 };
}
