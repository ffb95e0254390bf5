#include "pump.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct pipes {
	int from[2], to[2];
	struct pump pump;
};

static int set_up(void **state)
{
	struct pipes *pipes = calloc(1, sizeof(*pipes));

	if (!pipes || pipe2(pipes->from, O_NONBLOCK) < 0 ||
	    pipe2(pipes->to, O_NONBLOCK) < 0)
		return -1;
	pump_init(&pipes->pump, pipes->from[0], pipes->to[1]);
	*state = pipes;
	return 0;
}

static int tear_down(void **state)
{
	struct pipes *pipes = *state;

	for (int i = 0; i < 2; i++) {
		(void)close(pipes->from[i]);
		(void)close(pipes->to[i]);
	}
	free(pipes);
	return 0;
}

static void bytes_come_out_as_they_went_in(void **state)
{
	struct pipes *pipes = *state;
	unsigned next_in = 0, next_out = 0;

	/* More than twice what fits, in pieces that do not divide it. */
	while (next_out < 3 * PUMP_MAX) {
		unsigned char piece[997];
		ssize_t n;

		for (size_t i = 0; i < sizeof(piece); i++)
			piece[i] = (unsigned char)((next_in + i) * 31 >> 3);
		n = write(pipes->from[1], piece, sizeof(piece));
		next_in += n > 0 ? (unsigned)n : 0;
		pump_read(&pipes->pump);
		pump_write(&pipes->pump);
		n = read(pipes->to[0], piece, 701);
		for (ssize_t i = 0; i < n; i++, next_out++)
			assert_int_equal(piece[i],
					 (unsigned char)(next_out * 31 >> 3));
	}
	assert_true(pipes->pump.taken >= next_out);
}

static void nothing_is_read_while_nobody_takes_it(void **state)
{
	struct pipes *pipes = *state;
	char piece[4096] = "";
	int full;

	pipes->pump.to = pipes->to[1];
	for (int i = 0; i < 1000; i++) {
		(void)!write(pipes->from[1], piece, sizeof(piece));
		pump_read(&pipes->pump);
		pump_write(&pipes->pump);
	}
	assert_false(pump_reads(&pipes->pump));
	assert_true(pump_writes(&pipes->pump));
	assert_int_equal(pipes->pump.len, PUMP_MAX);
	/* The writer is held up. */
	full = (int)write(pipes->from[1], piece, sizeof(piece));
	assert_int_equal(full, -1);
}

static void the_end_comes_after_the_last_byte(void **state)
{
	struct pipes *pipes = *state;
	char got[8];

	assert_int_equal(write(pipes->from[1], "last", 4), 4);
	(void)close(pipes->from[1]);
	pump_read(&pipes->pump);
	pump_read(&pipes->pump);
	assert_false(pump_is_done(&pipes->pump));
	assert_false(pump_reads(&pipes->pump));
	pump_write(&pipes->pump);
	assert_true(pump_is_done(&pipes->pump));
	assert_int_equal(read(pipes->to[0], got, sizeof(got)), 4);
	assert_memory_equal(got, "last", 4);
}

static void what_nobody_reads_is_thrown_away(void **state)
{
	struct pipes *pipes = *state;
	char piece[4096] = "";

	(void)signal(SIGPIPE, SIG_IGN);
	(void)close(pipes->to[0]);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(write(pipes->from[1], piece, sizeof(piece)),
				 sizeof(piece));
		pump_read(&pipes->pump);
		pump_write(&pipes->pump);
	}
	assert_true(pump_reads(&pipes->pump));
	assert_false(pump_writes(&pipes->pump));
	(void)close(pipes->from[1]);
	pump_read(&pipes->pump);
	assert_true(pump_is_done(&pipes->pump));
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(bytes_come_out_as_they_went_in),
		test(nothing_is_read_while_nobody_takes_it),
		test(the_end_comes_after_the_last_byte),
		test(what_nobody_reads_is_thrown_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
