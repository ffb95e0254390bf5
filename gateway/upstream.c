#include "upstream.h"

#include "clock.h"
#include "dns/lookup.h"
#include "log.h"
#include "table.h"
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define OTHER_FAMILY_MS 50  /* RFC 8305 3: the wait for the second answer */
#define NEXT_ATTEMPT_MS 250 /* RFC 8305 5 */
#define ATTEMPTS_MAX 8      /* sockets of one attempt at once */
#define CANDIDATES_MAX 16   /* addresses tried at most */
#define CONNECT_DEADLINE_MS 10000

enum upstream_state {
	UPSTREAM_REUSING,
	UPSTREAM_RESOLVING,
	UPSTREAM_CONNECTING,
	UPSTREAM_SECURING,
	UPSTREAM_DONE,
};

/* A socket that is being connected. */
struct attempt_socket {
	struct upstream *upstream;
	struct event *event; /* NULL if the place is free */
	int fd;
	struct address address;
};

struct candidates {
	struct address list[CANDIDATES_MAX];
	size_t n, next;
};

struct upstream {
	struct worker *worker;
	uint32_t generation; /* of the policy that admitted it */
	struct domain name;
	uint16_t port;
	bool private, tls;
	uint64_t authority;
	uint8_t alpn[UPSTREAM_ALPN_MAX];
	size_t alpn_len;
	upstream_done *done;
	void *arg;

	enum upstream_state state;
	struct lookup_wait waits[2]; /* for A and for AAAA */
	unsigned n_waiting;
	bool refused_address, withheld;
	bool tried;   /* to connect, to some address */
	bool starved; /* of descriptors or ports, for some address */
	struct candidates candidates[2]; /* IPv6 first, then IPv4 */
	bool turn;                       /* whose turn it is */
	struct attempt_socket sockets[ATTEMPTS_MAX];
	struct event *timer;    /* the next step of the race */
	struct event *deadline; /* of all of it */
	struct stream stream;   /* while SECURING */
	struct address address; /* that it is connected to */
	char detail[160];
};

static void after(struct event *timer, unsigned ms)
{
	const struct timeval left = clock_span(ms);

	event_add(timer, &left);
}

static void socket_drop(struct attempt_socket *socket)
{
	if (!socket->event)
		return;
	event_free(socket->event);
	socket->event = NULL;
	if (socket->fd >= 0)
		close(socket->fd);
	socket->fd = -1;
}

static void sockets_drop(struct upstream *upstream)
{
	for (size_t i = 0; i < ATTEMPTS_MAX; i++)
		socket_drop(&upstream->sockets[i]);
}

void upstream_cancel(struct upstream *upstream)
{
	if (!upstream)
		return;
	lookup_forget(&upstream->waits[0]);
	lookup_forget(&upstream->waits[1]);
	sockets_drop(upstream);
	if (upstream->timer)
		event_free(upstream->timer);
	if (upstream->deadline)
		event_free(upstream->deadline);
	if (upstream->stream.fd >= 0)
		stream_close(&upstream->stream, false);
	free(upstream);
}

/* --- which addresses may be dialled --- */

/*
 * Whether the machine has @address itself, on whatever interface and by now:
 * what is sent to an own address comes from it. Nothing is sent here. 0 or 1,
 * or -errno if there are no means to tell.
 */
static int is_local(const struct address *address, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(address, port, &sa);
	struct address from;
	int local = 1; /* unless that can be told */
	int fd = socket(address->family,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&sa, len) < 0) {
		/* No port is free; or there is no way there at all. */
		local = errno == EAGAIN ? -EAGAIN : 0;
	} else {
		len = sizeof(sa);
		if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
		    address_from_sockaddr(&from, NULL, (struct sockaddr *)&sa))
			local = address_equal(&from, address);
	}
	close(fd);
	return local;
}

static bool is_ours(const struct config *config, const struct address *address)
{
	const struct redirect *redirect = &config->redirect;

	if (pins_is_virtual(address) ||
	    address_equal(address, &redirect->gateway4) ||
	    address_equal(address, &redirect->gateway6))
		return true;
	for (size_t i = 0; i < redirect->n_prefixes; i++)
		if (prefix_holds(&redirect->prefixes[i], address))
			return true;
	for (size_t i = 0; i < config->n_never; i++)
		if (prefix_holds(&config->never[i], address))
			return true;
	return false;
}

