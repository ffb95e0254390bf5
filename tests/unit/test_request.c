#include "request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

static struct request_text text(const char *word)
{
	return (struct request_text){ word, strlen(word) };
}

static void a_name_could_be_another_that_cgi_spells_alike(void **state)
{
	static const struct {
		const char *name, *word;
		bool could;
	} rows[] = {
		{ "X-Team", "X-Team", true },
		{ "x-team", "X-Team", true },
		{ "X_Team", "X-Team", true },
		{ "X-Team", "X_Team", true },
		{ "X-Teams", "X-Team", false },
		{ "X-Tea", "X-Team", false },
		{ "XTeam", "X-Team", false },
		{ "X.Team", "X-Team", false },
		{ "", "", true },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		if (request_name_could_be(text(rows[i].name), rows[i].word) !=
		    rows[i].could)
			fail_msg("%s and %s", rows[i].name, rows[i].word);
}

static void a_field_may_stand_in_for_the_method(void **state)
{
	static const struct {
		const char *name;
		bool may;
	} rows[] = {
		{ "X-HTTP-Method-Override", true },
		{ "x_http_method_override", true },
		{ "X-HTTP-Method", true },
		{ "X-Method-Override", true },
		{ "X-Method", false },
		{ "Method", false },
		{ "Access-Control-Request-Method", false },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const struct request_field field = { text(rows[i].name),
						     text("GET") };

		if (request_field_is_method(&field) != rows[i].may)
			fail_msg("%s", rows[i].name);
	}
}

static void a_path_that_a_field_replaces_is_none(void **state)
{
	static const struct {
		const char *name;
		bool replaces;
	} rows[] = {
		{ "X-Original-URL", true },   { "X-Rewrite-URL", true },
		{ "x-original-url", true },   { "X_ORIGINAL_URL", true },
		{ "X-Original-URI", true },   { "X-Rewrite-URI", true },
		{ "X-Forwarded-URI", true },  { "Destination", true },
		{ "Referer", false },         { "Location", false },
		{ "X-Forwarded-For", false },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const struct request_field fields[] = {
			{ text("Accept"), text("*/*") },
			{ text(rows[i].name), text("/a") },
		};
		const struct request request = {
			.method = text("GET"),
			.target = text("/%61?b"),
			.fields = fields,
			.n_fields = 2,
		};
		const char *why = "";
		struct path path;

		if (request_path(&request, &path, &why) == rows[i].replaces)
			fail_msg("%s", rows[i].name);
		assert_string_equal(rows[i].replaces ? why : path.text,
				    rows[i].replaces
					    ? "a field that some take for "
					      "the path"
					    : "/a");
	}
}

static void a_path_with_two_readings_is_none(void **state)
{
	const struct request request = { .target = text("/a//b") };
	const char *why = "";
	struct path path;

	(void)state;
	assert_false(request_path(&request, &path, &why));
	assert_string_equal(why, "an empty segment");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_could_be_another_that_cgi_spells_alike),
		cmocka_unit_test(a_field_may_stand_in_for_the_method),
		cmocka_unit_test(a_path_that_a_field_replaces_is_none),
		cmocka_unit_test(a_path_with_two_readings_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
