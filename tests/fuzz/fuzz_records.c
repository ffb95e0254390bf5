#include "dns/dns_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint16_t types[] = { DNS_TYPE_NS,  DNS_TYPE_SOA, DNS_TYPE_MX,
				  DNS_TYPE_TXT, DNS_TYPE_SRV, DNS_TYPE_NAPTR,
				  DNS_TYPE_CAA };

static void check(bool holds)
{
	if (!holds)
		abort();
}

static struct dns_query ask(const struct domain *name, uint16_t type)
{
	uint8_t bytes[DNS_QUERY_MAX];
	struct dns_query query;
	enum dns_rcode rcode;
	size_t n = dns_query_write(bytes, sizeof(bytes), 1, name, type);

	check(dns_query_parse(bytes, n, &query, &rcode) == DNS_PARSED_QUERY);
	return query;
}

/* They are within their bounds, and in as many pieces as they say. */
static void check_bounds(const struct records *records)
{
	size_t at = 0, n = 0, len;

	check(records->n > 0 && records->n <= RECORDS_MAX);
	check(records->len <= RECORDS_BYTES_MAX);
	while (records_next(records, &at, &len))
		n++;
	check(at == records->len && n == records->n);
}

/* What was read is written so that it reads the same, and nothing is left. */
static void check_rewritten(const struct records *records,
			    const struct domain *name, uint16_t type,
			    uint32_t ttl_s)
{
	const struct dns_query query = ask(name, type);
	const struct dns_answer answer = { .records = records,
					   .ttl_s = ttl_s,
					   .ede = DNS_EDE_NONE };
	uint8_t bytes[2 * RECORDS_BYTES_MAX];
	struct records again;
	uint32_t again_ttl_s;
	size_t n = dns_answer_write(bytes, DNS_UDP_MAX, &query, &answer);

	check(n <= DNS_UDP_MAX);
	n = dns_answer_write(bytes, sizeof(bytes), &query, &answer);
	check(dns_response_records(bytes, n, name, type, &again,
				   &again_ttl_s) == DNS_RESULT_FOUND);
	check(again.n == records->n && again.len == records->len);
	check(memcmp(again.bytes, records->bytes, again.len) == 0);
	check(again_ttl_s == ttl_s && !again.left_out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct records records;
	struct domain name;
	uint32_t ttl_s;
	uint16_t type;

	if (len == 0)
		return 0;
	type = types[data[0] % (sizeof(types) / sizeof(*types))];
	check(domain_parse(&name, "www.example.org", 15));
	switch (dns_response_records(data + 1, len - 1, &name, type, &records,
				     &ttl_s)) {
	case DNS_RESULT_FOUND:
		check_bounds(&records);
		check_rewritten(&records, &name, type, ttl_s);
		break;
	case DNS_RESULT_NODATA:
	case DNS_RESULT_NXDOMAIN:
		check(records.n == 0 && records.len == 0);
		break;
	case DNS_RESULT_BAD:
	case DNS_RESULT_FAILED:
		break;
	case DNS_RESULT_WITHHELD:
		check(false); /* no response says so */
	}
	return 0;
}
