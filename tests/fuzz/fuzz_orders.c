/*
 * Orders do not depend on how the bytes were cut: all at once, or one by one,
 * they are as many and the same. One that is taken is within its bounds.
 */
#include "orders.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(const struct order *order)
{
	assert(order->kind != ORDER_SIZE || (order->rows && order->columns));
	assert(order->kind != ORDER_SIGNAL ||
	       (order->signal >= 1 && order->signal <= 64));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes, *whole = text;
	struct orders one = { .len = 0 }, all = { .len = 0 };
	struct order a, b;
	size_t left = len;

	for (size_t i = 0; i < len; i++) {
		const char *at = text + i;
		size_t n = 1;

		if (!orders_take(&one, &at, &n, &a))
			continue;
		assert(orders_take(&all, &whole, &left, &b));
		check(&b);
		assert(a.kind == b.kind && a.rows == b.rows &&
		       a.columns == b.columns && a.signal == b.signal &&
		       a.counted == b.counted && a.bytes == b.bytes);
	}
	assert(!orders_take(&all, &whole, &left, &b));
	return 0;
}
