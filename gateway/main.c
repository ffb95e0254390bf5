/*
 * main.c - sluice-gateway: what happens at start, in order
 *
 * The kernel's rules come first: from then on the agent's packets go to ports
 * where nobody listens yet, or nowhere, and whatever fails later fails closed.
 * They stay when we end.
 */
#include "config.h"
#include "deadline.h"
#include "machine/init.h"
#include "machine/interfaces.h"
#include "machine/uplink.h"
#include "manifest.h"
#include "netfilter/nft.h"
#include "ports.h"
#include "supervise.h"
#include "tls/authorities.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READY_PORT "sluice.ready"
#define READY_PORT_MS 1000 /* it comes with the others, or not at all */
#define PORT_MS 10000      /* for a virtual machine's port to appear */
#define DESCRIPTORS 65536  /* on a bare machine, where nobody set a limit */

static void install_rules(struct config *config)
{
	int error = config_probe_interface(config);
	char what[256];
	int link;

	if (error < 0)
		die("redirect: no rules without the internal interface");
	link = nft_open(NULL);
	if (link < 0)
		die("redirect: no netlink: %s", strerror(-link));
	config->redirect.uncounted = !redirect_can_count(link);
	if (config->redirect.uncounted)
		log_warn("redirect: this kernel cannot count connections: "
			 "only their rate is limited");
	config->redirect.tracked = !redirect_can_untrack(link);
	error = redirect_install(&config->redirect, link);
	if (error < 0)
		die("redirect: cannot install the rules: %s", strerror(-error));
	error = redirect_verify(&config->redirect, link, what, sizeof(what));
	if (error != 0)
		die("redirect: the rules are not what was installed: %s",
		    error < 0 ? strerror(-error) : what);
	(void)close(link);
	error = redirect_forward_nothing();
	if (error < 0)
		die("redirect: forwarding is on and cannot be turned off: %s",
		    strerror(-error));
}

/*
 * The text, once it and the secrets that it names have been found good; dies
 * with every mistake listed.
 */
static char *load_manifest(const struct config *config,
			   const struct secrets *secrets, size_t *len)
{
	const char *file = config->manifest;
	struct manifest_errors errors = { 0 };
	struct policy *policy;
	char *text;
	size_t n_resolvers;
	int error = manifest_read(file, &text, len);

	if (error < 0)
		die("manifest: cannot read %s: %s", file, strerror(-error));
	policy = manifest_parse(text, *len, &errors);
	if (!policy) {
		manifest_errors_print(&errors, file, stderr);
		die("manifest: %zu mistakes in %s: nothing is admitted",
		    errors.n, file);
	}
	if (!authorities_check(policy, file))
		die("manifest: mistakes in %s: nothing is admitted", file);
	if (!secrets_suffice(secrets, policy, file, stderr))
		die("manifest: secrets that %s names are missing: nothing is "
		    "admitted",
		    file);
	(void)config_resolvers(config, policy, &n_resolvers);
	if (n_resolvers == 0)
		die("manifest: whom to ask for names? Give --resolver, or resolvers: in %s; %s",
		    file,
		    config->machine.dhcp ? "the lease names none"
					 : "/etc/resolv.conf has none");
	policy_free(policy);
	return text;
}

static void open_audit(struct audit_file *file, bool bare)
{
	int error = 0;

	if (bare && file->path)
		error = ports_await(file->path, deadline_in(PORT_MS));
	if (error < 0)
		die("audit: no %s has appeared: %s", file->path,
		    strerror(-error));
	error = audit_file_open(file);
	if (error < 0)
		die("audit: cannot open %s: %s",
		    file->path ? file->path : "standard output",
		    strerror(-error));
}

/* Where the host waits for a virtual machine, and no option names another. */
static void open_ready(struct config *config)
{
	int fd;

	if (config->ready_fd >= 0)
		return;
	fd = ports_open(READY_PORT, deadline_in(READY_PORT_MS));
	if (fd < 0 && fd != -ENXIO)
		log_warn("main: no port " READY_PORT ": %s", strerror(-fd));
	if (fd >= 0)
		config->ready_fd = fd;
}

static void raise_limits(bool bare)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (bare && limit.rlim_max < DESCRIPTORS) {
		const struct rlimit more = { DESCRIPTORS, DESCRIPTORS };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return;
	}
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warn("main: cannot raise the limit of descriptors: %s",
			 strerror(errno));
}

int main(int argc, char **argv)
{
	struct config config;
	struct uplink uplink;
	struct secrets *secrets;
	char *manifest;
	size_t len;
	bool bare;

	if (uplink_is_hook(argc, argv))
		return uplink_hook(argv[1]);
	init_prepare(&argc, &argv);
	bare = init_become(argc, argv);
	config_parse(&config, argc, argv);
	if (config.machine.init != bare)
		die("main: --init is a word of its own, in full");
	log_set(config.log_level, "main");
	umask(077);
	/*
	 * The C library would look for the time zone when it first formats a
	 * time, which in a process that may open no file is its end.
	 */
	if (setenv("TZ", "UTC0", 1) < 0)
		die("main: out of memory");
	tzset();
	if (bare)
		interfaces_find(&config.machine, &config.redirect);
	install_rules(&config);
	if (bare)
		interfaces_set_up(&config.machine, &config.redirect);
	uplink_init(&uplink, &config);

	secrets = secrets_read(config.secrets);
	if (!secrets)
		die("secrets: nothing is admitted without them");
	manifest = load_manifest(&config, secrets, &len);
	open_audit(&config.audit, bare);
	if (bare)
		open_ready(&config);
	raise_limits(bare);
	if (getrandom(config.refusal_key, sizeof(config.refusal_key), 0) !=
	    sizeof(config.refusal_key))
		die("main: no randomness: %s", strerror(errno));
	/* From here on only what it cannot do without itself ends it. */
	return supervise(&config, &config.audit, manifest, len, secrets,
			 &uplink);
}
