#include "merge.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define TEXT_MAX 4096

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* What a walk has come by so far. */
struct walked {
	char before[MERGE_PATH_MAX];
	char folders[MERGE_PATH_MAX]; /* that the last one is in */
	bool any;
	size_t n_files;
};

/* '/' before all else: the order in which a walk takes paths. */
static int by_names(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return 0;
	if (*a == '\0' || *b == '\0')
		return *a == '\0' ? -1 : 1;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

/* No path leads out, each comes once, in order, after its folder. */
static int visit(const struct merge_entry *entry, const char *first, void *arg)
{
	struct walked *walked = arg;
	const char *slash = strrchr(entry->path, '/');
	size_t folders_len = slash ? (size_t)(slash - entry->path) : 0;
	size_t depth = 0;

	check(entry->kind != MERGE_DEVICE && entry->kind != MERGE_HARD_LINK);
	check(strlen(entry->path) < MERGE_PATH_MAX);
	check(walked->any || *entry->path == '\0');
	check(!walked->any || by_names(walked->before, entry->path) < 0);
	for (const char *at = entry->path; *at != '\0'; depth++) {
		size_t n = strcspn(at, "/");

		check(n > 0 && n <= MERGE_NAME_MAX);
		check(!(n == 1 && *at == '.'));
		check(!(n == 2 && memcmp(at, "..", 2) == 0));
		check(strncmp(at, ".wh.", 4) != 0);
		at += n;
		at += *at == '/';
	}
	check(depth <= MERGE_DEPTH_MAX);
	/* Its folder was the one before it, or one that that is in. */
	check(strncmp(walked->folders, entry->path, folders_len) == 0);
	check(walked->folders[folders_len] == '\0' ||
	      walked->folders[folders_len] == '/' || folders_len == 0);
	check(!first || entry->kind == MERGE_FILE);
	check(!first || by_names(first, entry->path) < 0);
	walked->n_files += entry->kind == MERGE_FILE && !first;
	walked->any = true;
	memcpy(walked->before, entry->path, strlen(entry->path) + 1);
	memcpy(walked->folders, entry->path, strlen(entry->path) + 1);
	if (entry->kind != MERGE_FOLDER)
		walked->folders[folders_len] = '\0';
	return 0;
}

/* Adds what @text says: a kind, a path, and after a tab a target. */
static enum merge_fault add(struct merge *merge, char *text)
{
	static const char kinds[] = "/fspdh";
	const char *kind = text[0] != '\0' ? strchr(kinds, text[0]) : NULL;
	struct merge_entry entry = { .mode = 0644, .size = 1 };
	char *tab = strchr(text, '\t');

	if (tab)
		*tab++ = '\0';
	entry.kind = kind ? (enum merge_kind)(kind - kinds) : MERGE_FILE;
	entry.path = text + (kind != NULL);
	entry.target = tab ? tab : "";
	return merge_add(merge, &entry);
}

/* Each file of the result has its content in one place, and no other. */
static void check_contents(const struct merge *merge, size_t n_files)
{
	char path[MERGE_PATH_MAX];
	struct merge_entry entry;

	for (size_t layer = 0; layer < 16; layer++)
		for (size_t n = 0; n < 256; n++)
			n_files -= merge_wants(merge, layer, n, &entry, path);
	check(n_files == 0);
}

/* Entries, one a line; an empty line begins the next layer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct merge_limits limits = { .entries = 256,
					     .memory = 1 << 18 };
	struct merge *merge = merge_new(&limits, len);
	enum merge_fault fault = MERGE_FINE;
	struct walked walked = { 0 };
	char text[TEXT_MAX];
	size_t n_layers = 1;

	check(merge != NULL);
	merge_begin_layer(merge);
	while (len > 0 && !fault && n_layers < 16) {
		const uint8_t *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;

		if (n == 0) {
			merge_begin_layer(merge);
			n_layers++;
		} else if (n < sizeof(text)) {
			memcpy(text, data, n);
			text[n] = '\0';
			fault = add(merge, text);
		}
		data += n + (end != NULL);
		len -= n + (end != NULL);
	}
	if (!fault) {
		check(merge_end(merge));
		check(merge_walk(merge, visit, &walked) == 0);
		check_contents(merge, walked.n_files);
	}
	merge_free(merge);
	return 0;
}
