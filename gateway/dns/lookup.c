#include "lookup.h"

#include "cache.h"
#include "clock.h"
#include "dns_tls.h"
#include "log.h"
#include "table.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <ares.h>

#define TRY_MS 1200 /* for one try; a stub resolver gives up after 5 s */
#define TRIES 2     /* of each server */
/*
 * A response in the wrong case is a forger's, or that of a server that folds
 * it. The right one, if there is one, is on its way: so long it is waited for.
 */
#define FOLD_MS 300
#define LEARNED_MS 600000 /* for so long such a server is asked in its way */
#define SOCKETS_MAX ((size_t)4 * NAMESERVERS_MAX) /* of one way, at once */
/*
 * Over TLS a try ends when the resolver has been silent for its share of the
 * time, so that there is an answer, by the last of them, before a stub
 * resolver gives up. A sole resolver has two tries: a connection may have
 * died unnoticed.
 */
#define TLS_TRY_MS 4400
#define TLS_READS_MAX 256 /* in one turn */
#define WAYS 4

TAILQ_HEAD(lookup_waits, lookup_wait);

struct key {
	struct domain name;
	enum dns_type type;
};

/*
 * A question on its way. c-ares may answer before ares_send() returns, so an
 * answer is put here and delivered from the event loop.
 */
struct question {
	TAILQ_ENTRY(question) link;
	struct lookup *lookup;
	struct way *way; /* that it went; as it is until it is answered */
	struct key key;
	struct lookup_waits waits;
	uint8_t query[DNS_PADDED_MAX];
	size_t query_len;
	bool mixed;         /* its case was drawn at random */
	bool edns;          /* it has an OPT */
	int64_t *learns;    /* if put otherwise, in place of another */
	bool replaced;      /* by such a one; nobody waits for it any more */
	struct event *fold; /* once a response came in another case */
	bool answered;
	enum dns_result result;
	struct dns_addresses addresses;
	struct records *records; /* NULL for addresses, and for want of any */
};

/* A socket of c-ares, which knows it by its number alone. */
struct socket {
	struct way *way; /* NULL if the place is free */
	ares_socket_t fd;
	struct event *event; /* while c-ares wants to hear of it */
	struct dns_tls *tls; /* or this, which has the descriptor */
};

/*
 * Some resolvers, and c-ares on the way to them. c-ares reads files when it
 * starts, and takes new resolvers only when it has no question; so there are
 * as many from the beginning as are needed to have new ones while the old are
 * still being waited for.
 */
struct way {
	struct lookup *lookup;
	ares_channel channel;
	bool tls;
	struct dns_tls_peer peers[NAMESERVERS_MAX];
	size_t n_peers;
	size_t n_questions; /* not yet answered */
	struct event *timer;
	struct socket sockets[SOCKETS_MAX];
};

struct lookup {
	struct way ways[WAYS]; /* half of them over TLS */
	struct way *way;       /* to go now; NULL if there is none */
	struct dns_tls_client *tls;
	struct event *deliver;
	struct event_base *base;
	struct cache cache;
	TAILQ_HEAD(, question) questions;
	size_t n_questions;
	/* Until when questions are not mixed, and have no OPT. */
	int64_t folds_until_ms, plain_until_ms;
	bool (*may_ask)(void *arg, const struct domain *name,
			enum dns_type type);
	void *may_ask_arg;
};

static void question_free(struct question *question)
{
	struct lookup_wait *wait;

	TAILQ_REMOVE(&question->lookup->questions, question, link);
	question->lookup->n_questions--;
	while ((wait = TAILQ_FIRST(&question->waits)) != NULL)
		lookup_forget(wait);
	if (question->fold)
		event_free(question->fold);
	free(question->records);
	free(question);
}

/* NULL if there is no room for another question. */
static struct question *ask(struct lookup *lookup, const struct key *key,
			    bool mixed, bool edns);

/*
 * Whoever waits for @question waits for the same one, put otherwise. If that
 * is answered, others are put so too for some time, by @learns.
 */
static void ask_instead(struct question *question, bool mixed, bool edns,
			int64_t *learns)
{
	struct question *again;
	struct lookup_wait *wait;

	if (question->replaced || question->answered)
		return;
	again = ask(question->lookup, &question->key, mixed, edns);
	if (!again)
		return; /* then it fails in its own time */
	again->learns = learns;
	question->replaced = true;
	while ((wait = TAILQ_FIRST(&question->waits)) != NULL) {
		lookup_forget(wait);
		wait->asked = again;
		TAILQ_INSERT_TAIL(&again->waits, wait, link);
	}
}

