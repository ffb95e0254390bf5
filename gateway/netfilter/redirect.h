/*
 * redirect.h - the kernel's rules: what becomes of the agent's packets
 *
 * One table, `inet sluice`, sent to the kernel in one netlink batch and
 * acknowledged as one: either all of it is there or nothing changed. It
 * belongs to nobody's socket and so outlives every process of ours. What
 * comes in on the internal interface is
 *
 *	from another card than the agent's	dropped, recorded
 *	from another source than the agent's	dropped, recorded
 *	with IP options, extension headers	dropped, recorded
 *	UDP port 53 of the gateway itself	to the resolver, untracked
 *	TCP or UDP port 53			turned to the resolver
 *	TCP above a source's limits		reset, recorded
 *	any other TCP				turned to the listener
 *	ICMP echo to the gateway		answered, at a bounded rate
 *	neighbour discovery			let through to the gateway
 *	all else				refused with an ICMP error
 *						(UDP 443: port unreachable),
 *						recorded
 *
 * Nothing is ever forwarded, whatever ip_forward says, and nothing of ours
 * leaves by the internal interface but answers. The uplink may answer what
 * the gateway asked and start nothing.
 */
#ifndef SLUICE_REDIRECT_H
#define SLUICE_REDIRECT_H

#include "address.h"

#define REDIRECT_AGENTS_MAX 16

/*
 * Of TCP connections that one source opens. What is above is reset and
 * recorded as overloaded, before it takes a place in the connection table of
 * the kernel, whose default of 65536 lasts a minute at this rate. Well above
 * what package managers and browsers do, and less than the workers can have
 * (FLOW_MAX each), so that there is room for others.
 */
#define REDIRECT_CONNECTIONS_PER_S 1000
#define REDIRECT_CONNECTIONS_BURST 2000
#define REDIRECT_CONNECTIONS_MAX 5120 /* open at once, for each worker */

struct redirect {
	char internal[16];       /* IFNAMSIZ; the agent's side */
	struct address gateway4; /* ours on it; family 0 if there is none */
	struct address gateway6;
	struct address agents[REDIRECT_AGENTS_MAX]; /* whose packets count */
	size_t n_agents; /* 0: whoever is in the interface's own prefixes */
	uint8_t agent_mac[6]; /* the one card that they all have */
	bool agent_mac_known; /* if not, whoever has such an address */
	struct prefix prefixes[REDIRECT_AGENTS_MAX];
	size_t n_prefixes;
	uint16_t tcp_port, dns_port; /* where our sockets listen */
	uint16_t near_dns_port;      /* UDP, of who asks the gateway itself */
	uint16_t log_group;          /* NFLOG; nflog.h reads it */
	unsigned workers;            /* that share the connections */
	bool uncounted; /* no REDIRECT_CONNECTIONS_MAX: the kernel cannot */
	bool tracked;   /* every question is; the kernel cannot do otherwise */
};

/* Whether this kernel can count connections (CONFIG_NFT_CONNLIMIT). */
MUST_CHECK bool redirect_can_count(int link);

/* Whether it can leave datagrams alone, and write ports (nft_ct). */
MUST_CHECK bool redirect_can_untrack(int link);

/*
 * Puts the table in place, replacing one that is there in the same
 * transaction, by way of @link (nft_open()). Needs CAP_NET_ADMIN. Returns 0 or
 * -errno; on failure what was there before is there still.
 */
MUST_CHECK int redirect_install(const struct redirect *redirect, int link);

/*
 * Adds a second table, `inet sluice-held`, that only the owner of @link can
 * change and that goes with it (Linux 5.12). It drops what is forwarded, and
 * what has another source than the agent's: a last wall for as long as the
 * first is being put back. Returns 0 or -errno.
 */
MUST_CHECK int redirect_hold(const struct redirect *redirect, int link);

/*
 * Reads the table back and compares it with what is meant, handles and
 * counters aside. Returns 0 if it is that, 1 with the first difference in
 * @what if not, or -errno if it cannot be read.
 */
MUST_CHECK int redirect_verify(const struct redirect *redirect, int link,
			       char *what, size_t cap);

/*
 * Turns forwarding, redirects and source routes off on every interface where
 * /proc/sys can be written, and looks whether forwarding is off. (Router
 * advertisements of the agent's are the rules' to refuse; the uplink may need
 * its own.) Also lifts the limit of one ICMP error a second, by which most
 * refusals would go unanswered, and lets ports of connections that are over
 * serve again before their minute has passed (RFC 6191). Returns 0 if
 * forwarding is off, -EPERM if it is on and cannot be changed, or -errno if
 * that cannot be found out.
 */
MUST_CHECK int redirect_forward_nothing(void);

#endif
