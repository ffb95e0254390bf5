#include "dns/dns_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CNAME DNS_TYPE_CNAME

/* --- messages that dnspython made --- */

static const char asked[] =
	"12340100000100000000000103577757074578616d706c65034f524700000100"
	"0100002910000000800000230008000700011800c00002000c00140000000000"
	"000000000000000000000000000000";

static const char chain[] =
	"12348180000100050000000203777777074578616d706c65036f726700000100"
	"0104656467650363646e076578616d706c650000010001000000140004c00002"
	"02c02100010001000000140004c0000201c00c000500010000012c0012037777"
	"77076578616d706c65036f7267c026c05d000500010000003c0002c021056f74"
	"686572c02a00010001000000050004c6336409c00c00010001000000090004cb"
	"00710700002904d0000000000000";

static const char six[] =
	"123481800001000200000001027636076578616d706c65036f726700001c0001"
	"c00c001c00010000004d001020010db8000000000000000000000001c00c001c"
	"00010000004d001000000000000000000000ffff0a00000100002904d0000000"
	"000000";

static const char nodata[] =
	"12348180000100000001000103777777076578616d706c65036f726700001c00"
	"01c01000060001000003840020026e73c01004726f6f74c01000000001000000"
	"0200000003000000040000003c00002904d0000000000000";

static const char nxdomain[] =
	"123481830001000000010001026e6f076578616d706c65036f72670000010001"
	"c00f000600010000001e0020026e73c00f04726f6f74c00f0000000100000002"
	"00000003000000040000003c00002904d0000000000000";

/* --- helpers --- */

struct bytes {
	uint8_t at[DNS_MESSAGE_MAX];
	size_t len;
};

static void add(struct bytes *bytes, const void *more, size_t n)
{
	assert_true(n <= sizeof(bytes->at) - bytes->len);
	memcpy(bytes->at + bytes->len, more, n);
	bytes->len += n;
}

static void add_uint(struct bytes *bytes, size_t value, size_t n)
{
	while (n-- > 0) {
		uint8_t byte = (uint8_t)(value >> (8 * n));

		add(bytes, &byte, 1);
	}
}

static void add_hex(struct bytes *bytes, const char *hex)
{
	for (; *hex != '\0'; hex += 2) {
		char digits[3] = { hex[0], hex[1] };

		add_uint(bytes, strtoul(digits, NULL, 16), 1);
	}
}

static void add_header(struct bytes *bytes, unsigned flags, unsigned questions,
		       unsigned answers, unsigned authorities,
		       unsigned additionals)
{
	bytes->len = 0;
	add_uint(bytes, 0x1234, 2);
	add_uint(bytes, flags, 2);
	add_uint(bytes, questions, 2);
	add_uint(bytes, answers, 2);
	add_uint(bytes, authorities, 2);
	add_uint(bytes, additionals, 2);
}

static void add_name(struct bytes *bytes, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");

		add_uint(bytes, n, 1);
		add(bytes, name, n);
		name += n + (name[n] == '.');
	}
	add_uint(bytes, 0, 1);
}

static void add_question(struct bytes *bytes, const char *name, unsigned type)
{
	add_name(bytes, name);
	add_uint(bytes, type, 2);
	add_uint(bytes, 1, 2);
}

static void add_record_head(struct bytes *bytes, const char *owner,
			    unsigned type, uint32_t ttl_s, size_t len)
{
	add_question(bytes, owner, type);
	add_uint(bytes, ttl_s, 4);
	add_uint(bytes, len, 2);
}

static void add_cname(struct bytes *bytes, const char *owner,
		      const char *target, uint32_t ttl_s)
{
	size_t len = *target != '\0' ? strlen(target) + 2 : 1;

	add_record_head(bytes, owner, CNAME, ttl_s, len);
	add_name(bytes, target);
}

static void add_a(struct bytes *bytes, const char *owner, uint32_t address)
{
	add_record_head(bytes, owner, DNS_TYPE_A, 60, 4);
	add_uint(bytes, address, 4);
}

static struct domain domain(const char *text)
{
	struct domain d;

	assert_true(domain_parse(&d, text, strlen(text)));
	return d;
}

static enum dns_result result_of(const struct bytes *bytes, const char *name,
				 uint16_t type, struct dns_addresses *addresses)
{
	struct domain d = domain(name);

	return dns_response_parse(bytes->at, bytes->len, &d, type, addresses);
}

static void assert_address(const struct address *address, const char *text)
{
	struct address expected;

	assert_true(address_parse(&expected, text, strlen(text)));
	assert_true(address_equal(address, &expected));
}

