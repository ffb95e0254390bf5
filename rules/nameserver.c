#include "nameserver.h"

#include <stdio.h>
#include <string.h>

static bool parse_port(uint16_t *port, const char *text, size_t len)
{
	unsigned number = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = 10 * number + (unsigned)(text[i] - '0');
	}
	if (number == 0 || number > UINT16_MAX)
		return false;
	*port = (uint16_t)number;
	return true;
}

/* Where the address and the port stand, the latter at 0 if there is none. */
static bool split_port(const char *text, size_t len, size_t *address_at,
		       size_t *address_len, size_t *port_at)
{
	const char *end = memchr(text, ':', len);

	*address_at = 0;
	*address_len = len;
	*port_at = 0;
	if (len > 0 && text[0] == '[') {
		end = memchr(text, ']', len);
		if (!end)
			return false;
		*address_at = 1;
		*address_len = (size_t)(end - text) - 1;
		end++;
		if (end == text + len)
			return true;
		if (*end != ':')
			return false;
	} else if (!end ||
		   memchr(end + 1, ':', len - (size_t)(end + 1 - text))) {
		return true; /* more than one colon: IPv6, without a port */
	} else {
		*address_len = (size_t)(end - text);
	}
	*port_at = (size_t)(end + 1 - text);
	return true;
}

bool nameserver_parse(struct nameserver *server, const char *text, size_t len)
{
	const char *hash = memchr(text, '#', len);
	size_t host_len = hash ? (size_t)(hash - text) : len;
	struct nameserver found = {
		.port = hash ? NAMESERVER_TLS_PORT : NAMESERVER_PORT,
	};
	size_t at, address_len, port_at;

	if (hash && !domain_parse(&found.tls, hash + 1, len - host_len - 1))
		return false;
	if (!split_port(text, host_len, &at, &address_len, &port_at) ||
	    !address_parse(&found.address, text + at, address_len))
		return false;
	if (port_at > 0 &&
	    !parse_port(&found.port, text + port_at, host_len - port_at))
		return false;
	*server = found;
	return true;
}

const char *nameserver_hint(const char *text, size_t len)
{
	const char *hash = memchr(text, '#', len);
	size_t at, host_len, port_at;
	struct nameserver server;
	struct domain name;

	len = hash ? (size_t)(hash - text) : len;
	if (split_port(text, len, &at, &host_len, &port_at) &&
	    domain_parse(&name, text + at, host_len))
		return "a resolver is given by its address: a name would need a resolver first";
	if (hash && nameserver_parse(&server, text, len))
		return "after the # stands the name of its certificate, such as 192.0.2.1#dns.example.org";
	return "expected an address such as 192.0.2.1, [2001:db8::1]:53 or 192.0.2.1#dns.example.org";
}

const char *nameserver_format(const struct nameserver *server,
			      char text[NAMESERVER_TEXT_MAX])
{
	bool v6 = server->address.family == AF_INET6;
	bool tls = server->tls.len > 0;
	char address[ADDRESS_TEXT_MAX];

	(void)snprintf(text, NAMESERVER_TEXT_MAX, "%s%s%s:%u%s%s",
		       v6 ? "[" : "", address_format(&server->address, address),
		       v6 ? "]" : "", server->port, tls ? "#" : "",
		       tls ? server->tls.name : "");
	return text;
}

bool nameserver_equal(const struct nameserver *a, const struct nameserver *b)
{
	return address_equal(&a->address, &b->address) && a->port == b->port &&
	       a->tls.len == b->tls.len &&
	       memcmp(a->tls.name, b->tls.name, a->tls.len) == 0;
}

bool nameservers_differ(const struct nameserver *servers, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if ((servers[i].tls.len > 0) != (servers[0].tls.len > 0))
			return true;
	return false;
}
