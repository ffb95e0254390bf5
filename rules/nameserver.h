/*
 * nameserver.h - whom to ask for names, as operators write it
 *
 *	192.0.2.1, 192.0.2.1:53, 2001:db8::1, [2001:db8::1]:53	in clear
 *	192.0.2.1#dns.example.org, [2001:db8::1]:853#dns.example.org	over TLS
 *
 * The name after the # is the one that the server's certificate must be for.
 * The server itself is given by address alone: to find a name's address, one
 * would have to ask somebody first.
 */
#ifndef SLUICE_NAMESERVER_H
#define SLUICE_NAMESERVER_H

#include "address.h"
#include "domain.h"

#define NAMESERVERS_MAX 4
#define NAMESERVER_PORT 53
#define NAMESERVER_TLS_PORT 853 /* RFC 7858 3.1 */
#define NAMESERVER_TEXT_MAX \
	(sizeof("[]:65535#") + ADDRESS_TEXT_MAX + DOMAIN_MAX)

/* By value. */
struct nameserver {
	struct address address;
	uint16_t port;
	struct domain tls; /* of its certificate; len 0: asked in clear */
};

/* The port is that of the protocol where @text gives none. */
MUST_CHECK bool nameserver_parse(struct nameserver *server, const char *text,
				 size_t len);

/* What to do about text that nameserver_parse() refused. */
const char *nameserver_hint(const char *text, size_t len);

/* Always with the port; returns @text. */
const char *nameserver_format(const struct nameserver *server,
			      char text[NAMESERVER_TEXT_MAX]);

bool nameserver_equal(const struct nameserver *a, const struct nameserver *b);

/*
 * Whether some of these are asked over TLS and others in clear: that would
 * tell everybody, through the others, what it was to hide.
 */
bool nameservers_differ(const struct nameserver *servers, size_t n);

#endif
