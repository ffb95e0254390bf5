#include "ca.h"

#include "cursor.h"
#include "log.h"
#include "mint.h"
#include "signer.h"
#include "table.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>

#define CA_HELLO_WAIT_MS 10000
#define CA_RENEW_S 86400 /* a leaf is not shown on its last day */
#define CA_READS 64      /* answers taken before others have their turn */

TAILQ_HEAD(ca_waits, ca_wait);

struct leaf {
	struct table_node node;
	struct domain name;
	X509 *cert;
	time_t from, until; /* wall clock: when it may be shown */
};

/* A question to the signer, and all who wait for its answer. */
struct ask {
	struct table_node node;
	TAILQ_ENTRY(ask) link;
	uint32_t id;
	enum ca_quota quota;
	struct domain name;
	struct ca_waits waits;
};

/* What an ask is found by: a quota that is used up is nothing to the other. */
struct ask_key {
	const struct domain *name;
	enum ca_quota quota;
};

struct ca {
	int channel; /* -1 once the signer is gone */
	EVP_PKEY *leaf_key;
	X509 *certificate;
	char *pem;
	struct event *readable, *writable, *refusing;
	struct table leaves;
	struct table asks; /* by name and quota; bounded by CA_WAITS_MAX */
	TAILQ_HEAD(, ask) queue; /* the same, as they were or will be sent */
	struct ask *unsent;      /* the first that was not sent; may be NULL */
	uint32_t next_id;
	struct ask refused, refused_now; /* for their waits alone */
};

static bool same_name(const struct domain *a, const struct domain *b)
{
	return a->len == b->len && memcmp(a->name, b->name, a->len) == 0;
}

/* --- the leaves that are kept --- */

static void leaf_free(struct leaf *leaf)
{
	if (!leaf)
		return;
	X509_free(leaf->cert);
	free(leaf);
}

static bool leaf_is(const struct table_node *node, const void *key)
{
	return same_name(&table_entry_const(node, struct leaf, node)->name,
			 key);
}

static void leaf_evict(struct table_node *node, void *arg)
{
	(void)arg;
	leaf_free(table_entry(node, struct leaf, node));
}

static const struct table_ops leaf_ops = { leaf_is, leaf_evict };

/* Drops what is there; @cert takes its place if there is memory for it. */
static void leaf_keep(struct ca *ca, const struct domain *name, X509 *cert)
{
	uint64_t hash = table_hash(&ca->leaves, name->name, name->len);
	struct table_node *old = table_find(&ca->leaves, hash, name);
	struct leaf *leaf = calloc(1, sizeof(*leaf));

	if (old) {
		table_remove(&ca->leaves, old);
		leaf_evict(old, NULL);
	}
	if (!leaf || !mint_time(&leaf->from, X509_get0_notBefore(cert)) ||
	    !mint_time(&leaf->until, X509_get0_notAfter(cert)) ||
	    !X509_up_ref(cert)) {
		leaf_free(leaf);
		return;
	}
	leaf->until -= CA_RENEW_S;
	leaf->cert = cert;
	leaf->name = *name;
	table_insert(&ca->leaves, &leaf->node, hash);
}

static X509 *leaf_kept(struct ca *ca, const struct domain *name)
{
	uint64_t hash = table_hash(&ca->leaves, name->name, name->len);
	struct table_node *node = table_find(&ca->leaves, hash, name);
	struct leaf *leaf;
	time_t now = time(NULL);

	if (!node)
		return NULL;
	leaf = table_entry(node, struct leaf, node);
	if (now >= leaf->from && now < leaf->until)
		return leaf->cert;
	table_remove(&ca->leaves, node);
	leaf_free(leaf);
	return NULL;
}

/* --- who waits for what --- */

static bool ask_is(const struct table_node *node, const void *key)
{
	const struct ask *ask = table_entry_const(node, struct ask, node);
	const struct ask_key *wanted = key;

	return ask->quota == wanted->quota &&
	       same_name(&ask->name, wanted->name);
}

static void ask_evict(struct table_node *node, void *arg)
{
	(void)arg;
	free(table_entry(node, struct ask, node));
}

static const struct table_ops ask_ops = { ask_is, ask_evict };

static void wait_for(struct ask *ask, struct ca_wait *wait)
{
	wait->asked = ask;
	TAILQ_INSERT_TAIL(&ask->waits, wait, link);
}

static void waits_move(struct ask *to, struct ask *from)
{
	struct ca_wait *wait;

	TAILQ_FOREACH (wait, &from->waits, link)
		wait->asked = to;
	TAILQ_CONCAT(&to->waits, &from->waits, link);
}

/* Each may call back into ca, also to forget another of the same @ask. */
static void waits_call(struct ask *ask, X509 *leaf)
{
	struct ca_wait *wait;

	while ((wait = TAILQ_FIRST(&ask->waits))) {
		TAILQ_REMOVE(&ask->waits, wait, link);
		wait->asked = NULL;
		wait->done(wait, leaf);
	}
}

