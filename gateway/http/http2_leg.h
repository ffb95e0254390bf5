/*
 * http2_leg.h - HTTP/2 on a stream: bytes between http2.h and a socket
 *
 * What is to be sent is taken from the connection only when the socket takes
 * it, within one buffer; so the frames' order is decided late, and a peer that
 * does not read stops what is read for it elsewhere.
 */
#ifndef SLUICE_HTTP2_LEG_H
#define SLUICE_HTTP2_LEG_H

#include "buffer.h"
#include "http2.h"

struct http2_leg {
	struct http2 *http2;
	struct buffer out; /* wiped: there may be a credential in it */
	bool deaf; /* nothing more is read: the peer ended, or was told to */
	bool gone; /* nothing more comes of it at all */
};

/* 0 or -ENOMEM. */
MUST_CHECK int http2_leg_init(struct http2_leg *leg, enum http2_side side,
			      const struct http2_events *events, void *arg);
void http2_leg_done(struct http2_leg *leg);

/* Reads once and writes what can be written. True if it got on. */
MUST_CHECK bool http2_leg_step(struct http2_leg *leg, struct stream *stream);

#endif
