#include "merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct merge_limits limits = { .entries = 1000,
					    .memory = 1 << 20 };

static struct merge *start(void)
{
	struct merge *merge = merge_new(&limits, 12345);

	assert_non_null(merge);
	return merge;
}

/* Folders end with a slash; "a -> b" is a symbolic link, "a = b" a hard one,
   "a !" a device. The size of a file is its number in the layer plus 100 for
   each layer, so that one can tell which it is. */
static enum merge_fault add(struct merge *merge, const char *text, uint64_t id)
{
	char path[4 * MERGE_PATH_MAX];
	struct merge_entry entry = { .path = path, .mode = 0644, .size = id };
	char *link;

	(void)snprintf(path, sizeof(path), "%s", text);
	entry.kind = path[0] != '\0' && path[strlen(path) - 1] == '/'
			     ? MERGE_FOLDER
			     : MERGE_FILE;
	if ((link = strstr(path, " -> "))) {
		*link = '\0';
		entry.kind = MERGE_SYMLINK;
		entry.target = link + 4;
	} else if ((link = strstr(path, " = "))) {
		*link = '\0';
		entry.kind = MERGE_HARD_LINK;
		entry.target = link + 3;
	} else if ((link = strstr(path, " !"))) {
		*link = '\0';
		entry.kind = MERGE_DEVICE;
	}
	return merge_add(merge, &entry);
}

/* Layers are separated by "|". The last entry's fault. */
static enum merge_fault add_all(struct merge *merge, const char *const *texts)
{
	enum merge_fault fault = MERGE_FINE;
	uint64_t id = 0;

	merge_begin_layer(merge);
	for (; *texts && !fault; texts++)
		if (strcmp(*texts, "|") == 0) {
			merge_begin_layer(merge);
			id = id / 100 * 100 + 100;
		} else {
			fault = add(merge, *texts, id++);
		}
	return fault;
}

static int print(const struct merge_entry *entry, const char *first, void *arg)
{
	FILE *out = arg;

	switch (entry->kind) {
	case MERGE_FOLDER:
		(void)fprintf(out, "%s/", entry->path);
		break;
	case MERGE_FILE:
		(void)fprintf(out, "%s:%d", entry->path, (int)entry->size);
		break;
	case MERGE_SYMLINK:
		(void)fprintf(out, "%s->%s", entry->path, entry->target);
		break;
	case MERGE_FIFO:
	case MERGE_DEVICE:
	case MERGE_HARD_LINK:
		(void)fprintf(out, "%s?", entry->path);
		break;
	}
	(void)fprintf(out, first ? "=%s " : " ", first);
	return 0;
}

/* The result as one line. */
static void check(struct merge *merge, const char *expected)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_true(merge_end(merge));
	assert_int_equal(merge_walk(merge, print, out), 0);
	(void)fclose(out);
	assert_true(len > 0);
	text[len - 1] = '\0';
	assert_string_equal(text, expected);
	free(text);
	merge_free(merge);
}

static void gives(const char *expected, const char *const *texts)
{
	struct merge *merge = start();

	assert_int_equal(add_all(merge, texts), MERGE_FINE);
	check(merge, expected);
}

static void refused(enum merge_fault fault, const char *const *texts)
{
	struct merge *merge = start();

	assert_int_equal(add_all(merge, texts), fault);
	merge_free(merge);
}

#define GIVES(expected, ...) \
	gives(expected, (const char *const[]){ __VA_ARGS__, NULL })
#define REFUSED(fault, ...) \
	refused(fault, (const char *const[]){ __VA_ARGS__, NULL })

static void names_come_in_order(void **state)
{
	(void)state;
	GIVES("/ a/ a/x:3 a/y:2 b:0", "b", "a/", "a/y", "a/x");
}

static void a_later_layer_replaces_files(void **state)
{
	(void)state;
	GIVES("/ a:100 b:1", "a", "b", "|", "a");
	/* As tar does within one. */
	GIVES("/ a:1", "a", "a");
}

