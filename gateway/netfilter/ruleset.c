#include "ruleset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ruleset_add(struct ruleset *ruleset, const char *chain, const char *text)
{
	struct ruleset_line line = { .number = ruleset->n };

	if (ruleset->n == RULESET_LINES_MAX) {
		ruleset->too_long = true;
		return 0;
	}
	if (ruleset->n == ruleset->cap) {
		const size_t cap = ruleset->cap ? 2 * ruleset->cap : 64;
		struct ruleset_line *lines =
			realloc(ruleset->lines, cap * sizeof(*lines));

		if (!lines)
			return -ENOMEM;
		ruleset->lines = lines;
		ruleset->cap = cap;
	}
	line.chain = strdup(chain);
	line.text = strdup(text);
	if (!line.chain || !line.text) {
		free(line.chain);
		free(line.text);
		return -ENOMEM;
	}
	ruleset->lines[ruleset->n++] = line;
	return 0;
}

void ruleset_done(struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->n; i++) {
		free(ruleset->lines[i].chain);
		free(ruleset->lines[i].text);
	}
	free(ruleset->lines);
	*ruleset = (struct ruleset){ 0 };
}

static int by_chain(const void *left, const void *right)
{
	const struct ruleset_line *l = left, *r = right;
	int order = strcmp(l->chain, r->chain);

	return order ? order
		     : (l->number > r->number) - (l->number < r->number);
}

/* qsort() may not be given NULL, not even for nothing. */
static void put_in_order(struct ruleset *ruleset)
{
	if (ruleset->n > 0)
		qsort(ruleset->lines, ruleset->n, sizeof(*ruleset->lines),
		      by_chain);
}

/* Whether @line is there and of @chain. */
static bool is_of(const struct ruleset_line *line, const char *chain)
{
	return line && strcmp(line->chain, chain) == 0;
}

/* One of both is there; @nth is the line's place in its chain, from 0. */
static void describe(const struct ruleset_line *meant,
		     const struct ruleset_line *found, const char *chain,
		     size_t nth, char *what, size_t cap)
{
	const char *ours = is_of(meant, chain) ? meant->text : NULL;
	const char *theirs = is_of(found, chain) ? found->text : NULL;

	if (!chain[0])
		(void)snprintf(what, cap, "the table is %s",
			       !theirs ? "missing" : theirs);
	else if (nth == 0 && !(ours && theirs))
		(void)snprintf(what, cap, "chain %s is %s", chain,
			       theirs ? "not ours" : "missing");
	else if (nth == 0)
		(void)snprintf(what, cap, "chain %s is %s, not %s", chain,
			       theirs, ours);
	else if (!ours)
		(void)snprintf(what, cap,
			       "chain %s: rule %zu is one too many: %s", chain,
			       nth, theirs);
	else
		(void)snprintf(what, cap, "chain %s: rule %zu is %s, not %s",
			       chain, nth, theirs ? theirs : "missing", ours);
}

bool ruleset_same(struct ruleset *meant, struct ruleset *found, char *what,
		  size_t cap)
{
	const char *chain = "";
	size_t nth = 0;

	if (found->too_long || meant->too_long) {
		(void)snprintf(what, cap, "the table has more than %d lines",
			       RULESET_LINES_MAX);
		return false;
	}
	put_in_order(meant);
	put_in_order(found);
	for (size_t i = 0; i < meant->n || i < found->n; i++) {
		const struct ruleset_line *m =
			i < meant->n ? &meant->lines[i] : NULL;
		const struct ruleset_line *f =
			i < found->n ? &found->lines[i] : NULL;

		/* Both have been the same so far, and so is the chain. */
		if (i > 0 && (is_of(m, chain) || is_of(f, chain))) {
			nth++;
		} else {
			nth = 0;
			chain = !m ? f->chain
				: !f || strcmp(m->chain, f->chain) < 0
					? m->chain
					: f->chain;
		}
		if (is_of(m, chain) && is_of(f, chain) &&
		    strcmp(m->text, f->text) == 0)
			continue;
		describe(m, f, chain, nth, what, cap);
		return false;
	}
	return true;
}
