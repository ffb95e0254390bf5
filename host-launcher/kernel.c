#include "kernel.h"

#include "complain.h"
#include "cursor.h"
#include "unpack.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT "/boot"
#define MODULES "/lib/modules"
#define PREFIX "vmlinuz-"

#if defined(__x86_64__)
#define PACKAGE "linux-image-cloud-amd64"
#elif defined(__aarch64__)
#define PACKAGE "linux-image-cloud-arm64"
#else
#define PACKAGE "linux-image-*"
#endif

static bool has_modules(const char *folder)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/modules.dep", folder);

	return len < (int)sizeof(path) && access(path, R_OK) == 0;
}

/* The newest of those in /boot; "" if there is none. */
static int find_newest(struct kernel *kernel, bool *unreadable)
{
	char best[NAME_MAX + 1] = "";
	const struct dirent *entry;
	DIR *boot = opendir(BOOT);

	if (!boot)
		return -errno;
	while ((entry = readdir(boot))) {
		const char *version = entry->d_name + strlen(PREFIX);
		char image[PATH_MAX], modules[PATH_MAX];

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 ||
		    strverscmp(version, best) <= 0)
			continue;
		(void)snprintf(image, sizeof(image), BOOT "/%s", entry->d_name);
		(void)snprintf(modules, sizeof(modules), MODULES "/%s",
			       version);
		if (!has_modules(modules))
			continue;
		if (access(image, R_OK) < 0) {
			*unreadable = true;
			continue;
		}
		(void)snprintf(best, sizeof(best), "%s", version);
		memcpy(kernel->image, image, sizeof(image));
		memcpy(kernel->modules, modules, sizeof(modules));
	}
	(void)closedir(boot);
	return best[0] != '\0' ? 0 : -ENOENT;
}

int kernel_find(const char *image, const char *modules, struct kernel *kernel)
{
	bool unreadable = false;

	*kernel = (struct kernel){ 0 };
	if (!image && modules) {
		complain("--modules: whose? Give --kernel too");
		return -EINVAL;
	}
	if (!image) {
		if (find_newest(kernel, &unreadable) == 0)
			return 0;
		complain(unreadable
				 ? "the kernels in " BOOT
				   " are for root to read; chmod a+r one, or "
				   "give a copy with --kernel and --modules"
				 : "no kernel in " BOOT
				   " with modules in " MODULES
				   ": apt-get install " PACKAGE
				   ", or give one with --kernel and "
				   "--modules");
		return -ENOENT;
	}
	if (!realpath(image, kernel->image))
		return complain_errno(image, errno);
	if (!modules)
		return 0;
	if (!realpath(modules, kernel->modules))
		return complain_errno(modules, errno);
	if (!has_modules(kernel->modules)) {
		complain("--modules %s: there is no modules.dep in it; depmod "
			 "makes one",
			 modules);
		return -ENOENT;
	}
	return 0;
}

/* Names have '_' where their files may have '-'. */
static bool is_called(const char *path, size_t len, const char *name)
{
	const char *base = path;
	size_t i;

	for (i = 0; i < len; i++)
		if (path[i] == '/')
			base = path + i + 1;
	len -= (size_t)(base - path);
	for (i = 0; i < len && name[i] != '\0'; i++)
		if (base[i] != name[i] && !(base[i] == '-' && name[i] == '_'))
			return false;
	return name[i] == '\0' && len - i >= 3 &&
	       memcmp(base + i, ".ko", 3) == 0;
}

static bool is_builtin(const char *builtin, const char *name)
{
	while (*builtin != '\0') {
		size_t len = strcspn(builtin, "\n");

		if (is_called(builtin, len, name))
			return true;
		builtin += len;
		builtin += *builtin == '\n';
	}
	return false;
}

static bool add(struct kernel_modules *modules, const char *path, size_t len)
{
	for (size_t i = 0; i < modules->n; i++)
		if ((size_t)modules->list[i].len == len &&
		    memcmp(modules->list[i].path, path, len) == 0)
			return true;
	if (modules->n == KERNEL_MODULES_MAX || len > PATH_MAX)
		return false;
	modules->list[modules->n].path = path;
	modules->list[modules->n++].len = (int)len;
	return true;
}

