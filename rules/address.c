#include "address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#define PREFIX_DIGITS_MAX 3 /* "128" */

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static unsigned address_bits(sa_family_t family)
{
	return family == AF_INET ? 32 : 128;
}

/* As written: a mapped address is still one of IPv6. */
static bool parse_as_written(struct address *address, const char *text,
			     size_t len)
{
	struct address parsed = { 0 };
	char copy[ADDRESS_TEXT_MAX];

	if (len >= sizeof(copy) || memchr(text, '\0', len))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';

	/* inet_pton(3), unlike inet_aton(3), knows one form of each. */
	parsed.family = strchr(copy, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(parsed.family, copy, parsed.bytes) != 1)
		return false;
	*address = parsed;
	return true;
}

bool address_parse(struct address *address, const char *text, size_t len)
{
	struct address parsed;

	if (!parse_as_written(&parsed, text, len))
		return false;
	*address = address_from_bytes(parsed.family, parsed.bytes);
	return true;
}

const char *address_format(const struct address *address,
			   char text[ADDRESS_TEXT_MAX])
{
	if (!inet_ntop(address->family, address->bytes, text, ADDRESS_TEXT_MAX))
		memcpy(text, "none", sizeof("none"));
	return text;
}

struct address address_from_bytes(sa_family_t family, const void *bytes)
{
	struct address address = { .family = family };

	assert(family == AF_INET || family == AF_INET6);
	memcpy(address.bytes, bytes, address_bits(family) / 8);
	if (family == AF_INET6 &&
	    memcmp(address.bytes, mapped, sizeof(mapped)) == 0)
		return address_from_bytes(AF_INET, address.bytes + 12);
	return address;
}

bool address_from_sockaddr(struct address *address, uint16_t *port,
			   const struct sockaddr *sa)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	/* Copied, because the caller's buffer may not be aligned for either. */
	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&in, sa, sizeof(in));
		*address = address_from_bytes(AF_INET, &in.sin_addr);
		if (port)
			*port = ntohs(in.sin_port);
		return true;
	case AF_INET6:
		memcpy(&in6, sa, sizeof(in6));
		*address = address_from_bytes(AF_INET6, &in6.sin6_addr);
		if (port)
			*port = ntohs(in6.sin6_port);
		return true;
	default:
		return false;
	}
}

socklen_t address_to_sockaddr(const struct address *address, uint16_t port,
			      struct sockaddr_storage *sa)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	memset(sa, 0, sizeof(*sa));
	if (address->family == AF_INET) {
		in.sin_port = htons(port);
		memcpy(&in.sin_addr, address->bytes, sizeof(in.sin_addr));
		memcpy(sa, &in, sizeof(in));
		return sizeof(in);
	}
	assert(address->family == AF_INET6);
	in6.sin6_port = htons(port);
	memcpy(&in6.sin6_addr, address->bytes, sizeof(in6.sin6_addr));
	memcpy(sa, &in6, sizeof(in6));
	return sizeof(in6);
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

struct prefix prefix_of(const struct address *address, uint8_t len)
{
	struct prefix prefix = { .base = *address, .len = len };

	assert(len <= address_bits(address->family));
	if (len % 8)
		prefix.base.bytes[len / 8] &= (uint8_t)(0xff << (8 - len % 8));
	for (size_t i = (len + 7u) / 8; i < sizeof(prefix.base.bytes); i++)
		prefix.base.bytes[i] = 0;
	return prefix;
}

static bool parse_bits(uint8_t *bits, const char *text, size_t len)
{
	unsigned value = 0;

	if (len == 0 || len > PREFIX_DIGITS_MAX || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	if (value > 128)
		return false;
	*bits = (uint8_t)value;
	return true;
}

bool prefix_parse(struct prefix *prefix, const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);
	size_t head = slash ? (size_t)(slash - text) : len;
	struct address written, base;
	struct prefix masked;
	uint8_t bits;

	if (!parse_as_written(&written, text, head))
		return false;
	bits = (uint8_t)address_bits(written.family);
	if (slash && !parse_bits(&bits, slash + 1, len - head - 1))
		return false;
	if (bits > address_bits(written.family))
		return false;

	masked = prefix_of(&written, bits);
	if (!address_equal(&masked.base, &written))
		return false;

	/*
	 * A mapped base without host bits has at least 96 bits of prefix: the
	 * ones of ::ffff stand in the last sixteen of them.
	 */
	base = address_from_bytes(written.family, written.bytes);
	if (base.family != written.family)
		bits = (uint8_t)(bits - 96);
	*prefix = (struct prefix){ .base = base, .len = bits };
	return true;
}

bool prefix_holds(const struct prefix *prefix, const struct address *address)
{
	const size_t whole = prefix->len / 8u;
	uint8_t differ;

	if (prefix->base.family != address->family)
		return false;
	if (memcmp(prefix->base.bytes, address->bytes, whole) != 0)
		return false;
	if (prefix->len % 8 == 0)
		return true;
	differ = prefix->base.bytes[whole] ^ address->bytes[whole];
	return differ >> (8 - prefix->len % 8) == 0;
}