static void ask_in_lower_case(struct question *question)
{
	if (question->mixed)
		ask_instead(question, false, question->edns,
			    &question->lookup->folds_until_ms);
}

static void ask_without_edns(struct question *question)
{
	if (question->edns && !question->way->tls)
		ask_instead(question, question->mixed, false,
			    &question->lookup->plain_until_ms);
}

static void fold_timed(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask_in_lower_case(arg);
}

static void folded(struct question *question)
{
	const struct timeval left = clock_span(FOLD_MS);

	if (!question->mixed || question->fold)
		return;
	question->fold =
		evtimer_new(question->lookup->base, fold_timed, question);
	if (question->fold)
		evtimer_add(question->fold, &left);
}

/* NULL if there is none, which has been closed by then. */
static struct socket *socket_of(struct way *way, ares_socket_t fd)
{
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (way->sockets[i].way && way->sockets[i].fd == fd)
			return &way->sockets[i];
	return NULL;
}

/*
 * What c-ares reads from. It would take a response in any case, and be done
 * with the question; so it is shown none but the right one. Over UDP (@from is
 * given) a datagram that is none, or empty, is as if it had not come.
 */
static ares_ssize_t receive(ares_socket_t fd, void *bytes, size_t cap,
			    int flags, struct sockaddr *from,
			    ares_socklen_t *from_len, void *arg)
{
	struct way *way = arg;
	struct socket *socket = socket_of(way, fd);
	struct question *question;
	ares_ssize_t n;

	if (socket && socket->tls)
		return dns_tls_read(socket->tls, bytes, cap);
	n = recvfrom(fd, bytes, cap, flags, from, from_len);
	if (!from || n < 0)
		return n;
	TAILQ_FOREACH (question, &way->lookup->questions, link) {
		if (question->answered)
			continue;
		switch (dns_response_echo(bytes, (size_t)n, question->query,
					  question->query_len)) {
		case DNS_ECHO_EXACT:
			return n;
		case DNS_ECHO_FOLDED:
			folded(question);
			break;
		case DNS_ECHO_NONE:
			break;
		}
	}
	errno = EAGAIN;
	return -1;
}

static void deliver(evutil_socket_t fd, short what, void *arg)
{
	struct lookup *lookup = arg;
	struct question *question = TAILQ_FIRST(&lookup->questions);

	(void)fd;
	(void)what;
	while (question) {
		struct question *next = TAILQ_NEXT(question, link);
		struct lookup_wait *wait;

		if (question->answered) {
			/* A waiter may ask anew, which only adds at the end. */
			while ((wait = TAILQ_FIRST(&question->waits)) != NULL) {
				lookup_forget(wait);
				wait->records = question->records;
				wait->done(wait, question->result,
					   &question->addresses);
			}
			next = TAILQ_NEXT(question, link);
			question_free(question);
		}
		question = next;
	}
}

static ares_socket_t open_socket(int family, int type, int protocol, void *arg)
{
	struct way *way = arg;
	struct socket *place = NULL;
	ares_socket_t fd;

	for (size_t i = 0; i < SOCKETS_MAX && !place; i++)
		if (!way->sockets[i].way)
			place = &way->sockets[i];
	if (!place) {
		errno = EMFILE;
		return ARES_SOCKET_BAD;
	}
	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd >= 0)
		*place = (struct socket){ .way = way, .fd = fd };
	return fd;
}

static void socket_drop(struct socket *socket)
{
	if (socket->event)
		event_free(socket->event);
	*socket = (struct socket){ 0 };
}

static int close_socket(ares_socket_t fd, void *arg)
{
	struct socket *socket = socket_of(arg, fd);
	struct dns_tls *tls;

	if (!socket)
		return 0;
	tls = socket->tls;
	socket_drop(socket);
	if (!tls)
		return close(fd);
	dns_tls_close(tls);
	return 0;
}

static struct dns_tls_peer *peer_at(struct way *way, const struct sockaddr *to)
{
	struct address address;
	uint16_t port;