static void a_folder_over_a_folder_keeps_what_is_in_it(void **state)
{
	(void)state;
	GIVES("/ a/ a/x:1 a/y:101", "a/", "a/x", "|", "a/", "a/y");
}

static void kinds_take_each_others_place(void **state)
{
	(void)state;
	GIVES("/ a:100", "a/", "a/x", "|", "a");
	GIVES("/ a/ a/y:101", "a", "|", "a/", "a/y");
	GIVES("/ a->b b/ b/x:1", "a/", "b/x", "a/y", "|", "a -> b");
	/* A link, and back: nothing of the first folder returns. */
	GIVES("/ a/ a/z:201 b/ b/y:101", "a/", "a/x", "b/", "|", "a -> b",
	      "a/y", "|", "a/", "a/z");
}

static void folders_that_nobody_brings_are_made(void **state)
{
	(void)state;
	GIVES("/ a/ a/b/ a/b/c:0", "a/b/c");
	GIVES("/ a/ a/b/ a/b/c:0", "/a//b/./c");
	GIVES("/ a:1", "./", "./a");
}

static void a_whiteout_removes_what_is_below(void **state)
{
	(void)state;
	GIVES("/ b:1", "a", "b", "|", ".wh.a");
	GIVES("/ d/ d/y:2", "d/", "d/x", "d/y", "|", "d/.wh.x");
	GIVES("/ b:2", "a/", "a/x", "b", "|", ".wh.a");
	GIVES("/ a/", "a/", "|", "a/.wh.none", "none/.wh.x");
	GIVES("/ f:0", "f", "|", "f/.wh.x");
}

static void a_whiteout_spares_its_own_layer(void **state)
{
	(void)state;
	/* In either order. */
	GIVES("/ a:101", "a", "|", ".wh.a", "a");
	GIVES("/ a:100", "a", "|", "a", ".wh.a");
	GIVES("/ a/ a/y:102", "a/", "a/x", "|", ".wh.a", "a/", "a/y");
	GIVES("/ a/ a/y:101", "a/", "a/x", "|", "a/", "a/y", ".wh.a");
	GIVES("/ a/ a/b/ a/b/y:100", "a/", "a/b/", "a/b/x", "|", "a/b/y",
	      ".wh.a");
	/* And the next layer's removes it. */
	GIVES("/", "a", "|", ".wh.a", "a", "|", ".wh.a");
}

static void an_opaque_folder_hides_what_is_below(void **state)
{
	(void)state;
	GIVES("/ a/ a/n:102", "a/", "a/x", "a/d/y", "|", "a/", "a/.wh..wh..opq",
	      "a/n");
	GIVES("/ a/ a/n:100", "a/", "a/x", "a/d/y", "|", "a/n",
	      "a/.wh..wh..opq");
	GIVES("/ n:101", "a/", "a/x", "|", ".wh..wh..opq", "n");
}

static void whiteouts_remove_many_at_once(void **state)
{
	struct merge *merge = start();
	char name[16];

	(void)state;
	merge_begin_layer(merge);
	for (int i = 0; i < 400; i++) {
		(void)snprintf(name, sizeof(name), "d/%d", i * 7919 % 1009);
		assert_int_equal(add(merge, name, 0), MERGE_FINE);
	}
	merge_begin_layer(merge);
	assert_int_equal(add(merge, "d/7", 5), MERGE_FINE);
	assert_int_equal(add(merge, "d/.wh..wh..opq", 0), MERGE_FINE);
	check(merge, "/ d/ d/7:5");
}

static void links_on_the_way_are_followed_inside(void **state)
{
	(void)state;
	GIVES("/ lib->usr/lib usr/ usr/lib/ usr/lib/x:100", "usr/lib/",
	      "lib -> usr/lib", "|", "lib/x");
	GIVES("/ a/ a/l->/b b/ b/x:2", "b/", "a/l -> /b", "a/l/x");
	GIVES("/ a/ a/l->../../../b b/ b/x:1", "a/l -> ../../../b", "a/l/x");
	GIVES("/ etc/ etc/x:1 l->/../etc", "l -> /../etc", "l/x");
	/* What a whiteout names is reached the same way. */
	GIVES("/ lib->usr/lib usr/ usr/lib/", "usr/lib/x", "lib -> usr/lib",
	      "|", "lib/.wh.x");
	/* The last name is never followed. */
	GIVES("/ a:101 b:0", "b", "a -> b", "|", ".wh.a", "a");
	REFUSED(MERGE_LINK_LOOP, "a -> b", "b -> a", "a/x");
	REFUSED(MERGE_LINK_LOOP, "a -> a/a", "a/x");
}

