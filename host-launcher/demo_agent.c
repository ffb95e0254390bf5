/*
 * What runs as the agent in a demonstration: it does what it is told on stdin,
 * and some of what it can be told to do is in here, for no common program
 * sends such packets.
 */
#include "address.h"
#include "commands.h"
#include "complain.h"
#include "dns/dns_message.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ARGS_MAX 32
#define PROBE_WAIT_S 3

/* Says why, for whoever reads the story. Returns an exit status. */
static int fail(const char *what)
{
	(void)printf("%s: %s\n", what,
		     errno == EAGAIN ? "no answer" : strerror(errno));
	return EXIT_FAILURE;
}

/* A socket connected to @address that waits a bounded time, or -1. */
static int open_socket(const char *text, uint16_t port, int type, int protocol)
{
	const struct timeval wait = { .tv_sec = PROBE_WAIT_S };
	struct sockaddr_storage sa;
	struct address address;
	socklen_t len;
	int fd;

	if (!address_parse(&address, text, strlen(text))) {
		errno = EINVAL;
		return -1;
	}
	len = address_to_sockaddr(&address, port, &sa);
	fd = socket(address.family, type | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	    connect(fd, (struct sockaddr *)&sa, len) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/* Sends @len bytes at @bytes, and receives an answer in their place. */
static ssize_t exchange(int fd, void *bytes, size_t len, size_t cap)
{
	if (send(fd, bytes, len, MSG_NOSIGNAL) < 0)
		return -1;
	return recv(fd, bytes, cap, 0);
}

static int probe_tcp(const char *name, const char *port, const char *text)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char answer[256];
	int err = getaddrinfo(name, port, &hints, &list);
	int fd;
	ssize_t n;

	if (err) {
		(void)printf("%s: %s\n", name, gai_strerror(err));
		return EXIT_FAILURE;
	}
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, list->ai_addr, list->ai_addrlen) < 0) {
		freeaddrinfo(list);
		return fail("connect");
	}
	freeaddrinfo(list);
	(void)snprintf(answer, sizeof(answer), "%s", text);
	n = exchange(fd, answer, strlen(answer), sizeof(answer) - 1);
	(void)close(fd);
	if (n <= 0)
		return fail("receive");
	answer[n] = '\0';
	(void)printf("came back: %s\n", answer);
	return 0;
}

static int probe_udp(const char *address, const char *port, const char *text)
{
	char answer[256];
	ssize_t n;
	int fd = open_socket(address, (uint16_t)strtoul(port, NULL, 10),
			     SOCK_DGRAM, 0);

	if (fd < 0)
		return fail("connect");
	(void)snprintf(answer, sizeof(answer), "%s", text);
	n = exchange(fd, answer, strlen(answer), sizeof(answer));
	if (n < 0)
		return fail("datagram");
	(void)printf("an answer of %zd bytes\n", n);
	return 0;
}

static int probe_ping(const char *address, const char *text)
{
	struct {
		struct icmphdr head;
		char payload[64];
	} echo = { .head = { .type = ICMP_ECHO } };
	ssize_t n;
	int fd = open_socket(address, 0, SOCK_DGRAM, IPPROTO_ICMP);

	if (fd < 0)
		return fail("ping");
	(void)snprintf(echo.payload, sizeof(echo.payload), "%s", text);
	n = exchange(fd, &echo, sizeof(echo), sizeof(echo));
	if (n < 0)
		return fail("ping");
	(void)printf("an answer of %zd bytes\n", n);
	return 0;
}

static int probe_dns(const char *server, const char *name)
{
	uint8_t bytes[DNS_UDP_MAX];
	char text[ADDRESS_TEXT_MAX];
	struct dns_addresses found = { 0 };
	struct domain domain;
	size_t len;
	ssize_t n;
	int fd = open_socket(server, 53, SOCK_DGRAM, 0);

	if (fd < 0 || !domain_parse(&domain, name, strlen(name)))
		return fail("dns");
	len = dns_query_write(bytes, sizeof(bytes), 1, &domain, DNS_TYPE_A);
	n = exchange(fd, bytes, len, sizeof(bytes));
	if (n < 0)
		return fail("dns");
	switch (dns_response_parse(bytes, (size_t)n, &domain, DNS_TYPE_A,
				   &found)) {
	case DNS_RESULT_FOUND:
		(void)printf("%s is %s\n", name,
			     address_format(&found.list[0], text));
		return 0;
	case DNS_RESULT_NXDOMAIN:
		(void)printf("%s does not exist\n", name);
		return 0;
	case DNS_RESULT_NODATA:
	case DNS_RESULT_FAILED:
	case DNS_RESULT_WITHHELD:
	case DNS_RESULT_BAD:
		break;
	}
	(void)printf("no address for %s\n", name);
	return EXIT_FAILURE;
}

static int probe(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[0], "tcp") == 0)
		return probe_tcp(argv[1], argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[0], "udp") == 0)
		return probe_udp(argv[1], argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[0], "ping") == 0)
		return probe_ping(argv[1], argv[2]);
	if (argc == 3 && strcmp(argv[0], "dns") == 0)
		return probe_dns(argv[1], argv[2]);
	complain("demo-agent: no such probe");
	return EXIT_USAGE;
}

/* One command: its words, each ended by a NUL, then an empty one. */
static bool read_command(char *argv[ARGS_MAX + 1])
{
	size_t n = 0;

	for (;;) {
		char *word = NULL;
		size_t cap = 0;

		if (n == ARGS_MAX || getdelim(&word, &cap, '\0', stdin) <= 0) {
			free(word);
			break;
		}
		if (*word == '\0') {
			free(word);
			argv[n] = NULL;
			return n > 0;
		}
		argv[n++] = word;
	}
	while (n > 0)
		free(argv[--n]);
	return false;
}

/* Runs it, and passes on what it says, which then ends with a NUL. */
static int obey(char *const argv[])
{
	struct spawn spawn = spawn_of((const char *const *)argv);
	char bytes[4096];
	int output[2];
	ssize_t n;
	pid_t pid;
	int err;

	if (pipe2(output, O_CLOEXEC) < 0)
		return EXIT_LAUNCHER;
	spawn.stdio[1] = output[1];
	spawn.stdio[2] = output[1];
	err = spawn_start(&spawn, &pid);
	(void)close(output[1]);
	while ((n = read(output[0], bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++)
			(void)putchar(bytes[i] ? bytes[i] : '?');
	(void)close(output[0]);
	if (err)
		(void)printf("%s: %s\n", argv[0], strerror(-err));
	(void)putchar('\0');
	return err ? EXIT_LAUNCHER : spawn_wait(pid);
}

int demo_agent_command(int argc, char **argv)
{
	char *command[ARGS_MAX + 1];

	if (argc > 1)
		return probe(argc - 1, argv + 1);
	while (read_command(command)) {
		(void)putchar(obey(command));
		for (size_t i = 0; command[i]; i++)
			free(command[i]);
		if (fflush(stdout) != 0)
			return EXIT_LAUNCHER;
	}
	return 0;
}
