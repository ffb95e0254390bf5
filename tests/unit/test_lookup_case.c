/* What counts as an answer, against a server that is told how to misbehave. */
#include "dns/lookup.h"

#include "table.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_S 10 /* for what must come; a test that waits so long fails */
#define NAME "name.with.many.letters.to.be.mixed.example.org"

enum manner {
	KEEPS,  /* repeats the question as it is */
	FOLDS,  /* repeats it in lower case */
	FORGED, /* forgeries come before the answer */
	ALONE,  /* and no answer comes at all */
};

struct rig {
	struct event_base *base;
	struct lookup *lookup;
	struct event *ready, *late;
	int fd;
	enum manner manner;
	uint8_t question[DNS_QUERY_MAX]; /* the last one */
	size_t len;
	struct sockaddr_in peer;
	unsigned n_asked, n_mixed, n_ports;
	in_port_t ports[64];
};

struct waiter {
	struct lookup_wait wait;
	struct event_base *base;
	bool done;
	enum dns_result result;
	struct dns_addresses found;
};

/* --- the server --- */

/* The question made a response with one address, whose last byte is @mark. */
static void respond(struct rig *rig, const uint8_t *question, uint8_t mark)
{
	static const uint8_t record[] = { 0xc0, 12, 0, 1, 0,  1, 0, 0,
					  0,    60, 0, 4, 93, 0, 0 };
	uint8_t out[DNS_QUERY_MAX + sizeof(record) + 1];
	size_t end = rig->len - 11; /* without OPT */

	memcpy(out, question, end);
	memcpy(out + end, record, sizeof(record));
	out[end + sizeof(record)] = mark;
	out[2] = 0x81;
	out[3] = 0x80;
	out[7] = 1;
	out[11] = 0;
	(void)sendto(rig->fd, out, end + sizeof(record) + 1, 0,
		     (struct sockaddr *)&rig->peer, sizeof(rig->peer));
}

static void fold(const struct rig *rig, uint8_t *question)
{
	memcpy(question, rig->question, rig->len);
	for (size_t i = 12; i < rig->len - 15; i++)
		question[i] = (uint8_t)tolower(question[i]);
}

static void forge(struct rig *rig)
{
	uint8_t question[DNS_QUERY_MAX];

	fold(rig, question);
	respond(rig, question, 66); /* who guessed id and port, not the case */
	memcpy(question, rig->question, rig->len);
	question[0] ^= 1;
	respond(rig, question, 67); /* another id */
	memcpy(question, rig->question, rig->len);
	question[13] ^= 3;
	respond(rig, question, 68); /* another name */
	(void)sendto(rig->fd, "", 0, 0, (struct sockaddr *)&rig->peer,
		     sizeof(rig->peer));
}

static void asked(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval late = { 0, 100000 };
	struct rig *rig = arg;
	socklen_t peer_len = sizeof(rig->peer);
	ssize_t n = recvfrom(fd, rig->question, sizeof(rig->question), 0,
			     (struct sockaddr *)&rig->peer, &peer_len);
	uint8_t lower[DNS_QUERY_MAX];
	bool mixed;

	(void)what;
	if (n < 30)
		return;
	rig->len = (size_t)n;
	fold(rig, lower);
	mixed = memcmp(lower, rig->question, rig->len) != 0;
	rig->n_asked++;
	rig->n_mixed += mixed;
	if (rig->n_ports < 64)
		rig->ports[rig->n_ports++] = rig->peer.sin_port;
	switch (rig->manner) {
	case KEEPS:
		respond(rig, rig->question, 1);
		break;
	case FOLDS:
		respond(rig, lower, 1);
		break;
	case FORGED:
		forge(rig);
		evtimer_add(rig->late, &late);
		break;
	case ALONE:
		if (mixed)
			forge(rig);
		break;
	}
}

static void answer_late(evutil_socket_t fd, short what, void *arg)
{
	struct rig *rig = arg;

	(void)fd;
	(void)what;
	respond(rig, rig->question, 1);
}

/* --- the rig --- */