/*
 * "kernel/a.ko: kernel/b.ko kernel/c.ko": all that a needs, whereof the last
 * is to be loaded first.
 */
static bool add_line(struct kernel_modules *modules, const char *line,
		     size_t path_len, size_t len)
{
	const char *first = line + path_len + 1;
	const char *end = line + len;

	while (end > first) {
		const char *word = end;

		while (word > first && word[-1] != ' ')
			word--;
		if (word < end && !add(modules, word, (size_t)(end - word)))
			return false;
		end = word > first ? word - 1 : word;
	}
	return add(modules, line, path_len);
}

/* False if it is too much; @found says whether it is there. */
static bool add_name(struct kernel_modules *modules, const char *dependencies,
		     const char *name, bool *found)
{
	*found = false;
	while (*dependencies != '\0') {
		size_t len = strcspn(dependencies, "\n");
		size_t path_len = strcspn(dependencies, ":\n");

		if (path_len < len && is_called(dependencies, path_len, name)) {
			*found = true;
			return add_line(modules, dependencies, path_len, len);
		}
		dependencies += len;
		dependencies += *dependencies == '\n';
	}
	return true;
}

bool kernel_modules(const char *dependencies, const char *builtin,
		    const char *const *names, struct kernel_modules *modules,
		    const char **missing)
{
	modules->n = 0;
	for (; *names; names++) {
		bool found;

		*missing = *names;
		if (is_builtin(builtin, *names))
			continue;
		if (!add_name(modules, dependencies, *names, &found) || !found)
			return false;
	}
	*missing = NULL;
	return true;
}

static uint32_t little(struct cursor *c, size_t n)
{
	const uint8_t *bytes = cursor_bytes(c, n);
	uint32_t value = 0;

	while (bytes && n-- > 0)
		value = value << 8 | bytes[n];
	return value;
}

static uint32_t field(const void *image, size_t len, size_t offset, size_t n)
{
	struct cursor c = cursor_over(image, len);

	(void)cursor_bytes(&c, offset);
	return little(&c, n);
}

/* The Linux/x86 boot protocol, 2.08 and later. */
bool kernel_payload(const void *image, size_t len, size_t *offset, size_t *size)
{
	size_t sectors = field(image, len, 0x1f1, 1);
	struct cursor c = cursor_over(image, len);

	if (field(image, len, 0x202, 4) != 0x53726448 || /* "HdrS" */
	    field(image, len, 0x206, 2) < 0x208)
		return false;
	*offset = ((sectors > 0 ? sectors : 4) + 1) * 512 +
		  field(image, len, 0x248, 4);
	*size = field(image, len, 0x24c, 4);
	(void)cursor_bytes(&c, *offset);
	/* Its last word is how long it is when unpacked. */
	(void)cursor_bytes(&c, *size);
	if (c.failed || *size <= 4)
		return false;
	*size -= 4;
	return true;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int unpack(const void *image, size_t len, int fd)
{
	size_t offset, size, unpacked_len;
	char *unpacked;
	int err;

	if (!kernel_payload(image, len, &offset, &size))
		return -ENOTSUP;
	err = unpack_bytes((const char *)image + offset, size, &unpacked,
			   &unpacked_len);
	if (err)
		return err;
	if (unpacked_len < SELFMAG || memcmp(unpacked, ELFMAG, SELFMAG) != 0)
		err = -ENOTSUP;
	else
		err = write_all(fd, unpacked, unpacked_len);
	free(unpacked);
	return err;
}

int kernel_unpack(const char *image, int fd)
{
	int file = open(image, O_RDONLY | O_CLOEXEC);
	struct stat facts;
	void *bytes;
	int err;

	if (file < 0)
		return -errno;
	if (fstat(file, &facts) < 0 || facts.st_size <= 0) {
		(void)close(file);
		return -ENOTSUP;
	}
	bytes = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, file,
		     0);
	(void)close(file);
	if (bytes == MAP_FAILED)
		return -errno;
	err = unpack(bytes, (size_t)facts.st_size, fd);
	(void)munmap(bytes, (size_t)facts.st_size);
	return err;
}
