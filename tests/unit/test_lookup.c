/* Against a DNS server in a process of its own, on the loopback. */
#include "dns/lookup.h"

#include "dns/cache.h"

#include "dns_peer.h"
#include "log.h"

#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_S 20 /* for what must come; a test that waits so long fails */
#define ASKERS 10

/* How often the server was asked, and how; shared with it. */
struct seen {
	atomic_uint udp, tcp;
};

struct rig {
	struct event_base *base;
	struct lookup *lookup;
	struct seen *seen;
	uint16_t port;
	pid_t server; /* 0: there is none */
	int udp, tcp;
};

/* --- the server --- */

static void put_len(uint8_t *at, size_t len)
{
	at[0] = (uint8_t)(len >> 8);
	at[1] = (uint8_t)len;
}

static void serve_udp(int fd, struct seen *seen)
{
	struct sockaddr_in peer;
	socklen_t peer_len = sizeof(peer);
	uint8_t in[512], out[DNS_PEER_MAX];
	ssize_t n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&peer,
			     &peer_len);
	size_t len;

	if (n < 0)
		return;
	seen->udp++;
	len = dns_peer_answer(in, (size_t)n, false, out);
	if (len > 0)
		(void)sendto(fd, out, len, 0, (struct sockaddr *)&peer,
			     peer_len);
}

