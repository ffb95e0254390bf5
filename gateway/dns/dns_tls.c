#include "dns_tls.h"

#include "clock.h"
#include "log.h"
#include "stream.h"
#include "tls/sessions.h"
#include "upstream.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/x509_vfy.h>

#define IDLE_MS 30000
#define REST_MS 30000
#define REST_ONLY_MS 2000
#define TELL_MS 60000   /* between two lines of the log for the same reason */
#define RECORD_MAX 4096 /* bytes of questions in one TLS record */

static const uint8_t alpn_dot[] = "\x03"
				  "dot"; /* RFC 7858, IANA's registry */

struct dns_tls_client {
	SSL_CTX *context;
	struct sessions *sessions;
};

struct dns_tls {
	struct dns_tls_peer *peer;
	struct stream stream;
	bool up, over;
	bool more;        /* the last read had something */
	int64_t owing_ms; /* since when the resolver owes us something; or 0 */
	int64_t heard_ms; /* when something came last */
};

bool dns_tls_peer_rests(const struct dns_tls_peer *peer, bool is_only,
			int64_t now_ms)
{
	return peer->failing &&
	       now_ms - peer->failed_ms < (is_only ? REST_ONLY_MS : REST_MS);
}

static void failed(struct dns_tls_peer *peer, const char *why)
{
	char at[NAMESERVER_TEXT_MAX], text[DNS_TLS_WHY_MAX];
	int64_t now_ms = clock_ms();

	(void)snprintf(text, sizeof(text), "resolver %s: %s",
		       nameserver_format(&peer->at, at), why);
	if (!peer->failing || strcmp(text, peer->why) != 0 ||
	    now_ms - peer->told_ms >= TELL_MS) {
		log_warn("dns_tls: %s", text);
		peer->told_ms = now_ms;
	}
	memcpy(peer->why, text, sizeof(text));
	peer->failing = true;
	peer->failed_ms = now_ms;
}

void dns_tls_refused(struct dns_tls_peer *peer, int error)
{
	char why[128];

	(void)snprintf(why, sizeof(why), "cannot connect: %s", strerror(error));
	failed(peer, why);
}

struct dns_tls_client *dns_tls_client_new(X509_STORE *trust)
{
	struct dns_tls_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->context = upstream_tls_new(trust);
	client->sessions = sessions_new(client->context);
	if (!client->sessions) {
		dns_tls_client_free(client);
		return NULL;
	}
	return client;
}

void dns_tls_client_free(struct dns_tls_client *client)
{
	if (!client)
		return;
	sessions_free(client->sessions);
	SSL_CTX_free(client->context);
	free(client);
}

static SSL *ssl_new(struct dns_tls_client *client,
		    const struct dns_tls_peer *peer)
{
	SSL *ssl = SSL_new(client->context);

	if (!ssl)
		return NULL;
	if (!upstream_tls_expect(ssl, &peer->at.tls) ||
	    !sessions_offer(client->sessions, ssl, &peer->at.tls) ||
	    SSL_set_alpn_protos(ssl, alpn_dot, sizeof(alpn_dot) - 1) != 0) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_connect_state(ssl);
	return ssl;
}

struct dns_tls *dns_tls_open(struct dns_tls_client *client,
			     struct dns_tls_peer *peer, struct event_base *base,
			     int fd, event_callback_fn changed, void *arg)
{
	struct dns_tls *tls = calloc(1, sizeof(*tls));
	SSL *ssl = ssl_new(client, peer);

	assert(peer->at.tls.len > 0);
	if (!tls || !ssl) {
		SSL_free(ssl);
		free(tls);
		close(fd);
		return NULL;
	}
	tls->peer = peer;
	tls->owing_ms = tls->heard_ms = clock_ms();
	stream_tune(fd);
	if (stream_open(&tls->stream, base, fd, changed, arg) < 0) {
		SSL_free(ssl);
		free(tls);
		return NULL;
	}
	if (stream_start_tls(&tls->stream, ssl) < 0) {
		dns_tls_close(tls);
		return NULL;
	}
	return tls;
}

