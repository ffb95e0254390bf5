#include "machine_files.h"

#include "cache.h"
#include "complain.h"
#include "initramfs.h"
#include "libraries.h"
#include "unpack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODULES "/sluice/modules"

struct base {
	const struct plan *plan;
	const char *where;
	const struct kernel *kernel;
	const struct kernel_modules *modules;
	const struct libraries *libraries;
};

static bool is_of_this_run(const struct plan_file *file)
{
	return strncmp(file->path, PLAN_RUN_FOLDER, strlen(PLAN_RUN_FOLDER)) ==
	       0;
}

static bool is_for(const struct plan_file *file, const char *where, bool run)
{
	return strcmp(file->where, where) == 0 && is_of_this_run(file) == run;
}

static mode_t mode_of(const char *path)
{
	struct stat facts;

	return stat(path, &facts) == 0 && (facts.st_mode & 0100) ? 0755 : 0644;
}

static int add_module(struct initramfs *initramfs, const struct base *base,
		      size_t i)
{
	const char *path = base->modules->list[i].path;
	int len = base->modules->list[i].len;
	const char *name = path, *ending;
	char from[2 * PATH_MAX], to[PATH_MAX];
	int err;

	for (const char *at = path; at < path + len; at++)
		if (*at == '/')
			name = at + 1;
	ending = memmem(name, (size_t)(path + len - name), ".ko", 3);
	if (!ending)
		return -EINVAL;
	if (snprintf(from, sizeof(from), "%s/%.*s", base->kernel->modules, len,
		     path) >= (int)sizeof(from) ||
	    snprintf(to, sizeof(to), MODULES "/%03zu-%.*s.ko", i,
		     (int)(ending - name), name) >= (int)sizeof(to))
		return -ENAMETOOLONG;
	err = initramfs_unpacked(initramfs, to, 0644, from);
	return err ? complain_errno(from, err) : 0;
}

static int add_libraries(struct initramfs *initramfs,
			 const struct libraries *libraries)
{
	for (size_t i = 0; i < libraries->n; i++) {
		const struct library *library = &libraries->list[i];
		int err = initramfs_file(initramfs, library->path, 0755,
					 library->from);

		if (err)
			return complain_errno(library->from, err);
	}
	return 0;
}

/* Those of this run have nobody but the first process to read them. */
static int add_files(struct initramfs *initramfs, const struct plan *plan,
		     const char *where, bool run)
{
	for (size_t i = 0; i < plan->n_files; i++) {
		const struct plan_file *file = &plan->files[i];
		int err;

		if (!is_for(file, where, run))
			continue;
		err = initramfs_file(initramfs, file->path,
				     run ? 0600 : mode_of(file->from),
				     file->from);
		if (err)
			return complain_errno(file->from, err);
	}
	return 0;
}

static int fill_base(struct initramfs *initramfs, const struct base *base)
{
	static const char *const folders[] = { "/proc", "/sys", "/dev", "/run",
					       "/tmp" };
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(folders) / sizeof(*folders); i++)
		err = initramfs_folder(initramfs, folders[i]);
	if (!err)
		err = initramfs_console(initramfs);
	if (err)
		return complain_errno("initramfs", err);
	for (size_t i = 0; !err && i < base->modules->n; i++)
		err = add_module(initramfs, base, i);
	if (!err)
		err = add_libraries(initramfs, base->libraries);
	if (!err)
		err = add_files(initramfs, base->plan, base->where, false);
	return err;
}

static int make_base(int fd, void *data)
{
	struct initramfs *initramfs = initramfs_new(fd);
	int err, end;

	if (!initramfs)
		return complain_errno("initramfs", ENOMEM);
	err = fill_base(initramfs, data);
	end = initramfs_end(initramfs);
	if (!err && end)
		err = complain_errno("initramfs", end);
	return err;
}

static bool base_key(const struct base *base, char key[CACHE_KEY_LEN + 1])
{
	const struct plan *plan = base->plan;
	char path[PATH_MAX];
	struct cache_key of;

	cache_key_init(&of);
	for (size_t i = 0; i < plan->n_files; i++)
		if (is_for(&plan->files[i], base->where, false)) {
			cache_key_text(&of, plan->files[i].path);
			cache_key_file(&of, plan->files[i].from);
		}
	for (size_t i = 0; i < base->libraries->n; i++) {
		cache_key_text(&of, base->libraries->list[i].path);
		cache_key_file(&of, base->libraries->list[i].from);
	}
	for (size_t i = 0; i < base->modules->n; i++) {
		if (snprintf(path, sizeof(path), "%s/%.*s",
			     base->kernel->modules, base->modules->list[i].len,
			     base->modules->list[i].path) >= (int)sizeof(path))
			path[0] = '\0'; /* is not there */
		cache_key_file(&of, path);
	}
	return cache_key_done(&of, key);
}