/* One question, one answer, and the end. */
static void serve_tcp(int listening, struct seen *seen)
{
	int fd = accept(listening, NULL, NULL);
	uint8_t in[514], out[2 + DNS_PEER_MAX];
	size_t got = 0, len;

	while (fd >= 0 && (got < 2 || got < 2 + (size_t)in[1])) {
		ssize_t n = recv(fd, in + got, sizeof(in) - got, 0);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	if (got > 2) {
		seen->tcp++;
		len = dns_peer_answer(in + 2, got - 2, true, out + 2);
		put_len(out, len);
		(void)send(fd, out, len + 2, MSG_NOSIGNAL);
	}
	if (fd >= 0)
		close(fd);
}

static void serve(struct rig *rig)
{
	struct pollfd polled[2] = { { .fd = rig->udp, .events = POLLIN },
				    { .fd = rig->tcp, .events = POLLIN } };

	for (;;) {
		if (poll(polled, 2, -1) < 0)
			_exit(1);
		if (polled[0].revents)
			serve_udp(rig->udp, rig->seen);
		if (polled[1].revents)
			serve_tcp(rig->tcp, rig->seen);
	}
}

/* --- the rig --- */

static void listen_on(struct rig *rig)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	rig->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rig->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(rig->tcp >= 0 && rig->udp >= 0);
	assert_int_equal(bind(rig->tcp, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(rig->tcp, 8), 0);
	assert_int_equal(getsockname(rig->tcp, (struct sockaddr *)&sa, &len),
			 0);
	assert_int_equal(bind(rig->udp, (struct sockaddr *)&sa, len), 0);
	rig->port = ntohs(sa.sin_port);
}

static struct nameserver server_at(uint16_t port)
{
	struct nameserver server = { .port = port };

	assert_true(address_parse(&server.address, "127.0.0.1", 9));
	return server;
}

static int setup(void **state)
{
	struct nameserver server;
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	log_set(LOG_LEVEL_ERR, "test");
	listen_on(rig);
	rig->seen = mmap(NULL, sizeof(*rig->seen), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(rig->seen, MAP_FAILED);
	(void)fflush(NULL);
	rig->server = fork();
	assert_true(rig->server >= 0);
	if (rig->server == 0)
		serve(rig);
	server = server_at(rig->port);
	rig->lookup = lookup_new(NULL);
	rig->base = event_base_new();
	assert_true(rig->lookup && rig->base);
	assert_int_equal(lookup_start(rig->lookup, rig->base), 0);
	lookup_use(rig->lookup, &server, 1);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	lookup_free(rig->lookup);
	event_base_free(rig->base);
	close(rig->udp);
	close(rig->tcp);
	if (rig->server > 0) {
		kill(rig->server, SIGKILL);
		waitpid(rig->server, NULL, 0);
	}
	munmap(rig->seen, sizeof(*rig->seen));
	free(rig);
	return 0;
}

/* --- asking --- */

struct asker {
	struct lookup_wait wait;
	unsigned n_called;
	enum dns_result result;
	struct dns_addresses addresses;
	char text[8]; /* of the first TXT record, or "" */
};

static void read_text(struct asker *asker, const struct records *records)
{
	size_t at = 0, len = 0;
	const uint8_t *data = records ? records_next(records, &at, &len) : NULL;

	if (!data)
		return;
	assert_in_range(len, 1, sizeof(asker->text));
	memcpy(asker->text, data + 1, len - 1);
}

static void called(struct lookup_wait *wait, enum dns_result result,
		   const struct dns_addresses *addresses)
{
	struct asker *asker = (struct asker *)(void *)wait;

	asker->n_called++;
	asker->result = result;
	asker->addresses = *addresses;
	read_text(asker, wait->records);
}

/* True if it was known already. */
static bool ask(struct rig *rig, struct asker *asker, const char *text,
		enum dns_type type)
{
	struct domain name;
	bool known;

	*asker = (struct asker){ .wait = { .done = called } };
	assert_true(domain_parse(&name, text, strlen(text)));
	known = lookup_ask(rig->lookup, &name, type, &asker->wait,
			   &asker->result, &asker->addresses);
	read_text(asker, asker->wait.records);
	return known;
}

static void late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

static void await(struct rig *rig, const struct asker *asker)
{
	struct timeval most = { WAIT_S, 0 };
	bool too_late = false;
	struct event *timer = evtimer_new(rig->base, late, &too_late);

	assert_non_null(timer);
	evtimer_add(timer, &most);
	while (asker->n_called == 0 && !too_late)
		event_base_loop(rig->base, EVLOOP_ONCE);
	event_free(timer);
	assert_int_equal(asker->n_called, 1);
}

static void ask_and_wait(struct rig *rig, struct asker *asker, const char *name,
			 enum dns_type type)
{
	assert_false(ask(rig, asker, name, type));
	assert_int_equal(asker->n_called, 0); /* never from inside the call */
	await(rig, asker);
}

static void both_kinds_of_address_are_found(void **state)
{
	struct rig *rig = *state;
	struct asker v4, v6;
	char text[ADDRESS_TEXT_MAX];

	ask_and_wait(rig, &v4, "a.test", DNS_TYPE_A);
	assert_int_equal(v4.result, DNS_RESULT_FOUND);
	assert_int_equal(v4.addresses.n, 1);
	assert_string_equal(address_format(&v4.addresses.list[0], text),
			    "192.0.2.1");
	assert_int_equal(v4.addresses.ttl_s, 60);
	/* The other type of the same name is another question. */
	ask_and_wait(rig, &v6, "a.test", DNS_TYPE_AAAA);
	assert_int_equal(v6.result, DNS_RESULT_FOUND);
	assert_string_equal(address_format(&v6.addresses.list[0], text),
			    "2001:db8::1");
}

static void an_answer_is_asked_for_once_while_it_lives(void **state)
{
	struct rig *rig = *state;
	struct asker first, again;

	ask_and_wait(rig, &first, "a.test", DNS_TYPE_A);
	for (int i = 0; i < 5; i++) {
		assert_true(ask(rig, &again, "a.test", DNS_TYPE_A));
		assert_int_equal(again.result, DNS_RESULT_FOUND);
		assert_int_equal(again.addresses.n, 1);
		assert_in_range(again.addresses.ttl_s, 1, 60);
	}
	assert_int_equal(rig->seen->udp, 1);
}

static void many_askers_are_one_question(void **state)
{
	struct rig *rig = *state;
	struct asker askers[ASKERS];

	for (int i = 0; i < ASKERS; i++)
		assert_false(ask(rig, &askers[i], "a.test", DNS_TYPE_A));
	for (int i = 0; i < ASKERS; i++) {
		await(rig, &askers[i]);
		assert_int_equal(askers[i].result, DNS_RESULT_FOUND);
		assert_int_equal(askers[i].addresses.n, 1);
		assert_null(askers[i].wait.asked);
	}
	assert_int_equal(rig->seen->udp, 1);
}

static void records_are_kept_beside_addresses(void **state)
{
	struct rig *rig = *state;
	struct asker txt, again, v4, mx;

	ask_and_wait(rig, &v4, "a.test", DNS_TYPE_A);
	assert_null(v4.wait.records);
	assert_false(ask(rig, &txt, "a.test", DNS_TYPE_TXT));
	assert_false(ask(rig, &again, "a.test", DNS_TYPE_TXT));
	await(rig, &txt);
	await(rig, &again);
	assert_int_equal(rig->seen->udp, 2);
	assert_int_equal(txt.result, DNS_RESULT_FOUND);
	assert_int_equal(txt.addresses.n, 0);
	assert_int_equal(txt.addresses.ttl_s, 60);
	assert_string_equal(txt.text, "hello");
	assert_string_equal(again.text, "hello");
	/* Both are known now, and the one is not the other. */
	assert_true(ask(rig, &txt, "a.test", DNS_TYPE_TXT));
	assert_string_equal(txt.text, "hello");
	assert_true(ask(rig, &v4, "a.test", DNS_TYPE_A));
	assert_int_equal(v4.addresses.n, 1);
	assert_null(v4.wait.records);
	/* What the server says of MX is none: the data are too long. */
	ask_and_wait(rig, &mx, "a.test", DNS_TYPE_MX);
	assert_int_equal(mx.result, DNS_RESULT_BAD);
	assert_null(mx.wait.records);
	ask_and_wait(rig, &txt, "only.test", DNS_TYPE_TXT);
	assert_int_equal(txt.result, DNS_RESULT_NODATA);
	assert_int_equal(txt.addresses.ttl_s, 60);
	ask_and_wait(rig, &txt, "tc.test", DNS_TYPE_TXT);
	assert_string_equal(txt.text, "hello");
	assert_int_equal(rig->seen->tcp, 1);
}

static void so_many_answers_with_records_are_kept(void **state)
{
	struct rig *rig = *state;
	struct asker asker;
	char name[16];

	ask_and_wait(rig, &asker, "a.test", DNS_TYPE_A);
	for (int i = 0; i <= CACHE_RECORDS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "a%d.test", i);
		ask_and_wait(rig, &asker, name, DNS_TYPE_TXT);
	}
	assert_true(ask(rig, &asker, "a1.test", DNS_TYPE_TXT));
	ask_and_wait(rig, &asker, "a0.test", DNS_TYPE_TXT);
	/* No address had to go for them. */
	assert_true(ask(rig, &asker, "a.test", DNS_TYPE_A));
}

static bool refuse_txt(void *arg, const struct domain *name, enum dns_type type)
{
	(void)arg;
	(void)name;
	return type != DNS_TYPE_TXT;
}

static void the_gate_is_asked_for_each_type(void **state)
{
	struct rig *rig = *state;
	struct asker asker;

	lookup_gate(rig->lookup, refuse_txt, NULL);
	ask_and_wait(rig, &asker, "a.test", DNS_TYPE_A);
	assert_true(ask(rig, &asker, "a.test", DNS_TYPE_TXT));
	assert_int_equal(asker.result, DNS_RESULT_WITHHELD);
	assert_int_equal(rig->seen->udp, 1);
	/* It was not kept. */
	lookup_gate(rig->lookup, NULL, NULL);
	ask_and_wait(rig, &asker, "a.test", DNS_TYPE_TXT);
	assert_string_equal(asker.text, "hello");
}

static void who_forgets_is_not_called(void **state)
{
	struct rig *rig = *state;
	struct asker gone, stays;

	assert_false(ask(rig, &gone, "a.test", DNS_TYPE_A));
	assert_false(ask(rig, &stays, "a.test", DNS_TYPE_A));
	lookup_forget(&gone.wait);
	lookup_forget(&gone.wait);
	await(rig, &stays);
	assert_int_equal(gone.n_called, 0);
	/* And all may go: the answer is kept for the next. */
	assert_false(ask(rig, &gone, "b.test", DNS_TYPE_A));
	lookup_forget(&gone.wait);
	ask_and_wait(rig, &stays, "c.test", DNS_TYPE_A);
	assert_int_equal(gone.n_called, 0);
}

static void a_ttl_is_between_five_seconds_and_five_minutes(void **state)
{
	struct rig *rig = *state;
	struct asker asker;

	ask_and_wait(rig, &asker, "huge.test", DNS_TYPE_A);
	assert_int_equal(asker.addresses.ttl_s, 300);
	assert_true(ask(rig, &asker, "huge.test", DNS_TYPE_A));
	assert_in_range(asker.addresses.ttl_s, 290, 300);
	ask_and_wait(rig, &asker, "zero.test", DNS_TYPE_A);
	assert_int_equal(asker.addresses.ttl_s, 5);
	assert_true(ask(rig, &asker, "zero.test", DNS_TYPE_A));
	assert_in_range(asker.addresses.ttl_s, 1, 5);
}

static void that_there_is_nothing_is_kept_too(void **state)
{
	static const struct {
		const char *name;
		enum dns_result result;
	} rows[] = { { "nx.test", DNS_RESULT_NXDOMAIN },
		     { "only.test", DNS_RESULT_NODATA } };
	struct rig *rig = *state;
	struct asker asker;

	for (unsigned i = 0; i < 2; i++) {
		ask_and_wait(rig, &asker, rows[i].name, DNS_TYPE_A);
		assert_int_equal(asker.result, rows[i].result);
		assert_int_equal(asker.addresses.n, 0);
		assert_int_equal(asker.addresses.ttl_s, 60); /* not 512 */
		assert_true(ask(rig, &asker, rows[i].name, DNS_TYPE_A));
		assert_int_equal(asker.result, rows[i].result);
		assert_int_equal(rig->seen->udp, i + 1);
	}
}

static void what_is_truncated_is_asked_again_over_tcp(void **state)
{
	struct rig *rig = *state;
	struct asker asker;

	ask_and_wait(rig, &asker, "tc.test", DNS_TYPE_A);
	assert_int_equal(asker.result, DNS_RESULT_FOUND);
	assert_int_equal(asker.addresses.n, 1);
	assert_int_equal(rig->seen->udp, 1);
	assert_int_equal(rig->seen->tcp, 1);
}

static void a_resolver_that_fails_is_a_failure(void **state)
{
	struct rig *rig = *state;
	struct asker asker;

	ask_and_wait(rig, &asker, "servfail.test", DNS_TYPE_A);
	assert_int_equal(asker.result, DNS_RESULT_FAILED);
	assert_int_equal(asker.addresses.n, 0);
	/* Kept for a moment, to spare the resolver. */
	assert_true(ask(rig, &asker, "servfail.test", DNS_TYPE_A));
	assert_int_equal(asker.result, DNS_RESULT_FAILED);
	ask_and_wait(rig, &asker, "refused.test", DNS_TYPE_A);
	assert_int_equal(asker.result, DNS_RESULT_FAILED);
}

static void a_resolver_that_is_silent_is_a_failure_in_time(void **state)
{
	struct rig *rig = *state;
	struct asker asker;

	ask_and_wait(rig, &asker, "dead.test", DNS_TYPE_A);
	assert_int_equal(asker.result, DNS_RESULT_FAILED);
	assert_true(rig->seen->udp > 1); /* it was tried again */
}

static void a_resolver_that_is_not_there_is_a_failure(void **state)
{
	struct rig *rig = *state;
	struct asker asker;

	kill(rig->server, SIGKILL);
	waitpid(rig->server, NULL, 0);
	rig->server = 0;
	close(rig->udp);
	close(rig->tcp);
	rig->udp = rig->tcp = -1;
	ask_and_wait(rig, &asker, "a.test", DNS_TYPE_A);
	assert_int_equal(asker.result, DNS_RESULT_FAILED);
}

static void an_answer_to_another_question_gives_no_address(void **state)
{
	struct rig *rig = *state;
	struct asker asker;

	ask_and_wait(rig, &asker, "wrong.test", DNS_TYPE_A);
	assert_int_not_equal(asker.result, DNS_RESULT_FOUND);
	assert_int_equal(asker.addresses.n, 0);
}

static void above_the_limit_a_question_fails_at_once(void **state)
{
	static struct asker askers[LOOKUP_OUTSTANDING_MAX + 1];
	struct rig *rig = *state;

	for (unsigned i = 0; i < LOOKUP_OUTSTANDING_MAX; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "d%u.test", i);
		assert_false(ask(rig, &askers[i], name, DNS_TYPE_A));
	}
	assert_true(ask(rig, &askers[LOOKUP_OUTSTANDING_MAX], "more.test",
			DNS_TYPE_A));
	assert_int_equal(askers[LOOKUP_OUTSTANDING_MAX].result,
			 DNS_RESULT_FAILED);
	/* One more asker of what is on its way finds room. */
	assert_false(ask(rig, &askers[LOOKUP_OUTSTANDING_MAX], "d0.test",
			 DNS_TYPE_A));
	/* All are freed with the lookup, and nobody is called. */
	for (unsigned i = 0; i <= LOOKUP_OUTSTANDING_MAX; i++)
		assert_int_equal(askers[i].n_called, 0);
}

