#include "enrol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define DATE "Date: Sun, 22 Nov 2026 23:45:00 GMT\r\n"
#define HEAD "HTTP/1.1 200 OK\r\n"
#define ANSWER                                                    \
	"HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/plain\r\n" \
	"content-length:  5 \r\n"                                 \
	"\r\n"                                                    \
	"hello"

static enum enrol_state state_of(const char *text)
{
	struct enrolment enrolment;

	return enrol_parse(text, strlen(text), &enrolment);
}

static void an_answer_gives_body_and_time(void **state)
{
	struct enrolment enrolment;

	(void)state;
	assert_int_equal(enrol_parse(ANSWER, strlen(ANSWER), &enrolment),
			 ENROL_DONE);
	assert_int_equal(enrolment.len, 5);
	assert_memory_equal(enrolment.body, "hello", 5);
	assert_int_equal(enrolment.date_s, 1795391100);
}

static void every_part_of_it_waits_for_more(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(ANSWER); len++) {
		struct enrolment enrolment = { .len = 77 };

		assert_int_equal(enrol_parse(ANSWER, len, &enrolment),
				 ENROL_MORE);
		assert_int_equal(enrolment.len, 77);
	}
}

static void the_time_may_be_unsaid(void **state)
{
	static const char text[] =
		"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct enrolment enrolment;

	(void)state;
	assert_int_equal(enrol_parse(text, strlen(text), &enrolment),
			 ENROL_DONE);
	assert_int_equal(enrolment.len, 0);
	assert_int_equal(enrolment.date_s, 0);
}

static void what_is_not_the_answer_is_refused(void **state)
{
	static const char *const refused[] = {
		"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n",
		HEAD "\r\nhello",
		HEAD "Content-Length: -1\r\n\r\n",
		HEAD "Content-Length: +1\r\n\r\n",
		HEAD "Content-Length: 0x1\r\n\r\n",
		HEAD "Content-Length:\r\n\r\n",
		HEAD "Content-Length: 1, 1\r\n\r\n",
		HEAD "Content-Length: 16385\r\n\r\n",
		HEAD "Content-Length: 18446744073709551617\r\n",
		HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
		HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		HEAD "Content-Length: 4\r\n\r\nhello",
		HEAD "Date: yesterday\r\n",
		HEAD "Date: Sun, 22 Nov 2026 23:45:00 CET\r\n",
		HEAD DATE DATE,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (state_of(refused[i]) != ENROL_BAD)
			fail_msg("took: %s", refused[i]);
}

static void the_head_is_bounded(void **state)
{
	static char text[ENROL_HEAD_MAX + 64];
	struct enrolment enrolment;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(enrol_parse(text, ENROL_HEAD_MAX - 1, &enrolment),
			 ENROL_MORE);
	assert_int_equal(enrol_parse(text, ENROL_HEAD_MAX, &enrolment),
			 ENROL_BAD);
	memcpy(text, HEAD, sizeof(HEAD) - 1);
	assert_int_equal(enrol_parse(text, ENROL_HEAD_MAX, &enrolment),
			 ENROL_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_gives_body_and_time),
		cmocka_unit_test(every_part_of_it_waits_for_more),
		cmocka_unit_test(the_time_may_be_unsaid),
		cmocka_unit_test(what_is_not_the_answer_is_refused),
		cmocka_unit_test(the_head_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
