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
	const char *rows_columns;
};

static const char usage[] =
	"usage: sluice-init --gateway ADDRESS [--gateway6 ADDRESS]\n"
	"                   [--interface NAME] [--user NAME|UID[:GID]]\n"
	"                   [--timeout SECONDS] [--workdir FOLDER]\n"
	"                   [--dns-over-tcp] [--report HOST]\n"
	"                   -- COMMAND [ARGUMENT...]\n"
	"       sluice-init --exec [--gateway ADDRESS] [--interface NAME]\n"
	"                   [--user NAME|UID[:GID]] [--workdir FOLDER]\n"
	"                   -- COMMAND [ARGUMENT...]\n"
	"on a bare machine also:\n"
	"                   --root DEVICE [--scratch DEVICE] [--share TAG FOLDER]\n"
	"                   [--hostname NAME] [--address ADDRESS/BITS]...\n"
	"                   [--env NAME=VALUE]... [--terminal ROWSxCOLUMNS TYPE]\n";

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
	struct in6_addr in6;

	if (inet_pton(family, text, parsed.bytes) != 1)
		return false;
	memcpy(&in6, parsed.bytes, sizeof(in6));
	if (family == AF_INET) {
		if (parsed.bytes[0] == 0 || parsed.bytes[0] == 127 ||
		    parsed.bytes[0] >= 224)
			return false;
	} else if (IN6_IS_ADDR_UNSPECIFIED(&in6) ||
		   IN6_IS_ADDR_LOOPBACK(&in6) || IN6_IS_ADDR_MULTICAST(&in6) ||
		   IN6_IS_ADDR_V4MAPPED(&in6) || IN6_IS_ADDR_LINKLOCAL(&in6)) {
		return false;
	}
	*address = parsed;
	return true;
}

/* A number below 65536 at the start of @text; what is behind it, or NULL. */
static const char *number(const char *text, uint16_t *value)
{
	uint32_t n = 0;

	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++) {
		n = n * 10 + (uint32_t)(*text - '0');
		if (n > UINT16_MAX)
			return NULL;
	}
	*value = (uint16_t)n;
	return text;
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

