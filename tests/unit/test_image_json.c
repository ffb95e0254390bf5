#include "image_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A "sha256:" HEX_A
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define B "sha256:" HEX_B
#define HEX_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define C "sha256:" HEX_C

#define AMD64 "'platform': {'os': 'linux', 'architecture': 'amd64'}"
#define ARM64 "'platform': {'os': 'linux', 'architecture': 'arm64'}"
#define NAMED(name) \
	"'annotations': {'org.opencontainers.image.ref.name': '" name "'}"

static struct image_parts parts;
static char why[IMAGE_WHY_MAX];

/* Texts here have ' for ". */
static const char *json(const char *text)
{
	static char copy[65536];
	size_t i = 0;

	for (; text[i] != '\0' && i < sizeof(copy) - 1; i++) {
		copy[i] = text[i];
		if (text[i] == '\'')
			copy[i] = '"';
	}
	copy[i] = '\0';
	return copy;
}

/* The digest that the index leads to, or why it does not. */
static const char *in_index(const char *name, const char *text)
{
	const struct image_wanted wanted = { .name = name,
					     .architecture = "amd64" };
	static struct image_part part;
	bool is_index;

	text = json(text);
	why[0] = '\0';
	if (!image_index_parse(text, strlen(text), &wanted, &part, &is_index,
			       why))
		return why;
	if (is_index)
		return "index";
	assert_memory_equal(part.file, "blobs/sha256/", 13);
	assert_string_equal(part.file + 13, part.digest);
	return part.digest;
}

static void an_index_has_one_for_this_machine(void **state)
{
	(void)state;
	assert_string_equal(
		in_index(NULL, "{'manifests': [{'digest': '" A "'}]}"), HEX_A);
	assert_string_equal(in_index(NULL, "{'manifests': ["
					   "{'digest': '" A "', " ARM64 "},"
					   "{'digest': '" B "', " AMD64 "}]}"),
			    HEX_B);
	/* Attestations are for no machine. */
	assert_string_equal(in_index(NULL, "{'manifests': [{'digest': '" A
					   "', " AMD64 "},"
					   "{'digest': '" B
					   "', 'platform': {'os': 'unknown',"
					   " 'architecture': 'unknown'}}]}"),
			    HEX_A);
	assert_string_equal(in_index(NULL, "{'manifests': [{'digest': '" A
					   "', 'mediaType': 'application/"
					   "vnd.oci.image.index.v1+json'}]}"),
			    "index");
	assert_string_equal(in_index(NULL, "{'manifests': [{'digest': '" A
					   "', " ARM64 "}]}"),
			    "has no image for linux/amd64");
	assert_non_null(
		strstr(in_index(NULL, "{'manifests': [{'digest': '" A "'},"
				      " {'digest': '" B "'}]}"),
		       "has 2 images for linux/amd64; say which one"));
}

static void a_name_says_which_one(void **state)
{
	const char *two =
		"{'manifests': [{'digest': '" A
		"', " NAMED("one") "}, {'digest': '" B
				   "', " NAMED("example.org:80/x/y:two") "}]}";

	(void)state;
	assert_string_equal(in_index("one", two), HEX_A);
	assert_string_equal(in_index("two", two), HEX_B);
	assert_string_equal(in_index("example.org:80/x/y:two", two), HEX_B);
	assert_string_equal(in_index("x/y", two),
			    "has no image named x/y for linux/amd64");
	assert_string_equal(in_index("80/x/y:two", two),
			    "has no image named 80/x/y:two for linux/amd64");
}

static void what_is_no_index_says_why(void **state)
{
	(void)state;
	assert_string_equal(in_index(NULL, "{}"), "manifests: is no list");
	assert_string_equal(in_index(NULL, "[]"), "manifests: is no list");
	assert_non_null(strstr(in_index(NULL, "{'manifests': [], 'a': 1,\n"
					      " 'a': 2}"),
			       "2:"));
	assert_non_null(strstr(in_index(NULL, "{'manifests'"), "1:"));
	assert_string_equal(in_index(NULL, "{'manifests': [{}]}"),
			    "manifests: no digest, or none of the form "
			    "sha256:HEX");
}

static bool manifest(const char *text)
{
	text = json(text);
	memset(&parts, 0, sizeof(parts));
	return image_manifest_parse(text, strlen(text), &parts, why);
}

static void a_manifest_names_its_parts(void **state)
{
	(void)state;
	assert_true(manifest("{'config': {'digest': '" C "'}, 'layers': ["
			     "{'digest': '" A "'}, {'digest': '" B "'}]}"));
	assert_string_equal(parts.config.digest, HEX_C);
	assert_int_equal(parts.n_layers, 2);
	assert_string_equal(parts.layers[1].digest, HEX_B);
	assert_false(manifest("{'layers': []}"));
	assert_false(manifest("{'config': {'digest': '" C "'}}"));
	assert_false(
		manifest("{'config': {'digest': '" C "'}, 'layers': [1]}"));
}

static void digests_are_no_paths(void **state)
{
	static const char *const bad[] = {
		"",
		"sha256:",
		"sha256:aa",
		"md5:aa",
		"sha256:../../../../../../../../../../../../../../../etc/passwd",
		"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAA",
		A "a",
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text),
			       "{'config': {'digest': '%s'}, 'layers': []}",
			       bad[i]);
		assert_false(manifest(text));
	}
}

