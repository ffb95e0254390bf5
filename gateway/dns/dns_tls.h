/*
 * dns_tls.h - a connection to a resolver over TLS (RFC 7858)
 *
 * Strictly (RFC 8310 5): the certificate must be for the name that the
 * resolver was given with and lead to an authority that is trusted, or no
 * question is sent. There is no other way to ask such a resolver.
 *
 * One connection carries many questions, and is closed when nobody has asked
 * for a while. It is given up when the resolver is silent for too long, be
 * that in the handshake or with a question. A resolver whose handshake failed
 * rests: for a moment if there is no other, so that it is not overrun; for
 * longer if there is, so that not every question waits for it in vain.
 */
#ifndef SLUICE_DNS_TLS_H
#define SLUICE_DNS_TLS_H

#include "attributes.h"
#include "nameserver.h"

#include <sys/types.h>
#include <sys/uio.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#define DNS_TLS_WHY_MAX 512

struct dns_tls;        /* a connection */
struct dns_tls_client; /* what all of them share */

/* A resolver, and what is known of it. Outlives its connections. */
struct dns_tls_peer {
	struct nameserver at;
	bool failing;      /* the last handshake did not come to an end */
	int64_t failed_ms; /* when that was */
	int64_t told_ms;   /* when the log was told */
	char why[DNS_TLS_WHY_MAX];
};

/* Whether it is not to be connected to for now. */
bool dns_tls_peer_rests(const struct dns_tls_peer *peer, bool is_only,
			int64_t now_ms);

/* NULL for want of memory; freed after all connections. */
struct dns_tls_client *dns_tls_client_new(X509_STORE *trust);
void dns_tls_client_free(struct dns_tls_client *client);

/*
 * On @fd, which is being connected and is taken over in any case; @changed is
 * called whenever something could be done. NULL for want of memory.
 */
struct dns_tls *dns_tls_open(struct dns_tls_client *client,
			     struct dns_tls_peer *peer, struct event_base *base,
			     int fd, event_callback_fn changed, void *arg);
void dns_tls_close(struct dns_tls *tls);

/* Its connection came to nothing, for @error of errno. */
void dns_tls_refused(struct dns_tls_peer *peer, int error);

/* Calls @changed from the event loop, soon. */
void dns_tls_attend(struct dns_tls *tls);

/*
 * As recv(2) and writev(2) would on a socket, with errno. EAGAIN also while
 * there is no TLS yet; both carry the handshake on.
 */
ssize_t dns_tls_read(struct dns_tls *tls, void *bytes, size_t cap);
ssize_t dns_tls_write(struct dns_tls *tls, const struct iovec *iov, int n);

/* Whether the last read had something, so that there may be more. */
bool dns_tls_has_more(const struct dns_tls *tls);

/*
 * When it is to be given up unless something happens before. @patience_ms is
 * how long the resolver may be silent while it owes us something.
 */
int64_t dns_tls_due_ms(const struct dns_tls *tls, int64_t patience_ms);

/* From now on reads end it. */
void dns_tls_give_up(struct dns_tls *tls);

#endif
