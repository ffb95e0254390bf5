#include "resolver.h"

#include "buffer.h"
#include "clock.h"
#include "log.h"
#include "lookup.h"
#include "repeats.h"
#include "special_use.h"
#include "table.h"
#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAMS 32 /* read in one turn of the loop */
#define ACCEPTS 8    /* likewise */
#define NEGATIVE_TTL_S 10
#define REFUSAL_TTL_S 5  /* short: a manifest may change */
#define VIRTUAL_TTL_S 60 /* it never changes, but its rules may */
#define IDLE_MS 10000    /* of a TCP connection; RFC 7766 6.2.3 */
#define SWEEP_MS 2000 /* between looks at answers that are still to be told */
/* An answer over TCP: RECORDS_MAX owners and the like, and their data. */
#define REPLY_MAX (2048 + RECORDS_BYTES_MAX)

/* A question over UDP came so, and its answer goes back the same way. */
struct datagram {
	int fd;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	struct in_pktinfo to4; /* the address it was sent to */
	struct in6_pktinfo to6;
};

struct connection {
	TAILQ_ENTRY(connection) link;
	struct resolver *resolver;
	struct stream stream;
	struct address agent;
	uint16_t agent_port;
	struct buffer in, out;
	struct event *idle;
	unsigned n_jobs; /* questions on their way */
	bool dead;       /* freed when the last of them is answered */
};

/* A question whose answer has to be looked up. */
struct job {
	TAILQ_ENTRY(job) link;
	struct resolver *resolver;
	struct lookup_wait wait;
	struct dns_query query;
	struct datagram datagram; /* where @connection is NULL */
	struct connection *connection;
	struct address agent;
	uint16_t agent_port;
};

/* A question read, and an answer to be sent, together with others. */
struct received {
	uint8_t bytes[DNS_UDP_MAX + 1];
	struct iovec iov;
	struct sockaddr_storage peer;
	union {
		size_t align; /* as struct cmsghdr wants it */
		char bytes[256];
	} control;
};

struct gathered {
	int fd;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	uint8_t bytes[DNS_UDP_MAX];
	size_t len;
	union {
		size_t align;
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	size_t control_len;
};

struct resolver {
	struct worker *worker;
	struct event *events[4]; /* UDP 4, UDP 6, TCP 4, TCP 6 */
	TAILQ_HEAD(, job) jobs;
	size_t n_jobs;
	TAILQ_HEAD(, connection) connections;
	size_t n_connections;
	struct repeats repeats;
	struct event *sweep;
	struct received received[DATAGRAMS];
	struct mmsghdr rooms[DATAGRAMS]; /* of these */
	struct gathered gathered[DATAGRAMS];
	size_t n_gathered;
	bool gathering; /* answers wait for the end of the turn */
};

/* Who asks, and how the answer gets back. */
struct asker {
	struct resolver *resolver;
	struct datagram *datagram; /* or */
	struct connection *connection;
	const struct address *agent;
	uint16_t agent_port;
	bool waited; /* its answer was not known */
};

/* --- out --- */

static void connection_free(struct connection *connection)
{
	struct resolver *resolver = connection->resolver;

	if (connection->stream.fd >= 0)
		stream_close(&connection->stream, false);
	buffer_done(&connection->in);
	buffer_done(&connection->out);
	if (connection->idle)
		event_free(connection->idle);
	TAILQ_REMOVE(&resolver->connections, connection, link);
	resolver->n_connections--;
	free(connection);
}

/* Closes now, frees once no question of its is on the way. */
static void connection_close(struct connection *connection)
{
	connection->dead = true;
	if (connection->stream.event)
		event_del(connection->stream.event);
	if (connection->n_jobs == 0)
		connection_free(connection);
}

/* Sends the answers that have been gathered. */
static void send_gathered(struct resolver *resolver)
{
	struct mmsghdr messages[DATAGRAMS];
	struct iovec iovs[DATAGRAMS];
	size_t n = resolver->n_gathered, sent = 0;

	memset(messages, 0, n * sizeof(*messages));
	for (size_t i = 0; i < n; i++) {
		struct gathered *gathered = &resolver->gathered[i];

		iovs[i] = (struct iovec){ gathered->bytes, gathered->len };
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &gathered->peer,
			.msg_namelen = gathered->peer_len,
			.msg_iov = &iovs[i],
			.msg_iovlen = 1,
			.msg_control = gathered->control.bytes,
			.msg_controllen = gathered->control_len,
		};
	}
	/* All are of one socket. One that cannot be sent is passed over. */
	while (sent < n) {
		int done = sendmmsg(resolver->gathered[0].fd, messages + sent,
				    (unsigned)(n - sent),
				    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0)
			log_debug("resolver: an answer was lost: %s",
				  strerror(errno));
		sent += done > 0 ? (size_t)done : 1;
	}
	resolver->n_gathered = 0;
}

