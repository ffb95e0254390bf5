/*
 * request_rules.h - what a route says about requests
 *
 * Reads, for manifest.h, the keys that say which requests a route admits, with
 * what credential, and how they may come.
 */
#ifndef SLUICE_REQUEST_RULES_H
#define SLUICE_REQUEST_RULES_H

#include "document.h"
#include "mistakes.h"
#include "policy.h"

/* The values of the keys; NULL for one that is absent. */
struct request_rules {
	const struct node *matches, *git, *auth, *h2c, *http2_websocket;
};

/*
 * Reads them into @route, whose other keys have been read. What is wrong is
 * added to @mistakes, and then false is returned; what @route owns is the
 * caller's to free in any case.
 */
MUST_CHECK bool request_rules_read(const struct request_rules *rules,
				   struct route *route,
				   struct mistakes *mistakes);

#endif
