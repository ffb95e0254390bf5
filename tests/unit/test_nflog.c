#include "netfilter/nflog.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>

/* A datagram in the making. */
struct datagram {
	_Alignas(4) uint8_t bytes[1024];
	size_t len;
	size_t message; /* where the last one begins */
};

static void put(struct datagram *d, const void *bytes, size_t len)
{
	assert_true(d->len + len <= sizeof(d->bytes));
	memcpy(d->bytes + d->len, bytes, len);
	d->len += len;
	while (d->len % 4)
		d->bytes[d->len++] = 0;
}

static void lengthen(struct datagram *d)
{
	uint32_t len = (uint32_t)(d->len - d->message);

	memcpy(d->bytes + d->message, &len, sizeof(len));
}

static void put_message(struct datagram *d, uint16_t type)
{
	const struct nlmsghdr header = { .nlmsg_type = type };
	const struct nfgenmsg generic = { .nfgen_family = AF_INET };

	d->message = d->len;
	put(d, &header, sizeof(header));
	put(d, &generic, sizeof(generic));
	lengthen(d);
}

static void put_attribute(struct datagram *d, uint16_t type, const void *bytes,
			  size_t len)
{
	const struct nlattr header = { (uint16_t)(sizeof(header) + len), type };

	put(d, &header, sizeof(header));
	put(d, bytes, len);
	lengthen(d);
}

static void put_record(struct datagram *d, const char *prefix,
		       const void *packet, size_t len)
{
	put_message(d, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
	put_attribute(d, NFULA_PREFIX, prefix, strlen(prefix) + 1);
	put_attribute(d, NFULA_PAYLOAD, packet, len);
}

struct seen {
	struct nflog_packet last;
	int n;
};

static void see(void *arg, const struct nflog_packet *packet)
{
	struct seen *seen = arg;

	seen->last = *packet;
	seen->n++;
}

static struct nflog_packet packet_of(const char *prefix, const void *packet,
				     size_t len)
{
	struct datagram d = { .len = 0 };
	struct seen seen = { .n = 0 };

	put_record(&d, prefix, packet, len);
	assert_true(nflog_parse(d.bytes, d.len, see, &seen));
	assert_int_equal(seen.n, 1);
	return seen.last;
}

static void assert_address(const struct address *address, const char *text)
{
	char got[ADDRESS_TEXT_MAX];

	assert_string_equal(address_format(address, got), text);
}

#define REFUSED NFLOG_PREFIX "protocol_refused"

static const uint8_t udp4[] = {
	0x45, 0, 0x05, 0x00, 0, 0, 0x40, 0,    64,   IPPROTO_UDP, 0, 0, 10, 77,
	0,    2, 192,  0,    2, 1, 0x30, 0x39, 0x01, 0xbb,        0, 8, 0,  0,
};

static const uint8_t sctp6[] = {
	0x60,
	0,
	0,
	0,
	0,
	20,
	IPPROTO_HOPOPTS,
	64,
	0xfd,
	0x77,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	2,
	0x20,
	0x01,
	0x0d,
	0xb8,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	1,
	IPPROTO_SCTP,
	0,
	1,
	4,
	0,
	0,
	0,
	0,
	0x00,
	0x07,
	0x00,
	0x09,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
};

static void a_datagram_over_ipv4_is_told_in_full(void **state)
{
	struct nflog_packet p = packet_of(REFUSED, udp4, sizeof(udp4));

	(void)state;
	assert_int_equal(p.reason, REASON_PROTOCOL_REFUSED);
	assert_int_equal(p.protocol, IPPROTO_UDP);
	assert_address(&p.source, "10.77.0.2");
	assert_address(&p.destination, "192.0.2.1");
	assert_int_equal(p.source_port, 12345);
	assert_int_equal(p.destination_port, 443);
	assert_int_equal(p.len, 1280); /* of the packet, not of what we got */
}

static void extension_headers_are_stepped_over(void **state)
{
	struct nflog_packet p = packet_of(REFUSED, sctp6, sizeof(sctp6));

	(void)state;
	assert_int_equal(p.protocol, IPPROTO_SCTP);
	assert_address(&p.source, "fd77::2");
	assert_address(&p.destination, "2001:db8::1");
	assert_int_equal(p.source_port, 7);
	assert_int_equal(p.destination_port, 9);
	assert_int_equal(p.len, 60);
}

static void icmp_has_a_type_and_no_ports(void **state)
{
	uint8_t echo[sizeof(udp4)];
	struct nflog_packet p;

	(void)state;
	memcpy(echo, udp4, sizeof(echo));
	echo[9] = IPPROTO_ICMP;
	echo[20] = 8;
	p = packet_of(NFLOG_PREFIX "source_spoofed", echo, sizeof(echo));
	assert_int_equal(p.reason, REASON_SOURCE_SPOOFED);
	assert_int_equal(p.protocol, IPPROTO_ICMP);
	assert_int_equal(p.icmp_type, 8);
	assert_int_equal(p.source_port, 0);
	assert_int_equal(p.destination_port, 0);
}

static void a_later_fragment_has_no_ports(void **state)
{
	uint8_t fragment[sizeof(udp4)];
	struct nflog_packet p;

	(void)state;
	memcpy(fragment, udp4, sizeof(fragment));
	fragment[6] = 0x00;
	fragment[7] = 0x01;
	p = packet_of(REFUSED, fragment, sizeof(fragment));
	assert_int_equal(p.protocol, IPPROTO_UDP);
	assert_int_equal(p.source_port, 0);
	assert_int_equal(p.destination_port, 0);
}

/* Wherever the copy of the packet ends, what is told of it is true. */
static void a_packet_cut_anywhere_is_told_as_far_as_it_goes(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(udp4); len++) {
		struct nflog_packet p = packet_of(REFUSED, udp4, len);

		assert_int_equal(p.source.family, len < 20 ? 0 : AF_INET);
		assert_int_equal(p.protocol, len < 20 ? 0 : IPPROTO_UDP);
		assert_int_equal(p.destination_port, len < 24 ? 0 : 443);
		assert_int_equal(p.len, len < 20 ? len : 1280);
	}
	for (size_t len = 0; len < sizeof(sctp6); len++) {
		struct nflog_packet p = packet_of(REFUSED, sctp6, len);

		assert_int_equal(p.source.family, len < 40 ? 0 : AF_INET6);
		assert_int_equal(p.destination_port, len < 52 ? 0 : 9);
	}
}

