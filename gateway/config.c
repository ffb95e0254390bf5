#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2

static const char usage[] =
	"usage: sluice-gateway --internal INTERFACE --manifest FILE\n"
	"                      [--agent ADDRESS]... [--resolver ADDRESS[:PORT][#NAME]]...\n"
	"                      [--audit FILE] [--audit-size SIZE]\n"
	"                      [--audit-keep N] [--trust FILE] [--secrets FILE]\n"
	"                      [--never-dial ADDRESS[/BITS]]...\n"
	"                      [--workers N] [--ready-fd FD] [--log-level LEVEL]\n"
	"                      [--init --internal-address ADDRESS/BITS...\n"
	"                       --uplink INTERFACE\n"
	"                       --uplink-address ADDRESS/BITS|dhcp|ra...\n"
	"                       [--uplink-gateway ADDRESS]... [--agent-mac MAC]]\n";

NORETURN static void misused(const char *what, const char *text)
{
	(void)fprintf(stderr, "sluice-gateway: %s \"%s\"\n%s", what, text,
		      usage);
	exit(EXIT_USAGE);
}

static bool parse_number(const char *text, unsigned long least,
			 unsigned long most, unsigned long *number)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*number = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && *number >= least &&
	       *number <= most;
}

/* Bytes, or so many of K, M or G of them. */
static bool parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMG";
	char digits[16];
	size_t len = strlen(text);
	const char *unit = len > 0 ? strchr(units, text[len - 1]) : NULL;
	unsigned long number;

	if (unit)
		len--;
	if (len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!parse_number(digits, 0, 1UL << 30, &number))
		return false;
	*size = number;
	if (unit)
		*size <<= 10 * (unit - units + 1);
	return *size == 0 || *size >= AUDIT_FILE_MIN;
}

static void add_resolver(struct config *config, const char *text)
{
	struct nameserver *list = config->resolvers;

	if (config->n_resolvers == NAMESERVERS_MAX)
		misused("one resolver too many:", text);
	if (!nameserver_parse(&list[config->n_resolvers], text, strlen(text)))
		misused(nameserver_hint(text, strlen(text)), text);
	config->n_resolvers++;
	if (nameservers_differ(list, config->n_resolvers))
		misused("some resolvers with #NAME and some without would tell in clear what the others are to hide:",
			text);
}

static void add_agent(struct config *config, const char *text)
{
	struct redirect *redirect = &config->redirect;

	if (redirect->n_agents == REDIRECT_AGENTS_MAX)
		misused("one agent too many:", text);
	if (!address_parse(&redirect->agents[redirect->n_agents], text,
			   strlen(text)))
		misused("not an address:", text);
	redirect->n_agents++;
}

static void add_never(struct config *config, const char *text)
{
	if (config->n_never == CONFIG_NEVER_MAX)
		misused("one prefix too many:", text);
	if (!prefix_parse(&config->never[config->n_never], text, strlen(text)))
		misused("not ADDRESS/BITS:", text);
	config->n_never++;
}

/* The system's own resolvers, where the command line names none. */
static void read_resolv_conf(struct config *config)
{
	FILE *file = fopen("/etc/resolv.conf", "re");
	char line[256], address[64];

	if (!file)
		return;
	while (fgets(line, sizeof(line), file) &&
	       config->n_resolvers < NAMESERVERS_MAX) {
		struct nameserver *server =
			&config->resolvers[config->n_resolvers];

		*server = (struct nameserver){ .port = NAMESERVER_PORT };
		if (sscanf(line, "nameserver %63s", address) == 1 &&
		    address_parse(&server->address, address, strlen(address)))
			config->n_resolvers++;
	}
	(void)fclose(file);
}

