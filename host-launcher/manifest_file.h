/*
 * manifest_file.h - a manifest by name, its mistakes told to the user
 */
#ifndef SLUICE_MANIFEST_FILE_H
#define SLUICE_MANIFEST_FILE_H

#include "attributes.h"
#include "policy.h"

/* The policy in @file, which the caller frees; NULL after every mistake in it
   has been printed to stderr, or why it cannot be read. */
MUST_CHECK struct policy *manifest_file_read(const char *file);

#endif
