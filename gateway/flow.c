#include "flow.h"

#include "clock.h"
#include "http/inspect.h"
#include "http/multiplex.h"
#include "listener.h"
#include "log.h"
#include "refusal.h"
#include "tls/intercept.h"
#include "upstream.h"
#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SNIFF_MS 5000   /* for the first bytes to say what they are */
#define HOPELESS_MS 700 /* the same where only a refusal could follow */
#define ENROL_PORT 80

static const char *state_name(enum flow_state state)
{
	switch (state) {
	case FLOW_SNIFFING:
		return "sniffing";
	case FLOW_DIALLING:
		return "dialling";
	case FLOW_RELAYING:
		return "relaying";
	case FLOW_INTERCEPTING:
		return "intercepting";
	case FLOW_CLOSED:
		break;
	}
	return "closed";
}

static bool may_become(enum flow_state from, enum flow_state to)
{
	switch (from) {
	case FLOW_SNIFFING:
		return to != FLOW_SNIFFING;
	case FLOW_DIALLING:
		return to > FLOW_DIALLING;
	case FLOW_RELAYING:
	case FLOW_INTERCEPTING:
		return to == FLOW_CLOSED;
	case FLOW_CLOSED:
		break;
	}
	return false;
}

void flow_become(struct flow *flow, enum flow_state state)
{
	assert(may_become(flow->state, state));
	log_debug("flow %llu: %s -> %s", (unsigned long long)flow->id,
		  state_name(flow->state), state_name(state));
	flow->state = state;
}

static void arm(struct flow *flow, unsigned ms)
{
	const struct timeval left = clock_span(ms);

	if (ms == 0)
		evtimer_del(flow->deadline);
	else
		evtimer_add(flow->deadline, &left);
}

void flow_deadline(struct flow *flow, unsigned ms)
{
	flow->usual_ms = 0;
	arm(flow, ms);
}

/* How much longer the flow may be silent; 0: no longer, or it is not. */
static unsigned idle_left(const struct flow *flow)
{
	unsigned most_ms = flow->idle_ms ? flow->idle_ms : flow->usual_ms;
	int64_t silent_ms = clock_ms() - flow->silent_since_ms;

	if (flow->usual_ms == 0 || silent_ms >= most_ms)
		return 0;
	return most_ms - (unsigned)silent_ms;
}

void flow_idle(struct flow *flow, unsigned usual_ms)
{
	assert(usual_ms > 0);
	flow->usual_ms = usual_ms;
	flow->silent_since_ms = clock_ms();
	arm(flow, flow->idle_ms ? flow->idle_ms : usual_ms);
}

void flow_idle_tell(struct flow *flow, unsigned ms)
{
	unsigned left_ms = idle_left(flow);

	assert(ms > 0);
	if (ms < left_ms)
		arm(flow, ms);
}

void flow_limit(struct flow *flow, const struct route *route)
{
	unsigned idle_ms = route->idle_s * 1000;

	if (idle_ms == flow->idle_ms)
		return;
	flow->idle_ms = idle_ms;
	/* too_late() sees how much of the silence is left. */
	if (flow->usual_ms > 0)
		arm(flow, 1);
}

