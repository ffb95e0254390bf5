/*
 * image_json.h - what an image says of itself
 *
 * Index, manifest and configuration of the OCI image specification, and the
 * manifest.json of `docker save`. Each parser takes the bytes of one file and
 * does no I/O. What is missing, of the wrong type or there twice is an error
 * that says which member; members that are not needed here are passed over.
 */
#ifndef SLUICE_IMAGE_JSON_H
#define SLUICE_IMAGE_JSON_H

#include "attributes.h"
#include "blob.h"

#include <stdbool.h>
#include <stddef.h>

#define IMAGE_LAYERS_MAX 256
#define IMAGE_WORDS_MAX 1024 /* in an environment or a command */
#define IMAGE_JSON_MAX ((size_t)4 << 20)
#define IMAGE_WHY_MAX 512

/* Which of several images: the one of that name, or NULL, for this machine. */
struct image_wanted {
	const char *name;
	const char *architecture; /* "amd64" */
};

/* A file of the image, and its SHA-256 or "" where the format tells none. */
struct image_part {
	char file[BLOB_NAME_MAX];
	char digest[BLOB_HEX_MAX];
};

struct image_parts {
	struct image_part config;
	size_t n_layers;
	struct image_part layers[IMAGE_LAYERS_MAX];
};

/* How its author means it to be run. Absent members are NULL or empty. */
struct image_config {
	char *architecture, *os;
	char *user, *working_folder;
	char **environment, **entrypoint, **command; /* each ends with NULL */
	size_t n_layers;
	char (*diff_ids)[BLOB_HEX_MAX]; /* of each layer's tar */
};

/*
 * Finds the image that is wanted. @is_index says that the part is another
 * index, to be searched in turn.
 */
MUST_CHECK bool image_index_parse(const char *text, size_t len,
				  const struct image_wanted *wanted,
				  struct image_part *part, bool *is_index,
				  char why[IMAGE_WHY_MAX]);

MUST_CHECK bool image_manifest_parse(const char *text, size_t len,
				     struct image_parts *parts,
				     char why[IMAGE_WHY_MAX]);

/* Of `docker save`. */
MUST_CHECK bool image_docker_parse(const char *text, size_t len,
				   const struct image_wanted *wanted,
				   struct image_parts *parts,
				   char why[IMAGE_WHY_MAX]);

/* Ends with image_config_done(), also after a failure. */
MUST_CHECK bool image_config_parse(const char *text, size_t len,
				   struct image_config *config,
				   char why[IMAGE_WHY_MAX]);
void image_config_done(struct image_config *config);

#endif