static void hard_links_name_what_is_there(void **state)
{
	(void)state;
	GIVES("/ a:0 b:0=a", "a", "b = a");
	/* The first name is the first in order, whichever was first there. */
	GIVES("/ 0:0 a:0=0", "a", "|", "0 = a");
}

static void hard_links_outlive_their_target(void **state)
{
	(void)state;
	GIVES("/ b:0", "a", "|", "b = a", ".wh.a");
	GIVES("/ a:101 b:0", "a", "|", "b = a", "a");
	GIVES("/ a:0", "a", "a = a");
	GIVES("/ a:0 d/ d/b:0=a", "a", "|", "d/b = /a");
	/* To a link, not to where it leads; to a file through one. */
	GIVES("/ a:0 b->a c->a", "a", "b -> a", "c = b");
	GIVES("/ b:1 d/ d/a:1=b l->d", "l -> d", "d/a", "b = l/a");
	/* In place of the folder that the target is in. */
	GIVES("/ d:0", "d/a", "d = d/a");
	REFUSED(MERGE_NO_TARGET, "b = a");
	REFUSED(MERGE_NO_TARGET, "a", "|", ".wh.a", "|", "b = a");
	REFUSED(MERGE_FOLDER_LINK, "d/", "b = d");
	REFUSED(MERGE_FOLDER_LINK, "b = /");
	REFUSED(MERGE_UPWARD, "a", "b = ../a");
	REFUSED(MERGE_EMPTY_LINK, "b = ");
}

static void devices_are_left_out(void **state)
{
	(void)state;
	GIVES("/ dev/ dev/link->null", "dev/null !", "dev/link -> null");
	/* And hide what they stand for. */
	GIVES("/", "a", "|", "a !");
	GIVES("/", "a !", "b = a");
}

static void bad_paths_are_refused(void **state)
{
	(void)state;
	REFUSED(MERGE_UPWARD, "../a");
	REFUSED(MERGE_UPWARD, "a/../b");
	REFUSED(MERGE_UPWARD, "..");
	REFUSED(MERGE_NOT_A_FOLDER, "a", "a/b");
	REFUSED(MERGE_NOT_A_FOLDER, "a", "|", "a/b");
	REFUSED(MERGE_NOT_A_FOLDER, "a", "l -> a", "l/b");
	REFUSED(MERGE_ROOT_IS_NO_FOLDER, ".");
	REFUSED(MERGE_ROOT_IS_NO_FOLDER, "");
	REFUSED(MERGE_ROOT_IS_NO_FOLDER, "/ -> a");
	REFUSED(MERGE_RESERVED, ".wh.");
	REFUSED(MERGE_RESERVED, ".wh...");
	REFUSED(MERGE_RESERVED, "a/.wh..");
	REFUSED(MERGE_RESERVED, ".wh.a/b");
	REFUSED(MERGE_RESERVED, "l -> x/.wh.a", "l/b");
	REFUSED(MERGE_EMPTY_LINK, "a -> ");
}

static void another_storage_drivers_notes_are_passed_over(void **state)
{
	(void)state;
	GIVES("/ a:2", ".wh..wh.plnk/", ".wh..wh.plnk/1.2", "a",
	      "d/.wh..wh.orph");
}