void flow_ignore(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

const char *flow_protocol(const struct flow *flow)
{
	switch (flow->kind) {
	case ATTEMPT_TLS:
		return "tls";
	case ATTEMPT_HTTP:
		return "http";
	case ATTEMPT_RESOLVE:
	case ATTEMPT_TCP:
		break;
	}
	return "tcp";
}

struct attempt flow_attempt(const struct flow *flow, enum attempt_kind kind)
{
	return (struct attempt){
		.kind = kind,
		.name = flow->name.len > 0 ? &flow->name : NULL,
		.address = flow->name.len > 0 ? NULL : &flow->address,
		.port = flow->port,
	};
}

/* --- the record --- */

struct audit_event flow_event(const struct flow *flow, const char *what,
			      const struct decision *decision,
			      const struct refusal *refusal, const char *detail)
{
	return (struct audit_event){
		.event = what,
		.flow = flow->id,
		.judged = true,
		.verdict = decision->verdict,
		.reason = decision->reason,
		.refusal = refusal ? refusal->id : NULL,
		.protocol = flow_protocol(flow),
		.name = &flow->name,
		.asked = refusal ? refusal->asked : NULL,
		.agent = &flow->agent,
		.agent_port = flow->agent_port,
		.address = &flow->address,
		.port = flow->port,
		.origin = &flow->origin,
		.line = decision->route ? decision->route->line : 0,
		.detail = detail,
		.allow = refusal ? refusal->suggestion : NULL,
	};
}

void flow_note(struct flow *flow, const char *what,
	       const struct decision *decision, const struct refusal *refusal,
	       const char *detail)
{
	struct audit_event event =
		flow_event(flow, what, decision, refusal, detail);

	if (flow->sniff) {
		event.ech = flow->sniff->hello.has_ech;
		event.early_data = flow->sniff->hello.has_early_data;
	}
	(void)audit_write(&flow->worker->audit, &event);
}

void flow_record(struct flow *flow, const struct decision *decision,
		 const struct refusal *refusal, const char *detail)
{
	if (flow->recorded)
		return;
	flow->recorded = true;
	flow->verdict = decision->verdict;
	flow_note(flow, "connect", decision, refusal, detail);
}

static void record_end(struct flow *flow, enum reason reason,
		       const char *detail)
{
	const struct attempt attempt = flow_attempt(flow, flow->kind);
	char allow[POLICY_SUGGESTION_MAX];
	struct audit_event event = {
		.event = "close",
		.flow = flow->id,
		.judged = true,
		.verdict = flow->verdict,
		.reason = reason,
		.protocol = flow_protocol(flow),
		.name = &flow->name,
		.origin = &flow->origin,
		.port = flow->port,
		.counted = true,
		.bytes_out = flow->bytes_out,
		.bytes_in = flow->bytes_in,
		.duration_ms = (uint64_t)(clock_ms() - flow->started_ms),
		.detail = detail,
		.allow = policy_suggest(&attempt, reason, allow),
	};

	(void)audit_write(&flow->worker->audit, &event);
}

/* --- the end --- */

static void flow_free(struct flow *flow)
{
	if (flow->deadline)
		event_free(flow->deadline);
	free(flow);
}

static void reap(evutil_socket_t fd, short what, void *arg)
{
	struct flow_table *table = arg;
	struct flow *flow;

	(void)fd;
	(void)what;
	while ((flow = TAILQ_FIRST(&table->closed)) != NULL) {
		TAILQ_REMOVE(&table->closed, flow, link);
		/* Only now: a callback of theirs may have closed the flow. */
		relay_free(flow->relay);
		inspect_free(flow->inspect);
		multiplex_free(flow->multiplex);
		intercept_free(flow->intercept);
		stream_close(&flow->stream, flow->reset);
		flow_free(flow);
	}
}

static void end(struct flow *flow, enum reason reason, bool reset,
		const char *detail)
{
	struct flow_table *table = &flow->worker->flows;

	if (flow->state == FLOW_CLOSED)
		return;
	flow_become(flow, FLOW_CLOSED);
	flow_deadline(flow, 0);
	upstream_cancel(flow->upstream);
	flow->upstream = NULL;
	if (flow->pinned.len > 0)
		pins_release(flow->worker->pins, &flow->pinned, &flow->address);
	/* There is none where it could not be watched any more. */
	if (flow->stream.event)
		event_del(flow->stream.event);
	sniff_free(flow->sniff);
	flow->sniff = NULL;
	flow->reset = reset;
	if (flow->recorded && flow->verdict != VERDICT_DENY)
		record_end(flow, reason, detail);
	TAILQ_REMOVE(&table->live, flow, link);
	table->n--;
	TAILQ_INSERT_TAIL(&table->closed, flow, link);
	event_active(table->reap, EV_TIMEOUT, 0);
	listener_resume(flow->worker->listener);
}

void flow_close(struct flow *flow, enum reason reason, bool reset)
{
	end(flow, reason, reset, NULL);
}

/* --- refusals --- */

static void make_refusal(const struct flow *flow, enum attempt_kind kind,
			 const struct decision *decision,
			 struct refusal *refusal)
{
	struct attempt attempt = flow_attempt(flow, kind);

	refusal_make(refusal, flow->worker->config->refusal_key, &attempt,
		     decision, NULL, 0);
}

void flow_refuse(struct flow *flow, enum reason reason, const char *detail)
{
	const struct decision decision = { .verdict = VERDICT_DENY,
					   .reason = reason };
	struct refusal refusal;
	bool speaks_tls = flow->sniff && (flow->sniff->sniffed == SNIFF_TLS ||
					  flow->sniff->sniffed == SNIFF_BAD);

	make_refusal(flow, flow->kind, &decision, &refusal);
	flow_record(flow, &decision, &refusal, detail);
	if (speaks_tls && !flow->stream.ssl)
		intercept_alert(flow, reason);
	end(flow, reason, !speaks_tls, detail);
}

/*
 * Refuses in words that the agent can read: by finishing the handshake, or by
 * an HTTP answer.
 */
static void explain(struct flow *flow, const struct decision *decision,
		    const char *detail)
{
	bool terse =
		policy_refusals(flow->worker->policy) == POLICY_REFUSALS_TERSE;
	struct refusal refusal;

	if (terse || flow->name.len == 0 ||
	    !tls_client_hello_offers_http(&flow->sniff->hello)) {
		flow_refuse(flow, decision->reason, detail);
		return;
	}
	make_refusal(flow, flow->kind, decision, &refusal);
	flow_record(flow, decision, &refusal, detail);
	flow->refusing = true;
	intercept_refuse(flow, &refusal);
}

/* --- the beginning --- */

bool flow_claim(struct flow *flow, const struct domain *name)
{
	struct pins *pins = flow->worker->pins;

	if (!flow->name_bound)
		flow->name = *name;
	if (flow->name_bound || pins_is_refusal_address(&flow->address))
		return true; /* it says no more than the name does */
	if (flow->pinned.len == name->len &&
	    memcmp(flow->pinned.name, name->name, name->len) == 0)
		return true;
	if (!pins_hold(pins, name, &flow->address))
		return false;
	if (flow->pinned.len > 0)
		pins_release(pins, &flow->pinned, &flow->address);
	flow->pinned = *name;
	return true;
}

static void dialled_raw(void *arg, const struct upstream_result *result)
{
	struct flow *flow = arg;
	struct decision failed = { .verdict = VERDICT_RELAY,
				   .reason = result->reason };

	flow->upstream = NULL;
	flow->origin = result->address;
	if (result->reason == REASON_ALLOWED) {
		flow_become(flow, FLOW_RELAYING);
		if (relay_start(flow, result->stream) < 0)
			flow_close(flow, REASON_OVERLOADED, true);
		return;
	}
	flow_note(flow, "upstream", &failed, NULL, result->detail);
	flow_close(flow, result->reason, true);
}

static void start_relay(struct flow *flow, const struct decision *decision)
{
	struct upstream_want want = {
		.name = flow->name.len > 0 ? &flow->name : NULL,
		.address = flow->address,
		.port = flow->port,
		.private = decision->route->private,
	};

	flow_record(flow, decision, NULL, NULL);
	flow_limit(flow, decision->route);
	flow_become(flow, FLOW_DIALLING);
	flow_deadline(flow, 0); /* upstream has one of its own */
	flow->upstream = upstream_start(flow->worker, &want, dialled_raw, flow);
	if (!flow->upstream)
		flow_close(flow, REASON_OVERLOADED, true);
}

static void sniffed_tls(struct flow *flow)
{
	const struct tls_client_hello *hello = &flow->sniff->hello;
	struct decision decision = { .verdict = VERDICT_DENY };
	struct attempt attempt;
	bool claimed, differs;

	flow->kind = ATTEMPT_TLS;
	if (hello->name.len == 0) {
		flow_refuse(flow,
			    flow->name_bound ? REASON_NAME_MISSING
					     : REASON_ADDRESS_NOT_LISTED,
			    "no server name");
		return;
	}
	differs = flow->name_bound && (hello->name.len != flow->name.len ||
				       memcmp(hello->name.name, flow->name.name,
					      flow->name.len) != 0);
	claimed = flow_claim(flow, &hello->name) && !differs;
	if (differs)
		flow->name = hello->name;
	attempt = flow_attempt(flow, ATTEMPT_TLS);
	decision = policy_judge(flow->worker->policy, &attempt);
	if (decision.verdict != VERDICT_DENY && !claimed)
		decision = (struct decision){
			.verdict = VERDICT_DENY,
			.reason = REASON_ADDRESS_MISMATCH,
			.route = decision.route,
		};
	switch (decision.verdict) {
	case VERDICT_DENY:
		explain(flow, &decision, NULL);
		return;
	case VERDICT_RELAY:
		start_relay(flow, &decision);
		return;
	case VERDICT_INTERCEPT:
		flow->authority = authorities_id(flow->worker->authorities,
						 decision.route);
		flow_record(flow, &decision, NULL, NULL);
		flow_limit(flow, decision.route);
		intercept_start(flow);
		return;
	}
}

static void start_requests(struct flow *flow, enum inspect_mode mode)
{
	struct sniff *sniff = flow->sniff;
	bool http2 = sniff && sniff->sniffed == SNIFF_HTTP2;
	int error =
		sniff ? stream_unread(&flow->stream, sniff->bytes, sniff->len)
		      : 0;

	flow->kind = ATTEMPT_HTTP;
	sniff_free(sniff);
	flow->sniff = NULL;
	flow_become(flow, FLOW_INTERCEPTING);
	if (error == 0)
		error = http2 ? multiplex_start(flow, NULL, NULL)
			      : inspect_start(flow, mode, NULL, false, NULL);
	if (error < 0)
		flow_close(flow, REASON_OVERLOADED, true);
}

static enum reason fault_reason(enum tls_fault fault)
{
	switch (fault) {
	case TLS_FAULT_NAME:
		return REASON_NAME_INVALID;
	case TLS_FAULT_VERSION:
		return REASON_TLS_VERSION;
	case TLS_FAULT_NONE:
	case TLS_FAULT_NOT_TLS:
	case TLS_FAULT_MALFORMED:
	case TLS_FAULT_TOO_LONG:
		break;
	}
	return REASON_TLS_MALFORMED;
}

/* Where TLS or HTTP is to be expected, of which the agent speaks first. */
static bool is_web(const struct flow *flow)
{
	return flow->port == 80 || flow->port == 443;
}

/*
 * An address that names nobody could still have been some listed name's. On
 * the ports of the web it would have been, had TLS or HTTP said so.
 */
static enum reason other_reason(const struct flow *flow)
{
	return flow->hopeless == REASON_ADDRESS_NOT_LISTED && is_web(flow)
		       ? REASON_PROTOCOL_UNKNOWN
		       : flow->hopeless;
}

static void sniffing(evutil_socket_t fd, short what, void *arg)
{
	struct flow *flow = arg;
	uint8_t bytes[4096];

	(void)fd;
	(void)what;
	/* Once it is known, what follows waits for whoever reads it next. */
	while (flow->state == FLOW_SNIFFING &&
	       flow->sniff->sniffed == SNIFF_MORE) {
		ssize_t n = stream_read(&flow->stream, bytes, sizeof(bytes));

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			/* It left without a word, or with half of one. */
			flow_close(flow, REASON_ALLOWED, n < 0);
			return;
		}
		switch (sniff_feed(flow->sniff, bytes, (size_t)n)) {
		case SNIFF_MORE:
			continue;
		case SNIFF_TLS:
			sniffed_tls(flow);
			return;
		case SNIFF_HTTP:
		case SNIFF_HTTP2:
			start_requests(flow, INSPECT_JUDGE);
			return;
		case SNIFF_OTHER:
			flow_refuse(flow, other_reason(flow),
				    "not TLS, not HTTP");
			return;
		case SNIFF_BAD:
			flow->kind = ATTEMPT_TLS;
			flow_refuse(flow,
				    fault_reason(flow->sniff->reader.fault),
				    NULL);
			return;
		}
	}
}