static bool may_dial(struct upstream *upstream, const struct address *address)
{
	const struct worker *worker = upstream->worker;

	switch (address_classify(address, NULL)) {
	case ADDRESS_NEVER:
		return false;
	case ADDRESS_PRIVATE:
		if (!upstream->private)
			return false;
		break;
	case ADDRESS_GLOBAL:
		break;
	}
	return !is_ours(worker->config, address) &&
	       !policy_denies_address(worker->policy, address, upstream->port);
}

/* There may be another manifest by now: the same of where it has led to. */
static bool may_still_dial(struct upstream *upstream)
{
	const struct worker *worker = upstream->worker;
	bool named = upstream->name.len > 0;
	/* Whoever decides about the bytes, it is one of the same routes. */
	const struct attempt attempt = {
		.kind = ATTEMPT_TCP,
		.name = named ? &upstream->name : NULL,
		.address = named ? NULL : &upstream->address,
		.port = upstream->port,
	};
	struct decision decision;

	if (upstream->generation == worker->generation)
		return true;
	decision = policy_judge(worker->policy, &attempt);
	upstream->private = decision.route && decision.route->private;
	return may_dial(upstream, &upstream->address);
}

/* The last question, which costs a socket: only of those that are tried. */
static bool is_elsewhere(struct upstream *upstream,
			 const struct address *address)
{
	int local = is_local(address, upstream->port);

	if (local < 0)
		upstream->starved = true;
	else if (local > 0)
		upstream->refused_address = true;
	return local == 0;
}

static void add_candidates(struct upstream *upstream,
			   const struct dns_addresses *addresses)
{
	for (size_t i = 0; i < addresses->n; i++) {
		const struct address *address = &addresses->list[i];
		struct candidates *candidates =
			&upstream->candidates[address->family == AF_INET];

		if (!may_dial(upstream, address))
			upstream->refused_address = true;
		else if (candidates->n < CANDIDATES_MAX)
			candidates->list[candidates->n++] = *address;
	}
}

/* The next to try, the two families in turn (RFC 8305 4); NULL at the end. */
static const struct address *next_candidate(struct upstream *upstream)
{
	for (int i = 0; i < 2; i++) {
		struct candidates *candidates =
			&upstream->candidates[upstream->turn];

		upstream->turn = !upstream->turn;
		if (candidates->next < candidates->n)
			return &candidates->list[candidates->next++];
	}
	return NULL;
}

static bool has_candidates(const struct upstream *upstream)
{
	return upstream->candidates[0].n + upstream->candidates[1].n > 0;
}

/* --- the end of it --- */

/* Its application data is not NULL once the origin has asked who we are. */
static int asked(SSL *ssl, void *arg)
{
	(void)arg;
	SSL_set_app_data(ssl, SSL_get_SSL_CTX(ssl));
	return 1;
}

