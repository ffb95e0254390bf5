#include "intercept.h"

#include "cursor.h"
#include "handshakes.h"
#include "http/inspect.h"
#include "http/multiplex.h"
#include "log.h"
#include "table.h"
#include "tickets.h"
#include "upstream.h"
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#define GREETING_MS 10000 /* for the agent's handshake */
#define TURN_MS 10000     /* to wait until it is its turn */

struct intercept {
	struct flow *flow;
	struct handshake handshake;
	struct tls_client_hello hello; /* the first, which was judged */
	struct stream origin;          /* fd -1 if there is none */
	struct ca_wait wait;
	bool reused;   /* @origin comes from the pool */
	bool refusing; /* the agent is to be told @refusal */
	struct refusal refusal;
	bool hello_changed;
};

void intercept_free(struct intercept *intercept)
{
	if (!intercept)
		return;
	handshake_end(&intercept->flow->worker->handshakes,
		      &intercept->handshake);
	ca_forget(intercept->flow->worker->ca, &intercept->wait);
	if (intercept->origin.fd >= 0)
		stream_close(&intercept->origin, true);
	free(intercept);
}

void intercept_alert(struct flow *flow, enum reason reason)
{
	uint8_t record[TLS_ALERT_LEN], alert = TLS_ALERT_ACCESS_DENIED;

	if (reason == REASON_NAME_INVALID || reason == REASON_NAME_MISSING ||
	    reason == REASON_NAME_NOT_LISTED)
		alert = TLS_ALERT_UNRECOGNIZED_NAME;
	else if (reason == REASON_TLS_MALFORMED)
		alert = TLS_ALERT_DECODE_ERROR;
	else if (reason == REASON_TLS_VERSION)
		alert = flow->sniff && flow->sniff->hello.has_alpn
				? TLS_ALERT_NO_APPLICATION_PROTOCOL
				: TLS_ALERT_PROTOCOL_VERSION;
	tls_alert_write(record, alert);
	/* An agent that does not take seven bytes goes without. */
	if (stream_write(&flow->stream, record, sizeof(record)) < 0)
		return;
	stream_end(&flow->stream);
}

static struct intercept *make(struct flow *flow)
{
	struct intercept *intercept = calloc(1, sizeof(*intercept));

	if (!intercept) {
		flow_refuse(flow, REASON_OVERLOADED, NULL);
		return NULL;
	}
	intercept->flow = flow;
	intercept->hello = flow->sniff->hello;
	intercept->origin.fd = -1;
	flow->intercept = intercept;
	return intercept;
}

/* --- the agent's handshake --- */

static void greeted(struct intercept *intercept)
{
	struct flow *flow = intercept->flow;
	const struct refusal *refusal =
		intercept->refusing ? &intercept->refusal : NULL;
	struct stream *origin =
		intercept->origin.fd >= 0 ? &intercept->origin : NULL;
	int error;

	if (stream_speaks_h2(&flow->stream))
		error = multiplex_start(flow, origin, refusal);
	else
		error = inspect_start(flow,
				      refusal ? INSPECT_REFUSE : INSPECT_JUDGE,
				      origin, intercept->reused, refusal);
	if (error < 0) {
		flow_close(flow, REASON_OVERLOADED, true);
		return;
	}
	flow->intercept = NULL;
	intercept_free(intercept);
}

/*
 * Whether @error is an alert by which clients say that it is the certificate
 * that they do not take (RFC 8446 6.2). To one that offered ECH it is also
 * that nobody behind the outer name could open it (RFC 9849 6.1.6).
 */