	if (!address_from_sockaddr(&address, &port, to))
		return NULL;
	for (size_t i = 0; i < way->n_peers; i++)
		if (way->peers[i].at.port == port &&
		    address_equal(&way->peers[i].at.address, &address))
			return &way->peers[i];
	return NULL;
}

/* Whether all others failed when they were last tried. */
static bool is_last_hope(const struct way *way, const struct dns_tls_peer *peer)
{
	for (size_t i = 0; i < way->n_peers; i++)
		if (&way->peers[i] != peer &&
		    !dns_tls_peer_rests(&way->peers[i], false, clock_ms()))
			return false;
	return true;
}

static void secured_ready(evutil_socket_t fd, short what, void *arg);

/* As connect(2) does, to a resolver that is asked over TLS alone. */
static int connect_securely(struct way *way, ares_socket_t fd,
			    const struct sockaddr *to, ares_socklen_t len)
{
	struct socket *socket = socket_of(way, fd);
	struct dns_tls_peer *peer = peer_at(way, to);

	if (!socket || !peer ||
	    dns_tls_peer_rests(peer, is_last_hope(way, peer), clock_ms())) {
		errno = ECONNREFUSED;
		return -1;
	}
	if (connect(fd, to, len) < 0 && errno != EINPROGRESS) {
		dns_tls_refused(peer, errno);
		errno = ECONNREFUSED;
		return -1;
	}
	socket->tls = dns_tls_open(way->lookup->tls, peer, way->lookup->base,
				   fd, secured_ready, socket);
	if (!socket->tls) {
		socket_drop(socket); /* its descriptor is closed */
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *to,
			  ares_socklen_t len, void *arg)
{
	struct way *way = arg;

	return way->tls ? connect_securely(way, fd, to, len)
			: connect(fd, to, len);
}

static ares_ssize_t send_out(ares_socket_t fd, const struct iovec *iov, int n,
			     void *arg)
{
	struct socket *socket = socket_of(arg, fd);

	return socket && socket->tls ? dns_tls_write(socket->tls, iov, n)
				     : writev(fd, iov, n);
}

/* Reads what came, down to what the question was for. */
static enum dns_result read_response(struct question *question,
				     const uint8_t *bytes, size_t len)
{
	const struct key *key = &question->key;
	enum dns_result result;

	if (dns_type_is_address((uint16_t)key->type))
		return dns_response_parse(bytes, len, &key->name,
					  (uint16_t)key->type,
					  &question->addresses);
	question->records = malloc(sizeof(*question->records));
	if (!question->records)
		return DNS_RESULT_FAILED;
	result = dns_response_records(bytes, len, &key->name,
				      (uint16_t)key->type, question->records,
				      &question->addresses.ttl_s);
	if (result != DNS_RESULT_FOUND && result != DNS_RESULT_NODATA) {
		free(question->records);
		question->records = NULL;
	}
	return result;
}

static void answered(void *arg, int status, int timeouts, unsigned char *bytes,
		     int len)
{
	struct question *question = arg;
	struct lookup *lookup = question->lookup;

	(void)timeouts;
	question->way->n_questions--;
	question->addresses.n = 0;
	question->addresses.ttl_s = 0;
	if (status == ARES_SUCCESS && len > 0 &&
	    dns_response_echo(bytes, (size_t)len, question->query,
			      question->query_len) != DNS_ECHO_EXACT)
		ask_in_lower_case(question); /* over TCP, where none forges */
	/* c-ares sees to that itself, but once in its life. */
	else if (status == ARES_SUCCESS && len > 0 &&
		 dns_response_minds_edns(bytes, (size_t)len))
		ask_without_edns(question);
	if (status == ARES_SUCCESS && len > 0)
		question->result = read_response(question, bytes, (size_t)len);
	else
		question->result = DNS_RESULT_FAILED;
	question->addresses.ttl_s =
		cache_lifetime_s(question->result, question->addresses.ttl_s);
	question->answered = true;
	if (status == ARES_EDESTRUCTION)
		return;
	if (question->learns && question->result != DNS_RESULT_FAILED)
		*question->learns = clock_ms() + LEARNED_MS;
	if (!question->replaced)
		cache_keep(&lookup->cache, &question->key.name,
			   question->key.type, question->result,
			   &question->addresses, question->records);
	event_active(lookup->deliver, EV_TIMEOUT, 0);
}

/* How long a resolver of this way may be silent. */
static int64_t patience_ms(const struct way *way)
{
	return TLS_TRY_MS / (int64_t)(way->n_peers > 2 ? way->n_peers : 2);
}

/* Until the first of its connections is due; -1 if it has none. */
static int64_t due_in_ms(const struct way *way)
{
	int64_t now_ms = clock_ms(), first = -1;

	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		const struct dns_tls *tls = way->sockets[i].tls;
		int64_t left;

		if (!tls)
			continue;
		left = dns_tls_due_ms(tls, patience_ms(way)) - now_ms;
		if (left < 0)
			left = 0;
		if (first < 0 || left < first)
			first = left;
	}
	return first;
}