static void too_late(evutil_socket_t fd, short what, void *arg)
{
	struct flow *flow = arg;
	unsigned left_ms = idle_left(flow);

	(void)fd;
	(void)what;
	if (left_ms > 0) {
		arm(flow, left_ms);
		if (flow->inspect)
			inspect_rests(flow->inspect);
		return;
	}
	if (flow->inspect)
		inspect_timed_out(flow->inspect);
	else if (flow->multiplex)
		multiplex_timed_out(flow->multiplex);
	else if (flow->state == FLOW_SNIFFING && flow->intercept)
		intercept_timed_out(flow->intercept);
	else if (flow->state == FLOW_SNIFFING && flow->sniff->len == 0)
		flow_refuse(flow, flow->hopeless, "nothing was said");
	else if (flow->state == FLOW_SNIFFING)
		flow_refuse(flow, REASON_TIMED_OUT,
			    "half a ClientHello, or of a request's first line");
	else
		flow_close(flow, REASON_TIMED_OUT, true);
}

static bool is_gateway(const struct worker *worker,
		       const struct address *address)
{
	const struct redirect *redirect = &worker->config->redirect;

	return address_equal(address, &redirect->gateway4) ||
	       address_equal(address, &redirect->gateway6);
}

/* What can be said before the agent has spoken. */
static void begin(struct flow *flow)
{
	struct worker *worker = flow->worker;
	struct attempt attempt;
	struct decision decision;

	if (flow->address.family == 0) {
		flow_refuse(flow, REASON_DESTINATION_UNKNOWN, NULL);
		return;
	}
	if (is_gateway(worker, &flow->address)) {
		if (flow->port == ENROL_PORT)
			start_requests(flow, INSPECT_ENROL);
		else
			flow_refuse(flow, REASON_GATEWAY_ITSELF, NULL);
		return;
	}
	if (audit_is_blind(&worker->audit)) {
		flow_refuse(flow, REASON_UNRECORDABLE, NULL);
		return;
	}
	flow->name_bound = pins_name(worker->pins, &flow->address, &flow->name);
	attempt = flow_attempt(flow, ATTEMPT_TCP);
	decision = policy_judge(worker->policy, &attempt);
	if (decision.verdict == VERDICT_RELAY) {
		start_relay(flow, &decision);
		return;
	}
	/*
	 * For a bare address nothing is known before a name is claimed; for a
	 * name it may be, and then only the words of the refusal are to come.
	 * Who cannot read them is not to wait for long; a Java machine that
	 * can takes a second, on a busy host, from connecting to its hello.
	 */
	flow->hopeless = decision.reason;
	flow_deadline(flow, decision.reason != REASON_PROTOCOL_UNKNOWN &&
					    !is_web(flow) &&
					    (flow->name_bound ||
					     pins_is_virtual(&flow->address))
				    ? HOPELESS_MS
				    : SNIFF_MS);
}

