/*
 * boot.h - the first process of the agent's machine, from kernel to power-off
 *
 *	modules -> ports -> words -> root -> steps.h -> attend.h -> off
 *
 * The host is at the other end of four ports (attend.h). It is told "network"
 * when the machine is set up, "started" when the command runs, and "exit" and
 * a status when it has ended; a step that fails says why on the console and on
 * the port for errors, and counts as status 125.
 */
#ifndef SLUICE_BOOT_H
#define SLUICE_BOOT_H

#include "attributes.h"

/* The whole life of the machine. @argv is what arguments.h found. */
NORETURN void boot(int argc, char **argv);

/* Says why there are no words, and turns the machine off. */
NORETURN void boot_wordless(int error);

#endif