/* Where a block's addresses carry the IPv4 address that they stand for. */
enum inner {
	INNER_NONE = 0,
	INNER_LAST,     /* in the last 32 bits */
	INNER_INVERTED, /* there, every bit inverted: RFC 4380, 4 */
	INNER_6TO4,     /* after the first 16 bits: RFC 3056, 2 */
};

struct block {
	struct prefix prefix;
	enum address_class class;
	const char *what;
	enum inner inner;
};

#define V4(len, ...)                              \
	{                                         \
		{ AF_INET, { __VA_ARGS__ } }, len \
	}
#define V6(len, ...)                               \
	{                                          \
		{ AF_INET6, { __VA_ARGS__ } }, len \
	}

/*
 * The IANA IPv4 and IPv6 special-purpose address registries, the smaller
 * blocks before those that hold them. What the registries call globally
 * reachable (AS112, AMT, the anycast addresses in 192.0.0.0/24) serves the
 * network itself; nothing there is a destination for an agent, so it is as
 * private as the rest.
 *
 * In IPv6 only 2000::/3 is handed out as global unicast. Other space is
 * reserved, and has more than once come to stand for IPv4 addresses.
 */
static const struct block blocks[] = {
	{ V4(8, 0), ADDRESS_NEVER, "this network", INNER_NONE },
	{ V4(8, 10), ADDRESS_PRIVATE, "private use", INNER_NONE },
	{ V4(10, 100, 64), ADDRESS_PRIVATE, "shared by carriers", INNER_NONE },
	{ V4(8, 127), ADDRESS_NEVER, "loopback", INNER_NONE },
	/* Not in the registry, but the host of every Azure VM. */
	{ V4(32, 168, 63, 129, 16), ADDRESS_PRIVATE, "cloud platform",
	  INNER_NONE },
	{ V4(32, 169, 254, 169, 254), ADDRESS_PRIVATE, "cloud metadata",
	  INNER_NONE },
	{ V4(16, 169, 254), ADDRESS_PRIVATE, "link-local", INNER_NONE },
	{ V4(12, 172, 16), ADDRESS_PRIVATE, "private use", INNER_NONE },
	{ V4(24, 192, 0, 0), ADDRESS_PRIVATE, "protocol assignments",
	  INNER_NONE },
	{ V4(24, 192, 0, 2), ADDRESS_PRIVATE, "documentation", INNER_NONE },
	{ V4(24, 192, 31, 196), ADDRESS_PRIVATE, "AS112", INNER_NONE },
	{ V4(24, 192, 52, 193), ADDRESS_PRIVATE, "AMT", INNER_NONE },
	{ V4(24, 192, 88, 99), ADDRESS_PRIVATE, "6to4 relay", INNER_NONE },
	{ V4(16, 192, 168), ADDRESS_PRIVATE, "private use", INNER_NONE },
	{ V4(24, 192, 175, 48), ADDRESS_PRIVATE, "AS112", INNER_NONE },
	{ V4(15, 198, 18), ADDRESS_PRIVATE, "benchmarking", INNER_NONE },
	{ V4(24, 198, 51, 100), ADDRESS_PRIVATE, "documentation", INNER_NONE },
	{ V4(24, 203, 0, 113), ADDRESS_PRIVATE, "documentation", INNER_NONE },
	{ V4(4, 224), ADDRESS_NEVER, "multicast", INNER_NONE },
	{ V4(32, 255, 255, 255, 255), ADDRESS_NEVER, "limited broadcast",
	  INNER_NONE },
	{ V4(4, 240), ADDRESS_NEVER, "reserved", INNER_NONE },
	{ V4(0, 0), ADDRESS_GLOBAL, "global", INNER_NONE },

	{ V6(128, 0), ADDRESS_NEVER, "unspecified", INNER_NONE },
	{ V6(128, [15] = 1), ADDRESS_NEVER, "loopback", INNER_NONE },
	{ V6(96, 0), ADDRESS_PRIVATE, "IPv4-compatible", INNER_LAST },
	{ V6(96, 0, 0x64, 0xff, 0x9b), ADDRESS_PRIVATE, "NAT64", INNER_LAST },
	/*
	 * RFC 8215 leaves the form to whoever runs the translator. Read as the
	 * usual /96 it is judged by its inner address; other forms come out as
	 * 0.0.0.0/8 here and are refused.
	 */
	{ V6(48, 0, 0x64, 0xff, 0x9b, 0, 1), ADDRESS_PRIVATE, "local NAT64",
	  INNER_LAST },
	{ V6(64, 1), ADDRESS_PRIVATE, "discard-only", INNER_NONE },
	{ V6(64, 1, [7] = 1), ADDRESS_PRIVATE, "dummy prefix", INNER_NONE },
	{ V6(32, 0x20, 0x01), ADDRESS_PRIVATE, "Teredo", INNER_INVERTED },
	{ V6(48, 0x20, 0x01, 0, 2), ADDRESS_PRIVATE, "benchmarking",
	  INNER_NONE },
	{ V6(28, 0x20, 0x01, 0, 0x10), ADDRESS_PRIVATE, "ORCHID", INNER_NONE },
	{ V6(28, 0x20, 0x01, 0, 0x20), ADDRESS_PRIVATE, "ORCHIDv2",
	  INNER_NONE },
	{ V6(23, 0x20, 0x01), ADDRESS_PRIVATE, "protocol assignments",
	  INNER_NONE },
	{ V6(32, 0x20, 0x01, 0x0d, 0xb8), ADDRESS_PRIVATE, "documentation",
	  INNER_NONE },
	{ V6(16, 0x20, 0x02), ADDRESS_PRIVATE, "6to4", INNER_6TO4 },
	{ V6(48, 0x26, 0x20, 0, 0x4f, 0x80), ADDRESS_PRIVATE, "AS112",
	  INNER_NONE },
	{ V6(20, 0x3f, 0xff), ADDRESS_PRIVATE, "documentation", INNER_NONE },
	{ V6(3, 0x20), ADDRESS_GLOBAL, "global", INNER_NONE },
	{ V6(16, 0x5f), ADDRESS_PRIVATE, "segment routing", INNER_NONE },
	{ V6(7, 0xfc), ADDRESS_PRIVATE, "unique local", INNER_NONE },
	{ V6(10, 0xfe, 0x80), ADDRESS_PRIVATE, "link-local", INNER_NONE },
	{ V6(10, 0xfe, 0xc0), ADDRESS_PRIVATE, "site-local", INNER_NONE },
	{ V6(8, 0xff), ADDRESS_NEVER, "multicast", INNER_NONE },
	{ V6(0, 0), ADDRESS_PRIVATE, "not global unicast", INNER_NONE },
};

