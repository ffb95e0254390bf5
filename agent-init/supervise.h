/*
 * supervise.h - stays PID 1 while the agent runs
 *
 * Somebody has to be PID 1: to reap what nobody waits for, and to be sent the
 * signals that are meant for the machine. That is all that is done here, by a
 * process without capabilities, which the agent's own uid cannot trace.
 *
 * The agent stays in our process group and keeps our terminal. A signal that
 * the terminal sends to the group therefore reaches both of us, and is not
 * passed on to come twice.
 */
#ifndef SLUICE_SUPERVISE_H
#define SLUICE_SUPERVISE_H

#include "attributes.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Blocks the signals that supervise() waits for. Call it before the agent is
 * forked, so that none is lost; @before is what the agent is to restore.
 */
void supervise_block(sigset_t *before);

/* The same signals, to be polled for and read as in signalfd(2); or -errno. */
MUST_CHECK int supervise_signals(void);

/* Passes the signal that was read on to @agent, unless it reached it already. */
void supervise_pass_on(int number, int code, pid_t agent);

/*
 * Reaps all that have ended; true, with its status as supervise() returns it,
 * if @agent was among them.
 */
bool supervise_reap(pid_t agent, int *status);

/*
 * Kills and reaps all other processes, for a bounded time, as some cannot be
 * killed: one that an operator entered the machine with is not ours.
 */
void supervise_kill_the_rest(void);

/*
 * Passes signals on to @agent and reaps, until it has ended; then kills what
 * is left. Returns its exit status, or 128 and the number of the signal that
 * ended it.
 */
MUST_CHECK int supervise(pid_t agent);

#endif
