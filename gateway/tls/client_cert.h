/*
 * client_cert.h - a certificate of ours, for origins that ask for one
 *
 * It is given as a secret: in PEM, the certificate itself first, then those
 * that signed it, each by the next, and the key of the first without a
 * password, before, between or after them; nothing else. OpenSSL shows it when
 * an origin asks, which is not before the origin's own has been verified.
 */
#ifndef SLUICE_CLIENT_CERT_H
#define SLUICE_CLIENT_CERT_H

#include "secrets.h"

#include <openssl/ssl.h>

#define CLIENT_CERT_CHAIN_MAX 16 /* certificates */

/*
 * Makes the connections of @tls, a client's context, show what @pem holds.
 * NULL, or what keeps it from that.
 */
MUST_CHECK const char *client_cert_use(SSL_CTX *tls, struct secret pem);

/* The same of a context that is then thrown away: NULL, or what is wrong. */
MUST_CHECK const char *client_cert_fault(struct secret pem);

#endif