static void every_reason_is_read_back(void **state)
{
	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		char prefix[64] = NFLOG_PREFIX;
		struct nflog_packet p;

		strncat(prefix, reason_code((enum reason)i),
			sizeof(prefix) - sizeof(NFLOG_PREFIX));
		p = packet_of(prefix, udp4, sizeof(udp4));
		assert_int_equal(p.reason, i);
	}
}

static void records_of_others_are_passed_over(void **state)
{
	static const char *const others[] = {
		"",
		"sluice",
		NFLOG_PREFIX,
		NFLOG_PREFIX "protocol_refuse",
		NFLOG_PREFIX "protocol_refused ",
		"firewall: protocol_refused",
	};
	struct datagram d = { .len = 0 };
	struct seen seen = { .n = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		put_record(&d, others[i], udp4, sizeof(udp4));
	put_record(&d, REFUSED, udp4, sizeof(udp4));
	put_message(&d, NLMSG_DONE);
	assert_true(nflog_parse(d.bytes, d.len, see, &seen));
	assert_int_equal(seen.n, 1);
}

static void a_prefix_without_its_end_is_no_prefix(void **state)
{
	struct datagram d = { .len = 0 };
	struct seen seen = { .n = 0 };

	(void)state;
	put_message(&d, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
	put_attribute(&d, NFULA_PREFIX, REFUSED, strlen(REFUSED));
	assert_true(nflog_parse(d.bytes, d.len, see, &seen));
	assert_int_equal(seen.n, 0);
}

static void a_datagram_cut_anywhere_is_malformed(void **state)
{
	struct datagram d = { .len = 0 };
	struct seen seen = { .n = 0 };

	(void)state;
	put_record(&d, REFUSED, udp4, sizeof(udp4));
	for (size_t len = 1; len < d.len; len++)
		assert_false(nflog_parse(d.bytes, len, see, &seen));
	assert_int_equal(seen.n, 0);
	assert_true(nflog_parse(d.bytes, 0, see, &seen));
}

static void a_length_that_lies_is_malformed(void **state)
{
	static const uint32_t lies[] = {
		0, 1, 15, 17, 19, 1 << 20, UINT32_MAX
	};
	struct seen seen = { .n = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct datagram d = { .len = 0 };
		uint16_t short_lie = (uint16_t)(lies[i] % 4);

		put_record(&d, REFUSED, udp4, sizeof(udp4));
		memcpy(d.bytes, &lies[i], sizeof(lies[i]));
		assert_false(nflog_parse(d.bytes, d.len, see, &seen));
		lengthen(&d);
		memcpy(d.bytes + 20, &short_lie, sizeof(short_lie));
		assert_false(nflog_parse(d.bytes, d.len, see, &seen));
	}
	assert_int_equal(seen.n, 0);
}

static void an_error_is_no_record(void **state)
{
	struct datagram d = { .len = 0 };
	struct seen seen = { .n = 0 };

	(void)state;
	put_message(&d, NLMSG_ERROR);
	assert_false(nflog_parse(d.bytes, d.len, see, &seen));
}

/* Returns how many of @n had a line. */
static int shown_of(struct nflog_budget *budget, int n, int64_t now_ms)
{
	int n_shown = 0;

	for (int i = 0; i < n; i++)
		n_shown += nflog_budget_take(budget, now_ms);
	return n_shown;
}

static void a_second_shows_so_many_and_counts_the_rest(void **state)
{
	struct nflog_budget budget = { 0 };
	const int64_t start = 1000000;

	(void)state;
	assert_int_equal(nflog_budget_wait_ms(&budget, start), -1);
	assert_int_equal(shown_of(&budget, 60, start), 60);
	assert_int_equal(shown_of(&budget, 60, start + 400),
			 NFLOG_SHOWN_MAX - 60);
	assert_int_equal(shown_of(&budget, 5000, start + 999), 0);
	assert_int_equal(nflog_budget_told(&budget, start + 999), 0);
	assert_int_equal(nflog_budget_wait_ms(&budget, start + 999), 1);
	assert_int_equal(nflog_budget_wait_ms(&budget, start + 1000), 0);
	assert_int_equal(nflog_budget_told(&budget, start + 1000),
			 120 - NFLOG_SHOWN_MAX + 5000);
	/* Once, and the next second is a new one. */
	assert_int_equal(nflog_budget_told(&budget, start + 1000), 0);
	assert_int_equal(nflog_budget_wait_ms(&budget, start + 1000), -1);
	assert_int_equal(shown_of(&budget, 500, start + 1001), NFLOG_SHOWN_MAX);
}

static void a_quiet_agent_is_shown_in_full(void **state)
{
	struct nflog_budget budget = { 0 };

	(void)state;
	for (int64_t second = 0; second < INT64_C(24) * 3600; second++) {
		assert_int_equal(shown_of(&budget, NFLOG_SHOWN_MAX,
					  (second + 5) * 1000),
				 NFLOG_SHOWN_MAX);
		assert_int_equal(nflog_budget_told(&budget,
						   (second + 5) * 1000 + 999),
				 0);
	}
}

/* All of a day's flood is either shown or told, and none of it twice. */
static void nothing_is_lost_of_a_flood(void **state)
{
	struct nflog_budget budget = { 0 };
	uint64_t n_shown = 0, n_told = 0, n = 0;
	int64_t now_ms = 77;

	(void)state;
	for (; now_ms < INT64_C(24) * 3600 * 1000; now_ms += 333) {
		n_told += nflog_budget_told(&budget, now_ms);
		n_shown += (uint64_t)shown_of(&budget, 70, now_ms);
		n += 70;
	}
	nflog_budget_miss(&budget, 3);
	n_told += nflog_budget_told(&budget, now_ms + 1000);
	assert_int_equal(n_shown + n_told, n + 3);
	assert_true(n_shown <= (uint64_t)NFLOG_SHOWN_MAX * (24 * 3600 + 1));
	assert_true(n_told > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_over_ipv4_is_told_in_full),
		cmocka_unit_test(extension_headers_are_stepped_over),
		cmocka_unit_test(icmp_has_a_type_and_no_ports),
		cmocka_unit_test(a_later_fragment_has_no_ports),
		cmocka_unit_test(
			a_packet_cut_anywhere_is_told_as_far_as_it_goes),
		cmocka_unit_test(every_reason_is_read_back),
		cmocka_unit_test(records_of_others_are_passed_over),
		cmocka_unit_test(a_prefix_without_its_end_is_no_prefix),
		cmocka_unit_test(a_datagram_cut_anywhere_is_malformed),
		cmocka_unit_test(a_length_that_lies_is_malformed),
		cmocka_unit_test(an_error_is_no_record),
		cmocka_unit_test(a_second_shows_so_many_and_counts_the_rest),
		cmocka_unit_test(a_quiet_agent_is_shown_in_full),
		cmocka_unit_test(nothing_is_lost_of_a_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
