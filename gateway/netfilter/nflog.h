/*
 * nflog.h - what the kernel's rules refused, read back
 *
 * The rules of redirect.h copy the head of each refused packet (at a bounded
 * rate) to an NFLOG group, under a prefix that holds a reason code. PID 1
 * opens the socket; a worker, who has no privileges, reads it.
 */
#ifndef SLUICE_NFLOG_H
#define SLUICE_NFLOG_H

#include "address.h"
#include "verdict.h"

#include <stddef.h>
#include <stdint.h>

#define NFLOG_PREFIX "sluice:" /* then reason_code() */
#define NFLOG_SHOWN_MAX 100    /* packets with a line of their own, a second */

struct nflog_packet {
	enum reason reason;
	uint8_t protocol; /* IPPROTO_*; of the last extension header in IPv6 */
	struct address source, destination;     /* family 0 if unreadable */
	uint16_t source_port, destination_port; /* 0 where there are none */
	uint8_t icmp_type;
	size_t len; /* of the whole packet, bytes */
};

/* A non-blocking socket bound to @group. Returns it or -errno. */
MUST_CHECK int nflog_open(uint16_t group);

typedef void nflog_seen(void *arg, const struct nflog_packet *packet);

/*
 * Reads what is there, at most 64 datagrams, and calls @seen for each packet.
 * Returns how many were lost (ENOBUFS, or a malformed datagram, counts as
 * one), or -errno if the socket is of no use any more.
 */
MUST_CHECK int nflog_read(int fd, nflog_seen *seen, void *arg);

/* Sans-I/O: one datagram's worth of netlink messages. False if malformed. */
MUST_CHECK bool nflog_parse(const uint8_t *bytes, size_t len, nflog_seen *seen,
			    void *arg);

/*
 * How many packets of this second have had a line in the record, and how many
 * were left out of it since the last line that said so. All zero is a new
 * one. Times are of any clock that does not go back, in milliseconds.
 */
struct nflog_budget {
	int64_t second_ms; /* when the present second began */
	unsigned n_shown;
	uint64_t n_hidden;
};

/* Whether this packet gets a line; counts it as hidden if not. */
MUST_CHECK bool nflog_budget_take(struct nflog_budget *budget, int64_t now_ms);

/* @n more that nobody will see. */
void nflog_budget_miss(struct nflog_budget *budget, uint64_t n);

/*
 * Once the second is over in which packets were hidden: how many, from when
 * on they count as told. 0 if there is nothing to tell yet.
 */
MUST_CHECK uint64_t nflog_budget_told(struct nflog_budget *budget,
				      int64_t now_ms);

/* Until there may be something to tell, in milliseconds; -1 for never. */
int nflog_budget_wait_ms(const struct nflog_budget *budget, int64_t now_ms);

#endif
