#include "image_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Nothing but 64 digits, or nothing at all where that may be. */
static void check_digest(const char *hex, bool may_be_empty)
{
	size_t len = strlen(hex);

	check(len == BLOB_HEX_MAX - 1 || (len == 0 && may_be_empty));
	check(strspn(hex, "0123456789abcdef") == len);
}

static void check_oci_part(const struct image_part *part)
{
	check_digest(part->digest, false);
	check(strncmp(part->file, "blobs/sha256/", 13) == 0);
	check(strcmp(part->file + 13, part->digest) == 0);
}

static void check_docker_part(const struct image_part *part)
{
	size_t len = strnlen(part->file, sizeof(part->file));

	check(len > 0 && len < sizeof(part->file));
	check_digest(part->digest, true);
}

static void check_parts(const struct image_parts *parts,
			void (*check_part)(const struct image_part *part))
{
	check(parts->n_layers <= IMAGE_LAYERS_MAX);
	check_part(&parts->config);
	for (size_t i = 0; i < parts->n_layers; i++)
		check_part(&parts->layers[i]);
}

static void check_config(const struct image_config *config)
{
	check(config->architecture && config->os && config->user &&
	      config->working_folder);
	check(config->environment && config->entrypoint && config->command);
	check(config->n_layers <= IMAGE_LAYERS_MAX);
	for (size_t i = 0; i < config->n_layers; i++)
		check_digest(config->diff_ids[i], false);
}

/* Whatever is taken is within its bounds, and no digest is a path. A refusal
   says why. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct image_parts parts;
	const struct image_wanted any = { .architecture = "amd64" };
	const struct image_wanted named = { .name = "a",
					    .architecture = "amd64" };
	const char *text = (const char *)data;
	struct image_config config;
	struct image_part part;
	char why[IMAGE_WHY_MAX];
	bool is_index;

	why[0] = '\0';
	if (image_index_parse(text, len, &any, &part, &is_index, why))
		check_oci_part(&part);
	else
		check(why[0] != '\0');
	if (image_index_parse(text, len, &named, &part, &is_index, why))
		check_oci_part(&part);
	why[0] = '\0';
	if (image_manifest_parse(text, len, &parts, why))
		check_parts(&parts, check_oci_part);
	else
		check(why[0] != '\0');
	why[0] = '\0';
	if (image_docker_parse(text, len, &any, &parts, why))
		check_parts(&parts, check_docker_part);
	else
		check(why[0] != '\0');
	why[0] = '\0';
	if (image_config_parse(text, len, &config, why))
		check_config(&config);
	else
		check(why[0] != '\0');
	image_config_done(&config);
	return 0;
}