/* The query of these bytes, which must be sound. */
static struct dns_query query_of(const struct bytes *bytes)
{
	struct dns_query query;
	enum dns_rcode rcode = DNS_NOERROR;

	assert_int_equal(dns_query_parse(bytes->at, bytes->len, &query, &rcode),
			 DNS_PARSED_QUERY);
	return query;
}

static struct dns_query query_for(const char *name, unsigned type, bool edns)
{
	struct bytes bytes;

	add_header(&bytes, 0x0100, 1, 0, 0, edns);
	add_question(&bytes, name, type);
	if (edns)
		add_hex(&bytes, "00"
				"0029"
				"1000"
				"00000000"
				"0000");
	return query_of(&bytes);
}

/* What these bytes are refused with. */
static enum dns_rcode error_of(const struct bytes *bytes,
			       struct dns_query *query)
{
	enum dns_rcode rcode = DNS_NOERROR;

	assert_int_equal(dns_query_parse(bytes->at, bytes->len, query, &rcode),
			 DNS_PARSED_ERROR);
	assert_int_equal(query->id, 0x1234);
	return rcode;
}

/* --- the agent's question --- */

static void a_query_is_read(void **state)
{
	struct bytes bytes = { .len = 0 };
	struct dns_query query;

	(void)state;
	add_hex(&bytes, asked);
	query = query_of(&bytes);
	assert_int_equal(query.id, 0x1234);
	assert_true(query.recursion_desired && query.edns && query.dnssec_ok);
	assert_false(query.checking_disabled);
	assert_string_equal(query.name.name, "www.example.org");
	assert_int_equal(query.type, DNS_TYPE_A);
	assert_int_equal(query.udp_size, DNS_UDP_MAX);
	assert_int_equal(query.question_len, 21);
	assert_memory_equal(query.question, "\3WwW\7Example\3ORG\0\0\1\0\1",
			    21);
	for (size_t len = 0; len < bytes.len; len++) {
		enum dns_rcode rcode = DNS_NOERROR;
		enum dns_parsed parsed =
			dns_query_parse(bytes.at, len, &query, &rcode);

		assert_int_equal(parsed,
				 len < 12 ? DNS_PARSED_DROP : DNS_PARSED_ERROR);
		assert_int_equal(rcode, len < 12 ? DNS_NOERROR : DNS_FORMERR);
	}
}

static void the_size_taken_over_udp_has_bounds(void **state)
{
	static const struct {
		unsigned said;
		uint16_t taken;
	} sizes[] = { { 0, 512 }, { 511, 512 }, { 900, 900 }, { 65535, 1232 } };

	(void)state;
	assert_int_equal(query_for("a.org", 1, false).udp_size, 512);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct bytes bytes;

		add_header(&bytes, 0x0110, 1, 0, 0, 1);
		add_question(&bytes, "a.org", 1);
		add_hex(&bytes, "000029");
		add_uint(&bytes, sizes[i].said, 2);
		add_hex(&bytes, "000000000000");
		assert_int_equal(query_of(&bytes).udp_size, sizes[i].taken);
		assert_true(query_of(&bytes).checking_disabled);
	}
}

