/*
 * folders.h - folders that are made where they are missing
 */
#ifndef SLUICE_FOLDERS_H
#define SLUICE_FOLDERS_H

#include "attributes.h"

/* Those that lead to @path, which is as it was afterwards, for the user alone.
   0, or -errno after saying why. */
MUST_CHECK int folders_make(char *path);

#endif