static void send_datagram(struct resolver *resolver, const struct datagram *to,
			  const uint8_t *bytes, size_t len)
{
	struct gathered *gathered;
	struct cmsghdr *cmsg;

	if (resolver->n_gathered == DATAGRAMS)
		send_gathered(resolver);
	gathered = &resolver->gathered[resolver->n_gathered++];
	cmsg = (struct cmsghdr *)(void *)gathered->control.bytes;
	gathered->fd = to->fd;
	gathered->peer = to->peer;
	gathered->peer_len = to->peer_len;
	gathered->len = len;
	memcpy(gathered->bytes, bytes, len);
	memset(&gathered->control, 0, sizeof(gathered->control));
	/* From the address that was asked, which need not be the first. */
	if (to->peer.ss_family == AF_INET) {
		cmsg->cmsg_level = IPPROTO_IP;
		cmsg->cmsg_type = IP_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(to->to4));
		memcpy(CMSG_DATA(cmsg), &to->to4, sizeof(to->to4));
		gathered->control_len = CMSG_SPACE(sizeof(to->to4));
	} else {
		cmsg->cmsg_level = IPPROTO_IPV6;
		cmsg->cmsg_type = IPV6_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(to->to6));
		memcpy(CMSG_DATA(cmsg), &to->to6, sizeof(to->to6));
		gathered->control_len = CMSG_SPACE(sizeof(to->to6));
	}
	if (!resolver->gathering)
		send_gathered(resolver);
}

/* False if the connection is of no more use. */
static bool flush(struct connection *connection)
{
	ssize_t n;

	while (connection->out.len > 0) {
		n = buffer_flush(&connection->out, &connection->stream);
		if (n == -EAGAIN)
			return true;
		if (n < 0)
			return false;
	}
	return true;
}

static void send_over_tcp(struct connection *connection, const uint8_t *bytes,
			  size_t len)
{
	const uint8_t prefix[2] = { (uint8_t)(len >> 8), (uint8_t)len };

	if (connection->dead)
		return;
	/* What does not fit in memory is lost, as a datagram would be. */
	if (buffer_add(&connection->out, prefix, sizeof(prefix)) < 0 ||
	    buffer_add(&connection->out, bytes, len) < 0 || !flush(connection))
		connection->dead = true;
}

static void reply(const struct asker *asker, const struct dns_query *query,
		  const struct dns_answer *answer)
{
	uint8_t bytes[REPLY_MAX];
	size_t cap = asker->connection ? sizeof(bytes) : query->udp_size;
	size_t len;

	if (cap > sizeof(bytes))
		cap = sizeof(bytes);
	len = dns_answer_write(bytes, cap, query, answer);
	if (len == 0)
		return;
	if (asker->connection)
		send_over_tcp(asker->connection, bytes, len);
	else
		send_datagram(asker->resolver, asker->datagram, bytes, len);
}

/* --- the record --- */

static const char *type_name(uint16_t type, char text[16])
{
	const char *name = dns_type_name(type);

	if (name)
		return name;
	(void)snprintf(text, 16, "TYPE%u", type);
	return text;
}

/* Of answers that are alike. */
static void record_repeat(void *arg, const struct repeat *repeat)
{
	const struct resolver *resolver = arg;
	char type[16];
	struct audit_event event = {
		.event = "dns",
		.judged = true,
		.verdict = repeat->verdict,
		.reason = repeat->reason,
		.refusal = repeat->id[0] ? repeat->id : NULL,
		.protocol = repeat->over_tcp ? "tcp" : "udp",
		.name = &repeat->name,
		.asked = repeat->asked.name,
		.type = repeat->type ? type_name(repeat->type, type) : NULL,
		.agent = &repeat->agent,
		.agent_port = repeat->agent_port,
		.line = repeat->line,
		.count = repeat->count,
		.detail = repeat->detail[0] ? repeat->detail : NULL,
	};

	(void)audit_write(&resolver->worker->audit, &event);
}

