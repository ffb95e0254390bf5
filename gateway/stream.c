#include "stream.h"

#include "clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#define KEEPALIVE_IDLE_S 30
#define KEEPALIVE_EVERY_S 10
#define KEEPALIVE_TRIES 3
#define USER_TIMEOUT_MS 90000

struct stream_ear {
	event_callback_fn changed;
	void *arg;
	bool dry; /* the last read found nothing, and nothing came since */
};

static void heard(evutil_socket_t fd, short what, void *arg)
{
	struct stream_ear *ear = arg;

	if (what & EV_READ)
		ear->dry = false;
	ear->changed(fd, what, ear->arg);
}

static ssize_t raw_read(struct stream *stream, void *bytes, size_t cap)
{
	size_t left = stream->prefix_len - stream->prefix_at;
	ssize_t n;

	if (left > 0) {
		if (cap > left)
			cap = left;
		memcpy(bytes, stream->prefix + stream->prefix_at, cap);
		stream->prefix_at += cap;
		if (cap == left) {
			free(stream->prefix);
			stream->prefix = NULL;
			stream->prefix_at = stream->prefix_len = 0;
		}
		return (ssize_t)cap;
	}
	if (stream->ear->dry)
		return -EAGAIN;
	do
		n = recv(stream->fd, bytes, cap, 0);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	stream->ear->dry = errno == EAGAIN;
	return -errno;
}

