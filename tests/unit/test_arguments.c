#include "arguments.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void words_end_with_a_nul(void **state)
{
	char text[] = "--root\0/dev/vda\0\0--\0a b\n";
	char **words;
	int n = 0;

	(void)state;
	words = arguments_split(text, sizeof(text), &n);
	assert_non_null(words);
	assert_int_equal(n, 6);
	assert_null(words[0]);
	assert_string_equal(words[1], "--root");
	assert_string_equal(words[2], "/dev/vda");
	assert_string_equal(words[3], "");
	assert_string_equal(words[4], "--");
	assert_string_equal(words[5], "a b\n");
	assert_null(words[6]);
	free(words);
}

static void words_without_an_end_are_refused(void **state)
{
	char text[] = "--root\0/dev/vda";
	int n = 77;

	(void)state;
	assert_null(arguments_split(text, sizeof(text) - 1, &n));
	assert_null(arguments_split(text, 0, &n));
	assert_int_equal(n, 77);
}

static void more_words_than_fit_are_refused(void **state)
{
	char *text = calloc(ARGUMENTS_MAX + 1, 1);
	char **words;
	int n = 0;

	(void)state;
	words = arguments_split(text, ARGUMENTS_MAX, &n);
	assert_non_null(words);
	assert_int_equal(n, ARGUMENTS_MAX + 1);
	free(words);
	assert_null(arguments_split(text, ARGUMENTS_MAX + 1, &n));
	free(text);
}

static void only_what_is_behind_two_dashes_is_meant(void **state)
{
	(void)state;
	assert_true(arguments_are_in("quiet -- --root /dev/vda\n"));
	assert_true(arguments_are_in("-- x"));
	assert_false(arguments_are_in("quiet nokaslr words=are --not-meant\n"));
	assert_false(arguments_are_in("quiet --\n"));
	assert_false(arguments_are_in("a-- b"));
	assert_false(arguments_are_in(""));
}

/* Nor does it look where a container's image may have put such a file. */
static void only_the_first_process_has_any(void **state)
{
	char name[] = "program";
	char *own[] = { name, NULL };
	char **argv = own;
	int argc = 1;

	(void)state;
	assert_int_equal(arguments_load(&argc, &argv), -ENOENT);
	assert_int_equal(argc, 1);
	assert_ptr_equal(argv, own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_end_with_a_nul),
		cmocka_unit_test(words_without_an_end_are_refused),
		cmocka_unit_test(more_words_than_fit_are_refused),
		cmocka_unit_test(only_what_is_behind_two_dashes_is_meant),
		cmocka_unit_test(only_the_first_process_has_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