static void other_resolvers_are_for_the_questions_that_follow(void **state)
{
	struct rig *rig = *state;
	struct nameserver ours = server_at(rig->port), nobody = server_at(9);
	struct asker before, after;

	assert_false(ask(rig, &before, "dead.test", DNS_TYPE_A));
	lookup_use(rig->lookup, &nobody, 1);
	ask_and_wait(rig, &after, "a.test", DNS_TYPE_A);
	assert_int_equal(after.result, DNS_RESULT_FAILED);
	/* What is on its way is not disturbed, nor by the same once more. */
	lookup_use(rig->lookup, &nobody, 1);
	assert_int_equal(before.n_called, 0);
	/* The same question now is another one. */
	ask_and_wait(rig, &after, "dead.test", DNS_TYPE_A);
	assert_int_equal(before.n_called, 0);
	/* But nobody waits for those before the last. */
	lookup_use(rig->lookup, &ours, 1);
	await(rig, &before);
	assert_int_equal(before.result, DNS_RESULT_FAILED);
	ask_and_wait(rig, &after, "b.test", DNS_TYPE_A);
	assert_int_equal(after.result, DNS_RESULT_FOUND);
}

int main(void)
{
#define TEST(fact) cmocka_unit_test_setup_teardown(fact, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(both_kinds_of_address_are_found),
		TEST(an_answer_is_asked_for_once_while_it_lives),
		TEST(many_askers_are_one_question),
		TEST(records_are_kept_beside_addresses),
		TEST(so_many_answers_with_records_are_kept),
		TEST(the_gate_is_asked_for_each_type),
		TEST(who_forgets_is_not_called),
		TEST(a_ttl_is_between_five_seconds_and_five_minutes),
		TEST(that_there_is_nothing_is_kept_too),
		TEST(what_is_truncated_is_asked_again_over_tcp),
		TEST(a_resolver_that_fails_is_a_failure),
		TEST(a_resolver_that_is_silent_is_a_failure_in_time),
		TEST(a_resolver_that_is_not_there_is_a_failure),
		TEST(an_answer_to_another_question_gives_no_address),
		TEST(above_the_limit_a_question_fails_at_once),
		TEST(other_resolvers_are_for_the_questions_that_follow),
	};

	if (!dns_peer_leave_network())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
