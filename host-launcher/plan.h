/*
 * plan.h - what a run will consist of: addresses, files, argument vectors
 *
 * A plan is computed from the options alone and nothing is started by it, so
 * that it can be printed, tested, and then carried out by its backend. What
 * is known only while it is carried out, such as the number of a descriptor,
 * stands in it as a word in braces, and is filled in then.
 *
 *	  agent                         gateway                   uplink
 *	+-----------------+ PLAN_AGENT_INTERFACE  +----------------+
 *	| sluice-init     |-----------------------| sluice-gateway |--- up0
 *	|   the command   |    PLAN_GATEWAY_...   +----------------+
 *	+-----------------+
 *
 * Where the backend lets us choose, the addresses between the two are the same
 * in every run: the segment has just these two ends and is visible to nobody
 * else.
 */
#ifndef SLUICE_PLAN_H
#define SLUICE_PLAN_H

#include "address.h"
#include "attributes.h"
#include "nameserver.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
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

/* Where the host's system folders are gathered to be shared with a machine:
   in a mount namespace of its own, over a folder that is always there. */
#define PLAN_VIEW "/tmp"

/* What only this run has is below it, in machines of their own. */
#define PLAN_RUN_FOLDER "/sluice/"

#define PLAN_RESOLVERS_MAX NAMESERVERS_MAX
#define PLAN_RESOLVER_TEXT_MAX NAMESERVER_TEXT_MAX
#define PLAN_STEPS_MAX 24
#define PLAN_FILES_MAX 64

#define PLAN_AGENT "agent"
#define PLAN_GATEWAY "gateway"
#define PLAN_HOST "host"

/* What only a backend with machines of their own asks for. */
struct plan_machines {
	const char *kernel, *modules; /* NULL: the distribution's */
	const char *accelerator;      /* NULL: what works */
	const char *trust;            /* the system's certificates */
	const char *suffixes;         /* the public suffix list; NULL: none */
	const char *terminal;         /* what TERM says; NULL: no terminal */
	unsigned rows, columns;       /* of the terminal */
	char *const *environment;     /* NAME=VALUE..., NULL */
	unsigned agent_mib, gateway_mib; /* of memory */
	unsigned processors;             /* of the agent */
	const char *share_program;       /* for shares; NULL: there is none */
	const char *mke2fs; /* for a disk to write; NULL: in memory */
	bool as_root;       /* that is who we are */
	bool timings;       /* are printed */
};

/* What the user asked for, with everything looked up. All borrowed. */
struct plan_options {
	const char *manifest; /* absolute, as are all paths here */
	const char *audit;
	const char *trust;   /* NULL: the system's */
	const char *secrets; /* NULL: none */
	/* The agent's file system, as it was named; NULL: the host's. */
	const char *root;
	const char *gateway_program, *init_program;
	const char *workdir; /* the folder that the agent shares with us */
	struct plan_machines machines;
	char (*resolvers)[PLAN_RESOLVER_TEXT_MAX];
	size_t n_resolvers;
	uid_t uid; /* the agent's */
	gid_t gid;
	bool verbose;
	char *const *command; /* ends with NULL */
};

/* A program to start. */
struct plan_step {
	const char *name;  /* by which the backend finds it */
	const char *where; /* PLAN_HOST, or the machine in which it runs */
	const char **argv; /* ends with NULL */
	size_t n, cap;
};

/* Something that a machine is given. */
struct plan_file {
	const char *where, *path;
	const char *from; /* on the host; NULL: @text */
	const char *text; /* NULL: @from */
};

struct plan {
	struct plan_options options;
	struct address gateway4, gateway6, agent4, agent6;
	struct plan_step steps[PLAN_STEPS_MAX]; /* in order */
	size_t n_steps;
	struct plan_file files[PLAN_FILES_MAX];
	size_t n_files;
	char **texts; /* the words that are the plan's own */
	size_t n_texts;
	bool failed; /* memory, steps or files did not suffice */
};

/*
 * To make a plan: begin, add, end. What fails in between is told by
 * plan_end(), with -ENOMEM. Every plan ends with plan_done(), also one that
 * failed. Words that plan_word() is given are borrowed.
 */
void plan_begin(struct plan *plan, const struct plan_options *options);
struct plan_step *plan_step(struct plan *plan, const char *name,
			    const char *where);
void plan_word(struct plan *plan, struct plan_step *step, const char *word);
void plan_option(struct plan *plan, struct plan_step *step, const char *option,
		 const char *value);
/* "--" and the command that the user typed. */
void plan_command(struct plan *plan, struct plan_step *step);
void plan_file(struct plan *plan, const struct plan_file *file);
/* A word that is the plan's; "" if there is no memory for it. */
const char *plan_text(struct plan *plan, const char *format, ...) PRINTF(2, 3);
MUST_CHECK int plan_end(struct plan *plan);
void plan_done(struct plan *plan);

/* The arguments of the step of that name, which must be there. */
const char *const *plan_argv(const struct plan *plan, const char *name);

/*
 * Puts @value where the step @name has @word, in braces, in whole words or in
 * parts of them. 0 or -ENOMEM.
 */
MUST_CHECK int plan_fill(struct plan *plan, const char *name, const char *word,
			 const char *value);

/* Writes it for people: files, then steps as a shell would take them. */
void plan_print(const struct plan *plan, FILE *out);

/* The plan of each backend; 0 or -ENOMEM. Pure. */
MUST_CHECK int netns_plan(const struct plan_options *options,
			  struct plan *plan);
MUST_CHECK int qemu_plan(const struct plan_options *options, struct plan *plan);

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
