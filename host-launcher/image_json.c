#include "image_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA256 "sha256:"
#define REF_NAME "org.opencontainers.image.ref.name"

static bool fail(char why[IMAGE_WHY_MAX], const char *what, const char *fault)
{
	(void)snprintf(why, IMAGE_WHY_MAX, "%s: %s", what, fault);
	return false;
}

static json_t *load(const char *text, size_t len, char why[IMAGE_WHY_MAX])
{
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		(void)snprintf(why, IMAGE_WHY_MAX, "%d:%d: %s", error.line,
			       error.column, error.text);
	return root;
}

/* "" unless it is a string. */
static const char *text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

/* "sha256:" and 64 digits in lower case: nothing else can be a file name. */
static bool parse_digest(const char *text, char hex[BLOB_HEX_MAX])
{
	if (strncmp(text, SHA256, strlen(SHA256)) != 0)
		return false;
	text += strlen(SHA256);
	if (strlen(text) != BLOB_HEX_MAX - 1 ||
	    strspn(text, "0123456789abcdef") != BLOB_HEX_MAX - 1)
		return false;
	memcpy(hex, text, BLOB_HEX_MAX);
	return true;
}

static bool parse_descriptor(const json_t *descriptor, struct image_part *part,
			     const char *what, char why[IMAGE_WHY_MAX])
{
	if (!parse_digest(text_of(descriptor, "digest"), part->digest))
		return fail(why, what,
			    "no digest, or none of the form sha256:HEX");
	(void)snprintf(part->file, sizeof(part->file), "blobs/sha256/%s",
		       part->digest);
	return true;
}

/* --- index --- */

/* The name may come with the repository or without. */
static bool has_name(const char *full, const char *wanted)
{
	const char *colon = strrchr(full, ':');

	return strcmp(full, wanted) == 0 ||
	       (colon && !strchr(colon, '/') && strcmp(colon + 1, wanted) == 0);
}

/*
 * Entries without a platform may be anything; what they are for is in the
 * image's configuration. Attestations are for the platform "unknown".
 */
static bool suits(const json_t *descriptor, const struct image_wanted *wanted)
{
	const json_t *platform = json_object_get(descriptor, "platform");
	const json_t *annotations = json_object_get(descriptor, "annotations");

	if (json_is_object(platform) &&
	    (strcmp(text_of(platform, "os"), "linux") != 0 ||
	     strcmp(text_of(platform, "architecture"), wanted->architecture) !=
		     0))
		return false;
	return !wanted->name ||
	       has_name(text_of(annotations, REF_NAME), wanted->name);
}

static bool is_index_type(const char *type)
{
	return strstr(type, "image.index") || strstr(type, "manifest.list");
}

bool image_index_parse(const char *text, size_t len,
		       const struct image_wanted *wanted,
		       struct image_part *part, bool *is_index,
		       char why[IMAGE_WHY_MAX])
{
	json_t *root = load(text, len, why);
	const json_t *manifests = json_object_get(root, "manifests");
	const json_t *found = NULL;
	const json_t *descriptor;
	size_t i, n = 0;
	bool good = false;

	if (!root)
		return false;
	json_array_foreach(manifests, i,
			   descriptor) if (suits(descriptor, wanted))
	{
		found = descriptor;
		n++;
	}
	if (!json_is_array(manifests))
		(void)fail(why, "manifests", "is no list");
	else if (n == 0)
		(void)snprintf(why, IMAGE_WHY_MAX,
			       "has no image%s%s for linux/%s",
			       wanted->name ? " named " : "",
			       wanted->name ? wanted->name : "",
			       wanted->architecture);
	else if (n > 1)
		(void)snprintf(why, IMAGE_WHY_MAX,
			       "has %zu images for linux/%s; say which one, as "
			       "in %s:NAME",
			       n, wanted->architecture, "FILE");
	else
		good = parse_descriptor(found, part, "manifests", why);
	if (good)
		*is_index = is_index_type(text_of(found, "mediaType"));
	json_decref(root);
	return good;
}

/* --- manifests --- */

bool image_manifest_parse(const char *text, size_t len,
			  struct image_parts *parts, char why[IMAGE_WHY_MAX])
{
	json_t *root = load(text, len, why);
	const json_t *layers = json_object_get(root, "layers");
	const json_t *layer;
	bool good;
	size_t i;

	if (!root)
		return false;
	good = parse_descriptor(json_object_get(root, "config"), &parts->config,
				"config", why);
	if (good && (!json_is_array(layers) ||
		     json_array_size(layers) > IMAGE_LAYERS_MAX))
		good = fail(why, "layers", "is no list, or too long a one");
	if (good)
		json_array_foreach(layers, i, layer) good =
			good && parse_descriptor(layer, &parts->layers[i],
						 "layers", why);
	parts->n_layers = json_array_size(layers);
	json_decref(root);
	return good;
}

static bool has_tag(const json_t *image, const char *wanted)
{
	const json_t *tag;
	size_t i;

	json_array_foreach(json_object_get(image, "RepoTags"), i,
			   tag) if (json_is_string(tag) &&
				    has_name(json_string_value(tag),
					     wanted)) return true;
	return false;
}

static bool parse_name(const json_t *name, struct image_part *part,
		       const char *what, char why[IMAGE_WHY_MAX])
{
	const char *text = json_string_value(name);

	if (!text || *text == '\0' || strlen(text) >= sizeof(part->file))
		return fail(why, what, "is no name of a file");
	*part = (struct image_part){ 0 };
	memcpy(part->file, text, strlen(text) + 1);
	return true;
}

