#include "table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct word {
	struct table_node node;
	char text[16];
};

/* What was evicted, in that order. */
struct evicted {
	char text[64];
};

static bool word_is(const struct table_node *node, const void *key)
{
	return strcmp(table_entry_const(node, struct word, node)->text, key) ==
	       0;
}

static void word_evict(struct table_node *node, void *arg)
{
	struct word *word = table_entry(node, struct word, node);
	struct evicted *evicted = arg;
	size_t at = strlen(evicted->text);

	(void)snprintf(evicted->text + at, sizeof(evicted->text) - at, "%s ",
		       word->text);
	free(word);
}

static const struct table_ops word_ops = { word_is, word_evict };

static struct word *word_new(const char *text)
{
	struct word *word = calloc(1, sizeof(*word));

	assert_non_null(word);
	(void)snprintf(word->text, sizeof(word->text), "%s", text);
	return word;
}

static void add(struct table *table, const char *text)
{
	table_insert(table, &word_new(text)->node,
		     table_hash(table, text, strlen(text)));
}

static struct table_node *find(struct table *table, const char *text)
{
	return table_find(table, table_hash(table, text, strlen(text)), text);
}

static void what_was_used_least_lately_goes_first(void **state)
{
	struct evicted evicted = { "" };
	struct table table;

	(void)state;
	assert_int_equal(table_init(&table, 3, &word_ops, &evicted), 0);
	add(&table, "a");
	add(&table, "b");
	add(&table, "c");
	assert_string_equal(evicted.text, "");
	assert_non_null(find(&table, "a"));
	add(&table, "d");
	assert_string_equal(evicted.text, "b ");
	add(&table, "e");
	assert_string_equal(evicted.text, "b c ");
	assert_int_equal(table.n, 3);
	assert_null(find(&table, "b"));
	assert_non_null(find(&table, "a"));
	assert_non_null(find(&table, "d"));
	assert_non_null(find(&table, "e"));
	table_done(&table);
	assert_string_equal(evicted.text, "b c e d a ");
	table_done(&table);
}

static void a_table_of_one_holds_the_newest(void **state)
{
	struct evicted evicted = { "" };
	struct table table;

	(void)state;
	assert_int_equal(table_init(&table, 1, &word_ops, &evicted), 0);
	add(&table, "a");
	add(&table, "b");
	assert_null(find(&table, "a"));
	assert_non_null(find(&table, "b"));
	table_done(&table);
	assert_string_equal(evicted.text, "a b ");
}

static void equal_hashes_are_told_apart_by_key(void **state)
{
	struct evicted evicted = { "" };
	struct word *a = word_new("a"), *b = word_new("b");
	struct word *c = word_new("c");
	struct table table;

	(void)state;
	assert_int_equal(table_init(&table, 4, &word_ops, &evicted), 0);
	table_insert(&table, &a->node, 7);
	table_insert(&table, &b->node, 7);
	table_insert(&table, &c->node, 7 + 4); /* the same chain */
	assert_ptr_equal(table_find(&table, 7, "a"), &a->node);
	assert_ptr_equal(table_find(&table, 7, "b"), &b->node);
	assert_ptr_equal(table_find(&table, 11, "c"), &c->node);
	assert_null(table_find(&table, 7, "c"));
	table_remove(&table, &b->node); /* from the middle of the chain */
	free(b);
	assert_null(table_find(&table, 7, "b"));
	assert_ptr_equal(table_find(&table, 7, "a"), &a->node);
	table_done(&table);
	assert_string_equal(evicted.text, "a c ");
}

static void a_full_table_keeps_to_its_maximum(void **state)
{
	struct evicted evicted = { "" };
	struct table table;
	char text[16];

	(void)state;
	assert_int_equal(table_init(&table, 1000, &word_ops, &evicted), 0);
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(text, sizeof(text), "w%d", i);
		add(&table, text);
		assert_true(table.n <= 1000);
	}
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(text, sizeof(text), "w%d", i);
		assert_int_equal(find(&table, text) != NULL, i >= 4000);
	}
	table_done(&table);
}

static void two_tables_hash_differently(void **state)
{
	struct evicted evicted = { "" };
	struct table one, two;

	(void)state;
	assert_int_equal(table_init(&one, 1, &word_ops, &evicted), 0);
	assert_int_equal(table_init(&two, 1, &word_ops, &evicted), 0);
	assert_true(table_hash(&one, "name", 4) != table_hash(&two, "name", 4));
	assert_true(table_hash(&one, "name", 4) == table_hash(&one, "name", 4));
	table_done(&one);
	table_done(&two);
}

/* The vectors of the reference implementation, vectors.h, vectors_sip64. */
static void the_hash_is_siphash(void **state)
{
	const uint64_t key[2] = { UINT64_C(0x0706050403020100),
				  UINT64_C(0x0f0e0d0c0b0a0908) };
	uint8_t in[15];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	assert_true(table_siphash(key, in, 0) == UINT64_C(0x726fdb47dd0e0e31));
	assert_true(table_siphash(key, in, 1) == UINT64_C(0x74f839c593dc67fd));
	assert_true(table_siphash(key, in, 8) == UINT64_C(0x93f5f5799a932462));
	assert_true(table_siphash(key, in, 15) == UINT64_C(0xa129ca6149be45e5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_used_least_lately_goes_first),
		cmocka_unit_test(a_table_of_one_holds_the_newest),
		cmocka_unit_test(equal_hashes_are_told_apart_by_key),
		cmocka_unit_test(a_full_table_keeps_to_its_maximum),
		cmocka_unit_test(two_tables_hash_differently),
		cmocka_unit_test(the_hash_is_siphash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
