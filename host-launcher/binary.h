/*
 * binary.h - what a program's file says of itself
 *
 * Reads the headers of 64-bit little-endian ELF files, of which all machines
 * are that we run on; anything else, or anything that leads out of the file, is
 * refused. Sans-I/O.
 */
#ifndef SLUICE_BINARY_H
#define SLUICE_BINARY_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BINARY_SEGMENTS_MAX 64
#define BINARY_INTERPRETER_MAX 256

struct binary {
	const char *architecture; /* as images call it: "amd64"; static */
	char interpreter[BINARY_INTERPRETER_MAX]; /* "" if there is none */
	size_t loaded_len; /* what comes after it is never loaded */
};

MUST_CHECK bool binary_parse(const void *bytes, size_t len,
			     struct binary *binary);

/*
 * Takes the section headers out of a file that binary_parse() liked, in place, and
 * returns its new length: symbols and debugging information come last, and
 * nothing that runs the program asks for them.
 */
size_t binary_strip(void *bytes, const struct binary *binary);

#endif
