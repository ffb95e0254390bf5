/*
 * worker.h - one event loop, and what it owns
 *
 * A worker is a process: it accepts the agent's connections and questions,
 * judges them and carries them out. It has no privileges, no files, and
 * shares with the others only the pins and one flag. What it needs from
 * outside comes over descriptors that it was born with:
 *
 *	control	from PID 1: the manifest, anew (SOCK_SEQPACKET, a memfd)
 *	signer	to the signer: names; back: leaves
 *	audit	to the audit process: lines
 *	nflog	from the kernel: refused packets (the first worker only)
 */
#ifndef SLUICE_WORKER_H
#define SLUICE_WORKER_H

#include "audit.h"
#include "config.h"
#include "dns/pins.h"
#include "flow.h"
#include "pool.h"
#include "relay.h"
#include "secrets.h"
#include "tls/authorities.h"
#include "tls/ca.h"
#include "tls/handshakes.h"

#include <openssl/ssl.h>

struct worker_listeners {
	int tcp4, tcp6;   /* redirected connections; -1 if there is none */
	int dns4, dns6;   /* UDP */
	int near4, near6; /* UDP, of who asks the gateway itself */
	int dnstcp4, dnstcp6;
};

/* What a worker is born with; all descriptors become its own. */
struct worker_birth {
	const struct config *config;
	struct pins *pins;
	atomic_bool *blind;
	unsigned number; /* from 1 */
	struct worker_listeners listeners;
	int control, signer, audit, nflog; /* nflog -1 for all but one */
	X509_STORE *trust;                 /* of origins */
	struct ticket_keys *tickets;       /* wiped once they are in use */
	const char *manifest; /* text that has been parsed without mistake */
	size_t manifest_len;
	struct secrets *secrets; /* its own copy, as all of its memory */
	int ready;               /* gets one byte when the worker serves */
};

struct worker {
	const struct config *config;
	struct event_base *base;
	struct policy *policy;
	uint32_t generation;     /* of the policy, which counts them */
	struct secrets *secrets; /* all that the policy names */
	struct pins *pins;
	struct audit audit;
	struct ca *ca;
	struct lookup *lookup;
	struct resolver *resolver;
	struct listener *listener;
	SSL_CTX *agent_tls; /* we are the server, the agent the client */
	struct authorities *authorities; /* the other way round: of origins */
	struct handshakes handshakes;    /* with agents, under way */
	struct flow_table flows;
	struct relay_pipes pipes;
	struct pool *pool; /* of connections to origins that idle */
};

/* A worker's life, from just after fork. */
NORETURN void worker_run(const struct worker_birth *birth);

#endif
