#include "pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"

static bool one(const char *text)
{
	return pem_is_one_certificate(text, strlen(text));
}

static void a_sequence_in_its_frame_is_one(void **state)
{
	(void)state;
	assert_true(one(BEGIN "MAMCAQE=\n" END));
	assert_true(one("-----BEGIN CERTIFICATE-----\r\n"
			"MAMCAQE=\r\n"
			"-----END CERTIFICATE-----\r\n"));
}

static void anything_else_is_not(void **state)
{
	static const char *const refused[] = {
		"",
		"\n",
		BEGIN,
		BEGIN END,
		"MAMCAQE=\n",
		BEGIN "MAMCAQE=\n",
		"MAMCAQE=\n" END,
		BEGIN "MAMCAQE=\n-----END CERTIFICATE-----",
		/* More around it. */
		"\n" BEGIN "MAMCAQE=\n" END,
		BEGIN "MAMCAQE=\n" END "\n",
		BEGIN "MAMCAQE=\n" END BEGIN "MAMCAQE=\n" END,
		BEGIN "MAMCAQE=\n" END "MAMCAQE=\n",
		/* Another frame. */
		"-----BEGIN CERTIFICATE----- \nMAMCAQE=\n" END,
		"-----BEGIN TRUSTED CERTIFICATE-----\nMAMCAQE=\n" END,
		"-----BEGIN CERTIFICATE REQUEST-----\nMAMCAQE=\n" END,
		BEGIN "MAMCAQE=\n-----END CERTIFICATE REQUEST-----\n",
		/* Headers, comments, blanks. */
		BEGIN "Proc-Type: 4,ENCRYPTED\n\nMAMCAQE=\n" END,
		BEGIN "\nMAMCAQE=\n" END,
		BEGIN " MAMCAQE=\n" END,
		BEGIN "MAMC AQE=\n" END,
		BEGIN "MAMCAQE=\n\n" END,
		/* Not base64, or not the one way to write it. */
		BEGIN "MAMCAQE\n" END,
		BEGIN "MAMCAQ==\n" END,
		BEGIN "MAMCAQF=\n" END,
		BEGIN "MAMC====\n" END,
		BEGIN "MAMCAQE=AAAA\n" END,
		BEGIN "MAMCAQE*\n" END,
		BEGIN "MA=CAQE=\n" END,
		/* A short line that is not the last. */
		BEGIN "MAMC\nAQE=\n" END,
		/* Not one sequence: a length too long, too short, not DER. */
		BEGIN "MAQCAQE=\n" END,
		BEGIN "MAICAQE=\n" END,
		BEGIN "MQMCAQE=\n" END,
		BEGIN "MIEDAgEB\n" END,
		BEGIN "MIACAQEAAA==\n" END,
		BEGIN "MAA=\n" END,
		BEGIN "MA==\n" END,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (one(refused[i]))
			fail_msg("took: %s", refused[i]);
}

static void a_nul_ends_nothing(void **state)
{
	static const char with_nul[] = BEGIN "MAMCAQE=\n\0" END;

	(void)state;
	assert_false(pem_is_one_certificate(with_nul, sizeof(with_nul) - 1));
}

/* A sequence of @len bytes in all, its body zeroes, in lines of 64. */
static size_t long_one(char *text, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
				       "mnopqrstuvwxyz0123456789+/";
	const size_t body = len - 4;
	size_t n = 0, column = 0;

	assert_int_equal(len % 3, 0);
	n += (size_t)sprintf(text, "%s", BEGIN);
	for (size_t i = 0; i < len; i += 3) {
		uint8_t der[3] = { 0 };
		uint32_t bits;

		if (i == 0) {
			der[0] = 0x30;
			der[1] = 0x82;
			der[2] = (uint8_t)(body >> 8);
		} else if (i == 3) {
			der[0] = (uint8_t)body;
		}
		bits = (uint32_t)(der[0] << 16 | der[1] << 8 | der[2]);
		for (int shift = 18; shift >= 0; shift -= 6)
			text[n++] = alphabet[bits >> shift & 63];
		column += 4;
		if (column == 64 || i + 3 == len) {
			text[n++] = '\n';
			column = 0;
		}
	}
	n += (size_t)sprintf(text + n, "%s", END);
	return n;
}

static void its_size_is_bounded(void **state)
{
	static char text[65536];
	size_t len;

	(void)state;
	len = long_one(text, 2400);
	assert_true(pem_is_one_certificate(text, len));
	assert_false(pem_is_one_certificate(text, len - 1));
	len = long_one(text, 12288);
	assert_true(pem_is_one_certificate(text, len));
	len = long_one(text, 12291);
	assert_false(pem_is_one_certificate(text, len));
}

#define ONE BEGIN "MAMCAQE=\n" END

static void several_may_stand_with_empty_lines_between(void **state)
{
	static const struct {
		const char *text;
		size_t line; /* that is wrong; 0 if none is */
	} expected[] = {
		{ ONE, 0 },
		{ ONE ONE, 0 },
		{ "\n\r\n" ONE "\n" ONE "\n", 0 },
		{ ONE ONE ONE, 7 },
		{ "", 1 },
		{ "\n\n", 2 },
		{ "# ours\n" ONE, 1 },
		{ " \n" ONE, 1 },
		{ ONE "\nMAMCAQE=\n", 5 },
		{ ONE "-----BEGIN PRIVATE KEY-----\n", 4 },
		{ ONE BEGIN "MAMCAQE\n" END, 5 },
		{ ONE BEGIN "MAMCAQE=\n", 5 },
		{ BEGIN "MAMCAQE=\n-----END CERTIFICATE-----", 2 },
		{ ONE "-----BEGIN", 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		const char *text = expected[i].text;
		size_t line = 0;
		bool sound = pem_are_certificates(text, strlen(text), 2, &line);

		if (sound != (expected[i].line == 0) ||
		    line != expected[i].line)
			fail_msg("line %zu, %d: %s", line, sound, text);
	}
}

static void those_that_are_whole_are_found_among_anything(void **state)
{
	static const char text[] =
		"# a bundle\n" ONE "\nName of the next\n" BEGIN
		"MAMCAQF=\n" END BEGIN "MAMCAQE=\n" ONE
		"-----BEGIN TRUSTED CERTIFICATE-----\nMAMCAQE=\n" END BEGIN
		"MAMC\nAQE=\n" END BEGIN "MAMCAQI=\n" END BEGIN "MAMCAQE=\n";
	static const uint8_t ends[] = { 1, 1, 2 };
	struct cursor left = cursor_over(text, strlen(text));
	uint8_t der[PEM_DER_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(ends); i++) {
		const uint8_t whole[] = { 0x30, 3, 2, 1, ends[i] };

		assert_true(pem_next_certificate(&left, der, &len));
		assert_int_equal(len, sizeof(whole));
		assert_memory_equal(der, whole, len);
	}
	assert_false(pem_next_certificate(&left, der, &len));
	assert_int_equal(cursor_left(&left), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sequence_in_its_frame_is_one),
		cmocka_unit_test(anything_else_is_not),
		cmocka_unit_test(a_nul_ends_nothing),
		cmocka_unit_test(its_size_is_bounded),
		cmocka_unit_test(several_may_stand_with_empty_lines_between),
		cmocka_unit_test(those_that_are_whole_are_found_among_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
