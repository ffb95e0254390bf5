/*
 * kernel.h - the distribution's kernel, and the modules that a machine needs
 *
 * Distributions build almost everything as modules, virtio included, so that
 * a machine starts with just those that it needs, in the order of their
 * dependencies. What is built into the kernel needs none.
 */
#ifndef SLUICE_KERNEL_H
#define SLUICE_KERNEL_H

#include "attributes.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define KERNEL_MODULES_MAX 128

struct kernel {
	char image[PATH_MAX];
	char modules[PATH_MAX]; /* a folder with modules.dep; "": none */
};

/* Paths below the folder of modules, borrowed from the text of modules.dep. */
struct kernel_modules {
	struct {
		const char *path;
		int len;
	} list[KERNEL_MODULES_MAX]; /* in the order of loading */
	size_t n;
};

/*
 * @image and @modules as the operator named them; with neither, the newest
 * kernel in /boot that has modules in /lib/modules. Alone, @image is one that
 * has everything built in. 0 or -errno, after saying what is missing.
 */
MUST_CHECK int kernel_find(const char *image, const char *modules,
			   struct kernel *kernel);

/*
 * The modules that are behind @names, whose end is NULL, and those which these
 * need, by the texts of modules.dep and modules.builtin. False if there is
 * one that is in neither, which is @missing, or that are too many.
 */
MUST_CHECK bool kernel_modules(const char *dependencies, const char *builtin,
			       const char *const *names,
			       struct kernel_modules *modules,
			       const char **missing);

/*
 * The compressed kernel within the file @image, if it is of the form that
 * x86's boot loaders take (bzImage): where it begins and how long it is.
 */
MUST_CHECK bool kernel_payload(const void *image, size_t len, size_t *offset,
			       size_t *size);

/* Writes the kernel without its compression, which emulated processors are
   slow at, to @fd. 0 or -errno; -ENOTSUP if it is in another form. */
MUST_CHECK int kernel_unpack(const char *image, int fd);

#endif
