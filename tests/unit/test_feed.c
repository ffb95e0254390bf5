#include "feed.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void make_pipe(int ends[2])
{
	assert_int_equal(pipe(ends), 0);
}

static void what_goes_in_comes_out(void **state)
{
	struct feed *feed = malloc(sizeof(*feed));
	int in[2], out[2];
	char bytes[16];

	(void)state;
	assert_non_null(feed);
	make_pipe(in);
	make_pipe(out);
	feed_init(feed, in[0], out[1]);
	assert_true(feed_wants_input(feed));
	assert_false(feed_wants_output(feed));
	assert_int_equal(write(in[1], "hello", 5), 5);
	assert_true(feed_read(feed));
	assert_true(feed_wants_output(feed));
	feed_write(feed);
	assert_int_equal(read(out[0], bytes, sizeof(bytes)), 5);
	assert_memory_equal(bytes, "hello", 5);
	assert_int_equal(feed->written, 5);
	(void)close(in[1]);
	assert_false(feed_is_done(feed));
	assert_false(feed_read(feed));
	assert_true(feed_is_done(feed));
	assert_false(feed_wants_input(feed));
	free(feed);
}

/* While nobody takes what was read, no more is. */
static void it_holds_so_much_and_no_more(void **state)
{
	struct feed *feed = malloc(sizeof(*feed));
	int zero = open("/dev/zero", O_RDONLY);

	(void)state;
	assert_non_null(feed);
	feed_init(feed, zero, -1);
	while (feed_wants_input(feed))
		assert_true(feed_read(feed));
	assert_int_equal(feed->len, FEED_MAX);
	(void)close(zero);
	free(feed);
}

static void a_receiver_that_is_gone_holds_nobody_up(void **state)
{
	struct feed *feed = malloc(sizeof(*feed));
	int in[2], out[2];

	(void)state;
	assert_non_null(feed);
	(void)signal(SIGPIPE, SIG_IGN);
	make_pipe(in);
	make_pipe(out);
	feed_init(feed, in[0], out[1]);
	(void)close(out[0]);
	assert_int_equal(write(in[1], "hello", 5), 5);
	assert_true(feed_read(feed));
	feed_write(feed);
	assert_true(feed->refused);
	assert_int_equal(write(in[1], "hello", 5), 5);
	(void)close(in[1]);
	assert_true(feed_read(feed));
	assert_false(feed_read(feed));
	assert_true(feed_is_done(feed));
	free(feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(it_holds_so_much_and_no_more),
		cmocka_unit_test(a_receiver_that_is_gone_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
