/*
 * sessions.h - TLS sessions with origins, so that the next handshake is short
 *
 * The latest session of each name is kept and offered to it alone; the server
 * name of its connection says whose it is. It stands for a certificate that
 * was verified for that name, and to resume it proves that the origin is the
 * same again. Early data is never sent.
 */
#ifndef SLUICE_SESSIONS_H
#define SLUICE_SESSIONS_H

#include "attributes.h"
#include "domain.h"

#include <openssl/ssl.h>

#define SESSIONS_MAX 1024 /* of one worker; a few KiB each */
#define SESSIONS_S 3600   /* none is offered after that */

struct sessions;

/*
 * Keeps the sessions of @tls, a client's context, from now on. NULL for want
 * of memory. To be freed before @tls, whose connections may live on.
 */
struct sessions *sessions_new(SSL_CTX *tls);
void sessions_free(struct sessions *sessions); /* accepts NULL */

/* Offers what is known for @name. False for want of memory. */
MUST_CHECK bool sessions_offer(struct sessions *sessions, SSL *ssl,
			       const struct domain *name);

/* Forgets all of them. */
void sessions_clear(struct sessions *sessions);

#endif
