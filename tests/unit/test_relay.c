/* A flow that is relayed, from accept to its end; upstream is played here. */
#include "relay.h"

#include "log.h"
#include "upstream.h"
#include "worker.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TURNS 20
#define HEARD_MAX (1u << 16)

struct rig {
	struct worker worker;
	struct config config;
	atomic_bool blind;
	int agent, origin, record; /* our ends */
};

/* --- upstream --- */

struct upstream {
	struct rig *rig;
	struct event *soon;
	upstream_done *done;
	void *arg;
};

static void dialled(evutil_socket_t fd, short what, void *arg)
{
	struct upstream *upstream = arg;
	struct rig *rig = upstream->rig;
	struct stream stream;
	struct upstream_result result = { .reason = REASON_ALLOWED,
					  .stream = &stream };
	int fds[2];

	(void)fd;
	(void)what;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	rig->origin = fds[1];
	assert_int_equal(stream_open(&stream, rig->worker.base, fds[0],
				     flow_ignore, NULL),
			 0);
	upstream->done(upstream->arg, &result);
	upstream_cancel(upstream);
}

struct upstream *upstream_start(struct worker *worker,
				const struct upstream_want *want,
				upstream_done *done, void *arg)
{
	struct upstream *upstream = calloc(1, sizeof(*upstream));

	assert_non_null(upstream);
	assert_non_null(want->name);
	upstream->rig = (struct rig *)(void *)worker; /* its first member */
	upstream->done = done;
	upstream->arg = arg;
	upstream->soon = evtimer_new(worker->base, dialled, upstream);
	assert_non_null(upstream->soon);
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

/* --- the rig --- */

static struct domain domain(const char *text)
{
	struct domain domain;

	assert_true(domain_parse(&domain, text, strlen(text)));
	return domain;
}

static struct policy *policy(void)
{
	struct route routes[2] = {
		{ .n_ports = 1, .ports = { 443 }, .tls = ROUTE_TLS_SPLICE },
		{ .n_ports = 1, .ports = { 22 }, .tls = ROUTE_TLS_NONE },
	};

	routes[0].host.base = domain("a.test");
	routes[1].host.base = domain("raw.test");
	return policy_new(routes, 2, NULL, 0, POLICY_REFUSALS_TERSE);
}

static void turn(struct rig *rig)
{
	for (int i = 0; i < TURNS; i++)
		event_base_loop(rig->worker.base, EVLOOP_NONBLOCK);
}

static int setup(void **state)
{
	static struct pins *pins; /* as long as the process */
	struct rig *rig = calloc(1, sizeof(*rig));
	int record[2];

	assert_non_null(rig);
	if (!pins)
		pins = pins_new();
	log_set(LOG_LEVEL_ERR, "test");
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
				    record),
			 0);
	rig->record = record[1];
	rig->origin = rig->agent = -1;
	rig->worker.config = &rig->config;
	rig->worker.pins = pins;
	rig->worker.base = event_base_new();
	rig->worker.policy = policy();
	assert_true(pins && rig->worker.base && rig->worker.policy);
	rig->worker.audit = (struct audit){ .fd = record[0],
					    .worker = 1,
					    .blind = &rig->blind };
	assert_int_equal(flow_table_init(&rig->worker.flows, &rig->worker), 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	flow_table_done(&rig->worker.flows);
	relay_pipes_done(&rig->worker.pipes);
	if (rig->agent >= 0)
		close(rig->agent);
	if (rig->origin >= 0)
		close(rig->origin);
	close(rig->record);
	close(rig->worker.audit.fd);
	policy_free(rig->worker.policy);
	event_base_free(rig->worker.base);
	free(rig);
	return 0;
}

static void connect_to(struct rig *rig, const struct address *where,
		       uint16_t port)
{
	struct address agent;
	int fds[2];

	assert_true(address_parse(&agent, "10.0.0.2", 8));
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	rig->agent = fds[1];
	flow_start(&rig->worker, fds[0], &agent, 40000, where, port);
	turn(rig);
}

static void say(struct rig *rig, int fd, const void *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
	turn(rig);
}

static void assert_hears(int fd, const void *wanted, size_t len)
{
	static char bytes[HEARD_MAX];

	assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), len);
	assert_memory_equal(bytes, wanted, len);
}