/* Soon and from the event loop, never from within the call that asked. */
static void refuse_soon(struct ca *ca)
{
	const struct timeval now = { 0, 0 };

	if (!TAILQ_EMPTY(&ca->refused.waits) && event_add(ca->refusing, &now))
		log_err("ca: cannot tell who waits that there is no leaf");
}

static void on_refusing(evutil_socket_t fd, short what, void *arg)
{
	struct ca *ca = arg;

	(void)fd;
	(void)what;
	/* One who asks again from its callback waits for the next round. */
	waits_move(&ca->refused_now, &ca->refused);
	waits_call(&ca->refused_now, NULL);
}

static void ask_remove(struct ca *ca, struct ask *ask)
{
	if (ca->unsent == ask)
		ca->unsent = TAILQ_NEXT(ask, link);
	TAILQ_REMOVE(&ca->queue, ask, link);
	table_remove(&ca->asks, &ask->node);
}

/* The signer is gone, or cannot be trusted to be the signer. For good. */
static void ca_lose(struct ca *ca, const char *why)
{
	struct ask *ask;

	log_err("ca: no more leaves: %s", why);
	(void)event_del(ca->readable);
	(void)event_del(ca->writable);
	(void)close(ca->channel);
	ca->channel = -1;
	while ((ask = TAILQ_FIRST(&ca->queue))) {
		ask_remove(ca, ask);
		waits_move(&ca->refused, ask);
		free(ask);
	}
	refuse_soon(ca);
}

/* --- the channel --- */

static void ca_send(struct ca *ca)
{
	uint8_t bytes[SIGNER_REQUEST_MAX];

	while (ca->unsent) {
		const struct signer_request request = {
			.message = SIGNER_SIGN,
			.id = ca->unsent->id,
			.quota = ca->unsent->quota,
			.name = ca->unsent->name,
		};
		size_t len = signer_request_write(&request, bytes);
		ssize_t n = send(ca->channel, bytes, len,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			ca_lose(ca, strerror(errno));
			return;
		}
		ca->unsent = TAILQ_NEXT(ca->unsent, link);
	}
	if (ca->unsent && event_add(ca->writable, NULL) < 0)
		ca_lose(ca, "cannot wait for the signer");
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ca_send(arg);
}

/* All of @c as one certificate; NULL if it is anything else. */
static X509 *read_certificate(struct cursor *c)
{
	size_t len = cursor_left(c);
	const uint8_t *bytes = cursor_bytes(c, len), *at = bytes;
	X509 *cert;

	if (!bytes)
		return NULL;
	cert = d2i_X509(NULL, &at, (long)len);
	if (cert && at != bytes + len) {
		X509_free(cert);
		cert = NULL;
	}
	return cert;
}