/* What only a bare machine has. */
static void parse_machine_option(struct config *config, int option,
				 const char *text)
{
	struct machine *machine = &config->machine;

	switch (option) {
	case 'I':
		machine->init = true;
		break;
	case 'A':
		if (!machine_add_internal(machine, text))
			misused("not one ADDRESS/BITS of a family:", text);
		break;
	case 'u':
		if (!hardware_parse_interface(&machine->uplink_card,
					      machine->uplink, text))
			misused("not an interface, nor mac= and a card's "
				"hardware address:",
				text);
		break;
	case 'U':
		if (!machine_add_uplink(machine, text))
			misused("not dhcp, ra or one ADDRESS/BITS of a family:",
				text);
		break;
	case 'G':
		if (!machine_add_gateway(machine, text))
			misused("not one address of a family:", text);
		break;
	case 'M':
		if (!hardware_parse(config->redirect.agent_mac, text))
			misused("not a card's hardware address:", text);
		config->redirect.agent_mac_known = true;
		break;
	default:
		(void)fputs(usage, stderr);
		exit(EXIT_USAGE);
	}
}

static void parse_option(struct config *config, int option, const char *text)
{
	unsigned long number;

	switch (option) {
	case 'i':
		if (!hardware_parse_interface(&config->machine.internal_card,
					      config->redirect.internal, text))
			misused("not an interface, nor mac= and a card's "
				"hardware address:",
				text);
		break;
	case 'm':
		config->manifest = text;
		break;
	case 'a':
		add_agent(config, text);
		break;
	case 'r':
		add_resolver(config, text);
		break;
	case 'o':
		config->audit.path = text;
		break;
	case 'S':
		if (!parse_size(text, &config->audit.full))
			misused("not a size from 64K up, or 0:", text);
		break;
	case 'K':
		if (!parse_number(text, 0, AUDIT_FILES_MAX, &number))
			misused("not a number of files:", text);
		config->audit.keep = (unsigned)number;
		break;
	case 't':
		config->trust = text;
		break;
	case 's':
		config->secrets = text;
		break;
	case 'w':
		if (!parse_number(text, 1, CONFIG_WORKERS_MAX, &number))
			misused("not a number of workers:", text);
		config->workers = (unsigned)number;
		break;
	case 'f':
		if (!parse_number(text, 0, 1 << 20, &number))
			misused("not a descriptor:", text);
		config->ready_fd = (int)number;
		break;
	case 'n':
		add_never(config, text);
		break;
	case 'l':
		if (!log_level_parse(&config->log_level, text))
			misused("not err, warn, info or debug:", text);
		break;
	default:
		parse_machine_option(config, option, text);
	}
}

/* Not all that there are: a container may have been given a few. */
static int cores_allowed(void)
{
	cpu_set_t allowed;

	return sched_getaffinity(0, sizeof(allowed), &allowed) == 0
		       ? CPU_COUNT(&allowed)
		       : 1;
}

