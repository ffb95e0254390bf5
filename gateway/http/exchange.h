/*
 * exchange.h - one request and its answer: judged, refused, recorded
 *
 * What does not depend on the version of HTTP that carries it. A request is
 * judged when its head is whole: its host must be the name of the connection
 * that it came on, port and all, and the manifest must admit it. Each exchange
 * is one line of the record.
 */
#ifndef SLUICE_EXCHANGE_H
#define SLUICE_EXCHANGE_H

#include "judged.h"
#include "message.h"
#include "refusal.h"

struct flow;

/* What is remembered of a request, for its refusal and for the record. */
struct exchange {
	struct domain host;           /* len 0 where it named none */
	char method[16], path[256];   /* path without its query */
	enum refusal_form form;       /* that its program shows */
	unsigned status;              /* of the answer; 0 before there is one */
	uint64_t bytes_out, bytes_in; /* to and from the origin */
	int64_t started_ms;
	bool recorded;
	struct judged judged; /* all that rules look at */
};

/*
 * Begins one whose head is not known yet, or will never be; what is left of
 * the one before has been given back by exchange_done().
 */
void exchange_begin(struct exchange *exchange);
void exchange_done(struct exchange *exchange);
void exchange_remember(struct exchange *exchange,
		       const struct http_request *request);

/*
 * It asks for nothing to be changed (RFC 9110 9.2.1), and so may go out twice
 * if it has no body.
 */
bool exchange_is_safe(const struct http_request *request);

/*
 * All identities agree, and the manifest admits the request: true, and the
 * verdict is VERDICT_INTERCEPT. Else decision->reason says why not; @asked is
 * then what differed, borrowed from @request, or empty.
 */
MUST_CHECK bool exchange_judge(struct exchange *exchange, struct flow *flow,
			       const struct http_request *request,
			       struct decision *decision,
			       struct http_text *asked);

/* The refusal that @decision is, in whose words the agent is told. */
void exchange_refusal(const struct exchange *exchange, const struct flow *flow,
		      const struct decision *decision, struct http_text asked,
		      struct refusal *refusal);

/* Writes the exchange's line; the first call alone counts. */
void exchange_record(struct exchange *exchange, struct flow *flow,
		     const struct decision *decision,
		     const struct refusal *refusal, const char *detail);

#endif
