/* A day of pins against a plain model, and what their tables look like. */
/* What is counted here is nobody else's business. NOLINTNEXTLINE */
#include "dns/pins.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MANY 100000u
#define CHAIN_MOST 16 /* with as many entries as buckets: one in 10^10 tables */
#define MINUTES 1440
#define PAIRS 200000u /* what an agent is told, in the course of the day */
#define USES_MAX 4000000u
#define HELD_MAX 4096u

static struct domain numbered(unsigned i)
{
	struct domain name;
	char text[32];

	(void)snprintf(text, sizeof(text), "n%u.test", i);
	assert_true(domain_parse(&name, text, strlen(text)));
	return name;
}

static struct address at(unsigned i)
{
	uint32_t v4 = htonl(0x5db80000u + i % 1000);

	return address_from_bytes(AF_INET, (const uint8_t *)&v4);
}

/* The same on every run. */
static uint32_t draw(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

static struct pins *fresh(void)
{
	struct pins *pins = pins_new();

	assert_non_null(pins);
	return pins;
}

static void discard(struct pins *pins)
{
	assert_int_equal(munmap(pins, sizeof(*pins)), 0);
}

/* --- the tables --- */

static unsigned longest_real(const struct pins *pins)
{
	unsigned longest = 0;

	for (uint32_t b = 0; b < BUCKETS; b++) {
		unsigned n = 0;

		for (uint32_t i = pins->real_buckets[b]; i != NONE;
		     i = pins->real[i].next)
			n++;
		longest = n > longest ? n : longest;
	}
	return longest;
}

static unsigned longest_virtual(const struct pins *pins)
{
	unsigned longest = 0;

	for (uint32_t b = 0; b < BUCKETS; b++) {
		unsigned n = 0;

		for (uint32_t i = pins->virtual_buckets[b]; i != NONE;
		     i = pins->virtual[i].next)
			n++;
		longest = n > longest ? n : longest;
	}
	return longest;
}

static void a_hundred_thousand_are_found_in_a_few_steps(void **state)
{
	struct pins *pins = fresh();
	struct address v4, v6;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		struct domain name = numbered(i);
		struct address where = at(i);

		pins_add(pins, &name, &where);
		assert_true(pins_virtual(pins, &name, &v4, &v6));
	}
	assert_int_equal(pins->n_real, MANY);
	assert_int_equal(pins->n_virtual, MANY);
	assert_in_range(longest_real(pins), 1, CHAIN_MOST);
	assert_in_range(longest_virtual(pins), 1, CHAIN_MOST);
	/* As full as they get, and after as many evictions. */
	for (unsigned i = MANY; i < 2 * PINS_REAL_MAX; i++) {
		struct domain name = numbered(i);
		struct address where = at(i);

		pins_add(pins, &name, &where);
		assert_int_equal(pins_virtual(pins, &name, &v4, &v6),
				 i < PINS_VIRTUAL_MAX);
	}
	assert_int_equal(pins->n_real, PINS_REAL_MAX);
	assert_int_equal(pins->n_virtual, PINS_VIRTUAL_MAX);
	assert_in_range(longest_real(pins), 1, CHAIN_MOST);
	assert_in_range(longest_virtual(pins), 1, CHAIN_MOST);
	discard(pins);
}

/* Dies with the lock in hand and everything but the entries in ruins. */
static void be_killed_at_work(struct pins *pins)
{
	lock(pins);
	pins->real[1].whole = false;
	pins->real[1].name.len = SIZE_MAX;
	for (uint32_t i = 0; i < pins->n_real; i++)
		pins->real[i].next = pins->real[i].older = i;
	memset(pins->real_buckets, 0, sizeof(pins->real_buckets));
	memset(pins->virtual_buckets, 0, sizeof(pins->virtual_buckets));
	pins->oldest = pins->newest = 2;
	_exit(0);
}

static bool told(struct pins *pins, unsigned i)
{
	struct domain name = numbered(i);
	struct address where = at(i);

	if (!pins_hold(pins, &name, &where))
		return false;
	pins_release(pins, &name, &where);
	return true;
}

static void what_a_killed_process_leaves_is_made_anew(void **state)
{
	struct pins *pins = fresh();
	struct domain held = numbered(3), name;
	struct address where = at(3), v4, v6, again4, again6;
	pid_t pid;

	(void)state;
	for (unsigned i = 0; i < PINS_REAL_MAX; i++) {
		struct address told = at(i);

		name = numbered(i);
		pins_add(pins, &name, &told);
	}
	assert_true(pins_hold(pins, &held, &where));
	assert_true(pins_virtual(pins, &held, &v4, &v6));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_killed_at_work(pins);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (unsigned i = 0; i < PINS_REAL_MAX; i++)
		assert_int_equal(told(pins, i), i != 1);
	assert_true(pins_virtual(pins, &held, &again4, &again6));
	assert_true(address_equal(&v4, &again4));
	/* What was not whole goes first; what is held stays. */
	for (unsigned i = 0; i < PINS_REAL_MAX; i++) {
		struct address told = at(i);

		name = numbered(PINS_REAL_MAX + i);
		pins_add(pins, &name, &told);
	}
	assert_int_equal(pins->n_real, PINS_REAL_MAX);
	assert_true(told(pins, 3));
	assert_false(told(pins, 2));
	assert_in_range(longest_real(pins), 1, CHAIN_MOST);
	discard(pins);
}

/* --- a day of what is told --- */

