#include "repeats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool repeat_is(const struct table_node *node, const void *key)
{
	const struct repeat *repeat =
		table_entry_const(node, struct repeat, node);
	const struct repeat_key *wanted = key;

	return repeat->verdict == wanted->verdict &&
	       repeat->reason == wanted->reason &&
	       repeat->type == wanted->type &&
	       strncmp(repeat->detail, wanted->detail ? wanted->detail : "",
		       sizeof(repeat->detail) - 1) == 0 &&
	       repeat->name.len == wanted->name->len &&
	       memcmp(repeat->name.name, wanted->name->name,
		      wanted->name->len) == 0;
}

static void put_line(const struct repeats *repeats, struct repeat *repeat)
{
	if (repeat->count > 0)
		repeats->write(repeats->arg, repeat);
	repeat->count = 0;
}

static void repeat_evict(struct table_node *node, void *arg)
{
	struct repeat *repeat = table_entry(node, struct repeat, node);

	put_line(arg, repeat);
	free(repeat);
}

static bool is_due(const struct repeat *repeat, int64_t now_ms)
{
	return repeat->count > 0 &&
	       now_ms - repeat->written_ms >= REPEATS_LINE_MS;
}

int repeats_init(struct repeats *repeats,
		 void (*write)(void *arg, const struct repeat *repeat),
		 void *arg)
{
	static const struct table_ops ops = { repeat_is, repeat_evict };

	repeats->write = write;
	repeats->arg = arg;
	return table_init(&repeats->table, REPEATS_MAX, &ops, repeats);
}

void repeats_done(struct repeats *repeats)
{
	table_done(&repeats->table);
}

struct repeat *repeats_place(struct repeats *repeats,
			     const struct repeat_key *key, bool *is_new)
{
	uint64_t hash =
		table_hash(&repeats->table, key->name->name, key->name->len);
	struct table_node *node = table_find(&repeats->table, hash, key);
	struct repeat *repeat;

	*is_new = !node;
	if (node)
		return table_entry(node, struct repeat, node);
	repeat = calloc(1, sizeof(*repeat));
	if (!repeat)
		return NULL;
	repeat->name = *key->name;
	repeat->verdict = key->verdict;
	repeat->reason = key->reason;
	repeat->type = key->type;
	(void)snprintf(repeat->detail, sizeof(repeat->detail), "%s",
		       key->detail ? key->detail : "");
	repeat->written_ms = INT64_MIN / 2; /* so that the first is due */
	table_insert(&repeats->table, &repeat->node, hash);
	return repeat;
}

void repeats_count(struct repeats *repeats, struct repeat *repeat,
		   int64_t now_ms)
{
	repeat->count++;
	if (!is_due(repeat, now_ms))
		return;
	put_line(repeats, repeat);
	repeat->written_ms = now_ms;
}

void repeats_sweep(struct repeats *repeats, int64_t now_ms)
{
	struct table_node *node;

	TAILQ_FOREACH (node, &repeats->table.order, order) {
		struct repeat *repeat = table_entry(node, struct repeat, node);

		if (!is_due(repeat, now_ms))
			continue;
		put_line(repeats, repeat);
		repeat->written_ms = now_ms;
	}
}