static ssize_t raw_write(struct stream *stream, const void *bytes, size_t len)
{
	ssize_t n;

	do
		n = send(stream->fd, bytes, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/*
 * OpenSSL reads through a BIO of ours rather than from the socket, because
 * the ClientHello has been read by then.
 */
static int bio_read(BIO *bio, char *bytes, int cap)
{
	struct stream *stream = BIO_get_data(bio);
	ssize_t n = stream->flooded ? -EPROTO
				    : raw_read(stream, bytes, (size_t)cap);

	BIO_clear_retry_flags(bio);
	if (n == -EAGAIN)
		BIO_set_retry_read(bio);
	return n < 0 ? -1 : (int)n;
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
	ssize_t n = raw_write(BIO_get_data(bio), bytes, (size_t)len);

	BIO_clear_retry_flags(bio);
	if (n == -EAGAIN)
		BIO_set_retry_write(bio);
	return n < 0 ? -1 : (int)n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

/* Made once by stream_setup() and only read after that. */
static BIO_METHOD *bio_method;

bool stream_setup(void)
{
	BIO_METHOD *method = BIO_meth_new(
		BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");

	if (!method || !BIO_meth_set_read(method, bio_read) ||
	    !BIO_meth_set_write(method, bio_write) ||
	    !BIO_meth_set_ctrl(method, bio_ctrl)) {
		BIO_meth_free(method);
		return false;
	}
	bio_method = method;
	return true;
}

void stream_tune(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TRIES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS },
	};

	/* They make it better; a connection without them still works. */
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name,
				 &options[i].value, sizeof(int));
}

int stream_open(struct stream *stream, struct event_base *base, int fd,
		event_callback_fn changed, void *arg)
{
	*stream = (struct stream){ .fd = fd };
	stream->ear = malloc(sizeof(*stream->ear));
	if (stream->ear) {
		*stream->ear = (struct stream_ear){ changed, arg, false };
		stream->event =
			event_new(base, fd,
				  EV_READ | EV_WRITE | EV_ET | EV_PERSIST,
				  heard, stream->ear);
	}
	if (!stream->event || event_add(stream->event, NULL) < 0) {
		stream_close(stream, true);
		return -ENOMEM;
	}
	return 0;
}

void stream_attend(struct stream *stream, event_callback_fn changed, void *arg)
{
	*stream->ear = (struct stream_ear){ changed, arg, false };
	event_active(stream->event, EV_READ, 0);
}

void stream_move(struct stream *to, struct stream *from,
		 event_callback_fn changed, void *arg)
{
	*to = *from;
	*from = (struct stream){ .fd = -1 };
	if (to->ssl)
		BIO_set_data(SSL_get_rbio(to->ssl), to);
	stream_attend(to, changed, arg);
}

int stream_unread(struct stream *stream, const uint8_t *bytes, size_t len)
{
	if (len == 0)
		return 0;
	stream->prefix = malloc(len);
	if (!stream->prefix)
		return -ENOMEM;
	memcpy(stream->prefix, bytes, len);
	stream->prefix_at = 0;
	stream->prefix_len = len;
	return 0;
}

/* OpenSSL tells of every message; it answers these, and counts none. */
static void count_key_updates(int written, int version, int type,
			      const void *bytes, size_t len, SSL *ssl,
			      void *arg)
{
	struct stream *stream = BIO_get_data(SSL_get_rbio(ssl));
	const uint8_t *message = bytes;
	int64_t now_ms;

	(void)version;
	(void)arg;
	if (written || type != SSL3_RT_HANDSHAKE || len == 0 ||
	    message[0] != SSL3_MT_KEY_UPDATE)
		return;
	now_ms = clock_ms();
	if (now_ms - stream->key_updates_ms >= 1000) {
		stream->key_updates = 0;
		stream->key_updates_ms = now_ms;
	}
	stream->flooded |= ++stream->key_updates > TLS_KEY_UPDATES_MAX;
}

int stream_start_tls(struct stream *stream, SSL *ssl)
{
	BIO *bio = BIO_new(bio_method);

	if (!bio) {
		SSL_free(ssl);
		return -ENOMEM;
	}
	BIO_set_data(bio, stream);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_msg_callback(ssl, count_key_updates);
	stream->ssl = ssl;
	return 0;
}

/* What a TLS call that did not succeed means. */
static int tls_error(struct stream *stream, int result)
{
	int saved = errno;

	switch (SSL_get_error(stream->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		stream->ended = true;
		return 0;
	case SSL_ERROR_SYSCALL:
		stream->failed = true;
		return saved == EPIPE ? -EPIPE : -ECONNRESET;
	default:
		stream->failed = true;
		if (ERR_GET_REASON(ERR_peek_error()) ==
		    SSL_R_UNEXPECTED_EOF_WHILE_READING)
			return -ECONNRESET;
		return -EPROTO;
	}
}

int stream_handshake(struct stream *stream)
{
	int result, error;

	/* What another connection left would be taken for this one's. */
	ERR_clear_error();
	result = SSL_do_handshake(stream->ssl);
	if (result == 1)
		return 0;
	error = tls_error(stream, result);
	return error == -EAGAIN ? -EAGAIN : -EPROTO;
}

size_t stream_alpn(const struct stream *stream, uint8_t *list, size_t cap)
{
	const uint8_t *chosen = NULL;
	unsigned len = 0;

	if (stream->ssl)
		SSL_get0_alpn_selected(stream->ssl, &chosen, &len);
	if (len == 0 || len > UINT8_MAX || len >= cap)
		return 0;
	list[0] = (uint8_t)len;
	memcpy(&list[1], chosen, len);
	return 1 + len;
}

bool stream_speaks_h2(const struct stream *stream)
{
	uint8_t list[3];

	return stream_alpn(stream, list, sizeof(list)) == 3 &&
	       memcmp(list, "\x02h2", 3) == 0;
}

ssize_t stream_read(struct stream *stream, void *bytes, size_t cap)
{
	size_t n;
	ssize_t got;

	if (stream->ended)
		return 0;
	if (stream->failed)
		return -ECONNRESET;
	if (stream->ssl) {
		ERR_clear_error();
		if (SSL_read_ex(stream->ssl, bytes, cap, &n) == 1)
			return (ssize_t)n;
		return tls_error(stream, 0);
	}
	got = raw_read(stream, bytes, cap);
	if (got == 0)
		stream->ended = true;
	else if (got < 0 && got != -EAGAIN)
		stream->failed = true;
	return got;
}

ssize_t stream_write(struct stream *stream, const void *bytes, size_t len)
{
	size_t n;
	ssize_t put;

	if (stream->failed)
		return -EPIPE;
	if (stream->ssl) {
		ERR_clear_error();
		if (SSL_write_ex(stream->ssl, bytes, len, &n) == 1)
			return (ssize_t)n;
		put = tls_error(stream, 0);
		return put == 0 ? -EPIPE : put;
	}
	put = raw_write(stream, bytes, len);
	if (put < 0 && put != -EAGAIN)
		stream->failed = true;
	return put;
}

bool stream_is_quiet(struct stream *stream)
{
	char byte;

	stream->ear->dry = false;
	return stream_read(stream, &byte, 1) == -EAGAIN;
}

/* Like recv(2); 1 where there is something. */
static ssize_t peek(const struct stream *stream)
{
	char byte;
	ssize_t n = recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 1 : n;
}

bool stream_hung_up(const struct stream *stream)
{
	ssize_t n;

	if (stream->failed)
		return true;
	if (stream->prefix_len > stream->prefix_at || stream->ear->dry)
		return false;
	n = peek(stream);
	return n < 0 || (n == 0 && stream->ssl);
}

bool stream_has_left(const struct stream *stream)
{
	return peek(stream) <= 0;
}

void stream_end(struct stream *stream)
{
	if (stream->failed)
		return;
	if (stream->ssl && SSL_is_init_finished(stream->ssl)) {
		ERR_clear_error();
		(void)SSL_shutdown(stream->ssl);
	}
	(void)shutdown(stream->fd, SHUT_WR);
}

void stream_close(struct stream *stream, bool reset)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	if (stream->event)
		event_free(stream->event);
	free(stream->ear);
	SSL_free(stream->ssl);
	free(stream->prefix);
	if (stream->fd >= 0) {
		if (reset)
			(void)setsockopt(stream->fd, SOL_SOCKET, SO_LINGER,
					 &at_once, sizeof(at_once));
		close(stream->fd);
	}
	*stream = (struct stream){ .fd = -1 };
}
