/*
 * address.h - IPv4 and IPv6 addresses and prefixes
 *
 * An address is compared as an address and never as text. IPv4-mapped IPv6
 * (::ffff:a.b.c.d) is the IPv4 address it maps, from the moment it is parsed:
 * two ways to write one destination would be two ways to judge it.
 */
#ifndef SLUICE_ADDRESS_H
#define SLUICE_ADDRESS_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_MAX 46 /* INET6_ADDRSTRLEN, its NUL included */

/* By value. @family is AF_INET, AF_INET6, or 0 for no address at all. */
struct address {
	sa_family_t family;
	uint8_t bytes[16]; /* network order; 4 used for AF_INET, the rest 0 */
};

struct prefix {
	struct address base; /* host bits are zero */
	uint8_t len;         /* bits */
};

/* Who may be dialled there. */
enum address_class {
	ADDRESS_NEVER = 0, /* this host, nobody, or everybody */
	ADDRESS_PRIVATE,   /* only where a route says `private: true` */
	ADDRESS_GLOBAL,
};

/* Strict: dotted quads of plain decimals, RFC 4291 text, no zone, no brackets. */
MUST_CHECK bool address_parse(struct address *address, const char *text,
			      size_t len);

/* "192.0.2.1" or "2001:db8::1", NUL-terminated; returns @text. */
const char *address_format(const struct address *address,
			   char text[ADDRESS_TEXT_MAX]);

/* From 4 or 16 bytes in network order. */
struct address address_from_bytes(sa_family_t family, const void *bytes);

/* False if @sa is neither AF_INET nor AF_INET6. @port, if given, host order. */
MUST_CHECK bool address_from_sockaddr(struct address *address, uint16_t *port,
				      const struct sockaddr *sa);

/* Fills @sa and returns its length. @port in host order. */
socklen_t address_to_sockaddr(const struct address *address, uint16_t port,
			      struct sockaddr_storage *sa);

bool address_equal(const struct address *a, const struct address *b);

/*
 * The class of an address by the IANA special-purpose registries (RFC 6890)
 * and the translation prefixes whose IPv6 addresses stand for IPv4 ones
 * (NAT64, 6to4, Teredo, IPv4-compatible). @what, if not NULL, is set to a
 * short name of the block, such as "loopback"; never NULL.
 */
enum address_class address_classify(const struct address *address,
				    const char **what);

/* "10.0.0.0/8", or an address alone for its full length. Host bits set: false. */
MUST_CHECK bool prefix_parse(struct prefix *prefix, const char *text,
			     size_t len);

/* The prefix of @len bits around @address: its host bits are dropped. */
struct prefix prefix_of(const struct address *address, uint8_t len);

bool prefix_holds(const struct prefix *prefix, const struct address *address);

/* The most permissive class of any address in the prefix. */
enum address_class prefix_classify(const struct prefix *prefix);

#endif
