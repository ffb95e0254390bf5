/*
 * authorities.h - whom the origins' certificates are verified by
 *
 * That is the system's authorities, or those of the gateway's --trust; or for
 * a route with `upstream_ca` what stands there, alone. Each has a TLS context
 * and the sessions with its origins to itself, so that no session stands for
 * a certificate which another one verified.
 *
 * An authority is known by a number that is never given to another, whatever
 * manifests come and go: connections that were verified by one are told apart
 * by it from all others (pool.h, flow.h).
 */
#ifndef SLUICE_AUTHORITIES_H
#define SLUICE_AUTHORITIES_H

#include "policy.h"
#include "sessions.h"

#include <openssl/ssl.h>

#define AUTHORITY_OF_SYSTEM 0

struct authorities;

struct authority {
	uint64_t id;
	char *pem; /* NULL: the system's */
	SSL_CTX *tls;
	struct sessions *sessions;
};

/* @system is shared. NULL for want of memory. */
struct authorities *authorities_new(X509_STORE *system);
void authorities_free(struct authorities *authorities); /* accepts NULL */

/*
 * From now on there are those of @policy, beside the system's. What the policy
 * before it had too keeps its number; all sessions are forgotten. False, with
 * nothing changed, for want of memory or if authorities_check() was not asked.
 */
MUST_CHECK bool authorities_use(struct authorities *authorities,
				const struct policy *policy);

/* The number of what @route of that policy is verified by. */
uint64_t authorities_id(const struct authorities *authorities,
			const struct route *route);

/* NULL if there is none of that number any more. */
const struct authority *authorities_find(const struct authorities *authorities,
					 uint64_t id);

/*
 * Whether the certificates of all of @policy's routes can be read; if not, it
 * logs which cannot, as FILE:LINE:COLUMN of the route.
 */
MUST_CHECK bool authorities_check(const struct policy *policy,
				  const char *file);

#endif
