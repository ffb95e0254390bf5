/*
 * spawn.h - child processes: argument vectors, never a shell
 *
 * A child gets an empty signal mask, default dispositions, three standard
 * streams and the descriptors that are named. spawn_start() returns once the
 * child has executed its program, or with the reason why it could not.
 */
#ifndef SLUICE_SPAWN_H
#define SLUICE_SPAWN_H

#include "attributes.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define SPAWN_PASS_MAX 12

struct spawn {
	const char *const *argv; /* [0] is a path, or a name to find in PATH */
	bool background;         /* a session of its own: no terminal, no ^C */
	bool capable;            /* capabilities survive into the program */
	bool switch_user;        /* to @uid and @gid, without other groups */
	uid_t uid;
	gid_t gid;
	bool mortal;  /* is killed when this process ends, however it does */
	int stdio[3]; /* -1: /dev/null for input, else as ours */
	int pass[SPAWN_PASS_MAX]; /* stay open under their own numbers */
	size_t n_pass;
	/* Called in the child while it is still who we are; -errno keeps it
	   from its program. NULL: nothing. */
	int (*prepare)(void *data);
	void *data;
};

/* All members as they do least: nothing kept, nothing passed, as ours. */
struct spawn spawn_of(const char *const *argv);

void spawn_pass(struct spawn *spawn, int fd);

/* 0 and the child's @pid, or -errno of whatever kept it from starting. */
MUST_CHECK int spawn_start(const struct spawn *spawn, pid_t *pid);

/*
 * Executes the program in this process, as spawn_start() would in a child.
 * Returns only in case of failure, with -errno.
 */
int spawn_exec(const struct spawn *spawn);

/*
 * Waits for @pid and returns its exit status, 128 and the signal's number if
 * one ended it, or -errno.
 */
int spawn_wait(pid_t pid);

/* The exit status that stands for a status of waitpid(2). */
int spawn_status(int wait_status);

/*
 * Finds one of sluice's own programs: beside this one, where packages put
 * it, or in PATH. 0 or -ENOENT.
 */
MUST_CHECK int spawn_find(const char *name, char path[PATH_MAX]);

#endif
