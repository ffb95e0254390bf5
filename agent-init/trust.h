/*
 * trust.h - makes the gateway's certificate authority trusted
 *
 * Two ways, since no one of them serves every program: the CA is appended to
 * the system's own bundles, and runtimes that carry bundles of their own are
 * pointed, by the variables that they read, at copies in a folder of ours.
 * Browsers know neither; browsers.h has what they read.
 *
 * The block in a bundle is marked, so that a second start finds it; one that
 * an earlier gateway left is taken out, as that CA is gone.
 */
#ifndef SLUICE_TRUST_H
#define SLUICE_TRUST_H

#include "attributes.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Where the environment will point: both empty if no folder could be had. */
struct trust {
	char ca[PATH_MAX];     /* the CA alone */
	char bundle[PATH_MAX]; /* the system's and the CA */
	char java[PATH_MAX];   /* the same for Java; empty if there is none */
};

/*
 * The text of a bundle with our block as its last part, and no other block of
 * ours: NUL-terminated, for the caller to free; NULL if memory is short.
 */
MUST_CHECK char *trust_merge(const char *bundle, size_t bundle_len,
			     const char *pem, size_t pem_len,
			     size_t *merged_len);

/*
 * Does both, for the CA in @pem. It is enough that one of the two works.
 * Reports and returns -errno if none does.
 */
MUST_CHECK int trust_install(const char *pem, size_t len, struct trust *trust);

/*
 * Sets the variables of this process for the agent to inherit, and takes out
 * those that would lead it past: proxies, of which it needs none, and
 * SSL_CERT_DIR. False if memory is short.
 */
MUST_CHECK bool trust_environment(const struct trust *trust);

#endif
