/*
 * config.h - what the command line says
 */
#ifndef SLUICE_CONFIG_H
#define SLUICE_CONFIG_H

#include "dns/lookup.h"
#include "log.h"
#include "machine.h"
#include "netfilter/redirect.h"
#include "refusal.h"

#define CONFIG_WORKERS_MAX 64
#define CONFIG_TCP_PORT 15001 /* where redirected connections arrive */
#define CONFIG_DNS_PORT 15053
#define CONFIG_LOG_GROUP 1518 /* NFLOG */
#define CONFIG_RESOLVER_PORT 53

struct config {
	const char *manifest; /* file */
	const char *audit;    /* file; NULL for standard output */
	const char *trust;    /* PEM bundle; NULL for the system's */
	struct lookup_server resolvers[LOOKUP_SERVERS_MAX];
	size_t n_resolvers;
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
 * Fills in what the interface has, or with --init will have: our addresses on
 * it and its prefixes. Returns 0, or -errno with the reason logged.
 */
MUST_CHECK int config_probe_interface(struct config *config);

#endif