static void of_asker(struct repeat *repeat, const struct asker *asker,
		     const struct decision *decision)
{
	repeat->agent = *asker->agent;
	repeat->agent_port = asker->agent_port;
	repeat->over_tcp = asker->connection;
	repeat->line = decision->route ? decision->route->line : 0;
}

/*
 * Of a question that was not refused. What was asked upstream for it has a
 * line of its own.
 */
static void record(struct resolver *resolver, const struct asker *asker,
		   const struct dns_query *query,
		   const struct decision *decision, const char *detail)
{
	const struct repeat_key key = { .name = &query->name,
					.verdict = decision->verdict,
					.reason = decision->reason,
					.type = query->type,
					.detail = detail };
	struct repeat *repeat = NULL;
	struct repeat alone;
	bool is_new;

	if (!asker->waited)
		repeat = repeats_place(&resolver->repeats, &key, &is_new);
	if (repeat) {
		of_asker(repeat, asker, decision);
		repeats_count(&resolver->repeats, repeat, clock_ms());
		return;
	}
	alone = (struct repeat){ .name = query->name,
				 .verdict = decision->verdict,
				 .reason = decision->reason,
				 .type = query->type,
				 .count = 1 };
	(void)snprintf(alone.detail, sizeof(alone.detail), "%s",
		       detail ? detail : "");
	of_asker(&alone, asker, decision);
	record_repeat(resolver, &alone);
}

static void sweep(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *resolver = arg;

	(void)fd;
	(void)what;
	repeats_sweep(&resolver->repeats, clock_ms());
}

/*
 * Counts a refusal and sees to its line. The answer's text is borrowed from
 * what is returned; NULL for want of memory.
 */
static const struct repeat *refuse(struct resolver *resolver,
				   const struct asker *asker,
				   const struct dns_query *query,
				   const struct decision *decision)
{
	bool tunnel = decision->reason == REASON_DNS_TUNNEL_SUSPECT;
	/* Those names all differ; what they have in common is refused. */
	const struct domain *name =
		tunnel ? &decision->route->host.base : &query->name;
	const struct repeat_key key = { .name = name,
					.verdict = VERDICT_DENY,
					.reason = decision->reason,
					.type = tunnel ? 0 : query->type };
	struct attempt attempt = { .kind = ATTEMPT_RESOLVE, .name = name };
	char text[REFUSAL_SUMMARY_MAX];
	struct repeat *repeat;
	struct refusal refusal;
	bool is_new;

	repeat = repeats_place(&resolver->repeats, &key, &is_new);
	if (!repeat)
		return NULL;
	if (is_new && decision->reason != REASON_DNS_MALFORMED) {
		refusal_make(&refusal, resolver->worker->config->refusal_key,
			     &attempt, decision, NULL, 0);
		refusal_summary(&refusal, text);
		(void)snprintf(repeat->id, sizeof(repeat->id), "%s",
			       refusal.id);
		(void)snprintf(repeat->text, sizeof(repeat->text), "%.*s",
			       DNS_EDE_TEXT_MAX, text);
	}
	of_asker(repeat, asker, decision);
	if (tunnel)
		repeat->asked = query->name;
	repeats_count(&resolver->repeats, repeat, clock_ms());
	return repeat;
}

/* --- answers --- */

static bool has_ipv6(const struct resolver *resolver)
{
	return resolver->worker->config->redirect.gateway6.family != 0;
}

static void answer_refusal(struct resolver *resolver, const struct asker *asker,
			   const struct dns_query *query,
			   const struct decision *decision)
{
	struct worker *worker = resolver->worker;
	bool explain =
		policy_refusals(worker->policy) == POLICY_REFUSALS_EXPLAIN;
	struct dns_answer answer = {
		.rcode = DNS_NXDOMAIN,
		.ttl_s = NEGATIVE_TTL_S,
		.soa = true,
		.ede = DNS_EDE_BLOCKED,
	};
	struct address v4, v6;
	const struct repeat *repeat = refuse(resolver, asker, query, decision);

	if (repeat)
		answer.ede_text = explain ? repeat->text : repeat->id;

	pins_refusal_address(&v4, &v6);
	if (explain && special_use_of(&query->name) == SPECIAL_USE_NONE &&
	    dns_type_is_address(query->type)) {
		answer.rcode = DNS_NOERROR;
		if (query->type == DNS_TYPE_A || has_ipv6(resolver)) {
			answer.addresses =
				query->type == DNS_TYPE_A ? &v4 : &v6;
			answer.n_addresses = 1;
			answer.ttl_s = REFUSAL_TTL_S;
			answer.soa = false;
		}
	}
	reply(asker, query, &answer);
}

