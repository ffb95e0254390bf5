/*
 * watch.h - notices that somebody else changed the kernel's rules
 *
 * The kernel tells all who listen of each change to its rules, and by which
 * netlink port it was made. What another port did leads to a look at our
 * table; if that is not what is meant, it is installed again, at once, and
 * the caller gets a sentence about it for the record. Notices that were lost
 * (ENOBUFS) count as a change by another.
 *
 * Between the change and the repair nothing is open: forwarding is off, the
 * listeners are on ports of the gateway's own, and a second table, which only
 * the link's owner can change (redirect_hold()), drops what the kernel itself
 * would answer beyond the uplink. With a repair, forwarding is turned off
 * again as well.
 */
#ifndef SLUICE_WATCH_H
#define SLUICE_WATCH_H

#include "redirect.h"

#include <stddef.h>

#define WATCH_TEXT_MAX 768

struct watch {
	const struct redirect *redirect;
	int notices; /* a non-blocking socket to poll for reading */
	int link;    /* the way to the kernel, whose port is ours */
	uint32_t port;
	bool suspect; /* a look is due */
	bool failed;  /* the last repair did, and was told */
	char who[96]; /* made the last change, or "" */
};

/*
 * Begins to listen; the first watch_look() compares in any case, for what was
 * changed before. @redirect is borrowed. Needs CAP_NET_ADMIN. Returns 0 or
 * -errno.
 */
MUST_CHECK int watch_init(struct watch *watch, const struct redirect *redirect);
void watch_done(struct watch *watch);

/*
 * Reads what notices there are and does what they ask for, without waiting.
 * Returns true if there is something to record, which is then in @text.
 */
MUST_CHECK bool watch_look(struct watch *watch, char text[WATCH_TEXT_MAX]);

/* In milliseconds, until watch_look() must be called unasked; -1 for never. */
int watch_wait_ms(const struct watch *watch);

/*
 * Sans-I/O: one datagram of notices. Returns whether another than @port
 * changed something; if the kernel says who, that is put in @who.
 */
MUST_CHECK bool watch_parse(const void *bytes, size_t len, uint32_t port,
			    char *who, size_t cap);

#endif
