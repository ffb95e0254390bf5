/*
 * audit_file.h - the file of the record: where it ends, and when it is full
 *
 * A regular file is gone on with where it ends, also one that an earlier run
 * or a crash left, and is put aside under the number of its last line when it
 * is full. Anything else (a pipe, a terminal, a device) is written to as it
 * is.
 */
#ifndef SLUICE_AUDIT_FILE_H
#define SLUICE_AUDIT_FILE_H

#include "audit_list.h"
#include "chain.h"

#include <limits.h>

#define AUDIT_FILE_MIN (64 << 10)   /* bytes at which it may be full */
#define AUDIT_FILE_FULL (256 << 20) /* unless the operator says otherwise */

/* The end of what was written: shared by PID 1 and the audit process. */
struct audit_tail {
	uint64_t number; /* of the last line */
	struct chain_hash hash;
	uint64_t size; /* bytes in the file */
};

struct audit_file {
	const char *path; /* NULL: standard output */
	uint64_t full;    /* bytes; 0: never */
	unsigned keep;    /* of those put aside; 0: all */
	int fd;
	bool plain; /* a regular file */
};

/* 0 or -errno. */
MUST_CHECK int audit_file_open(struct audit_file *file);

/*
 * Sets @tail to where the file ends, as long as that can be known: else it
 * stays what it is. A last line that was cut short is ended, so that the next
 * one is whole. 0 or -errno.
 */
MUST_CHECK int audit_file_find_tail(const struct audit_file *file,
				    struct audit_tail *tail);

/*
 * Puts the file aside as PATH.NUMBER, with the number of the last line in
 * twelve digits or more, begins a new one, and removes the oldest of those
 * that are not to be kept. file->fd is then the new one's; the old one is
 * closed. 0, or -errno with everything as it was.
 */
MUST_CHECK int audit_file_rotate(struct audit_file *file,
				 const struct audit_tail *tail);

#endif
