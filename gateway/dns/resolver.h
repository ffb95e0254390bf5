/*
 * resolver.h - the agent's DNS server: decide, ask upstream, pin, answer
 *
 * Whatever resolver the agent believes to ask, it asks this one. For each
 * question the policy comes first; only for a name that it admits is anything
 * looked up, and an answer goes out only after its addresses are pinned. The
 * reply is written from values: nothing of an upstream message is copied.
 *
 *	admitted	A, AAAA: its addresses (real or virtual); else NODATA
 *	not admitted	A, AAAA: the refusal address (`refusals: explain`);
 *			else NXDOMAIN; always with Extended DNS Error 15
 *
 * Names below a wildcard are the agent's to make up, so what is asked for them
 * upstream, by this module or for a connection, has a budget for each wildcard
 * route (budget.h has the numbers and what they let through). Past it names
 * are refused like others, as `dns_tunnel_suspect`, with one id and one line
 * of the record for the wildcard.
 */
#ifndef SLUICE_RESOLVER_H
#define SLUICE_RESOLVER_H

#define RESOLVER_JOBS_MAX 512 /* questions of one worker on the way */

struct worker;
struct worker_listeners;
struct resolver;

/* Takes the four DNS descriptors over. NULL for want of memory. */
struct resolver *resolver_new(struct worker *worker,
			      const struct worker_listeners *listeners);
void resolver_free(struct resolver *resolver);

#endif