static void a_name_that_is_no_host_name_has_none(void **state)
{
	static const char *const odd[] = {
		"00", /* the root */
		"03612e6203"
		"6f726700", /* a\.b.org is not a.b.org */
		"02610003"
		"6f726700", /* NUL */
		"02612003"
		"6f726700", /* blank */
		"02c3bc03"
		"6f726700", /* 8-bit */
		"012a03"
		"6f726700", /* *.org */
		"023130013001"
		"30013100", /* 10.0.0.1 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		struct bytes bytes;
		struct dns_query query;

		add_header(&bytes, 0, 1, 0, 0, 0);
		add_hex(&bytes, odd[i]);
		add_hex(&bytes, "00100001");
		query = query_of(&bytes);
		assert_int_equal(query.name.len, 0);
		assert_int_equal(query.question_len, bytes.len - 12);
		assert_int_equal(query.type, 16);
	}
}

static void what_is_no_query_is_dropped(void **state)
{
	struct dns_query query = { .id = 7 };
	enum dns_rcode rcode = DNS_NOERROR;
	struct bytes bytes;

	(void)state;
	add_header(&bytes, 0x8100, 1, 0, 0, 0);
	add_question(&bytes, "a.org", 1);
	assert_int_equal(dns_query_parse(bytes.at, bytes.len, &query, &rcode),
			 DNS_PARSED_DROP);
	assert_int_equal(dns_query_parse(bytes.at, 11, &query, &rcode),
			 DNS_PARSED_DROP);
	assert_int_equal(query.id, 7);
}

static void an_unsound_query_is_refused(void **state)
{
	/* After the header: flags, four counts, then the rest in hex. */
	static const struct {
		unsigned flags, counts[4];
		const char *hex;
		enum dns_rcode rcode;
		bool echoed;
	} refused[] = {
#define A_ORG            \
	"0161036f726700" \
	"00010001"
#define OPT(version)        \
	"00"                \
	"0029"              \
	"0200"              \
	"00" version "0000" \
	"0000"
		{ 0x2000, { 1, 0, 0, 0 }, A_ORG, DNS_NOTIMP, false },
		{ 0x2800, { 1, 0, 0, 0 }, A_ORG, DNS_NOTIMP, false },
		{ 0, { 0, 0, 0, 0 }, "", DNS_FORMERR, false },
		{ 0, { 0, 0, 0, 1 }, OPT("00"), DNS_FORMERR, false },
		{ 0, { 2, 0, 0, 0 }, A_ORG A_ORG, DNS_FORMERR, false },
		{ 0, { 1, 0, 0, 0 }, A_ORG "00", DNS_FORMERR, true },
		{ 0, { 1, 0, 0, 0 }, "c00c00010001", DNS_FORMERR, false },
		{ 0, { 1, 0, 0, 0 }, "0161c00c00010001", DNS_FORMERR, false },
		{ 0, { 1, 0, 0, 0 }, "40610000010001", DNS_FORMERR, false },
		{ 0, { 1, 0, 0, 0 }, "80610000010001", DNS_FORMERR, false },
		{ 0, { 1, 0, 0, 0 }, "0161000001", DNS_FORMERR, false },
		{ 0, { 1, 0, 0, 1 }, A_ORG, DNS_FORMERR, true },
		{ 0,
		  { 1, 0, 0, 2 },
		  A_ORG OPT("00") OPT("00"),
		  DNS_FORMERR,
		  true },
		{ 0, { 1, 1, 0, 0 }, A_ORG OPT("00"), DNS_FORMERR, true },
		{ 0, { 1, 0, 1, 0 }, A_ORG OPT("00"), DNS_FORMERR, true },
		{ 0,
		  { 1, 0, 0, 1 },
		  A_ORG "0161" OPT("00"),
		  DNS_FORMERR,
		  true }, /* an OPT that is not the root's */
		{ 0,
		  { 1, 0, 0, 1 },
		  A_ORG "000029020000000000"
			"0003"
			"000300",
		  DNS_FORMERR,
		  true }, /* half an option */
		{ 0, { 1, 0, 0, 1 }, A_ORG OPT("01"), DNS_BADVERS, true },
		{ 0,
		  { 1, 0, 0, 0 },
		  "0161036f7267000001"
		  "00ff",
		  DNS_REFUSED,
		  true },
		{ 0,
		  { 1, 0, 0, 0 },
		  "0161036f7267000001"
		  "0003",
		  DNS_REFUSED,
		  true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		const unsigned *counts = refused[i].counts;
		struct bytes bytes;
		struct dns_query query;

		add_header(&bytes, refused[i].flags, counts[0], counts[1],
			   counts[2], counts[3]);
		add_hex(&bytes, refused[i].hex);
		if (error_of(&bytes, &query) != refused[i].rcode)
			fail_msg("%zu: '%s' was not refused with %d", i,
				 refused[i].hex, (int)refused[i].rcode);
		assert_int_equal(query.question_len > 0, refused[i].echoed);
	}
}

static void a_name_has_255_bytes_at_most(void **state)
{
	struct bytes bytes;
	struct dns_query query;

	(void)state;
	for (unsigned last = 61; last <= 62; last++) {
		add_header(&bytes, 0, 1, 0, 0, 0);
		for (unsigned i = 0; i < 4; i++) {
			unsigned n = i < 3 ? 63 : last;

			add_uint(&bytes, n, 1);
			for (unsigned j = 0; j < n; j++)
				add_uint(&bytes, 'a', 1);
		}
		add_hex(&bytes, "0000010001");
		if (last == 61) {
			assert_int_equal(query_of(&bytes).name.len, 253);
			assert_int_equal(query_of(&bytes).question_len, 259);
		} else {
			assert_int_equal(error_of(&bytes, &query), DNS_FORMERR);
		}
	}
}

static void other_records_of_a_query_are_read_over(void **state)
{
	struct bytes bytes;

	(void)state;
	add_header(&bytes, 0x0020, 1, 1, 1, 2);
	add_question(&bytes, "a.org", 1);
	add_a(&bytes, "evil.example", 1);
	add_a(&bytes, "evil.example", 2);
	add_hex(&bytes, OPT("00"));
	add_hex(&bytes, "c00c00010001000000000004c0000201");
	assert_string_equal(query_of(&bytes).name.name, "a.org");
}

/* --- answers --- */

static size_t write(struct bytes *bytes, size_t cap,
		    const struct dns_query *query,
		    const struct dns_answer *answer)
{
	memset(bytes->at, 0xee, sizeof(bytes->at));
	bytes->len = dns_answer_write(bytes->at, cap, query, answer);
	assert_true(bytes->len <= cap);
	assert_int_equal(bytes->at[cap], 0xee);
	return bytes->len;
}

static void an_answer_says_what_was_asked(void **state)
{
	struct dns_query query = query_for("a.org", DNS_TYPE_A, true);
	struct dns_answer answer = { .ede = DNS_EDE_NONE, .ttl_s = 300 };
	struct address addresses[2] = {
		{ AF_INET, { 192, 0, 2, 1 } },
		{ AF_INET6, { 0x20, 1 } }, /* not asked for */
	};
	struct bytes bytes, expected = { .len = 0 };

	(void)state;
	answer.addresses = addresses;
	answer.n_addresses = 2;
	write(&bytes, DNS_UDP_MAX, &query, &answer);
	add_hex(&expected, "1234"
			   "8180"
			   "0001"
			   "0001"
			   "0000"
			   "0001" A_ORG "c00c"
			   "0001"
			   "0001"
			   "0000012c"
			   "0004"
			   "c0000201"
			   "00"
			   "0029"
			   "04d0"
			   "00000000"
			   "0000");
	assert_int_equal(bytes.len, expected.len);
	assert_memory_equal(bytes.at, expected.at, expected.len);
}

static void a_refusal_explains_itself(void **state)
{
	struct dns_query query = query_for("a.org", DNS_TYPE_A, true);
	struct dns_answer answer = {
		.rcode = DNS_NXDOMAIN,
		.ttl_s = 15,
		.soa = true,
		.ede = DNS_EDE_BLOCKED,
		.ede_text = "no",
	};
	struct bytes bytes, expected = { .len = 0 };

	(void)state;
	query.dnssec_ok = true;
	write(&bytes, DNS_PLAIN_MAX, &query, &answer);
	add_hex(&expected, "1234"
			   "8183"
			   "0001"
			   "0000"
			   "0001"
			   "0001" A_ORG "c00c"
			   "0006"
			   "0001"
			   "0000000f"
			   "0016"
			   "0000"
			   "00000001"
			   "00000e10"
			   "00000258"
			   "00093a80"
			   "0000000f"
			   "00"
			   "0029"
			   "04d0"
			   "00008000"
			   "0008"
			   "000f"
			   "0004"
			   "000f"
			   "6e6f");
	assert_int_equal(bytes.len, expected.len);
	assert_memory_equal(bytes.at, expected.at, expected.len);
	query.edns = false;
	assert_int_equal(write(&bytes, DNS_PLAIN_MAX, &query, &answer),
			 expected.len - 19);
}

static void errors_are_answered(void **state)
{
	struct dns_query query;
	struct dns_answer answer = { .ede = DNS_EDE_NONE, .soa = true };
	struct bytes bytes;

	/* An opcode that is not known: no question, the opcode itself. */
	(void)state;
	add_header(&bytes, 0x2100, 1, 0, 0, 0);
	answer.rcode = error_of(&bytes, &query);
	assert_int_equal(write(&bytes, 512, &query, &answer), 12);
	assert_memory_equal(bytes.at, "\x12\x34\xa1\x84\0\0\0\0\0\0\0\0", 12);

	/* A version that is not known: the upper bits are in the OPT. */
	add_header(&bytes, 0, 1, 0, 0, 1);
	add_hex(&bytes, A_ORG OPT("07"));
	answer.rcode = error_of(&bytes, &query);
	answer.soa = false;
	assert_int_equal(write(&bytes, 512, &query, &answer), 12 + 11 + 11);
	assert_int_equal(bytes.at[3] & 0xf, 0);
	assert_int_equal(bytes.at[12 + 11 + 5], 1);
	assert_int_equal(bytes.at[12 + 11 + 6], 0);
}

static void what_does_not_fit_is_truncated_to_nothing(void **state)
{
	struct dns_query query = query_for("a.org", DNS_TYPE_AAAA, true);
	struct address addresses[DNS_ADDRESSES_MAX] = { { 0 } };
	struct dns_answer answer = {
		.addresses = addresses,
		.n_addresses = 17,
		.ede = DNS_EDE_NONE,
	};
	struct bytes bytes;

	(void)state;
	for (size_t i = 0; i < DNS_ADDRESSES_MAX; i++)
		addresses[i].family = AF_INET6;
	/* 12 + 11 + 17 * 28 + 11 = 510; one more does not fit in 512 */
	assert_int_equal(write(&bytes, 512, &query, &answer), 510);
	assert_false(bytes.at[2] & 2);
	answer.n_addresses = 18;
	assert_int_equal(write(&bytes, 512, &query, &answer), 12 + 11 + 11);
	assert_true(bytes.at[2] & 2);
	assert_int_equal(bytes.at[7], 0);
	assert_int_equal(write(&bytes, 1232, &query, &answer), 538);
}

/* 512 bytes are enough for the longest name and the longest reason. */
static void the_longest_refusal_has_room(void **state)
{
	char name[254], text[DNS_EDE_TEXT_MAX + 50];
	struct dns_query query;
	struct dns_answer answer = { .rcode = DNS_NXDOMAIN,
				     .soa = true,
				     .ede = DNS_EDE_BLOCKED,
				     .ede_text = text };
	struct bytes bytes;

	(void)state;
	memset(name, 'a', 253);
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	query = query_for(name, DNS_TYPE_A, true);
	assert_int_equal(query.name.len, 253);
	write(&bytes, 512, &query, &answer);
	assert_true(bytes.at[2] & 2);
	assert_int_equal(bytes.len, 12 + 259 + 11 + 6 + DNS_EDE_TEXT_MAX);
	write(&bytes, 1232, &query, &answer);
	assert_false(bytes.at[2] & 2);
}

static void a_query_for_upstream_is_its_own_reading(void **state)
{
	struct domain name = domain("www.example.org");
	struct bytes bytes;
	struct dns_query query;

	(void)state;
	bytes.len = dns_query_write(bytes.at, DNS_QUERY_MAX, 0x1234, &name, 28);
	query = query_of(&bytes);
	assert_string_equal(query.name.name, "www.example.org");
	assert_int_equal(query.type, 28);
	assert_true(query.edns && query.recursion_desired);
	assert_int_equal(dns_query_write(bytes.at, bytes.len - 1, 1, &name, 28),
			 0);
	/* And the same without EDNS. */
	bytes.len = dns_query_write(bytes.at, DNS_QUERY_MAX, 0x1234, &name, 28);
	bytes.len = dns_query_drop_edns(bytes.at, bytes.len);
	query = query_of(&bytes);
	assert_string_equal(query.name.name, "www.example.org");
	assert_true(!query.edns && query.recursion_desired);

	name.len = 253;
	memset(name.name, 'a', 253);
	name.name[63] = name.name[127] = name.name[191] = '.';
	name.name[253] = '\0';
	assert_true(dns_query_write(bytes.at, DNS_QUERY_MAX, 1, &name, 28) > 0);
}

/* Of every length that a name can have, and still that question. */
static void padded_queries_have_few_lengths(void **state)
{
	(void)state;
	for (size_t n = 1; n <= DOMAIN_MAX; n++) {
		struct domain name = { .len = n };
		struct bytes bytes;
		struct dns_query query;

		if (n % 64 == 0)
			continue; /* it would end with a dot */
		memset(name.name, 'a', n);
		for (size_t dot = 63; dot < n; dot += 64)
			name.name[dot] = '.';
		bytes.len =
			dns_query_write(bytes.at, DNS_QUERY_MAX, 7, &name, 1);
		bytes.len = dns_query_pad(bytes.at, DNS_PADDED_MAX, bytes.len);
		assert_true(bytes.len == 128 || bytes.len == 256 ||
			    bytes.len == 384);
		query = query_of(&bytes);
		assert_string_equal(query.name.name, name.name);
		assert_true(query.edns);
	}
}

/* --- the response --- */

static void responses_of_dnspython_are_read(void **state)
{
	struct dns_addresses found = { .n = 99 };
	struct bytes bytes = { .len = 0 };

	(void)state;
	add_hex(&bytes, chain);
	assert_int_equal(result_of(&bytes, "www.example.org", 1, &found),
			 DNS_RESULT_FOUND);
	assert_int_equal(found.n, 2);
	assert_address(&found.list[0], "192.0.2.2");
	assert_address(&found.list[1], "192.0.2.1");
	assert_int_equal(found.ttl_s, 20);
	for (size_t len = 0; len < bytes.len; len++) {
		struct bytes cut = bytes;

		cut.len = len;
		assert_int_equal(result_of(&cut, "www.example.org", 1, &found),
				 DNS_RESULT_BAD);
	}
	bytes.len = 0;
	add_hex(&bytes, six);
	assert_int_equal(result_of(&bytes, "v6.example.org", 28, &found),
			 DNS_RESULT_FOUND);
	assert_int_equal(found.n, 2);
	assert_address(&found.list[0], "2001:db8::1");
	assert_int_equal(found.list[1].family, AF_INET);
	assert_address(&found.list[1], "10.0.0.1");
	assert_int_equal(found.ttl_s, 77);

	bytes.len = 0;
	add_hex(&bytes, nodata);
	assert_int_equal(result_of(&bytes, "www.example.org", 28, &found),
			 DNS_RESULT_NODATA);
	assert_int_equal(found.n, 0);
	assert_int_equal(found.ttl_s, 60);

	bytes.len = 0;
	add_hex(&bytes, nxdomain);
	assert_int_equal(result_of(&bytes, "no.example.org", 1, &found),
			 DNS_RESULT_NXDOMAIN);
	assert_int_equal(found.ttl_s, 30);
}

static void a_response_answers_the_question(void **state)
{
	struct dns_addresses found = { .n = 99 };
	struct bytes bytes = { .len = 0 };

	(void)state;
	add_hex(&bytes, chain);
	assert_int_equal(result_of(&bytes, "ww.example.org", 1, &found),
			 DNS_RESULT_BAD);
	assert_int_equal(result_of(&bytes, "www.example.org", 28, &found),
			 DNS_RESULT_BAD);
	bytes.at[2] &= 0x7f; /* QR */
	assert_int_equal(result_of(&bytes, "www.example.org", 1, &found),
			 DNS_RESULT_BAD);
	bytes.at[2] |= 0x80 | 0x08; /* opcode */
	assert_int_equal(result_of(&bytes, "www.example.org", 1, &found),
			 DNS_RESULT_BAD);
	bytes.at[2] &= (uint8_t)~0x08;
	bytes.at[5] = 2; /* QDCOUNT */
	assert_int_equal(result_of(&bytes, "www.example.org", 1, &found),
			 DNS_RESULT_BAD);
	bytes.at[5] = 1;
	bytes.at[32] = 3; /* class */
	assert_int_equal(result_of(&bytes, "www.example.org", 1, &found),
			 DNS_RESULT_BAD);
	assert_int_equal(found.n, 99);
	bytes.at[32] = 1;
	bytes.at[3] |= DNS_SERVFAIL;
	assert_int_equal(result_of(&bytes, "www.example.org", 1, &found),
			 DNS_RESULT_FAILED);
	bytes.at[3] ^= DNS_SERVFAIL;
	bytes.at[bytes.len - 6] = 1; /* BADVERS, in OPT */
	assert_int_equal(result_of(&bytes, "www.example.org", 1, &found),
			 DNS_RESULT_FAILED);
}

static void only_the_chain_leads_to_addresses(void **state)
{
	struct dns_addresses found = { 0 };
	struct bytes bytes;

	/* The alias's own A, a stranger's, and one in another section. */
	(void)state;
	add_header(&bytes, 0x8180, 1, 4, 1, 1);
	add_question(&bytes, "a.org", 1);
	add_a(&bytes, "a.org", 0x0a000001);
	add_cname(&bytes, "a.org", "b.org", 10);
	add_a(&bytes, "c.org", 0x0a000002);
	add_a(&bytes, "B.ORG", 0xc0000201);
	add_a(&bytes, "b.org", 0x0a000003);
	add_a(&bytes, "b.org", 0x0a000004);
	assert_int_equal(result_of(&bytes, "a.org", 1, &found),
			 DNS_RESULT_FOUND);
	assert_int_equal(found.n, 1);
	assert_address(&found.list[0], "192.0.2.1");
	assert_int_equal(found.ttl_s, 10);
}

static void a_chain_forks_or_loops_or_is_too_long(void **state)
{
	struct dns_addresses found = { 0 };
	struct bytes bytes;

	(void)state;
	add_header(&bytes, 0x8180, 1, 3, 0, 0);
	add_question(&bytes, "a.org", 1);
	add_cname(&bytes, "a.org", "b.org", 10);
	add_cname(&bytes, "a.org", "B.org", 5);
	add_a(&bytes, "b.org", 1);
	assert_int_equal(result_of(&bytes, "a.org", 1, &found),
			 DNS_RESULT_FOUND);
	assert_int_equal(found.ttl_s, 5);

	add_header(&bytes, 0x8180, 1, 3, 0, 0);
	add_question(&bytes, "a.org", 1);
	add_cname(&bytes, "a.org", "b.org", 10);
	add_cname(&bytes, "a.org", "c.org", 10);
	add_a(&bytes, "b.org", 1);
	assert_int_equal(result_of(&bytes, "a.org", 1, &found), DNS_RESULT_BAD);

	add_header(&bytes, 0x8180, 1, 2, 0, 0);
	add_question(&bytes, "a.org", 1);
	add_cname(&bytes, "a.org", "b.org", 10);
	add_cname(&bytes, "b.org", "a.org", 10);
	assert_int_equal(result_of(&bytes, "a.org", 1, &found), DNS_RESULT_BAD);

	for (unsigned n = DNS_CHAIN_MAX; n <= DNS_CHAIN_MAX + 1; n++) {
		char owner[] = "a.org", target[] = "b.org";

		add_header(&bytes, 0x8180, 1, n + 1, 0, 0);
		add_question(&bytes, "a.org", 1);
		for (unsigned i = 0; i < n; i++, owner[0]++, target[0]++)
			add_cname(&bytes, owner, target, 10);
		add_a(&bytes, owner, 1);
		assert_int_equal(result_of(&bytes, "a.org", 1, &found),
				 n == DNS_CHAIN_MAX ? DNS_RESULT_FOUND
						    : DNS_RESULT_BAD);
	}
}

static void compression_goes_back_or_nowhere(void **state)
{
	/* "a.org" is at 12, the first answer's owner at 23. */
	static const struct {
		const char *owner;
		enum dns_result result;
	} owners[] = {
		{ "c00c", DNS_RESULT_FOUND },
		{ "0161c00e", DNS_RESULT_FOUND },
		{ "c017", DNS_RESULT_BAD },     /* itself */
		{ "0161c017", DNS_RESULT_BAD }, /* its own label */
		{ "0161c019", DNS_RESULT_BAD }, /* its own pointer */
		{ "c018", DNS_RESULT_BAD },
		{ "c01c", DNS_RESULT_BAD }, /* what comes after */
		{ "ffff", DNS_RESULT_BAD },
		{ "c000", DNS_RESULT_BAD }, /* the header: 0x12 bytes of 'a' */
		{ "41c00c", DNS_RESULT_BAD },
	};
	struct dns_addresses found;

	(void)state;
	for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++) {
		struct bytes bytes;

		add_header(&bytes, 0x8180, 1, 1, 0, 0);
		add_hex(&bytes, A_ORG);
		add_hex(&bytes, owners[i].owner);
		add_hex(&bytes, "00010001000000050004c0000201");
		if (i == 8) /* a label that spans the header is no name */
			bytes.at[0] = 0x7f;
		assert_int_equal(result_of(&bytes, "a.org", 1, &found),
				 owners[i].result);
	}
}

/* Pointers to pointers, each further back: no more than a name has labels. */
static void long_ways_through_pointers_end(void **state)
{
	struct dns_addresses found;
	struct bytes bytes;

	(void)state;
	for (size_t jumps = 127; jumps <= 128; jumps++) {
		size_t last = 12;

		add_header(&bytes, 0x8180, 1, 2, 0, 0);
		add_hex(&bytes, A_ORG);
		/* A TXT whose data are a staircase, and an A at its top. */
		add_hex(&bytes, "c00c"
				"00100001"
				"00000000");
		add_uint(&bytes, 2 * (jumps - 1), 2);
		for (size_t i = 1; i < jumps; i++) {
			size_t here = bytes.len;

			add_uint(&bytes, 0xc000 | last, 2);
			last = here;
		}
		add_uint(&bytes, 0xc000 | last, 2);
		add_hex(&bytes, "00010001"
				"00000005"
				"0004"
				"c0000201");
		assert_int_equal(result_of(&bytes, "a.org", 1, &found),
				 jumps == 127 ? DNS_RESULT_FOUND
					      : DNS_RESULT_BAD);
	}
}

static void records_have_a_number_and_addresses_too(void **state)
{
	static struct bytes bytes;
	struct dns_addresses found;

	(void)state;
	for (unsigned n = DNS_RECORDS_MAX; n <= DNS_RECORDS_MAX + 1; n++) {
		add_header(&bytes, 0x8180, 1, n, 0, 0);
		add_hex(&bytes, A_ORG);
		for (unsigned i = 0; i < n; i++)
			add_hex(&bytes, "c00c00010001000000050004c0000201");
		assert_int_equal(result_of(&bytes, "a.org", 1, &found),
				 n == DNS_RECORDS_MAX ? DNS_RESULT_FOUND
						      : DNS_RESULT_BAD);
		assert_int_equal(found.n, DNS_ADDRESSES_MAX);
	}
}

static void unsound_records_spoil_the_response(void **state)
{
	static const char *const refused[] = {
		"c00c00010001000000050003c00002",     /* A of 3 bytes */
		"c00c00010001000000050005c000020100", /* of 5 */
		"c00c000100010000000500ffc0000201",   /* past the end */
		"c00c00010001000000050004c000020100", /* left over */
		"c00c00050001000000050003c00c00",     /* CNAME and more */
		"c00c00050001000000050001c00c",       /* CNAME cut */
		"c00c00050001000000050002c00c",       /* of itself */
	};
	struct dns_addresses found;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct bytes bytes;

		add_header(&bytes, 0x8180, 1, 1, 0, 0);
		add_hex(&bytes, A_ORG);
		add_hex(&bytes, refused[i]);
		assert_int_equal(result_of(&bytes, "a.org", 1, &found),
				 DNS_RESULT_BAD);
	}
}

