/*
 * A flow of HTTP/2 without TLS below it, so that both ends can be played here:
 * what its deadlines are, and what the agent is told when they pass.
 */
#include "http/multiplex.h"

#include "log.h"
#include "worker.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TURNS 20
#define HEARD_MAX (1u << 16)
#define SHORT_MS 3000 /* no deadline of the module's is so */
#define SLACK_MS 500  /* between the clocks of timers and of this test */

/* RFC 7541: GET, http, /, and a.test for :authority */
#define HEAD                   \
	"\x82\x86\x84\x01\x06" \
	"a.test"
#define POST                   \
	"\x83\x86\x84\x01\x06" \
	"a.test"
#define HEAD_LEN 11

enum frame_type { DATA = 0, HEADERS = 1, RST_STREAM = 3, PING = 6, GOAWAY = 7 };
enum { END_STREAM = 1, END_HEADERS = 4 };

struct rig {
	struct worker worker;
	struct config config;
	atomic_bool blind;
	int agent, origin, record; /* our ends */
	struct flow *flow;
	uint8_t heard[HEARD_MAX];
	size_t heard_len;
	bool ended;
};

static void turn(struct rig *rig)
{
	for (int i = 0; i < TURNS; i++)
		event_base_loop(rig->worker.base, EVLOOP_NONBLOCK);
}

static void listen_to_gateway(struct rig *rig)
{
	ssize_t n;

	do {
		n = recv(rig->agent, rig->heard + rig->heard_len,
			 HEARD_MAX - rig->heard_len, 0);
		if (n > 0)
			rig->heard_len += (size_t)n;
	} while (n > 0);
	if (n == 0 || errno == ECONNRESET)
		rig->ended = true;
}

static void say(struct rig *rig, int fd, enum frame_type type, int flags,
		uint8_t stream, const void *payload, size_t len)
{
	const uint8_t head[9] = {
		0, 0, (uint8_t)len, (uint8_t)type, (uint8_t)flags, 0,
		0, 0, stream
	};

	assert_int_equal(send(fd, head, sizeof(head), MSG_NOSIGNAL), 9);
	assert_int_equal(send(fd, payload, len, MSG_NOSIGNAL), len);
	turn(rig);
}

/* Whether the agent has heard such a frame. */
static bool heard(struct rig *rig, enum frame_type type, uint8_t stream)
{
	size_t at = 0;

	listen_to_gateway(rig);
	while (at + 9 <= rig->heard_len) {
		const uint8_t *frame = rig->heard + at;

		if (frame[3] == type && frame[8] == stream)
			return true;
		at += 9 + ((size_t)frame[1] << 8 | frame[2]);
	}
	return false;
}

static bool heard_text(struct rig *rig, const char *text)
{
	listen_to_gateway(rig);
	return memmem(rig->heard, rig->heard_len, text, strlen(text)) != NULL;
}

static unsigned left_ms(const struct rig *rig)
{
	struct timeval now, until;

	assert_true(evtimer_pending(rig->flow->deadline, &until));
	evutil_gettimeofday(&now, NULL);
	evutil_timersub(&until, &now, &until);
	return (unsigned)(until.tv_sec * 1000 + until.tv_usec / 1000);
}

/* --- the rig --- */

static struct policy *policy(void)
{
	struct route route = { .n_ports = 1, .ports = { 80 }, .h2c = true };

	assert_true(domain_parse(&route.host.base, "a.test", 6));
	return policy_new(&route, 1, NULL, 0, POLICY_REFUSALS_EXPLAIN);
}

static void connect_agent(struct rig *rig)
{
	struct address agent, v4, v6;
	struct domain name;
	int fds[2];

	assert_true(address_parse(&agent, "10.0.0.2", 8));
	assert_true(domain_parse(&name, "a.test", 6));
	assert_true(pins_virtual(rig->worker.pins, &name, &v4, &v6));
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	rig->agent = fds[1];
	flow_start(&rig->worker, fds[0], &agent, 40000, &v4, 80);
	rig->flow = TAILQ_FIRST(&rig->worker.flows.live);
	assert_non_null(rig->flow);
}

static void start(struct rig *rig)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				      "\0\0\0\4\0\0\0\0\0";
	struct stream origin;
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(stream_open(&origin, rig->worker.base, fds[0],
				     flow_ignore, NULL),
			 0);
	rig->origin = fds[1];
	assert_int_equal(send(rig->origin, preface + 24, 9, 0), 9);
	assert_int_equal(send(rig->agent, preface, 33, 0), 33);
	rig->flow->kind = ATTEMPT_HTTP;
	flow_become(rig->flow, FLOW_INTERCEPTING);
	assert_int_equal(multiplex_start(rig->flow, &origin, NULL), 0);
	turn(rig);
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
	rig->worker.config = &rig->config;
	rig->worker.pins = pins;
	rig->worker.base = event_base_new();
	rig->worker.policy = policy();
	assert_true(pins && rig->worker.base && rig->worker.policy);
	rig->worker.audit = (struct audit){ .fd = record[0],
					    .worker = 1,
					    .blind = &rig->blind };
	assert_int_equal(flow_table_init(&rig->worker.flows, &rig->worker), 0);
	connect_agent(rig);
	start(rig);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	flow_table_done(&rig->worker.flows);
	close(rig->agent);
	close(rig->origin);
	close(rig->record);
	close(rig->worker.audit.fd);
	policy_free(rig->worker.policy);
	event_base_free(rig->worker.base);
	free(rig);
	return 0;
}