static int rig_new(void **state)
{
	static struct rig rig;
	struct nameserver server = { .port = 0 };
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sa);

	memset(&rig, 0, sizeof(rig));
	rig.base = event_base_new();
	rig.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_return_code(bind(rig.fd, (struct sockaddr *)&sa, len), errno);
	assert_return_code(getsockname(rig.fd, (struct sockaddr *)&sa, &len),
			   errno);
	rig.ready =
		event_new(rig.base, rig.fd, EV_READ | EV_PERSIST, asked, &rig);
	rig.late = evtimer_new(rig.base, answer_late, &rig);
	event_add(rig.ready, NULL);
	server.port = ntohs(sa.sin_port);
	server.address =
		address_from_bytes(AF_INET, (uint8_t[]){ 127, 0, 0, 1 });
	rig.lookup = lookup_new(NULL);
	assert_non_null(rig.lookup);
	assert_int_equal(lookup_start(rig.lookup, rig.base), 0);
	lookup_use(rig.lookup, &server, 1);
	*state = &rig;
	return 0;
}

static int rig_free(void **state)
{
	struct rig *rig = *state;

	lookup_free(rig->lookup);
	event_free(rig->ready);
	event_free(rig->late);
	event_base_free(rig->base);
	close(rig->fd);
	return 0;
}

static void looked_up(struct lookup_wait *wait, enum dns_result result,
		      const struct dns_addresses *found)
{
	struct waiter *waiter = table_entry(wait, struct waiter, wait);

	waiter->done = true;
	waiter->result = result;
	waiter->found = *found;
	event_base_loopbreak(waiter->base);
}

/* The last byte of the address that came; 0 for none. */
static uint8_t ask(struct rig *rig, const char *text)
{
	const struct timeval most = { WAIT_S, 0 };
	struct waiter waiter = { .wait.done = looked_up, .base = rig->base };
	struct domain name;

	assert_true(domain_parse(&name, text, strlen(text)));
	event_base_loopexit(rig->base, &most);
	if (lookup_ask(rig->lookup, &name, DNS_TYPE_A, &waiter.wait,
		       &waiter.result, &waiter.found))
		waiter.done = true;
	while (!waiter.done && !event_base_got_exit(rig->base))
		event_base_dispatch(rig->base);
	assert_true(waiter.done);
	if (waiter.result != DNS_RESULT_FOUND)
		return 0;
	assert_int_equal(waiter.found.n, 1);
	return waiter.found.list[0].bytes[3];
}

/* --- the facts --- */

static void a_question_goes_out_in_mixed_case(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(ask(rig, NAME), 1);
	assert_int_equal(rig->n_asked, 1);
	assert_int_equal(rig->n_mixed, 1);
}

static void each_question_has_a_port_of_its_own(void **state)
{
	struct rig *rig = *state;
	char name[] = "a." NAME;
	unsigned n_differ = 0;

	for (int c = 'a'; c < 'i'; c++) {
		name[0] = (char)c;
		assert_int_equal(ask(rig, name), 1);
	}
	for (unsigned i = 1; i < rig->n_ports; i++)
		n_differ += rig->ports[i] != rig->ports[i - 1];
	assert_in_range(n_differ, 4, 8);
}

static void a_server_that_folds_is_asked_once_more(void **state)
{
	struct rig *rig = *state;

	rig->manner = FOLDS;
	assert_int_equal(ask(rig, NAME), 1);
	assert_int_equal(rig->n_mixed, 1);
	assert_int_equal(rig->n_asked, 2);
	/* And from now on in lower case at once. */
	assert_int_equal(ask(rig, "other." NAME), 1);
	assert_int_equal(rig->n_mixed, 1);
	assert_int_equal(rig->n_asked, 3);
}

static void what_does_not_match_is_not_heard(void **state)
{
	struct rig *rig = *state;

	rig->manner = FORGED;
	assert_int_equal(ask(rig, NAME), 1);
	assert_int_equal(rig->n_asked, 1);
}

static void forgeries_alone_are_no_answer(void **state)
{
	struct rig *rig = *state;

	rig->manner = ALONE;
	assert_int_equal(ask(rig, NAME), 0);
	assert_true(rig->n_asked > rig->n_mixed);
}

/* A network of our own, with nothing but a loopback. */
static int isolated(void **state)
{
	struct ifreq up = { .ifr_name = "lo" };
	int fd;

	(void)state;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	up.ifr_flags = IFF_UP;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &up) < 0)
		return -1;
	close(fd);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_question_goes_out_in_mixed_case, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(
			each_question_has_a_port_of_its_own, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(
			a_server_that_folds_is_asked_once_more, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(
			what_does_not_match_is_not_heard, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(forgeries_alone_are_no_answer,
						rig_new, rig_free),
	};

	return cmocka_run_group_tests(tests, isolated, NULL);
}
