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

#define NFLOG_PREFIX "sluice:" /* then reason_code() */

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

#endif