static bool is_rejection(unsigned long error)
{
	static const int alerts[] = {
		SSL_AD_BAD_CERTIFICATE,     SSL_AD_UNSUPPORTED_CERTIFICATE,
		SSL_AD_CERTIFICATE_REVOKED, SSL_AD_CERTIFICATE_EXPIRED,
		SSL_AD_CERTIFICATE_UNKNOWN, SSL_AD_UNKNOWN_CA,
		TLS_ALERT_ECH_REQUIRED,
	};

	if (ERR_GET_LIB(error) != ERR_LIB_SSL)
		return false;
	for (size_t i = 0; i < sizeof(alerts) / sizeof(*alerts); i++)
		if (ERR_GET_REASON(error) == SSL_AD_REASON_OFFSET + alerts[i])
			return true;
	return false;
}

static void greeting(evutil_socket_t fd, short what, void *arg)
{
	struct intercept *intercept = arg;
	struct flow *flow = intercept->flow;
	char detail[160];
	enum reason reason = REASON_TLS_MALFORMED;

	(void)fd;
	(void)what;
	if (flow->state == FLOW_CLOSED)
		return;
	switch (stream_handshake(&flow->stream)) {
	case 0:
		greeted(intercept);
		return;
	case -EAGAIN:
		return;
	default:
		break;
	}
	if (intercept->hello_changed)
		reason = REASON_HELLO_CHANGED;
	else if (is_rejection(ERR_peek_error()))
		reason = REASON_TLS_REJECTED;
	ERR_error_string_n(ERR_peek_error(), detail, sizeof(detail));
	flow_refuse(flow, reason, detail);
}

static void greet(struct intercept *intercept, X509 *leaf)
{
	struct flow *flow = intercept->flow;
	struct worker *worker = flow->worker;
	struct sniff *sniff = flow->sniff;
	SSL *ssl;

	/* What a signature costs is spent on nobody. */
	if (stream_has_left(&flow->stream)) {
		flow_close(flow, REASON_ALLOWED, true);
		return;
	}
	if (!leaf) {
		flow_refuse(flow, REASON_OVERLOADED, "no certificate");
		return;
	}
	ssl = SSL_new(worker->agent_tls);
	if (!ssl || !SSL_use_certificate(ssl, leaf) ||
	    !SSL_use_PrivateKey(ssl, ca_leaf_key(worker->ca)) ||
	    !tickets_bind(ssl, &flow->name) ||
	    stream_unread(&flow->stream, sniff->bytes, sniff->len) < 0) {
		SSL_free(ssl);
		flow_refuse(flow, REASON_OVERLOADED, NULL);
		return;
	}
	SSL_set_app_data(ssl, intercept);
	SSL_set_accept_state(ssl);
	sniff_free(sniff);
	flow->sniff = NULL;
	flow_become(flow, FLOW_INTERCEPTING);
	flow_deadline(flow, GREETING_MS);
	if (stream_start_tls(&flow->stream, ssl) < 0)
		flow_close(flow, REASON_OVERLOADED, true);
	else
		stream_attend(&flow->stream, greeting, intercept);
}

static void minted(struct ca_wait *wait, X509 *leaf)
{
	struct intercept *intercept = table_entry(wait, struct intercept, wait);

	if (intercept->flow->state != FLOW_CLOSED)
		greet(intercept, leaf);
}

static void mint(struct intercept *intercept)
{
	struct flow *flow = intercept->flow;
	X509 *leaf;

	intercept->wait.done = minted;
	leaf = ca_leaf(flow->worker->ca, &flow->name,
		       intercept->refusing ? CA_QUOTA_REFUSAL : CA_QUOTA_WORK,
		       &intercept->wait);
	if (leaf)
		greet(intercept, leaf);
}

static bool names_the_same(SSL *ssl, const struct domain *judged)
{
	const unsigned char *bytes;
	struct domain name;
	size_t len;

	return SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes,
					 &len) &&
	       tls_server_name_parse(bytes, len, &name) &&
	       name.len == judged->len &&
	       memcmp(name.name, judged->name, name.len) == 0;
}

