/*
 * listener.h - accepts what the kernel redirected here
 *
 * Asks the kernel where each connection was headed (SO_ORIGINAL_DST, which
 * redirect.h's rules make right) and starts a flow. One that the kernel does
 * not know about has no destination and is refused, alone. At FLOW_MAX flows,
 * or without descriptors, the listeners pause: who connects waits in the
 * kernel's queue.
 */
#ifndef SLUICE_LISTENER_H
#define SLUICE_LISTENER_H

struct worker;
struct listener;

/* The descriptors (-1 if there is none) become its own. NULL: no memory. */
struct listener *listener_new(struct worker *worker, int tcp4, int tcp6);
void listener_free(struct listener *listener);

/* A flow has ended: there may be room again. Accepts NULL. */
void listener_resume(struct listener *listener);

#endif
