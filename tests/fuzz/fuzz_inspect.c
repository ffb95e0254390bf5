/*
 * A whole flow of plain HTTP, from its first byte: sniffed, claimed, judged,
 * dialled (upstream.h's part is played here), written anew. The input is a
 * script: 0xff and a letter, then bytes.
 *
 *	a	the agent sends them	A	the agent ends
 *	o	the origin sends them	O	the origin ends
 *	R	the agent resets	t	the deadline passes
 *	p	the manifest is taken back
 *
 * Its first byte says where the agent was headed, and whether origins answer.
 *
 * Whatever is written to an origin is requests whose Host is the name that it
 * was dialled for, which the manifest admits and the agent was told is where
 * it was headed, with a path that has one reading where rules are on paths;
 * once a refusal is recorded nobody is dialled and no origin
 * hears another byte; each line of the record is one line; what the agent
 * hears begins as an answer.
 */
#include "clock.h"
#include "http/http1.h"
#include "http/inspect.h"
#include "log.h"
#include "upstream.h"
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ORIGINS_MAX 8
#define HEARD_MAX (1u << 20)
#define TURNS 16 /* of the loop, for one step of the script */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(what)               \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

/* A connection to an origin, seen from there. */
struct origin {
	struct domain name;
	int fd; /* -1 once it has ended */
	char *heard;
	size_t len;
};

/* One run of a script. */
static struct run {
	struct worker worker;
	int agent, record; /* our ends */
	bool answered;     /* the agent has heard something */
	bool refused;      /* so says the record */
	bool no_origin;
	unsigned where; /* the agent was headed; see set_up() */
	struct origin origins[ORIGINS_MAX];
	size_t n_origins;
} run;

/* Whether the agent was told that @name is where it was headed. */
static bool was_told(const struct domain *name)
{
	bool is_a = strcmp(name->name, "a.test") == 0;

	switch (run.where) {
	case 0:
		return is_a || strcmp(name->name, "x.b.test") == 0;
	case 1:
		return is_a;
	default:
		return run.where == 2;
	}
}

/* --- upstream, without a network --- */

struct upstream {
	struct event *soon;
	struct domain name;
	upstream_done *done;
	void *arg;
};

static void dialled(evutil_socket_t fd, short what, void *arg)
{
	struct upstream *upstream = arg;
	struct upstream_result result = { .reason = REASON_UPSTREAM_CONNECT };
	struct stream stream = { .fd = -1 };
	struct origin *origin = &run.origins[run.n_origins];
	int fds[2];

	(void)fd;
	(void)what;
	if (!run.no_origin && run.n_origins < ORIGINS_MAX) {
		MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) ==
		     0);
		MUST(stream_open(&stream, run.worker.base, fds[0], flow_ignore,
				 NULL) == 0);
		*origin =
			(struct origin){ .name = upstream->name, .fd = fds[1] };
		run.n_origins++;
		result.reason = REASON_ALLOWED;
		result.stream = &stream;
		MUST(address_parse(&result.address, "192.0.2.1", 9));
	}
	upstream->done(upstream->arg, &result);
	if (stream.fd >= 0)
		stream_close(&stream, false);
	upstream_cancel(upstream);
}

struct upstream *upstream_start(struct worker *worker,
				const struct upstream_want *want,
				upstream_done *done, void *arg)
{
	struct upstream *upstream = calloc(1, sizeof(*upstream));
	const struct attempt attempt = { .kind = ATTEMPT_HTTP,
					 .name = want->name,
					 .port = want->port };

	MUST(upstream && want->name && !want->tls && !want->private);
	/* Verdict before work. */
	MUST(policy_judge(worker->policy, &attempt).verdict ==
	     VERDICT_INTERCEPT);
	MUST(!run.refused && was_told(want->name));
	upstream->name = *want->name;
	upstream->done = done;
	upstream->arg = arg;
	upstream->soon = evtimer_new(worker->base, dialled, upstream);
	MUST(upstream->soon);
	event_active(upstream->soon, EV_TIMEOUT, 0);
	return upstream;
}

SSL_CTX *upstream_tls_new(X509_STORE *trust)
{
	(void)trust;
	return NULL;
}

enum reason upstream_turned_away(const struct stream *stream,
				 const char **detail)
{
	(void)stream;
	(void)detail;
	return REASON_ALLOWED;
}

void upstream_cancel(struct upstream *upstream)
{
	if (!upstream)
		return;
	event_free(upstream->soon);
	free(upstream);
}

/* --- what the others hear --- */

