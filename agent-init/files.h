/*
 * files.h - whole files, read and written in place
 */
#ifndef SLUICE_FILES_H
#define SLUICE_FILES_H

#include "attributes.h"

#include <stddef.h>

/*
 * The whole of a file of at most @max bytes (-EFBIG if it is longer), with a
 * NUL behind it, for the caller to free.
 */
MUST_CHECK int file_read(const char *path, size_t max, char **text,
			 size_t *len);

/* Makes @text the contents of @path, which is made if it is not there. */
MUST_CHECK int file_write(const char *path, const char *text, size_t len);

/* Writes all of @text at the place where @fd is. */
MUST_CHECK int file_write_all(int fd, const char *text, size_t len);

#endif
