#include "invocation.h"

#include "complain.h"
#include "folders.h"
#include "manifest_file.h"
#include "nameserver.h"
#include "policy.h"
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

static const char usage[] = "usage: sluice %s -m MANIFEST [--backend NAME] "
			    "[--audit FILE]\n"
			    "                  "
			    "[--resolver ADDR[:PORT][#NAME]]... "
			    "[--trust FILE]\n"
			    "                  [--secrets FILE] "
			    "[--user NAME|UID[:GID]] [-v]\n"
			    "                  -- COMMAND...\n";

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
		default:
			(void)fprintf(stderr, usage, command);
			return false;
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
}
