/*
 * secrets.h - what a manifest names and does not say: credentials, by name
 *
 * They are given in a file of NAME=value lines, which PID 1 reads. Workers
 * have them from birth, and anew with each manifest, over the control socket.
 * They lie in memory of their own, which is left out of core dumps and wiped
 * when it is given back; nothing else keeps them for longer than it takes to
 * write a request.
 *
 * A value is taken as it stands, from behind the equals sign to the end of
 * the line. One that is the first line of a PEM block goes on to the last of
 * it, and of the blocks that follow without a line between. Empty lines and
 * those that begin with "#" are passed over.
 */
#ifndef SLUICE_SECRETS_H
#define SLUICE_SECRETS_H

#include "policy.h"

#include <stdio.h>

#define SECRETS_MAX 256
#define SECRETS_TEXT_MAX 65536 /* bytes of the file */
#define SECRET_VALUE_MIN 8     /* bytes; less would be struck out anywhere */
#define SECRET_VALUE_MAX 4096  /* of one that is a line */
#define SECRET_PEM_MAX 16384

struct secrets;

/* A value, borrowed from the secrets that it was found in. */
struct secret {
	const char *value;
	size_t len;
};

/*
 * Reads the lines at @text, and keeps a copy. NULL, with @why and @line set,
 * if there is a mistake, or (line 0) no memory. The text is the caller's to
 * wipe.
 */
MUST_CHECK struct secrets *secrets_parse(const char *text, size_t len,
					 unsigned *line, const char **why);

/*
 * The same from a file; none at all for a @file of NULL. NULL after saying in
 * the log what is wrong.
 */
MUST_CHECK struct secrets *secrets_read(const char *file);

/* Wipes and frees them; accepts NULL. */
void secrets_free(struct secrets *secrets);

/* The text that they were read from. */
struct secret secrets_text(const struct secrets *secrets);

/* False if there is none of that name. */
MUST_CHECK bool secrets_find(const struct secrets *secrets, const char *name,
			     struct secret *secret);

/*
 * Whether every route of @policy has the secrets that it names, and they are
 * what it takes them for. What is not so is told to @out, as mistakes of the
 * manifest @file.
 */
MUST_CHECK bool secrets_suffice(const struct secrets *secrets,
				const struct policy *policy, const char *file,
				FILE *out);

#endif