/* False if it is no answer to what was asked first. */
static bool ca_answer(struct ca *ca, const uint8_t *bytes, size_t len)
{
	struct cursor answer = cursor_over(bytes, len);
	uint8_t type = cursor_u8(&answer);
	uint32_t id = cursor_u32(&answer);
	uint8_t status = cursor_u8(&answer);
	struct ask *ask = TAILQ_FIRST(&ca->queue);
	X509 *leaf = NULL;

	if (answer.failed || type != SIGNER_SIGN || !ask || ask == ca->unsent ||
	    id != ask->id)
		return false;
	if (status == SIGNER_SIGNED) {
		leaf = read_certificate(&answer);
		if (!leaf)
			return false;
		leaf_keep(ca, &ask->name, leaf);
	} else if (cursor_left(&answer) > 0) {
		return false;
	}
	ask_remove(ca, ask);
	waits_call(ask, leaf);
	free(ask);
	X509_free(leaf);
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ca *ca = arg;
	uint8_t bytes[SIGNER_ANSWER_MAX + 1]; /* longer ones are cut there */

	(void)fd;
	(void)what;
	for (int i = 0; i < CA_READS && ca->channel >= 0; i++) {
		ssize_t n =
			recv(ca->channel, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			ca_lose(ca, strerror(errno));
		else if (n == 0)
			ca_lose(ca, "the signer is gone");
		else if (n > SIGNER_ANSWER_MAX ||
			 !ca_answer(ca, bytes, (size_t)n))
			ca_lose(ca, "the signer's answer makes no sense");
	}
}

/* Blocks, CA_HELLO_WAIT_MS at most. Returns 0 or -errno. */
static int ca_greet(struct ca *ca)
{
	struct signer_request request = { .message = SIGNER_HELLO };
	uint8_t bytes[SIGNER_ANSWER_MAX + 1];
	struct pollfd polled = { .fd = ca->channel, .events = POLLIN };
	struct cursor answer;
	ssize_t n;
	int ready;

	if (!mint_spki(request.spki, ca->leaf_key))
		return -ENOMEM;
	if (send(ca->channel, bytes, signer_request_write(&request, bytes),
		 MSG_NOSIGNAL) < 0)
		return -errno;
	do
		ready = poll(&polled, 1, CA_HELLO_WAIT_MS);
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return -errno;
	if (ready == 0)
		return -ETIMEDOUT;
	n = recv(ca->channel, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -EPIPE;
	if (n > SIGNER_ANSWER_MAX)
		return -EPROTO;
	answer = cursor_over(bytes, (size_t)n);
	if (cursor_u8(&answer) != SIGNER_HELLO)
		return -EPROTO;
	ca->certificate = read_certificate(&answer);
	return ca->certificate ? 0 : -EPROTO;
}

static char *format_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes, *pem = NULL;
	long len;

	if (!bio || !PEM_write_bio_X509(bio, cert))
		goto out;
	len = BIO_get_mem_data(bio, &bytes);
	if (len > 0)
		pem = strndup(bytes, (size_t)len);
out:
	BIO_free(bio);
	return pem;
}

/* --- */

struct ca *ca_new(int channel)
{
	struct ca *ca = calloc(1, sizeof(*ca));
	int rc = -ENOMEM;

	if (!ca) {
		(void)close(channel);
		return NULL;
	}
	ca->channel = channel;
	TAILQ_INIT(&ca->queue);
	TAILQ_INIT(&ca->refused.waits);
	TAILQ_INIT(&ca->refused_now.waits);
	ca->leaf_key = mint_key();
	if (!ca->leaf_key)
		goto fail;
	rc = table_init(&ca->leaves, CA_LEAVES_MAX, &leaf_ops, NULL);
	if (rc == 0)
		rc = table_init(&ca->asks, CA_WAITS_MAX, &ask_ops, NULL);
	if (rc == 0)
		rc = ca_greet(ca);
	if (rc < 0)
		goto fail;
	rc = -ENOMEM;
	ca->pem = format_pem(ca->certificate);
	if (!ca->pem)
		goto fail;
	return ca;
fail:
	log_err("ca: cannot greet the signer: %s", strerror(-rc));
	ca_free(ca);
	return NULL;
}

int ca_start(struct ca *ca, struct event_base *base)
{
	assert(!ca->refusing);
	ca->readable = event_new(base, ca->channel, EV_READ | EV_PERSIST,
				 on_readable, ca);
	ca->writable = event_new(base, ca->channel, EV_WRITE, on_writable, ca);
	ca->refusing = event_new(base, -1, 0, on_refusing, ca);
	if (!ca->readable || !ca->writable || !ca->refusing ||
	    event_add(ca->readable, NULL) < 0)
		return -ENOMEM;
	return 0;
}

void ca_free(struct ca *ca)
{
	if (!ca)
		return;
	if (ca->refusing)
		event_free(ca->refusing);
	if (ca->writable)
		event_free(ca->writable);
	if (ca->readable)
		event_free(ca->readable);
	if (ca->channel >= 0)
		(void)close(ca->channel);
	table_done(&ca->asks);
	table_done(&ca->leaves);
	free(ca->pem);
	X509_free(ca->certificate);
	EVP_PKEY_free(ca->leaf_key);
	free(ca);
}

/* The ask that @wait can join or start; NULL if no more fit. */
static struct ask *ca_ask(struct ca *ca, const struct domain *name,
			  enum ca_quota quota)
{
	const struct ask_key key = { name, quota };
	uint64_t hash = table_hash(&ca->asks, name->name, name->len);
	struct table_node *node = table_find(&ca->asks, hash, &key);
	struct ask *ask;

	if (node)
		return table_entry(node, struct ask, node);
	if (ca->asks.n == CA_WAITS_MAX)
		return NULL;
	ask = calloc(1, sizeof(*ask));
	if (!ask)
		return NULL;
	ask->id = ca->next_id++;
	ask->quota = quota;
	ask->name = *name;
	TAILQ_INIT(&ask->waits);
	table_insert(&ca->asks, &ask->node, hash);
	TAILQ_INSERT_TAIL(&ca->queue, ask, link);
	if (!ca->unsent)
		ca->unsent = ask;
	return ask;
}

X509 *ca_leaf(struct ca *ca, const struct domain *name, enum ca_quota quota,
	      struct ca_wait *wait)
{
	X509 *leaf = leaf_kept(ca, name);
	struct ask *ask = NULL;

	assert(ca->refusing && !wait->asked);
	if (leaf)
		return leaf;
	if (ca->channel >= 0)
		ask = ca_ask(ca, name, quota);
	if (!ask) {
		wait_for(&ca->refused, wait);
		refuse_soon(ca);
		return NULL;
	}
	wait_for(ask, wait);
	ca_send(ca);
	return NULL;
}

void ca_forget(struct ca *ca, struct ca_wait *wait)
{
	struct ask *ask = wait->asked;

	(void)ca;
	if (!ask)
		return;
	/* The answer is kept all the same when it comes. */
	TAILQ_REMOVE(&ask->waits, wait, link);
	wait->asked = NULL;
}

EVP_PKEY *ca_leaf_key(const struct ca *ca)
{
	return ca->leaf_key;
}

X509 *ca_certificate(const struct ca *ca)
{
	return ca->certificate;
}

const char *ca_pem(const struct ca *ca)
{
	return ca->pem;
}