/* By that list the origin was chosen a protocol with. */
static bool offers_the_same(SSL *ssl, const struct tls_client_hello *first)
{
	const unsigned char *bytes;
	size_t len;

	if (!SSL_client_hello_get0_ext(
		    ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
		    &bytes, &len))
		return !first->has_alpn;
	/* Two bytes of length come before the list. */
	return first->has_alpn && len == first->alpn_len + 2 &&
	       memcmp(bytes + 2, first->alpn, first->alpn_len) == 0;
}

/*
 * Called for each ClientHello, so twice after a HelloRetryRequest: the second
 * must ask for what was judged.
 */
static int hello_again(SSL *ssl, int *alert, void *arg)
{
	struct intercept *intercept = SSL_get_app_data(ssl);

	(void)arg;
	if (names_the_same(ssl, &intercept->flow->name) &&
	    offers_the_same(ssl, &intercept->hello))
		return SSL_CLIENT_HELLO_SUCCESS;
	intercept->hello_changed = true;
	*alert = SSL_AD_ILLEGAL_PARAMETER;
	return SSL_CLIENT_HELLO_ERROR;
}

/*
 * Both legs speak the same: the agent gets what the origin chose, and where
 * there is no origin, what a refusal is read in best.
 */
static int choose_alpn(SSL *ssl, const unsigned char **chosen,
		       unsigned char *chosen_len, const unsigned char *offered,
		       unsigned offered_len, void *arg)
{
	static const unsigned char http11[] = "http/1.1", h2[] = "h2";
	const struct intercept *intercept = SSL_get_app_data(ssl);
	unsigned len;

	(void)offered;
	(void)offered_len;
	(void)arg;
	if (intercept->origin.fd < 0) {
		*chosen = intercept->hello.has_http11 ? http11 : h2;
		*chosen_len = intercept->hello.has_http11 ? sizeof(http11) - 1
							  : sizeof(h2) - 1;
		return SSL_TLSEXT_ERR_OK;
	}
	SSL_get0_alpn_selected(intercept->origin.ssl, chosen, &len);
	*chosen_len = (unsigned char)len;
	return len > 0 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

SSL_CTX *intercept_tls_new(const struct ticket_keys *tickets)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (!tls || !tickets_issue(tls, tickets))
		die("intercept: cannot make a TLS context");
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_options(tls,
			    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	/* One read(2) for a record and what follows it, instead of two. */
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_default_read_buffer_len(tls, TLS_READ_BUFFER);
	SSL_CTX_set_client_hello_cb(tls, hello_again, NULL);
	SSL_CTX_set_alpn_select_cb(tls, choose_alpn, NULL);
	return tls;
}

/* --- the origin --- */

/* What is to be known of the origin although, or because, it is admitted. */
static void note_origin(struct intercept *intercept, enum reason reason,
			const char *detail)
{
	struct flow *flow = intercept->flow;
	const struct decision failed = { .verdict = VERDICT_INTERCEPT,
					 .reason = reason };
	struct attempt attempt = flow_attempt(flow, ATTEMPT_TLS);

	refusal_make(&intercept->refusal, flow->worker->config->refusal_key,
		     &attempt, &failed, NULL, 0);
	flow_note(flow, "upstream", &failed, &intercept->refusal, detail);
}

static void fail(struct intercept *intercept, enum reason reason,
		 const char *detail)
{
	intercept->refusing = true;
	note_origin(intercept, reason, detail);
}

static void dialled(void *arg, const struct upstream_result *result)
{
	struct intercept *intercept = arg;
	struct flow *flow = intercept->flow;
	const struct tls_client_hello *hello = &intercept->hello;

	flow->upstream = NULL;
	flow->origin = result->address;
	if (result->reason == REASON_ALLOWED && result->wants_certificate &&
	    !result->reused)
		note_origin(intercept, REASON_UPSTREAM_WANTS_CERTIFICATE,
			    "it may do without");
	if (result->reason != REASON_ALLOWED) {
		fail(intercept, result->reason, result->detail);
	} else if (hello->has_alpn && !hello->has_http11 &&
		   !stream_speaks_h2(result->stream)) {
		fail(intercept, REASON_UPSTREAM_TLS,
		     "the origin does not speak HTTP/2, and the agent nothing "
		     "else");
	} else {
		stream_move(&intercept->origin, result->stream, flow_ignore,
			    NULL);
	}
	intercept->reused = result->reused;
	mint(intercept);
}

/* What the agent offers and the gateway speaks, in the agent's order. */
static void mirror_alpn(const struct tls_client_hello *hello,
			struct upstream_want *want)
{
	struct cursor list = cursor_over(hello->alpn, hello->alpn_len);

	while (cursor_left(&list) > 0) {
		size_t n = cursor_u8(&list);
		const uint8_t *protocol = cursor_bytes(&list, n);

		if (!protocol || want->alpn_len + 1 + n > sizeof(want->alpn))
			return;
		if (!(n == 2 && memcmp(protocol, "h2", 2) == 0) &&
		    !(n == 8 && memcmp(protocol, "http/1.1", 8) == 0))
			continue;
		want->alpn[want->alpn_len++] = (uint8_t)n;
		memcpy(&want->alpn[want->alpn_len], protocol, n);
		want->alpn_len += n;
	}
}

/* It waited perhaps: the agent may have left, and the manifest be another. */
static void begin(struct handshake *handshake)
{
	struct intercept *intercept =
		table_entry(handshake, struct intercept, handshake);
	struct flow *flow = intercept->flow;
	const struct attempt attempt = flow_attempt(flow, ATTEMPT_TLS);
	const struct decision decision =
		policy_judge(flow->worker->policy, &attempt);
	struct upstream_want want = {
		.name = &flow->name,
		.port = flow->port,
		.private = decision.route && decision.route->private,
		.tls = true,
		.authority = flow->authority,
		/* What idles there speaks HTTP/1. */
		.pooled = !intercept->hello.has_alpn ||
			  intercept->hello.has_http11,
	};

	if (stream_has_left(&flow->stream)) {
		flow_close(flow, REASON_ALLOWED, true);
		return;
	}
	mirror_alpn(&intercept->hello, &want);
	flow_become(flow, FLOW_DIALLING);
	flow_deadline(flow, 0); /* upstream has one of its own */
	flow->upstream =
		upstream_start(flow->worker, &want, dialled, intercept);
	if (!flow->upstream)
		flow_refuse(flow, REASON_OVERLOADED, NULL);
}

void intercept_start(struct flow *flow)
{
	struct intercept *intercept = make(flow);

	if (!intercept)
		return;
	if (!tls_client_hello_offers_http(&intercept->hello)) {
		flow_refuse(flow, REASON_TLS_VERSION,
			    "the agent offers neither h2 nor http/1.1");
		return;
	}
	flow_deadline(flow, TURN_MS);
	handshake_ask(&flow->worker->handshakes, &intercept->handshake, begin);
}

static void begin_refusal(struct handshake *handshake)
{
	struct intercept *intercept =
		table_entry(handshake, struct intercept, handshake);

	flow_deadline(intercept->flow, GREETING_MS);
	mint(intercept);
}

void intercept_refuse(struct flow *flow, const struct refusal *refusal)
{
	struct intercept *intercept = make(flow);

	if (!intercept)
		return;
	intercept->refusing = true;
	intercept->refusal = *refusal;
	flow_deadline(flow, TURN_MS);
	handshake_ask(&flow->worker->handshakes, &intercept->handshake,
		      begin_refusal);
}

void intercept_timed_out(struct intercept *intercept)
{
	flow_refuse(intercept->flow, REASON_OVERLOADED,
		    intercept->handshake.state == HANDSHAKE_WAITING
			    ? "too many TLS handshakes at once"
			    : "no certificate in time");
}