static void lengths_are_limited(void **state)
{
	char path[2 * MERGE_PATH_MAX];
	struct merge *merge;

	(void)state;
	memset(path, 'n', sizeof(path));
	path[MERGE_NAME_MAX + 1] = '\0';
	REFUSED(MERGE_TOO_LONG, path);
	path[MERGE_NAME_MAX] = '\0';
	merge = start();
	merge_begin_layer(merge);
	assert_int_equal(add(merge, path, 0), MERGE_FINE);
	merge_free(merge);

	memset(path, 'n', sizeof(path));
	for (size_t i = 100; i < sizeof(path); i += 100)
		path[i] = '/';
	path[MERGE_PATH_MAX] = '\0';
	REFUSED(MERGE_TOO_LONG, path);

	/* By way of a link, too. */
	path[3000] = '\0';
	merge = start();
	merge_begin_layer(merge);
	assert_int_equal(add(merge, path, 0), MERGE_FINE);
	memcpy(path + 3000, "/x", 3);
	(void)memmove(path + 5, path, 2900);
	memcpy(path, "l -> ", 5);
	path[2905] = '\0';
	assert_int_equal(add(merge, path, 0), MERGE_FINE);
	memcpy(path, "l/abc", 5);
	path[2000] = '\0';
	assert_int_equal(add(merge, path, 0), MERGE_TOO_LONG);
	merge_free(merge);

	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 2 ? '/' : 'd';
	path[(size_t)2 * MERGE_DEPTH_MAX + 1] = '\0';
	REFUSED(MERGE_TOO_DEEP, path);
	path[(size_t)2 * MERGE_DEPTH_MAX] = '\0';
	merge = start();
	merge_begin_layer(merge);
	assert_int_equal(add(merge, path, 0), MERGE_FINE);
	merge_free(merge);
}

static void entries_and_memory_are_limited(void **state)
{
	const struct merge_limits three = { .entries = 3, .memory = 1 << 20 };
	const struct merge_limits small = { .entries = 1000, .memory = 4096 };
	struct merge *merge = merge_new(&three, 1);
	enum merge_fault fault = MERGE_FINE;
	char name[16];
	int n = 0;

	(void)state;
	assert_non_null(merge);
	merge_begin_layer(merge);
	assert_int_equal(add(merge, "a", 0), MERGE_FINE);
	assert_int_equal(add(merge, ".wh.b", 0), MERGE_FINE);
	merge_begin_layer(merge);
	assert_int_equal(add(merge, "a", 0), MERGE_FINE);
	assert_int_equal(add(merge, "a", 0), MERGE_TOO_MANY);
	merge_free(merge);

	merge = merge_new(&small, 1);
	assert_non_null(merge);
	merge_begin_layer(merge);
	for (; fault == MERGE_FINE && n < 100; n++) {
		(void)snprintf(name, sizeof(name), "%d", n);
		fault = add(merge, name, 0);
	}
	assert_int_equal(fault, MERGE_NO_MEMORY);
	merge_free(merge);

	/* What is replaced takes none. */
	merge = merge_new(&small, 1);
	assert_non_null(merge);
	merge_begin_layer(merge);
	for (n = 0; n < 900; n++)
		assert_int_equal(add(merge, "a/b", 0), MERGE_FINE);
	merge_free(merge);
}

static int keep(const struct merge_entry *entry, const char *first, void *arg)
{
	struct merge_entry *kept = arg;

	(void)first;
	if (*entry->path == '\0')
		return 0;
	*kept = *entry;
	return 7;
}

static void what_is_said_of_an_entry_is_kept(void **state)
{
	const struct merge_xattr xattrs[] = {
		{ "security.capability", "\1\0\2", 3 },
		{ "user.empty", NULL, 0 },
	};
	const struct merge_entry file = {
		.kind = MERGE_FILE,
		.path = "a",
		.size = 5000000000,
		.mode = 0104755,
		.uid = 4000000000,
		.gid = 70000,
		.mtime_s = 1,
		.xattrs = xattrs,
		.n_xattrs = 2,
	};
	struct merge *merge = start();
	struct merge_entry kept;

	(void)state;
	merge_begin_layer(merge);
	assert_int_equal(merge_add(merge, &file), MERGE_FINE);
	assert_true(merge_end(merge));
	assert_int_equal(merge_walk(merge, keep, &kept), 7);
	assert_true(kept.size == 5000000000 && kept.mode == 04755);
	assert_true(kept.uid == 4000000000 && kept.gid == 70000);
	assert_int_equal(kept.mtime_s, 1);
	assert_int_equal(kept.n_xattrs, 2);
	assert_string_equal(kept.xattrs[0].name, "security.capability");
	assert_int_equal(kept.xattrs[0].len, 3);
	assert_memory_equal(kept.xattrs[0].value, "\1\0\2", 3);
	assert_string_equal(kept.xattrs[1].name, "user.empty");
	merge_free(merge);
}

