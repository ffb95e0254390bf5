#include "dns/dns_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* What is answered to a query for addresses reads as those addresses. */
static void answer_with_addresses(const struct dns_query *query)
{
	sa_family_t family = query->type == DNS_TYPE_A ? AF_INET : AF_INET6;
	const struct address list[2] = { { family, { 0x20, 1, 2 } },
					 { family, { 0x20, 1, 3 } } };
	const struct dns_answer answer = { .addresses = list,
					   .n_addresses = 2,
					   .ttl_s = 60,
					   .ede = DNS_EDE_NONE };
	struct dns_addresses found;
	uint8_t bytes[DNS_UDP_MAX];
	size_t n = dns_answer_write(bytes, sizeof(bytes), query, &answer);

	check(dns_response_parse(bytes, n, &query->name, query->type, &found) ==
	      DNS_RESULT_FOUND);
	check(found.n == 2 && found.ttl_s == 60);
	check(address_equal(&found.list[0], &list[0]) &&
	      address_equal(&found.list[1], &list[1]));
}

static void answer_with_refusal(const struct dns_query *query,
				enum dns_rcode rcode)
{
	const struct dns_answer answer = { .rcode = rcode,
					   .ttl_s = 15,
					   .soa = true,
					   .ede = DNS_EDE_BLOCKED,
					   .ede_text = "name_not_listed" };
	struct dns_addresses found;
	uint8_t bytes[DNS_PLAIN_MAX];
	size_t n = dns_answer_write(bytes, sizeof(bytes), query, &answer);

	check(n >= 12 && n <= sizeof(bytes));
	if (rcode == DNS_NXDOMAIN && query->name.len > 0 &&
	    (query->type == DNS_TYPE_A || query->type == DNS_TYPE_AAAA))
		check(dns_response_parse(bytes, n, &query->name, query->type,
					 &found) == DNS_RESULT_NXDOMAIN);
}

/* The same question, asked upstream, is the same question. */
static void ask_upstream(const struct dns_query *query)
{
	uint8_t bytes[DNS_QUERY_MAX];
	size_t n = dns_query_write(bytes, sizeof(bytes), query->id,
				   &query->name, query->type);
	struct dns_query again;
	enum dns_rcode rcode;

	check(n > 0);
	check(dns_query_parse(bytes, n, &again, &rcode) == DNS_PARSED_QUERY);
	check(again.id == query->id && again.type == query->type);
	check(again.name.len == query->name.len &&
	      memcmp(again.name.name, query->name.name, query->name.len) == 0);
}

/* Whatever is asked, what is answered is sound and about that question. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dns_query query;
	enum dns_rcode rcode = DNS_NOERROR;

	switch (dns_query_parse(data, len, &query, &rcode)) {
	case DNS_PARSED_DROP:
		break;
	case DNS_PARSED_ERROR:
		check(rcode != DNS_NOERROR);
		answer_with_refusal(&query, rcode);
		break;
	case DNS_PARSED_QUERY:
		check(query.class == 1 && query.question_len > 0);
		check(query.udp_size >= DNS_PLAIN_MAX &&
		      query.udp_size <= DNS_UDP_MAX);
		answer_with_refusal(&query, DNS_NXDOMAIN);
		if (query.name.len == 0)
			break;
		ask_upstream(&query);
		if (query.type == DNS_TYPE_A || query.type == DNS_TYPE_AAAA)
			answer_with_addresses(&query);
		break;
	}
	return 0;
}
