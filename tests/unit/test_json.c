#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static json_t *parsed(const struct json *json)
{
	json_error_t error;
	json_t *root = json_loadb(json->bytes, json->len, 0, &error);

	if (!root)
		fail_msg("%s: %s", error.text, json->bytes);
	assert_true(json_is_object(root));
	return root;
}

static void members_are_read_back_in_order(void **state)
{
	char bytes[512];
	struct json json;
	json_t *root;

	(void)state;
	json_begin(&json, bytes, sizeof(bytes));
	json_text(&json, "text", "some");
	json_text(&json, "none", NULL);
	json_uint(&json, "most", UINT64_MAX);
	json_flag(&json, "yes", true);
	json_flag(&json, "no", false);
	json_text(&json, "last", "");
	assert_true(json_end(&json));
	assert_string_equal(bytes, "{\"text\":\"some\","
				   "\"most\":18446744073709551615,"
				   "\"yes\":true,"
				   "\"last\":\"\"}");
	assert_int_equal(strlen(bytes), json.len);

	json_begin(&json, bytes, sizeof(bytes));
	json_text(&json, "text", "some");
	assert_true(json_end(&json));
	root = parsed(&json);
	assert_string_equal(json_string_value(json_object_get(root, "text")),
			    "some");
	json_decref(root);
}

static void an_empty_object_is_one(void **state)
{
	char bytes[3];
	struct json json;

	(void)state;
	json_begin(&json, bytes, sizeof(bytes));
	assert_true(json_end(&json));
	assert_string_equal(bytes, "{}");
}

static void no_byte_ends_a_string_or_a_line(void **state)
{
	char bytes[64];
	struct json json;

	(void)state;
	for (int i = 0; i < 256; i++) {
		uint8_t byte[3] = { 'a', (uint8_t)i, 'z' };
		json_t *root, *value;

		json_begin(&json, bytes, sizeof(bytes));
		json_bytes(&json, "k", byte, sizeof(byte));
		assert_true(json_end(&json));
		for (size_t at = 0; at < json.len; at++)
			assert_in_range(bytes[at], 0x20, 0x7e);
		if (i == 0) {
			/* jansson takes no NUL unless it is told to. */
			assert_string_equal(bytes, "{\"k\":\"a\\u0000z\"}");
			continue;
		}
		root = parsed(&json);
		assert_int_equal(json_object_size(root), 1);
		value = json_object_get(root, "k");
		if (i < 0x80)
			assert_memory_equal(json_string_value(value), byte, 3);
		else
			assert_int_equal(json_string_length(value), 4);
		json_decref(root);
	}
}

static void a_forged_member_stays_text(void **state)
{
	static const char forged[] = "x\",\"verdict\":\"allow\"}\n{\"y\":\"\\";
	char bytes[256];
	struct json json;
	json_t *root;

	(void)state;
	json_begin(&json, bytes, sizeof(bytes));
	json_text(&json, "k", forged);
	assert_true(json_end(&json));
	assert_null(strchr(bytes, '\n'));
	root = parsed(&json);
	assert_int_equal(json_object_size(root), 1);
	assert_string_equal(json_string_value(json_object_get(root, "k")),
			    forged);
	json_decref(root);
}

static void a_string_is_cut_at_its_maximum(void **state)
{
	char bytes[8192], text[JSON_STRING_MAX + 10];
	struct json json;
	json_t *root;

	(void)state;
	memset(text, '\n', sizeof(text));
	json_begin(&json, bytes, sizeof(bytes));
	json_bytes(&json, "k", text, sizeof(text));
	assert_true(json_end(&json));
	root = parsed(&json);
	assert_int_equal(json_string_length(json_object_get(root, "k")),
			 JSON_STRING_MAX);
	json_decref(root);
}

/* Whatever the room, it is told, and nothing is written beyond it. */
static void what_does_not_fit_is_said(void **state)
{
	static const char whole[] = "{\"text\":\"a\\\"b\\u000a\",\"n\":12}";

	(void)state;
	for (size_t cap = 1; cap <= sizeof(whole) + 2; cap++) {
		char *bytes = malloc(cap);
		struct json json;
		bool fits;

		assert_non_null(bytes);
		json_begin(&json, bytes, cap);
		json_text(&json, "text", "a\"b\n");
		json_uint(&json, "n", 12);
		fits = json_end(&json);
		assert_int_equal(fits, cap >= sizeof(whole));
		assert_true(json.len < cap);
		assert_int_equal(strlen(bytes), json.len);
		if (fits)
			assert_string_equal(bytes, whole);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_read_back_in_order),
		cmocka_unit_test(an_empty_object_is_one),
		cmocka_unit_test(no_byte_ends_a_string_or_a_line),
		cmocka_unit_test(a_forged_member_stays_text),
		cmocka_unit_test(a_string_is_cut_at_its_maximum),
		cmocka_unit_test(what_does_not_fit_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
