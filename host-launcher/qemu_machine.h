/*
 * qemu_machine.h - one virtual machine: its program, and what its console says
 */
#ifndef SLUICE_QEMU_MACHINE_H
#define SLUICE_QEMU_MACHINE_H

#include "attributes.h"
#include "lines.h"
#include "plan.h"
#include "spawn.h"

#include <stdbool.h>
#include <sys/types.h>

#if defined(__aarch64__)
#define QEMU_PROGRAM "qemu-system-aarch64"
#define QEMU_PACKAGE "qemu-system-arm"
#else
#define QEMU_PROGRAM "qemu-system-x86_64"
#define QEMU_PACKAGE "qemu-system-x86"
#endif

#define QEMU_MACHINE_TAIL 2048

struct qemu_machine {
	const char *name;          /* for people */
	const char *step;          /* of the plan */
	bool verbose;              /* all of the console is passed on */
	pid_t pid;                 /* 0: not running */
	int ended;                 /* readable once it has ended */
	int console;               /* to be read; -1: it has ended */
	int given[SPAWN_PASS_MAX]; /* descriptors that it is to have */
	size_t n_given;
	struct lines said;
	char tail[QEMU_MACHINE_TAIL]; /* the last of it, as it may be shown */
	size_t tail_len;
};

void qemu_machine_init(struct qemu_machine *machine, const char *name,
		       const char *step, bool verbose);

/* Takes @fd over, for the machine to have under the same number. */
void qemu_machine_give(struct qemu_machine *machine, int fd);

/* Runs the step of @plan. 0, or -errno after saying why. */
MUST_CHECK int qemu_machine_start(struct qemu_machine *machine,
				  const struct plan *plan);

/*
 * Reads what the console has to say. Errors of our own programs are shown to
 * the user, and all of it where he asked for that, without what could steer a
 * terminal. True if there was anything.
 */
bool qemu_machine_hear(struct qemu_machine *machine);

/* Shows the last that it said. */
void qemu_machine_tell(const struct qemu_machine *machine);

/* Ends it if it runs, and closes all that is open for it. */
void qemu_machine_end(struct qemu_machine *machine);

#endif
