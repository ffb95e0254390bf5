/*
 * arguments.h - the words that a bare machine's first process is given
 *
 * A kernel's command line is short, cannot hold every byte, and is read by
 * others too. So the words come as a file of the first file system, each
 * ended by a NUL, as in /proc/PID/cmdline.
 */
#ifndef SLUICE_ARGUMENTS_H
#define SLUICE_ARGUMENTS_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>

#define ARGUMENTS_FILE "/sluice/arguments"
#define ARGUMENTS_MAX 4096            /* words */
#define ARGUMENTS_TEXT_MAX (1U << 20) /* bytes of all of them */

/*
 * The words of @text, which they borrow, behind one that is left to the
 * caller, and before a NULL: an array to free, or NULL if there is no word,
 * the last has no end, there are too many, or memory is short. @n is the
 * number of all words, with the first.
 */
MUST_CHECK char **arguments_split(char *text, size_t len, int *n);

/* Whether a kernel's command line has words meant for its first process. */
MUST_CHECK bool arguments_are_in(const char *cmdline);

/*
 * Puts the file's words in place of *@argv's but the first, for good. That is
 * done only by the first process of a bare machine, and not where the kernel's
 * command line has words for it, behind "--"; -ENOENT is returned otherwise,
 * or if there is no such file. -EBADMSG is what a bad file comes to.
 */
MUST_CHECK int arguments_load(int *argc, char ***argv);

#endif
