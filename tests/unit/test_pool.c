#include "pool.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
	struct event_base *base;
	struct pool *pool;
	int peers[POOL_MAX + 2 * POOL_PER_NAME_MAX];
	size_t n_peers;
};

static void ignore(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static int setup(void **state)
{
	static struct rig rig;

	rig = (struct rig){ .base = event_base_new() };
	rig.pool = pool_new(rig.base);
	assert_non_null(rig.pool);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	pool_free(rig->pool);
	for (size_t i = 0; i < rig->n_peers; i++)
		close(rig->peers[i]);
	event_base_free(rig->base);
	return 0;
}

static void turn(struct rig *rig)
{
	for (int i = 0; i < 3; i++)
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
}

static struct domain named(const char *text)
{
	struct domain name;

	assert_true(domain_parse(&name, text, strlen(text)));
	return name;
}

/* Returns the peer's end; @port of the address tells them apart. */
static int put(struct rig *rig, const char *text, uint16_t port, uint8_t mark,
	       unsigned idle_ms)
{
	const struct domain name = named(text);
	const struct pool_key key = { .name = &name, .port = port };
	const struct address address = { .family = AF_INET,
					 .bytes = { 192, 0, 2, mark } };
	struct stream stream;
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(stream_open(&stream, rig->base, fds[0], ignore, NULL),
			 0);
	rig->peers[rig->n_peers++] = fds[1];
	pool_put(rig->pool, &key, &address, &stream, idle_ms);
	assert_int_equal(stream.fd, -1);
	return fds[1];
}

/* The mark of the one that is given out, 0 for none. */
static uint8_t take_by(struct rig *rig, const char *text, uint16_t port,
		       bool tls, uint64_t authority)
{
	const struct domain name = named(text);
	const struct pool_key key = {
		.name = &name,
		.port = port,
		.tls = tls,
		.authority = authority,
	};
	struct address address;
	struct stream stream;

	if (!pool_take(rig->pool, &key, &address, &stream, ignore, NULL))
		return 0;
	assert_true(fcntl(stream.fd, F_GETFD) >= 0);
	stream_close(&stream, false);
	return address.bytes[3];
}

static uint8_t take(struct rig *rig, const char *text, uint16_t port, bool tls)
{
	return take_by(rig, text, port, tls, 0);
}

static void one_is_given_out_for_its_name_alone(void **state)
{
	struct rig *rig = *state;

	(void)put(rig, "a.example", 443, 1, POOL_IDLE_MS);
	turn(rig);
	assert_int_equal(take(rig, "b.example", 443, false), 0);
	assert_int_equal(take(rig, "a.example", 80, false), 0);
	assert_int_equal(take(rig, "a.example", 443, true), 0);
	assert_int_equal(take(rig, "x.a.example", 443, false), 0);
	assert_int_equal(take_by(rig, "a.example", 443, false, 1), 0);
	assert_int_equal(take(rig, "a.example", 443, false), 1);
	assert_int_equal(take(rig, "a.example", 443, false), 0);
	assert_int_equal(pool_size(rig->pool), 0);
}

static void the_one_that_idled_least_comes_first(void **state)
{
	struct rig *rig = *state;

	(void)put(rig, "a.example", 443, 1, POOL_IDLE_MS);
	(void)put(rig, "a.example", 443, 2, POOL_IDLE_MS);
	turn(rig);
	assert_int_equal(take(rig, "a.example", 443, false), 2);
	assert_int_equal(take(rig, "a.example", 443, false), 1);
}

static void one_that_speaks_unasked_is_dropped(void **state)
{
	struct rig *rig = *state;
	int peer = put(rig, "a.example", 443, 1, POOL_IDLE_MS);

	turn(rig);
	assert_int_equal(pool_size(rig->pool), 1);
	assert_int_equal(write(peer, "HTTP/1.1 200 OK\r\n", 17), 17);
	turn(rig);
	assert_int_equal(pool_size(rig->pool), 0);
}

static void one_whose_peer_has_left_is_not_given_out(void **state)
{
	struct rig *rig = *state;
	int peer = put(rig, "a.example", 443, 1, POOL_IDLE_MS);

	turn(rig);
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	/* Before the loop has come round to it. */
	assert_int_equal(take(rig, "a.example", 443, false), 0);
	assert_int_equal(pool_size(rig->pool), 0);
}

static void one_that_has_idled_enough_is_not_given_out(void **state)
{
	struct rig *rig = *state;

	(void)put(rig, "a.example", 443, 1, 0);
	assert_int_equal(take(rig, "a.example", 443, false), 0);
	assert_int_equal(pool_size(rig->pool), 0);
}

static void a_name_keeps_its_newest(void **state)
{
	struct rig *rig = *state;

	for (uint8_t i = 1; i <= POOL_PER_NAME_MAX + 3; i++)
		(void)put(rig, "a.example", 443, i, POOL_IDLE_MS);
	assert_int_equal(pool_size(rig->pool), POOL_PER_NAME_MAX);
	turn(rig);
	for (uint8_t i = POOL_PER_NAME_MAX + 3; i > 3; i--)
		assert_int_equal(take(rig, "a.example", 443, false), i);
	assert_int_equal(take(rig, "a.example", 443, false), 0);
}

static void all_together_have_a_limit(void **state)
{
	struct rig *rig = *state;
	char text[32];

	for (int i = 0; i < POOL_MAX + 5; i++) {
		(void)snprintf(text, sizeof(text), "n%d.example", i);
		(void)put(rig, text, 443, 7, POOL_IDLE_MS);
	}
	assert_int_equal(pool_size(rig->pool), POOL_MAX);
	turn(rig);
	assert_int_equal(take(rig, "n4.example", 443, false), 0);
	assert_int_equal(take(rig, "n5.example", 443, false), 7);
	pool_clear(rig->pool);
	assert_int_equal(pool_size(rig->pool), 0);
	assert_int_equal(take(rig, "n9.example", 443, false), 0);
}

int main(void)
{
#define POOLED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		POOLED(one_is_given_out_for_its_name_alone),
		POOLED(the_one_that_idled_least_comes_first),
		POOLED(one_that_speaks_unasked_is_dropped),
		POOLED(one_whose_peer_has_left_is_not_given_out),
		POOLED(one_that_has_idled_enough_is_not_given_out),
		POOLED(a_name_keeps_its_newest),
		POOLED(all_together_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
