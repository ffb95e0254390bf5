#include "invocation.h"

#include "accelerator.h"
#include "complain.h"
#include "folders.h"
#include "manifest_file.h"
#include "nameserver.h"
#include "policy.h"
#include "raw_terminal.h"
#include "share.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_SYSTEMD "/run/systemd/resolve/resolv.conf"
#define RESOLV_CONF_MAX 65536

/* Of machines, in MiB; less than the least does not boot. */
#define MEMORY_MIN 80
#define MEMORY_MAX (1u << 20)
#define MEMORY_AGENT 512
#define MEMORY_GATEWAY 128
#define PROCESSORS_MAX 256

static const char usage[] =
	"usage: sluice %s -m MANIFEST [--backend NAME] [--audit FILE]\n"
	"                  [--resolver ADDR[:PORT][#NAME]]... [--trust FILE]\n"
	"                  [--secrets FILE] [--user NAME|UID[:GID]] [-v]\n"
	"                  [--root FOLDER|IMAGE] [--env NAME[=VALUE]]...\n"
	"                  [--memory MIB] [--gateway-memory MIB] "
	"[--processors N]\n"
	"                  [--kernel FILE [--modules FOLDER]] "
	"[--accel kvm|hvf|tcg]\n"
	"                  [--timings] -- COMMAND...\n";

/* False after saying what is wrong with it. */
static bool add_resolver(struct invocation *invocation, const char *text)
{
	size_t *n = &invocation->options.n_resolvers;
	const char *first = invocation->resolvers[0];
	struct nameserver pair[2];

	if (!nameserver_parse(&pair[0], text, strlen(text))) {
		complain("--resolver %s: %s", text,
			 nameserver_hint(text, strlen(text)));
		return false;
	}
	if (*n == PLAN_RESOLVERS_MAX) {
		complain("--resolver: at most %d", PLAN_RESOLVERS_MAX);
		return false;
	}
	if (*n > 0 && nameserver_parse(&pair[1], first, strlen(first)) &&
	    nameservers_differ(pair, 2)) {
		complain("--resolver %s: either all have a #NAME or none: one "
			 "that is asked in clear would tell what the others "
			 "are to hide",
			 text);
		return false;
	}
	(void)snprintf(invocation->resolvers[(*n)++], PLAN_RESOLVER_TEXT_MAX,
		       "%s", text);
	return true;
}

static bool set_backend(struct invocation *invocation, const char *name)
{
	invocation->backend = backend_find(name);
	if (invocation->backend)
		return true;
	complain("--backend %s: there is none of that name; sluice doctor "
		 "lists them",
		 name);
	return false;
}

/* NAME=VALUE, or NAME, whose value is ours; one that we have not is left out. */
static bool add_environment(struct invocation *invocation, const char *text)
{
	const char *value = strchr(text, '=') ? NULL : getenv(text);
	char *word = NULL;

	if (text[0] == '\0' || text[0] == '=') {
		complain("--env %s: expected NAME or NAME=VALUE", text);
		return false;
	}
	if (!strchr(text, '=') && !value)
		return true;
	if (invocation->n_environment == INVOCATION_ENVIRONMENT_MAX) {
		complain("--env: at most %d", INVOCATION_ENVIRONMENT_MAX);
		return false;
	}
	if (asprintf(&word, value ? "%s=%s" : "%s", text, value) < 0) {
		complain_errno("--env", ENOMEM);
		return false;
	}
	invocation->environment[invocation->n_environment++] = word;
	return true;
}

static bool set_number(const char *option, const char *text, unsigned min,
		       unsigned max, unsigned *number)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || value < min ||
	    value > max) {
		complain("--%s %s: expected a number from %u to %u", option,
			 text, min, max);
		return false;
	}
	*number = (unsigned)value;
	return true;
}

static bool set_accelerator(struct invocation *invocation, const char *name)
{
	invocation->options.machines.accelerator = name;
	if (accelerator_find(name))
		return true;
	complain("--accel %s: expected kvm, hvf or tcg", name);
	return false;
}

/* What only machines have. */
static bool parse_machine_option(struct invocation *invocation, int option,
				 const char *text)
{
	struct plan_machines *machines = &invocation->options.machines;

	switch (option) {
	case 'R':
		invocation->root = text;
		return true;
	case 'e':
		return add_environment(invocation, text);
	case 'M':
		return set_number("memory", text, MEMORY_MIN, MEMORY_MAX,
				  &machines->agent_mib);
	case 'G':
		return set_number("gateway-memory", text, MEMORY_MIN,
				  MEMORY_MAX, &machines->gateway_mib);
	case 'p':
		return set_number("processors", text, 1, PROCESSORS_MAX,
				  &machines->processors);
	case 'k':
		machines->kernel = text;
		return true;
	case 'K':
		machines->modules = text;
		return true;
	case 'A':
		return set_accelerator(invocation, text);
	default:
		machines->timings = true;
		return true;
	}
}

