/*
 * judged.h - a request as rules see it, kept while it is under way
 *
 * A new manifest applies to what is already open: the request has to be there
 * to be judged again when its bytes have long gone to the origin.
 */
#ifndef SLUICE_JUDGED_H
#define SLUICE_JUDGED_H

#include "message.h"
#include "request.h"
#include "verdict.h"

struct judged {
	struct request request; /* its views are into @memory */
	void *memory;           /* NULL: nothing is kept */
};

/*
 * Copies what rules look at, in place of what was kept before; false for want
 * of memory.
 */
MUST_CHECK bool judged_keep(struct judged *judged,
			    const struct http_request *request);

/* It, or NULL if nothing is kept. */
const struct request *judged_request(const struct judged *judged);

/* Whether the request, and not where it goes, is what @reason refuses. */
bool judged_is_at_fault(enum reason reason);

/* Why its path has no normal form; NULL if it has. */
const char *judged_ambiguity(const struct judged *judged);

void judged_done(struct judged *judged);

#endif
