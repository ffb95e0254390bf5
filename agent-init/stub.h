/*
 * stub.h - a resolver on loopback that asks the gateway over TCP alone
 *
 * For machines between which and the gateway no datagram passes. It is a
 * process without privilege beside the agent, as the agent's own user, that
 * relays: each datagram's question over a connection of its own, and each
 * connection as it is. It judges nothing and remembers nothing; more at once
 * than it has room for fails at once.
 */
#ifndef SLUICE_STUB_H
#define SLUICE_STUB_H

#include "address.h"
#include "attributes.h"
#include "users.h"

#define STUB_QUESTIONS_MAX 32   /* over UDP, at once */
#define STUB_CONNECTIONS_MAX 16 /* over TCP, at once */
#define STUB_SOCKETS_MAX 4

/* The sockets that it listens on, which take a privilege to bind. */
struct stub {
	struct address gateway;
	int udp[2], tcp[2]; /* 127.0.0.1 and ::1; -1 without IPv6 */
};

/* Binds them, on port 53. Reports and returns -errno on failure. */
MUST_CHECK int stub_open(struct stub *stub, const struct address *gateway);

/*
 * Starts the process, as @user or who we are, which lives as long as ours, and
 * closes the sockets here. Reports and returns -errno on failure.
 */
MUST_CHECK int stub_start(struct stub *stub, const struct user *user);

#endif
