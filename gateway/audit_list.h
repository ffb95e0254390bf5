/*
 * audit_list.h - the files that a record is in
 *
 * Those that were put aside, PATH.NUMBER with twelve digits or more, and then
 * PATH itself.
 */
#ifndef SLUICE_AUDIT_LIST_H
#define SLUICE_AUDIT_LIST_H

#include "attributes.h"

#include <stddef.h>

#define AUDIT_FILES_MAX 10000 /* put aside */

struct audit_list {
	char **paths; /* oldest first; the last is PATH, there or not */
	size_t n;
};

/* 0 or -errno; audit_list_done() follows in any case. */
MUST_CHECK int audit_list_read(const char *path, struct audit_list *list);
void audit_list_done(struct audit_list *list);

#endif
