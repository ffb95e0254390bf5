/*
 * init.h - PID 1's duties: mounts, signals, reaping, power-off
 *
 * With --init the gateway is the first process of a machine that holds
 * nothing else. The first process itself stays small: it makes the file
 * systems visible that the kernel alone can fill, starts the gateway's main
 * process, and then only waits:
 *
 *	an orphan ends			it is reaped
 *	SIGHUP				passed on
 *	SIGTERM, SIGINT, SIGPWR		the main process is told to end
 *	the main process ends		the machine is powered off
 *
 * So whatever ends the main process, be it a wrong option, a crash or the
 * want of memory, is said on the console and then the machine is off: nothing
 * is left that could carry a packet.
 */
#ifndef SLUICE_INIT_H
#define SLUICE_INIT_H

#include <stdbool.h>

/*
 * Puts the words of the machine's own file in place of *@argv's where there
 * is one (arguments.h), and loads the modules that came with it. Powers off
 * with the reason if it cannot. To be called first of all.
 */
void init_prepare(int *argc, char ***argv);

/*
 * If --init is among the words, becomes the first process, and returns true
 * in the main process that it starts. Returns false where nobody asked; dies
 * if it is not the first.
 */
bool init_become(int argc, char **argv);

#endif
