#include "path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

static void a_path_has_one_form(void **state)
{
	static const char *const rows[][2] = {
		{ "/", "/" },
		{ "*", "*" },
		{ "/api/v1", "/api/v1" },
		{ "/api/v1/", "/api/v1/" },
		{ "/api?x=/../y", "/api" },
		{ "/api?%2f", "/api" },
		{ "/%61%70i/%7Euser", "/api/~user" },
		{ "/a%2Db%2d%2E5", "/a-b-.5" },
		{ "/a%3ab", "/a%3Ab" },
		{ "/a%20b", "/a%20b" },
		{ "/caf%c3%a9", "/caf%C3%A9" },
		{ "/%e2%82%ac/%f0%9f%90%a7", "/%E2%82%AC/%F0%9F%90%A7" },
		{ "/a/./b", "/a/b" },
		{ "/./b", "/b" },
		{ "/a/../b", "/b" },
		{ "/a/b/../../c", "/c" },
		{ "/a/..", "/" },
		{ "/a/b/..", "/a/" },
		{ "/a/.", "/a/" },
		{ "/a/./", "/a/" },
		{ "/.git/..x/x..", "/.git/..x/x.." },
		{ "/a;v=1/b;w", "/a;v=1/b;w" },
		{ "/100%25", "/100%25" },
		{ "/50%25%20off", "/50%25%20off" },
		{ "/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,=" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct path path, again;
		const char *why = "";

		if (!path_normalise(&path, rows[i][0], strlen(rows[i][0]),
				    &why))
			fail_msg("%s: %s", rows[i][0], why);
		assert_string_equal(path.text, rows[i][1]);
		assert_true(path_normalise(&again, path.text, path.len, &why));
		assert_string_equal(again.text, path.text);
	}
}

static void a_path_with_two_readings_has_none(void **state)
{
	static const char *const rows[][2] = {
		{ "", "no slash at its start" },
		{ "a", "no slash at its start" },
		{ "?x", "no slash at its start" },
		{ "/a%2fb", "an encoded slash" },
		{ "/a%2Fb", "an encoded slash" },
		{ "/a%5cb", "an encoded slash" },
		{ "/a\\b", "a backslash or #" },
		{ "/a#b", "a backslash or #" },
		{ "/a%3fb", "an encoded ?, # or ;" },
		{ "/a%23b", "an encoded ?, # or ;" },
		{ "/a%00", "an encoded control character" },
		{ "/a%0d%0a", "an encoded control character" },
		{ "/a%7f", "an encoded control character" },
		{ "/a%c2%85", "an encoded control character" },
		{ "/a\tb", "a byte that no path has" },
		{ "/a\x7f", "a byte that no path has" },
		{ "/caf\xc3\xa9", "a byte that no path has" },
		{ "//a", "an empty segment" },
		{ "/a//b", "an empty segment" },
		{ "/a//", "an empty segment" },
		{ "/;x/a", "an empty segment" },
		{ "/a/;", "an empty segment" },
		{ "/a/..;/b", "a dot segment in disguise" },
		{ "/a/..;x=1/b", "a dot segment in disguise" },
		{ "/a/.;/b", "a dot segment in disguise" },
		{ "/a/..%3b/b", "an encoded ?, # or ;" },
		{ "/a/%2e%2e/b", "a dot segment in disguise" },
		{ "/a/.%2E/b", "a dot segment in disguise" },
		{ "/a/%2e", "a dot segment in disguise" },
		{ "/a/.../b", "a dot segment in disguise" },
		{ "/a/..%20/b", "a dot segment in disguise" },
		{ "/a/%20/b", "a dot segment in disguise" },
		{ "/..", "a dot segment above the root" },
		{ "/a/../../b", "a dot segment above the root" },
		{ "/%252e%252e/a", "an escape that is encoded itself" },
		{ "/%252f", "an escape that is encoded itself" },
		{ "/%25%32%65", "an escape that is encoded itself" },
		{ "/%25u002e", "an escape that is encoded itself" },
		{ "/%2525", "an escape that is encoded itself" },
		{ "/%252e%252e/../x", "an escape that is encoded itself" },
		{ "/%", "a percent sign without two hex digits" },
		{ "/%2", "a percent sign without two hex digits" },
		{ "/%2/", "a percent sign without two hex digits" },
		{ "/%zz", "a percent sign without two hex digits" },
		{ "/%u002e", "a percent sign without two hex digits" },
		{ "/%ff", "an escape that is not UTF-8" },
		{ "/%80", "an escape that is not UTF-8" },
		{ "/%c0%af", "an escape that is not UTF-8" },
		{ "/%c0%ae%c0%ae/", "an escape that is not UTF-8" },
		{ "/%c1%9c", "an escape that is not UTF-8" },
		{ "/%e0%80%af", "an escape that is not UTF-8" },
		{ "/%f0%80%80%af", "an escape that is not UTF-8" },
		{ "/%ed%a0%80", "an escape that is not UTF-8" },
		{ "/%f4%90%80%80", "an escape that is not UTF-8" },
		{ "/%f5%80%80%80", "an escape that is not UTF-8" },
		{ "/%c3", "an escape that is not UTF-8" },
		{ "/%c3/", "an escape that is not UTF-8" },
		{ "/%c3a9", "an escape that is not UTF-8" },
		{ "/%ef%bc%8e%ef%bc%8e/",
		  "a look-alike of what divides a path" },
		{ "/%ef%bc%8f", "a look-alike of what divides a path" },
		{ "/%ef%bc%852e", "a look-alike of what divides a path" },
		{ "/a%ef%bc%9f.png", "a look-alike of what divides a path" },
		{ "/a%ef%b9%9f", "a look-alike of what divides a path" },
		{ "/a%e2%88%95..", "a look-alike of what divides a path" },
		{ "/a%e2%81%84..", "a look-alike of what divides a path" },
		{ "/a%e2%88%96..", "a look-alike of what divides a path" },
		{ "/a%c2%a5..", "a look-alike of what divides a path" },
		{ "/%e2%84%85", "a look-alike of what divides a path" },
		{ "/%ef%b8%b0/", "a look-alike of what divides a path" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct path path;
		const char *why = "";

		if (path_normalise(&path, rows[i][0], strlen(rows[i][0]), &why))
			fail_msg("%s has a normal form: %s", rows[i][0],
				 path.text);
		assert_string_equal(why, rows[i][1]);
	}
}

static void a_path_has_a_longest_form(void **state)
{
	static char text[PATH_TEXT_MAX + 2];
	struct path path;
	const char *why;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	assert_true(path_normalise(&path, text, PATH_TEXT_MAX, &why));
	assert_int_equal(path.len, PATH_TEXT_MAX);
	assert_false(path_normalise(&path, text, PATH_TEXT_MAX + 1, &why));
	assert_string_equal(why, "more bytes than a path may have");
	/* The query is no part of it. */
	text[PATH_TEXT_MAX] = '?';
	assert_true(path_normalise(&path, text, sizeof(text), &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_has_one_form),
		cmocka_unit_test(a_path_with_two_readings_has_none),
		cmocka_unit_test(a_path_has_a_longest_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
