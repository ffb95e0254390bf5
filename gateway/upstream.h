/*
 * upstream.h - a connection to the origin of a name that was allowed
 *
 * Resolves the name, drops every address that may not be dialled (special
 * purpose without `private`, denied, our own), tries the rest in the manner of
 * RFC 8305, and, where asked, sets TLS up and verifies the certificate for
 * the name. The agent's idea of the address plays no part.
 *
 *	RESOLVING ---> CONNECTING ---> SECURING ---> done
 *	REUSING (from the pool) ---------------------^
 *
 * The callback is called once, from the event loop, never from inside
 * upstream_start(); after it the attempt is gone.
 */
#ifndef SLUICE_UPSTREAM_H
#define SLUICE_UPSTREAM_H

#include "policy.h"
#include "stream.h"

#define UPSTREAM_ALPN_MAX 16 /* bytes; h2 and http/1.1 are 12 */

struct worker;
struct upstream;

/* What is wanted. Either a name, or an address that a route lists. */
struct upstream_want {
	const struct domain *name; /* or NULL */
	struct address address;
	uint16_t port;
	bool private; /* the route says `private: true` */
	bool tls;
	uint64_t authority; /* that the certificate is verified by, for TLS */
	bool pooled;        /* one that idles in the worker's pool will do */
	/*
	 * What TLS offers, as ALPN lists it (RFC 7301 3.1); of length 0: the
	 * extension is left out. What the origin chose is to be read from
	 * stream->ssl; it is among these, or nothing.
	 */
	uint8_t alpn[UPSTREAM_ALPN_MAX];
	size_t alpn_len;
};

/*
 * @reason is REASON_ALLOWED, and then the callee takes @stream with
 * stream_move(); what it leaves is closed. Else why not: @stream is NULL, and
 * @detail may say more.
 */
struct upstream_result {
	enum reason reason;
	struct stream *stream; /* connected to @address, TLS up if wanted */
	struct address address;
	bool reused;            /* it comes from the pool, and may be stale */
	bool wants_certificate; /* the origin asked, and was given none */
	const char *detail;
};

typedef void upstream_done(void *arg, const struct upstream_result *result);

/* NULL for want of memory. */
struct upstream *upstream_start(struct worker *worker,
				const struct upstream_want *want,
				upstream_done *done, void *arg);

/* Gives up; the callback will not be called. Accepts NULL. */
void upstream_cancel(struct upstream *upstream);

/*
 * The certificates to trust origins by, from a PEM file (NULL: the system's).
 * Read once, by PID 1, and shared by the workers. Dies if it cannot be read.
 */
X509_STORE *upstream_trust(const char *file);

/* The context for TLS to origins; dies if it cannot be made. */
SSL_CTX *upstream_tls_new(X509_STORE *trust);

/*
 * Why the origin at the other end, which has ended it, did so: if it asked for
 * a certificate of ours it did not have one, or did not take that of the route;
 * @detail may say more. Some go on without one, others end the handshake, and
 * in TLS 1.3 they do so only once we have taken it to be over. REASON_ALLOWED
 * if it never asked.
 */
enum reason upstream_turned_away(const struct stream *stream,
				 const char **detail);

/*
 * Makes @ssl say that @name is wanted, and fail its handshake unless that is
 * whom the certificate is for. False for want of memory.
 */
MUST_CHECK bool upstream_tls_expect(SSL *ssl, const struct domain *name);

#endif