static bool parse_options(int argc, char **argv, struct invocation *invocation)
{
	const char *command = argv[0];
	static const struct option options[] = {
		{ "manifest", required_argument, NULL, 'm' },
		{ "backend", required_argument, NULL, 'b' },
		{ "audit", required_argument, NULL, 'a' },
		{ "resolver", required_argument, NULL, 'r' },
		{ "trust", required_argument, NULL, 't' },
		{ "secrets", required_argument, NULL, 's' },
		{ "user", required_argument, NULL, 'u' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "root", required_argument, NULL, 'R' },
		{ "env", required_argument, NULL, 'e' },
		{ "memory", required_argument, NULL, 'M' },
		{ "gateway-memory", required_argument, NULL, 'G' },
		{ "processors", required_argument, NULL, 'p' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "modules", required_argument, NULL, 'K' },
		{ "accel", required_argument, NULL, 'A' },
		{ "timings", no_argument, NULL, 'T' },
		{ 0 },
	};
	int c;

	/* The name that getopt_long(3) puts before its own messages. */
	argv[0] = (char[]){ "sluice" };
	while ((c = getopt_long(argc, argv, "+m:v", options, NULL)) != -1)
		switch (c) {
		case 'm':
			invocation->manifest = optarg;
			break;
		case 'b':
			if (!set_backend(invocation, optarg))
				return false;
			break;
		case 'a':
			invocation->audit = optarg;
			break;
		case 'r':
			if (!add_resolver(invocation, optarg))
				return false;
			break;
		case 't':
			invocation->trust = optarg;
			break;
		case 's':
			invocation->secrets = optarg;
			break;
		case 'u':
			invocation->user = optarg;
			break;
		case 'v':
			invocation->options.verbose = true;
			break;
		case '?':
			(void)fprintf(stderr, usage, command);
			return false;
		default:
			if (!parse_machine_option(invocation, c, optarg))
				return false;
			break;
		}
	if (!invocation->manifest || optind == argc) {
		(void)fprintf(stderr, usage, command);
		return false;
	}
	invocation->options.command = argv + optind;
	return true;
}

/* The caller, or whom root names. */
static int find_user(struct invocation *invocation)
{
	struct plan_options *options = &invocation->options;
	const struct passwd *entry;

	options->uid = getuid();
	options->gid = getgid();
	if (!invocation->user)
		return 0;
	if (!plan_user_parse(invocation->user, &options->uid, &options->gid)) {
		entry = getpwnam(invocation->user);
		if (!entry) {
			complain("--user %s: no such user", invocation->user);
			return -ENOENT;
		}
		options->uid = entry->pw_uid;
		options->gid = entry->pw_gid;
	}
	if (geteuid() != 0 &&
	    (options->uid != getuid() || options->gid != getgid())) {
		complain("--user %s: only root can run as another user",
			 invocation->user);
		return -EPERM;
	}
	return 0;
}

/* -ENOENT where there is no such file. */
static int read_resolvers(struct invocation *invocation, const char *path,
			  enum plan_resolvers *found)
{
	char text[RESOLV_CONF_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	*found = plan_resolvers_parse(text, invocation->resolvers,
				      &invocation->options.n_resolvers);
	return 0;
}

/*
 * A resolver on the host's loopback cannot be reached from a network
 * namespace. systemd-resolved, the usual one, says elsewhere whom it asks.
 */
static int find_resolvers(struct invocation *invocation, bool manifest_has_some)
{
	enum plan_resolvers found = PLAN_RESOLVERS_NONE;
	int err;

	if (invocation->options.n_resolvers > 0)
		return 0;
	err = read_resolvers(invocation, RESOLV_CONF, &found);
	if (err && !manifest_has_some)
		return complain_errno(RESOLV_CONF, err);
	if (found == PLAN_RESOLVERS_LOOPBACK) {
		err = read_resolvers(invocation, RESOLV_CONF_SYSTEMD, &found);
		if (err && err != -ENOENT)
			return complain_errno(RESOLV_CONF_SYSTEMD, err);
	}
	if (found == PLAN_RESOLVERS_FOUND || manifest_has_some)
		return 0;
	complain(RESOLV_CONF ": names no resolver that the gateway could "
			     "reach%s; give one with --resolver",
		 found == PLAN_RESOLVERS_LOOPBACK ? " (only loopback)" : "");
	return -ENOENT;
}

static int find_program(const char *name, char path[PATH_MAX])
{
	char found[PATH_MAX];

	if (spawn_find(name, found) < 0) {
		complain("%s: not found beside sluice, in /usr/libexec/sluice "
			 "or in PATH",
			 name);
		return -ENOENT;
	}
	if (!realpath(found, path))
		return complain_errno(found, errno);
	return 0;
}

/*
 * The record must be there before the agent is, to be protected from it. Only
 * the folders of the default place are ours to make.
 */
static int find_audit(struct invocation *invocation)
{
	char path[PATH_MAX];
	const char *file = invocation->audit;
	int fd;

	if (!file) {
		if (!plan_audit_file(getenv("XDG_STATE_HOME"), getenv("HOME"),
				     path)) {
			complain("HOME: not set; say where the record goes "
				 "with --audit");
			return -ENOENT;
		}
		if (folders_make(path) < 0)
			return -ENOENT;
		file = path;
	}
	fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
		  0600);
	if (fd < 0)
		return complain_errno(file, errno);
	(void)close(fd);
	if (!realpath(file, invocation->audit_path))
		return complain_errno(file, errno);
	return 0;
}

