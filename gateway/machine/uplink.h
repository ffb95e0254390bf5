/*
 * uplink.h - the uplink's IPv4 address, where DHCP gives it
 *
 * DHCP is spoken by a client that others keep well, busybox's udhcpc, which
 * is told to configure nothing:
 *
 *	udhcpc ---> sluice-gateway EVENT ---> main process
 *	 its own user, no right to	the only one that sets addresses,
 *	 change the network		by way of interfaces.c
 *
 * For each event the client starts a program, which is this one again: it
 * reads the lease from its environment and sends it over a socket that it was
 * born with. The main process judges the lease once more, and gives it to the
 * uplink, whose name it knows from the command line and nobody else. A client
 * that dies is started again; a lease that nobody renews ends when its time
 * is over.
 */
#ifndef SLUICE_UPLINK_H
#define SLUICE_UPLINK_H

#include "config.h"
#include "lease.h"

#include <sys/types.h>

/* Where the hook finds its way back; udhcpc takes 3 and 4 for itself. */
#define UPLINK_HOOK_FD 9

struct uplink {
	struct config *config;
	pid_t client; /* 0 while there is none */
	int leases;   /* to poll for reading; -1 where nothing is leased */
	int hook;     /* the other end, which the client inherits */
	bool greeted; /* this client has said that it has nothing yet */
	bool leased;  /* @lease is on the interface */
	bool learns;  /* resolvers come with the lease */
	struct lease lease;
	int64_t ends_ms;     /* of the lease */
	int64_t restart_ms;  /* when to start the client again */
	unsigned backoff_ms; /* before that */
};

/*
 * Where @config asks for DHCP, starts the client and waits, for a bounded
 * time, for the first lease; where no resolvers are given, they are put in
 * @config. Dies with the reason. @config is borrowed.
 */
void uplink_init(struct uplink *uplink, struct config *config);
void uplink_done(struct uplink *uplink);

/*
 * Does what is due, without waiting. True if the resolvers in the
 * configuration have become others.
 */
MUST_CHECK bool uplink_look(struct uplink *uplink);

/* In milliseconds, until uplink_look() must be called unasked; -1 for never. */
int uplink_wait_ms(const struct uplink *uplink);

/* Notes that @pid has ended, if it was the client. */
void uplink_reaped(struct uplink *uplink, pid_t pid);

/* Whether this is a process that the client has started for an event. */
bool uplink_is_hook(int argc, char **argv);

/* Its whole life. Returns the exit status. */
int uplink_hook(const char *event);

#endif
