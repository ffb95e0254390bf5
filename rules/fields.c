#include "fields.h"

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define WORD_MAX 24 /* longer ones are near to nothing that is known */
#define DISTANCE_MAX 2

static bool is_word(const struct node *node, const char *word)
{
	return node->kind == NODE_SCALAR && node->len == strlen(word) &&
	       memcmp(node->text, word, node->len) == 0;
}

/* YAML's ways to write nothing. */
static bool is_nothing(const struct node *node)
{
	return node->kind == NODE_SCALAR && node->plain &&
	       (node->len == 0 || is_word(node, "~") || is_word(node, "null") ||
		is_word(node, "Null") || is_word(node, "NULL"));
}

static const char *describe(const struct node *node, char quoted[QUOTE_MAX])
{
	if (is_nothing(node))
		return "nothing";
	switch (node->kind) {
	case NODE_ALIAS:
		return "an alias";
	case NODE_LIST:
		return "a list";
	case NODE_MAP:
		return "a mapping";
	case NODE_SCALAR:
		break;
	}
	return quote(node->text, node->len, quoted);
}

static void expected_not_found(const struct node *node, const char *expected,
			       struct mistakes *mistakes)
{
	char quoted[QUOTE_MAX];

	mistakes_add(mistakes, node->line, node->column,
		     "expected %s, found %s", expected, describe(node, quoted));
}

/* Quotes make text of a number: say so, or the message makes no sense. */
static void expected_bare(const struct node *node, const char *expected,
			  struct mistakes *mistakes)
{
	char quoted[QUOTE_MAX];
	bool bare = node->kind != NODE_SCALAR || node->plain;

	mistakes_add(mistakes, node->line, node->column,
		     "expected %s, found %s%s", expected,
		     describe(node, quoted), bare ? "" : " in quotes");
}

/* Reports what a manifest does not accept of YAML. False: nothing to read. */
static bool is_readable(const struct node *node, struct mistakes *mistakes)
{
	if (node->kind == NODE_ALIAS)
		mistakes_add(
			mistakes, node->line, node->column,
			"an alias is not accepted: write the value out; a wildcard goes in quotes: \"*.example.org\"");
	else if (node->flaw)
		mistakes_add(mistakes, node->line, node->column,
			     "%s is not accepted: write the plain value",
			     node->flaw);
	return node->kind != NODE_ALIAS;
}

/* Insertions, deletions, substitutions and swaps of neighbours (OSA). */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[3][WORD_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *now = row[i % 3], *up = row[(i + 2) % 3];
		const size_t *up2 = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && up2[j - 2] + 1 < best)
				best = up2[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[a_len % 3][b_len];
}

/* Of two words, how far apart; nothing is near a word much shorter. */
static bool is_nearer(const struct node *word, const char *known, size_t *best)
{
	size_t len = strlen(known);
	size_t apart;

	if (word->len > WORD_MAX || len > WORD_MAX)
		return false;
	apart = distance(word->text, word->len, known, len);
	if (apart >= *best || 2 * apart >= len)
		return false;
	*best = apart;
	return true;
}

/* The position in @fields that @key was perhaps meant for; @n if none. */
static size_t nearest(const struct node *key, const struct field *fields,
		      size_t n)
{
	size_t best = DISTANCE_MAX + 1;
	size_t found = n;

	for (size_t i = 0; i < n; i++)
		if (!fields[i].refusal && is_nearer(key, fields[i].name, &best))
			found = i;
	return found;
}

static void unknown_key(const struct node *key, const struct field *fields,
			size_t n, struct mistakes *mistakes)
{
	char quoted[QUOTE_MAX], list[256] = "";
	bool foreign = false;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		foreign = foreign || fields[i].foreign;
		if (fields[i].refusal || fields[i].foreign)
			continue;
		assert(at + strlen(fields[i].name) + 3 < sizeof(list));
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s",
				       at > 0 ? ", " : "", fields[i].name);
	}
	mistakes_add(mistakes, key->line, key->column,
		     "unknown key %s; expected %s%s",
		     quote(key->text, key->len, quoted), list,
		     foreign ? ", or a key that is known to be for others"
			     : "");
}

static const struct node *same_key_before(const struct node *map,
					  const struct node *key)
{
	for (const struct node *at = map->first; at != key; at = at->next)
		if (at->kind == NODE_SCALAR && at->len == key->len &&
		    memcmp(at->text, key->text, key->len) == 0)
			return at;
	return NULL;
}

static void read_key(const struct node *key, const struct field *fields,
		     size_t n, const struct node **values,
		     struct mistakes *mistakes)
{
	char quoted[QUOTE_MAX];
	size_t i = 0, meant;

	if (!is_readable(key, mistakes))
		return;
	if (key->kind != NODE_SCALAR) {
		expected_not_found(key, "a key", mistakes);
		return;
	}
	while (i < n && !is_word(key, fields[i].name))
		i++;
	if (i < n && fields[i].refusal) {
		mistakes_add(mistakes, key->line, key->column, "\"%s\" %s",
			     fields[i].name, fields[i].refusal);
		return;
	}
	if (i < n) {
		values[i] = key->value;
		return;
	}
	meant = nearest(key, fields, n);
	if (meant == n) {
		unknown_key(key, fields, n, mistakes);
		return;
	}
	mistakes_add(mistakes, key->line, key->column,
		     "unknown key %s; did you mean \"%s\"?",
		     quote(key->text, key->len, quoted), fields[meant].name);
	/* Read as meant, so that nobody is told that it is missing too. */
	if (!values[meant])
		values[meant] = key->value;
}

