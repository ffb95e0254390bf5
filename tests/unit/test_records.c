#include "dns/records.h"

#include "dns/dns_message.h"
#include "dns_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

/* A string literal as bytes, which may have NULs. */
#define BYTES(text) (text), sizeof(text) - 1

/* What stands before the data in each message here; 12 is "example.org". */
#define BEFORE "............\7Example\3org\0"
#define ORG "\7example\3org\0"

static struct records some;

static bool add(uint16_t type, const char *bytes, size_t len)
{
	uint8_t message[4096];
	const size_t before = sizeof(BEFORE) - 1;
	struct wire_reader reader;

	assert_true(before + len + 1 <= sizeof(message));
	memcpy(message, BEFORE, before);
	memcpy(message + before, bytes, len);
	message[before + len] = 'x'; /* of the next record */
	reader.whole = cursor_over(message, before + len + 1);
	reader.at = reader.whole;
	(void)cursor_bytes(&reader.at, before);
	return records_add(&some, type, reader, len);
}

static int forget(void **state)
{
	(void)state;
	some.n = some.len = 0;
	some.left_out = false;
	return 0;
}

static void assert_only(const char *bytes, size_t len)
{
	size_t at = 0, found_len = 0;
	const uint8_t *found = records_next(&some, &at, &found_len);

	assert_int_equal(some.n, 1);
	assert_non_null(found);
	assert_int_equal(found_len, len);
	assert_memory_equal(found, bytes, len);
	assert_null(records_next(&some, &at, &found_len));
}

struct row {
	uint16_t type;
	const char *bytes;
	size_t len;
	const char *told;
	size_t told_len;
};

static void data_are_written_anew(void **state)
{
	static const struct row rows[] = {
		{ DNS_TYPE_NS, BYTES("\2ns\300\14"), BYTES("\2ns" ORG) },
		{ DNS_TYPE_NS, BYTES("\300\14"), BYTES(ORG) },
		{ DNS_TYPE_MX, BYTES("\0\12\4MAIL\300\14"),
		  BYTES("\0\12\4mail" ORG) },
		{ DNS_TYPE_MX, BYTES("\0\0\0"), BYTES("\0\0\0") },
		{ DNS_TYPE_SRV, BYTES("\0\1\0\2\1\273\4_x_y" ORG),
		  BYTES("\0\1\0\2\1\273\4_x_y" ORG) },
		{ DNS_TYPE_SRV, BYTES("\0\0\0\0\0\0\0"),
		  BYTES("\0\0\0\0\0\0\0") },
		{ DNS_TYPE_TXT, BYTES("\5hello\0\3\0\1\377"),
		  BYTES("\5hello\0\3\0\1\377") },
		{ DNS_TYPE_TXT, BYTES("\0"), BYTES("\0") },
		{ DNS_TYPE_CAA, BYTES("\200\5issueca.example"),
		  BYTES("\200\5issueca.example") },
		{ DNS_TYPE_CAA, BYTES("\0\5issue"), BYTES("\0\5issue") },
		{ DNS_TYPE_NAPTR,
		  BYTES("\0\144\0\12\1s\7SIP+D2U\0\4_sip\4_udp\300\14"),
		  BYTES("\0\144\0\12\1s\7SIP+D2U\0\4_sip\4_udp" ORG) },
		{ DNS_TYPE_SOA,
		  BYTES("\2ns\300\14\4root\300\14"
			"\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"),
		  BYTES("\2ns" ORG "\4root" ORG
			"\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5") },
	};

	for (size_t i = 0; i < N(rows); i++) {
		(void)forget(state);
		assert_true(add(rows[i].type, rows[i].bytes, rows[i].len));
		assert_false(some.left_out);
		assert_only(rows[i].told, rows[i].told_len);
		/* Not a byte less. */
		if (rows[i].type == DNS_TYPE_CAA)
			continue; /* which ends where its data do */
		assert_false(add(rows[i].type, rows[i].bytes, rows[i].len - 1));
		assert_only(rows[i].told, rows[i].told_len);
	}
}

