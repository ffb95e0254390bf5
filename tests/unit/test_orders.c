#include "orders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct order parsed(const char *line)
{
	return order_parse(line, strlen(line));
}

static void each_order_has_its_numbers(void **state)
{
	struct order order;

	(void)state;
	order = parsed("size 24 80");
	assert_int_equal(order.kind, ORDER_SIZE);
	assert_int_equal(order.rows, 24);
	assert_int_equal(order.columns, 80);
	order = parsed("signal 15");
	assert_int_equal(order.kind, ORDER_SIGNAL);
	assert_int_equal(order.signal, 15);
	order = parsed("eof");
	assert_int_equal(order.kind, ORDER_EOF);
	assert_false(order.counted);
	order = parsed("eof 18446744073709551615");
	assert_int_equal(order.kind, ORDER_EOF);
	assert_true(order.counted);
	assert_true(order.bytes == UINT64_MAX);
	assert_int_equal(parsed("eof 0").bytes, 0);
	assert_int_equal(parsed("size 65535 1").rows, 65535);
	assert_int_equal(parsed("signal 64").signal, 64);
}

static void anything_else_is_no_order(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"size",
		"size 24",
		"size 24  80",
		"size 24 80 ",
		"size 24 80 1",
		"size 0 80",
		"size 24 0",
		"size +1 80",
		"size 01 80",
		"size 65536 1",
		"size 0x1 2",
		"Size 24 80",
		"sizes 24 80",
		"signal",
		"signal 0",
		"signal 65",
		"signal -1",
		"signal 9 9",
		"signal TERM",
		"eof ",
		"eof 1 2",
		"eof -1",
		"eof 18446744073709551616",
		"exit 0",
		"eof\r",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (parsed(bad[i]).kind != ORDER_BAD)
			fail_msg("\"%s\"", bad[i]);
	assert_int_equal(order_parse("eof\0 1", 6).kind, ORDER_BAD);
}

static void lines_come_in_pieces(void **state)
{
	static const char text[] = "size 24 80\nnonsense\nsignal 2\neo";
	struct orders orders = { .len = 0 };
	enum order_kind kinds[8] = { ORDER_BAD };
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < strlen(text); i++) {
		const char *at = &text[i];
		struct order order;
		size_t len = 1;

		while (orders_take(&orders, &at, &len, &order))
			kinds[n++] = order.kind;
	}
	assert_int_equal(n, 3);
	assert_int_equal(kinds[0], ORDER_SIZE);
	assert_int_equal(kinds[1], ORDER_BAD);
	assert_int_equal(kinds[2], ORDER_SIGNAL);
}

static void a_line_that_is_too_long_is_one_bad_order(void **state)
{
	struct orders orders = { .len = 0 };
	char text[4 * ORDERS_LINE_MAX];
	const char *at = text;
	struct order order;
	size_t len;

	(void)state;
	len = (size_t)snprintf(text, sizeof(text), "eof%*s\neof\n",
			       3 * ORDERS_LINE_MAX, "");
	assert_true(orders_take(&orders, &at, &len, &order));
	assert_int_equal(order.kind, ORDER_BAD);
	assert_true(orders_take(&orders, &at, &len, &order));
	assert_int_equal(order.kind, ORDER_EOF);
	assert_false(orders_take(&orders, &at, &len, &order));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_order_has_its_numbers),
		cmocka_unit_test(anything_else_is_no_order),
		cmocka_unit_test(lines_come_in_pieces),
		cmocka_unit_test(a_line_that_is_too_long_is_one_bad_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
