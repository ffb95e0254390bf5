#include "layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder with one file, "layer", which a test writes and then reads. */
struct fixture {
	char folder[32], file[64];
	struct archive *tar;
	struct archive_entry *entry;
	struct store *store;
	struct blob *blob;
	struct layer *layer;
	uint64_t budget;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	(void)snprintf(fixture->folder, sizeof(fixture->folder),
		       "/tmp/sluice-layer.XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	(void)snprintf(fixture->file, sizeof(fixture->file), "%s/layer",
		       fixture->folder);
	fixture->tar = archive_write_new();
	fixture->entry = archive_entry_new();
	fixture->budget = 1 << 20;
	(void)archive_write_set_format_pax(fixture->tar);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	layer_close(fixture->layer);
	blob_close(fixture->blob);
	store_close(fixture->store);
	archive_entry_free(fixture->entry);
	(void)archive_write_free(fixture->tar);
	(void)unlink(fixture->file);
	(void)rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static void begin(struct fixture *fixture)
{
	assert_int_equal(
		archive_write_open_filename(fixture->tar, fixture->file), 0);
}

static struct archive_entry *file(struct fixture *fixture, const char *path,
				  size_t size)
{
	struct archive_entry *entry = archive_entry_clear(fixture->entry);

	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)size);
	return entry;
}

static void add(struct fixture *fixture, size_t size)
{
	char *zeros = calloc(1, size + 1);

	assert_non_null(zeros);
	assert_int_equal(archive_write_header(fixture->tar, fixture->entry), 0);
	assert_int_equal(archive_write_data(fixture->tar, zeros, size), size);
	free(zeros);
}

/* Ends the writing, and starts to read. */
static struct layer *read_it(struct fixture *fixture)
{
	char why[BLOB_WHY_MAX];

	(void)archive_write_close(fixture->tar);
	assert_int_equal(store_open(fixture->folder, &fixture->store, why), 0);
	assert_int_equal(blob_open(fixture->store, "layer", &fixture->blob), 0);
	fixture->layer = layer_open(fixture->blob, &fixture->budget);
	assert_non_null(fixture->layer);
	return fixture->layer;
}

static void entries_come_as_they_are(void **state)
{
	struct fixture *fixture = *state;
	struct merge_entry entry;
	char bytes[16], hex[BLOB_HEX_MAX];
	struct archive_entry *to;
	struct layer *layer;

	begin(fixture);
	to = file(fixture, "a", 5);
	archive_entry_set_uid(to, 3000000000);
	archive_entry_set_gid(to, 7);
	archive_entry_set_mtime(to, -5, 0);
	archive_entry_set_perm(to, 04711);
	add(fixture, 5);
	to = file(fixture, "b", 0);
	archive_entry_set_mtime(to, INT64_C(1) << 40, 0);
	archive_entry_set_hardlink(to, "a");
	add(fixture, 0);
	layer = read_it(fixture);

	assert_int_equal(layer_next(layer, &entry), 1);
	assert_string_equal(entry.path, "a");
	assert_int_equal(entry.kind, MERGE_FILE);
	assert_true(entry.uid == 3000000000 && entry.gid == 7);
	assert_int_equal(entry.mode, 04711);
	assert_int_equal(entry.mtime_s, 0);
	assert_int_equal(entry.size, 5);
	assert_int_equal(layer_read(layer, bytes, sizeof(bytes)), 5);
	assert_int_equal(layer_read(layer, bytes, sizeof(bytes)), 0);
	assert_int_equal(layer_next(layer, &entry), 1);
	assert_int_equal(entry.kind, MERGE_HARD_LINK);
	assert_string_equal(entry.target, "a");
	assert_int_equal(layer_next(layer, &entry), 0);
	assert_int_equal(layer_end(layer, hex), 0);
	assert_int_equal(strlen(hex), 64);
}

