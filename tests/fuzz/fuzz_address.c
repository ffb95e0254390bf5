#include "address.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_address(const char *text, size_t len)
{
	struct address once, twice;
	char formatted[ADDRESS_TEXT_MAX];
	struct sockaddr_storage sa;
	struct prefix alone;

	if (!address_parse(&once, text, len))
		return;
	address_format(&once, formatted);
	if (!address_parse(&twice, formatted, strlen(formatted)) ||
	    !address_equal(&once, &twice))
		abort();
	(void)address_to_sockaddr(&once, 0, &sa);
	if (!address_from_sockaddr(&twice, NULL, (struct sockaddr *)&sa) ||
	    !address_equal(&once, &twice))
		abort();
	if (!prefix_parse(&alone, text, len) || !prefix_holds(&alone, &once) ||
	    prefix_classify(&alone) != address_classify(&once, NULL))
		abort();
}

/* No address in a prefix is more open than the prefix; @rest picks some. */
static void check_prefix(const char *text, size_t len, const uint8_t *rest,
			 size_t n)
{
	struct prefix prefix;
	struct address inside;
	size_t used;

	if (!prefix_parse(&prefix, text, len))
		return;
	used = prefix.base.family == AF_INET ? 4 : 16;
	inside = prefix.base;
	for (size_t i = prefix.len; i < used * 8 && i / 8 < n; i++)
		inside.bytes[i / 8] |= (uint8_t)(rest[i / 8] & (0x80 >> i % 8));
	/* What the bytes mean, should they have become a mapped address. */
	if (address_from_bytes(inside.family, inside.bytes).family !=
	    inside.family)
		return;
	if (!prefix_holds(&prefix, &inside) ||
	    address_classify(&inside, NULL) > prefix_classify(&prefix))
		abort();
}

/*
 * An address comes back from its text and from its sockaddr; alone, it is a
 * prefix of its own class. The input is text, then a NUL, then host bits.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	size_t n = strnlen(text, len);

	check_address(text, len);
	check_address(text, n);
	if (n < len)
		check_prefix(text, n, data + n + 1, len - n - 1);
	return 0;
}
