#include "buffer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void ignore(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* A stream on one end of a socket pair; the other end is ours. */
struct rig {
	struct event_base *base;
	struct stream stream;
	int peer;
};

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	int fds[2];

	assert_non_null(rig);
	rig->base = event_base_new();
	assert_non_null(rig->base);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(
		stream_open(&rig->stream, rig->base, fds[0], ignore, NULL), 0);
	rig->peer = fds[1];
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	stream_close(&rig->stream, false);
	if (rig->peer >= 0)
		close(rig->peer);
	event_base_free(rig->base);
	free(rig);
	return 0;
}

static void bytes_come_out_in_the_order_they_went_in(void **state)
{
	struct buffer buffer = { 0 };
	uint8_t next_in = 0, next_out = 0;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		uint8_t chunk[97];
		size_t n = (size_t)round % sizeof(chunk) + 1;

		for (size_t i = 0; i < n; i++)
			chunk[i] = next_in++;
		assert_int_equal(buffer_add(&buffer, chunk, n), 0);
		n = (size_t)(round * 7) % (buffer.len + 1);
		for (size_t i = 0; i < n; i++)
			assert_int_equal((uint8_t)buffer_data(&buffer)[i],
					 next_out++);
		buffer_drop(&buffer, n);
	}
	while (buffer.len > 0) {
		assert_int_equal((uint8_t)buffer_data(&buffer)[0], next_out++);
		buffer_drop(&buffer, 1);
	}
	assert_int_equal(next_in, next_out);
	buffer_done(&buffer);
}

static void an_empty_buffer_has_no_memory(void **state)
{
	struct buffer buffer = { 0 };

	(void)state;
	assert_int_equal(buffer_add(&buffer, "abc", 3), 0);
	assert_non_null(buffer.bytes);
	assert_int_equal(buffer.cap, BUFFER_CAP);
	buffer_drop(&buffer, 2);
	assert_non_null(buffer.bytes);
	buffer_drop(&buffer, 1);
	assert_null(buffer.bytes);
	assert_int_equal(buffer.cap, 0);
	buffer_done(&buffer);
	buffer_done(&buffer);
}

static void room_is_made_without_losing_a_byte(void **state)
{
	struct buffer buffer = { 0 };
	size_t room;

	(void)state;
	assert_int_equal(buffer_add(&buffer, "abcdef", 6), 0);
	buffer_drop(&buffer, 3);
	assert_int_equal(buffer_reserve(&buffer, (size_t)3 * BUFFER_CAP), 0);
	buffer_room(&buffer, &room);
	assert_true(room >= (size_t)3 * BUFFER_CAP);
	assert_memory_equal(buffer_data(&buffer), "def", 3);
	memset(buffer_room(&buffer, &room), 'x', room);
	buffer_took(&buffer, room);
	assert_int_equal(buffer.len, 3 + room);
	assert_memory_equal(buffer_data(&buffer), "defx", 4);
	buffer_room(&buffer, &room);
	assert_int_equal(room, 0);
	buffer_done(&buffer);
}

static void a_fill_tells_empty_end_and_full_apart(void **state)
{
	struct rig *rig = *state;
	struct buffer buffer = { 0 };
	static char much[2 * BUFFER_CAP];
	ssize_t n, sum = 0;

	assert_int_equal(buffer_fill(&buffer, &rig->stream), -EAGAIN);
	assert_null(buffer.bytes);
	memset(much, 'm', sizeof(much));
	assert_int_equal(write(rig->peer, much, sizeof(much)), sizeof(much));
	event_base_loop(rig->base, EVLOOP_NONBLOCK);
	/* No more than its room, however much there is. */
	while ((n = buffer_fill(&buffer, &rig->stream)) > 0)
		sum += n;
	assert_int_equal(n, -ENOBUFS);
	assert_int_equal(sum, BUFFER_CAP);
	assert_int_equal(buffer.len, BUFFER_CAP);
	/* Room at the front is used, too. */
	buffer_drop(&buffer, 10);
	assert_int_equal(buffer_fill(&buffer, &rig->stream), 10);
	assert_int_equal(buffer_fill(&buffer, &rig->stream), -ENOBUFS);
	buffer_drop(&buffer, buffer.len);
	assert_int_equal(buffer_fill(&buffer, &rig->stream), BUFFER_CAP - 10);
	buffer_drop(&buffer, buffer.len);
	assert_int_equal(buffer_fill(&buffer, &rig->stream), -EAGAIN);
	close(rig->peer);
	rig->peer = -1;
	event_base_loop(rig->base, EVLOOP_NONBLOCK);
	assert_int_equal(buffer_fill(&buffer, &rig->stream), 0);
	assert_null(buffer.bytes);
}

static void a_flush_keeps_what_the_stream_does_not_take(void **state)
{
	struct rig *rig = *state;
	struct buffer buffer = { 0 };
	size_t total = 4u << 20, given, got = 0;
	char *big = malloc(total), *back = malloc(total);

	assert_non_null(big);
	assert_non_null(back);
	for (size_t i = 0; i < total; i++)
		big[i] = (char)(i * 31 + i / 251);
	assert_int_equal(buffer_flush(&buffer, &rig->stream), 0);
	assert_int_equal(buffer_add(&buffer, big, total), 0);
	for (int round = 0; round < 100000 && got < total; round++) {
		ssize_t n = buffer_flush(&buffer, &rig->stream);

		assert_true(n >= 0 || n == -EAGAIN);
		given = total - buffer.len;
		n = read(rig->peer, back + got, total - got);
		if (n > 0)
			got += (size_t)n;
		assert_true(got <= given);
	}
	assert_int_equal(got, total);
	assert_memory_equal(back, big, total);
	assert_null(buffer.bytes);
	free(big);
	free(back);
}

static void a_flush_to_one_that_left_fails(void **state)
{
	struct rig *rig = *state;
	struct buffer buffer = { 0 };

	close(rig->peer);
	rig->peer = -1;
	assert_int_equal(buffer_add(&buffer, "abc", 3), 0);
	assert_int_equal(buffer_flush(&buffer, &rig->stream), -EPIPE);
	assert_int_equal(buffer.len, 3);
	buffer_done(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_in_the_order_they_went_in),
		cmocka_unit_test(an_empty_buffer_has_no_memory),
		cmocka_unit_test(room_is_made_without_losing_a_byte),
		cmocka_unit_test_setup_teardown(
			a_fill_tells_empty_end_and_full_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_flush_keeps_what_the_stream_does_not_take, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_flush_to_one_that_left_fails,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