void flow_start(struct worker *worker, int fd, const struct address *agent,
		uint16_t agent_port, const struct address *address,
		uint16_t port)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	if (!flow) {
		close(fd);
		return;
	}
	flow->worker = worker;
	flow->id = ++worker->flows.last_id;
	flow->agent = *agent;
	flow->agent_port = agent_port;
	flow->address = *address;
	flow->port = port;
	flow->kind = ATTEMPT_TCP;
	flow->started_ms = clock_ms();
	flow->deadline = evtimer_new(worker->base, too_late, flow);
	flow->sniff = sniff_new();
	if (!flow->deadline || !flow->sniff ||
	    stream_open(&flow->stream, worker->base, fd, sniffing, flow) < 0) {
		if (!flow->deadline || !flow->sniff)
			close(fd);
		sniff_free(flow->sniff);
		flow_free(flow);
		return;
	}
	TAILQ_INSERT_TAIL(&worker->flows.live, flow, link);
	worker->flows.n++;
	begin(flow);
}

/* --- all of them --- */

/* Whether what its origin was verified by is what @route says. */
static bool is_verified_for(const struct flow *flow, const struct route *route)
{
	return flow->verdict != VERDICT_INTERCEPT ||
	       flow->kind != ATTEMPT_TLS ||
	       flow->authority ==
		       authorities_id(flow->worker->authorities, route);
}

