/*
 * ca.h - the certificate authority as a worker sees it: a name in, a leaf out
 *
 * Each worker has one leaf key; every leaf it shows carries it. Leaves come
 * from the signer, are kept for names seen lately (at most CA_LEAVES_MAX) and
 * asked for once however many flows wait for the same name.
 */
#ifndef SLUICE_CA_H
#define SLUICE_CA_H

#include "domain.h"

#include <sys/queue.h>

#include <event2/event.h>
#include <openssl/x509.h>

#define CA_LEAVES_MAX 1024 /* kept by a worker */
#define CA_WAITS_MAX 1024  /* names being asked for */

enum ca_quota {
	CA_QUOTA_REFUSAL = 0, /* lets a refusal be read */
	CA_QUOTA_WORK,
};

struct ca;

/* A flow's place in the queue; embedded in it, zeroed at first. */
struct ca_wait {
	/* @leaf is borrowed for the call; NULL if the signer refused. */
	void (*done)(struct ca_wait *wait, X509 *leaf);
	TAILQ_ENTRY(ca_wait) link;
	void *asked; /* ca's own; NULL when not waiting */
};

/*
 * Asks the signer at @channel for the CA's certificate, blocking, and makes
 * the leaf key: called at start. NULL if that fails; the reason is logged.
 * Takes @channel over. @base may be set later, before the first ca_leaf().
 */
struct ca *ca_new(int channel);
int ca_start(struct ca *ca, struct event_base *base);
void ca_free(struct ca *ca);

/*
 * The leaf for @name: at once if it is kept (borrowed, good until the next
 * call into ca), else NULL, and wait->done is called later, exactly once
 * unless ca_forget() comes first.
 */
X509 *ca_leaf(struct ca *ca, const struct domain *name, enum ca_quota quota,
	      struct ca_wait *wait);
void ca_forget(struct ca *ca, struct ca_wait *wait);

EVP_PKEY *ca_leaf_key(const struct ca *ca);
X509 *ca_certificate(const struct ca *ca);

/* The CA's certificate as PEM, NUL-terminated, as long as @ca. */
const char *ca_pem(const struct ca *ca);

#endif
