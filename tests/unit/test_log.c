#include "log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void foreign_bytes_are_quoted(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *quoted;
	} rows[] = {
		{ "", 0, "" },
		{ "plain text", 10, "plain text" },
		{ "a\nb\r\n", 5, "a\\x0ab\\x0d\\x0a" },
		{ "\0\x1b[2J\x7f", 6, "\\x00\\x1b[2J\\x7f" },
		{ "\"\\", 2, "\\\"\\\\" },
		{ "\xc3\xa9", 2, "\\xc3\\xa9" },
		{ "%s%n", 4, "%s%n" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_ptr_equal(log_quote(text, sizeof(text), rows[i].bytes,
					   rows[i].len),
				 text);
		assert_string_equal(text, rows[i].quoted);
	}
}

/* Cut short it may be, but never within an escape, and always ended. */
static void a_quote_is_cut_between_bytes(void **state)
{
	static const char bytes[] = "a\n\"b\\\x80z";
	char whole[64];

	(void)state;
	log_quote(whole, sizeof(whole), bytes, sizeof(bytes) - 1);
	for (size_t cap = 1; cap < sizeof(whole); cap++) {
		char *text = malloc(cap);
		size_t len;

		assert_non_null(text);
		log_quote(text, cap, bytes, sizeof(bytes) - 1);
		len = strlen(text);
		assert_true(len < cap);
		assert_memory_equal(text, whole, len);
		/* What is missing begins a byte anew. */
		assert_true(len == strlen(whole) || len == 0 || len == 1 ||
			    len == 5 || len == 7 || len == 8 || len == 10 ||
			    len == 14);
		free(text);
	}
	/* No room at all: nothing is touched. */
	whole[0] = 'x';
	log_quote(whole, 0, bytes, sizeof(bytes) - 1);
	assert_int_equal(whole[0], 'x');
}

static void a_limited_line_is_shown_once_a_second(void **state)
{
	struct log_limit limit = { 0 };
	unsigned left_out = 99;

	(void)state;
	assert_true(log_limit_take(&limit, 5000, &left_out));
	assert_int_equal(left_out, 0);
	for (int64_t now_ms = 5000; now_ms < 6000; now_ms += 10)
		assert_false(log_limit_take(&limit, now_ms, &left_out));
	assert_true(log_limit_take(&limit, 6000, &left_out));
	assert_int_equal(left_out, 100);
	assert_false(log_limit_take(&limit, 6999, &left_out));
	assert_true(log_limit_take(&limit, 9000, &left_out));
	assert_int_equal(left_out, 1);
}

static void levels_have_names(void **state)
{
	enum log_level level = LOG_LEVEL_ERR;

	(void)state;
	assert_true(log_level_parse(&level, "debug"));
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_true(log_level_parse(&level, "err"));
	assert_int_equal(level, LOG_LEVEL_ERR);
	assert_false(log_level_parse(&level, "Err"));
	assert_false(log_level_parse(&level, ""));
	assert_false(log_level_parse(&level, "errr"));
}

static void a_line_is_one_line_however_long(void **state)
{
	char text[4096], line[8192];
	int saved = dup(STDERR_FILENO), ends[2];
	ssize_t n;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_set(LOG_LEVEL_WARN, "test");
	log_info("%s", "not said at this level");
	log_warn("what: %s", text);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(ends[1]);
	n = read(ends[0], line, sizeof(line));
	close(ends[0]);
	assert_true(n > 0 && n <= 1024);
	assert_memory_equal(line, "sluice-gateway[test] warn: what: aaa", 36);
	assert_ptr_equal(memchr(line, '\n', (size_t)n), line + n - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_bytes_are_quoted),
		cmocka_unit_test(a_quote_is_cut_between_bytes),
		cmocka_unit_test(a_limited_line_is_shown_once_a_second),
		cmocka_unit_test(levels_have_names),
		cmocka_unit_test(a_line_is_one_line_however_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
