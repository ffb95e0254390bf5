/*
 * sluice-init - sets the agent's machine up behind the gateway, then runs the
 * agent without a privilege left
 *
 * The agent is started by the last step alone (steps.h). A step that fails
 * says why in one line and ends the program with a status of its own. Where a
 * whole machine is ours, there is more to do before and after (boot.h).
 */
#include "arguments.h"
#include "boot.h"
#include "options.h"
#include "steps.h"
#include "supervise.h"

#include <errno.h>
#include <unistd.h>

/*
 * As PID 1: the agent is a child, and we keep no privilege either, except to
 * send signals to it where it is another user.
 */
static int stay_as_init(const struct options *options, const struct user *user)
{
	enum exit_status status;
	sigset_t before;
	pid_t agent;

	supervise_block(&before);
	agent = steps_start_agent(options, user, 0, &before, NULL, NULL,
				  &status);
	return agent < 0 ? (int)status : supervise(agent);
}

int main(int argc, char **argv)
{
	int error = arguments_load(&argc, &argv);
	struct options options;
	const struct user *who;
	struct user user;
	enum exit_status status;

	if (error == 0)
		boot(argc, argv);
	if (error != -ENOENT)
		boot_wordless(error);
	switch (options_parse(argc, argv, false, &options)) {
	case OPTIONS_HELP:
		return STATUS_OK;
	case OPTIONS_BAD:
		return STATUS_USAGE;
	case OPTIONS_RUN:
		break;
	}
	status = options.exec ? steps_enter(&options, &user, &who)
			      : steps_set_up(&options, &user, &who);
	if (status != STATUS_OK)
		return (int)status;
	if (getpid() == 1 && !options.exec)
		return stay_as_init(&options, who);
	return (int)steps_become_agent(&options, who);
}