static void attributes_come_once_and_only_those_that_a_disk_has(void **state)
{
	struct fixture *fixture = *state;
	struct merge_entry entry;
	struct archive_entry *to;

	/* libarchive's own way is to write each twice. */
	begin(fixture);
	to = file(fixture, "a", 0);
	archive_entry_xattr_add_entry(to, "user.kept", "value", 5);
	archive_entry_xattr_add_entry(to, "trusted.overlay.opaque", "y", 1);
	archive_entry_xattr_add_entry(to, "user.overlay.redirect", "/", 1);
	archive_entry_xattr_add_entry(to, "com.apple.provenance", "x", 1);
	add(fixture, 0);
	assert_int_equal(layer_next(read_it(fixture), &entry), 1);
	assert_int_equal(entry.n_xattrs, 1);
	assert_string_equal(entry.xattrs[0].name, "user.kept");
	assert_int_equal(entry.xattrs[0].len, 5);
	assert_memory_equal(entry.xattrs[0].value, "value", 5);
}

/* Every file fits into what is left; all together they do not. */
static void what_comes_out_is_limited(void **state)
{
	struct fixture *fixture = *state;
	char hex[BLOB_HEX_MAX];
	struct merge_entry entry;
	struct layer *layer;
	int more = 1, n = 0;

	(void)archive_write_add_filter_gzip(fixture->tar);
	begin(fixture);
	for (int i = 0; i < 32; i++) {
		(void)file(fixture, "a", 65536);
		add(fixture, 65536);
	}
	layer = read_it(fixture);
	for (; n < 64 && more > 0; n++)
		more = layer_next(layer, &entry);
	assert_int_equal(more, -1);
	assert_in_range(n, 10, 17);
	assert_string_equal(layer_why(layer),
			    "the image unpacks to more than is allowed");
	/* It stays so. */
	assert_int_equal(layer_next(layer, &entry), -1);
	assert_int_equal(layer_end(layer, hex), -1);
}

static void what_follows_the_archive_is_limited_too(void **state)
{
	struct fixture *fixture = *state;
	static const char zeros[1 << 20];
	char hex[BLOB_HEX_MAX];
	struct merge_entry entry;
	struct layer *layer;
	int fd;

	begin(fixture);
	(void)file(fixture, "a", 0);
	add(fixture, 0);
	(void)archive_write_close(fixture->tar);
	fd = open(fixture->file, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
	(void)close(fd);
	layer = read_it(fixture);
	assert_int_equal(layer_next(layer, &entry), 1);
	assert_int_equal(layer_next(layer, &entry), 0);
	assert_int_equal(layer_end(layer, hex), -1);
}

static void many_attributes_are_too_many(void **state)
{
	struct fixture *fixture = *state;
	struct archive_entry *to;
	struct merge_entry entry;
	char name[32];

	begin(fixture);
	to = file(fixture, "a", 0);
	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "user.%d", i);
		archive_entry_xattr_add_entry(to, name, "", 0);
	}
	add(fixture, 0);
	assert_int_equal(layer_next(read_it(fixture), &entry), 1);
	assert_int_equal(entry.n_xattrs, MERGE_XATTRS_MAX + 1);
}

static void names_in_a_folder_stay_in_it(void **state)
{
	struct fixture *fixture = *state;
	struct blob *blob;

	begin(fixture);
	(void)read_it(fixture);
	assert_int_equal(blob_open(fixture->store, "../etc/passwd", &blob),
			 -ENOENT);
	assert_int_equal(blob_open(fixture->store, "/etc/passwd", &blob),
			 -ENOENT);
	assert_int_equal(blob_open(fixture->store, "a/../layer", &blob),
			 -ENOENT);
	assert_int_equal(blob_open(fixture->store, ".", &blob), -ENOENT);
	assert_true(store_has(fixture->store, "layer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(entries_come_as_they_are,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			attributes_come_once_and_only_those_that_a_disk_has,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_comes_out_is_limited,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_follows_the_archive_is_limited_too, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(many_attributes_are_too_many,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_in_a_folder_stay_in_it,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