/* A configuration named after its digest is held to that. */
static void digest_of_name(struct image_part *config)
{
	const char *base = strrchr(config->file, '/');
	char name[sizeof(SHA256) + BLOB_HEX_MAX];
	size_t len;

	base = base ? base + 1 : config->file;
	len = strcspn(base, ".");
	if (len != BLOB_HEX_MAX - 1)
		return;
	(void)snprintf(name, sizeof(name), SHA256 "%.*s", (int)len, base);
	(void)parse_digest(name, config->digest);
}

static bool parse_docker_image(const json_t *image, struct image_parts *parts,
			       char why[IMAGE_WHY_MAX])
{
	const json_t *layers = json_object_get(image, "Layers");
	const json_t *layer;
	size_t i;

	if (!parse_name(json_object_get(image, "Config"), &parts->config,
			"Config", why))
		return false;
	digest_of_name(&parts->config);
	if (!json_is_array(layers) ||
	    json_array_size(layers) > IMAGE_LAYERS_MAX)
		return fail(why, "Layers", "is no list, or too long a one");
	json_array_foreach(layers, i,
			   layer) if (!parse_name(layer, &parts->layers[i],
						  "Layers", why)) return false;
	parts->n_layers = json_array_size(layers);
	return true;
}

bool image_docker_parse(const char *text, size_t len,
			const struct image_wanted *wanted,
			struct image_parts *parts, char why[IMAGE_WHY_MAX])
{
	json_t *root = load(text, len, why);
	const json_t *found = NULL;
	const json_t *image;
	size_t i, n = 0;
	bool good;

	if (!root)
		return false;
	json_array_foreach(root, i, image) if (!wanted->name ||
					       has_tag(image, wanted->name))
	{
		found = image;
		n++;
	}
	if (n == 1)
		good = parse_docker_image(found, parts, why);
	else
		good = fail(why, wanted->name ? wanted->name : "images",
			    n == 0 ? "there is none"
				   : "there are several; say which one, as in "
				     "FILE:NAME");
	json_decref(root);
	return good;
}

/* --- configuration --- */

/* A NULL-ended copy of a list of strings, empty for null or nothing. */
static bool copy_words(const json_t *list, char ***words, const char *what,
		       char why[IMAGE_WHY_MAX])
{
	size_t n = json_array_size(list);
	const json_t *word;
	size_t i;

	if (n > IMAGE_WORDS_MAX ||
	    (list && !json_is_array(list) && !json_is_null(list)))
		return fail(why, what, "is no list, or too long a one");
	*words = calloc(n + 1, sizeof(**words));
	if (!*words)
		return fail(why, what, "no memory");
	json_array_foreach(list, i, word)
	{
		if (!json_is_string(word))
			return fail(why, what, "has what is no text");
		(*words)[i] = strdup(json_string_value(word));
		if (!(*words)[i])
			return fail(why, what, "no memory");
	}
	return true;
}

static bool copy_text(const json_t *object, const char *member, char **text,
		      char why[IMAGE_WHY_MAX])
{
	*text = strdup(text_of(object, member));
	return *text ? true : fail(why, member, "no memory");
}

static bool copy_diff_ids(const json_t *list, struct image_config *config,
			  char why[IMAGE_WHY_MAX])
{
	const json_t *id;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > IMAGE_LAYERS_MAX)
		return fail(why, "rootfs.diff_ids",
			    "is no list, or too long a one");
	config->n_layers = json_array_size(list);
	config->diff_ids =
		calloc(config->n_layers + 1, sizeof(*config->diff_ids));
	if (!config->diff_ids)
		return fail(why, "rootfs.diff_ids", "no memory");
	json_array_foreach(list, i, id) if (
		!json_is_string(id) ||
		!parse_digest(
			json_string_value(id),
			config->diff_ids
				[i])) return fail(why, "rootfs.diff_ids",
						  "has what is not of the form sha256:HEX");
	return true;
}

bool image_config_parse(const char *text, size_t len,
			struct image_config *config, char why[IMAGE_WHY_MAX])
{
	json_t *root = load(text, len, why);
	const json_t *run = json_object_get(root, "config");
	const json_t *rootfs = json_object_get(root, "rootfs");
	bool good;

	*config = (struct image_config){ 0 };
	good = root &&
	       copy_text(root, "architecture", &config->architecture, why) &&
	       copy_text(root, "os", &config->os, why) &&
	       copy_text(run, "User", &config->user, why) &&
	       copy_text(run, "WorkingDir", &config->working_folder, why) &&
	       copy_words(json_object_get(run, "Env"), &config->environment,
			  "Env", why) &&
	       copy_words(json_object_get(run, "Entrypoint"),
			  &config->entrypoint, "Entrypoint", why) &&
	       copy_words(json_object_get(run, "Cmd"), &config->command, "Cmd",
			  why) &&
	       copy_diff_ids(json_object_get(rootfs, "diff_ids"), config, why);
	json_decref(root);
	return good;
}

static void free_words(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

void image_config_done(struct image_config *config)
{
	free(config->architecture);
	free(config->os);
	free(config->user);
	free(config->working_folder);
	free_words(config->environment);
	free_words(config->entrypoint);
	free_words(config->command);
	free(config->diff_ids);
	*config = (struct image_config){ 0 };
}
