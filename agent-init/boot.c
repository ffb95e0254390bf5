#include "boot.h"

#include "arguments.h"
#include "attend.h"
#include "deadline.h"
#include "modules.h"
#include "ports.h"
#include "report.h"
#include "root.h"
#include "steps.h"
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#define PORTS_MS 10000 /* for all of them to appear, and the host to be there */
#define ENVIRONMENT_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

NORETURN static void power_off(void)
{
	sync();
	(void)reboot(RB_POWER_OFF);
	_exit(STATUS_MACHINE);
}

NORETURN static void end(const struct wires *wires, int status)
{
	char line[32];

	(void)snprintf(line, sizeof(line), "exit %d", status);
	attend_say(wires, line);
	power_off();
}

/*
 * Without a console in the first file system the kernel starts us with no
 * descriptors at all.
 */
static void open_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/console", O_RDWR | O_NOCTTY) < 0)
			return;
}

/* A line on the console, by which the host knows how long the kernel took. */
static void say_up(void)
{
	(void)fprintf(stderr, "sluice-init[machine]: the kernel is up\n");
}

static void load_modules(void)
{
	char failed[NAME_MAX + 1];
	int ret = modules_load(MODULES_FOLDER, failed);

	if (ret == 0)
		return;
	(void)report("modules", ret, "cannot load %s/%s", MODULES_FOLDER,
		     failed);
	power_off();
}

static int open_port(const char *name, int64_t deadline)
{
	int fd = ports_open(name, deadline);

	if (fd >= 0)
		return fd;
	(void)report("ports", fd, "no port %s", name);
	power_off();
}

static void open_ports(struct wires *wires)
{
	int64_t deadline = deadline_in(PORTS_MS);

	wires->control = open_port("sluice.control", deadline);
	wires->in = open_port("sluice.in", deadline);
	wires->out = open_port("sluice.out", deadline);
	wires->err = open_port("sluice.err", deadline);
}

/* The command's environment is what the host gave, and nothing of ours. */
static bool set_environment(const struct options *options)
{
	bool done = clearenv() == 0 &&
		    setenv("PATH", ENVIRONMENT_PATH, 1) == 0 &&
		    setenv("HOME", "/root", 1) == 0;

	if (done && options->terminal.wanted)
		done = setenv("TERM", options->terminal.type, 1) == 0;
	for (size_t i = 0; done && i < options->n_environment; i++)
		done = putenv(options->environment[i]) == 0;
	if (!done)
		(void)report("environment", -ENOMEM, "cannot set it");
	return done;
}

/* What a machine has, and a container has got already. */
static bool become_machine(const struct options *options)
{
	int64_t deadline = deadline_in(options->timeout_ms);

	if (root_enter(&options->root, deadline) < 0)
		return false;
	if (options->hostname &&
	    sethostname(options->hostname, strlen(options->hostname)) < 0) {
		(void)report("hostname", -errno, "cannot set it");
		return false;
	}
	return set_environment(options);
}

/* Its status, or that of the step that failed. */
static int run(struct options *options, const struct wires *wires)
{
	enum exit_status status;
	const struct user *who;
	struct streams streams;
	struct user user;
	sigset_t before;
	bool ran = false;
	int started, ret;
	pid_t agent;

	if (!become_machine(options) ||
	    steps_set_up(options, &user, &who) != STATUS_OK ||
	    root_seal() < 0 ||
	    streams_open(&streams, &options->terminal, who ? who->uid : 0) < 0)
		return STATUS_MACHINE;
	attend_say(wires, "network");
	supervise_block(&before);
	agent = steps_start_agent(options, who, 1ULL << CAP_SYS_BOOT, &before,
				  &streams, &started, &status);
	if (agent < 0)
		return STATUS_MACHINE;
	streams_release(&streams);
	ret = attend(wires, &streams, agent, started, &ran);
	if (ret < 0)
		(void)report("attend", ret, "cannot attend to the agent");
	/* One that has not run has said why by its own streams. */
	if (!ran && ret != STATUS_NOT_FOUND && ret != STATUS_NOT_EXECUTABLE)
		ret = STATUS_MACHINE;
	return ret;
}

void boot(int argc, char **argv)
{
	struct options options;
	struct wires wires;

	root_begin();
	open_streams();
	say_up();
	/* Ctrl-Alt-Del comes as a signal, and does not pull the plug. */
	(void)reboot(RB_DISABLE_CAD);
	load_modules();
	open_ports(&wires);
	report_also(wires.err);
	(void)clearenv();
	if (options_parse(argc, argv, true, &options) != OPTIONS_RUN)
		end(&wires, STATUS_MACHINE);
	end(&wires, run(&options, &wires));
}

void boot_wordless(int error)
{
	root_begin();
	open_streams();
	(void)report("arguments", error, "cannot use " ARGUMENTS_FILE);
	power_off();
}
