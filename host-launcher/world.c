#include "world.h"

#include "complain.h"
#include "dns/dns_message.h"
#include "rtnetlink.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SESSION_S 20 /* the longest that one connection is served */
#define HEAD_MAX 8192

struct host {
	const char *name; /* NULL: has none */
	const char *ipv4, *ipv6;
};

static const struct host hosts[] = {
	{ "allowed.example", WORLD_ALLOWED4, WORLD_ALLOWED6 },
	{ "other.example", WORLD_OTHER4, WORLD_OTHER6 },
	{ "echo.example", WORLD_ECHO4, WORLD_ECHO6 },
	{ NULL, WORLD_RESOLVER4, WORLD_RESOLVER6 },
	{ NULL, WORLD_ROUTER4, WORLD_ROUTER6 },
};

#define N_HOSTS (sizeof(hosts) / sizeof(hosts[0]))

enum service { SERVICE_HTTPS, SERVICE_HTTP, SERVICE_ECHO, N_SERVICES };

static const uint16_t service_ports[N_SERVICES] = { 443, 80, WORLD_ECHO_PORT };

static void tell(const struct world *world, const char *format, ...)
	PRINTF(2, 3);

/* One write a line, so that those of several processes do not mix. */
static void tell(const struct world *world, const char *format, ...)
{
	char line[512];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len > sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	line[len++] = '\n';
	(void)!write(world->tell, line, (size_t)len);
}

static struct address parse(const char *text)
{
	struct address address = { 0 };
	bool sound = address_parse(&address, text, strlen(text));

	assert(sound);
	return address;
}

/* Certificates */

static bool add_extension(X509 *certificate, X509 *issuer, int nid,
			  const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;
	bool added;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	added = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

/* A certificate for @key with all that both kinds have, yet to be signed. */
static X509 *new_certificate(const char *name, long serial, EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509_NAME *subject;

	if (!certificate)
		return NULL;
	subject = X509_get_subject_name(certificate);
	if (X509_set_version(certificate, X509_VERSION_3) &&
	    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial) &&
	    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
	    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400) &&
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
				       (const unsigned char *)name, -1, -1,
				       0) &&
	    X509_set_pubkey(certificate, key))
		return certificate;
	X509_free(certificate);
	return NULL;
}

static X509 *new_authority(EVP_PKEY *key)
{
	X509 *authority = new_certificate("sluice demo: the world", 1, key);

	if (authority &&
	    X509_set_issuer_name(authority, X509_get_subject_name(authority)) &&
	    add_extension(authority, authority, NID_basic_constraints,
			  "critical,CA:TRUE") &&
	    add_extension(authority, authority, NID_key_usage,
			  "critical,keyCertSign,cRLSign") &&
	    add_extension(authority, authority, NID_subject_key_identifier,
			  "hash") &&
	    X509_sign(authority, key, EVP_sha256()))
		return authority;
	X509_free(authority);
	return NULL;
}

/* One for all origins: they are one process, too. */
static X509 *new_leaf(EVP_PKEY *key, X509 *authority, EVP_PKEY *authority_key)
{
	X509 *leaf = new_certificate("sluice demo: an origin", 2, key);
	char names[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < N_HOSTS; i++)
		if (hosts[i].name)
			len += (size_t)snprintf(names + len,
						sizeof(names) - len, "%sDNS:%s",
						len > 0 ? "," : "",
						hosts[i].name);
	if (leaf &&
	    X509_set_issuer_name(leaf, X509_get_subject_name(authority)) &&
	    add_extension(leaf, authority, NID_subject_alt_name, names) &&
	    add_extension(leaf, authority, NID_ext_key_usage, "serverAuth") &&
	    add_extension(leaf, authority, NID_authority_key_identifier,
			  "keyid") &&
	    X509_sign(leaf, authority_key, EVP_sha256()))
		return leaf;
	X509_free(leaf);
	return NULL;
}

static int write_certificate(const char *file, X509 *certificate)
{
	FILE *out = fopen(file, "we");
	int err = 0;

	if (!out)
		return -errno;
	if (PEM_write_X509(out, certificate) != 1)
		err = -EIO;
	if (fclose(out) != 0)
		err = -errno;
	return err;
}

/* The name is heard whatever becomes of the handshake. */
/* NOLINTNEXTLINE(readability-non-const-parameter): as OpenSSL calls it */
static int hear_server_name(SSL *tls, int *alert, void *data)
{
	const char *name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	tell(data, "tls %s", name ? name : "without a name");
	return SSL_TLSEXT_ERR_OK;
}

