/*
 * machine_files.h - what a plan gives to a machine, as its first file system
 *
 * Two archives, one after the other: the first has the program, what it needs
 * to run and the kernel's modules, and is kept for the next run; the second
 * has what only this run has, its arguments, its manifest and its secrets,
 * and is never in a file that has a name.
 */
#ifndef SLUICE_MACHINE_FILES_H
#define SLUICE_MACHINE_FILES_H

#include "attributes.h"
#include "kernel.h"
#include "plan.h"

/*
 * The file system of @where, as a descriptor to be read; its first process
 * has the arguments of the step @arguments, and the modules behind @modules
 * are loaded. -errno after saying why.
 */
MUST_CHECK int machine_files(const struct plan *plan, const char *where,
			     const char *arguments, const struct kernel *kernel,
			     const char *const *modules);

#endif