static void answer_plain(const struct asker *asker,
			 const struct dns_query *query, enum dns_rcode rcode,
			 bool soa, uint32_t ttl_s)
{
	const struct dns_answer answer = {
		.rcode = rcode,
		.soa = soa,
		.ttl_s = ttl_s,
		.ede = DNS_EDE_NONE,
	};

	reply(asker, query, &answer);
}

static void answer_virtual(struct resolver *resolver, const struct asker *asker,
			   const struct dns_query *query,
			   const struct decision *decision)
{
	const struct decision full = { .verdict = VERDICT_DENY,
				       .reason = REASON_OVERLOADED };
	struct address v4, v6;
	struct dns_answer answer = { .ttl_s = VIRTUAL_TTL_S,
				     .n_addresses = 1,
				     .ede = DNS_EDE_NONE };

	if (!pins_virtual(resolver->worker->pins, &query->name, &v4, &v6)) {
		record(resolver, asker, query, &full,
		       "no virtual address is left");
		answer_plain(asker, query, DNS_SERVFAIL, false, 0);
		return;
	}
	record(resolver, asker, query, decision, NULL);
	answer.addresses = query->type == DNS_TYPE_A ? &v4 : &v6;
	reply(asker, query, &answer);
}

/* Whether an address may be told to the agent: only one it could reach. */
static bool may_tell(const struct worker *worker, const struct route *route,
		     const struct address *address)
{
	enum address_class class = address_classify(address, NULL);

	if (class == ADDRESS_NEVER || pins_is_virtual(address) ||
	    (class == ADDRESS_PRIVATE && !route->private))
		return false;
	return !policy_denies_address(worker->policy, address, 0);
}

static void answer_found(struct resolver *resolver, const struct asker *asker,
			 const struct dns_query *query,
			 const struct decision *decision,
			 const struct dns_addresses *found)
{
	const struct decision private = { .verdict = VERDICT_DENY,
					  .reason = REASON_ADDRESS_PRIVATE,
					  .route = decision->route };
	struct worker *worker = resolver->worker;
	struct address told[DNS_ADDRESSES_MAX];
	struct dns_answer answer = { .addresses = told,
				     .ttl_s = found->ttl_s,
				     .ede = DNS_EDE_NONE };

	for (size_t i = 0; i < found->n; i++)
		if (may_tell(worker, decision->route, &found->list[i]))
			told[answer.n_addresses++] = found->list[i];
	if (answer.n_addresses == 0) {
		answer_refusal(resolver, asker, query, &private);
		return;
	}
	/* Before the answer is out: the agent may connect at once. */
	for (size_t i = 0; i < answer.n_addresses; i++)
		pins_add(worker->pins, &query->name, &told[i]);
	record(resolver, asker, query, decision,
	       answer.n_addresses < found->n ? "some addresses were left out"
					     : NULL);
	reply(asker, query, &answer);
}

/* Names that records lead to are told, which admits none of them. */
static void answer_records(struct resolver *resolver, const struct asker *asker,
			   const struct dns_query *query,
			   const struct decision *decision,
			   const struct records *records, uint32_t ttl_s)
{
	const struct dns_answer answer = { .records = records,
					   .ttl_s = ttl_s,
					   .ede = DNS_EDE_NONE };

	record(resolver, asker, query, decision,
	       records->left_out ? "some records were left out" : NULL);
	reply(asker, query, &answer);
}

static void answer_no_data(struct resolver *resolver, const struct asker *asker,
			   const struct dns_query *query,
			   const struct decision *decision, uint32_t ttl_s)
{
	record(resolver, asker, query, decision, "no data");
	answer_plain(asker, query, DNS_NOERROR, true, ttl_s);
}

/* Whether @query, whose name is admitted, is of a type that is. */
static bool admits_type(const struct resolver *resolver,
			const struct dns_query *query)
{
	return dns_type_is_address(query->type) ||
	       policy_admits_dns_type(resolver->worker->policy, &query->name,
				      query->type);
}

