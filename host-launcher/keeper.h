/*
 * keeper.h - the process that holds a run's namespaces, and everything in them
 *
 *	sluice            the host's namespaces; waits, passes signals on
 *	  keeper          user namespace U, process namespace P (its PID 1)
 *	    holder        makes G, and ends once others are in it
 *	    pasta         joins the host's network to G; as nobody, if root runs us
 *	    sluice-gateway  in G
 *	    sluice-init   in network, mount, process and IPC namespaces: A
 *	      the command
 *
 * The keeper dies with sluice (PR_SET_PDEATHSIG), and with it, being the first
 * process of P, everything else: the kernel sees to that, in every case.
 *
 * G belongs to a user namespace U0 below U, whose owner is the user that pasta
 * runs as. As root that is nobody; were U itself nobody's, then any process
 * of that user on the host could enter U and be root over its files.
 */
#ifndef SLUICE_KEEPER_H
#define SLUICE_KEEPER_H

#include "attributes.h"
#include "backend.h"

#include <signal.h>
#include <stdbool.h>

/* What passes between sluice and the keeper, one byte a message. */
enum keeper_message {
	KEEPER_UNSHARED = 'u', /* keeper: write the maps of my user namespace */
	KEEPER_MAPPED = 'm',   /* sluice: it is done */
	KEEPER_RUNNING = 'r',  /* keeper: the agent runs; with the gateway's
				  pidfd */
};

struct keeper {
	const struct backend_run *run;
	int channel;  /* SOCK_SEQPACKET, to sluice */
	bool is_root; /* in the host's user namespace */
};

/* What clone(2) is to make for the keeper, besides a process. */
unsigned long keeper_clone_flags(bool is_root);

/* The whole life of the keeper. The signals that sluice passes on must be
   blocked already, or one could be lost between the two. */
NORETURN void keeper_main(const struct keeper *keeper);

/* The signals that reach the agent, and SIGCHLD. */
void keeper_signals(sigset_t *set);

#endif
