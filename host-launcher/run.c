#include "backend.h"
#include "commands.h"
#include "complain.h"
#include "invocation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int carry_out(struct invocation *invocation)
{
	const struct backend *backend = invocation->backend;
	const struct backend_run run = {
		.plan = &invocation->plan,
		.stdio = { -1, -1, -1 },
	};
	struct sandbox *sandbox = NULL;
	int status = EXIT_LAUNCHER;

	if (invocation->options.verbose)
		complain("record: %s", invocation->options.audit);
	if (backend->start(&run, &sandbox) == 0)
		status = backend->wait(sandbox);
	backend->stop(sandbox);
	return status;
}

static int print(struct invocation *invocation)
{
	(void)printf("backend %s: %s\n", invocation->backend->name,
		     invocation->backend->summary);
	plan_print(&invocation->plan, stdout);
	return 0;
}

static int with_invocation(int argc, char **argv,
			   int (*act)(struct invocation *invocation))
{
	struct invocation *invocation = malloc(sizeof(*invocation));
	int status;

	if (!invocation) {
		complain_errno(argv[0], ENOMEM);
		return EXIT_LAUNCHER;
	}
	status = invocation_read(argc, argv, invocation);
	if (status == 0)
		status = act(invocation);
	invocation_done(invocation);
	free(invocation);
	return status;
}

int run_command(int argc, char **argv)
{
	return with_invocation(argc, argv, carry_out);
}

int print_plan_command(int argc, char **argv)
{
	return with_invocation(argc, argv, print);
}