static bool is_asked(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

enum reason upstream_turned_away(const struct stream *stream,
				 const char **detail)
{
	if (!stream->ssl || !is_asked(stream->ssl))
		return REASON_ALLOWED;
	*detail = NULL;
	if (!SSL_get_certificate(stream->ssl))
		return REASON_UPSTREAM_WANTS_CERTIFICATE;
	*detail = "the origin did not take the certificate of client_cert_ref";
	return REASON_UPSTREAM_TLS;
}

static void finish(struct upstream *upstream, enum reason reason)
{
	bool reused = upstream->state == UPSTREAM_REUSING;
	const char *trouble = reason == REASON_UPSTREAM_DNS
				      ? lookup_trouble(upstream->worker->lookup)
				      : NULL;
	struct upstream_result result = {
		.reason = reason,
		.address = upstream->address,
		.reused = reused,
		.wants_certificate = upstream->stream.ssl &&
				     is_asked(upstream->stream.ssl) &&
				     !SSL_get_certificate(upstream->stream.ssl),
		.detail = upstream->detail[0] ? upstream->detail : trouble,
	};

	if (reason == REASON_ALLOWED && !may_still_dial(upstream))
		result.reason = REASON_POLICY_CHANGED;
	if (result.reason == REASON_ALLOWED)
		result.stream = &upstream->stream;
	upstream->state = UPSTREAM_DONE;
	upstream->done(upstream->arg, &result);
	upstream_cancel(upstream);
}

/* --- TLS to the origin --- */

static int secure(struct upstream *upstream)
{
	const struct authority *authority = authorities_find(
		upstream->worker->authorities, upstream->authority);
	SSL *ssl = authority ? SSL_new(authority->tls) : NULL;

	if (!ssl)
		return -ENOMEM;
	if (!upstream_tls_expect(ssl, &upstream->name) ||
	    !sessions_offer(authority->sessions, ssl, &upstream->name) ||
	    (upstream->alpn_len > 0 &&
	     SSL_set_alpn_protos(ssl, upstream->alpn,
				 (unsigned)upstream->alpn_len) != 0)) {
		SSL_free(ssl);
		return -ENOMEM;
	}
	SSL_set_connect_state(ssl);
	return stream_start_tls(&upstream->stream, ssl);
}

static bool offers(const uint8_t *alpn, size_t alpn_len,
		   const uint8_t *protocol, size_t len)
{
	for (size_t at = 0; at < alpn_len; at += 1 + alpn[at])
		if (alpn[at] == len &&
		    memcmp(&alpn[at + 1], protocol, len) == 0)
			return true;
	return false;
}

static bool offers_h2(const uint8_t *alpn, size_t alpn_len)
{
	return offers(alpn, alpn_len, (const uint8_t *)"h2", 2);
}

/* The origin chose what was offered, or nothing. */
static bool alpn_is_sound(const struct upstream *upstream)
{
	const uint8_t *chosen;
	unsigned len;

	SSL_get0_alpn_selected(upstream->stream.ssl, &chosen, &len);
	return len == 0 ||
	       offers(upstream->alpn, upstream->alpn_len, chosen, len);
}

/* Why the handshake failed; @detail may say more. */
static enum reason why_insecure(const struct upstream *upstream,
				const char **detail)
{
	long verified = SSL_get_verify_result(upstream->stream.ssl);
	enum reason reason;

	if (verified != X509_V_OK) {
		*detail = X509_verify_cert_error_string(verified);
		return REASON_UPSTREAM_TLS;
	}
	reason = upstream_turned_away(&upstream->stream, detail);
	if (reason != REASON_ALLOWED)
		return reason;
	*detail = ERR_GET_REASON(ERR_peek_error()) ==
				  SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL
			  ? "the origin has no application protocol in common "
			    "with the agent"
			  : "the TLS handshake with the origin failed";
	return REASON_UPSTREAM_TLS;
}

static void securing(evutil_socket_t fd, short what, void *arg)
{
	struct upstream *upstream = arg;
	const char *detail;
	enum reason reason;

	(void)fd;
	(void)what;
	switch (stream_handshake(&upstream->stream)) {
	case -EAGAIN:
		return;
	case 0:
		break;
	default:
		reason = why_insecure(upstream, &detail);
		if (detail)
			(void)snprintf(upstream->detail,
				       sizeof(upstream->detail), "%s", detail);
		finish(upstream, reason);
		return;
	}
	upstream->stream.declined_h2 =
		offers_h2(upstream->alpn, upstream->alpn_len) &&
		!stream_speaks_h2(&upstream->stream);
	finish(upstream,
	       alpn_is_sound(upstream) ? REASON_ALLOWED : REASON_UPSTREAM_TLS);
}

static void unsecured(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	finish(arg, REASON_ALLOWED);
}

/* --- the race --- */

static void try_next(struct upstream *upstream);

static void connected(struct upstream *upstream, struct attempt_socket *won)
{
	int fd = won->fd;

	upstream->address = won->address;
	won->fd = -1;
	sockets_drop(upstream);
	evtimer_del(upstream->timer);
	upstream->state = UPSTREAM_SECURING;
	stream_tune(fd);
	if (stream_open(&upstream->stream, upstream->worker->base, fd,
			upstream->tls ? securing : unsecured, upstream) < 0 ||
	    (upstream->tls && secure(upstream) < 0))
		finish(upstream, REASON_OVERLOADED);
}

static void socket_settled(evutil_socket_t fd, short what, void *arg)
{
	struct attempt_socket *socket = arg;
	struct upstream *upstream = socket->upstream;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error == 0) {
		connected(upstream, socket);
		return;
	}
	socket_drop(socket);
	try_next(upstream);
}

