/*
 * contents.h - a whole file of the host, in memory
 */
#ifndef SLUICE_CONTENTS_H
#define SLUICE_CONTENTS_H

#include "attributes.h"

#include <stddef.h>

/* The bytes of a file of at most @max, which the caller frees. 0, or -errno
   after saying why. */
MUST_CHECK int contents_read(const char *path, size_t max, char **bytes,
			     size_t *len);

#endif
