#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int made;

static int make(int fd, void *data)
{
	made++;
	return write(fd, data, strlen(data)) < 0 ? -errno : 0;
}

static int make_half(int fd, void *data)
{
	(void)data;
	(void)!write(fd, "half", 4);
	return -EIO;
}

static char folder[] = "/tmp/sluice-test-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	return setenv("XDG_CACHE_HOME", folder, 1);
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	/* A folder that was made here. NOLINTNEXTLINE */
	return system(command);
}

static void assert_has(int fd, const char *text)
{
	char bytes[16];

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), strlen(text));
	assert_memory_equal(bytes, text, strlen(text));
	(void)close(fd);
}

static int count(void)
{
	char path[64];
	DIR *files;
	int n = 0;

	(void)snprintf(path, sizeof(path), "%s/sluice", folder);
	files = opendir(path);
	assert_non_null(files);
	if (!files)
		return -1;
	while (readdir(files))
		n++;
	(void)closedir(files);
	return n - 2;
}

#define KEY_A "0123456789abcdef0123456789abcdef"
#define KEY_B "1123456789abcdef0123456789abcdef"

static void what_is_there_is_not_made_again(void **state)
{
	char a[] = "a";
	int fd;

	(void)state;
	made = 0;
	assert_has(cache_open("kind", KEY_A, make, a), "a");
	assert_has(cache_open("kind", KEY_A, make, a), "a");
	assert_int_equal(made, 1);
	fd = cache_open("kind", KEY_A, make, a);
	assert_int_equal(write(fd, "b", 1), -1);
	(void)close(fd);
}

static void of_a_kind_the_newest_is_kept(void **state)
{
	char a[] = "a", b[] = "b";
	int old;

	(void)state;
	old = cache_open("kind", KEY_A, make, a);
	assert_has(cache_open("kind-of", KEY_A, make, a), "a");
	assert_int_equal(count(), 2);
	assert_has(cache_open("kind", KEY_B, make, b), "b");
	assert_int_equal(count(), 2);
	assert_has(old, "a");
}

static void what_could_not_be_made_is_not_there(void **state)
{
	int before = count();

	(void)state;
	assert_int_equal(cache_open("failed", KEY_A, make_half, NULL), -EIO);
	assert_int_equal(count(), before);
}

static void without_a_folder_it_is_made_each_time(void **state)
{
	char a[] = "a";

	(void)state;
	assert_int_equal(setenv("XDG_CACHE_HOME", "/proc/nowhere", 1), 0);
	made = 0;
	assert_has(cache_open("kind", KEY_A, make, a), "a");
	assert_has(cache_open("kind", KEY_A, make, a), "a");
	assert_int_equal(made, 2);
	assert_int_equal(setenv("XDG_CACHE_HOME", folder, 1), 0);
}

static void nameless_files_are_nowhere(void **state)
{
	int before = count();
	int fd = cache_nameless();

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(count(), before);
	(void)close(fd);
}

static void key_of(const char *const *words, const char *file, char *key)
{
	struct cache_key of;

	cache_key_init(&of);
	for (; *words; words++)
		cache_key_text(&of, *words);
	if (file)
		cache_key_file(&of, file);
	assert_true(cache_key_done(&of, key));
	assert_int_equal(strlen(key), CACHE_KEY_LEN);
}

static void keys_differ_where_what_they_stand_for_does(void **state)
{
	const char *const ab_c[] = { "ab", "c", NULL };
	const char *const a_bc[] = { "a", "bc", NULL };
	char first[CACHE_KEY_LEN + 1], second[CACHE_KEY_LEN + 1];
	char path[64];
	int fd;

	(void)state;
	key_of(ab_c, NULL, first);
	key_of(ab_c, NULL, second);
	assert_string_equal(first, second);
	key_of(a_bc, NULL, second);
	assert_string_not_equal(first, second);
	(void)snprintf(path, sizeof(path), "%s/file", folder);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	key_of(ab_c, path, first);
	assert_int_equal(write(fd, "x", 1), 1);
	(void)close(fd);
	key_of(ab_c, path, second);
	assert_string_not_equal(first, second);
}

static void a_file_that_is_missing_has_no_key(void **state)
{
	char key[CACHE_KEY_LEN + 1];
	struct cache_key of;

	(void)state;
	cache_key_init(&of);
	cache_key_file(&of, "/no/such");
	cache_key_text(&of, "more");
	assert_false(cache_key_done(&of, key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_is_not_made_again),
		cmocka_unit_test(of_a_kind_the_newest_is_kept),
		cmocka_unit_test(what_could_not_be_made_is_not_there),
		cmocka_unit_test(without_a_folder_it_is_made_each_time),
		cmocka_unit_test(nameless_files_are_nowhere),
		cmocka_unit_test(keys_differ_where_what_they_stand_for_does),
		cmocka_unit_test(a_file_that_is_missing_has_no_key),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