static void hear_record(void)
{
	char line[AUDIT_LINE_MAX];
	ssize_t n;

	while ((n = recv(run.record, line, sizeof(line) - 1, 0)) > 0) {
		line[n] = '\0';
		MUST(line[0] == '{' &&
		     memchr(line, '\n', (size_t)n) == line + n - 1);
		for (ssize_t i = 0; i < n - 1; i++)
			MUST(line[i] >= 0x20 && line[i] < 0x7f);
		if (strstr(line, ",\"verdict\":\"deny\","))
			run.refused = true;
	}
}

static void hear_origins(bool refused_before)
{
	char bytes[16384];

	for (size_t i = 0; i < run.n_origins; i++) {
		struct origin *origin = &run.origins[i];
		ssize_t n;

		if (origin->fd < 0)
			continue;
		while ((n = recv(origin->fd, bytes, sizeof(bytes), 0)) > 0) {
			MUST(!refused_before);
			MUST(origin->len + (size_t)n <= HEARD_MAX);
			origin->heard =
				realloc(origin->heard, origin->len + (size_t)n);
			MUST(origin->heard);
			memcpy(origin->heard + origin->len, bytes, (size_t)n);
			origin->len += (size_t)n;
		}
	}
}

static void hear_agent(void)
{
	char bytes[16384];
	ssize_t n;

	while (run.agent >= 0 &&
	       (n = recv(run.agent, bytes, sizeof(bytes), 0)) > 0) {
		if (!run.answered)
			MUST(n >= 9 && memcmp(bytes, "HTTP/1.1 ", 9) == 0);
		run.answered = true;
	}
}

static void turn(void)
{
	for (int i = 0; i < TURNS; i++) {
		bool refused = run.refused;

		event_base_loop(run.worker.base, EVLOOP_NONBLOCK);
		hear_origins(refused);
		hear_record();
		hear_agent();
	}
}

/* What one origin heard are requests for it, and perhaps part of one. */
static void check(const struct origin *origin)
{
	const char *at = origin->heard;
	size_t left = origin->len;

	while (left > 0) {
		struct http_request request;
		struct http1_body body;
		struct http_text data;
		struct path path;
		size_t scanned = 0, head_len, used;
		enum http1_result result;
		const char *why;
		unsigned status;

		result =
			http1_head_find(at, left, &scanned, &head_len, &status);
		if (result == HTTP1_MORE)
			return;
		MUST(result == HTTP1_DONE);
		MUST(http1_request_parse(at, head_len, &request, &status,
					 &why));
		MUST(request.host.len == origin->name.len);
		MUST(memcmp(request.host.name, origin->name.name,
			    origin->name.len) == 0);
		MUST(!request.absolute && !request.is_http10);
		MUST(request.port == 0 || request.port == 80);
		if (strcmp(origin->name.name, "x.b.test") == 0)
			MUST(path_normalise(&path, request.path.at,
					    request.path.len, &why) &&
			     path.text[0] == '/');
		at += head_len;
		left -= head_len;
		if (request.wants_websocket)
			return; /* and then frames, if it was agreed */
		http1_body_init(&body, request.framing, request.content_length);
		while (!body.done) {
			result = http1_body_read(&body, at, left, &used, &data);
			MUST(result != HTTP1_BAD);
			at += used;
			left -= used;
			if (result == HTTP1_MORE && used == 0)
				return;
			if (result == HTTP1_DONE)
				break;
		}
	}
}

/* --- the script --- */

static struct domain domain(const char *text)
{
	struct domain domain;

	MUST(domain_parse(&domain, text, strlen(text)));
	return domain;
}

static struct route route(const char *text, uint16_t port)
{
	struct route route = { .n_ports = 1, .ports = { port }, .line = 1 };

	MUST(domain_pattern_parse(&route.host, text, strlen(text)));
	return route;
}

/* Every path, if there is but one way to read it. */
static struct match_list *any_path(void)
{
	struct match_list *list = match_list_new();
	struct match *match = list ? match_list_add(list) : NULL;
	char error[MATCH_ERROR_MAX];
	size_t at;

	MUST(match &&
	     match_add_path(match, MATCH_PATH_PREFIX, "/", 1, error, &at) == 0);
	return list;
}

static struct policy *policy(bool terse)
{
	struct route routes[] = { route("a.test", 80), route("*.b.test", 80),
				  route("other.test", 8080) };
	const struct route denied = route("no.b.test", 80);
	struct policy *policy;

	routes[1].matches = any_path();
	policy = policy_new(routes, 3, &denied, 1,
			    terse ? POLICY_REFUSALS_TERSE
				  : POLICY_REFUSALS_EXPLAIN);
	MUST(policy);
	return policy;
}

/*
 * The address that the agent is headed for. The pins are made once: they
 * never forget, but these are all that there are.
 */
