/*
 * http.c - an HTTP client whose own cost is known, for the shell beside it
 *
 *	bench_http [-c CA] new  ADDRESS PORT NAME PATH COUNT
 *	bench_http [-c CA] kept ADDRESS PORT NAME PATH COUNT CONNECTIONS
 *	bench_http [-c CA] idle ADDRESS PORT NAME PATH CONNECTIONS
 *
 * Without -c it speaks plain HTTP. "new" makes a connection for each GET,
 * "kept" sends COUNT of them in rounds over the same connections; each prints
 * the operations, the bytes of bodies and its own processor time in us. "idle"
 * makes the connections, with a GET on each, says "open", waits for a line,
 * and prints how many answer again.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define PER_S 900 /* new connections of "idle": below the gateway's limit */

struct client {
	SSL_CTX *tls; /* NULL: plain HTTP */
	struct sockaddr_in address;
	const char *name;
	char request[1024];
};

struct link {
	int fd;
	SSL *ssl;
};

static struct link link_open(const struct client *client)
{
	struct link link = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
	char name[256];
	int one = 1;

	if (link.fd < 0 ||
	    connect(link.fd, (const struct sockaddr *)&client->address,
		    sizeof(client->address)) < 0)
		err(1, "connect");
	(void)setsockopt(link.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!client->tls)
		return link;
	(void)snprintf(name, sizeof(name), "%s", client->name);
	link.ssl = SSL_new(client->tls);
	if (!link.ssl || !SSL_set_fd(link.ssl, link.fd) ||
	    !SSL_set_tlsext_host_name(link.ssl, name) ||
	    !SSL_set1_host(link.ssl, name) || SSL_connect(link.ssl) != 1) {
		ERR_print_errors_fp(stderr);
		errx(1, "no TLS with %s", name);
	}
	return link;
}

static void link_close(struct link *link)
{
	if (link->ssl)
		(void)SSL_shutdown(link->ssl);
	SSL_free(link->ssl);
	close(link->fd);
}

static void send_request(const struct client *client, struct link *link)
{
	size_t len = strlen(client->request);
	ssize_t n = link->ssl ? SSL_write(link->ssl, client->request, (int)len)
			      : write(link->fd, client->request, len);

	if (n != (ssize_t)len)
		errx(1, "a request could not be sent");
}

static size_t link_read(struct link *link, char *bytes, size_t cap)
{
	ssize_t n = link->ssl ? SSL_read(link->ssl, bytes, (int)cap)
			      : read(link->fd, bytes, cap);

	return n > 0 ? (size_t)n : 0;
}

/* Returns the bytes of the body, which has a length; -1 if it is not whole. */
static long long read_answer(struct link *link)
{
	static char bytes[1 << 16];
	size_t len = 0, n;
	char *end = NULL, *field;
	long long length, got;

	while (!end) {
		n = link_read(link, bytes + len, sizeof(bytes) - 1 - len);
		if (n == 0)
			return -1;
		len += n;
		bytes[len] = '\0';
		end = strstr(bytes, "\r\n\r\n");
	}
	field = strcasestr(bytes, "\r\nContent-Length:");
	if (strncmp(bytes, "HTTP/1.1 200", 12) != 0 || !field || field > end)
		return -1;
	length = strtoll(field + strlen("\r\nContent-Length:"), NULL, 10);
	got = (long long)len - (end + 4 - bytes);
	while (got < length) {
		n = link_read(link, bytes, sizeof(bytes));
		if (n == 0)
			return -1;
		got += (long long)n;
	}
	return length;
}

static void report(long operations, long long bytes)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("%ld %lld %lld\n", operations, bytes,
	       (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL +
		       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void must_answer(long long length)
{
	if (length < 0)
		errx(1, "no answer, or not all of it");
}

static void run_new(const struct client *client, long count)
{
	long long bytes = 0, length;

	for (long i = 0; i < count; i++) {
		struct link link = link_open(client);

		send_request(client, &link);
		length = read_answer(&link);
		must_answer(length);
		bytes += length;
		link_close(&link);
	}
	report(count, bytes);
}

static void run_kept(const struct client *client, long count, long n_links)
{
	struct link *links = calloc((size_t)n_links, sizeof(*links));
	long long bytes = 0, length;
	long done = 0;

	if (!links)
		err(1, NULL);
	for (long i = 0; i < n_links; i++)
		links[i] = link_open(client);
	while (done < count) {
		for (long i = 0; i < n_links; i++)
			send_request(client, &links[i]);
		for (long i = 0; i < n_links; i++) {
			length = read_answer(&links[i]);
			must_answer(length);
			bytes += length;
		}
		done += n_links;
	}
	report(done, bytes);
	for (long i = 0; i < n_links; i++)
		link_close(&links[i]);
	free(links);
}

static void run_idle(const struct client *client, long n_links)
{
	struct link *links = calloc((size_t)n_links, sizeof(*links));
	long kept = 0;

	if (!links)
		err(1, NULL);
	for (long i = 0; i < n_links; i++) {
		links[i] = link_open(client);
		send_request(client, &links[i]);
		must_answer(read_answer(&links[i]));
		usleep(1000000 / PER_S);
	}
	printf("open\n");
	(void)fflush(stdout);
	(void)getchar();
	for (long i = 0; i < n_links; i++) {
		send_request(client, &links[i]);
		kept += read_answer(&links[i]) >= 0;
	}
	printf("%ld of %ld\n", kept, n_links);
	for (long i = 0; i < n_links; i++)
		link_close(&links[i]);
	free(links);
}

static long number(const char *text)
{
	return strtol(text, NULL, 10);
}

static SSL_CTX *trusting(const char *file)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls || !SSL_CTX_load_verify_locations(tls, file, NULL))
		errx(1, "cannot read %s", file);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	return tls;
}

int main(int argc, char **argv)
{
	struct client client = { .tls = NULL };
	const struct rlimit files = { 20000, 20000 };
	const char *mode;
	int option;

	while ((option = getopt(argc, argv, "c:")) != -1) {
		if (option != 'c')
			return 2;
		client.tls = trusting(optarg);
	}
	argv += optind;
	argc -= optind;
	if (argc < 6)
		errx(2, "too few arguments");
	(void)setrlimit(RLIMIT_NOFILE, &files);
	mode = argv[0];
	client.address.sin_family = AF_INET;
	client.address.sin_port = htons((uint16_t)number(argv[2]));
	if (inet_pton(AF_INET, argv[1], &client.address.sin_addr) != 1)
		errx(2, "not an address: %s", argv[1]);
	client.name = argv[3];
	(void)snprintf(client.request, sizeof(client.request),
		       "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", argv[4], argv[3]);
	if (strcmp(mode, "new") == 0)
		run_new(&client, number(argv[5]));
	else if (strcmp(mode, "kept") == 0 && argc == 7)
		run_kept(&client, number(argv[5]), number(argv[6]));
	else if (strcmp(mode, "idle") == 0)
		run_idle(&client, number(argv[5]));
	else
		errx(2, "no such mode: %s", mode);
	SSL_CTX_free(client.tls);
	return 0;
}
