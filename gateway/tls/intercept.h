/*
 * intercept.h - TLS ended on both sides, so that requests can be judged
 *
 *	DIALLING ---> MINTING ---> GREETING ---> inspect, or multiplex
 *	     \_____________^ (refused, or the origin failed: the agent's
 *			      handshake is finished so that it can read why)
 *
 * The origin comes first: only when its certificate has been verified for the
 * name is the agent's ClientHello, which has waited in flow->sniff, answered.
 * The leaf the agent sees carries that one name. The origin is offered the
 * application protocols that the agent offers and the gateway speaks, and the
 * agent is answered with what the origin chose: HTTP/1.1 on both legs, or
 * HTTP/2 on both.
 */
#ifndef SLUICE_INTERCEPT_H
#define SLUICE_INTERCEPT_H

#include "refusal.h"

#include <openssl/ssl.h>

struct flow;
struct ticket_keys;
struct worker;
struct intercept;

/* For an admitted flow, which is SNIFFING, until it is its turn. */
void intercept_start(struct flow *flow);

/* For one that is refused: finishes the handshake and says why. */
void intercept_refuse(struct flow *flow, const struct refusal *refusal);

/* The deadline of a flow has passed that is still SNIFFING. */
void intercept_timed_out(struct intercept *intercept);

void intercept_free(struct intercept *intercept);

/* The context for TLS with agents; dies if it cannot be made. */
SSL_CTX *intercept_tls_new(const struct ticket_keys *tickets);

/* Writes a fatal alert to the agent, whose TLS has not begun. */
void intercept_alert(struct flow *flow, enum reason reason);

#endif
