/*
 * stream.h - a connected socket, with or without TLS, that never blocks
 *
 * The event is edge-triggered and asks for both directions, once. Its owner
 * therefore reads and writes until told -EAGAIN, and is called again when
 * that may have changed; nothing has to be armed. An owner that stops early
 * must come back by itself. Until it is called, to read again finds nothing
 * and costs nothing.
 */
#ifndef SLUICE_STREAM_H
#define SLUICE_STREAM_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#define TLS_READ_BUFFER 32768 /* bytes, of a TLS context while it reads */
/*
 * New keys that a peer may ask for in a second (RFC 8446 4.6.3): each is a few
 * bytes to it and a derivation to us, and perhaps an answer. Who sends data
 * needs one every few GiB.
 */
#define TLS_KEY_UPDATES_MAX 100

struct stream_ear; /* who is called, and whether anything came since */

struct stream {
	int fd; /* -1 if the stream is not open */
	SSL *ssl;
	struct event *event;
	struct stream_ear *ear;
	uint8_t *prefix; /* read before anything from the socket */
	size_t prefix_at, prefix_len;
	bool ended;   /* the peer will send no more */
	bool failed;  /* nothing more can be done with it */
	bool flooded; /* by more key updates than that: it shall fail */
	unsigned key_updates;
	int64_t key_updates_ms; /* when their second began */
	bool declined_h2; /* the peer was offered HTTP/2, and chose another */
};

/* Must come first in the life of a process; false for want of memory. */
MUST_CHECK bool stream_setup(void);

/* Takes @fd over. Returns 0 or -errno; on failure @fd is closed. */
MUST_CHECK int stream_open(struct stream *stream, struct event_base *base,
			   int fd, event_callback_fn changed, void *arg);

/* Another callback from now on, which is called soon in any case. */
void stream_attend(struct stream *stream, event_callback_fn changed, void *arg);

/* Moves what is open in @from to @to and attends. */
void stream_move(struct stream *to, struct stream *from,
		 event_callback_fn changed, void *arg);

/* Bytes that were read already and are to be read again; copied. */
MUST_CHECK int stream_unread(struct stream *stream, const uint8_t *bytes,
			     size_t len);

/* Takes @ssl over, which is not connected to anything yet. */
MUST_CHECK int stream_start_tls(struct stream *stream, SSL *ssl);

/* 0 when TLS is up, -EAGAIN, or -EPROTO. */
MUST_CHECK int stream_handshake(struct stream *stream);

/*
 * The application protocol that TLS agreed on, as ALPN lists it (a byte of
 * length, then its name). Returns the length of it all, 0 if there is none.
 */
size_t stream_alpn(const struct stream *stream, uint8_t *list, size_t cap);
bool stream_speaks_h2(const struct stream *stream);

/*
 * Bytes read, 0 at an orderly end, -EAGAIN, or -errno: -ECONNRESET where the
 * end was not orderly (RST, or TLS without close_notify), -EPROTO where the
 * TLS is broken.
 */
MUST_CHECK ssize_t stream_read(struct stream *stream, void *bytes, size_t cap);
MUST_CHECK ssize_t stream_write(struct stream *stream, const void *bytes,
				size_t len);

/*
 * Whether nothing has come for a stream that is to idle, as far as the kernel
 * knows by now. What has come is lost.
 */
bool stream_is_quiet(struct stream *stream);

/*
 * Whether nobody is there any more to read what is written, as far as can be
 * told once there is nothing left to read: the connection is reset, or TCP has
 * ended below TLS. (An end of TLS alone, or of TCP without any, may be that of
 * one direction.)
 */
bool stream_hung_up(const struct stream *stream);

/*
 * Whether TCP has ended from there, or the connection is reset, and all that
 * came before has been read from the socket. Of TLS, whose handshake needs both
 * directions, nothing can come any more.
 */
bool stream_has_left(const struct stream *stream);

/* Says that no more will be written: close_notify, then FIN. */
void stream_end(struct stream *stream);

/* Closes; with @reset by RST, so that the peer does not take it for an end. */
void stream_close(struct stream *stream, bool reset);

/*
 * TCP_NODELAY, keepalive and user timeout, as on every socket of ours; what a
 * listener accepts has them from it.
 */
void stream_tune(int fd);

#endif
