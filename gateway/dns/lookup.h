/*
 * lookup.h - the records of an allowed name, asked upstream and kept
 *
 * The one place that speaks to resolvers outside (through c-ares, which sends
 * what we wrote and hands back what came, unparsed). Answers are kept
 * (cache.h), and identical questions on the way are asked once. A question
 * goes out in a case drawn at random, and only a response that repeats it to
 * the letter is heard; a server that does not keep the case is asked once
 * more, in lower case, and one that does not know EDNS without it; others then
 * too, for a while. Each burst of questions has a port of its own. Where the
 * resolvers are asked over TLS (dns_tls.h), questions go that way alone,
 * padded. Whether a name may be asked for at all is decided by the caller,
 * before, every time.
 */
#ifndef SLUICE_LOOKUP_H
#define SLUICE_LOOKUP_H

#include "dns_message.h"
#include "nameserver.h"

#include <sys/queue.h>

#include <event2/event.h>
#include <openssl/x509.h>

#define LOOKUP_OUTSTANDING_MAX 256 /* questions on the way; more fail at once */

struct lookup;

/* Somebody's place among those who wait; embedded, zeroed at first. */
struct lookup_wait {
	/*
	 * @addresses is borrowed for the call; n is 0 unless addresses were
	 * FOUND. The TTL is there for other records, too.
	 */
	void (*done)(struct lookup_wait *wait, enum dns_result result,
		     const struct dns_addresses *addresses);
	/*
	 * Of another type than A and AAAA, FOUND or NODATA: set when the
	 * answer is known, and borrowed until whoever is told returns to the
	 * event loop or asks again. Else NULL.
	 */
	const struct records *records;
	TAILQ_ENTRY(lookup_wait) link;
	void *asked; /* lookup's own; NULL when not waiting */
};

/*
 * Opens what it needs from the file system here; afterwards it needs only
 * sockets. @trust is what resolvers over TLS are verified by. Returns NULL
 * with the reason logged.
 */
struct lookup *lookup_new(X509_STORE *trust);
int lookup_start(struct lookup *lookup, struct event_base *base);
void lookup_free(struct lookup *lookup);

/*
 * Whom to ask from now on: 1 to NAMESERVERS_MAX, all of them over TLS or none.
 * Questions on the way are not disturbed by that, unless the resolvers are
 * replaced once more before they are answered. Where it fails, which is
 * logged, nobody is asked any more.
 */
void lookup_use(struct lookup *lookup, const struct nameserver *servers,
		size_t n);

/* What is wrong with the resolvers, for people; NULL if nothing is known. */
const char *lookup_trouble(const struct lookup *lookup);

/*
 * Every question that would go out, whoever asks it, is put to @may_ask
 * before; where that says no, it is DNS_RESULT_WITHHELD and not kept.
 */
void lookup_gate(struct lookup *lookup,
		 bool (*may_ask)(void *arg, const struct domain *name,
				 enum dns_type type),
		 void *arg);

/*
 * Whether the answer for @type (A, AAAA, or one that records_know()) is known:
 * then @result, @addresses and wait->records are set. Nothing is asked.
 */
MUST_CHECK bool lookup_known(struct lookup *lookup, const struct domain *name,
			     enum dns_type type, struct lookup_wait *wait,
			     enum dns_result *result,
			     struct dns_addresses *addresses);

/*
 * Asks, where lookup_known() has just said no. False if wait->done will be
 * called, exactly once and never from inside this call, unless lookup_forget()
 * comes first; true, and the same is set, if nobody can be asked.
 */
MUST_CHECK bool lookup_fetch(struct lookup *lookup, const struct domain *name,
			     enum dns_type type, struct lookup_wait *wait,
			     enum dns_result *result,
			     struct dns_addresses *addresses);

/* Both: true if the answer is known, or nobody can be asked. */
MUST_CHECK bool lookup_ask(struct lookup *lookup, const struct domain *name,
			   enum dns_type type, struct lookup_wait *wait,
			   enum dns_result *result,
			   struct dns_addresses *addresses);
void lookup_forget(struct lookup_wait *wait);

#endif