static int make_tls(struct world *world, const char *trust_file)
{
	EVP_PKEY *authority_key = EVP_EC_gen("P-256");
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *authority = authority_key ? new_authority(authority_key) : NULL;
	X509 *leaf = key && authority ? new_leaf(key, authority, authority_key)
				      : NULL;
	int err = -ENOMEM;

	if (!leaf)
		goto out;
	world->tls = SSL_CTX_new(TLS_server_method());
	if (!world->tls || SSL_CTX_use_certificate(world->tls, leaf) != 1 ||
	    SSL_CTX_use_PrivateKey(world->tls, key) != 1)
		goto out;
	SSL_CTX_set_tlsext_servername_callback(world->tls, hear_server_name);
	SSL_CTX_set_tlsext_servername_arg(world->tls, world);
	err = write_certificate(trust_file, authority);
out:
	X509_free(leaf);
	X509_free(authority);
	EVP_PKEY_free(key);
	EVP_PKEY_free(authority_key);
	return err;
}

int world_init(struct world *world, const char *trust_file)
{
	int ends[2];

	*world = (struct world){ .heard = -1, .tell = -1 };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	world->heard = ends[0];
	world->tell = ends[1];
	if (fcntl(world->heard, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return make_tls(world, trust_file);
}

void world_done(struct world *world)
{
	SSL_CTX_free(world->tls);
	if (world->heard >= 0)
		(void)close(world->heard);
	if (world->tell >= 0)
		(void)close(world->tell);
}

/* Services, each connection in a process of its own */

/* A connection, with TLS or without. */
struct session {
	const struct world *world;
	int fd;
	SSL *tls; /* NULL: none */
};

static ssize_t session_read(struct session *session, char *bytes, size_t cap)
{
	if (session->tls)
		return SSL_read(session->tls, bytes, (int)cap);
	return read(session->fd, bytes, cap);
}

static void session_write(struct session *session, const char *bytes,
			  size_t len)
{
	if (session->tls)
		(void)SSL_write(session->tls, bytes, (int)len);
	else
		(void)!write(session->fd, bytes, len);
}

/* The value of the Host field, or "no host", in @host. */
static void find_host(const char *head, char host[DOMAIN_MAX + 1])
{
	const char *field = strcasestr(head, "\r\nhost:");
	size_t len;

	(void)snprintf(host, DOMAIN_MAX + 1, "no host");
	if (!field)
		return;
	field += strlen("\r\nhost:");
	field += strspn(field, " \t");
	len = strcspn(field, "\r\n");
	(void)snprintf(host, DOMAIN_MAX + 1, "%.*s", (int)len, field);
}

/* Answers requests, whose bodies it does not expect, until there is none. */
static void serve_http(struct session *session)
{
	char head[HEAD_MAX + 1];
	char host[DOMAIN_MAX + 1];
	char answer[512];
	size_t len = 0;
	ssize_t n;
	int answer_len;

	while ((n = session_read(session, head + len, HEAD_MAX - len)) > 0) {
		len += (size_t)n;
		head[len] = '\0';
		if (!strstr(head, "\r\n\r\n"))
			continue;
		find_host(head, host);
		head[strcspn(head, "\r\n")] = '\0';
		/* "GET /path HTTP/1.1" */
		tell(session->world, "http %s %.*s", host,
		     (int)strlen(head) - 9, head);
		answer_len =
			snprintf(answer, sizeof(answer),
				 "HTTP/1.1 200 OK\r\n"
				 "Content-Type: text/plain\r\n"
				 "Content-Length: %zu\r\n\r\n"
				 "hello from %s\n",
				 strlen("hello from \n") + strlen(host), host);
		session_write(session, answer, (size_t)answer_len);
		len = 0;
	}
}

static void serve_https(struct session *session)
{
	session->tls = SSL_new(session->world->tls);
	if (!session->tls || SSL_set_fd(session->tls, session->fd) != 1)
		return;
	if (SSL_accept(session->tls) == 1) {
		serve_http(session);
		(void)SSL_shutdown(session->tls);
	}
	SSL_free(session->tls);
}

static void serve_echo(struct session *session)
{
	char bytes[512];
	ssize_t n;

	while ((n = session_read(session, bytes, sizeof(bytes))) > 0) {
		tell(session->world, "echo %zd bytes", n);
		session_write(session, bytes, (size_t)n);
	}
}

static void serve(const struct world *world, enum service service, int listener)
{
	struct session session = { .world = world };

	session.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (session.fd < 0)
		return;
	if (fork() != 0) {
		(void)close(session.fd);
		return;
	}
	(void)alarm(SESSION_S);
	switch (service) {
	case SERVICE_HTTPS:
		serve_https(&session);
		break;
	case SERVICE_HTTP:
		serve_http(&session);
		break;
	case SERVICE_ECHO:
		serve_echo(&session);
		break;
	case N_SERVICES:
		break;
	}
	_exit(0);
}

static const struct host *find_name(const struct domain *name)
{
	for (size_t i = 0; i < N_HOSTS; i++)
		if (hosts[i].name && strcmp(hosts[i].name, name->name) == 0)
			return &hosts[i];
	return NULL;
}

static void answer_dns(const struct world *world, int fd)
{
	uint8_t bytes[DNS_UDP_MAX];
	struct sockaddr_storage peer;
	socklen_t peer_len = sizeof(peer);
	struct address addresses[2];
	struct dns_answer answer = {
		.addresses = addresses,
		.ede = DNS_EDE_NONE,
		.ttl_s = 60,
	};
	const struct host *host;
	struct dns_query query;
	ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0,
			     (struct sockaddr *)&peer, &peer_len);

	if (n < 0)
		return;
	if (dns_query_parse(bytes, (size_t)n, &query, &answer.rcode) !=
	    DNS_PARSED_QUERY) {
		tell(world, "dns malformed");
		return;
	}
	tell(world, "dns %s %s",
	     query.type == DNS_TYPE_A      ? "A"
	     : query.type == DNS_TYPE_AAAA ? "AAAA"
					   : "other",
	     query.name.name);
	host = find_name(&query.name);
	if (host) {
		addresses[0] = parse(host->ipv4);
		addresses[1] = parse(host->ipv6);
		answer.n_addresses = 2;
	} else {
		answer.rcode = DNS_NXDOMAIN;
		answer.soa = true;
	}
	n = (ssize_t)dns_answer_write(bytes, sizeof(bytes), &query, &answer);
	(void)sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&peer,
		     peer_len);
}