static int find_paths(struct invocation *invocation)
{
	if (!realpath(invocation->manifest, invocation->manifest_path))
		return complain_errno(invocation->manifest, errno);
	if (invocation->trust &&
	    !realpath(invocation->trust, invocation->trust_path))
		return complain_errno(invocation->trust, errno);
	if (invocation->secrets &&
	    !realpath(invocation->secrets, invocation->secrets_path))
		return complain_errno(invocation->secrets, errno);
	if (!getcwd(invocation->workdir, sizeof(invocation->workdir)))
		return complain_errno("working folder", errno);
	return 0;
}

static const char *first_of(const char *const *paths)
{
	while (*paths && access(*paths, R_OK) < 0)
		paths++;
	return *paths;
}

static void find_terminal(struct plan_machines *machines)
{
	const char *type = getenv("TERM");

	if (!raw_terminal_size(STDIN_FILENO, &machines->rows,
			       &machines->columns) ||
	    !isatty(STDOUT_FILENO))
		return;
	machines->terminal = type && *type != '\0' ? type : "dumb";
}

/* What a machine that starts with nothing is given of the host's. */
static int find_for_machines(struct invocation *invocation)
{
	static const char *const bundles[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
		"/etc/ssl/ca-bundle.pem",             /* SUSE */
		"/etc/ssl/cert.pem",
		NULL,
	};
	static const char *const suffixes[] = {
		"/usr/share/publicsuffix/public_suffix_list.dafsa", NULL
	};
	static const char *const mke2fs[] = { "/usr/sbin/mke2fs",
					      "/sbin/mke2fs", NULL };
	struct plan_machines *machines = &invocation->options.machines;

	machines->as_root = geteuid() == 0;
	machines->trust = first_of(bundles);
	machines->suffixes = first_of(suffixes);
	machines->mke2fs = first_of(mke2fs);
	machines->environment = invocation->environment;
	if (share_find(invocation->share_program))
		machines->share_program = invocation->share_program;
	if (machines->agent_mib == 0)
		machines->agent_mib = MEMORY_AGENT;
	if (machines->gateway_mib == 0)
		machines->gateway_mib = MEMORY_GATEWAY;
	find_terminal(machines);
	if (!add_environment(invocation, "LANG") ||
	    !add_environment(invocation, "TZ"))
		return -ENOMEM;
	if (!invocation->root)
		return 0;
	if (!invocation->backend->takes_root) {
		complain("--root: the backend %s has no other file system than "
			 "the host's; give --backend qemu",
			 invocation->backend->name);
		return -EINVAL;
	}
	/* What is no path may be one with the name of an image behind it. */
	invocation->options.root =
		realpath(invocation->root, invocation->root_path)
			? invocation->root_path
			: invocation->root;
	return 0;
}

static int look_up(struct invocation *invocation, const struct policy *policy)
{
	struct plan_options *options = &invocation->options;
	size_t n_resolvers;
	int err = find_user(invocation);

	(void)policy_resolvers(policy, &n_resolvers);
	if (!err)
		err = find_paths(invocation);
	if (!err)
		err = find_program("sluice-gateway", invocation->gateway);
	if (!err)
		err = find_program("sluice-init", invocation->init);
	if (!err)
		err = find_resolvers(invocation, n_resolvers > 0);
	if (!err)
		err = find_audit(invocation);
	if (!err)
		err = find_for_machines(invocation);
	if (err)
		return err;

	options->manifest = invocation->manifest_path;
	options->audit = invocation->audit_path;
	options->trust = invocation->trust ? invocation->trust_path : NULL;
	options->secrets =
		invocation->secrets ? invocation->secrets_path : NULL;
	options->workdir = invocation->workdir;
	options->gateway_program = invocation->gateway;
	options->init_program = invocation->init;
	options->resolvers = invocation->resolvers;
	return 0;
}

int invocation_read(int argc, char **argv, struct invocation *invocation)
{
	struct policy *policy;
	int err;

	*invocation = (struct invocation){ .backend = backends[0] };
	if (!parse_options(argc, argv, invocation))
		return EXIT_USAGE;
	/* The gateway reads it again; here every mistake is told at once. */
	policy = manifest_file_read(invocation->manifest);
	if (!policy)
		return EXIT_FAILURE;
	err = look_up(invocation, policy);
	policy_free(policy);
	if (err)
		return EXIT_LAUNCHER;
	if (invocation->backend->plan(&invocation->options, &invocation->plan) <
	    0) {
		complain_errno(argv[0], ENOMEM);
		return EXIT_LAUNCHER;
	}
	return 0;
}

void invocation_done(struct invocation *invocation)
{
	plan_done(&invocation->plan);
	for (size_t i = 0; i < invocation->n_environment; i++)
		free(invocation->environment[i]);
}
