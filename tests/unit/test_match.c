#include "git.h"
#include "match.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

static struct request_text text(const char *word)
{
	return (struct request_text){ word, strlen(word) };
}

static struct request request(const char *method, const char *target)
{
	return (struct request){ .method = text(method),
				 .target = text(target) };
}

static struct path path_of(const struct request *request)
{
	struct path path;
	const char *why = "";

	if (!path_normalise(&path, request->target.at, request->target.len,
			    &why))
		fail_msg("%.*s: %s", (int)request->target.len,
			 request->target.at, why);
	return path;
}

static bool meets(const struct match_list *list, const struct request *request)
{
	struct path path = path_of(request);

	return match_list_meets(list, request, &path);
}

static struct match *entry(struct match_list *list)
{
	struct match *match = match_list_add(list);

	assert_non_null(match);
	return match;
}

static void add_path(struct match *match, enum match_path_type type,
		     const char *value)
{
	char error[MATCH_ERROR_MAX];
	size_t at;

	assert_int_equal(match_add_path(match, type, value, strlen(value),
					error, &at),
			 0);
}

static void assert_path(enum match_path_type type, const char *value,
			const char *target, bool expected)
{
	struct match_list *list = match_list_new();
	struct request get = request("GET", target);

	assert_non_null(list);
	add_path(entry(list), type, value);
	assert_true(match_list_has_paths(list));
	if (meets(list, &get) != expected)
		fail_msg("%s and %s", value, target);
	match_list_free(list);
}

