#include "worker.h"

#include "clock.h"
#include "control.h"
#include "dns/lookup.h"
#include "dns/resolver.h"
#include "http/inspect.h"
#include "isolate.h"
#include "listener.h"
#include "log.h"
#include "manifest.h"
#include "netfilter/nflog.h"
#include "stream.h"
#include "tls/intercept.h"
#include "tls/tickets.h"
#include "upstream.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPARE_HEAP (1 << 20) /* bytes that are free and not given back */

/* Beside what struct worker owns: what only this file deals with. */
struct life {
	struct worker worker;
	struct event *control, *nflog;
	struct event *hidden; /* when to tell how many packets were */
	struct nflog_budget budget;
};

/* --- a new manifest --- */

/* PID 1 has seen to it that there is a resolver. */
static void use_resolvers(struct worker *worker)
{
	size_t n;
	const struct nameserver *resolvers =
		config_resolvers(worker->config, worker->policy, &n);

	lookup_use(worker->lookup, resolvers, n);
}

/*
 * False if it cannot be put in force, and then all have to start anew. Takes
 * @secrets over.
 */
static bool reload(struct worker *worker, int memfd, struct secrets *secrets,
		   uint32_t generation)
{
	struct manifest_errors errors;
	struct policy *policy, *old = worker->policy;

	policy = control_read_manifest(memfd, &errors);
	if (!policy) {
		/* PID 1 has read the same bytes without a mistake. */
		log_err("worker: a manifest that was good is not: %s",
			errors.n > 0 ? errors.list[0].message : "no memory");
		manifest_errors_done(&errors);
		secrets_free(secrets);
		return false;
	}
	if (!authorities_use(worker->authorities, policy, secrets)) {
		log_err("worker: no memory for a manifest that was good");
		policy_free(policy);
		secrets_free(secrets);
		return false;
	}
	worker->policy = policy;
	worker->generation = generation;
	use_resolvers(worker);
	pool_clear(worker->pool);
	secrets_free(worker->secrets);
	worker->secrets = secrets;
	flow_rejudge_all(worker);
	policy_free(old);
	log_info("worker: manifest %u applies", generation);
	return true;
}

static void controlled(evutil_socket_t fd, short what, void *arg)
{
	struct life *life = arg;
	struct secrets *secrets;
	uint32_t generation;
	int memfd, got;

	(void)what;
	got = control_receive(fd, &memfd, &generation, &secrets);
	if (got == 0) {
		event_base_loopbreak(life->worker.base);
		return;
	}
	if (got < 0)
		return;
	if (reload(&life->worker, memfd, secrets, generation))
		control_acknowledge(fd, generation);
	else
		event_base_loopbreak(life->worker.base);
	close(memfd);
}

/* --- packets that the kernel refused --- */

static const char *protocol_name(uint8_t protocol, char text[16])
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_GRE:
		return "gre";
	default:
		(void)snprintf(text, 16, "ip-%u", protocol);
		return text;
	}
}

static void packet_seen(void *arg, const struct nflog_packet *packet)
{
	struct life *life = arg;
	struct worker *worker = &life->worker;
	const struct attempt attempt = {
		.kind = ATTEMPT_TCP,
		.address = &packet->destination,
		.port = packet->destination_port,
	};
	const struct decision decision = { .verdict = VERDICT_DENY,
					   .reason = packet->reason };
	char protocol[16];
	struct refusal refusal;
	struct audit_event event = {
		.event = "packet",
		.judged = true,
		.verdict = VERDICT_DENY,
		.reason = packet->reason,
		.protocol = protocol_name(packet->protocol, protocol),
		.agent = &packet->source,
		.agent_port = packet->source_port,
		.address = &packet->destination,
		.port = packet->destination_port,
	};

	if (!nflog_budget_take(&life->budget, clock_ms()))
		return;
	refusal_make(&refusal, worker->config->refusal_key, &attempt, &decision,
		     NULL, 0);
	event.refusal = refusal.id;
	(void)audit_write(&worker->audit, &event);
}

/* One line for all that had none, and the time for the next such line. */
static void packets_tell(struct life *life)
{
	int64_t now_ms = clock_ms();
	uint64_t n = nflog_budget_told(&life->budget, now_ms);
	int wait_ms = nflog_budget_wait_ms(&life->budget, now_ms);
	char detail[64];
	struct audit_event event = {
		.event = "packet",
		.detail = detail,
	};

	(void)snprintf(detail, sizeof(detail),
		       "at least %" PRIu64 " more were not shown", n);
	if (n > 0)
		(void)audit_write(&life->worker.audit, &event);
	if (wait_ms >= 0 && !evtimer_pending(life->hidden, NULL)) {
		const struct timeval wait = clock_span((unsigned)wait_ms);

		(void)evtimer_add(life->hidden, &wait);
	}
}