/* "10.77.0.2/30"; one of each family. */
static bool add_address(struct network *network, const char *text)
{
	struct network_address found = { .len = 0 };
	char alone[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t skip = slash ? (size_t)(slash - text) : 0;
	uint16_t bits = 0;
	const char *end;

	if (skip == 0 || skip >= sizeof(alone))
		return false;
	memcpy(alone, text, skip);
	alone[skip] = '\0';
	if (!unicast(strchr(alone, ':') ? AF_INET6 : AF_INET, alone,
		     &found.address))
		return false;
	end = number(slash + 1, &bits);
	if (!end || *end != '\0' || bits == 0 ||
	    bits > (found.address.family == AF_INET6 ? 128 : 32))
		return false;
	for (size_t i = 0; i < network->n_addresses; i++)
		if (network->addresses[i].address.family ==
		    found.address.family)
			return false;
	found.len = (uint8_t)bits;
	network->addresses[network->n_addresses++] = found;
	return true;
}

/* "24x80" */
static bool terminal_size(const char *text, struct terminal *terminal)
{
	const char *at = number(text, &terminal->rows);

	if (!at || *at != 'x')
		return false;
	at = number(at + 1, &terminal->columns);
	return at && *at == '\0' && terminal->rows > 0 && terminal->columns > 0;
}

static bool hostname(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");

	return len > 0 && len <= OPTIONS_HOSTNAME_MAX && text[len] == '\0' &&
	       text[0] != '-' && text[0] != '.';
}

static bool complain(const char *option, const char *text, const char *what)
{
	(void)report(STEP, 0, "%s %s %s", option, text, what);
	return false;
}

static bool judge_network(const struct given *given, struct options *options)
{
	struct network *network = &options->network;

	if (!given->gateway && !options->exec)
		return complain("--gateway", "is", "missing");
	if (given->gateway &&
	    !unicast(AF_INET, given->gateway, &network->gateway))
		return complain("--gateway", given->gateway,
				"is no IPv4 host address");
	if (given->gateway6 &&
	    !unicast(AF_INET6, given->gateway6, &network->gateway6))
		return complain("--gateway6", given->gateway6,
				"is no IPv6 host address");
	if (!hardware_parse_interface(&network->card, network->interface,
				      given->interface))
		return complain("--interface", given->interface,
				"is no interface's name");
	return true;
}

static bool judge_machine(const struct given *given, struct options *options)
{
	const struct root *root = &options->root;

	if (!root->device)
		return complain("--root", "is", "missing");
	if (root->share_path && root->share_path[0] != '/')
		return complain("--share", root->share_path,
				"does not begin with /");
	if (options->hostname && !hostname(options->hostname))
		return complain("--hostname", options->hostname,
				"is no host's name");
	for (size_t i = 0; i < options->n_environment; i++)
		if (strchr(options->environment[i], '=') ==
			    options->environment[i] ||
		    !strchr(options->environment[i], '='))
			return complain("--env", options->environment[i],
					"is not NAME=VALUE");
	if (given->rows_columns) {
		options->terminal.wanted = true;
		if (!terminal_size(given->rows_columns, &options->terminal))
			return complain("--terminal", given->rows_columns,
					"is not ROWSxCOLUMNS");
	}
	if (!options->workdir)
		options->workdir = root->share_path;
	return true;
}

static bool judge(const struct given *given, bool bare, struct options *options)
{
	options->user = given->user;
	if (!judge_network(given, options))
		return false;
	if (!timeout(given->timeout, &options->timeout_ms)) {
		(void)report(STEP, 0, "--timeout %s is not from 1 to %d",
			     given->timeout, TIMEOUT_MAX_S);
		return false;
	}
	if (options->exec && (bare || options->dns_over_tcp || options->report))
		return complain("--exec", "enters a machine",
				"that is set up already");
	if (options->report && !hostname(options->report))
		return complain("--report", options->report,
				"is no host's name");
	return !bare || judge_machine(given, options);
}

/* The second word of an option that has two. */
static char *second(int argc, char **argv)
{
	return optind < argc ? argv[optind++] : NULL;
}

/* One that only a bare machine has; false if it is not sound. */
static bool take_machine_option(int option, int argc, char **argv,
				struct given *given, struct options *options)
{
	switch (option) {
	case 'R':
		options->root.device = optarg;
		return true;
	case 'S':
		options->root.scratch = optarg;
		return true;
	case 'V':
		options->root.share_tag = optarg;
		options->root.share_path = second(argc, argv);
		return options->root.share_path ||
		       complain("--share", optarg, "has no folder");
	case 'H':
		options->hostname = optarg;
		return true;
	case 'a':
		return add_address(&options->network, optarg) ||
		       complain("--address", optarg,
				"is not one ADDRESS/BITS of a family");
	case 'e':
		if (options->n_environment == OPTIONS_ENVIRONMENT_MAX)
			return complain("--env", optarg, "is one too many");
		options->environment[options->n_environment++] = optarg;
		return true;
	case 'T':
		given->rows_columns = optarg;
		options->terminal.type = second(argc, argv);
		return options->terminal.type ||
		       complain("--terminal", optarg, "has no type");
	default:
		(void)fputs(usage, stderr);
		return false;
	}
}

static bool take_option(int option, struct given *given,
			struct options *options)
{
	switch (option) {
	case 'g':
		given->gateway = optarg;
		break;
	case 'G':
		given->gateway6 = optarg;
		break;
	case 'i':
		given->interface = optarg;
		break;
	case 'u':
		given->user = optarg;
		break;
	case 't':
		given->timeout = optarg;
		break;
	case 'w':
		options->workdir = optarg;
		break;
	case 'x':
		options->exec = true;
		break;
	case 'd':
		options->dns_over_tcp = true;
		break;
	case 'r':
		options->report = optarg;
		break;
	default:
		return false;
	}
	return true;
}

enum options_result options_parse(int argc, char **argv, bool bare,
				  struct options *options)
{
	static const struct option known[] = {
		{ "gateway", required_argument, NULL, 'g' },
		{ "gateway6", required_argument, NULL, 'G' },
		{ "interface", required_argument, NULL, 'i' },
		{ "user", required_argument, NULL, 'u' },
		{ "timeout", required_argument, NULL, 't' },
		{ "workdir", required_argument, NULL, 'w' },
		{ "exec", no_argument, NULL, 'x' },
		{ "dns-over-tcp", no_argument, NULL, 'd' },
		{ "report", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		/* Of a bare machine. */
		{ "root", required_argument, NULL, 'R' },
		{ "scratch", required_argument, NULL, 'S' },
		{ "share", required_argument, NULL, 'V' },
		{ "hostname", required_argument, NULL, 'H' },
		{ "address", required_argument, NULL, 'a' },
		{ "env", required_argument, NULL, 'e' },
		{ "terminal", required_argument, NULL, 'T' },
		{ NULL, 0, NULL, 0 },
	};
	struct given given = {
		.gateway = from_environment("SLUICE_GATEWAY"),
		.gateway6 = from_environment("SLUICE_GATEWAY6"),
		.interface = from_environment("SLUICE_INTERFACE"),
		.user = from_environment("SLUICE_USER"),
		.timeout = from_environment("SLUICE_TIMEOUT"),
	};
	int option, place = 0;

	*options = (struct options){ .workdir = NULL };
	if (!given.interface)
		given.interface = "eth0";
	if (!given.timeout)
		given.timeout = "10";
	/* "+": what follows the command is the command's own. */
	while ((option = getopt_long(argc, argv, "+", known, &place)) != -1) {
		if (option == 'h') {
			(void)fputs(usage, stdout);
			return OPTIONS_HELP;
		}
		if (take_option(option, &given, options))
			continue;
		if (option != '?' && !bare) {
			(void)report(STEP, 0,
				     "--%s is for the first process of a bare "
				     "machine",
				     known[place].name);
			return OPTIONS_BAD;
		}
		if (!take_machine_option(option, argc, argv, &given, options))
			return OPTIONS_BAD;
	}
	if (!judge(&given, bare, options))
		return OPTIONS_BAD;
	if (optind >= argc) {
		(void)report(STEP, 0, "there is no command to run");
		return OPTIONS_BAD;
	}
	options->command = argv + optind;
	return OPTIONS_RUN;
}
