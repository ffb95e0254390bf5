#include "dns/dns_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* A response with so many bytes less, or one more, is no response at all. */
static void check_other_lengths(const uint8_t *data, size_t len,
				const struct domain *name, uint16_t type)
{
	struct dns_addresses found;
	uint8_t *more = malloc(len + 1);

	check(dns_response_parse(data, len - 1, name, type, &found) ==
	      DNS_RESULT_BAD);
	check(more != NULL);
	memcpy(more, data, len);
	more[len] = 0;
	check(dns_response_parse(more, len + 1, name, type, &found) ==
	      DNS_RESULT_BAD);
	free(more);
}

/* What one response says, it says under this gateway's own hand as well. */
static void check_rewritten(const struct dns_addresses *found,
			    const struct domain *name, uint16_t type)
{
	uint8_t bytes[DNS_MESSAGE_MAX];
	struct dns_query query;
	struct dns_addresses again;
	struct dns_answer answer = { .addresses = found->list,
				     .n_addresses = found->n,
				     .ttl_s = found->ttl_s,
				     .ede = DNS_EDE_NONE };
	enum dns_rcode rcode;
	size_t n = dns_query_write(bytes, sizeof(bytes), 1, name, type), i, j;

	check(dns_query_parse(bytes, n, &query, &rcode) == DNS_PARSED_QUERY);
	n = dns_answer_write(bytes, sizeof(bytes), &query, &answer);
	if (dns_response_parse(bytes, n, name, type, &again) !=
	    DNS_RESULT_FOUND)
		again.n = 0;
	for (i = j = 0; i < found->n; i++)
		if (found->list[i].family ==
		    (type == DNS_TYPE_A ? AF_INET : AF_INET6))
			check(j < again.n &&
			      address_equal(&again.list[j++], &found->list[i]));
	check(j == again.n && (j == 0 || again.ttl_s == found->ttl_s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dns_addresses found;
	struct domain name;
	uint16_t type;

	if (len == 0)
		return 0;
	type = data[0] & 1 ? DNS_TYPE_AAAA : DNS_TYPE_A;
	check(domain_parse(&name, "www.example.org", 15));
	data++;
	len--;
	switch (dns_response_parse(data, len, &name, type, &found)) {
	case DNS_RESULT_BAD:
		return 0;
	case DNS_RESULT_FOUND:
		check(found.n > 0 && found.n <= DNS_ADDRESSES_MAX);
		for (size_t i = 0; i < found.n; i++)
			check(found.list[i].family == AF_INET ||
			      type == DNS_TYPE_AAAA);
		check_rewritten(&found, &name, type);
		break;
	case DNS_RESULT_NODATA:
	case DNS_RESULT_NXDOMAIN:
		check(found.n == 0);
		break;
	case DNS_RESULT_FAILED:
		break;
	case DNS_RESULT_WITHHELD:
		check(false); /* no response says so */
	}
	check_other_lengths(data, len, &name, type);
	return 0;
}