void config_parse(struct config *config, int argc, char **argv)
{
	static const struct option options[] = {
		{ "internal", required_argument, NULL, 'i' },
		{ "manifest", required_argument, NULL, 'm' },
		{ "agent", required_argument, NULL, 'a' },
		{ "resolver", required_argument, NULL, 'r' },
		{ "audit", required_argument, NULL, 'o' },
		{ "audit-size", required_argument, NULL, 'S' },
		{ "audit-keep", required_argument, NULL, 'K' },
		{ "trust", required_argument, NULL, 't' },
		{ "secrets", required_argument, NULL, 's' },
		{ "never-dial", required_argument, NULL, 'n' },
		{ "workers", required_argument, NULL, 'w' },
		{ "ready-fd", required_argument, NULL, 'f' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "init", no_argument, NULL, 'I' },
		{ "internal-address", required_argument, NULL, 'A' },
		{ "uplink", required_argument, NULL, 'u' },
		{ "uplink-address", required_argument, NULL, 'U' },
		{ "uplink-gateway", required_argument, NULL, 'G' },
		{ "agent-mac", required_argument, NULL, 'M' },
		{ 0 },
	};
	int cores = cores_allowed();
	const char *objection;
	int option;

	*config = (struct config){
		.ready_fd = -1,
		.log_level = LOG_LEVEL_INFO,
		.audit = { .full = AUDIT_FILE_FULL },
		.workers = cores < 1 ? 1 : (unsigned)cores,
		.redirect = { .tcp_port = CONFIG_TCP_PORT,
			      .dns_port = CONFIG_DNS_PORT,
			      .near_dns_port = CONFIG_NEAR_DNS_PORT,
			      .log_group = CONFIG_LOG_GROUP },
	};
	if (config->workers > CONFIG_WORKERS_MAX)
		config->workers = CONFIG_WORKERS_MAX;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		parse_option(config, option, optarg);
	config->redirect.workers = config->workers;
	if (optind < argc)
		misused("what is", argv[optind]);
	if (config->redirect.internal[0] == '\0' &&
	    !config->machine.internal_card.known)
		misused("which is the agent's side? Give", "--internal");
	if (!config->manifest)
		misused("what may the agent reach? Give", "--manifest");
	objection = machine_objection(&config->machine, &config->redirect);
	if (objection) {
		(void)fprintf(stderr, "sluice-gateway: %s\n%s", objection,
			      usage);
		exit(EXIT_USAGE);
	}
	if (config->machine.dhcp)
		return;
	if (config->n_resolvers == 0)
		read_resolv_conf(config);
}

const struct nameserver *config_resolvers(const struct config *config,
					  const struct policy *policy,
					  size_t *n)
{
	const struct nameserver *resolvers = policy_resolvers(policy, n);

	if (*n > 0)
		return resolvers;
	*n = config->n_resolvers;
	return config->resolvers;
}

static uint8_t mask_len(const struct address *mask)
{
	unsigned len = 0;

	for (size_t i = 0; i < sizeof(mask->bytes); i++)
		len += (unsigned)__builtin_popcount(mask->bytes[i]);
	return (uint8_t)len;
}

static void add_address(struct redirect *redirect, const struct ifaddrs *entry)
{
	static const uint8_t link_local[2] = { 0xfe, 0x80 };
	struct address address, mask;

	if (!address_from_sockaddr(&address, NULL, entry->ifa_addr) ||
	    !address_from_sockaddr(&mask, NULL, entry->ifa_netmask))
		return;
	if (address.family == AF_INET6 &&
	    memcmp(address.bytes, link_local, sizeof(link_local)) == 0)
		return;
	if (address.family == AF_INET && redirect->gateway4.family == 0)
		redirect->gateway4 = address;
	if (address.family == AF_INET6 && redirect->gateway6.family == 0)
		redirect->gateway6 = address;
	if (redirect->n_prefixes < REDIRECT_AGENTS_MAX)
		redirect->prefixes[redirect->n_prefixes++] =
			prefix_of(&address, mask_len(&mask));
}

int config_probe_interface(struct config *config)
{
	struct redirect *redirect = &config->redirect;
	struct ifaddrs *list;

	if (config->machine.init) {
		machine_fill(&config->machine, redirect);
		return 0;
	}
	if (if_nametoindex(redirect->internal) == 0) {
		log_err("config: no interface \"%s\"", redirect->internal);
		return -ENODEV;
	}
	if (getifaddrs(&list) < 0) {
		log_err("config: cannot read addresses: %s", strerror(errno));
		return -errno;
	}
	for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next)
		if (strcmp(entry->ifa_name, redirect->internal) == 0 &&
		    entry->ifa_addr && entry->ifa_netmask)
			add_address(redirect, entry);
	freeifaddrs(list);
	if (redirect->gateway4.family == 0 && redirect->gateway6.family == 0) {
		log_err("config: \"%s\" has no address", redirect->internal);
		return -EADDRNOTAVAIL;
	}
	return 0;
}