/* Each word with its end; the first, the program's name, is left out. */
static int add_arguments(struct initramfs *initramfs, const char *const *argv)
{
	size_t len = 0;
	char *text;
	int err;

	for (size_t i = 1; argv[i]; i++)
		len += strlen(argv[i]) + 1;
	text = malloc(len + 1);
	if (!text)
		return -ENOMEM;
	len = 0;
	for (size_t i = 1; argv[i]; i++) {
		size_t size = strlen(argv[i]) + 1;

		memcpy(text + len, argv[i], size);
		len += size;
	}
	err = initramfs_bytes(initramfs, PLAN_RUN_FOLDER "arguments", 0600,
			      text, len);
	free(text);
	return err;
}

static int add_run(int fd, const struct base *base, const char *arguments)
{
	struct initramfs *initramfs = initramfs_new(fd);
	int err, end;

	if (!initramfs)
		return complain_errno("initramfs", ENOMEM);
	err = add_arguments(initramfs, plan_argv(base->plan, arguments));
	if (err)
		complain_errno("initramfs", err);
	else
		err = add_files(initramfs, base->plan, base->where, true);
	end = initramfs_end(initramfs);
	if (!err && end)
		err = complain_errno("initramfs", end);
	return err;
}

static int copy(int from, int to)
{
	struct stat facts;
	off_t at = 0;

	if (fstat(from, &facts) < 0)
		return -errno;
	while (at < facts.st_size)
		if (sendfile(to, from, &at, (size_t)(facts.st_size - at)) <= 0)
			return -EIO;
	return 0;
}

/* In memory alone: there are secrets in it. */
static int join(const struct base *base, const char *arguments)
{
	char key[CACHE_KEY_LEN + 1];
	union {
		const struct base *as_is;
		void *as_asked;
	} data = { .as_is = base };
	int kept, fd, err;

	if (!base_key(base, key)) {
		complain("initramfs: a file of %s is not there", base->where);
		return -ENOENT;
	}
	kept = cache_open(base->where, key, make_base, data.as_asked);
	if (kept < 0)
		return kept;
	fd = memfd_create("initramfs", MFD_CLOEXEC);
	err = fd < 0 ? -errno : copy(kept, fd);
	(void)close(kept);
	if (err)
		complain_errno("initramfs", err);
	else
		err = add_run(fd, base, arguments);
	if (err && fd >= 0)
		(void)close(fd);
	return err ? err : fd;
}

static int read_list(const struct kernel *kernel, const char *name, char **text)
{
	char path[2 * PATH_MAX];
	char *bytes;
	size_t len;
	int err;

	(void)snprintf(path, sizeof(path), "%s/%s", kernel->modules, name);
	err = unpack_file(path, &bytes, &len);
	if (err)
		return complain_errno(path, err);
	*text = strndup(bytes, len);
	free(bytes);
	return *text ? 0 : complain_errno(path, ENOMEM);
}

int machine_files(const struct plan *plan, const char *where,
		  const char *arguments, const struct kernel *kernel,
		  const char *const *names)
{
	struct libraries *libraries = malloc(sizeof(*libraries));
	struct kernel_modules modules = { .n = 0 };
	char *dependencies = NULL, *builtin = NULL;
	const char *program = strcmp(where, PLAN_AGENT) == 0
				      ? plan->options.init_program
				      : plan->options.gateway_program;
	const struct base base = {
		.plan = plan,
		.where = where,
		.kernel = kernel,
		.modules = &modules,
		.libraries = libraries,
	};
	const char *missing;
	int result = -ENOMEM;

	if (!libraries) {
		complain_errno("initramfs", ENOMEM);
		return result;
	}
	result = libraries_find(program, libraries);
	if (result)
		goto out;
	if (kernel->modules[0] != '\0') {
		result = read_list(kernel, "modules.dep", &dependencies);
		if (!result)
			result = read_list(kernel, "modules.builtin", &builtin);
		if (result)
			goto out;
		if (!kernel_modules(dependencies, builtin, names, &modules,
				    &missing)) {
			complain("%s: has no %s, which the %s's machine needs",
				 kernel->modules, missing, where);
			result = -ENOENT;
			goto out;
		}
	}
	result = join(&base, arguments);
out:
	free(builtin);
	free(dependencies);
	free(libraries);
	return result;
}