static void arm_timer(struct way *way)
{
	struct timeval most = { 5, 0 }, space;
	int64_t due_ms = due_in_ms(way);

	if (due_ms >= 0)
		most = clock_span((unsigned)due_ms);
	if (way->n_questions > 0)
		evtimer_add(way->timer,
			    ares_timeout(way->channel, &most, &space));
	else if (due_ms >= 0)
		evtimer_add(way->timer, &most);
}

/* What is due is given up, and c-ares hears of it as of any other end. */
static void give_up_what_is_due(struct way *way)
{
	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		struct dns_tls *tls = way->sockets[i].tls;

		if (!tls || dns_tls_due_ms(tls, patience_ms(way)) > clock_ms())
			continue;
		dns_tls_give_up(tls);
		ares_process_fd(way->channel, way->sockets[i].fd,
				ARES_SOCKET_BAD);
	}
}

static void timed(evutil_socket_t fd, short what, void *arg)
{
	struct way *way = arg;

	(void)fd;
	(void)what;
	ares_process_fd(way->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	give_up_what_is_due(way);
	arm_timer(way);
}

static void socket_ready(evutil_socket_t fd, short what, void *arg)
{
	const struct socket *socket = arg;
	struct way *way = socket->way;

	ares_process_fd(way->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
			what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	arm_timer(way);
}

/*
 * Edge-triggered, so all is read that is there, also what is there only in
 * OpenSSL; c-ares reads once in each turn. The place may have another
 * connection after that, of which nothing has been read.
 */
static void secured_ready(evutil_socket_t fd, short what, void *arg)
{
	const struct socket *socket = arg;
	struct way *way = socket->way;
	unsigned n = 0;

	(void)what;
	do
		ares_process_fd(way->channel, fd, fd);
	while (socket->tls && dns_tls_has_more(socket->tls) &&
	       ++n < TLS_READS_MAX);
	if (n == TLS_READS_MAX)
		dns_tls_attend(socket->tls);
	arm_timer(way);
}

/* c-ares says which of its sockets it wants to hear of, and for what. */
static void socket_wanted(void *arg, ares_socket_t fd, int readable,
			  int writable)
{
	struct way *way = arg;
	struct socket *socket = socket_of(way, fd);
	short what = (short)(EV_PERSIST | (readable ? EV_READ : 0) |
			     (writable ? EV_WRITE : 0));

	if (!socket)
		return;
	if (socket->tls) {
		/* It hears of everything, but of what there was only once. */
		if (writable)
			dns_tls_attend(socket->tls);
		return;
	}
	if (socket->event)
		event_free(socket->event);
	socket->event = NULL;
	if (!readable && !writable)
		return;
	socket->event =
		event_new(way->lookup->base, fd, what, socket_ready, socket);
	if (socket->event)
		event_add(socket->event, NULL);
}

static bool set_servers(ares_channel channel, const struct nameserver *servers,
			size_t n)
{
	struct ares_addr_port_node nodes[NAMESERVERS_MAX];

	memset(nodes, 0, sizeof(nodes));
	for (size_t i = 0; i < n; i++) {
		const struct address *address = &servers[i].address;

		nodes[i].next = i + 1 < n ? &nodes[i + 1] : NULL;
		nodes[i].family = address->family;
		memcpy(&nodes[i].addr, address->bytes,
		       address->family == AF_INET ? 4 : 16);
		nodes[i].udp_port = nodes[i].tcp_port = servers[i].port;
	}
	return ares_set_servers_ports(channel, nodes) == ARES_SUCCESS;
}

static bool way_init(struct way *way, struct lookup *lookup, bool tls)
{
	/* c-ares calls all of them or none. */
	static const struct ares_socket_functions calls = {
		open_socket, close_socket, connect_socket, receive, send_out,
	};
	struct ares_options options = {
		/*
		 * Over TLS without c-ares' own idea of EDNS: to a FORMERR it
		 * would cut off what it takes for an OPT without options.
		 */
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
			 (tls ? ARES_FLAG_USEVC | ARES_FLAG_STAYOPEN
			      : ARES_FLAG_EDNS),
		.timeout = tls ? TLS_TRY_MS : TRY_MS,
		.tries = TRIES,
		.ednspsz = DNS_UDP_MAX,
		.sock_state_cb = socket_wanted,
		.sock_state_cb_data = way,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		   ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB;
	int status = ares_init_options(&way->channel, &options, mask);

	way->lookup = lookup;
	way->tls = tls;
	if (status != ARES_SUCCESS) {
		log_err("lookup: cannot start c-ares: %s",
			ares_strerror(status));
		way->channel = NULL;
		return false;
	}
	ares_set_socket_functions(way->channel, &calls, way);
	return true;
}

static void way_done(struct way *way)
{
	if (way->channel)
		ares_destroy(way->channel);
	if (way->timer)
		event_free(way->timer);
}

struct lookup *lookup_new(X509_STORE *trust)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return NULL;
	TAILQ_INIT(&lookup->questions);
	if (cache_init(&lookup->cache) < 0)
		goto fail;
	for (size_t i = 0; i < WAYS; i++)
		if (!way_init(&lookup->ways[i], lookup, i >= WAYS / 2))
			goto fail;
	lookup->tls = dns_tls_client_new(trust);
	if (!lookup->tls)
		goto fail;
	return lookup;
fail:
	lookup_free(lookup);
	return NULL;
}

int lookup_start(struct lookup *lookup, struct event_base *base)
{
	lookup->base = base;
	for (size_t i = 0; i < WAYS; i++) {
		lookup->ways[i].timer =
			evtimer_new(base, timed, &lookup->ways[i]);
		if (!lookup->ways[i].timer)
			return -ENOMEM;
	}
	lookup->deliver = event_new(base, -1, 0, deliver, lookup);
	return lookup->deliver ? 0 : -ENOMEM;
}

void lookup_free(struct lookup *lookup)
{
	struct question *question, *next;

	if (!lookup)
		return;
	for (size_t i = 0; i < WAYS; i++)
		way_done(&lookup->ways[i]);
	for (question = TAILQ_FIRST(&lookup->questions); question;
	     question = next) {
		next = TAILQ_NEXT(question, link);
		question_free(question);
	}
	dns_tls_client_free(lookup->tls);
	if (lookup->deliver)
		event_free(lookup->deliver);
	cache_done(&lookup->cache);
	free(lookup);
}

static bool way_leads_to(const struct way *way,
			 const struct nameserver *servers, size_t n)
{
	if (way->n_peers != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!nameserver_equal(&way->peers[i].at, &servers[i]))
			return false;
	return true;
}

/* One that is not in use now: with no question on it, if there is such. */
static struct way *spare_way(struct lookup *lookup, bool tls)
{
	struct way *spare = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct way *way = &lookup->ways[i];

		if (way->tls != tls || way == lookup->way)
			continue;
		if (!spare || way->n_questions < spare->n_questions)
			spare = way;
	}
	return spare;
}

void lookup_use(struct lookup *lookup, const struct nameserver *servers,
		size_t n)
{
	struct way *way;

	assert(n > 0 && n <= NAMESERVERS_MAX &&
	       !nameservers_differ(servers, n));
	if (lookup->way && way_leads_to(lookup->way, servers, n))
		return;
	way = spare_way(lookup, servers[0].tls.len > 0);
	lookup->way = NULL;
	ares_cancel(way->channel); /* takes no others while it has questions */
	if (!set_servers(way->channel, servers, n)) {
		log_err("lookup: c-ares does not take the resolvers");
		return;
	}
	/* What led to the old ones has been closed. */
	for (size_t i = 0; i < n; i++)
		way->peers[i] = (struct dns_tls_peer){ .at = servers[i] };
	way->n_peers = n;
	lookup->way = way;
}

const char *lookup_trouble(const struct lookup *lookup)
{
	const struct way *way = lookup->way;

	for (size_t i = 0; way && i < way->n_peers; i++)
		if (way->peers[i].failing)
			return way->peers[i].why;
	return NULL;
}

static struct question *find_question(struct lookup *lookup,
				      const struct key *key)
{
	struct question *question;

	TAILQ_FOREACH (question, &lookup->questions, link)
		if (!question->answered && !question->replaced &&
		    question->way == lookup->way &&
		    question->key.type == key->type &&
		    question->key.name.len == key->name.len &&
		    memcmp(question->key.name.name, key->name.name,
			   key->name.len) == 0)
			return question;
	return NULL;
}

static struct question *ask(struct lookup *lookup, const struct key *key,
			    bool mixed, bool edns)
{
	struct {
		uint16_t id;
		uint8_t letters[DNS_CASE_BYTES];
	} random;
	struct question *question;
	struct way *way = lookup->way;

	if (!way || lookup->n_questions >= LOOKUP_OUTSTANDING_MAX ||
	    getrandom(&random, sizeof(random), 0) != sizeof(random))
		return NULL;
	question = calloc(1, sizeof(*question));
	if (!question)
		return NULL;
	question->lookup = lookup;
	question->way = way;
	question->key = *key;
	question->mixed = mixed && !way->tls; /* where nobody can forge */
	question->edns = edns || way->tls;    /* for the padding */
	TAILQ_INIT(&question->waits);
	TAILQ_INSERT_TAIL(&lookup->questions, question, link);
	lookup->n_questions++;

	question->query_len =
		dns_query_write(question->query, sizeof(question->query),
				random.id, &key->name, (uint16_t)key->type);
	if (!question->edns)
		question->query_len = dns_query_drop_edns(question->query,
							  question->query_len);
	if (way->tls)
		question->query_len =
			dns_query_pad(question->query, sizeof(question->query),
				      question->query_len);
	if (question->mixed)
		dns_query_mix_case(question->query, question->query_len,
				   random.letters);
	way->n_questions++;
	ares_send(way->channel, question->query, (int)question->query_len,
		  answered, question);
	arm_timer(way);
	return question;
}

void lookup_gate(struct lookup *lookup,
		 bool (*may_ask)(void *arg, const struct domain *name,
				 enum dns_type type),
		 void *arg)
{
	lookup->may_ask = may_ask;
	lookup->may_ask_arg = arg;
}

bool lookup_known(struct lookup *lookup, const struct domain *name,
		  enum dns_type type, struct lookup_wait *wait,
		  enum dns_result *result, struct dns_addresses *addresses)
{
	assert(dns_type_is_address((uint16_t)type) ||
	       records_know((uint16_t)type));
	return cache_find(&lookup->cache, name, type, result, addresses,
			  &wait->records);
}

bool lookup_fetch(struct lookup *lookup, const struct domain *name,
		  enum dns_type type, struct lookup_wait *wait,
		  enum dns_result *result, struct dns_addresses *addresses)
{
	struct key key = { *name, type };
	struct question *question = find_question(lookup, &key);

	wait->records = NULL;
	if (!question && lookup->may_ask &&
	    !lookup->may_ask(lookup->may_ask_arg, name, type)) {
		*result = DNS_RESULT_WITHHELD;
		addresses->n = 0;
		addresses->ttl_s = 0;
		return true;
	}
	if (!question)
		question =
			ask(lookup, &key, clock_ms() >= lookup->folds_until_ms,
			    clock_ms() >= lookup->plain_until_ms);
	if (!question) {
		*result = DNS_RESULT_FAILED;
		addresses->n = 0;
		addresses->ttl_s = 0;
		return true;
	}
	wait->asked = question;
	TAILQ_INSERT_TAIL(&question->waits, wait, link);
	return false;
}

bool lookup_ask(struct lookup *lookup, const struct domain *name,
		enum dns_type type, struct lookup_wait *wait,
		enum dns_result *result, struct dns_addresses *addresses)
{
	return lookup_known(lookup, name, type, wait, result, addresses) ||
	       lookup_fetch(lookup, name, type, wait, result, addresses);
}

void lookup_forget(struct lookup_wait *wait)
{
	struct question *question = wait->asked;

	if (!question)
		return;
	TAILQ_REMOVE(&question->waits, wait, link);
	wait->asked = NULL;
}