/* A name that exists is never denied by its types: NODATA. */
static void answer_unlisted_type(struct resolver *resolver,
				 const struct asker *asker,
				 const struct dns_query *query,
				 struct decision decision)
{
	decision.reason = REASON_DNS_TYPE;
	answer_no_data(resolver, asker, query, &decision, NEGATIVE_TTL_S);
}

/* @records is NULL where addresses were asked for, or nothing was found. */
static void answer_result(struct resolver *resolver, const struct asker *asker,
			  const struct dns_query *query,
			  struct decision decision, enum dns_result result,
			  const struct dns_addresses *found,
			  const struct records *records)
{
	switch (result) {
	case DNS_RESULT_FOUND:
		if (records)
			answer_records(resolver, asker, query, &decision,
				       records, found->ttl_s);
		else
			answer_found(resolver, asker, query, &decision, found);
		return;
	case DNS_RESULT_NODATA:
		answer_no_data(resolver, asker, query, &decision, found->ttl_s);
		return;
	case DNS_RESULT_NXDOMAIN:
		record(resolver, asker, query, &decision, "no such name");
		answer_plain(asker, query, DNS_NXDOMAIN, true, found->ttl_s);
		return;
	case DNS_RESULT_WITHHELD:
		decision.verdict = VERDICT_DENY;
		decision.reason = REASON_DNS_TUNNEL_SUSPECT;
		answer_refusal(resolver, asker, query, &decision);
		return;
	case DNS_RESULT_BAD:
	case DNS_RESULT_FAILED:
		break;
	}
	decision.reason = REASON_UPSTREAM_DNS;
	record(resolver, asker, query, &decision,
	       lookup_trouble(resolver->worker->lookup));
	answer_plain(asker, query, DNS_SERVFAIL, false, 0);
}

/*
 * Of a question that waited: it is judged once more, because the manifest may
 * have changed meanwhile.
 */
static void answer_waiting(struct resolver *resolver, const struct asker *asker,
			   const struct dns_query *query,
			   enum dns_result result,
			   const struct dns_addresses *found,
			   const struct records *records)
{
	struct attempt attempt = { .kind = ATTEMPT_RESOLVE,
				   .name = &query->name };
	struct decision decision =
		policy_judge(resolver->worker->policy, &attempt);

	if (decision.verdict == VERDICT_DENY)
		answer_refusal(resolver, asker, query, &decision);
	else if (!admits_type(resolver, query))
		answer_unlisted_type(resolver, asker, query, decision);
	else
		answer_result(resolver, asker, query, decision, result, found,
			      records);
}

/* --- questions --- */

/* Whether a name that is admitted may be asked for once more. */
static bool may_ask(void *arg, const struct domain *name, enum dns_type type)
{
	const struct resolver *resolver = arg;
	const struct worker *worker = resolver->worker;
	struct attempt attempt = { .kind = ATTEMPT_RESOLVE, .name = name };
	struct decision decision = policy_judge(worker->policy, &attempt);

	return decision.verdict != VERDICT_DENY && decision.route &&
	       (!decision.route->host.below ||
		pins_spend(worker->pins, &decision.route->host.base, name,
			   !dns_type_is_address((uint16_t)type), clock_ms()));
}

static void job_free(struct job *job)
{
	TAILQ_REMOVE(&job->resolver->jobs, job, link);
	job->resolver->n_jobs--;
	lookup_forget(&job->wait);
	free(job);
}

static void looked_up(struct lookup_wait *wait, enum dns_result result,
		      const struct dns_addresses *found)
{
	struct job *job = table_entry(wait, struct job, wait);
	struct connection *connection = job->connection;
	struct asker asker = { .resolver = job->resolver,
			       .datagram = &job->datagram,
			       .connection = connection,
			       .agent = &job->agent,
			       .agent_port = job->agent_port,
			       .waited = true };

	answer_waiting(job->resolver, &asker, &job->query, result, found,
		       wait->records);
	job_free(job);
	if (!connection)
		return;
	connection->n_jobs--;
	if (!connection->dead)
		/* It may have waited for room to ask more. */
		event_active(connection->stream.event, EV_READ, 0);
	else if (connection->n_jobs == 0)
		connection_free(connection);
}

