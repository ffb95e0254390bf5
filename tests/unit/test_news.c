#include "lines.h"
#include "news.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct news parse(const char *line)
{
	return news_parse(line, strlen(line));
}

static void the_machine_tells_three_things(void **state)
{
	(void)state;
	assert_int_equal(parse("network\n").kind, NEWS_NETWORK);
	assert_int_equal(parse("started\n").kind, NEWS_STARTED);
	assert_int_equal(parse("exit 0\n").kind, NEWS_EXIT);
	assert_int_equal(parse("exit 0\n").status, 0);
	assert_int_equal(parse("exit 255\n").status, 255);
	assert_int_equal(parse("exit 137").status, 137);
}

static void all_else_is_no_news(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		"exit\n",
		"exit \n",
		"exit 256\n",
		"exit 1000\n",
		"exit -1\n",
		"exit 01\n",
		"exit 1 \n",
		" exit 1\n",
		"exit  1\n",
		"exit 1\n\n",
		"exit x\n",
		"Started\n",
		"started \n",
		"started\r\n",
		"networks\n",
		"network\n\n",
		"exit 4294967297\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(parse(lines[i]).kind, NEWS_NONE);
}

static void give(struct lines *lines, const char *text, size_t len)
{
	size_t room;
	char *to = lines_room(lines, &room);

	assert_true(len <= room);
	memcpy(to, text, len);
	lines_added(lines, len);
}

static void lines_come_whole(void **state)
{
	struct lines *lines = calloc(1, sizeof(*lines));

	(void)state;
	assert_non_null(lines);
	give(lines, "on", 2);
	assert_int_equal(lines_first(lines), 0);
	assert_int_equal(lines_whole(lines), 0);
	give(lines, "e\ntwo\nthr", 9);
	assert_int_equal(lines_first(lines), 4);
	assert_int_equal(lines_whole(lines), 8);
	lines_drop(lines, 4);
	assert_int_equal(lines_first(lines), 4);
	assert_memory_equal(lines->bytes, "two\nthr", 7);
	lines_drop(lines, 4);
	assert_int_equal(lines_whole(lines), 0);
	free(lines);
}

/* Else whoever never ends a line would hold up what comes after it. */
static void a_line_without_an_end_is_cut(void **state)
{
	struct lines *lines = calloc(1, sizeof(*lines));
	size_t room;

	(void)state;
	assert_non_null(lines);
	for (size_t i = 0; i < LINES_MAX - 1; i++)
		give(lines, "x", 1);
	assert_int_equal(lines_first(lines), 0);
	assert_int_equal(lines_whole(lines), 0);
	give(lines, "x", 1);
	(void)lines_room(lines, &room);
	assert_int_equal(room, 0);
	assert_int_equal(lines_first(lines), LINES_MAX);
	assert_int_equal(lines_whole(lines), LINES_MAX);
	lines_drop(lines, LINES_MAX);
	assert_int_equal(lines_first(lines), 0);
	free(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_machine_tells_three_things),
		cmocka_unit_test(all_else_is_no_news),
		cmocka_unit_test(lines_come_whole),
		cmocka_unit_test(a_line_without_an_end_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