bool fields_of(const struct node *map, const char *expected,
	       const struct field *fields, size_t n, const struct node **values,
	       struct mistakes *mistakes)
{
	const struct node *before;
	char quoted[QUOTE_MAX];
	size_t n_keys = 0;

	for (size_t i = 0; i < n; i++)
		values[i] = NULL;
	if (!is_readable(map, mistakes))
		return false;
	if (map->kind != NODE_MAP) {
		expected_not_found(map, expected, mistakes);
		return false;
	}
	for (const struct node *key = map->first; key; key = key->next) {
		/* Beyond any sound mapping, and looking back is quadratic. */
		if (++n_keys > 4 * n) {
			mistakes_add(mistakes, key->line, key->column,
				     "too many keys; the rest is not read");
			break;
		}
		before = same_key_before(map, key);
		if (!before) {
			read_key(key, fields, n, values, mistakes);
			continue;
		}
		mistakes_add(mistakes, key->line, key->column,
			     "duplicate key %s; the first is on line %zu",
			     quote(key->text, key->len, quoted), before->line);
	}
	return true;
}

bool field_is_list(const struct node *node, const char *expected,
		   struct mistakes *mistakes)
{
	if (!is_readable(node, mistakes))
		return false;
	if (node->kind == NODE_LIST)
		return true;
	expected_not_found(node, expected, mistakes);
	return false;
}

bool field_is_text(const struct node *node, const char *expected,
		   struct mistakes *mistakes)
{
	if (!is_readable(node, mistakes))
		return false;
	if (node->kind == NODE_SCALAR && node->len > 0 && !is_nothing(node))
		return true;
	expected_not_found(node, expected, mistakes);
	return false;
}

bool field_secret_name(const struct node *node,
		       char name[ROUTE_TOKEN_REF_MAX + 1],
		       struct mistakes *mistakes)
{
	char quoted[QUOTE_MAX];
	bool sound;

	if (!field_is_text(node, "the name of a secret", mistakes))
		return false;
	sound = node->len <= ROUTE_TOKEN_REF_MAX &&
		!isdigit((unsigned char)node->text[0]);
	for (size_t i = 0; sound && i < node->len; i++)
		sound = isalnum((unsigned char)node->text[i]) ||
			node->text[i] == '_';
	if (sound) {
		memcpy(name, node->text, node->len);
		name[node->len] = '\0';
		return true;
	}
	mistakes_add(
		mistakes, node->line, node->column,
		"%s is no name of a secret: letters, digits and underscores, at most %d",
		quote(node->text, node->len, quoted), ROUTE_TOKEN_REF_MAX);
	return false;
}

bool field_bool(const struct node *node, bool *value, struct mistakes *mistakes)
{
	if (!is_readable(node, mistakes))
		return false;
	if (node->plain && (is_word(node, "true") || is_word(node, "false"))) {
		*value = is_word(node, "true");
		return true;
	}
	expected_bare(node, "true or false", mistakes);
	return false;
}

/* Decimal digits alone, without zeros in front, at most ten of them. */
static bool read_digits(const char *text, size_t len, uint64_t *number)
{
	*number = 0;
	if (len == 0 || len > 10 || (text[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*number = *number * 10 + (uint64_t)(text[i] - '0');
	}
	return true;
}

bool field_number(const struct node *node, const char *expected, unsigned min,
		  unsigned max, unsigned *value, struct mistakes *mistakes)
{
	uint64_t number;

	if (!is_readable(node, mistakes))
		return false;
	if (node->kind != NODE_SCALAR || !node->plain ||
	    !read_digits(node->text, node->len, &number) || number < min ||
	    number > max) {
		expected_bare(node, expected, mistakes);
		return false;
	}
	*value = (unsigned)number;
	return true;
}

/* Seconds in the unit that @c is; 0 if it is none. */
static unsigned unit_s(char c)
{
	switch (c) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	default:
		return 0;
	}
}

bool field_duration(const struct node *node, const char *expected,
		    unsigned min_s, unsigned max_s, unsigned *seconds,
		    struct mistakes *mistakes)
{
	unsigned unit;
	uint64_t number;

	if (!field_is_text(node, expected, mistakes))
		return false;
	unit = unit_s(node->text[node->len - 1]);
	if (unit == 0 || !read_digits(node->text, node->len - 1, &number) ||
	    number * unit < min_s || number * unit > max_s) {
		expected_not_found(node, expected, mistakes);
		return false;
	}
	*seconds = (unsigned)(number * unit);
	return true;
}

bool field_word(const struct node *node, const char *expected,
		const char *const *words, size_t n, size_t *value,
		struct mistakes *mistakes)
{
	if (!is_readable(node, mistakes))
		return false;
	for (size_t i = 0; i < n; i++)
		if (is_word(node, words[i])) {
			*value = i;
			return true;
		}
	expected_not_found(node, expected, mistakes);
	return false;
}