static void malformed_data_are_refused(void **state)
{
	static const struct row rows[] = {
		{ .type = DNS_TYPE_NS, BYTES("") },
		{ .type = DNS_TYPE_NS, BYTES("\300\14.") },
		{ .type = DNS_TYPE_NS, BYTES("\300") },
		{ .type = DNS_TYPE_NS, BYTES("\2ns\300\31") }, /* itself */
		{ .type = DNS_TYPE_NS, BYTES("\2ns\300\377") },
		{ .type = DNS_TYPE_NS, BYTES("\100ns") },
		{ .type = DNS_TYPE_MX, BYTES("\0\12") },
		{ .type = DNS_TYPE_MX, BYTES("\0\12\4mail") },
		{ .type = DNS_TYPE_MX, BYTES("\0\12\300\14\0") },
		{ .type = DNS_TYPE_SRV, BYTES("\0\1\0\2\300\14") },
		{ .type = DNS_TYPE_TXT, BYTES("") },
		{ .type = DNS_TYPE_TXT, BYTES("\1") },
		{ .type = DNS_TYPE_TXT, BYTES("\5hell") },
		{ .type = DNS_TYPE_TXT, BYTES("\5hello\1") },
		{ .type = DNS_TYPE_CAA, BYTES("") },
		{ .type = DNS_TYPE_CAA, BYTES("\0") },
		{ .type = DNS_TYPE_CAA, BYTES("\0\0value") },
		{ .type = DNS_TYPE_CAA, BYTES("\0\7is sue;value") },
		{ .type = DNS_TYPE_CAA, BYTES("\0\20abcdefghijklmnop.") },
		{ .type = DNS_TYPE_CAA, BYTES("\0\5issu") },
		{ .type = DNS_TYPE_NAPTR, BYTES("\0\1\0\1\1s\1a\1") },
		{ .type = DNS_TYPE_NAPTR, BYTES("\0\1\0\1\1s\1a\300\14") },
		{ .type = DNS_TYPE_SOA,
		  BYTES("\300\14\300\14\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4") },
		{ .type = DNS_TYPE_SOA,
		  BYTES("\300\14\300\14"
			"\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0") },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		assert_false(add(rows[i].type, rows[i].bytes, rows[i].len));
		assert_int_equal(some.n, 0);
		assert_int_equal(some.len, 0);
	}
}

/* Beside one that can be told. */
static void what_is_no_host_name_is_left_out(void **state)
{
	static const struct row rows[] = {
		{ .type = DNS_TYPE_NS, BYTES("\0") },
		{ .type = DNS_TYPE_NS, BYTES("\3a.b\300\14") },
		{ .type = DNS_TYPE_NS, BYTES("\3a b\300\14") },
		{ .type = DNS_TYPE_NS, BYTES("\1a\0011\0") },
		{ .type = DNS_TYPE_MX, BYTES("\0\12\4ma\0l\300\14") },
		{ .type = DNS_TYPE_MX, BYTES("\0\12\3\303\244\141\300\14") },
		{ .type = DNS_TYPE_SRV, BYTES("\0\1\0\2\0\3\2a-\300\14") },
		{ .type = DNS_TYPE_NAPTR, BYTES("\0\1\0\1\0\0\0\1!\0") },
		{ .type = DNS_TYPE_SOA,
		  BYTES("\300\14\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5") },
	};
	static const char txt[] = "\4told";

	for (size_t i = 0; i < N(rows); i++) {
		(void)forget(state);
		assert_true(add(DNS_TYPE_TXT, BYTES(txt)));
		assert_true(add(rows[i].type, rows[i].bytes, rows[i].len));
		assert_true(some.left_out);
		assert_only(BYTES(txt));
	}
}

static void so_many_records_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDS_MAX; i++)
		assert_true(add(DNS_TYPE_TXT, BYTES("\1a")));
	assert_false(some.left_out);
	assert_true(add(DNS_TYPE_TXT, BYTES("\1a")));
	assert_true(some.left_out);
	assert_int_equal(some.n, RECORDS_MAX);
}

