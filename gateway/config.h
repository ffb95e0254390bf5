/*
 * config.h - what the command line says
 */
#ifndef SLUICE_CONFIG_H
#define SLUICE_CONFIG_H

#include "audit_file.h"
#include "log.h"
#include "machine/machine.h"
#include "nameserver.h"
#include "netfilter/redirect.h"
#include "policy.h"
#include "refusal.h"

#define CONFIG_WORKERS_MAX 64
#define CONFIG_TCP_PORT 15001 /* where redirected connections arrive */
#define CONFIG_DNS_PORT 15053
#define CONFIG_NEAR_DNS_PORT 15054
#define CONFIG_LOG_GROUP 1518 /* NFLOG */
#define CONFIG_NEVER_MAX 16   /* prefixes that are never dialled */

struct config {
	const char *manifest;    /* file */
	struct audit_file audit; /* not open yet */
	const char *trust;       /* PEM bundle; NULL for the system's */
	const char *secrets;     /* file; NULL for none */
	struct nameserver resolvers[NAMESERVERS_MAX];
	size_t n_resolvers;       /* perhaps none: then the manifest has some */
	/* Where no connection leads, whatever the manifest says. */
	struct prefix never[CONFIG_NEVER_MAX];
	size_t n_never;
	struct redirect redirect; /* the interface and all addresses */
	struct machine machine;   /* with --init */
	unsigned workers;
	int ready_fd; /* -1 if nobody waits */
	enum log_level log_level;
	uint8_t refusal_key[REFUSAL_KEY_LEN];
};

/*
 * Reads the command line, or prints what is wrong with it and ends the
 * process with status 2. What it cannot know yet (the addresses of the
 * interface) is left empty.
 */
void config_parse(struct config *config, int argc, char **argv);

/*
 * Whom to ask for names: those of the manifest if it has any, else those of
 * the command line. @n is 0 if nobody is known.
 */
const struct nameserver *config_resolvers(const struct config *config,
					  const struct policy *policy,
					  size_t *n);

/*
 * Fills in what the interface has, or with --init will have: our addresses on
 * it and its prefixes. Returns 0, or -errno with the reason logged.
 */
MUST_CHECK int config_probe_interface(struct config *config);

#endif