static void look_up(struct resolver *resolver, const struct asker *asker,
		    const struct dns_query *query,
		    const struct decision *decision)
{
	const enum dns_type type = (enum dns_type)query->type;
	struct lookup *lookup = resolver->worker->lookup;
	struct lookup_wait wait = { 0 };
	struct dns_addresses found;
	enum dns_result result;
	struct job *job = NULL;

	if (lookup_known(lookup, &query->name, type, &wait, &result, &found)) {
		answer_result(resolver, asker, query, *decision, result, &found,
			      wait.records);
		return;
	}
	if (resolver->n_jobs < RESOLVER_JOBS_MAX)
		job = calloc(1, sizeof(*job));
	if (!job) {
		answer_plain(asker, query, DNS_SERVFAIL, false, 0);
		return;
	}
	job->resolver = resolver;
	job->wait.done = looked_up;
	job->query = *query;
	job->agent = *asker->agent;
	job->agent_port = asker->agent_port;
	job->connection = asker->connection;
	if (asker->datagram)
		job->datagram = *asker->datagram;
	TAILQ_INSERT_TAIL(&resolver->jobs, job, link);
	resolver->n_jobs++;
	if (lookup_ask(lookup, &query->name, type, &job->wait, &result,
		       &found)) {
		answer_result(resolver, asker, query, *decision, result, &found,
			      job->wait.records);
		job_free(job);
	} else if (asker->connection) {
		asker->connection->n_jobs++;
	}
}

/* What needs neither policy nor world: true if it was answered. */
static bool answer_special(struct resolver *resolver, const struct asker *asker,
			   const struct dns_query *query)
{
	static const struct address loopback[2] = {
		{ .family = AF_INET, .bytes = { 127, 0, 0, 1 } },
		{ .family = AF_INET6, .bytes = { [15] = 1 } },
	};
	const struct decision local = { .verdict = VERDICT_INTERCEPT,
					.reason = REASON_ALLOWED };
	const struct dns_answer answer = { .addresses = loopback,
					   .n_addresses = 2,
					   .ttl_s = VIRTUAL_TTL_S,
					   .ede = DNS_EDE_NONE };

	if (special_use_of(&query->name) != SPECIAL_USE_LOOPBACK)
		return false;
	record(resolver, asker, query, &local, "its own loopback");
	if (dns_type_is_address(query->type))
		reply(asker, query, &answer);
	else
		answer_plain(asker, query, DNS_NOERROR, true, NEGATIVE_TTL_S);
	return true;
}

static void handle_query(struct resolver *resolver, const struct asker *asker,
			 const struct dns_query *query)
{
	struct worker *worker = resolver->worker;
	struct attempt attempt = { .kind = ATTEMPT_RESOLVE,
				   .name = &query->name };
	struct decision decision = { .verdict = VERDICT_DENY };

	if (audit_is_blind(&worker->audit))
		decision.reason = REASON_UNRECORDABLE;
	else if (query->name.len == 0)
		decision.reason = REASON_NAME_INVALID;
	else
		decision = policy_judge(worker->policy, &attempt);
	/* Of the agent's own host, whatever the policy says of it. */
	if (decision.reason != REASON_UNRECORDABLE &&
	    decision.reason != REASON_NAME_INVALID &&
	    answer_special(resolver, asker, query))
		return;
	if (decision.verdict == VERDICT_DENY) {
		answer_refusal(resolver, asker, query, &decision);
		return;
	}
	if (special_use_of(&query->name) == SPECIAL_USE_NEVER) {
		record(resolver, asker, query, &decision, "no such name");
		answer_plain(asker, query, DNS_NXDOMAIN, true, NEGATIVE_TTL_S);
		return;
	}
	if (!admits_type(resolver, query)) {
		answer_unlisted_type(resolver, asker, query, decision);
		return;
	}
	if (query->type == DNS_TYPE_AAAA && !has_ipv6(resolver)) {
		answer_no_data(resolver, asker, query, &decision,
			       NEGATIVE_TTL_S);
		return;
	}
	if (dns_type_is_address(query->type) &&
	    policy_wants_virtual(worker->policy, &query->name))
		answer_virtual(resolver, asker, query, &decision);
	else
		look_up(resolver, asker, query, &decision);
}