/* Everything else on the wire */

static bool is_known(const struct address *address)
{
	for (size_t i = 0; i < N_HOSTS; i++) {
		struct address ipv4 = parse(hosts[i].ipv4);
		struct address ipv6 = parse(hosts[i].ipv6);

		if (address_equal(address, &ipv4) ||
		    address_equal(address, &ipv6))
			return true;
	}
	return false;
}

static bool is_served(uint8_t protocol, const struct address *to, uint16_t port)
{
	if (!is_known(to))
		return false;
	if (protocol == IPPROTO_UDP)
		return port == 53;
	for (size_t i = 0; i < N_SERVICES; i++)
		if (service_ports[i] == port)
			return true;
	return false;
}

/* Neighbours and groups are how the link works, and errors are answers. */
static bool is_housekeeping(uint8_t protocol, uint8_t type,
			    const struct address *to)
{
	if (to->family == AF_INET6 && to->bytes[0] == 0xff)
		return true;
	if (protocol == IPPROTO_ICMP)
		return type == ICMP_DEST_UNREACH;
	return protocol == IPPROTO_ICMPV6 &&
	       (type < ICMP6_ECHO_REQUEST ||
		(type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT));
}

static void judge_packet(const struct world *world, uint8_t protocol,
			 const struct address *to, const uint8_t *body,
			 size_t len)
{
	char text[ADDRESS_TEXT_MAX];
	uint16_t port = 0;

	if (len < 4 || is_housekeeping(protocol, body[0], to))
		return;
	(void)address_format(to, text);
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
		port = (uint16_t)(body[2] << 8 | body[3]);
		if (is_served(protocol, to, port))
			return;
		tell(world, "packet %s %s %u",
		     protocol == IPPROTO_TCP ? "tcp" : "udp", text, port);
	} else {
		tell(world, "packet protocol %u %s", protocol, text);
	}
}

static void hear_packet(const struct world *world, int fd)
{
	uint8_t packet[2048] = { 0 };
	struct sockaddr_ll from = { 0 };
	socklen_t from_len = sizeof(from);
	struct address to;
	ssize_t n = recvfrom(fd, packet, sizeof(packet), 0,
			     (struct sockaddr *)&from, &from_len);
	size_t head;

	if (n < 1 || from.sll_pkttype == PACKET_OUTGOING)
		return;
	if (packet[0] >> 4 == 4 && (size_t)n >= sizeof(struct iphdr)) {
		head = (size_t)(packet[0] & 15) * 4;
		to = address_from_bytes(AF_INET, packet + 16);
		if (head <= (size_t)n)
			judge_packet(world, packet[9], &to, packet + head,
				     (size_t)n - head);
	} else if (packet[0] >> 4 == 6 && (size_t)n >= sizeof(struct ip6_hdr)) {
		head = sizeof(struct ip6_hdr);
		to = address_from_bytes(AF_INET6, packet + 24);
		judge_packet(world, packet[6], &to, packet + head,
			     (size_t)n - head);
	}
}

