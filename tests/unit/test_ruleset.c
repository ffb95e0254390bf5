#include "netfilter/ruleset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* "chain: text" each. */
static struct ruleset of(const char *const *lines)
{
	struct ruleset ruleset = { 0 };

	for (; *lines; lines++) {
		const char *colon = strchr(*lines, ':');
		char chain[64];

		(void)snprintf(chain, sizeof(chain), "%.*s",
			       (int)(colon - *lines), *lines);
		assert_int_equal(ruleset_add(&ruleset, chain, colon + 2), 0);
	}
	return ruleset;
}

static const char *const meant_lines[] = {
	": flags 0",      "guard: hook 0",   "refuse: called",
	"refuse: log",    "guard: drop",     "guard: accept",
	"refuse: reject", "sources: called", NULL,
};

/* @what is "" if there is no difference. */
static void assert_found(const char *const *lines, const char *what)
{
	struct ruleset meant = of(meant_lines), found = of(lines);
	char got[200] = "";
	bool same = ruleset_same(&meant, &found, got, sizeof(got));

	assert_string_equal(got, what);
	assert_int_equal(same, !what[0]);
	ruleset_done(&meant);
	ruleset_done(&found);
}

static void what_is_meant_is_the_same(void **state)
{
	(void)state;
	assert_found(meant_lines, "");
}

static void chains_may_come_in_any_order(void **state)
{
	const char *const lines[] = {
		"sources: called", "refuse: called", "guard: hook 0",
		"refuse: log",     "refuse: reject", "guard: drop",
		"guard: accept",   ": flags 0",      NULL,
	};

	(void)state;
	assert_found(lines, "");
}

static void each_difference_is_told(void **state)
{
	static const struct {
		const char *lines[12], *what;
	} all[] = {
		{ { NULL }, "the table is missing" },
		{ { ": flags 1", "guard: hook 0", "guard: drop",
		    "guard: accept", "refuse: called", "refuse: log",
		    "refuse: reject", "sources: called" },
		  "the table is flags 1" },
		{ { ": flags 0" }, "chain guard is missing" },
		{ { ": flags 0", "guard: hook 0", "guard: accept",
		    "guard: drop", "refuse: called", "refuse: log",
		    "refuse: reject", "sources: called" },
		  "chain guard: rule 1 is accept, not drop" },
		{ { ": flags 0", "guard: hook 4", "guard: drop",
		    "guard: accept", "refuse: called", "refuse: log",
		    "refuse: reject", "sources: called" },
		  "chain guard is hook 4, not hook 0" },
		{ { ": flags 0", "guard: hook 0", "guard: drop",
		    "refuse: called", "refuse: log", "refuse: reject",
		    "sources: called" },
		  "chain guard: rule 2 is missing, not accept" },
		{ { ": flags 0", "guard: hook 0", "guard: accept",
		    "guard: drop", "guard: accept", "refuse: called",
		    "refuse: log", "refuse: reject", "sources: called" },
		  "chain guard: rule 1 is accept, not drop" },
		{ { ": flags 0", "guard: hook 0", "guard: drop",
		    "guard: accept", "refuse: called", "refuse: log",
		    "refuse: reject", "sources: called", "sources: accept" },
		  "chain sources: rule 1 is one too many: accept" },
		{ { ": flags 0", "extra: hook 0", "guard: hook 0",
		    "guard: drop", "guard: accept", "refuse: called",
		    "refuse: log", "refuse: reject", "sources: called" },
		  "chain extra is not ours" },
		{ { ": flags 0", "guard: hook 0", "guard: drop",
		    "guard: accept", "refuse: called", "refuse: log",
		    "refuse: reject", "sources: called", "zone: hook 0" },
		  "chain zone is not ours" },
		{ { ": flags 0", "guard: hook 0", "guard: drop",
		    "guard: accept", "sources: called" },
		  "chain refuse is missing" },
		{ { ": flags 0", "guard: hook 0", "guard: drop",
		    "guard: accept", "refuse: called", "refuse: log",
		    "refuse: reject" },
		  "chain sources is missing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		assert_found(all[i].lines, all[i].what);
}

static void a_description_is_cut_to_fit(void **state)
{
	struct ruleset meant = of(meant_lines), found = { 0 };
	char what[8] = "", none[1] = "x";

	(void)state;
	assert_false(ruleset_same(&meant, &found, what, sizeof(what)));
	assert_string_equal(what, "the tab");
	assert_false(ruleset_same(&meant, &found, none, sizeof(none)));
	ruleset_done(&meant);
}

static void a_table_above_the_maximum_is_never_the_same(void **state)
{
	struct ruleset two[2] = { { 0 } };
	char what[100];

	(void)state;
	for (size_t i = 0; i <= RULESET_LINES_MAX; i++)
		for (int j = 0; j < 2; j++)
			assert_int_equal(ruleset_add(&two[j], "guard", "drop"),
					 0);
	assert_int_equal(two[0].n, RULESET_LINES_MAX);
	assert_false(ruleset_same(&two[0], &two[1], what, sizeof(what)));
	ruleset_done(&two[0]);
	ruleset_done(&two[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_meant_is_the_same),
		cmocka_unit_test(chains_may_come_in_any_order),
		cmocka_unit_test(each_difference_is_told),
		cmocka_unit_test(a_description_is_cut_to_fit),
		cmocka_unit_test(a_table_above_the_maximum_is_never_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
