#include "dns/budget.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY_MS ((int64_t)86400 * 1000)
#define BITS_PER_BYTE 5.2855 /* log2 of 39 */

static const uint64_t key[2] = { 1, 2 };

static struct domain domain(const char *text)
{
	struct domain name;

	assert_true(domain_parse(&name, text, strlen(text)));
	return name;
}

static bool spend_on(struct budget *budget, const char *base, const char *label,
		     bool is_other, int64_t now_ms)
{
	const struct domain below = domain(base);
	char text[300];
	struct domain name;

	(void)snprintf(text, sizeof(text), "%s.%s", label, base);
	name = domain(text);
	return budget_spend(budget, key, &below, &name, is_other, now_ms);
}

static bool spend(struct budget *budget, const char *base, const char *label,
		  int64_t now_ms)
{
	return spend_on(budget, base, label, false, now_ms);
}

static int budget_new(void **state)
{
	*state = calloc(1, sizeof(struct budget));
	return *state ? 0 : -1;
}

static int budget_free(void **state)
{
	free(*state);
	return 0;
}

static void so_many_names_and_no_more(void **state)
{
	char label[16];

	for (int i = 0; i < BUDGET_NAMES; i++) {
		(void)snprintf(label, sizeof(label), "n%d", i);
		assert_true(spend(*state, "wild.test", label, 1000 + i));
	}
	assert_false(spend(*state, "wild.test", "more", 2000));
	assert_false(spend(*state, "wild.test", "more",
			   1000 + BUDGET_WINDOW_MS - 1));
	assert_true(
		spend(*state, "wild.test", "more", 1000 + BUDGET_WINDOW_MS));
	assert_false(
		spend(*state, "wild.test", "next", 1000 + BUDGET_WINDOW_MS));
}

static void so_many_bytes_and_no_more(void **state)
{
	char label[64];
	int n = 0;

	memset(label, 'a', 63);
	label[63] = '\0';
	for (int i = 0; i < 20; i++) {
		label[0] = (char)('a' + i);
		n += spend(*state, "wild.test", label, i);
	}
	assert_int_equal(n, (BUDGET_BYTES - BUDGET_RESERVED) / 64);
	/* What is in use goes on: no flood of names can stop it. */
	label[0] = 'a';
	for (int i = 0; i < BUDGET_RESERVED / BUDGET_REPEAT; i++)
		assert_true(spend(*state, "wild.test", label, 100 + i));
}

static void so_many_labels_and_no_more(void **state)
{
	assert_true(spend(*state, "wild.test", "a.b.c.d", 0));
	assert_false(spend(*state, "wild.test", "a.b.c.d.e", 0));
}

static void what_is_asked_again_is_not_a_new_name(void **state)
{
	char label[64];

	memset(label, 'a', 60);
	label[60] = '\0';
	for (int i = 0; i < 90; i++)
		assert_true(spend(*state, "wild.test", label, i));
	/* Not even a minute later, nor an hour. */
	memset(label, 'b', 60);
	assert_false(spend(*state, "wild.test", label, 100));
	memset(label, 'a', 60);
	for (int i = 0; i < BUDGET_BYTES / BUDGET_REPEAT; i++)
		assert_true(spend(*state, "wild.test", label,
				  (int64_t)3600000 + i));
	/* But not without end. */
	assert_false(spend(*state, "wild.test", label, 3601000));
}

/* It is a choice, and so is paid for, of a name that is new and of one in use. */
static void another_type_costs_a_byte_more(void **state)
{
	const unsigned new = (unsigned)strlen("label") + 1;
	const unsigned repeat = BUDGET_REPEAT + BUDGET_TYPE;
	unsigned n;

	assert_true(spend_on(*state, "wild.test", "label", true, 0));
	for (n = 0; spend_on(*state, "wild.test", "label", true, 1); n++)
		;
	assert_int_equal(n, (BUDGET_BYTES - new - BUDGET_TYPE) / repeat);
}

static void one_wildcard_does_not_pay_for_another(void **state)
{
	char label[16];

	for (int i = 0; i < BUDGET_NAMES; i++) {
		(void)snprintf(label, sizeof(label), "n%d", i);
		assert_true(spend(*state, "wild.test", label, 0));
	}
	assert_false(spend(*state, "wild.test", "more", 0));
	assert_true(spend(*state, "other.test", "more", 0));
}

