#include "netfilter/nflog.h"

#include <netinet/in.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is reported is whole: both addresses or none, and no ports alone. */
static void check(void *arg, const struct nflog_packet *packet)
{
	size_t *n = arg;

	(*n)++;
	if (packet->reason >= REASON_COUNT)
		abort();
	if (!packet->source.family != !packet->destination.family)
		abort();
	if (packet->source.family == 0 &&
	    (packet->source_port || packet->destination_port ||
	     packet->icmp_type || packet->protocol))
		abort();
	if (packet->icmp_type && packet->protocol != IPPROTO_ICMP &&
	    packet->protocol != IPPROTO_ICMPV6)
		abort();
}

/* Every record took a message and an attribute of its own to tell. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t n = 0;

	(void)!nflog_parse(data, len, check, &n);
	if (n > len / 24)
		abort();
	return 0;
}
