/*
 * http2.h - one side of one HTTP/2 connection, over nghttp2 (sans-I/O)
 *
 *	bytes --- http2_receive() ---> events
 *	actions -- http2_pull() ---> bytes
 *
 * The side is the server's towards an agent, the client's towards an origin.
 * Heads are handed on only whole and sound (http2_head.h). A stream is known
 * by its number, and to the events by the owner that the caller gave it.
 *
 * Flow control is the caller's: no window is opened but by http2_consume(), so
 * that what one leg does not take is not sent on the other.
 *
 * Whatever the peer sends, what is held for it is bounded. Frames that carry
 * nothing, of whatever kind, are counted, and so are streams that had to be
 * reset for what the peer sent; above the limits below the connection is ended
 * with ENHANCE_YOUR_CALM. Pushes are refused, WebSockets (RFC 8441) are not
 * offered unless it is asked for, and ALTSVC and ORIGIN frames are passed over.
 */
#ifndef SLUICE_HTTP2_H
#define SLUICE_HTTP2_H

#include "http2_head.h"

#define HTTP2_STREAMS_MAX 100           /* that an agent may have open */
#define HTTP2_WINDOW 65535              /* bytes of one stream, either way */
#define HTTP2_WINDOW_MAX 524288         /* ... once http2_widen() was called */
#define HTTP2_CONNECTION_WINDOW 4194304 /* ... of all together */
#define HTTP2_HEADS_MAX 1048576         /* bytes of heads that wait */
#define HTTP2_EMPTY_MAX 1000    /* frames that carry nothing, on balance */
#define HTTP2_EMPTY_FORGIVEN 16 /* ... for each that carries something */
#define HTTP2_ANOMALIES_MAX 100 /* streams reset for what the peer sent */
#define HTTP2_RESETS_BURST 500  /* streams that the peer resets, at once */
#define HTTP2_RESETS_PER_S 50   /* ... and in the long run */
#define HTTP2_CONTINUATIONS_MAX 16
#define HTTP2_ACKS_MAX 100   /* answers to PING and SETTINGS that wait */
#define HTTP2_QUEUE_MAX 1000 /* frames that wait for a peer to read */

/* RFC 9113 7 */
enum http2_error {
	HTTP2_NO_ERROR = 0x0,
	HTTP2_PROTOCOL_ERROR = 0x1,
	HTTP2_INTERNAL_ERROR = 0x2,
	HTTP2_FRAME_SIZE_ERROR = 0x6,
	HTTP2_REFUSED_STREAM = 0x7,
	HTTP2_CANCEL = 0x8,
	HTTP2_ENHANCE_YOUR_CALM = 0xb,
};

enum http2_side {
	HTTP2_TO_AGENT = 0,
	HTTP2_TO_ORIGIN,
};

/* Whether the origin takes WebSockets (RFC 8441). */
enum http2_websockets {
	HTTP2_WEBSOCKETS_NOT_SAID = 0, /* its SETTINGS have not come */
	HTTP2_WEBSOCKETS_REFUSED,
	HTTP2_WEBSOCKETS_TAKEN,
};

struct http2;

/* The end of a body, as http2_events.take gives it. */
struct http2_end {
	bool ended;
	struct http2_trailers *trailers; /* or NULL; taken over */
};

/*
 * Called from http2_receive(), but for @take, @closed and @refused, which are
 * also called from http2_pull(). They may act on any connection but may not
 * receive or pull from this one. No event is for a stream without an owner,
 * except @request and @refused.
 */
