/*
 * modules.h - the kernel modules that a bare machine was given
 *
 * A distribution's kernel has next to nothing built in: who made the machine's
 * first file system put the modules there that it needs, decompressed, named
 * in the order in which they need one another.
 */
#ifndef SLUICE_MODULES_H
#define SLUICE_MODULES_H

#include "attributes.h"

#include <limits.h>

#define MODULES_FOLDER "/sluice/modules"
#define MODULES_MAX 256 /* more are refused */

/*
 * Loads each file of @folder that ends in ".ko", by name. One that is loaded
 * already, or whose device is not there, is no error; nor is a folder that is
 * not there. Returns 0, or -errno with the file's name in @failed.
 */
MUST_CHECK int modules_load(const char *folder, char failed[NAME_MAX + 1]);

#endif
