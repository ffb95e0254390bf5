#include "sessions.h"

#include "clock.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

struct session {
	struct table_node node;
	struct domain name;
	SSL_SESSION *tls;
	int64_t until_ms;
};

struct sessions {
	SSL_CTX *context;
	struct table table;
};

static bool session_is(const struct table_node *node, const void *key)
{
	const struct domain *wanted = key;
	const struct domain *ours =
		&table_entry_const(node, struct session, node)->name;

	return ours->len == wanted->len &&
	       memcmp(ours->name, wanted->name, wanted->len) == 0;
}

static void session_evict(struct table_node *node, void *arg)
{
	struct session *session = table_entry(node, struct session, node);

	(void)arg;
	SSL_SESSION_free(session->tls);
	free(session);
}

static struct session *find(struct sessions *sessions,
			    const struct domain *name)
{
	uint64_t hash = table_hash(&sessions->table, name->name, name->len);
	struct table_node *node = table_find(&sessions->table, hash, name);

	return node ? table_entry(node, struct session, node) : NULL;
}

/* The place of @name, empty if it is new; NULL for want of memory. */
static struct session *place(struct sessions *sessions,
			     const struct domain *name)
{
	struct session *session = find(sessions, name);

	if (session)
		return session;
	session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;
	session->name = *name;
	table_insert(&sessions->table, &session->node,
		     table_hash(&sessions->table, name->name, name->len));
	return session;
}

/*
 * OpenSSL has a new session, which comes with TLS 1.3 some time after the
 * handshake. What is kept is a copy: OpenSSL spoils its own where a connection
 * is closed without close_notify. To return 0 is to leave it that one.
 */
static int session_made(SSL *ssl, SSL_SESSION *tls)
{
	struct sessions *sessions = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const char *text = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct domain name;
	struct session *session;

	if (!sessions || !text || SSL_get_verify_result(ssl) != X509_V_OK ||
	    !domain_parse(&name, text, strlen(text)))
		return 0;
	session = place(sessions, &name);
	if (!session)
		return 0;
	SSL_SESSION_free(session->tls);
	session->tls = SSL_SESSION_dup(tls);
	session->until_ms = clock_ms() + 1000 * (int64_t)SESSIONS_S;
	return 0;
}

struct sessions *sessions_new(SSL_CTX *tls)
{
	static const struct table_ops ops = { session_is, session_evict };
	struct sessions *sessions = calloc(1, sizeof(*sessions));

	if (!sessions)
		return NULL;
	if (table_init(&sessions->table, SESSIONS_MAX, &ops, NULL) < 0) {
		free(sessions);
		return NULL;
	}
	sessions->context = tls;
	SSL_CTX_set_app_data(tls, sessions);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT |
						    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(tls, session_made);
	return sessions;
}

void sessions_free(struct sessions *sessions)
{
	if (!sessions)
		return;
	SSL_CTX_set_app_data(sessions->context, NULL);
	table_done(&sessions->table);
	free(sessions);
}

bool sessions_offer(struct sessions *sessions, SSL *ssl,
		    const struct domain *name)
{
	const struct session *session = find(sessions, name);

	return !session || !session->tls || session->until_ms <= clock_ms() ||
	       SSL_set_session(ssl, session->tls);
}

void sessions_clear(struct sessions *sessions)
{
	table_clear(&sessions->table);
}
