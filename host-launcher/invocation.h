/*
 * invocation.h - the command line of run and plan, with everything looked up
 */
#ifndef SLUICE_INVOCATION_H
#define SLUICE_INVOCATION_H

#include "attributes.h"
#include "backend.h"
#include "plan.h"

#define INVOCATION_ENVIRONMENT_MAX 256

/* The plan borrows from the rest: it cannot be moved. */
struct invocation {
	const struct backend *backend;
	/* As typed. */
	const char *manifest, *audit, *trust, *secrets, *user, *root;
	char manifest_path[PATH_MAX], audit_path[PATH_MAX];
	char trust_path[PATH_MAX], secrets_path[PATH_MAX], workdir[PATH_MAX];
	char gateway[PATH_MAX], init[PATH_MAX];
	char root_path[PATH_MAX], share_program[PATH_MAX], mke2fs[PATH_MAX];
	char *environment[INVOCATION_ENVIRONMENT_MAX + 1]; /* NAME=VALUE */
	size_t n_environment;
	char resolvers[PLAN_RESOLVERS_MAX][PLAN_RESOLVER_TEXT_MAX];
	struct plan_options options;
	struct plan plan;
};

/*
 * 0, or the exit status after saying what is wrong. invocation_done() follows
 * in any case.
 */
MUST_CHECK int invocation_read(int argc, char **argv,
			       struct invocation *invocation);
void invocation_done(struct invocation *invocation);

#endif