static void assert_hears_nothing(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

/* --- what is spliced --- */

struct hello {
	uint8_t bytes[4096];
	size_t len;
};

static struct hello hello(const char *name, bool with_alpn)
{
	static const uint8_t alpn[] = "\x08http/1.1";
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = context ? SSL_new(context) : NULL;
	BIO *out = BIO_new(BIO_s_mem());
	char text[64]; /* OpenSSL's macro takes no const */
	struct hello hello;
	int n;

	(void)snprintf(text, sizeof(text), "%s", name);
	assert_non_null(ssl);
	assert_int_equal(SSL_set_tlsext_host_name(ssl, text), 1);
	if (with_alpn)
		assert_int_equal(SSL_set_alpn_protos(ssl, alpn, 9), 0);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
	SSL_set_connect_state(ssl);
	assert_int_not_equal(SSL_do_handshake(ssl), 1);
	n = BIO_read(out, hello.bytes, sizeof(hello.bytes));
	assert_true(n > 0);
	hello.len = (size_t)n;
	SSL_free(ssl);
	SSL_CTX_free(context);
	return hello;
}

#define SERVER_FIRST_LEN (5 + 4 + 40)

/* A ServerHello, or a HelloRetryRequest: its random is a fixed one. */
static void server_first(uint8_t bytes[SERVER_FIRST_LEN], bool retry)
{
	static const uint8_t random[32] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a,
					    0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02,
					    0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2,
					    0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
					    0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8,
					    0x33, 0x9c };
	static const uint8_t head[] = { 0x16, 3, 3, 0, 44, 2, 0, 0, 40, 3, 3 };

	memset(bytes, 0, SERVER_FIRST_LEN);
	memcpy(bytes, head, sizeof(head));
	if (retry)
		memcpy(bytes + sizeof(head), random, sizeof(random));
	bytes[sizeof(head) + 33] = 0x13;
	bytes[sizeof(head) + 34] = 0x01;
}

/* The agent has sent its hello and, behind it, more. */
static struct hello spliced(struct rig *rig)
{
	struct domain name = domain("a.test");
	struct hello first = hello("a.test", true);
	struct address where;

	assert_true(address_parse(&where, "192.0.2.1", 9));
	pins_add(rig->worker.pins, &name, &where);
	connect_to(rig, &where, 443);
	assert_int_equal(rig->origin, -1);
	say(rig, rig->agent, first.bytes, first.len);
	assert_true(rig->origin >= 0);
	assert_hears(rig->origin, first.bytes, first.len);
	return first;
}

static void only_the_hello_passes_before_the_origin_speaks(void **state)
{
	struct rig *rig = *state;
	uint8_t answer[SERVER_FIRST_LEN];

	spliced(rig);
	say(rig, rig->agent, "more", 4);
	assert_hears_nothing(rig->origin);
	server_first(answer, false);
	/* In pieces: until it is whole, nothing. */
	for (size_t i = 0; i < sizeof(answer) - 1; i++) {
		say(rig, rig->origin, answer + i, 1);
		assert_hears(rig->agent, answer + i, 1);
		assert_hears_nothing(rig->origin);
	}
	say(rig, rig->origin, answer + sizeof(answer) - 1, 1);
	assert_hears(rig->origin, "more", 4);
	/* From here on, bytes only move. */
	assert_hears(rig->agent, answer + sizeof(answer) - 1, 1);
	say(rig, rig->agent, "anything", 8);
	assert_hears(rig->origin, "anything", 8);
}

static void a_second_hello_that_agrees_passes(void **state)
{
	static const uint8_t ccs[] = { 0x14, 3, 3, 0, 1, 1 };
	struct rig *rig = *state;
	struct hello second = hello("a.test", true);
	uint8_t answer[SERVER_FIRST_LEN];

	spliced(rig);
	server_first(answer, true);
	say(rig, rig->origin, answer, sizeof(answer));
	assert_hears(rig->agent, answer, sizeof(answer));
	say(rig, rig->agent, ccs, sizeof(ccs));
	assert_hears_nothing(rig->origin);
	say(rig, rig->agent, second.bytes, 20);
	assert_hears_nothing(rig->origin);
	say(rig, rig->agent, second.bytes + 20, second.len - 20);
	{
		uint8_t both[sizeof(ccs) + sizeof(second.bytes)];

		memcpy(both, ccs, sizeof(ccs));
		memcpy(both + sizeof(ccs), second.bytes, second.len);
		assert_hears(rig->origin, both, sizeof(ccs) + second.len);
	}
	say(rig, rig->origin, "answer", 6);
	assert_hears(rig->agent, "answer", 6);
}

static bool recorded(struct rig *rig, const char *word)
{
	char line[AUDIT_LINE_MAX + 1];
	bool found = false;
	ssize_t n;

	while ((n = recv(rig->record, line, AUDIT_LINE_MAX, 0)) > 0) {
		line[n] = '\0';
		found |= strstr(line, word) != NULL;
	}
	return found;
}

