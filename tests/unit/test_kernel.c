#include "kernel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char dependencies[] =
	"kernel/lib/crc.ko:\n"
	"kernel/net/core.ko.xz: kernel/lib/crc.ko\n"
	"kernel/net/top-most.ko.xz: kernel/net/core.ko.xz kernel/lib/crc.ko\n"
	"kernel/net/other.ko: kernel/net/core.ko.xz kernel/lib/crc.ko\n"
	"kernel/net/top.ko: kernel/lib/crc.ko\n";
static const char builtin[] = "kernel/fs/ext4/ext4.ko\n";

static void assert_order(const struct kernel_modules *modules,
			 const char *expected)
{
	char text[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < modules->n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s ",
					modules->list[i].len,
					modules->list[i].path);
	assert_string_equal(text, expected);
}

/* Of a line of modules.dep the last is what needs nothing. */
static void what_is_needed_is_loaded_first(void **state)
{
	static const char *const names[] = { "top_most", NULL };
	struct kernel_modules modules;
	const char *missing;

	(void)state;
	assert_true(kernel_modules(dependencies, builtin, names, &modules,
				   &missing));
	assert_order(&modules, "kernel/lib/crc.ko kernel/net/core.ko.xz "
			       "kernel/net/top-most.ko.xz ");
}

static void nothing_is_loaded_twice(void **state)
{
	static const char *const names[] = { "other", "core", "top_most",
					     NULL };
	struct kernel_modules modules;
	const char *missing;

	(void)state;
	assert_true(kernel_modules(dependencies, builtin, names, &modules,
				   &missing));
	assert_order(&modules,
		     "kernel/lib/crc.ko kernel/net/core.ko.xz "
		     "kernel/net/other.ko kernel/net/top-most.ko.xz ");
}

static void what_is_built_in_is_not_loaded(void **state)
{
	static const char *const names[] = { "ext4", NULL };
	struct kernel_modules modules;
	const char *missing;

	(void)state;
	assert_true(kernel_modules(dependencies, builtin, names, &modules,
				   &missing));
	assert_int_equal(modules.n, 0);
}

/* A name is a whole name: neither the beginning nor the end of another's. */
static void what_is_missing_is_named(void **state)
{
	static const char *const missing[] = { "top_mos", "most", "to",
					       "crc.ko",  "net",  "" };

	(void)state;
	for (size_t i = 0; i < sizeof(missing) / sizeof(*missing); i++) {
		const char *const names[] = { "ext4", missing[i], NULL };
		struct kernel_modules modules;
		const char *named;

		assert_false(kernel_modules(dependencies, builtin, names,
					    &modules, &named));
		assert_string_equal(named, missing[i]);
	}
}

static void modules_are_not_without_number(void **state)
{
	static const char *const names[] = { "all", NULL };
	struct kernel_modules modules;
	char *text = malloc((KERNEL_MODULES_MAX + 2) * (size_t)64);
	const char *missing;
	size_t len;

	(void)state;
	assert_non_null(text);
	for (int n = KERNEL_MODULES_MAX - 1; n <= KERNEL_MODULES_MAX; n++) {
		len = (size_t)sprintf(text, "all.ko:");
		for (int i = 0; i < n; i++)
			len += (size_t)sprintf(text + len, " %d.ko", i);
		(void)sprintf(text + len, "\n");
		assert_int_equal(kernel_modules(text, "", names, &modules,
						&missing),
				 n < KERNEL_MODULES_MAX);
	}
	free(text);
}

static void put(unsigned char *image, size_t at, unsigned long value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		image[at + i] = (unsigned char)(value >> 8 * i);
}

static void the_payload_is_where_the_header_says(void **state)
{
	unsigned char image[4096] = { 0 };
	size_t offset = 0, size = 0;

	(void)state;
	put(image, 0x1f1, 1, 1);
	put(image, 0x202, 0x53726448, 4);
	put(image, 0x206, 0x20f, 2);
	put(image, 0x248, 16, 4);
	put(image, 0x24c, 104, 4);
	assert_true(kernel_payload(image, sizeof(image), &offset, &size));
	assert_int_equal(offset, 2 * 512 + 16);
	assert_int_equal(size, 100);
	/* Four sectors where none is said. */
	put(image, 0x1f1, 0, 1);
	assert_true(kernel_payload(image, sizeof(image), &offset, &size));
	assert_int_equal(offset, 5 * 512 + 16);
	/* Not to the last byte of the file, but beyond it. */
	put(image, 0x24c, 4096 - 5 * 512 - 16, 4);
	assert_true(kernel_payload(image, sizeof(image), &offset, &size));
	put(image, 0x24c, 4096 - 5 * 512 - 15, 4);
	assert_false(kernel_payload(image, sizeof(image), &offset, &size));
	put(image, 0x24c, 0xffffffff, 4);
	assert_false(kernel_payload(image, sizeof(image), &offset, &size));
	put(image, 0x24c, 4, 4);
	assert_false(kernel_payload(image, sizeof(image), &offset, &size));
}

static void other_files_have_no_payload(void **state)
{
	unsigned char image[4096] = { 0 };
	size_t offset = 0, size = 0;

	(void)state;
	assert_false(kernel_payload(image, 0, &offset, &size));
	assert_false(kernel_payload(image, sizeof(image), &offset, &size));
	put(image, 0x202, 0x53726448, 4);
	put(image, 0x206, 0x207, 2); /* of a time before there were payloads */
	put(image, 0x24c, 100, 4);
	assert_false(kernel_payload(image, sizeof(image), &offset, &size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_needed_is_loaded_first),
		cmocka_unit_test(nothing_is_loaded_twice),
		cmocka_unit_test(what_is_built_in_is_not_loaded),
		cmocka_unit_test(what_is_missing_is_named),
		cmocka_unit_test(modules_are_not_without_number),
		cmocka_unit_test(the_payload_is_where_the_header_says),
		cmocka_unit_test(other_files_have_no_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