/* Starts one connection. False if that failed at once. */
static bool try_address(struct upstream *upstream, struct attempt_socket *place,
			const struct address *address)
{
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(address, upstream->port, &sa);
	int fd = socket(address->family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		upstream->starved = true;
		return false;
	}
	if (connect(fd, (const struct sockaddr *)&sa, len) < 0 &&
	    errno != EINPROGRESS) {
		close(fd);
		return false;
	}
	place->event = event_new(upstream->worker->base, fd, EV_WRITE,
				 socket_settled, place);
	if (!place->event || event_add(place->event, NULL) < 0) {
		if (place->event)
			event_free(place->event);
		place->event = NULL;
		close(fd);
		return false;
	}
	place->upstream = upstream;
	place->fd = fd;
	place->address = *address;
	return true;
}

/* Whether anything may still come of this attempt without another address. */
static bool racing(const struct upstream *upstream)
{
	for (size_t i = 0; i < ATTEMPTS_MAX; i++)
		if (upstream->sockets[i].event)
			return true;
	return upstream->n_waiting > 0;
}

static enum reason why_not(const struct upstream *upstream)
{
	if (upstream->starved)
		return REASON_OVERLOADED;
	if (upstream->tried)
		return REASON_UPSTREAM_CONNECT;
	if (upstream->refused_address)
		return REASON_ADDRESS_PRIVATE;
	return upstream->withheld ? REASON_DNS_TUNNEL_SUSPECT
				  : REASON_UPSTREAM_DNS;
}

static void try_next(struct upstream *upstream)
{
	const struct address *address;
	struct attempt_socket *place = NULL;

	for (size_t i = 0; i < ATTEMPTS_MAX && !place; i++)
		if (!upstream->sockets[i].event)
			place = &upstream->sockets[i];
	if (!place)
		return; /* one of them will settle */
	while ((address = next_candidate(upstream)) != NULL) {
		if (!is_elsewhere(upstream, address))
			continue;
		upstream->tried = true;
		if (try_address(upstream, place, address)) {
			after(upstream->timer, NEXT_ATTEMPT_MS);
			return;
		}
	}
	if (!racing(upstream))
		finish(upstream, why_not(upstream));
}

static void timed(evutil_socket_t fd, short what, void *arg)
{
	struct upstream *upstream = arg;

	(void)fd;
	(void)what;
	if (upstream->state == UPSTREAM_REUSING) {
		finish(upstream, REASON_ALLOWED);
		return;
	}
	upstream->state = UPSTREAM_CONNECTING;
	try_next(upstream);
}

static void too_late(evutil_socket_t fd, short what, void *arg)
{
	struct upstream *upstream = arg;

	(void)fd;
	(void)what;
	if (upstream->state == UPSTREAM_SECURING)
		finish(upstream, REASON_UPSTREAM_TLS);
	else
		finish(upstream, why_not(upstream));
}

static void resolved(struct upstream *upstream, enum dns_result result,
		     const struct dns_addresses *addresses)
{
	upstream->n_waiting--;
	upstream->withheld |= result == DNS_RESULT_WITHHELD;
	add_candidates(upstream, addresses);
	if (upstream->state == UPSTREAM_SECURING)
		return;
	/* The timer steps: at once if all is known, else a little later. */
	if (upstream->n_waiting == 0)
		after(upstream->timer, 0);
	else if (has_candidates(upstream))
		after(upstream->timer, OTHER_FAMILY_MS);
}

static void lookup_done_a(struct lookup_wait *wait, enum dns_result result,
			  const struct dns_addresses *addresses)
{
	resolved(table_entry(wait, struct upstream, waits[0]), result,
		 addresses);
}

static void lookup_done_aaaa(struct lookup_wait *wait, enum dns_result result,
			     const struct dns_addresses *addresses)
{
	resolved(table_entry(wait, struct upstream, waits[1]), result,
		 addresses);
}

