#include "special_use.h"

#include <string.h>

#define ZONE(text) text, sizeof(text) - 1

/*
 * Not here: "example", of which RFC 6761 6.5 says to do nothing special, and
 * "test", which 6.2 leaves to whoever runs the network: routes may list it.
 */
static const struct {
	const char *name;
	size_t len;
	enum special_use use;
	const char *source;
} table[] = {
	{ ZONE("localhost"), SPECIAL_USE_LOOPBACK, "RFC 6761 6.3" },
	{ ZONE("invalid"), SPECIAL_USE_NEVER, "RFC 6761 6.4" },
	{ ZONE("onion"), SPECIAL_USE_NEVER, "RFC 7686 2" },
	{ ZONE("local"), SPECIAL_USE_LOCAL, "RFC 6762 22.1" },
	{ ZONE("home.arpa"), SPECIAL_USE_LOCAL, "RFC 8375 4" },
	{ ZONE("alt"), SPECIAL_USE_NEVER, "RFC 9476 2" },
	{ ZONE("internal"), SPECIAL_USE_LOCAL,
	  "ICANN resolution 2024.07.29.06" },
	{ ZONE("localdomain"), SPECIAL_USE_LOCAL,
	  "glibc's and musl's /etc/hosts" },
	{ ZONE("lan"), SPECIAL_USE_LOCAL, "SSAC SAC 045: routers' own domain" },
	{ ZONE("arpa"), SPECIAL_USE_LOCAL,
	  "RFC 3172 2: infrastructure, no site" },
	{ ZONE("use-application-dns.net"), SPECIAL_USE_NEVER,
	  "Mozilla: Canary domain; it asks whether DNS is filtered: it is" },
	/* The reverse of addresses that are nobody's on the Internet. */
	{ ZONE("0.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ ZONE("127.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ ZONE("10.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("16.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("17.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("18.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("19.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("20.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("21.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("22.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("23.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("24.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("25.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("26.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("27.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("28.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("29.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("30.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("31.172.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("168.192.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ ZONE("254.169.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ ZONE("2.0.192.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ ZONE("100.51.198.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ ZONE("113.0.203.in-addr.arpa"), SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ ZONE("255.255.255.255.in-addr.arpa"), SPECIAL_USE_NEVER,
	  "RFC 6303 4.2" },
	{ ZONE("d.f.ip6.arpa"), SPECIAL_USE_NEVER, "RFC 6303 4.4" },
	{ ZONE("8.e.f.ip6.arpa"), SPECIAL_USE_NEVER, "RFC 6303 4.5" },
	{ ZONE("9.e.f.ip6.arpa"), SPECIAL_USE_NEVER, "RFC 6303 4.5" },
	{ ZONE("a.e.f.ip6.arpa"), SPECIAL_USE_NEVER, "RFC 6303 4.5" },
	{ ZONE("b.e.f.ip6.arpa"), SPECIAL_USE_NEVER, "RFC 6303 4.5" },
	{ ZONE("8.b.d.0.1.0.0.2.ip6.arpa"), SPECIAL_USE_NEVER, "RFC 6303 4.6" },
	{ ZONE("0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	       "ip6.arpa"),
	  SPECIAL_USE_NEVER, "RFC 6303 4.3, of :: and ::1 and beside them" },
};

/* Whether @name is @zone, of @len characters, or below it. */
static bool is_within(const struct domain *name, const char *zone, size_t len)
{
	return name->len >= len &&
	       (name->len == len || name->name[name->len - len - 1] == '.') &&
	       memcmp(name->name + name->len - len, zone, len) == 0;
}

enum special_use special_use_of(const struct domain *name)
{
	enum special_use use = SPECIAL_USE_NONE;
	size_t longest = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		size_t len = table[i].len;

		if (len > longest && is_within(name, table[i].name, len)) {
			longest = len;
			use = table[i].use;
		}
	}
	/* A single label is no site: a search list was not applied. */
	if (use == SPECIAL_USE_NONE && !memchr(name->name, '.', name->len))
		return SPECIAL_USE_LOCAL;
	return use;
}