static void handle_message(struct resolver *resolver, const struct asker *asker,
			   const uint8_t *bytes, size_t len)
{
	const struct decision malformed = { .verdict = VERDICT_DENY,
					    .reason = REASON_DNS_MALFORMED };
	enum dns_rcode rcode = DNS_FORMERR;
	struct dns_query query;

	switch (dns_query_parse(bytes, len, &query, &rcode)) {
	case DNS_PARSED_DROP:
		return;
	case DNS_PARSED_ERROR:
		(void)refuse(resolver, asker, &query, &malformed);
		answer_plain(asker, &query, rcode, false, 0);
		return;
	case DNS_PARSED_QUERY:
		handle_query(resolver, asker, &query);
		return;
	}
}

/* --- UDP --- */

/* The address a datagram was sent to, out of its control data. */
static void read_pktinfo(struct msghdr *message, struct datagram *datagram)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(message); cmsg;
	     cmsg = CMSG_NXTHDR(message, cmsg)) {
		if (cmsg->cmsg_level == IPPROTO_IP &&
		    cmsg->cmsg_type == IP_PKTINFO)
			memcpy(&datagram->to4, CMSG_DATA(cmsg),
			       sizeof(datagram->to4));
		else if (cmsg->cmsg_level == IPPROTO_IPV6 &&
			 cmsg->cmsg_type == IPV6_PKTINFO)
			memcpy(&datagram->to6, CMSG_DATA(cmsg),
			       sizeof(datagram->to6));
	}
	datagram->to4.ipi_ifindex = 0;
	/* ipi_spec_dst is the local address to answer from. */
	datagram->to4.ipi_addr.s_addr = 0;
}

/* One question out of those that were read at once. */
static void handle_datagram(struct resolver *resolver, int fd,
			    struct mmsghdr *message)
{
	struct msghdr *header = &message->msg_hdr;
	struct datagram datagram = { .fd = fd,
				     .peer_len = header->msg_namelen };
	struct address agent;
	struct asker asker = { .resolver = resolver,
			       .datagram = &datagram,
			       .agent = &agent };

	/* No sound question is longer than this. */
	if (message->msg_len > DNS_UDP_MAX || header->msg_flags & MSG_TRUNC)
		return;
	memcpy(&datagram.peer, header->msg_name, header->msg_namelen);
	read_pktinfo(header, &datagram);
	if (address_from_sockaddr(&agent, &asker.agent_port,
				  (const struct sockaddr *)&datagram.peer))
		handle_message(resolver, &asker, header->msg_iov->iov_base,
			       message->msg_len);
}

/* Makes room @i ready for the next datagram. */
static void ready_room(struct resolver *resolver, size_t i)
{
	struct received *received = &resolver->received[i];

	received->iov =
		(struct iovec){ received->bytes, sizeof(received->bytes) };
	resolver->rooms[i].msg_hdr = (struct msghdr){
		.msg_name = &received->peer,
		.msg_namelen = sizeof(received->peer),
		.msg_iov = &received->iov,
		.msg_iovlen = 1,
		.msg_control = received->control.bytes,
		.msg_controllen = sizeof(received->control.bytes),
	};
}

static void datagrams(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *resolver = arg;
	int n = recvmmsg(fd, resolver->rooms, DATAGRAMS, MSG_DONTWAIT, NULL);

	(void)what;
	resolver->gathering = true;
	for (int i = 0; i < n; i++) {
		handle_datagram(resolver, fd, &resolver->rooms[i]);
		ready_room(resolver, (size_t)i);
	}
	resolver->gathering = false;
	if (resolver->n_gathered > 0)
		send_gathered(resolver);
}

/* --- TCP --- */

static void touch(struct connection *connection)
{
	const struct timeval left = clock_span(IDLE_MS);

	evtimer_add(connection->idle, &left);
}

/* One message out of what has come. False if there is not a whole one. */
static bool next_message(struct connection *connection)
{
	const uint8_t *bytes = (const uint8_t *)buffer_data(&connection->in);
	struct asker asker = { .resolver = connection->resolver,
			       .connection = connection,
			       .agent = &connection->agent,
			       .agent_port = connection->agent_port };
	size_t len;

	if (connection->in.len < 2)
		return false;
	len = (size_t)bytes[0] << 8 | bytes[1];
	if (connection->in.len < 2 + len)
		return false;
	handle_message(connection->resolver, &asker, bytes + 2, len);
	buffer_drop(&connection->in, 2 + len);
	return true;
}

