#include "options.h"

#include "report.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP "usage"
#define TIMEOUT_MAX_S 3600

/* Each option's value as given, before any is judged. */
struct given {
	const char *gateway;
	const char *gateway6;
	const char *interface;
	const char *user;
	const char *timeout;
	const char *workdir;
};

static const char usage[] =
	"usage: sluice-init --gateway ADDRESS [--gateway6 ADDRESS]\n"
	"                   [--interface NAME] [--user NAME|UID[:GID]]\n"
	"                   [--timeout SECONDS] [--workdir FOLDER]\n"
	"                   -- COMMAND [ARGUMENT...]\n";

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] != '\0' ? value : NULL;
}

/* One that a packet can be sent to, in the family that is asked for. */
static bool unicast(sa_family_t family, const char *text,
		    struct address *address)
{
	struct address parsed = { .family = family };
	const struct in6_addr *in6 = (const void *)parsed.bytes;

	if (inet_pton(family, text, parsed.bytes) != 1)
		return false;
	if (family == AF_INET) {
		if (parsed.bytes[0] == 0 || parsed.bytes[0] == 127 ||
		    parsed.bytes[0] >= 224)
			return false;
	} else if (IN6_IS_ADDR_UNSPECIFIED(in6) || IN6_IS_ADDR_LOOPBACK(in6) ||
		   IN6_IS_ADDR_MULTICAST(in6) || IN6_IS_ADDR_V4MAPPED(in6) ||
		   IN6_IS_ADDR_LINKLOCAL(in6)) {
		return false;
	}
	*address = parsed;
	return true;
}

static bool timeout(const char *text, int64_t *ms)
{
	int64_t s = 0;

	if (text[0] == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		s = s * 10 + (*text - '0');
		if (s > TIMEOUT_MAX_S)
			return false;
	}
	*ms = s * 1000;
	return s > 0;
}

static bool judge(const struct given *given, struct options *options)
{
	*options = (struct options){
		.network = { .interface = given->interface },
		.user = given->user,
		.workdir = given->workdir,
	};
	if (!given->gateway) {
		(void)report(STEP, 0, "--gateway is missing");
		return false;
	}
	if (!unicast(AF_INET, given->gateway, &options->network.gateway)) {
		(void)report(STEP, 0, "--gateway %s is no IPv4 host address",
			     given->gateway);
		return false;
	}
	if (given->gateway6 &&
	    !unicast(AF_INET6, given->gateway6, &options->network.gateway6)) {
		(void)report(STEP, 0, "--gateway6 %s is no IPv6 host address",
			     given->gateway6);
		return false;
	}
	/* It becomes a part of a path below /proc/sys. */
	if (given->interface[0] == '\0' || given->interface[0] == '.' ||
	    strchr(given->interface, '/') ||
	    strlen(given->interface) >= IF_NAMESIZE) {
		(void)report(STEP, 0, "--interface %s is no interface's name",
			     given->interface);
		return false;
	}
	if (!timeout(given->timeout, &options->timeout_ms)) {
		(void)report(STEP, 0, "--timeout %s is not from 1 to %d",
			     given->timeout, TIMEOUT_MAX_S);
		return false;
	}
	return true;
}

enum options_result options_parse(int argc, char **argv,
				  struct options *options)
{
	static const struct option known[] = {
		{ "gateway", required_argument, NULL, 'g' },
		{ "gateway6", required_argument, NULL, 'G' },
		{ "interface", required_argument, NULL, 'i' },
		{ "user", required_argument, NULL, 'u' },
		{ "timeout", required_argument, NULL, 't' },
		{ "workdir", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct given given = {
		.gateway = from_environment("SLUICE_GATEWAY"),
		.gateway6 = from_environment("SLUICE_GATEWAY6"),
		.interface = from_environment("SLUICE_INTERFACE"),
		.user = from_environment("SLUICE_USER"),
		.timeout = from_environment("SLUICE_TIMEOUT"),
	};
	int option;

	if (!given.interface)
		given.interface = "eth0";
	if (!given.timeout)
		given.timeout = "10";
	/* "+": what follows the command is the command's own. */
	while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		switch (option) {
		case 'g':
			given.gateway = optarg;
			break;
		case 'G':
			given.gateway6 = optarg;
			break;
		case 'i':
			given.interface = optarg;
			break;
		case 'u':
			given.user = optarg;
			break;
		case 't':
			given.timeout = optarg;
			break;
		case 'w':
			given.workdir = optarg;
			break;
		case 'h':
			(void)fputs(usage, stdout);
			return OPTIONS_HELP;
		default:
			(void)fputs(usage, stderr);
			return OPTIONS_BAD;
		}
	}
	if (!judge(&given, options))
		return OPTIONS_BAD;
	if (optind >= argc) {
		(void)report(STEP, 0, "there is no command to run");
		return OPTIONS_BAD;
	}
	options->command = argv + optind;
	return OPTIONS_RUN;
}
