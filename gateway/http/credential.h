/*
 * credential.h - the credential that a route puts into its requests
 *
 * The agent never holds it: what the agent sent in its place is left out, and
 * the secret that the route names is put in, between the last judgement and
 * the writing of the head for the origin.
 */
#ifndef SLUICE_CREDENTIAL_H
#define SLUICE_CREDENTIAL_H

#include "message.h"
#include "secrets.h"

/* "Basic ", and a value in base64. */
#define CREDENTIAL_MAX (16 + (SECRET_VALUE_MAX + 2) / 3 * 4)

/* The value of an Authorization field. To be wiped: credential_done(). */
struct credential {
	char text[CREDENTIAL_MAX + 1];
	size_t len;
};

/*
 * What @route sends, which names a secret. False if there is no such secret:
 * the request must not go out then.
 */
MUST_CHECK bool credential_make(struct credential *credential,
				const struct route *route,
				const struct secrets *secrets);
void credential_done(struct credential *credential);

/*
 * Replaces the Authorization of @request, which borrows from @credential
 * then, and asks the origin not to compress, so that what it echoes can be
 * read (redact.h). False if the fields get too many.
 */
MUST_CHECK bool credential_put(const struct credential *credential,
			       struct http_request *request);

#endif
