#include "verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void nothing_decided_means_denied(void **state)
{
	(void)state;
	assert_string_equal(verdict_name((enum verdict)0), "deny");
	assert_string_equal(reason_code((enum reason)0), "no_policy");
}

static void every_reason_has_a_code_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		const char *code = reason_code((enum reason)i);

		assert_non_null(code);
		assert_int_equal(
			strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789_"),
			strlen(code));
		assert_true(strlen(reason_text((enum reason)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(code,
						reason_code((enum reason)j));
	}
}

static void what_is_no_reason_has_none(void **state)
{
	(void)state;
	assert_string_equal(reason_code(REASON_COUNT), "no_policy");
	assert_string_equal(verdict_name(VERDICT_RELAY), "relay");
	assert_string_equal(verdict_name(VERDICT_INTERCEPT), "intercept");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_decided_means_denied),
		cmocka_unit_test(every_reason_has_a_code_of_its_own),
		cmocka_unit_test(what_is_no_reason_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
