#include "special_use.h"

#include <string.h>

/*
 * Not here: "example", of which RFC 6761 6.5 says to do nothing special, and
 * "test", which 6.2 leaves to whoever runs the network: routes may list it.
 */
static const struct {
	const char *name;
	enum special_use use;
	const char *source;
} table[] = {
	{ "localhost", SPECIAL_USE_LOOPBACK, "RFC 6761 6.3" },
	{ "invalid", SPECIAL_USE_NEVER, "RFC 6761 6.4" },
	{ "onion", SPECIAL_USE_NEVER, "RFC 7686 2" },
	{ "local", SPECIAL_USE_LOCAL, "RFC 6762 22.1" },
	{ "home.arpa", SPECIAL_USE_LOCAL, "RFC 8375 4" },
	{ "alt", SPECIAL_USE_NEVER, "RFC 9476 2" },
	{ "internal", SPECIAL_USE_LOCAL, "ICANN resolution 2024.07.29.06" },
	{ "localdomain", SPECIAL_USE_LOCAL, "glibc's and musl's /etc/hosts" },
	{ "lan", SPECIAL_USE_LOCAL, "SSAC SAC 045: routers' own domain" },
	{ "arpa", SPECIAL_USE_LOCAL, "RFC 3172 2: infrastructure, no site" },
	{ "use-application-dns.net", SPECIAL_USE_NEVER,
	  "Mozilla: Canary domain; it asks whether DNS is filtered: it is" },
	/* The reverse of addresses that are nobody's on the Internet. */
	{ "0.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ "127.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ "10.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "16.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "17.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "18.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "19.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "20.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "21.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "22.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "23.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "24.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "25.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "26.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "27.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "28.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "29.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "30.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "31.172.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "168.192.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6761 6.1" },
	{ "254.169.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ "2.0.192.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ "100.51.198.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ "113.0.203.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ "255.255.255.255.in-addr.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.2" },
	{ "d.f.ip6.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.4" },
	{ "8.e.f.ip6.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.5" },
	{ "9.e.f.ip6.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.5" },
	{ "a.e.f.ip6.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.5" },
	{ "b.e.f.ip6.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.5" },
	{ "8.b.d.0.1.0.0.2.ip6.arpa", SPECIAL_USE_NEVER, "RFC 6303 4.6" },
	{ "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	  "ip6.arpa",
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
		size_t len = strlen(table[i].name);

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