static void a_prefix_ends_where_a_segment_does(void **state)
{
	static const struct {
		const char *prefix, *target;
		bool expected;
	} rows[] = {
		{ "/api/v1", "/api/v1", true },
		{ "/api/v1", "/api/v1/", true },
		{ "/api/v1", "/api/v1/x", true },
		{ "/api/v1", "/api/v1?x", true },
		{ "/api/v1", "/api/v10", false },
		{ "/api/v1", "/api/v1;x", false },
		{ "/api/v1", "/api/v1%3Ax", false },
		{ "/api/v1", "/api/v", false },
		{ "/api/v1", "/api/V1", false },
		{ "/api/v1", "/api/%761/x", true },
		{ "/api/v1", "/api/v1/../v2", false },
		{ "/api/v1", "/x/../api/v1", true },
		{ "/api/v1/", "/api/v1/", true },
		{ "/api/v1/", "/api/v1/x", true },
		{ "/api/v1/", "/api/v1", false },
		{ "/", "/", true },
		{ "/", "/anything", true },
		{ "/", "*", false },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_path(MATCH_PATH_PREFIX, rows[i].prefix, rows[i].target,
			    rows[i].expected);
}

static void an_exact_path_is_that_path(void **state)
{
	(void)state;
	assert_path(MATCH_PATH_EXACT, "/a", "/a", true);
	assert_path(MATCH_PATH_EXACT, "/a", "/a?query", true);
	assert_path(MATCH_PATH_EXACT, "/a", "/%61", true);
	assert_path(MATCH_PATH_EXACT, "/a", "/a/", false);
	assert_path(MATCH_PATH_EXACT, "/a", "/ab", false);
	assert_path(MATCH_PATH_EXACT, "/a", "/", false);
	assert_path(MATCH_PATH_EXACT, "*", "*", true);
}

static void an_expression_has_to_match_the_whole_path(void **state)
{
	(void)state;
	assert_path(MATCH_PATH_REGEX, "/a/[0-9]+", "/a/17", true);
	assert_path(MATCH_PATH_REGEX, "/a/[0-9]+", "/a/17/x", false);
	assert_path(MATCH_PATH_REGEX, "/a/[0-9]+", "/x/a/17", false);
	assert_path(MATCH_PATH_REGEX, "^/a$", "/a", true);
	/* Each alternative, too. */
	assert_path(MATCH_PATH_REGEX, "/a|/b", "/a", true);
	assert_path(MATCH_PATH_REGEX, "/a|/b", "/ax", false);
	assert_path(MATCH_PATH_REGEX, "/a|/b", "/x/b", false);
	assert_path(MATCH_PATH_REGEX, "/a\\K/b", "/a/b", true);
	assert_path(MATCH_PATH_REGEX, "(?i)/A", "/a", true);
	assert_path(MATCH_PATH_REGEX, "(?m)/a$.*", "/a/b", false);
}

static void an_expression_that_takes_too_long_admits_nothing(void **state)
{
	char target[2048];

	(void)state;
	memset(target, 'a', sizeof(target));
	target[0] = '/';
	target[sizeof(target) - 1] = '\0';
	assert_path(MATCH_PATH_REGEX, "/a*", target, true);
	assert_path(MATCH_PATH_REGEX, "/(a+a+)+b|/a*", target, false);
}

static void an_expression_that_is_none_is_not_added(void **state)
{
	static const struct {
		const char *pattern;
		size_t at;
	} rows[] = {
		{ "/a(", 3 },  { "/a[", 3 },   { "(*UTF)/a", 6 },
		{ "/\\C", 3 }, { "/(?<a", 5 },
	};
	struct match_list *list = match_list_new();
	struct match *match;

	(void)state;
	assert_non_null(list);
	match = entry(list);
	for (size_t i = 0; i < N(rows); i++) {
		char error[MATCH_ERROR_MAX] = "";
		size_t at = 0;

		assert_int_equal(
			match_add_path(match, MATCH_PATH_REGEX, rows[i].pattern,
				       strlen(rows[i].pattern), error, &at),
			-EINVAL);
		assert_true(strlen(error) > 0);
		if (at != rows[i].at)
			fail_msg("%s at %zu", rows[i].pattern, at);
	}
	assert_int_equal(match->n_paths, 0);
	match_list_free(list);
}

static void all_that_an_entry_says_has_to_hold(void **state)
{
	struct match_list *list = match_list_new();
	struct request_field fields[] = {
		{ text("x-team"), text("core") },
		{ text("Accept"), text("*/*") },
	};
	struct request get = request("GET", "/a/b");
	struct match *match;

	(void)state;
	assert_non_null(list);
	get.fields = fields;
	get.n_fields = 2;
	assert_false(meets(list, &get)); /* no entry, nothing to meet */
	match = entry(list);
	add_path(match, MATCH_PATH_EXACT, "/x");
	add_path(match, MATCH_PATH_PREFIX, "/a");
	assert_int_equal(match_add_method(match, "GET"), 0);
	assert_int_equal(match_add_method(match, "HEAD"), 0);
	assert_int_equal(match_add_header(match, "X-Team", "core"), 0);
	assert_true(meets(list, &get));

	get.method = text("get");
	assert_false(meets(list, &get));
	get.method = text("GETS");
	assert_false(meets(list, &get));
	get.method = text("POST");
	assert_false(meets(list, &get));
	get.method = text("HEAD");
	assert_true(meets(list, &get));

	get.target = text("/b");
	assert_false(meets(list, &get));
	get.target = text("/x");
	assert_true(meets(list, &get));

	fields[0].value = text("Core");
	assert_false(meets(list, &get));
	fields[0].value = text("core2");
	assert_false(meets(list, &get));
	get.n_fields = 0;
	assert_false(meets(list, &get));

	/* Another entry may admit what this one does not. */
	match = entry(list);
	assert_int_equal(match_add_method(match, "HEAD"), 0);
	assert_true(meets(list, &get));
	match_list_free(list);
}

static void a_header_that_is_there_twice_is_not_met(void **state)
{
	struct match_list *list = match_list_new();
	struct request_field fields[] = {
		{ text("X-Team"), text("core") },
		{ text("x-team"), text("core") },
	};
	struct request get = request("GET", "/");

	(void)state;
	assert_non_null(list);
	assert_int_equal(match_add_header(entry(list), "X-Team", "core"), 0);
	assert_false(match_list_has_paths(list));
	get.fields = fields;
	get.n_fields = 1;
	assert_true(meets(list, &get));
	get.n_fields = 2;
	assert_false(meets(list, &get));
	/* One that the origin could take for it, and one that is only that. */
	fields[1].name = text("X_Team");
	assert_false(meets(list, &get));
	fields[0].name = text("X_Team");
	get.n_fields = 1;
	assert_false(meets(list, &get));
	match_list_free(list);
}

static void every_method_that_a_request_has_is_judged(void **state)
{
	struct match_list *list = match_list_new(), *any = match_list_new();
	struct request_field fields[] = {
		{ text("X-HTTP-Method-Override"), text("PUT") },
		{ text("X-HTTP-Method-Override"), text("GET") },
	};
	struct request post = request("POST", "/");
	struct match *match;

	(void)state;
	assert_non_null(list);
	assert_non_null(any);
	match = entry(list);
	assert_int_equal(match_add_method(match, "POST"), 0);
	assert_int_equal(match_add_method(match, "GET"), 0);
	add_path(entry(any), MATCH_PATH_PREFIX, "/");
	post.fields = fields;
	post.n_fields = 1;
	assert_false(meets(list, &post));
	assert_true(meets(any, &post));
	post.n_fields = 2;
	assert_false(meets(list, &post));
	fields[0].value = text("");
	assert_false(meets(list, &post));
	fields[0].value = text("POST");
	assert_true(meets(list, &post));
	post.method = text("DELETE");
	assert_false(meets(list, &post));
	match_list_free(list);
	match_list_free(any);
}

static void git_is_told_from_the_rest(void **state)
{
	static const struct {
		const char *method, *target;
		bool fetch, push;
	} rows[] = {
		{ "GET", "/r.git/info/refs?service=git-upload-pack", 1, 0 },
		{ "GET", "/r.git/info%2drefs?service=git-upload-pack", 0, 0 },
		{ "GET", "/r/info/refs?service=git-upload-pack&x", 0, 0 },
		{ "GET", "/r/info/refs?x&service=git-upload-pack", 0, 0 },
		{ "GET", "/r/info/refs", 0, 0 },
		{ "GET", "/r/info/refs?", 0, 0 },
		{ "GET", "/info/refs?service=git-upload-pack", 0, 0 },
		{ "HEAD", "/r/info/refs?service=git-upload-pack", 0, 0 },
		{ "POST", "/r.git/git-upload-pack", 1, 0 },
		{ "POST", "/r.git/git%2Dupload-pack", 1, 0 },
		{ "POST", "/r.git/git-upload-pack?", 0, 0 },
		{ "POST", "/r.git/git-upload-pack/", 0, 0 },
		{ "POST", "/r.git/xgit-upload-pack", 0, 0 },
		{ "GET", "/r.git/git-upload-pack", 0, 0 },
		{ "GET", "/r/HEAD", 0, 0 },
		{ "GET", "/r/objects/info/packs", 0, 0 },
		{ "GET", "/r.git/info/refs?service=git-receive-pack", 0, 1 },
		{ "GET", "/r.git/info/refs?service=GIT-receive-pack", 0, 1 },
		{ "GET", "/r/info/refs?service=git%2dreceive-pack", 0, 1 },
		{ "POST", "/r.git/git-receive-pack", 0, 1 },
		{ "POST", "/r.git/git%2dreceive-pack", 0, 1 },
		{ "POST", "/r.git/Git-Receive-Pack;x", 0, 1 },
		{ "POST", "/r.git/git-receive-pack/", 0, 1 },
		{ "PUT", "/r.git/git-receive-pack?x", 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct request asked = request(rows[i].method, rows[i].target);
		struct path path = path_of(&asked);

		if (git_is_fetch(&asked, &path) != rows[i].fetch ||
		    git_is_push(&asked, &path) != rows[i].push)
			fail_msg("%s %s", rows[i].method, rows[i].target);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prefix_ends_where_a_segment_does),
		cmocka_unit_test(an_exact_path_is_that_path),
		cmocka_unit_test(an_expression_has_to_match_the_whole_path),
		cmocka_unit_test(
			an_expression_that_takes_too_long_admits_nothing),
		cmocka_unit_test(an_expression_that_is_none_is_not_added),
		cmocka_unit_test(all_that_an_entry_says_has_to_hold),
		cmocka_unit_test(a_header_that_is_there_twice_is_not_met),
		cmocka_unit_test(every_method_that_a_request_has_is_judged),
		cmocka_unit_test(git_is_told_from_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
