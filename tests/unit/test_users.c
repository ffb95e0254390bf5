#include "users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char passwd[] =
	"# a comment\n"
	"root:x:0:0:root:/root:/bin/bash\n"
	"short:x:5:5\n"
	"agent:x:1000:1001:An Agent,,:/home/agent:/bin/sh\n"
	"agent:x:0:0:a second one:/:/bin/sh\n"
	"1234:x:4321:4321::/home/1234:/bin/sh\n"
	"minus:x:-1:-1::/:/bin/sh\n"
	"all:x:4294967295:0::/:/bin/sh\n"
	"long:x:1:1::/:/bin/sh:more\n"
	"last:x:7:8::/last:/bin/sh";

static const char group[] = "root:x:0:\n"
			    "agent:x:1001:\n"
			    "docker:x:998:root,agent\n"
			    "agents:x:997:agents\n"
			    "video:x:44:agent,root\n";

static bool find(const char *wanted, struct user *user)
{
	return users_find(passwd, strlen(passwd), group, strlen(group), wanted,
			  user);
}

static void a_name_brings_its_groups_and_home(void **state)
{
	struct user user;

	(void)state;
	assert_true(find("agent", &user));
	assert_int_equal(user.uid, 1000);
	assert_int_equal(user.gid, 1001);
	assert_string_equal(user.name, "agent");
	assert_string_equal(user.home, "/home/agent");
	assert_int_equal(user.n_groups, 2);
	assert_int_equal(user.groups[0], 998);
	assert_int_equal(user.groups[1], 44);
}

static void the_number_of_an_entry_finds_the_same(void **state)
{
	struct user user;

	(void)state;
	assert_true(find("1000", &user));
	assert_string_equal(user.name, "agent");
	assert_int_equal(user.gid, 1001);
	assert_int_equal(user.n_groups, 2);
	assert_true(find("7", &user));
	assert_int_equal(user.gid, 8);
}

static void a_group_given_leaves_the_others_out(void **state)
{
	struct user user;

	(void)state;
	assert_true(find("agent:50", &user));
	assert_int_equal(user.uid, 1000);
	assert_int_equal(user.gid, 50);
	assert_int_equal(user.n_groups, 0);
}

static void a_number_needs_no_entry(void **state)
{
	struct user user;

	(void)state;
	assert_true(find("2000", &user));
	assert_int_equal(user.uid, 2000);
	assert_int_equal(user.gid, 2000);
	assert_int_equal(user.n_groups, 0);
	assert_string_equal(user.name, "");
	assert_true(find("2000:3000", &user));
	assert_int_equal(user.gid, 3000);
	assert_true(users_find("", 0, "", 0, "4294967294", &user));
	assert_int_equal(user.uid, 4294967294);
}

/* As useradd(8) refuses such names: digits are always a number. */
static void digits_are_a_number_and_never_a_name(void **state)
{
	struct user user;

	(void)state;
	assert_true(find("1234", &user));
	assert_int_equal(user.uid, 1234);
}

static void nobody_else_is_found(void **state)
{
	static const char *const refused[] = {
		"",
		":",
		"agen",
		"agent2",
		"agent:",
		"agent:x",
		"agent:1:2",
		"short",
		"minus",
		"-1",
		"4294967295",
		"all",
		"long",
		"0x3e8",
		" 1000",
		"1000 ",
		":1000",
		"1000:-1",
		"#",
		"# a comment",
		"agent\n",
		"4294967296",
		"99999999999999999999",
		"1000:4294967295",
	};
	struct user user = { .uid = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (find(refused[i], &user))
			fail_msg("found: %s", refused[i]);
	assert_int_equal(user.uid, 77);
}

static void more_groups_than_fit_are_refused(void **state)
{
	static char groups[USERS_GROUPS_MAX * 32];
	struct user user;
	size_t len = 0, full;

	(void)state;
	for (int i = 0; i < USERS_GROUPS_MAX; i++)
		len += (size_t)sprintf(groups + len, "g:x:%d:agent\n", i);
	full = len;
	assert_true(users_find(passwd, strlen(passwd), groups, full, "agent",
			       &user));
	assert_int_equal(user.n_groups, USERS_GROUPS_MAX);
	len += (size_t)sprintf(groups + len, "g:x:99:agent\n");
	assert_false(users_find(passwd, strlen(passwd), groups, len, "agent",
				&user));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_brings_its_groups_and_home),
		cmocka_unit_test(the_number_of_an_entry_finds_the_same),
		cmocka_unit_test(a_group_given_leaves_the_others_out),
		cmocka_unit_test(a_number_needs_no_entry),
		cmocka_unit_test(digits_are_a_number_and_never_a_name),
		cmocka_unit_test(nobody_else_is_found),
		cmocka_unit_test(more_groups_than_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