static void rejudge(struct flow *flow)
{
	struct attempt attempt = flow_attempt(flow, flow->kind);
	struct decision decision;

	/* One that is being sniffed or refused has nothing to lose. */
	if (flow->refusing || flow->verdict == VERDICT_DENY)
		return;
	if (flow->inspect)
		attempt.request = inspect_request(flow->inspect);
	decision = policy_judge(flow->worker->policy, &attempt);
	if (decision.verdict != VERDICT_DENY &&
	    decision.verdict == flow->verdict &&
	    is_verified_for(flow, decision.route) &&
	    (decision.route->private || flow->origin.family == 0 ||
	     address_classify(&flow->origin, NULL) == ADDRESS_GLOBAL) &&
	    !policy_denies_address(flow->worker->policy, &flow->origin,
				   flow->port)) {
		flow_limit(flow, decision.route);
		if (flow->multiplex)
			multiplex_rejudge(flow->multiplex);
		return;
	}
	flow_close(flow, REASON_POLICY_CHANGED, true);
}

void flow_rejudge_all(struct worker *worker)
{
	struct flow *flow, *next;

	for (flow = TAILQ_FIRST(&worker->flows.live); flow; flow = next) {
		next = TAILQ_NEXT(flow, link);
		rejudge(flow);
	}
	reap(-1, 0, &worker->flows);
}

int flow_table_init(struct flow_table *table, struct worker *worker)
{
	TAILQ_INIT(&table->live);
	TAILQ_INIT(&table->closed);
	/* Ids of different workers do not meet. */
	table->last_id = (uint64_t)worker->audit.worker << 48;
	table->reap = event_new(worker->base, -1, 0, reap, table);
	return table->reap ? 0 : -ENOMEM;
}

void flow_table_done(struct flow_table *table)
{
	struct flow *flow;

	while ((flow = TAILQ_FIRST(&table->live)) != NULL)
		flow_close(flow, REASON_ALLOWED, true);
	reap(-1, 0, table);
	event_free(table->reap);
}
