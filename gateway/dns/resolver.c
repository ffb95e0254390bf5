#include "resolver.h"

#include "clock.h"
#include "lookup.h"
#include "repeats.h"
#include "server.h"
#include "special_use.h"
#include "table.h"
#include "worker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEGATIVE_TTL_S 10
#define REFUSAL_TTL_S 5  /* short: a manifest may change */
#define VIRTUAL_TTL_S 60 /* it never changes, but its rules may */
#define SWEEP_MS 2000 /* between looks at answers that are still to be told */
/* An answer over TCP: RECORDS_MAX owners and the like, and their data. */
#define REPLY_MAX (2048 + RECORDS_BYTES_MAX)

/* A question whose answer has to be looked up. */
struct job {
	TAILQ_ENTRY(job) link;
	struct resolver *resolver;
	struct lookup_wait wait;
	struct dns_query query;
	struct server_asker asker; /* held */
};

struct resolver {
	struct worker *worker;
	struct server *server;
	TAILQ_HEAD(, job) jobs;
	size_t n_jobs;
	struct repeats repeats;
	struct event *sweep;
};

struct asker {
	const struct server_asker *from;
	bool waited; /* its answer was not known */
};

static void reply(const struct asker *asker, const struct dns_query *query,
		  const struct dns_answer *answer)
{
	uint8_t bytes[REPLY_MAX];
	size_t cap = asker->from->connection ? sizeof(bytes) : query->udp_size;
	size_t len;

	if (cap > sizeof(bytes))
		cap = sizeof(bytes);
	len = dns_answer_write(bytes, cap, query, answer);
	if (len > 0)
		server_reply(asker->from, bytes, len);
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
	repeat->agent = asker->from->agent;
	repeat->agent_port = asker->from->agent_port;
	repeat->over_tcp = asker->from->connection;
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
	server_release(&job->asker);
	free(job);
}

static void looked_up(struct lookup_wait *wait, enum dns_result result,
		      const struct dns_addresses *found)
{
	struct job *job = table_entry(wait, struct job, wait);
	struct asker asker = { .from = &job->asker, .waited = true };

	answer_waiting(job->resolver, &asker, &job->query, result, found,
		       wait->records);
	job_free(job);
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
	job->asker = *asker->from;
	server_hold(&job->asker);
	TAILQ_INSERT_TAIL(&resolver->jobs, job, link);
	resolver->n_jobs++;
	if (lookup_fetch(lookup, &query->name, type, &job->wait, &result,
			 &found)) {
		answer_result(resolver, asker, query, *decision, result, &found,
			      job->wait.records);
		job_free(job);
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

static void handle_message(void *arg, const struct server_asker *from,
			   const uint8_t *bytes, size_t len)
{
	const struct decision malformed = { .verdict = VERDICT_DENY,
					    .reason = REASON_DNS_MALFORMED };
	const struct asker asker = { .from = from };
	struct resolver *resolver = arg;
	enum dns_rcode rcode = DNS_FORMERR;
	struct dns_query query;

	switch (dns_query_parse(bytes, len, &query, &rcode)) {
	case DNS_PARSED_DROP:
		return;
	case DNS_PARSED_ERROR:
		(void)refuse(resolver, &asker, &query, &malformed);
		answer_plain(&asker, &query, rcode, false, 0);
		return;
	case DNS_PARSED_QUERY:
		handle_query(resolver, &asker, &query);
		return;
	}
}

struct resolver *resolver_new(struct worker *worker,
			      const struct worker_listeners *listeners)
{
	const int fds[SERVER_SOCKETS] = {
		listeners->dns4,  listeners->dns6,    listeners->near4,
		listeners->near6, listeners->dnstcp4, listeners->dnstcp6
	};
	const struct timeval every = clock_span(SWEEP_MS);
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return NULL;
	resolver->worker = worker;
	TAILQ_INIT(&resolver->jobs);
	resolver->sweep =
		event_new(worker->base, -1, EV_PERSIST, sweep, resolver);
	resolver->server =
		server_new(worker->base, fds, handle_message, resolver);
	if (repeats_init(&resolver->repeats, record_repeat, resolver) < 0 ||
	    !resolver->server || !resolver->sweep ||
	    evtimer_add(resolver->sweep, &every) < 0) {
		resolver_free(resolver);
		return NULL;
	}
	lookup_gate(worker->lookup, may_ask, resolver);
	return resolver;
}

void resolver_free(struct resolver *resolver)
{
	struct job *job, *next;

	if (!resolver)
		return;
	for (job = TAILQ_FIRST(&resolver->jobs); job; job = next) {
		next = TAILQ_NEXT(job, link);
		job_free(job);
	}
	server_free(resolver->server);
	lookup_gate(resolver->worker->lookup, NULL, NULL);
	if (resolver->sweep)
		event_free(resolver->sweep);
	repeats_done(&resolver->repeats);
	free(resolver);
}