static void a_second_hello_that_differs_never_arrives(void **state)
{
	const struct hello others[] = { hello("b.test", true),
					hello("a.test", false) };
	uint8_t answer[SERVER_FIRST_LEN];

	server_first(answer, true);
	for (size_t i = 0; i < 2; i++) {
		struct rig *rig = *state;
		char byte;

		spliced(rig);
		say(rig, rig->origin, answer, sizeof(answer));
		assert_hears(rig->agent, answer, sizeof(answer));
		say(rig, rig->agent, others[i].bytes, others[i].len);
		/* The end, and before it nothing. */
		errno = 0;
		assert_true(recv(rig->origin, &byte, 1, 0) <= 0);
		assert_int_not_equal(errno, EAGAIN);
		assert_true(TAILQ_EMPTY(&rig->worker.flows.live));
		assert_true(recorded(rig, "\"reason\":\"hello_changed\""));
		teardown(state);
		setup(state);
	}
}

/* RFC 6066 3: some servers warn that they do not know the name, and go on. */
static void after_a_warning_the_origin_has_yet_to_speak(void **state)
{
	static const uint8_t warning[] = { 0x15, 3, 3, 0, 2, 1, 112 };
	struct rig *rig = *state;
	uint8_t answer[SERVER_FIRST_LEN];

	spliced(rig);
	say(rig, rig->agent, "more", 4);
	for (int i = 0; i < 2; i++) {
		say(rig, rig->origin, warning, sizeof(warning));
		assert_hears(rig->agent, warning, sizeof(warning));
		assert_hears_nothing(rig->origin);
	}
	server_first(answer, false);
	say(rig, rig->origin, answer, sizeof(answer));
	assert_hears(rig->agent, answer, sizeof(answer));
	assert_hears(rig->origin, "more", 4);
}

static void a_warning_does_not_let_another_name_pass(void **state)
{
	static const uint8_t warning[] = { 0x15, 3, 3, 0, 2, 1, 112 };
	struct rig *rig = *state;
	struct hello second = hello("b.test", true);
	uint8_t answer[SERVER_FIRST_LEN];
	char byte;

	spliced(rig);
	say(rig, rig->origin, warning, sizeof(warning));
	server_first(answer, true);
	say(rig, rig->origin, answer, sizeof(answer));
	say(rig, rig->agent, second.bytes, second.len);
	assert_true(recv(rig->origin, &byte, 1, 0) <= 0);
	assert_true(TAILQ_EMPTY(&rig->worker.flows.live));
	assert_true(recorded(rig, "\"reason\":\"hello_changed\""));
}

static void after_an_alert_the_agent_has_no_say(void **state)
{
	static const uint8_t alert[] = { 0x15, 3, 3, 0, 2, 2, 40 };
	struct rig *rig = *state;

	spliced(rig);
	say(rig, rig->agent, "more", 4);
	say(rig, rig->origin, alert, sizeof(alert));
	assert_hears(rig->agent, alert, sizeof(alert));
	assert_hears_nothing(rig->origin);
	say(rig, rig->agent, "still more", 10);
	assert_hears_nothing(rig->origin);
	close(rig->origin);
	rig->origin = -1;
	turn(rig);
	assert_true(TAILQ_EMPTY(&rig->worker.flows.live));
}

/* --- what is raw --- */

static void connect_raw(struct rig *rig)
{
	struct domain name = domain("raw.test");
	struct address v4, v6;

	assert_true(pins_virtual(rig->worker.pins, &name, &v4, &v6));
	connect_to(rig, &v4, 22);
	assert_true(rig->origin >= 0);
}

static void raw_bytes_pass_both_ways_and_ends_by_themselves(void **state)
{
	struct rig *rig = *state;
	char byte;

	connect_raw(rig);
	say(rig, rig->origin, "banner", 6); /* who speaks first is free */
	assert_hears(rig->agent, "banner", 6);
	say(rig, rig->agent, "\0\xff", 2);
	assert_hears(rig->origin, "\0\xff", 2);
	assert_int_equal(shutdown(rig->agent, SHUT_WR), 0);
	turn(rig);
	assert_int_equal(recv(rig->origin, &byte, 1, 0), 0);
	say(rig, rig->origin, "last", 4);
	assert_hears(rig->agent, "last", 4);
	assert_int_equal(shutdown(rig->origin, SHUT_WR), 0);
	turn(rig);
	assert_int_equal(recv(rig->agent, &byte, 1, 0), 0);
	assert_true(TAILQ_EMPTY(&rig->worker.flows.live));
	assert_true(recorded(rig, "\"bytes_out\":2,\"bytes_in\":10,"));
}

