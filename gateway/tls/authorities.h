/*
 * authorities.h - whom the origins' certificates are verified by
 *
 * That is the system's authorities, or those of the gateway's --trust; or for
 * a route with `upstream_ca` what stands there, alone. A route with
 * `client_cert_ref` has one to itself too, by which the origin in turn knows
 * the gateway. Each has a TLS context and the sessions with its origins to
 * itself, so that no session stands for a certificate which another one
 * verified, or showed.
 *
 * An authority is known by a number that is never given to another, whatever
 * manifests and secrets come and go: connections that were made under one are
 * told apart by it from all others (pool.h, flow.h).
 */
#ifndef SLUICE_AUTHORITIES_H
#define SLUICE_AUTHORITIES_H

#include "policy.h"
#include "secrets.h"
#include "sessions.h"

#include <openssl/ssl.h>

#define AUTHORITY_OF_SYSTEM 0
#define AUTHORITY_SHOWN_LEN 32 /* a SHA-256, or zeroes for nothing */

struct authorities;

struct authority {
	uint64_t id;
	char *pem;                          /* NULL: the system's */
	uint8_t shown[AUTHORITY_SHOWN_LEN]; /* of what is shown to origins */
	SSL_CTX *tls;
	struct sessions *sessions;
};

/* @system is shared. NULL for want of memory. */
struct authorities *authorities_new(X509_STORE *system);
void authorities_free(struct authorities *authorities); /* accepts NULL */

/*
 * From now on there are those of @policy and its @secrets, beside the system's.
 * What was there before, to the last byte, keeps its number; all sessions are
 * forgotten. False, with nothing changed, for want of memory or if
 * authorities_check() and secrets_suffice() were not asked.
 */
MUST_CHECK bool authorities_use(struct authorities *authorities,
				const struct policy *policy,
				const struct secrets *secrets);

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
