#include "initramfs.h"
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ARCHIVE_MAX 65536

struct reader {
	char bytes[ARCHIVE_MAX];
	size_t len, at;
};

static unsigned long hexadecimal(const char *field)
{
	char text[9];

	memcpy(text, field, 8);
	text[8] = '\0';
	return strtoul(text, NULL, 16);
}

/* The field of that number, behind the magic. */
static unsigned long number(const char *head, size_t n)
{
	return hexadecimal(head + 6 + n * 8);
}

/* One entry as the kernel reads it (Documentation/driver-api/early-userspace):
   "MODE PATH CONTENT"; false at the trailer. */
static bool next(struct reader *reader, char text[512])
{
	const char *head = reader->bytes + reader->at;
	unsigned long mode = number(head, 1);
	unsigned long size = number(head, 6);
	unsigned long name_len = number(head, 11);
	const char *name = head + 110;
	size_t content = reader->at + (110 + name_len + 3) / 4 * 4;

	assert_memory_equal(head, "070701", 6);
	assert_int_equal(number(head, 2), 0); /* owner */
	assert_int_equal(number(head, 5), 0); /* time */
	if (strcmp(name, "TRAILER!!!") == 0)
		return false;
	(void)snprintf(text, 512, "%lo %s %.*s", mode, name, (int)size,
		       reader->bytes + content);
	reader->at = (content + size + 3) / 4 * 4;
	assert_true(reader->at < reader->len);
	return true;
}

static void read_back(int fd, struct reader *reader)
{
	reader->at = 0;
	reader->len = (size_t)pread(fd, reader->bytes, ARCHIVE_MAX, 0);
	assert_true(reader->len < ARCHIVE_MAX);
	/* What follows begins where the kernel looks for it. */
	assert_int_equal(reader->len % 4, 0);
	(void)close(fd);
}

static void folders_are_made_once_and_in_time(void **state)
{
	struct reader *reader = malloc(sizeof(*reader));
	int fd = memfd_create("test", 0);
	struct initramfs *initramfs = initramfs_new(fd);
	char text[512];

	(void)state;
	assert_non_null(reader);
	assert_non_null(initramfs);
	assert_int_equal(
		initramfs_bytes(initramfs, "/a/b/file", 0600, "x\0y", 3), 0);
	assert_int_equal(
		initramfs_bytes(initramfs, "/a/b/empty", 0755, NULL, 0), 0);
	assert_int_equal(initramfs_folder(initramfs, "/a"), 0);
	assert_int_equal(initramfs_console(initramfs), 0);
	assert_int_equal(initramfs_end(initramfs), 0);
	read_back(fd, reader);
	assert_true(next(reader, text));
	assert_string_equal(text, "40755 a ");
	assert_true(next(reader, text));
	assert_string_equal(text, "40755 a/b ");
	assert_true(next(reader, text));
	assert_string_equal(text, "100600 a/b/file x");
	assert_true(next(reader, text));
	assert_string_equal(text, "100755 a/b/empty ");
	assert_true(next(reader, text));
	assert_string_equal(text, "40755 dev ");
	assert_true(next(reader, text));
	assert_string_equal(text, "20600 dev/console ");
	assert_false(next(reader, text));
	free(reader);
}

static void make_file(char path[], int suffix, const char *content, size_t len)
{
	int fd = mkstemps(path, suffix);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, len), len);
	(void)close(fd);
}

/* "hello\n" by gzip(1). */
static const char packed[] =
	"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xe7\x02"
	"\x00\x20\x30\x3a\x36\x06\x00\x00\x00";

static void a_file_comes_as_it_is_or_unpacked(void **state)
{
	struct reader *reader = malloc(sizeof(*reader));
	char path[] = "/tmp/sluice-test-XXXXXX.gz";
	int fd = memfd_create("test", 0);
	struct initramfs *initramfs = initramfs_new(fd);
	char text[512];

	(void)state;
	assert_non_null(reader);
	assert_non_null(initramfs);
	make_file(path, 3, packed, sizeof(packed) - 1);
	assert_int_equal(initramfs_unpacked(initramfs, "/u", 0644, path), 0);
	assert_int_equal(initramfs_file(initramfs, "/p", 0644, path), 0);
	assert_int_equal(initramfs_file(initramfs, "/no", 0644, "/no/such"),
			 -ENOENT);
	assert_int_equal(initramfs_file(initramfs, "/no", 0644, "/tmp"),
			 -EINVAL);
	assert_int_equal(initramfs_end(initramfs), 0);
	(void)unlink(path);
	read_back(fd, reader);
	assert_true(next(reader, text));
	assert_string_equal(text, "100644 u hello\n");
	assert_true(next(reader, text));
	assert_memory_equal(text, "100644 p \x1f\x8b\x08", 12);
	assert_false(next(reader, text));
	free(reader);
}

static void what_is_not_packed_is_left_alone(void **state)
{
	char *bytes;
	size_t len;

	(void)state;
	assert_int_equal(unpack_bytes("plain", 5, &bytes, &len), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(bytes, "plain", 5);
	free(bytes);
	assert_int_equal(unpack_bytes(packed, sizeof(packed) - 1, &bytes, &len),
			 0);
	assert_int_equal(len, 6);
	free(bytes);
	/* Cut off. */
	assert_true(unpack_bytes(packed, sizeof(packed) - 12, &bytes, &len) <
		    0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_are_made_once_and_in_time),
		cmocka_unit_test(a_file_comes_as_it_is_or_unpacked),
		cmocka_unit_test(what_is_not_packed_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