struct http2_events {
	/* A request; http2_own() says whose it is to be. Agents only. */
	void (*request)(void *arg, int32_t stream,
			const struct http_request *request, bool ended);
	/*
	 * One that is none: to be answered with @status, or already reset if
	 * that is 0. Agents only.
	 */
	void (*refused)(void *arg, int32_t stream, unsigned status,
			const char *why);
	/*
	 * A head or trailers of the origin's, all names and values of it, not
	 * read yet; what is in @bytes may be changed.
	 */
	void (*head)(void *owner, char *bytes, size_t len);
	/* A response, or an interim one. Origins only. */
	void (*response)(void *owner, const struct http_response *response,
			 bool ended);
	/* The caller owes http2_consume() for @len. */
	void (*data)(void *owner, const uint8_t *bytes, size_t len);
	/* The body's end; @trailers, or NULL, are taken over. */
	void (*ended)(void *owner, struct http2_trailers *trailers);
	/*
	 * The stream is gone, with an http2_error or another code of the
	 * peer's. @by_us: because of what the peer had sent.
	 */
	void (*closed)(void *owner, uint32_t code, bool by_us);
	/* Body to send, up to @cap bytes; 0 and not ended: http2_resume(). */
	size_t (*take)(void *owner, uint8_t *bytes, size_t cap,
		       struct http2_end *end);
	/* The peer will answer no stream that is opened from now on. */
	void (*goaway)(void *arg);
};

/* NULL for want of memory. @events must outlive it. */
struct http2 *http2_new(enum http2_side side, const struct http2_events *events,
			void *arg);
void http2_free(struct http2 *http2);

/*
 * False if the connection has come to its end and there is no use in reading
 * on; http2_pull() may then have something to say still.
 */
MUST_CHECK bool http2_receive(struct http2 *http2, const uint8_t *bytes,
			      size_t len);

/*
 * The next bytes to send, borrowed until the next call; 0 if there are none,
 * -errno if there never will be.
 */
MUST_CHECK ssize_t http2_pull(struct http2 *http2, const uint8_t **bytes);

/* Nothing is to be read or sent any more. */
bool http2_is_over(const struct http2 *http2);

/* There is no stream, nor one that waits to be opened. */
bool http2_is_idle(const struct http2 *http2);

enum http2_websockets http2_websockets(const struct http2 *http2);

/* Tells the agent that it may open WebSockets; that cannot be taken back. */
void http2_offer_websockets(struct http2 *http2);

/* A header block has begun and is not whole. */
bool http2_is_reading_head(const struct http2 *http2);

/* NULL: whatever becomes of the stream, there are no events of it. */
void http2_own(struct http2 *http2, int32_t stream, void *owner);

/*
 * Opens a stream, or has it wait until the origin takes one more. @ended: no
 * body follows. Returns its number or -errno: -ENOBUFS if too much waits to be
 * sent already.
 */
MUST_CHECK int32_t http2_request(struct http2 *http2,
				 const struct http_request *request, bool ended,
				 void *owner);

/* A status below 200 is an interim response. Returns 0 or -errno, as above. */
MUST_CHECK int http2_respond(struct http2 *http2, int32_t stream,
			     const struct http_response *response, bool ended);

/* There is more to take. */
void http2_resume(struct http2 *http2, int32_t stream);

/* So much of what @data gave is off our hands. Also for streams that are
 * gone. */
void http2_consume(struct http2 *http2, int32_t stream, size_t len);

/*
 * All that @data gave of the stream is off our hands: who takes it keeps up
 * with the peer. After each window's worth of which that is so, the window is
 * doubled, or a distant peer would send one for each time it hears of us.
 */
void http2_widen(struct http2 *http2, int32_t stream);

/* Ends the stream; there are no events of it any more. */
void http2_reset(struct http2 *http2, int32_t stream, uint32_t code);

/* What the agent still sends when the response has ended, it is told to keep
 * (RFC 9113 8.1). */
void http2_stop(struct http2 *http2, int32_t stream);

/* No stream is opened or accepted any more; those that are there go on. */
void http2_shut(struct http2 *http2);

/* GOAWAY, and the end. */
void http2_end(struct http2 *http2, uint32_t code);

/* The connection is lost: every stream is closed with @code. */
void http2_abandon(struct http2 *http2, uint32_t code);

#endif