static bool manifest_of(int n_layers)
{
	static char text[65536];
	int len = snprintf(text, sizeof(text),
			   "{'config': {'digest': '" C "'}, 'layers': [");

	for (int i = 0; i < n_layers; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
				"%s{'digest': '" A "'}", i > 0 ? "," : "");
	(void)snprintf(text + len, sizeof(text) - (size_t)len, "]}");
	return manifest(text);
}

static void layers_are_limited(void **state)
{
	(void)state;
	assert_true(manifest_of(IMAGE_LAYERS_MAX));
	assert_int_equal(parts.n_layers, IMAGE_LAYERS_MAX);
	assert_false(manifest_of(IMAGE_LAYERS_MAX + 1));
	assert_string_equal(why, "layers: is no list, or too long a one");
}

static bool docker(const char *name, const char *text)
{
	const struct image_wanted wanted = { .name = name,
					     .architecture = "amd64" };

	text = json(text);
	memset(&parts, 0, sizeof(parts));
	return image_docker_parse(text, strlen(text), &wanted, &parts, why);
}

static void docker_has_a_manifest_of_its_own(void **state)
{
	char text[1024];

	(void)state;
	assert_true(docker(NULL,
			   "[{'Config': 'c.json', 'RepoTags': null,"
			   " 'Layers': ['1/layer.tar', '2/layer.tar']}]"));
	assert_string_equal(parts.config.file, "c.json");
	assert_string_equal(parts.config.digest, "");
	assert_int_equal(parts.n_layers, 2);
	assert_string_equal(parts.layers[1].file, "2/layer.tar");

	/* A name that is a digest is held to. */
	(void)snprintf(text, sizeof(text),
		       "[{'Config': '%s.json', 'Layers': []}]", HEX_A);
	assert_true(docker(NULL, text));
	assert_string_equal(parts.config.digest, HEX_A);
	(void)snprintf(text, sizeof(text),
		       "[{'Config': 'blobs/sha256/%s', 'Layers': []}]", HEX_B);
	assert_true(docker(NULL, text));
	assert_string_equal(parts.config.digest, HEX_B);

	assert_true(docker("b", "[{'Config': 'c', 'RepoTags': ['x:a'],"
				" 'Layers': []}, {'Config': 'd',"
				" 'RepoTags': ['y', 'x:b'], 'Layers': []}]"));
	assert_string_equal(parts.config.file, "d");
	assert_false(docker(NULL, "[{}, {}]"));
	assert_false(docker(NULL, "[]"));
	assert_false(docker(NULL, "[{'Config': '', 'Layers': []}]"));
	assert_false(docker(NULL, "[{'Config': 'c', 'Layers': [1]}]"));
	assert_false(docker(NULL, "[{'Config': 'c'}]"));
}

static bool config(struct image_config *read, const char *text)
{
	text = json(text);
	return image_config_parse(text, strlen(text), read, why);
}

static void a_configuration_says_how_to_run_it(void **state)
{
	struct image_config read;

	(void)state;
	assert_true(config(
		&read,
		"{'architecture': 'arm64', 'os': 'linux', 'config': {'User':"
		" 'u:g', 'WorkingDir': '/w', 'Env': ['A=1', 'B='],"
		" 'Entrypoint': null, 'Cmd': ['sh', '-c', 'x']}, 'rootfs':"
		" {'diff_ids': ['" A "', '" B "']}}"));
	assert_string_equal(read.architecture, "arm64");
	assert_string_equal(read.user, "u:g");
	assert_string_equal(read.working_folder, "/w");
	assert_string_equal(read.environment[1], "B=");
	assert_null(read.environment[2]);
	assert_null(read.entrypoint[0]);
	assert_string_equal(read.command[2], "x");
	assert_int_equal(read.n_layers, 2);
	assert_string_equal(read.diff_ids[1], HEX_B);
	image_config_done(&read);

	assert_true(config(&read, "{'rootfs': {'diff_ids': []}}"));
	assert_string_equal(read.user, "");
	assert_null(read.command[0]);
	image_config_done(&read);
}

static void what_is_no_configuration_says_why(void **state)
{
	struct image_config read;

	(void)state;
	assert_false(config(&read, "{'config': {'Env': 'A=1'},"
				   " 'rootfs': {'diff_ids': []}}"));
	assert_string_equal(why, "Env: is no list, or too long a one");
	image_config_done(&read);
	assert_false(config(&read, "{'config': {'Cmd': ['sh', 1]},"
				   " 'rootfs': {'diff_ids': []}}"));
	assert_string_equal(why, "Cmd: has what is no text");
	image_config_done(&read);
	assert_false(config(&read, "{'config': {'Cmd': ['a\\u0000b']},"
				   " 'rootfs': {'diff_ids': []}}"));
	image_config_done(&read);
	assert_false(config(&read, "{}"));
	assert_string_equal(why, "rootfs.diff_ids: is no list, or too long a "
				 "one");
	image_config_done(&read);
	assert_false(config(&read, "{'rootfs': {'diff_ids': ['x']}}"));
	image_config_done(&read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_index_has_one_for_this_machine),
		cmocka_unit_test(a_name_says_which_one),
		cmocka_unit_test(what_is_no_index_says_why),
		cmocka_unit_test(a_manifest_names_its_parts),
		cmocka_unit_test(digests_are_no_paths),
		cmocka_unit_test(layers_are_limited),
		cmocka_unit_test(docker_has_a_manifest_of_its_own),
		cmocka_unit_test(a_configuration_says_how_to_run_it),
		cmocka_unit_test(what_is_no_configuration_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