/* --- tests --- */

static void the_first_request_is_waited_for_briefly(void **state)
{
	struct rig *rig = *state;

	assert_in_range(left_ms(rig), 5000, 10000 + SLACK_MS);
	say(rig, rig->agent, PING, 0, 0, "12345678", 8);
	flow_deadline(rig->flow, SHORT_MS);
	say(rig, rig->agent, PING, 0, 0, "12345678", 8);
	assert_in_range(left_ms(rig), 0, SHORT_MS + SLACK_MS);
	multiplex_timed_out(rig->flow->multiplex);
	turn(rig);
	assert_true(heard(rig, GOAWAY, 0));
	assert_true(rig->ended);
}

static void only_streams_keep_it_from_idling(void **state)
{
	struct rig *rig = *state;

	say(rig, rig->agent, HEADERS, END_HEADERS, 1, POST, HEAD_LEN);
	assert_true(left_ms(rig) > 500000);
	flow_deadline(rig->flow, SHORT_MS);
	say(rig, rig->agent, PING, 0, 0, "12345678", 8);
	say(rig, rig->origin, PING, 0, 0, "12345678", 8);
	assert_in_range(left_ms(rig), 0, SHORT_MS + SLACK_MS);
	say(rig, rig->agent, DATA, 0, 1, "x", 1);
	assert_true(left_ms(rig) > 500000);
	flow_deadline(rig->flow, SHORT_MS);
	say(rig, rig->origin, HEADERS, END_HEADERS, 1, "\x88", 1);
	assert_true(left_ms(rig) > 500000);
}

static void half_a_head_has_a_deadline_of_its_own(void **state)
{
	struct rig *rig = *state;

	say(rig, rig->agent, HEADERS, END_HEADERS, 1, POST, HEAD_LEN);
	say(rig, rig->agent, HEADERS, END_STREAM, 3, HEAD, HEAD_LEN);
	assert_in_range(left_ms(rig), 5000, 10000 + SLACK_MS);
	/* Nothing else puts it off. */
	flow_deadline(rig->flow, SHORT_MS);
	say(rig, rig->origin, HEADERS, END_HEADERS, 1, "\x88", 1);
	assert_in_range(left_ms(rig), 0, SHORT_MS + SLACK_MS);
	multiplex_timed_out(rig->flow->multiplex);
	turn(rig);
	listen_to_gateway(rig);
	assert_true(rig->ended);
}

static void a_request_without_an_answer_is_told_so(void **state)
{
	struct rig *rig = *state;

	say(rig, rig->agent, HEADERS, END_HEADERS | END_STREAM, 1, HEAD,
	    HEAD_LEN);
	say(rig, rig->agent, HEADERS, END_HEADERS, 3, POST, HEAD_LEN);
	say(rig, rig->agent, HEADERS, END_HEADERS, 5, POST, HEAD_LEN);
	say(rig, rig->origin, HEADERS, END_HEADERS, 5, "\x88", 1);
	multiplex_timed_out(rig->flow->multiplex);
	turn(rig);
	assert_true(heard(rig, DATA, 1) && heard(rig, DATA, 3));
	assert_true(heard_text(rig, "\"status\":504"));
	assert_true(heard_text(rig, "\"status\":408"));
	assert_true(heard(rig, RST_STREAM, 5));
	assert_true(heard(rig, GOAWAY, 0));
	assert_true(rig->ended);
}

static void an_agent_that_stays_is_left(void **state)
{
	struct rig *rig = *state;

	say(rig, rig->agent, HEADERS, END_HEADERS, 1, POST, HEAD_LEN);
	multiplex_timed_out(rig->flow->multiplex);
	turn(rig);
	assert_in_range(left_ms(rig), 0, 2000 + SLACK_MS);
	multiplex_timed_out(rig->flow->multiplex);
	turn(rig);
	assert_true(TAILQ_EMPTY(&rig->worker.flows.live));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_first_request_is_waited_for_briefly, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			only_streams_keep_it_from_idling, setup, teardown),
		cmocka_unit_test_setup_teardown(
			half_a_head_has_a_deadline_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_request_without_an_answer_is_told_so, setup,
			teardown),
		cmocka_unit_test_setup_teardown(an_agent_that_stays_is_left,
						setup, teardown),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return stream_setup() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
