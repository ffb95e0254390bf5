/*
 * tickets.h - TLS sessions with agents, which whoever holds a ticket keeps
 *
 * A gateway that ends TLS for every program pays a handshake for every
 * connection; a ticket spares the next one its certificate and signature. No
 * session is kept here: it is in the ticket, sealed with keys that all workers
 * share, so that any of them can resume what another began. PID 1 draws the
 * keys before the workers are born; they are in no file, and end with them.
 *
 * To resume proves nothing but that it is the same agent. What it asks for is
 * judged as in any handshake, and a ticket is good for the name alone that was
 * judged when it was issued: with another one it is as if there were none.
 * Early data, which could be sent again by others, is refused.
 */
#ifndef SLUICE_TICKETS_H
#define SLUICE_TICKETS_H

#include "attributes.h"
#include "domain.h"

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#define TICKETS_S 7200     /* how long one is good for */
#define TICKET_KEYS_LEN 80 /* OpenSSL's: a name, for the MAC, for AES */

struct ticket_keys {
	uint8_t bytes[TICKET_KEYS_LEN];
};

/* False for want of randomness. */
MUST_CHECK bool ticket_keys_make(struct ticket_keys *keys);
void ticket_keys_wipe(struct ticket_keys *keys);

/* Makes @tls, a server's context, issue tickets. False for want of memory. */
MUST_CHECK bool tickets_issue(SSL_CTX *tls, const struct ticket_keys *keys);

/* Binds those of one connection to @judged. False for want of memory. */
MUST_CHECK bool tickets_bind(SSL *ssl, const struct domain *judged);

#endif
