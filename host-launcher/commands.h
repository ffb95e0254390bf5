/*
 * commands.h - the subcommands, one file each
 *
 * Each gets its own name as argv[0] and returns the exit status of sluice.
 */
#ifndef SLUICE_COMMANDS_H
#define SLUICE_COMMANDS_H

int run_command(int argc, char **argv);
int print_plan_command(int argc, char **argv);
int log_command(int argc, char **argv);
int doctor_command(int argc, char **argv);
int check_command(int argc, char **argv);
int demo_command(int argc, char **argv);
int image_command(int argc, char **argv);

/* What demo runs inside, as the agent: not for users. */
int demo_agent_command(int argc, char **argv);

#endif
