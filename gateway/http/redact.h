/*
 * redact.h - takes a credential out of what the origin says
 *
 * Some origins say back what they were sent. Each byte of the credential is
 * then replaced by an asterisk, so that lengths stay as announced. It is
 * found as it was sent, as it was given, and for Basic the password alone, in
 * heads and in bodies, however these come in pieces: bytes with which it may
 * begin wait for the next piece, all others pass at once. It is not found
 * where it was transformed or compressed.
 */
#ifndef SLUICE_REDACT_H
#define SLUICE_REDACT_H

#include "credential.h"

struct redact;

/* For requests with @credential, which @route made; NULL for want of memory. */
struct redact *redact_new(const struct credential *credential,
			  const struct route *route,
			  const struct secrets *secrets);

/* Accepts NULL. */
void redact_free(struct redact *redact);

/* All of a head, in place. */
void redact_head(const struct redact *redact, char *bytes, size_t len);

/*
 * The next run of a body, of at most BUFFER_CAP bytes; @last if none follows.
 * Returns what may go on by now, good until the next call.
 */
struct http_text redact_run(struct redact *redact, struct http_text data,
			    bool last);

#endif
