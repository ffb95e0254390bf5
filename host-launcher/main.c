#include "commands.h"
#include "complain.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary; /* NULL: not listed */
};

static int help_command(int argc, char **argv);
static int version_command(int argc, char **argv);

static const struct command commands[] = {
	{ "run", run_command, "run a command behind the gateway" },
	{ "plan", print_plan_command,
	  "show what run would do, and do nothing" },
	{ "doctor", doctor_command, "say which backends can run here" },
	{ "check", check_command, "show what a manifest means, or is wrong" },
	{ "log", log_command, "read a record, follow it, check it" },
	{ "demo", demo_command, "see it at work, without a network" },
	{ "image", image_command, "turn images into disks, and write ours" },
	{ "help", help_command, "this" },
	{ "version", version_command, "which sluice this is" },
	{ "--help", help_command, NULL },
	{ "-h", help_command, NULL },
	{ "--version", version_command, NULL },
	{ "demo-agent", demo_agent_command, NULL },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
	(void)fprintf(out, "usage: sluice COMMAND [OPTION]...\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (commands[i].summary)
			(void)fprintf(out, "  %-8s %s\n", commands[i].name,
				      commands[i].summary);
	(void)fprintf(out, "\nsluice(1) has the details.\n");
}

static int help_command(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	print_usage(stdout);
	return 0;
}

static int version_command(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	(void)printf("sluice " SLUICE_VERSION "\n");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	complain("%s: no such command; see sluice help", argv[1]);
	return EXIT_USAGE;
}
