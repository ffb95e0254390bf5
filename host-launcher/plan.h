/*
 * plan.h - what a run will consist of: addresses, names, argument vectors
 *
 * A plan is computed from the options alone and nothing is started by it, so
 * that it can be tested, and so that every backend starts the same things.
 *
 *	  agent                         gateway                   uplink
 *	+-----------------+ PLAN_AGENT_INTERFACE  +----------------+
 *	| sluice-init     |-----------------------| sluice-gateway |--- up0
 *	|   the command   |    PLAN_GATEWAY_...   +----------------+
 *	+-----------------+
 *
 * The addresses between the two are the same in every run: the segment has
 * just these two ends and is visible to nobody else.
 */
#ifndef SLUICE_PLAN_H
#define SLUICE_PLAN_H

#include "address.h"
#include "attributes.h"
#include "nameserver.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define PLAN_AGENT_INTERFACE "eth0"
#define PLAN_GATEWAY_INTERFACE "int0"
#define PLAN_UPLINK_INTERFACE "up0"
#define PLAN_GATEWAY4 "10.77.0.1"
#define PLAN_AGENT4 "10.77.0.2"
#define PLAN_PREFIX4 30
#define PLAN_GATEWAY6 "fd73:6c75:6963:1::1"
#define PLAN_AGENT6 "fd73:6c75:6963:1::2"
#define PLAN_PREFIX6 126

#define PLAN_RESOLVERS_MAX NAMESERVERS_MAX
#define PLAN_RESOLVER_TEXT_MAX NAMESERVER_TEXT_MAX
#define PLAN_ARGV_MAX 64

/* What the user asked for, with everything looked up. All borrowed. */
struct plan_options {
	const char *manifest; /* absolute, as are all paths here */
	const char *audit;
	const char *trust;   /* NULL: the system's */
	const char *secrets; /* NULL: none */
	const char *gateway_program, *init_program;
	const char *workdir;
	char (*resolvers)[PLAN_RESOLVER_TEXT_MAX];
	size_t n_resolvers;
	uid_t uid; /* the agent's */
	gid_t gid;
	bool verbose;
	char *const *command; /* ends with NULL */
};

/* Argument vectors point into the options and the plan: it cannot be moved. */
struct plan {
	struct plan_options options;
	struct address gateway4, gateway6, agent4, agent6;
	const char *gateway[PLAN_ARGV_MAX]; /* less --ready-fd; see below */
	const char **init;                  /* as long as the command needs */
	char user[32];                      /* "UID:GID" */
	char ready_fd[12];
	char uplink_pid[12];
};

/* 0 or -ENOMEM; ends with plan_done(), also after a failure. */
MUST_CHECK int plan_make(const struct plan_options *options, struct plan *plan);
void plan_done(struct plan *plan);

/*
 * Completes the gateway's arguments with the descriptor on which it says that
 * it serves, known only when it is about to be started.
 */
void plan_set_ready_fd(struct plan *plan, int fd);

/* pasta's arguments, joining it to the namespaces of process @pid. */
void plan_uplink(struct plan *plan, pid_t pid, const char *argv[PLAN_ARGV_MAX]);

/* What a name server found in resolv.conf(5) is worth. */
enum plan_resolvers {
	PLAN_RESOLVERS_NONE = 0,
	PLAN_RESOLVERS_LOOPBACK, /* only such as cannot be reached from afar */
	PLAN_RESOLVERS_FOUND,
};

/*
 * Takes the name servers out of the text of a resolv.conf(5), passing over
 * loopback and scoped ones. @n is 0 unless the answer is FOUND.
 */
enum plan_resolvers
plan_resolvers_parse(const char *text,
		     char resolvers[PLAN_RESOLVERS_MAX][PLAN_RESOLVER_TEXT_MAX],
		     size_t *n);

/* "UID" or "UID:GID" in decimal; the group is the user's number if not given.
   The highest number of all means "no change" to the kernel and is no user. */
MUST_CHECK bool plan_user_parse(const char *text, uid_t *uid, gid_t *gid);

/*
 * Where the record of a run goes when nobody says: below XDG_STATE_HOME, which
 * counts if it is absolute, or below @home. False if there is neither, or it
 * is too long.
 */
MUST_CHECK bool plan_audit_file(const char *xdg_state_home, const char *home,
				char path[PATH_MAX]);

#endif