/* Start */

static int set_addresses(void)
{
	struct rtnetlink rtnetlink;
	struct rtnetlink_link loopback;
	struct rtnetlink_link link;
	int err = rtnetlink_init(&rtnetlink);

	if (err)
		return err;
	err = rtnetlink_link_find(&rtnetlink, "lo", &loopback);
	if (!err)
		err = rtnetlink_link_up(&rtnetlink, loopback.index);
	if (!err)
		err = rtnetlink_link_find(&rtnetlink, WORLD_INTERFACE, &link);
	for (size_t i = 0; !err && i < N_HOSTS; i++) {
		struct address ipv4 = parse(hosts[i].ipv4);
		struct address ipv6 = parse(hosts[i].ipv6);
		bool router = strcmp(hosts[i].ipv4, WORLD_ROUTER4) == 0;

		err = rtnetlink_address_add(&rtnetlink, link.index, &ipv4,
					    router ? WORLD_PREFIX4 : 32);
		if (!err)
			err = rtnetlink_address_add(
				&rtnetlink, link.index, &ipv6,
				router ? WORLD_PREFIX6 : 128);
	}
	if (!err)
		err = rtnetlink_link_up(&rtnetlink, link.index);
	rtnetlink_done(&rtnetlink);
	return err;
}

/* A socket bound to @port of @address, or of every address if that is NULL;
   listening, if it is for streams. Its number, or -errno. */
static int open_socket(int type, const char *address, uint16_t port)
{
	struct address any = { .family = AF_INET6 };
	struct address at = address ? parse(address) : any;
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(&at, port, &sa);
	int off = 0;
	int err;
	int fd = socket(at.family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!address)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off,
				 sizeof(off));
	if (bind(fd, (struct sockaddr *)&sa, len) == 0 &&
	    (type != SOCK_STREAM || listen(fd, 64) == 0))
		return fd;
	err = -errno;
	(void)close(fd);
	return err;
}

static int open_wire(void)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(WORLD_INTERFACE),
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	(void)close(fd);
	return -EIO;
}

enum source { SOURCE_WIRE, SOURCE_DNS4, SOURCE_DNS6, N_SOURCES };

static int open_all(struct pollfd events[N_SOURCES + N_SERVICES])
{
	events[SOURCE_WIRE].fd = open_wire();
	events[SOURCE_DNS4].fd = open_socket(SOCK_DGRAM, WORLD_RESOLVER4, 53);
	events[SOURCE_DNS6].fd = open_socket(SOCK_DGRAM, WORLD_RESOLVER6, 53);
	for (size_t i = 0; i < N_SERVICES; i++)
		events[N_SOURCES + i].fd =
			open_socket(SOCK_STREAM, NULL, service_ports[i]);
	for (size_t i = 0; i < N_SOURCES + N_SERVICES; i++) {
		events[i].events = POLLIN;
		if (events[i].fd < 0)
			return events[i].fd;
	}
	return 0;
}

int world_play(void *data, int ready)
{
	const struct world *world = data;
	struct pollfd events[N_SOURCES + N_SERVICES];
	int err = set_addresses();

	if (!err)
		err = open_all(events);
	if (err)
		return complain_errno("world", err);
	(void)signal(SIGCHLD, SIG_IGN); /* sessions leave nothing behind */
	(void)signal(SIGPIPE, SIG_IGN);
	if (write(ready, "", 1) != 1)
		return -EPIPE;
	(void)close(ready);

	for (;;) {
		if (poll(events, N_SOURCES + N_SERVICES, -1) < 0)
			continue;
		if (events[SOURCE_WIRE].revents)
			hear_packet(world, events[SOURCE_WIRE].fd);
		if (events[SOURCE_DNS4].revents)
			answer_dns(world, events[SOURCE_DNS4].fd);
		if (events[SOURCE_DNS6].revents)
			answer_dns(world, events[SOURCE_DNS6].fd);
		for (size_t i = 0; i < N_SERVICES; i++)
			if (events[N_SOURCES + i].revents)
				serve(world, (enum service)i,
				      events[N_SOURCES + i].fd);
	}
}
