#include "disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void an_image_is_known_by_its_first_bytes(void **state)
{
	unsigned char head[DISK_HEAD] = { 0 };

	(void)state;
	assert_int_equal(disk_kind(head, sizeof(head)), DISK_UNKNOWN);
	head[1080] = 0x53;
	head[1081] = 0xef;
	assert_int_equal(disk_kind(head, sizeof(head)), DISK_EXT4);
	assert_int_equal(disk_kind(head, 1082), DISK_EXT4);
	assert_int_equal(disk_kind(head, 1081), DISK_UNKNOWN);
	/* Four bytes, and no string. NOLINTNEXTLINE */
	memcpy(head, "hsqs", 4);
	assert_int_equal(disk_kind(head, 4), DISK_SQUASHFS);
	assert_int_equal(disk_kind(head, 3), DISK_UNKNOWN);
	assert_int_equal(disk_kind(head, 0), DISK_UNKNOWN);
}

static void other_files_are_refused(void **state)
{
	(void)state;
	assert_true(disk_root("/proc/self/exe") < 0);
	assert_true(disk_root("/no/such") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_is_known_by_its_first_bytes),
		cmocka_unit_test(other_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
