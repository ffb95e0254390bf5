/*
 * libraries.h - what a program needs beside itself, to run where nothing is
 *
 * The dynamic loader of the program is asked, as ldd(1) does, so that what is
 * found is what would be taken on this host. It serves both forms in which the
 * gateway goes elsewhere: the container image and the initramfs.
 *
 * There the loader has no cache and no configuration, and looks only into the
 * folders it was built with. The one that the C library was found in is among
 * them, so all libraries go there, under the names that they are asked for by.
 */
#ifndef SLUICE_LIBRARIES_H
#define SLUICE_LIBRARIES_H

#include "attributes.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define LIBRARIES_MAX 64
#define LIBRARIES_PATH_MAX 512
#define LIBRARIES_PROGRAM_MAX ((size_t)256 << 20)
#define LIBRARIES_TEXT_MAX 65536 /* that the loader says of them */

struct library {
	char path[LIBRARIES_PATH_MAX]; /* there: absolute */
	char from[LIBRARIES_PATH_MAX]; /* on this host */
};

struct libraries {
	struct library list[LIBRARIES_MAX]; /* the loader is the first */
	size_t n;                           /* 0 if it is a static program */
};

/* 0, or -errno after saying why. Large: not for the stack of a deep call. */
MUST_CHECK int libraries_find(const char *program, struct libraries *libraries);

/*
 * Takes the words of the loader @interpreter apart. False if one library was
 * not found, @missing is its name then, or if they make no sense, and it is "".
 */
MUST_CHECK bool libraries_parse(const char *text, const char *interpreter,
				struct libraries *libraries,
				char missing[LIBRARIES_PATH_MAX]);

#endif