void dns_tls_close(struct dns_tls *tls)
{
	if (!tls)
		return;
	stream_end(&tls->stream);
	stream_close(&tls->stream, false);
	free(tls);
}

void dns_tls_attend(struct dns_tls *tls)
{
	event_active(tls->stream.event, EV_WRITE, 0);
}

/* Why the handshake came to nothing, for people. */
static void handshake_failed(struct dns_tls *tls, int error)
{
	long verified = SSL_get_verify_result(tls->stream.ssl);
	char why[DNS_TLS_WHY_MAX];

	tls->over = true;
	if (error != 0)
		dns_tls_refused(tls->peer, error);
	else if (verified == X509_V_ERR_HOSTNAME_MISMATCH)
		failed(tls->peer, "its certificate is for another name");
	else if (verified != X509_V_OK) {
		(void)snprintf(why, sizeof(why),
			       "its certificate is not good: %s",
			       X509_verify_cert_error_string(verified));
		failed(tls->peer, why);
	} else {
		failed(tls->peer, "the TLS handshake failed");
	}
}

/* Servers may leave the protocol open; none other is meant. */
static bool is_dot(SSL *ssl)
{
	const uint8_t *alpn;
	unsigned len;

	SSL_get0_alpn_selected(ssl, &alpn, &len);
	return len == 0 || (len == sizeof(alpn_dot) - 2 &&
			    memcmp(alpn, alpn_dot + 1, len) == 0);
}

/* 0 once TLS is up, else -errno. */
static int go_on(struct dns_tls *tls)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (tls->over)
		return -ECONNRESET;
	if (tls->up)
		return 0;
	/* OpenSSL would find out, but not say which error it was. */
	if (getsockopt(tls->stream.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error == 0) {
		switch (stream_handshake(&tls->stream)) {
		case -EAGAIN:
			return -EAGAIN;
		case 0:
			break;
		default:
			handshake_failed(tls, 0);
			return -ECONNRESET;
		}
	}
	if (error != 0 || !is_dot(tls->stream.ssl)) {
		handshake_failed(tls, error);
		return -ECONNRESET;
	}
	if (tls->peer->failing)
		log_info("dns_tls: %s is back", tls->peer->at.tls.name);
	tls->up = true;
	tls->peer->failing = false;
	tls->owing_ms = 0;
	tls->heard_ms = clock_ms();
	return 0;
}

/* As the calls of libc do. */
static ssize_t with_errno(ssize_t result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

ssize_t dns_tls_read(struct dns_tls *tls, void *bytes, size_t cap)
{
	ssize_t n = go_on(tls);

	if (n == 0)
		n = stream_read(&tls->stream, bytes, cap);
	tls->more = n > 0;
	if (n > 0) {
		tls->owing_ms = 0;
		tls->heard_ms = clock_ms();
	}
	return with_errno(n);
}

/*
 * Together in one record, so that their lengths and number do not show. The
 * caller offers again what was not taken, with more behind it perhaps, which
 * is as OpenSSL wants it.
 */
ssize_t dns_tls_write(struct dns_tls *tls, const struct iovec *iov, int n)
{
	uint8_t record[RECORD_MAX];
	size_t len = 0;
	ssize_t put = go_on(tls);

	if (put < 0)
		return with_errno(put);
	for (int i = 0; i < n && len < sizeof(record); i++) {
		size_t room = sizeof(record) - len;
		size_t take = iov[i].iov_len < room ? iov[i].iov_len : room;

		memcpy(record + len, iov[i].iov_base, take);
		len += take;
	}
	put = stream_write(&tls->stream, record, len);
	if (put > 0 && tls->owing_ms == 0)
		tls->owing_ms = clock_ms();
	return with_errno(put);
}

bool dns_tls_has_more(const struct dns_tls *tls)
{
	return tls->more;
}

int64_t dns_tls_due_ms(const struct dns_tls *tls, int64_t patience_ms)
{
	return tls->owing_ms > 0 ? tls->owing_ms + patience_ms
				 : tls->heard_ms + IDLE_MS;
}

void dns_tls_give_up(struct dns_tls *tls)
{
	if (!tls->up)
		failed(tls->peer, "no TLS handshake in time");
	tls->over = true;
}