static void attributes_are_limited(void **state)
{
	struct merge_xattr xattrs[MERGE_XATTRS_MAX + 1];
	struct merge_entry file = { .kind = MERGE_FILE,
				    .path = "a",
				    .xattrs = xattrs,
				    .n_xattrs = MERGE_XATTRS_MAX };
	struct merge *merge = start();

	(void)state;
	for (size_t i = 0; i <= MERGE_XATTRS_MAX; i++)
		xattrs[i] = (struct merge_xattr){ "user.a", "v", 1 };
	merge_begin_layer(merge);
	assert_int_equal(merge_add(merge, &file), MERGE_FINE);
	file.n_xattrs++;
	assert_int_equal(merge_add(merge, &file), MERGE_XATTR);
	file.n_xattrs = 1;
	xattrs[0].len = MERGE_XATTR_VALUE_MAX + 1;
	assert_int_equal(merge_add(merge, &file), MERGE_XATTR);
	merge_free(merge);
}

static void the_content_of_each_file_is_found_once(void **state)
{
	struct merge *merge = start();
	const char *const texts[] = { "a",     "b",   "d/c",    "|", ".wh.b",
				      "0 = a", "d/c", "l -> x", NULL };
	char path[MERGE_PATH_MAX];
	struct merge_entry entry;

	(void)state;
	assert_int_equal(add_all(merge, texts), MERGE_FINE);
	assert_true(merge_end(merge));
	assert_true(merge_wants(merge, 0, 0, &entry, path));
	assert_string_equal(entry.path, "0");
	assert_false(merge_wants(merge, 0, 1, &entry, path));
	assert_false(merge_wants(merge, 0, 2, &entry, path));
	assert_false(merge_wants(merge, 1, 0, &entry, path));
	assert_false(merge_wants(merge, 1, 1, &entry, path));
	assert_true(merge_wants(merge, 1, 2, &entry, path));
	assert_string_equal(entry.path, "d/c");
	assert_false(merge_wants(merge, 1, 3, &entry, path));
	assert_false(merge_wants(merge, 2, 0, &entry, path));
	merge_free(merge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_in_order),
		cmocka_unit_test(a_later_layer_replaces_files),
		cmocka_unit_test(a_folder_over_a_folder_keeps_what_is_in_it),
		cmocka_unit_test(kinds_take_each_others_place),
		cmocka_unit_test(folders_that_nobody_brings_are_made),
		cmocka_unit_test(a_whiteout_removes_what_is_below),
		cmocka_unit_test(a_whiteout_spares_its_own_layer),
		cmocka_unit_test(an_opaque_folder_hides_what_is_below),
		cmocka_unit_test(whiteouts_remove_many_at_once),
		cmocka_unit_test(links_on_the_way_are_followed_inside),
		cmocka_unit_test(hard_links_name_what_is_there),
		cmocka_unit_test(hard_links_outlive_their_target),
		cmocka_unit_test(devices_are_left_out),
		cmocka_unit_test(bad_paths_are_refused),
		cmocka_unit_test(another_storage_drivers_notes_are_passed_over),
		cmocka_unit_test(lengths_are_limited),
		cmocka_unit_test(entries_and_memory_are_limited),
		cmocka_unit_test(what_is_said_of_an_entry_is_kept),
		cmocka_unit_test(attributes_are_limited),
		cmocka_unit_test(the_content_of_each_file_is_found_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