/* More wildcards than there are places get no more than one place gives. */
static void a_place_in_use_is_not_given_away(void **state)
{
	char base[32], label[16];
	int n = 0;

	for (int i = 0; i < BUDGET_BASES_MAX - 1; i++) {
		(void)snprintf(base, sizeof(base), "base%d.test", i);
		assert_true(spend(*state, base, "first", 0));
	}
	for (int i = 0; i < 500; i++) {
		(void)snprintf(base, sizeof(base), "late%d.test", i);
		(void)snprintf(label, sizeof(label), "n%d", i);
		n += spend(*state, base, label, 1);
	}
	assert_int_equal(n, BUDGET_NAMES);
	/* A minute later all are free. */
	assert_true(spend(*state, "late1.test", "later", BUDGET_WINDOW_MS + 1));
}

/* The most that a day of tunnelling gets out, and any minute of it. */
static void a_tunnel_has_less_than_fifty_bits_a_second(void **state)
{
	static uint16_t spent[86400];
	const struct domain base = domain("wild.test");
	uint64_t total = 0, counter = 0;
	double most = 0;

	for (int64_t ms = 0; ms < DAY_MS; ms += 250) {
		char text[80];
		struct domain name;

		/* A new name of 23 bytes: what suits the limits best. */
		(void)snprintf(text, sizeof(text), "%023llu.wild.test",
			       (unsigned long long)++counter);
		text[0] = 't';
		name = domain(text);
		if (!budget_spend(*state, key, &base, &name, false, ms))
			continue;
		spent[ms / 1000] += 24;
		total += 24;
	}
	assert_true(total > 0);
	for (int at = 0; at + 60 <= 86400; at++) {
		double bits = 0;

		for (int s = at; s < at + 60; s++)
			bits += spent[s] * BITS_PER_BYTE;
		if (bits / 60 > most)
			most = bits / 60;
	}
	print_message("%.1f bit/s, %.1f in the worst minute\n",
		      (double)total * BITS_PER_BYTE / 86400, most);
	assert_true((double)total * BITS_PER_BYTE / 86400 < 25);
	assert_true(most < 50);
}

/*
 * A window after it was spent there is all of it again, at any hour of a day
 * in which 2^32 milliseconds pass, and for each of more wildcards than there
 * are places.
 */
static void what_is_spent_comes_back_with_the_window(void **state)
{
	const int64_t start_ms = UINT32_MAX - DAY_MS / 2;
	unsigned turn = 0;

	for (int64_t ms = start_ms; ms < start_ms + DAY_MS; turn++) {
		unsigned n = 0, more = turn * 1000;
		char base[32], label[16];

		(void)snprintf(base, sizeof(base), "base%u.test", turn % 200);
		do
			(void)snprintf(label, sizeof(label), "n%u", more++);
		while (spend(*state, base, label, ms) && ++n < BUDGET_BYTES);
		assert_int_equal(n, BUDGET_NAMES);
		ms += BUDGET_WINDOW_MS - 1;
		assert_false(spend(*state, base, label, ms));
		ms += 1;
		for (n = 0; n < BUDGET_NAMES; n++) {
			(void)snprintf(label, sizeof(label), "n%u", more++);
			assert_true(spend(*state, base, label, ms));
		}
		/* The refusal was a use as well: its place is still its own. */
		ms += (int64_t)BUDGET_WINDOW_MS / 3 * (turn % 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(so_many_names_and_no_more,
						budget_new, budget_free),
		cmocka_unit_test_setup_teardown(so_many_bytes_and_no_more,
						budget_new, budget_free),
		cmocka_unit_test_setup_teardown(so_many_labels_and_no_more,
						budget_new, budget_free),
		cmocka_unit_test_setup_teardown(
			what_is_asked_again_is_not_a_new_name, budget_new,
			budget_free),
		cmocka_unit_test_setup_teardown(another_type_costs_a_byte_more,
						budget_new, budget_free),
		cmocka_unit_test_setup_teardown(
			one_wildcard_does_not_pay_for_another, budget_new,
			budget_free),
		cmocka_unit_test_setup_teardown(
			a_place_in_use_is_not_given_away, budget_new,
			budget_free),
		cmocka_unit_test_setup_teardown(
			what_is_spent_comes_back_with_the_window, budget_new,
			budget_free),
		cmocka_unit_test_setup_teardown(
			a_tunnel_has_less_than_fifty_bits_a_second, budget_new,
			budget_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