/* Enough for copying to give way to splice(2), both ways, with full ends. */
static void all_of_much_arrives(void **state)
{
	static char sent[3 << 20], back[2][3 << 20];
	struct rig *rig = *state;
	int ends[2];
	size_t put[2] = { 0 }, got[2] = { 0 };
	char byte;

	connect_raw(rig);
	ends[0] = rig->agent;
	ends[1] = rig->origin;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 137 + i / 1021);
	for (int i = 0; i < 100000; i++) {
		int end = i % 2;
		ssize_t n = send(ends[end], sent + put[end],
				 sizeof(sent) - put[end], MSG_NOSIGNAL);

		if (n > 0)
			put[end] += (size_t)n;
		event_base_loop(rig->worker.base, EVLOOP_NONBLOCK);
		if (i % 5 > 1)
			continue; /* a slow reader */
		n = recv(ends[end], back[end] + got[end],
			 sizeof(sent) - got[end], 0);
		if (n > 0)
			got[end] += (size_t)n;
		if (got[0] + got[1] == 2 * sizeof(sent))
			break;
	}
	assert_int_equal(got[0], sizeof(sent));
	assert_int_equal(got[1], sizeof(sent));
	assert_memory_equal(back[0], sent, sizeof(sent));
	assert_memory_equal(back[1], sent, sizeof(sent));
	assert_int_equal(shutdown(rig->agent, SHUT_WR), 0);
	turn(rig);
	assert_int_equal(recv(rig->origin, &byte, 1, 0), 0);
	assert_int_equal(shutdown(rig->origin, SHUT_WR), 0);
	turn(rig);
	assert_true(TAILQ_EMPTY(&rig->worker.flows.live));
	assert_true(rig->worker.pipes.n > 0); /* splice(2) it was */
}

/* Passed on, it would cut off what the pipe still holds. */
static void an_end_waits_for_what_is_on_its_way(void **state)
{
	static char sent[4 << 20], got[sizeof(sent)];
	struct rig *rig = *state;
	size_t put = 0, heard = 0;
	ssize_t n;

	connect_raw(rig);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 137 + i / 1021);
	/* With a reader, until splice(2) does it; then until all is full. */
	for (int idle = 0; idle < 10; idle++) {
		n = send(rig->agent, sent + put, sizeof(sent) - put,
			 MSG_NOSIGNAL);
		if (n > 0) {
			put += (size_t)n;
			idle = 0;
		}
		turn(rig);
		n = put < 1 << 20 ? recv(rig->origin, got + heard,
					 sizeof(got) - heard, 0)
				  : 0;
		if (n > 0)
			heard += (size_t)n;
	}
	assert_true(put < sizeof(sent));
	assert_int_equal(shutdown(rig->agent, SHUT_WR), 0);
	do {
		turn(rig);
		n = recv(rig->origin, got + heard, 1000, 0);
		if (n > 0)
			heard += (size_t)n;
	} while (n > 0);
	assert_int_equal(n, 0);
	assert_int_equal(heard, put);
	assert_memory_equal(got, sent, put);
}

static void one_that_left_ends_the_other(void **state)
{
	struct rig *rig = *state;
	char byte;

	connect_raw(rig);
	close(rig->origin);
	rig->origin = -1;
	turn(rig);
	assert_int_equal(recv(rig->agent, &byte, 1, 0), 0);
	assert_int_equal(send(rig->agent, "x", 1, MSG_NOSIGNAL), 1);
	turn(rig);
	assert_true(TAILQ_EMPTY(&rig->worker.flows.live));
}

/* As when the kernel has no memory to watch one more: epoll takes no files. */
static void a_flow_that_cannot_be_watched_ends_alone(void **state)
{
	struct rig *rig = *state;
	char path[] = "/tmp/sluice-test-relay.XXXXXX";
	struct domain name = domain("raw.test");
	struct address v4, v6, agent;
	int fds[2], file = mkstemp(path);

	assert_true(file >= 0);
	unlink(path);
	assert_true(address_parse(&agent, "10.0.0.2", 8));
	assert_true(pins_virtual(rig->worker.pins, &name, &v4, &v6));
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	rig->agent = fds[1];
	flow_start(&rig->worker, fds[0], &agent, 40000, &v4, 22);
	assert_true(dup2(file, fds[0]) >= 0);
	close(file);
	turn(rig);
	assert_true(rig->origin >= 0);
	assert_true(TAILQ_EMPTY(&rig->worker.flows.live));
}

int main(void)
{
#define TEST(fact) cmocka_unit_test_setup_teardown(fact, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(only_the_hello_passes_before_the_origin_speaks),
		TEST(a_second_hello_that_agrees_passes),
		TEST(a_second_hello_that_differs_never_arrives),
		TEST(after_a_warning_the_origin_has_yet_to_speak),
		TEST(a_warning_does_not_let_another_name_pass),
		TEST(after_an_alert_the_agent_has_no_say),
		TEST(raw_bytes_pass_both_ways_and_ends_by_themselves),
		TEST(all_of_much_arrives),
		TEST(an_end_waits_for_what_is_on_its_way),
		TEST(one_that_left_ends_the_other),
		TEST(a_flow_that_cannot_be_watched_ends_alone),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	if (!stream_setup())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
