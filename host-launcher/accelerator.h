/*
 * accelerator.h - what runs a machine's instructions: the processor or a program
 *
 * That /dev/kvm opens does not mean that it runs an ordinary kernel: within
 * some clouds' machines it does so thousands of times too slowly. So it is
 * tried, once for each kernel and host: one boots until it finds that it has
 * no file system, which it says at once where it is run as it should be.
 */
#ifndef SLUICE_ACCELERATOR_H
#define SLUICE_ACCELERATOR_H

#include "attributes.h"

#include <stdbool.h>

struct accelerator {
	const char *name;
	const char *option;    /* for -accel */
	const char *processor; /* for -cpu */
	const char *tuning;    /* for the kernel, after a space */
	bool emulated;
};

/* NULL if there is none of that name. */
const struct accelerator *accelerator_find(const char *name);

/* The fastest that works here with @kernel, a file, under @emulator. */
const struct accelerator *accelerator_choose(const char *emulator,
					     const char *kernel);

#endif