static void hidden_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	packets_tell(arg);
}

static void packets(evutil_socket_t fd, short what, void *arg)
{
	struct life *life = arg;
	int missed;

	(void)what;
	/* A second that is over is told before the next one begins. */
	packets_tell(life);
	missed = nflog_read(fd, packet_seen, life);
	if (missed > 0) {
		log_warn("nflog: the kernel could not deliver %d records",
			 missed);
		nflog_budget_miss(&life->budget, (uint64_t)missed);
	}
	packets_tell(life);
	if (missed < 0) {
		log_err("nflog: cannot read: %s", strerror(-missed));
		event_del(life->nflog);
	}
}

/* --- life --- */

/* All that needs files or privileges, before both are gone. */
static void prepare(struct worker *worker, const struct worker_birth *birth)
{
	struct manifest_errors errors;

	worker->config = birth->config;
	worker->pins = birth->pins;
	worker->secrets = birth->secrets;
	worker->audit = (struct audit){ .fd = birth->audit,
					.worker = birth->number,
					.blind = birth->blind };
	worker->policy =
		manifest_parse(birth->manifest, birth->manifest_len, &errors);
	if (!worker->policy)
		die("worker: the manifest is not what it was");
	if (!stream_setup())
		die("worker: out of memory");
	worker->ca = ca_new(birth->signer);
	if (!worker->ca)
		die("worker: no answer from the signer");
	worker->lookup = lookup_new(birth->trust);
	worker->base = event_base_new();
	if (!worker->lookup || !worker->base)
		die("worker: cannot start");
	worker->authorities = authorities_new(birth->trust);
	if (!worker->authorities ||
	    !authorities_use(worker->authorities, worker->policy,
			     worker->secrets))
		die("worker: out of memory");
	worker->agent_tls = intercept_tls_new(birth->tickets);
	ticket_keys_wipe(birth->tickets);
}

static struct event *listen_to(struct life *life, int fd,
			       event_callback_fn callback)
{
	struct event *event = event_new(life->worker.base, fd,
					EV_READ | EV_PERSIST, callback, life);

	if (!event || event_add(event, NULL) < 0)
		die("worker: out of memory");
	return event;
}

static void serve(struct life *life, const struct worker_birth *birth)
{
	struct worker *worker = &life->worker;
	const struct worker_listeners *listeners = &birth->listeners;

	if (audit_start(&worker->audit, worker->base) < 0 ||
	    ca_start(worker->ca, worker->base) < 0 ||
	    lookup_start(worker->lookup, worker->base) < 0 ||
	    handshakes_init(&worker->handshakes, worker->base) < 0 ||
	    flow_table_init(&worker->flows, worker) < 0)
		die("worker: out of memory");
	worker->pool = pool_new(worker->base);
	use_resolvers(worker);
	worker->resolver = resolver_new(worker, listeners);
	worker->listener =
		listener_new(worker, listeners->tcp4, listeners->tcp6);
	if (!worker->pool || !worker->resolver || !worker->listener)
		die("worker: out of memory");
	life->control = listen_to(life, birth->control, controlled);
	life->hidden = evtimer_new(worker->base, hidden_due, life);
	if (!life->hidden)
		die("worker: out of memory");
	if (birth->nflog >= 0)
		life->nflog = listen_to(life, birth->nflog, packets);
}

/* Everything is given back, so that a leak checker sees what was not. */
static void end(struct life *life)
{
	struct worker *worker = &life->worker;

	listener_free(worker->listener);
	worker->listener = NULL;
	resolver_free(worker->resolver);
	flow_table_done(&worker->flows);
	handshakes_done(&worker->handshakes);
	pool_free(worker->pool);
	relay_pipes_done(&worker->pipes);
	lookup_free(worker->lookup);
	ca_free(worker->ca);
	authorities_free(worker->authorities);
	SSL_CTX_free(worker->agent_tls);
	event_free(life->control);
	if (life->nflog)
		event_free(life->nflog);
	event_free(life->hidden);
	audit_done(&worker->audit);
	event_base_free(worker->base);
	policy_free(worker->policy);
	secrets_free(worker->secrets);
}

void worker_run(const struct worker_birth *birth)
{
	struct life life = { 0 };

	/* Else each TLS record takes its buffer from the kernel, and back. */
	(void)mallopt(M_TRIM_THRESHOLD, SPARE_HEAP);
	prepare(&life.worker, birth);
	isolate(ISOLATE_WORKER);
	serve(&life, birth);
	if (write(birth->ready, "", 1) != 1)
		die("worker: nobody waits for it");
	close(birth->ready);
	/* From here on, nothing that a peer does ends the process. */
	event_base_dispatch(life.worker.base);
	end(&life);
	exit(EXIT_SUCCESS);
}
