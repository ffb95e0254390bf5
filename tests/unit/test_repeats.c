#include "dns/repeats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE_A 1

struct record {
	unsigned n_lines;
	uint64_t n_refusals, last;
};

static void put(void *arg, const struct repeat *repeat)
{
	struct record *record = arg;

	record->n_lines++;
	record->n_refusals += repeat->count;
	record->last = repeat->count;
}

static void refuse(struct repeats *repeats, const char *text, uint16_t type,
		   int64_t now_ms)
{
	struct domain name;
	const struct repeat_key key = { .name = &name,
					.reason = REASON_NAME_NOT_LISTED,
					.type = type };
	struct repeat *repeat;
	bool is_new;

	assert_true(domain_parse(&name, text, strlen(text)));
	repeat = repeats_place(repeats, &key, &is_new);
	assert_non_null(repeat);
	assert_true(is_new == (repeat->id[0] == '\0'));
	repeat->id[0] = 'x';
	repeats_count(repeats, repeat, now_ms);
}

static void the_first_is_written_at_once(void **state)
{
	struct record record = { 0 };
	struct repeats repeats;

	(void)state;
	assert_int_equal(repeats_init(&repeats, put, &record), 0);
	refuse(&repeats, "a.example.org", TYPE_A, 0);
	assert_int_equal(record.n_lines, 1);
	refuse(&repeats, "b.example.org", TYPE_A, 0);
	refuse(&repeats, "a.example.org", TYPE_A + 1, 0);
	assert_int_equal(record.n_lines, 3);
	repeats_done(&repeats);
	assert_int_equal(record.n_lines, 3);
}

static void answers_that_differ_share_nothing(void **state)
{
	static const char *const detail = "no data";
	struct record record = { 0 };
	struct repeats repeats;
	struct domain name;
	const struct repeat_key keys[] = {
		{ &name, VERDICT_DENY, REASON_NAME_NOT_LISTED, TYPE_A, NULL },
		{ &name, VERDICT_DENY, REASON_NAME_DENIED, TYPE_A, NULL },
		{ &name, VERDICT_INTERCEPT, REASON_ALLOWED, TYPE_A, NULL },
		{ &name, VERDICT_RELAY, REASON_ALLOWED, TYPE_A, NULL },
		{ &name, VERDICT_RELAY, REASON_ALLOWED, TYPE_A, detail },
		{ &name, VERDICT_RELAY, REASON_ALLOWED, TYPE_A + 1, detail },
	};
	bool is_new;

	(void)state;
	assert_true(domain_parse(&name, "a.example.org", 13));
	assert_int_equal(repeats_init(&repeats, put, &record), 0);
	for (size_t i = 0; i < 2 * sizeof(keys) / sizeof(*keys); i++) {
		const struct repeat_key *key =
			&keys[i % (sizeof(keys) / sizeof(*keys))];
		struct repeat *repeat = repeats_place(&repeats, key, &is_new);

		assert_non_null(repeat);
		assert_true(is_new == (i < sizeof(keys) / sizeof(*keys)));
		repeats_count(&repeats, repeat, 0);
	}
	assert_int_equal(record.n_lines, sizeof(keys) / sizeof(*keys));
	repeats_done(&repeats);
}

static void the_next_share_a_line_in_ten_seconds(void **state)
{
	struct record record = { 0 };
	struct repeats repeats;

	(void)state;
	assert_int_equal(repeats_init(&repeats, put, &record), 0);
	for (int64_t ms = 0; ms < 60000; ms += 10)
		refuse(&repeats, "a.example.org", TYPE_A, ms);
	assert_int_equal(record.n_lines, 6);
	assert_int_equal(record.last, REPEATS_LINE_MS / 10);
	repeats_done(&repeats);
	assert_int_equal(record.n_lines, 7);
	assert_int_equal(record.n_refusals, 6000);
}

static void what_is_pending_is_written_when_it_is_due(void **state)
{
	struct record record = { 0 };
	struct repeats repeats;

	(void)state;
	assert_int_equal(repeats_init(&repeats, put, &record), 0);
	refuse(&repeats, "a.example.org", TYPE_A, 0);
	refuse(&repeats, "a.example.org", TYPE_A, 1);
	refuse(&repeats, "a.example.org", TYPE_A, 2);
	repeats_sweep(&repeats, REPEATS_LINE_MS - 1);
	assert_int_equal(record.n_lines, 1);
	repeats_sweep(&repeats, REPEATS_LINE_MS);
	assert_int_equal(record.n_lines, 2);
	assert_int_equal(record.last, 2);
	repeats_sweep(&repeats, (int64_t)5 * REPEATS_LINE_MS);
	assert_int_equal(record.n_lines, 2);
	repeats_done(&repeats);
}

