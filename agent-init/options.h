/*
 * options.h - the command line, and the environment that stands in for it
 */
#ifndef SLUICE_OPTIONS_H
#define SLUICE_OPTIONS_H

#include "attributes.h"
#include "network.h"
#include "root.h"
#include "streams.h"

#include <stdint.h>

#define OPTIONS_ENVIRONMENT_MAX 256 /* variables */
#define OPTIONS_HOSTNAME_MAX 64

enum options_result {
	OPTIONS_BAD = 0, /* said so on standard error */
	OPTIONS_HELP,    /* asked for, and given */
	OPTIONS_RUN,
};

/* The strings are those of the command line or of the environment. */
struct options {
	struct network network;
	const char *user;    /* NULL: stay who we are */
	const char *workdir; /* NULL: stay where we are */
	int64_t timeout_ms;
	bool exec;          /* on a machine that is set up: privileges alone */
	bool dns_over_tcp;  /* names are asked for by way of a stub */
	const char *report; /* a host to try who trusts the gateway; or NULL */
	char **command;     /* NULL-terminated, at least one word */

	/* What a bare machine alone has. */
	struct root root;
	struct terminal terminal;
	const char *hostname; /* NULL: whatever the kernel says */
	char *environment[OPTIONS_ENVIRONMENT_MAX]; /* NAME=VALUE */
	size_t n_environment;
};

/*
 * An option of the command line goes before SLUICE_GATEWAY, SLUICE_GATEWAY6,
 * SLUICE_INTERFACE, SLUICE_USER and SLUICE_TIMEOUT, in which an empty value
 * counts as none. @bare: this is a bare machine's first process.
 */
MUST_CHECK enum options_result options_parse(int argc, char **argv, bool bare,
					     struct options *options);

#endif
