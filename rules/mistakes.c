#include "mistakes.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned clamp(size_t n)
{
	return n < UINT32_MAX ? (unsigned)n : UINT32_MAX;
}

static int order(const struct manifest_error *a, const struct manifest_error *b)
{
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return 0;
}

/* Takes over error->message. */
static bool insert(struct manifest_errors *errors, struct manifest_error *error)
{
	size_t at = errors->n;
	struct manifest_error *list;

	for (size_t i = 0; i < errors->n; i++)
		if (order(&errors->list[i], error) == 0 &&
		    strcmp(errors->list[i].message, error->message) == 0) {
			free(error->message);
			return true;
		}

	list = reallocarray(errors->list, errors->n + 1, sizeof(*list));
	if (!list) {
		free(error->message);
		return false;
	}
	while (at > 0 && order(&list[at - 1], error) > 0)
		at--;
	memmove(list + at + 1, list + at, (errors->n - at) * sizeof(*list));
	list[at] = *error;
	errors->list = list;
	errors->n++;
	return true;
}

PRINTF(4, 0)
static void add(struct mistakes *mistakes, size_t line, size_t column,
		const char *format, va_list args)
{
	struct manifest_error error = { clamp(line), clamp(column), NULL };

	if (vasprintf(&error.message, format, args) < 0 ||
	    !insert(&mistakes->errors, &error))
		mistakes->out_of_memory = true;
}

void mistakes_add(struct mistakes *mistakes, size_t line, size_t column,
		  const char *format, ...)
{
	va_list args;

	if (mistakes->errors.n >= MISTAKES_MAX) {
		mistakes->n_unlisted++;
		return;
	}
	va_start(args, format);
	add(mistakes, line, column, format, args);
	va_end(args);
}

PRINTF(2, 3)
static void add_last(struct mistakes *mistakes, const char *format, ...)
{
	const struct manifest_errors *errors = &mistakes->errors;
	const struct manifest_error *last = &errors->list[errors->n - 1];
	va_list args;

	va_start(args, format);
	add(mistakes, last->line, last->column, format, args);
	va_end(args);
}

bool mistakes_settle(struct mistakes *mistakes, struct manifest_errors *errors)
{
	if (mistakes->n_unlisted > 0 && mistakes->errors.n > 0)
		add_last(mistakes, "and %zu more mistakes that are not listed",
			 mistakes->n_unlisted);
	if (mistakes->out_of_memory)
		manifest_errors_done(&mistakes->errors);
	*errors = mistakes->errors;
	mistakes->errors = (struct manifest_errors){ 0 };
	return errors->n == 0 && !mistakes->out_of_memory;
}

const char *quote(const char *text, size_t len, char quoted[QUOTE_MAX])
{
	/* Kept free: the longest escape, three dots, a quote and the NUL. */
	const size_t room = QUOTE_MAX - 4 - 3 - 2;
	const char *more = "";
	size_t n = 0;

	quoted[n++] = '"';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (n > room) {
			more = "...";
			break;
		}
		if (c == '"' || c == '\\') {
			quoted[n++] = '\\';
			quoted[n++] = (char)c;
		} else if (c == '\n') {
			quoted[n++] = '\\';
			quoted[n++] = 'n';
		} else if (c < 0x20 || c > 0x7e) {
			n += (size_t)snprintf(quoted + n, 5, "\\x%02x", c);
		} else {
			quoted[n++] = (char)c;
		}
	}
	(void)snprintf(quoted + n, QUOTE_MAX - n, "%s\"", more);
	return quoted;
}
