/*
 * backend.h - what makes the machines of a plan: namespaces, or a hypervisor
 *
 * A backend gives the agent and the gateway each a place of its own, joined
 * by a segment with just these two ends, and the gateway an uplink. It
 * promises that
 *
 * - the gateway enforces before the agent's first instruction;
 * - the agent reaches nothing but the gateway;
 * - the agent's streams, terminal, working folder and exit status are those
 *   of the command that the user typed;
 * - nothing outlives the run, however it ends, and nothing of the host is
 *   changed while it lasts.
 *
 * start, then wait or stop or both, then nothing: stop frees the sandbox.
 *
 * A new one is a file NAME.c with this struct, its plan in NAME_plan.c, and a
 * line in backends.c.
 */
#ifndef SLUICE_BACKEND_H
#define SLUICE_BACKEND_H

#include "attributes.h"
#include "plan.h"

struct sandbox; /* a run, as the backend knows it */

/*
 * A made-up network behind the gateway, in place of the host's. @play runs in
 * a network namespace of its own, as a process of its own, whose end of the
 * cable is the interface @interface. It writes a byte to @ready once it can
 * be reached, and returns, with -errno, only on failure.
 */
struct backend_world {
	int (*play)(void *data, int ready);
	void *data;
	const char *interface;
	const char *uplink4, *uplink6; /* the gateway's addresses there */
	const char *router4, *router6; /* the world's, where its routes lead */
	uint8_t prefix4, prefix6;
};

struct backend_run {
	struct plan *plan;
	const struct backend_world *world; /* NULL: the host's network */
	int stdio[3];                      /* the agent's; -1: ours */
};

#define BACKEND_WHY_MAX 512

struct backend {
	const char *name;
	const char *summary; /* one line, for people */
	bool takes_root;     /* the agent's file system need not be ours */

	/* Pure. 0 or -ENOMEM; plan_done() follows in any case. */
	int (*plan)(const struct plan_options *options, struct plan *plan);

	/*
	 * Whether it can run here, found out by trying. If not, @why says what
	 * is missing, and the command that helps.
	 */
	bool (*usable)(char why[BACKEND_WHY_MAX]);

	/* 0 or -errno, after saying what failed and what would help. */
	int (*start)(const struct backend_run *run, struct sandbox **sandbox);

	/*
	 * Waits for the agent to end and passes signals on to it meanwhile.
	 * Returns its exit status, as a shell would give it, or
	 * EXIT_LAUNCHER after saying what failed.
	 */
	int (*wait)(struct sandbox *sandbox);

	/* Ends what still runs and frees @sandbox, which may be NULL. */
	void (*stop)(struct sandbox *sandbox);
};

extern const struct backend netns_backend;
extern const struct backend qemu_backend;

/* All there are, the end marked by NULL. */
extern const struct backend *const backends[];

/* NULL if there is none of that name. */
const struct backend *backend_find(const char *name);

#endif