/* A day of names that an agent makes up: nothing grows, nothing is lost. */
static void none_is_lost_when_room_is_needed(void **state)
{
	struct record record = { 0 };
	struct repeats repeats;
	uint64_t n = 0;
	char text[64];

	(void)state;
	assert_int_equal(repeats_init(&repeats, put, &record), 0);
	for (int64_t s = 0; s < 86400; s += 10) {
		(void)snprintf(text, sizeof(text), "n%d.example.org", (int)s);
		for (int i = 0; i < 3; i++, n++)
			refuse(&repeats, text, TYPE_A, s * 1000 + i);
		refuse(&repeats, "always.example.org", TYPE_A, s * 1000);
		n++;
		assert_true(repeats.table.n <= REPEATS_MAX);
	}
	assert_int_equal(repeats.table.n, REPEATS_MAX);
	repeats_done(&repeats);
	assert_int_equal(record.n_refusals, n);
}

/* --- a day of it --- */

#define NAMES 2000 /* they all find room */
#define SWEEP_MS 5000
#define NEVER INT64_MIN

struct day {
	int64_t now_ms;
	int64_t written_ms[NAMES], pending_ms[NAMES];
	uint64_t n_told;
};

/* What is pending must not wait, nor may lines be close together. */
static void put_in_time(void *arg, const struct repeat *repeat)
{
	struct day *day = arg;
	unsigned long name = strtoul(repeat->name.name + 1, NULL, 10);

	assert_true(name < NAMES);
	if (day->written_ms[name] != NEVER)
		assert_true(day->now_ms - day->written_ms[name] >=
			    REPEATS_LINE_MS);
	assert_true(day->now_ms - day->pending_ms[name] <=
		    REPEATS_LINE_MS + SWEEP_MS);
	day->written_ms[name] = day->now_ms;
	day->pending_ms[name] = NEVER;
	day->n_told += repeat->count;
}

static void a_day_of_refusals_is_told_in_time(void **state)
{
	static struct day day = { .now_ms = UINT32_MAX - (int64_t)43200000 };
	const int64_t end_ms = day.now_ms + (int64_t)86400000;
	uint64_t n = 0, seed = 1;
	struct repeats repeats;

	(void)state;
	assert_true(NAMES <= REPEATS_MAX);
	for (unsigned i = 0; i < NAMES; i++)
		day.written_ms[i] = day.pending_ms[i] = NEVER;
	assert_int_equal(repeats_init(&repeats, put_in_time, &day), 0);
	for (; day.now_ms < end_ms; day.now_ms += SWEEP_MS) {
		repeats_sweep(&repeats, day.now_ms);
		for (int i = 0; i < 20; i++, n++) {
			char text[32];
			unsigned name;

			seed = seed * UINT64_C(6364136223846793005) + 1;
			name = (unsigned)(seed >> 33) % (i < 10 ? 20 : NAMES);
			(void)snprintf(text, sizeof(text), "n%u.test", name);
			if (day.pending_ms[name] == NEVER)
				day.pending_ms[name] = day.now_ms;
			refuse(&repeats, text, TYPE_A, day.now_ms);
		}
		for (unsigned i = 0; i < NAMES; i++)
			assert_true(day.pending_ms[i] == NEVER ||
				    day.now_ms - day.pending_ms[i] <=
					    REPEATS_LINE_MS);
	}
	assert_int_equal(repeats.table.n, NAMES);
	for (int i = 0; i < REPEATS_LINE_MS / SWEEP_MS; i++) {
		repeats_sweep(&repeats, day.now_ms);
		day.now_ms += SWEEP_MS;
	}
	assert_int_equal(day.n_told, n);
	repeats_done(&repeats);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_is_written_at_once),
		cmocka_unit_test(answers_that_differ_share_nothing),
		cmocka_unit_test(the_next_share_a_line_in_ten_seconds),
		cmocka_unit_test(what_is_pending_is_written_when_it_is_due),
		cmocka_unit_test(none_is_lost_when_room_is_needed),
		cmocka_unit_test(a_day_of_refusals_is_told_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