static void so_many_bytes_and_no_more(void **state)
{
	char text[1024];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 256) {
		memset(text + i, 'a', 256);
		text[i] = '\377';
	}
	for (; !some.left_out; n++)
		assert_true(add(DNS_TYPE_TXT, text, sizeof(text)));
	assert_int_equal(some.n, n - 1);
	assert_int_equal(some.n, RECORDS_BYTES_MAX / (sizeof(text) + 2));
	/* To the last byte. */
	n = RECORDS_BYTES_MAX - some.len - 2;
	text[n - n % 256] = (char)(n % 256 - 1);
	assert_true(add(DNS_TYPE_TXT, text, n));
	assert_int_equal(some.len, RECORDS_BYTES_MAX);
	assert_true(add(DNS_TYPE_TXT, BYTES("\0")));
	assert_int_equal(some.len, RECORDS_BYTES_MAX);
}

static void every_type_that_may_be_listed_is_known(void **state)
{
	size_t n = 0;

	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		bool listable = !dns_type_refusal((uint16_t)type);

		assert_int_equal(records_know((uint16_t)type), listable);
		assert_true(!listable || dns_type_name((uint16_t)type));
		n += listable;
	}
	assert_true(n > 0 && n <= DNS_TYPES_LISTED_MAX);
}

/* --- in whole messages --- */

static enum dns_result result_of(const char *bytes, size_t len, uint16_t type,
				 uint32_t *ttl_s)
{
	struct domain name;

	assert_true(domain_parse(&name, "example.org", 11));
	return dns_response_records((const uint8_t *)bytes, len, &name, type,
				    &some, ttl_s);
}

#define HEADER(answers, additionals) \
	"\0\1\201\200\0\1\0" answers "\0\0\0" additionals
#define MX_QUESTION ORG "\0\17\0\1"
#define RECORD(owner, type, ttl, len) owner "\0" type "\0\1\0\0\0" ttl "\0" len
#define ALIAS RECORD("\300\14", "\5", "\11", "\6") "\3end\300\14"
#define END "\300\51" /* the name that ALIAS leads to */

static void only_the_end_of_the_chain_is_told(void **state)
{
	static const char bytes[] = HEADER("\5", "\1") MX_QUESTION ALIAS
		/* of another owner, of another type, of the alias's own */
		RECORD("\300\24", "\17", "\1", "\5") "\0\1\1a\0" RECORD(
			END, "\20", "\1",
			"\2") "\1a" RECORD("\300\14", "\17", "\1",
					   "\5") "\0\1\1b\0" RECORD(END, "\17",
								    "\10",
								    "\10") "\0\12\3one\300\14"
		/* the address of what it leads to */
		RECORD(END, "\1", "\1", "\4") "\300\0\2\1";
	uint32_t ttl_s = 0;

	(void)state;
	assert_int_equal(result_of(BYTES(bytes), DNS_TYPE_MX, &ttl_s),
			 DNS_RESULT_FOUND);
	assert_int_equal(ttl_s, 8);
	assert_only(BYTES("\0\12\3one" ORG));
}

static void one_unsound_record_spoils_the_response(void **state)
{
	static const char bytes[] = HEADER("\2", "\0")
		MX_QUESTION RECORD("\300\14", "\17", "\10",
				   "\5") "\0\1\1a\0" RECORD("\300\14", "\17",
							    "\10",
							    "\6") "\0\1\1a\0.";
	uint32_t ttl_s = 77;

	(void)state;
	assert_int_equal(result_of(BYTES(bytes), DNS_TYPE_MX, &ttl_s),
			 DNS_RESULT_BAD);
	assert_int_equal(ttl_s, 77);
	assert_int_equal(some.n, 0);
}