static struct address set_up(struct config *config, struct pins **pins,
			     unsigned where)
{
	static struct pins *kept;
	struct domain a = domain("a.test"), b = domain("x.b.test");
	struct address real, v4, v6;

	*config = (struct config){ 0 };
	MUST(address_parse(&real, "192.0.2.1", 9));
	if (!kept) {
		kept = pins_new();
		MUST(kept && stream_setup());
		log_set(LOG_LEVEL_ERR, "fuzz");
		signal(SIGPIPE, SIG_IGN);
		pins_add(kept, &a, &real);
		pins_add(kept, &b, &real);
	}
	*pins = kept;
	switch (where) {
	case 0:
		break; /* two names share it */
	case 1:
		MUST(pins_virtual(kept, &a, &v4, &v6));
		return v4;
	case 2:
		pins_refusal_address(&v4, &v6);
		return v6;
	default:
		MUST(address_parse(&real, "192.0.2.9", 9));
		break; /* nobody was told of it */
	}
	return real;
}

static void send_all(int fd, const uint8_t *bytes, size_t len)
{
	while (fd >= 0 && len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0) {
			/* It waits for others first, or takes no more. */
			size_t live = run.worker.flows.n;

			turn();
			if (n == 0 || errno != EAGAIN || live == 0)
				return;
			n = send(fd, bytes, len, MSG_NOSIGNAL);
			if (n <= 0)
				return;
		}
		bytes += n;
		len -= (size_t)n;
	}
}

static void end_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void step(uint8_t letter, const uint8_t *bytes, size_t len)
{
	struct origin *origin =
		run.n_origins > 0 ? &run.origins[run.n_origins - 1] : NULL;
	struct flow *flow = TAILQ_FIRST(&run.worker.flows.live);

	switch (letter) {
	case 'a':
		send_all(run.agent, bytes, len);
		break;
	case 'A':
		if (run.agent >= 0)
			shutdown(run.agent, SHUT_WR);
		break;
	case 'R':
		end_fd(&run.agent);
		break;
	case 'o':
		if (origin)
			send_all(origin->fd, bytes, len);
		break;
	case 'O':
		if (origin)
			end_fd(&origin->fd);
		break;
	case 't':
		if (flow && flow->inspect)
			inspect_timed_out(flow->inspect);
		break;
	case 'p':
		policy_free(run.worker.policy);
		run.worker.policy = NULL;
		flow_rejudge_all(&run.worker);
		break;
	default:
		break;
	}
	turn();
}

static void play(const uint8_t *data, size_t len)
{
	while (len > 0) {
		const uint8_t *end;
		size_t n;

		if (len < 2 || data[0] != 0xff)
			return;
		end = memchr(data + 2, 0xff, len - 2);
		n = end ? (size_t)(end - data) : len;
		step(data[1], data + 2, n - 2);
		data += n;
		len -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct address agent, address;
	struct config config;
	atomic_bool blind = false;
	struct flow *flow;
	int fds[2], record[2];

	/* TLS is another machine's; here it would want a signer. */
	if (len < 4 || data[1] != 0xff || data[2] != 'a' || data[3] == 0x16)
		return 0;
	run = (struct run){ .no_origin = data[0] & 8, .where = data[0] & 3 };
	address = set_up(&config, &run.worker.pins, run.where);
	MUST(address_parse(&agent, "10.0.0.2", 8));
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, record) ==
	     0);
	run.agent = fds[1];
	run.record = record[1];
	run.worker.config = &config;
	run.worker.base = event_base_new();
	MUST(run.worker.base);
	run.worker.policy = policy(data[0] & 4);
	run.worker.audit =
		(struct audit){ .fd = record[0], .worker = 1, .blind = &blind };
	run.worker.pool = pool_new(run.worker.base);
	MUST(run.worker.pool);
	MUST(flow_table_init(&run.worker.flows, &run.worker) == 0);

	flow_start(&run.worker, fds[0], &agent, 40000, &address, 80);
	play(data + 1, len - 1);
	turn();

	flow = TAILQ_FIRST(&run.worker.flows.live);
	if (flow)
		flow_close(flow, REASON_ALLOWED, true);
	flow_table_done(&run.worker.flows);
	hear_origins(run.refused);
	for (size_t i = 0; i < run.n_origins; i++) {
		check(&run.origins[i]);
		end_fd(&run.origins[i].fd);
		free(run.origins[i].heard);
	}
	MUST(!blind);
	end_fd(&run.agent);
	close(record[0]);
	close(record[1]);
	policy_free(run.worker.policy);
	pool_free(run.worker.pool);
	event_base_free(run.worker.base);
	return 0;
}