struct model {
	struct pins *pins;
	bool known[PAIRS];
	unsigned held[PAIRS], n_known;
	uint32_t last_use[PAIRS]; /* its place among the uses */
	uint32_t uses[USES_MAX], n_uses, n_past;
	unsigned flows[HELD_MAX], n_flows; /* of which pair each is */
};

static void use(struct model *model, unsigned pair)
{
	assert_true(model->n_uses < USES_MAX);
	model->last_use[pair] = model->n_uses;
	model->uses[model->n_uses++] = pair;
}

static void evict(struct model *model)
{
	for (;; model->n_past++) {
		unsigned pair = model->uses[model->n_past];

		/* Used again later, or used now: not this one. */
		if (model->last_use[pair] != model->n_past ||
		    !model->known[pair] || model->held[pair] > 0)
			continue;
		model->known[pair] = false;
		model->n_known--;
		return;
	}
}

static void tell(struct model *model, unsigned pair)
{
	struct domain name = numbered(pair);
	struct address where = at(pair);

	pins_add(model->pins, &name, &where);
	if (!model->known[pair]) {
		if (model->n_known == PINS_REAL_MAX)
			evict(model);
		model->known[pair] = true;
		model->n_known++;
	}
	use(model, pair);
}

static void connect_to(struct model *model, unsigned pair)
{
	struct domain name = numbered(pair);
	struct address where = at(pair);

	if (model->n_flows == HELD_MAX)
		return;
	assert_int_equal(pins_hold(model->pins, &name, &where),
			 model->known[pair]);
	if (!model->known[pair])
		return;
	model->held[pair]++;
	model->flows[model->n_flows++] = pair;
}

static void disconnect(struct model *model, uint32_t random)
{
	unsigned place = model->n_flows ? random % model->n_flows : 0;
	unsigned pair = model->flows[place];
	struct domain name = numbered(pair);
	struct address where = at(pair);

	if (model->n_flows == 0)
		return;
	model->flows[place] = model->flows[--model->n_flows];
	pins_release(model->pins, &name, &where);
	if (--model->held[pair] == 0)
		use(model, pair);
}

/*
 * Some names are in use all day; the others come and go. A minute has more of
 * them than the budgets of ten wildcards give (budget.h).
 */
static void a_minute(struct model *model, unsigned minute, uint64_t *seed)
{
	unsigned first = minute * 120 % PAIRS;

	for (unsigned i = 0; i < 240; i++) {
		uint32_t random = draw(seed);

		tell(model, (first + i) % PAIRS);
		tell(model, random % 500);
		if (random % 3 == 0)
			connect_to(model, draw(seed) % PAIRS);
		else if (random % 3 == 1)
			disconnect(model, draw(seed));
	}
}

static void a_day_of_pins_is_as_a_list_by_use_would_have_it(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	uint64_t seed = 1;

	(void)state;
	assert_non_null(model);
	model->pins = fresh();
	for (unsigned minute = 0; minute < MINUTES; minute++) {
		a_minute(model, minute, &seed);
		assert_int_equal(model->pins->n_real, model->n_known);
	}
	assert_int_equal(model->n_known, PINS_REAL_MAX);
	assert_true(model->n_past > 0);
	for (unsigned i = 0; i < model->n_flows; i++)
		assert_true(model->known[model->flows[i]]);
	while (model->n_flows > 0)
		disconnect(model, draw(&seed));
	/* Looking is using: the model is of no more use. */
	for (unsigned i = 0; i < PAIRS; i++)
		assert_int_equal(told(model->pins, i), model->known[i]);
	discard(model->pins);
	free(model);
}

/* --- a day of virtual addresses --- */

static void a_day_of_virtual_addresses_reuses_none(void **state)
{
	static struct address given[PINS_VIRTUAL_MAX];
	static unsigned place_of[PINS_VIRTUAL_MAX + 1000]; /* 0: none */
	struct pins *pins = fresh();
	struct address v4 = { 0 }, v6 = { 0 };
	struct domain name, found;
	uint64_t seed = 1;
	unsigned n = 0;

	(void)state;
	for (unsigned minute = 0; minute < MINUTES; minute++) {
		if (minute % 60 == 59)
			pins_recover(pins); /* all workers are new */
		for (unsigned i = 0; i < 150; i++) {
			unsigned which =
				draw(&seed) % (PINS_VIRTUAL_MAX + 1000);

			name = numbered(which);
			assert_true(pins_virtual(pins, &name, &v4, &v6));
			if (place_of[which] == 0) {
				given[n] = v4;
				place_of[which] = ++n;
			}
			assert_true(address_equal(&given[place_of[which] - 1],
						  &v4));
			assert_true(pins_name(pins, &v6, &found));
			assert_string_equal(found.name, name.name);
		}
	}
	assert_int_equal(pins->n_virtual, n);
	/* Each stands for one name, which is the one it was given to. */
	for (unsigned i = 0; i < PINS_VIRTUAL_MAX + 1000; i++) {
		if (place_of[i] == 0)
			continue;
		name = numbered(i);
		assert_true(pins_name(pins, &given[place_of[i] - 1], &found));
		assert_string_equal(found.name, name.name);
	}
	discard(pins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hundred_thousand_are_found_in_a_few_steps),
		cmocka_unit_test(what_a_killed_process_leaves_is_made_anew),
		cmocka_unit_test(
			a_day_of_pins_is_as_a_list_by_use_would_have_it),
		cmocka_unit_test(a_day_of_virtual_addresses_reuses_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
