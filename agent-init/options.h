/*
 * options.h - the command line, and the environment that stands in for it
 */
#ifndef SLUICE_OPTIONS_H
#define SLUICE_OPTIONS_H

#include "attributes.h"
#include "network.h"

#include <stdint.h>

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
	char **command; /* NULL-terminated, at least one word */
};

/*
 * An option of the command line goes before SLUICE_GATEWAY, SLUICE_GATEWAY6,
 * SLUICE_INTERFACE, SLUICE_USER and SLUICE_TIMEOUT, in which an empty value
 * counts as none.
 */
MUST_CHECK enum options_result options_parse(int argc, char **argv,
					     struct options *options);

#endif