static void nothing_that_can_be_told_is_no_data(void **state)
{
	static const char bytes[] = HEADER("\1", "\0")
		MX_QUESTION RECORD("\300\14", "\17", "\10", "\6") "\0\1\2a \0";
	static const char empty[] = HEADER("\1", "\0") MX_QUESTION ALIAS;
	uint32_t ttl_s;

	(void)state;
	assert_int_equal(result_of(BYTES(bytes), DNS_TYPE_MX, &ttl_s),
			 DNS_RESULT_NODATA);
	assert_true(some.left_out);
	assert_int_equal(result_of(BYTES(empty), DNS_TYPE_MX, &ttl_s),
			 DNS_RESULT_NODATA);
	assert_false(some.left_out);
	/* Of another type, or of another question. */
	assert_int_equal(result_of(BYTES(empty), DNS_TYPE_TXT, &ttl_s),
			 DNS_RESULT_BAD);
}

static void a_name_that_does_not_exist_has_no_records(void **state)
{
	static const char bytes[] =
		"\0\1\201\203\0\1\0\1\0\0\0\0" MX_QUESTION RECORD(
			"\300\14", "\17", "\10", "\5") "\0\1\1a\0";
	uint32_t ttl_s;

	(void)state;
	assert_int_equal(result_of(BYTES(bytes), DNS_TYPE_MX, &ttl_s),
			 DNS_RESULT_NXDOMAIN);
	assert_int_equal(some.n, 0);
}

/* Whole where there is room, and else cut to nothing, which says TC. */
static void an_answer_is_whole_or_truncated(void **state)
{
	static const char asked[] =
		"\0\1\1\0\0\1\0\0\0\0\0\0\7Example\3org\0\0\20\0\1";
	uint8_t bytes[2 * RECORDS_BYTES_MAX];
	struct dns_answer answer = { .records = &some,
				     .ttl_s = 60,
				     .ede = DNS_EDE_NONE };
	struct records told = { 0 };
	struct dns_query query;
	enum dns_rcode rcode;
	struct domain name;
	uint32_t ttl_s;
	size_t n;

	(void)state;
	assert_int_equal(dns_query_parse((const uint8_t *)asked,
					 sizeof(asked) - 1, &query, &rcode),
			 DNS_PARSED_QUERY);
	for (int i = 0; i < 30; i++)
		assert_true(add(DNS_TYPE_TXT, BYTES("\14twelve bytes")));
	n = dns_answer_write(bytes, query.udp_size, &query, &answer);
	assert_true(n <= DNS_PLAIN_MAX);
	assert_int_equal(bytes[2] & 2, 2);
	assert_int_equal(bytes[7], 0);

	n = dns_answer_write(bytes, sizeof(bytes), &query, &answer);
	assert_int_equal(bytes[2] & 2, 0);
	assert_int_equal(bytes[7], 30);
	assert_true(domain_parse(&name, "example.org", 11));
	assert_int_equal(dns_response_records(bytes, n, &name, DNS_TYPE_TXT,
					      &told, &ttl_s),
			 DNS_RESULT_FOUND);
	assert_int_equal(ttl_s, 60);
	assert_int_equal(told.len, some.len);
	assert_memory_equal(told.bytes, some.bytes, some.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(data_are_written_anew, forget),
		cmocka_unit_test_setup(malformed_data_are_refused, forget),
		cmocka_unit_test_setup(what_is_no_host_name_is_left_out,
				       forget),
		cmocka_unit_test_setup(so_many_records_and_no_more, forget),
		cmocka_unit_test_setup(so_many_bytes_and_no_more, forget),
		cmocka_unit_test(every_type_that_may_be_listed_is_known),
		cmocka_unit_test_setup(only_the_end_of_the_chain_is_told,
				       forget),
		cmocka_unit_test_setup(one_unsound_record_spoils_the_response,
				       forget),
		cmocka_unit_test_setup(nothing_that_can_be_told_is_no_data,
				       forget),
		cmocka_unit_test_setup(
			a_name_that_does_not_exist_has_no_records, forget),
		cmocka_unit_test_setup(an_answer_is_whole_or_truncated, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
