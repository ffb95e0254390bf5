#include "question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Of a name of one label, without EDNS. */
static const uint8_t plain[] = {
	0x12, 0x34, 0x01, 0x00, 0,   1,   0, 0, 0, 0, 0,
	0,    4,    't',  'e',  's', 't', 0, 0, 1, 0, 1,
};

/* The same, and an OPT record for answers of 1232 bytes. */
static const uint8_t edns[] = {
	0x12, 0x34, 0x01, 0x00, 0,    1,   0, 0, 0, 0, 0,
	1,    4,    't',  'e',  's',  't', 0, 0, 1, 0, 1,
	0,    0,    41,   0x04, 0xd0, 0,   0, 0, 0, 0, 0,
};

static void a_question_says_how_long_its_answer_may_be(void **state)
{
	struct question question;

	(void)state;
	assert_true(question_parse(plain, sizeof(plain), &question));
	assert_int_equal(question.id, 0x1234);
	assert_int_equal(question.end, sizeof(plain));
	assert_int_equal(question.answer_max, 512);
	assert_true(question_parse(edns, sizeof(edns), &question));
	assert_int_equal(question.end, sizeof(plain));
	assert_int_equal(question.answer_max, 1232);
}

static void less_than_anybody_can_take_is_not_believed(void **state)
{
	uint8_t bytes[sizeof(edns)];
	struct question question;

	(void)state;
	memcpy(bytes, edns, sizeof(edns));
	bytes[25] = 0x00;
	bytes[26] = 0x10;
	assert_true(question_parse(bytes, sizeof(bytes), &question));
	assert_int_equal(question.answer_max, 512);
	/* Nor an OPT of another name, or cut short. */
	memcpy(bytes, edns, sizeof(edns));
	assert_true(question_parse(bytes, sizeof(plain) + 4, &question));
	assert_int_equal(question.answer_max, 512);
}

static void what_is_cut_short_is_none(void **state)
{
	struct question question;

	(void)state;
	for (size_t len = 0; len < sizeof(plain); len++)
		assert_false(question_parse(plain, len, &question));
}

static void answers_updates_and_several_at_once_are_none(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {
		{ 2, 0x81 }, { 2, 0x29 }, { 5, 0 },   { 5, 2 },
		{ 7, 1 },    { 9, 1 },    { 12, 64 }, { 12, 0xc0 },
	};
	uint8_t bytes[sizeof(plain)];
	struct question question;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		memcpy(bytes, plain, sizeof(plain));
		bytes[bad[i].at] = bad[i].value;
		if (question_parse(bytes, sizeof(bytes), &question))
			fail_msg("row %zu", i);
	}
}

static void the_longest_name_has_255_bytes(void **state)
{
	uint8_t bytes[12 + 256 + 4] = { 0, 1, 1, 0, 0, 1 };
	uint8_t answer[QUESTION_SHORT_MAX];
	struct question question;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		bytes[12 + 64 * i] = i < 3 ? 63 : 61;
	assert_true(question_parse(bytes, 12 + 255 + 4, &question));
	assert_int_equal(question_fail(&question, bytes, answer), 12 + 255 + 4);
	bytes[12 + 192] = 62;
	assert_false(question_parse(bytes, sizeof(bytes), &question));
}

static void an_answer_has_the_same_number(void **state)
{
	uint8_t bytes[sizeof(plain)];
	struct question question;

	(void)state;
	assert_true(question_parse(plain, sizeof(plain), &question));
	assert_false(question_is_answered(&question, plain, sizeof(plain)));
	memcpy(bytes, plain, sizeof(plain));
	bytes[2] |= 0x80;
	assert_true(question_is_answered(&question, bytes, sizeof(bytes)));
	assert_false(question_is_answered(&question, bytes, 11));
	bytes[1]++;
	assert_false(question_is_answered(&question, bytes, sizeof(bytes)));
}

static void in_place_of_an_answer_there_is_the_question(void **state)
{
	uint8_t answer[QUESTION_SHORT_MAX];
	struct question question;

	(void)state;
	assert_true(question_parse(edns, sizeof(edns), &question));
	assert_int_equal(question_truncate(&question, edns, answer),
			 sizeof(plain));
	assert_memory_equal(answer, "\x12\x34\x83\x80\0\1\0\0\0\0\0\0", 12);
	assert_memory_equal(answer + 12, plain + 12, sizeof(plain) - 12);
	assert_int_equal(question_fail(&question, edns, answer), sizeof(plain));
	assert_memory_equal(answer, "\x12\x34\x81\x82\0\1\0\0\0\0\0\0", 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_says_how_long_its_answer_may_be),
		cmocka_unit_test(less_than_anybody_can_take_is_not_believed),
		cmocka_unit_test(what_is_cut_short_is_none),
		cmocka_unit_test(answers_updates_and_several_at_once_are_none),
		cmocka_unit_test(the_longest_name_has_255_bytes),
		cmocka_unit_test(an_answer_has_the_same_number),
		cmocka_unit_test(in_place_of_an_answer_there_is_the_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
