#include "orders.h"

#include <string.h>

#define SIGNAL_MAX 64
#define WORDS_MAX 3

struct word {
	const char *at;
	size_t len;
};

/* The words between single spaces; 0 if there are more than fit. */
static size_t split(const char *line, size_t len, struct word words[WORDS_MAX])
{
	const char *end = line + len;
	size_t n = 0;

	for (;;) {
		const char *space = memchr(line, ' ', (size_t)(end - line));

		if (n == WORDS_MAX)
			return 0;
		words[n++] =
			(struct word){ line,
				       (size_t)((space ? space : end) - line) };
		if (!space)
			return n;
		line = space + 1;
	}
}

static bool number(struct word word, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;

	if (word.len == 0 || (word.len > 1 && word.at[0] == '0'))
		return false;
	for (size_t i = 0; i < word.len; i++) {
		uint64_t digit = (uint64_t)(word.at[i] - '0');

		if (word.at[i] < '0' || word.at[i] > '9' ||
		    n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*value = n;
	return true;
}

static bool is(struct word word, const char *text)
{
	return word.len == strlen(text) && memcmp(word.at, text, word.len) == 0;
}

struct order order_parse(const char *line, size_t len)
{
	struct order order = { .kind = ORDER_BAD };
	struct word words[WORDS_MAX];
	size_t n = split(line, len, words);
	uint64_t a = 0, b = 0;

	if (n == 3 && is(words[0], "size") &&
	    number(words[1], UINT16_MAX, &a) &&
	    number(words[2], UINT16_MAX, &b) && a > 0 && b > 0) {
		order = (struct order){ .kind = ORDER_SIZE,
					.rows = (uint16_t)a,
					.columns = (uint16_t)b };
	} else if (n == 2 && is(words[0], "signal") &&
		   number(words[1], SIGNAL_MAX, &a) && a > 0) {
		order = (struct order){ .kind = ORDER_SIGNAL,
					.signal = (int)a };
	} else if (n == 1 && is(words[0], "eof")) {
		order.kind = ORDER_EOF;
	} else if (n == 2 && is(words[0], "eof") &&
		   number(words[1], UINT64_MAX, &a)) {
		order = (struct order){ .kind = ORDER_EOF,
					.counted = true,
					.bytes = a };
	}
	return order;
}

bool orders_take(struct orders *orders, const char **bytes, size_t *len,
		 struct order *order)
{
	while (*len > 0) {
		char c = **bytes;

		(*bytes)++;
		(*len)--;
		if (c == '\n') {
			*order = orders->too_long
					 ? (struct order){ .kind = ORDER_BAD }
					 : order_parse(orders->line,
						       orders->len);
			*orders = (struct orders){ .len = 0 };
			return true;
		}
		if (orders->len == ORDERS_LINE_MAX - 1)
			orders->too_long = true;
		else
			orders->line[orders->len++] = c;
	}
	return false;
}