static void connection_changed(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;

	(void)fd;
	(void)what;
	while (!connection->dead) {
		ssize_t n;

		if (!flush(connection))
			break;
		/* Answers that are not taken hold up the questions. */
		if (connection->out.len > 0 ||
		    connection->n_jobs >= RESOLVER_PIPELINE_MAX)
			return;
		if (next_message(connection)) {
			touch(connection);
			continue;
		}
		if (connection->in.len > DNS_UDP_MAX)
			break; /* no sound question is so long */
		n = buffer_fill(&connection->in, &connection->stream);
		if (n == -EAGAIN)
			return;
		if (n <= 0)
			break;
	}
	connection_close(connection);
}

static void connection_idle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	connection_close(arg);
}

static void connection_start(struct resolver *resolver, int fd,
			     const struct sockaddr_storage *sa)
{
	struct connection *connection = NULL;

	if (resolver->n_connections < RESOLVER_CONNECTIONS_MAX)
		connection = calloc(1, sizeof(*connection));
	if (!connection) {
		close(fd);
		return;
	}
	connection->resolver = resolver;
	connection->stream.fd = -1;
	TAILQ_INSERT_TAIL(&resolver->connections, connection, link);
	resolver->n_connections++;
	connection->idle = evtimer_new(resolver->worker->base, connection_idle,
				       connection);
	if (!connection->idle ||
	    !address_from_sockaddr(&connection->agent, &connection->agent_port,
				   (const struct sockaddr *)sa)) {
		close(fd);
		connection_free(connection);
		return;
	}
	stream_tune(fd);
	if (stream_open(&connection->stream, resolver->worker->base, fd,
			connection_changed, connection) < 0) {
		connection_free(connection);
		return;
	}
	touch(connection);
}

static void acceptable(evutil_socket_t listening, short what, void *arg)
{
	struct resolver *resolver = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage sa = { 0 };
		socklen_t len = sizeof(sa);
		int fd = accept4(listening, (struct sockaddr *)&sa, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		connection_start(resolver, fd, &sa);
	}
}

struct resolver *resolver_new(struct worker *worker,
			      const struct worker_listeners *listeners)
{
	const int fds[4] = { listeners->dns4, listeners->dns6,
			     listeners->dnstcp4, listeners->dnstcp6 };
	const struct timeval every = clock_span(SWEEP_MS);
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return NULL;
	resolver->worker = worker;
	TAILQ_INIT(&resolver->jobs);
	for (size_t i = 0; i < DATAGRAMS; i++)
		ready_room(resolver, i);
	TAILQ_INIT(&resolver->connections);
	resolver->sweep =
		event_new(worker->base, -1, EV_PERSIST, sweep, resolver);
	if (repeats_init(&resolver->repeats, record_repeat, resolver) < 0 ||
	    !resolver->sweep || evtimer_add(resolver->sweep, &every) < 0) {
		resolver_free(resolver);
		return NULL;
	}
	lookup_gate(worker->lookup, may_ask, resolver);
	for (int i = 0; i < 4; i++) {
		if (fds[i] < 0)
			continue;
		resolver->events[i] =
			event_new(worker->base, fds[i], EV_READ | EV_PERSIST,
				  i < 2 ? datagrams : acceptable, resolver);
		if (!resolver->events[i] ||
		    event_add(resolver->events[i], NULL) < 0) {
			resolver_free(resolver);
			return NULL;
		}
	}
	return resolver;
}

void resolver_free(struct resolver *resolver)
{
	struct connection *connection, *next_connection;
	struct job *job, *next_job;

	if (!resolver)
		return;
	for (job = TAILQ_FIRST(&resolver->jobs); job; job = next_job) {
		next_job = TAILQ_NEXT(job, link);
		job_free(job);
	}
	for (connection = TAILQ_FIRST(&resolver->connections); connection;
	     connection = next_connection) {
		next_connection = TAILQ_NEXT(connection, link);
		connection_free(connection);
	}
	for (int i = 0; i < 4; i++) {
		if (!resolver->events[i])
			continue;
		close(event_get_fd(resolver->events[i]));
		event_free(resolver->events[i]);
	}
	lookup_gate(resolver->worker->lookup, NULL, NULL);
	if (resolver->sweep)
		event_free(resolver->sweep);
	repeats_done(&resolver->repeats);
	free(resolver);
}