static void resolve(struct upstream *upstream)
{
	static const enum dns_type types[2] = { DNS_TYPE_A, DNS_TYPE_AAAA };
	struct dns_addresses addresses;
	enum dns_result result;

	upstream->waits[0].done = lookup_done_a;
	upstream->waits[1].done = lookup_done_aaaa;
	upstream->n_waiting = 2;
	for (int i = 0; i < 2; i++)
		if (lookup_ask(upstream->worker->lookup, &upstream->name,
			       types[i], &upstream->waits[i], &result,
			       &addresses))
			resolved(upstream, result, &addresses);
}

/* Whoever ends it meanwhile, it is told at the next turn that it is there. */
static bool reuse(struct upstream *upstream, const struct upstream_want *want)
{
	const struct pool_key key = {
		.name = want->name,
		.port = want->port,
		.tls = want->tls,
		.authority = want->authority,
		.declined_h2 = offers_h2(want->alpn, want->alpn_len),
	};

	if (!want->pooled || !want->name ||
	    !pool_take(upstream->worker->pool, &key, &upstream->address,
		       &upstream->stream, flow_ignore, NULL))
		return false;
	upstream->state = UPSTREAM_REUSING;
	after(upstream->timer, 0);
	return true;
}

struct upstream *upstream_start(struct worker *worker,
				const struct upstream_want *want,
				upstream_done *done, void *arg)
{
	struct upstream *upstream = calloc(1, sizeof(*upstream));
	struct dns_addresses given = { .n = 1 };

	if (!upstream)
		return NULL;
	upstream->worker = worker;
	upstream->generation = worker->generation;
	upstream->port = want->port;
	upstream->private = want->private;
	upstream->tls = want->tls;
	upstream->authority = want->authority;
	memcpy(upstream->alpn, want->alpn, want->alpn_len);
	upstream->alpn_len = want->alpn_len;
	upstream->done = done;
	upstream->arg = arg;
	upstream->stream.fd = -1;
	upstream->state = UPSTREAM_RESOLVING;
	upstream->timer = evtimer_new(worker->base, timed, upstream);
	upstream->deadline = evtimer_new(worker->base, too_late, upstream);
	if (!upstream->timer || !upstream->deadline) {
		upstream_cancel(upstream);
		return NULL;
	}
	after(upstream->deadline, CONNECT_DEADLINE_MS);
	if (want->name)
		upstream->name = *want->name;
	if (reuse(upstream, want))
		return upstream;
	if (want->name) {
		resolve(upstream);
	} else {
		given.list[0] = want->address;
		upstream->n_waiting = 1;
		resolved(upstream, DNS_RESULT_FOUND, &given);
	}
	return upstream;
}

X509_STORE *upstream_trust(const char *file)
{
	X509_STORE *store = X509_STORE_new();

	if (!file)
		file = "/etc/ssl/certs/ca-certificates.crt";
	if (!store)
		die("upstream: out of memory");
	/*
	 * A file and not a directory of hashes, which would be read later,
	 * when files are out of reach.
	 */
	errno = 0;
	if (!X509_STORE_load_file(store, file))
		die("upstream: cannot read the certificates to trust in %s: %s",
		    file, errno ? strerror(errno) : "no PEM certificates");
	return store;
}

SSL_CTX *upstream_tls_new(X509_STORE *trust)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls)
		die("upstream: cannot make a TLS context");
	SSL_CTX_set1_cert_store(tls, trust);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_cb(tls, asked, NULL);
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_security_level(tls, 2);
	SSL_CTX_set_options(tls,
			    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	/* One read(2) for a record and what follows it, instead of two. */
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_default_read_buffer_len(tls, TLS_READ_BUFFER);
	return tls;
}

bool upstream_tls_expect(SSL *ssl, const struct domain *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	struct domain copy = *name; /* OpenSSL's macro wants it writable */

	X509_VERIFY_PARAM_set_hostflags(
		param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
			       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return X509_VERIFY_PARAM_set1_host(param, name->name, name->len) &&
	       SSL_set_tlsext_host_name(ssl, copy.name);
}