static void a_formerr_may_be_for_edns(void **state)
{
	struct bytes bytes;

	(void)state;
	add_header(&bytes, 0x8181, 1, 0, 0, 0);
	assert_true(dns_response_minds_edns(bytes.at, bytes.len));
	assert_false(dns_response_minds_edns(bytes.at, 11));
	add_header(&bytes, 0x8181, 1, 0, 0, 1);
	assert_false(dns_response_minds_edns(bytes.at, bytes.len));
	add_header(&bytes, 0x8182, 1, 0, 0, 0);
	assert_false(dns_response_minds_edns(bytes.at, bytes.len));
}

static void a_ttl_beyond_31_bits_is_none(void **state)
{
	struct dns_addresses found;
	struct bytes bytes;

	(void)state;
	add_header(&bytes, 0x8180, 1, 1, 0, 0);
	add_hex(&bytes, A_ORG "c00c00010001800000000004c0000201");
	assert_int_equal(result_of(&bytes, "a.org", 1, &found),
			 DNS_RESULT_FOUND);
	assert_int_equal(found.ttl_s, 0);
}

static void a_negative_ttl_is_of_a_zone_above(void **state)
{
	static const struct {
		const char *owner;
		uint32_t ttl_s;
	} zones[] = {
		{ "a.org", 7 }, { "org", 7 },     { "", 7 },
		{ "b.org", 0 }, { "x.a.org", 0 }, { "rg", 0 },
	};
	struct dns_addresses found;

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		struct bytes bytes;

		add_header(&bytes, 0x8183, 1, 0, 1, 0);
		add_hex(&bytes, A_ORG);
		add_record_head(&bytes, zones[i].owner, DNS_TYPE_SOA, 9, 22);
		add_hex(&bytes, "0000"
				"00000001"
				"00000002"
				"00000003"
				"00000004"
				"00000007");
		assert_int_equal(result_of(&bytes, "a.org", 1, &found),
				 DNS_RESULT_NXDOMAIN);
		assert_int_equal(found.ttl_s, zones[i].ttl_s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_is_read),
		cmocka_unit_test(the_size_taken_over_udp_has_bounds),
		cmocka_unit_test(a_name_that_is_no_host_name_has_none),
		cmocka_unit_test(what_is_no_query_is_dropped),
		cmocka_unit_test(an_unsound_query_is_refused),
		cmocka_unit_test(a_name_has_255_bytes_at_most),
		cmocka_unit_test(other_records_of_a_query_are_read_over),
		cmocka_unit_test(an_answer_says_what_was_asked),
		cmocka_unit_test(a_refusal_explains_itself),
		cmocka_unit_test(errors_are_answered),
		cmocka_unit_test(what_does_not_fit_is_truncated_to_nothing),
		cmocka_unit_test(the_longest_refusal_has_room),
		cmocka_unit_test(a_query_for_upstream_is_its_own_reading),
		cmocka_unit_test(padded_queries_have_few_lengths),
		cmocka_unit_test(responses_of_dnspython_are_read),
		cmocka_unit_test(a_response_answers_the_question),
		cmocka_unit_test(only_the_chain_leads_to_addresses),
		cmocka_unit_test(a_chain_forks_or_loops_or_is_too_long),
		cmocka_unit_test(compression_goes_back_or_nowhere),
		cmocka_unit_test(long_ways_through_pointers_end),
		cmocka_unit_test(records_have_a_number_and_addresses_too),
		cmocka_unit_test(unsound_records_spoil_the_response),
		cmocka_unit_test(a_formerr_may_be_for_edns),
		cmocka_unit_test(a_ttl_beyond_31_bits_is_none),
		cmocka_unit_test(a_negative_ttl_is_of_a_zone_above),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
