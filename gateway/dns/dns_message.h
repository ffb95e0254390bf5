/*
 * dns_message.h - DNS questions and answers on the wire (sans-I/O)
 *
 * Three directions: the agent's question is parsed; an answer is written from
 * values (never copied from an upstream message); an upstream response is
 * parsed down to the addresses, or the records of another type, that the
 * question's own CNAME chain leads to.
 */
#ifndef SLUICE_DNS_MESSAGE_H
#define SLUICE_DNS_MESSAGE_H

#include "address.h"
#include "dns_type.h"
#include "domain.h"
#include "records.h"

#define DNS_UDP_MAX 1232  /* RFC 9715: what is offered and sent with EDNS */
#define DNS_PLAIN_MAX 512 /* RFC 1035 4.2.1, without EDNS */
#define DNS_MESSAGE_MAX 65535
#define DNS_ADDRESSES_MAX 32 /* taken from one response; more are left out */
#define DNS_CHAIN_MAX 12     /* CNAMEs followed; a longer chain is BAD */
#define DNS_RECORDS_MAX 1024 /* in one message; more make it malformed */
#define DNS_EDE_TEXT_MAX 200 /* bytes */

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_BADVERS = 16,
};

#define DNS_EDE_NONE 0xffff
#define DNS_EDE_BLOCKED 15 /* RFC 8914 4.16 */

struct dns_query {
	uint16_t id;
	uint8_t opcode; /* not 0 only with DNS_NOTIMP; echoed */
	bool recursion_desired, checking_disabled;
	struct domain name; /* len 0 if it is not a host name (say, the root) */
	uint16_t type, class;
	bool edns, dnssec_ok;
	uint16_t udp_size; /* what the agent takes, within [512, 1232] */
	uint8_t question[255 + 4]; /* its bytes, echoed in its own spelling */
	size_t question_len;       /* 0 if it was not sound */
};

enum dns_parsed {
	DNS_PARSED_DROP = 0, /* not to be answered: a response, or no header */
	DNS_PARSED_ERROR,    /* to be answered with *rcode and nothing more */
	DNS_PARSED_QUERY,
};

/*
 * A query has one question of class IN, opcode 0, at most one OPT, which is
 * of version 0, and no bytes after the last record. What else it may hold is
 * read over. On ERROR, @query has the id, and the question if that was sound,
 * so that dns_answer_write() can answer it; on DROP it is untouched.
 */
MUST_CHECK enum dns_parsed dns_query_parse(const uint8_t *bytes, size_t len,
					   struct dns_query *query,
					   enum dns_rcode *rcode);

/* What goes into an answer besides the question. */
struct dns_answer {
	enum dns_rcode rcode;
	const struct address *addresses; /* those of the question's type */
	size_t n_addresses;
	const struct records *records; /* likewise; NULL for none */
	uint32_t ttl_s;                /* of these, or of the SOA */
	bool soa;     /* a made-up SOA, so that a negative answer is cached */
	uint16_t ede; /* DNS_EDE_NONE, or the INFO-CODE; only with EDNS */
	const char *ede_text; /* may be NULL */
};

/*
 * Writes the answer to @query within @cap bytes, which is DNS_PLAIN_MAX at
 * least. Where it does not fit, TC is set and no record is given but OPT.
 * There is an OPT if the query had one. Of the addresses, those of the other
 * family than the question's type are left out. Returns its length.
 */
size_t dns_answer_write(uint8_t *bytes, size_t cap,
			const struct dns_query *query,
			const struct dns_answer *answer);

/*
 * An upstream query for @name with recursion desired and EDNS at 1232 without
 * options. Returns its length, 0 if it does not fit; DNS_QUERY_MAX suffices.
 */
#define DNS_QUERY_MAX 300
size_t dns_query_write(uint8_t *bytes, size_t cap, uint16_t id,
		       const struct domain *name, uint16_t type);

/*
 * Lengthens the query of @len bytes by the EDNS padding option (RFC 7830) to
 * the next multiple of 128 (RFC 8467 4.1), so that under encryption its length
 * does not tell which name it asks for. Returns the new length;
 * DNS_PADDED_MAX suffices.
 */
#define DNS_PADDED_MAX 384
size_t dns_query_pad(uint8_t *query, size_t cap, size_t len);

/*
 * Gives each letter of the name that @query asks for the case that a bit of
 * @random says ("0x20", draft-vixie-dnsext-dns0x20): bits that a forger, who
 * sees neither query nor answer, has to guess along with id and port.
 */
#define DNS_CASE_BYTES 32
void dns_query_mix_case(uint8_t *query, size_t len,
			const uint8_t random[DNS_CASE_BYTES]);

/* Takes from a query that dns_query_write() wrote its OPT; the length left. */
size_t dns_query_drop_edns(uint8_t *query, size_t len);

enum dns_echo {
	DNS_ECHO_NONE = 0, /* no response to that query */
	DNS_ECHO_FOLDED,   /* its id and question, in another case */
	DNS_ECHO_EXACT,
};

/* Whether @bytes begin as a response to @query does, byte for byte. */
MUST_CHECK enum dns_echo dns_response_echo(const uint8_t *bytes, size_t len,
					   const uint8_t *query,
					   size_t query_len);

/* Whether it is what a server says that does not know EDNS (RFC 6891 7). */
bool dns_response_minds_edns(const uint8_t *bytes, size_t len);

enum dns_result {
	DNS_RESULT_BAD = 0, /* not a response to that question, or malformed */
	DNS_RESULT_FOUND,   /* at least one address */
	DNS_RESULT_NODATA,
	DNS_RESULT_NXDOMAIN,
	DNS_RESULT_FAILED,   /* SERVFAIL, REFUSED and the like */
	DNS_RESULT_WITHHELD, /* lookup.h: it was not asked */
};

struct dns_addresses {
	struct address list[DNS_ADDRESSES_MAX];
	size_t n;
	uint32_t ttl_s; /* the least of the chain's and the addresses' */
};

/*
 * Reads @bytes as the response to a question for @name and @type (A or AAAA).
 * Only the owner that the chain from @name leads to counts, whatever order
 * the chain stands in; records of other owners, other types, and other
 * sections are passed over. A chain that forks, loops or is too long is BAD.
 * For NODATA and NXDOMAIN, ttl_s is the SOA's negative TTL (RFC 2308), 0
 * without one. An IPv4-mapped address comes out as the IPv4 one it is. The TC
 * bit is not looked at: who gets such a response asks again over TCP.
 * @addresses is set at FOUND, NODATA and NXDOMAIN.
 */
MUST_CHECK enum dns_result dns_response_parse(const uint8_t *bytes, size_t len,
					      const struct domain *name,
					      uint16_t type,
					      struct dns_addresses *addresses);

/*
 * The same for a @type that records_know(), by the same rules. FOUND means at
 * least one record; where all were left out, it is NODATA. @records and @ttl_s
 * are set at FOUND, NODATA and NXDOMAIN.
 */
MUST_CHECK enum dns_result
dns_response_records(const uint8_t *bytes, size_t len,
		     const struct domain *name, uint16_t type,
		     struct records *records, uint32_t *ttl_s);

#endif