#define N_BLOCKS (sizeof(blocks) / sizeof(*blocks))

/* The smallest block that holds all of @prefix; NULL for no family. */
static const struct block *block_around(const struct prefix *prefix)
{
	for (size_t i = 0; i < N_BLOCKS; i++)
		if (blocks[i].prefix.len <= prefix->len &&
		    prefix_holds(&blocks[i].prefix, &prefix->base))
			return &blocks[i];
	return NULL;
}

/* What @prefix, inside @block, covers of the IPv4 addresses that it carries. */
static struct prefix inner_prefix(const struct block *block,
				  const struct prefix *prefix)
{
	unsigned at = block->inner == INNER_6TO4 ? 16 : 96;
	unsigned len = prefix->len > at ? prefix->len - at : 0;
	struct address inner =
		address_from_bytes(AF_INET, prefix->base.bytes + at / 8);

	if (block->inner == INNER_INVERTED)
		for (size_t i = 0; i < 4; i++)
			inner.bytes[i] = (uint8_t)~inner.bytes[i];
	return prefix_of(&inner, (uint8_t)(len < 32 ? len : 32));
}

enum address_class address_classify(const struct address *address,
				    const char **what)
{
	struct prefix alone = {
		.base = *address,
		.len = (uint8_t)address_bits(address->family),
	};
	const struct block *block = block_around(&alone);
	enum address_class class = ADDRESS_NEVER;
	const char *name = "no address";

	if (block) {
		struct prefix inner;

		class = block->class;
		name = block->what;
		if (block->inner != INNER_NONE) {
			inner = inner_prefix(block, &alone);
			if (address_classify(&inner.base, NULL) ==
			    ADDRESS_NEVER)
				class = ADDRESS_NEVER;
		}
	}
	if (what)
		*what = name;
	return class;
}

/* The first address after @prefix; false where the space ends. */
static bool address_after(const struct prefix *prefix, struct address *after)
{
	unsigned carry = prefix->len % 8 ? 1u << (8 - prefix->len % 8) : 1;
	size_t i = (prefix->len + 7u) / 8;

	*after = prefix->base;
	while (i-- > 0) {
		carry += after->bytes[i];
		after->bytes[i] = (uint8_t)carry;
		carry >>= 8;
		if (carry == 0)
			return true;
	}
	return false;
}

/*
 * Between the edges of blocks the class is the same. So it is enough to look
 * where @prefix begins, into the blocks that it holds, and just behind each.
 */
enum address_class prefix_classify(const struct prefix *prefix)
{
	const struct block *around = block_around(prefix);
	enum address_class most = ADDRESS_NEVER;
	struct address after;
	struct prefix inner;

	if (!around)
		return ADDRESS_NEVER;
	if (around->inner != INNER_NONE) {
		inner = inner_prefix(around, prefix);
		return prefix_classify(&inner) == ADDRESS_NEVER ? ADDRESS_NEVER
								: around->class;
	}

	most = address_classify(&prefix->base, NULL);
	for (size_t i = 0; i < N_BLOCKS; i++) {
		const struct block *block = &blocks[i];

		if (block->prefix.len < prefix->len ||
		    !prefix_holds(prefix, &block->prefix.base))
			continue;
		if (block->class > most)
			most = block->class;
		if (!address_after(&block->prefix, &after) ||
		    !prefix_holds(prefix, &after))
			continue;
		if (address_classify(&after, NULL) > most)
			most = address_classify(&after, NULL);
	}
	return most;
}
