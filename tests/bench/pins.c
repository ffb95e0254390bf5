/*
 * What finding a pin costs, and making room for one, however many there are;
 * and what the pins take in memory. Not a test: it asserts nothing.
 *
 *	build/release/bin/bench_pins
 */
#include "dns/pins.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDS 1000000u

static struct domain names[2 * PINS_REAL_MAX];

static void names_make(void)
{
	for (unsigned i = 0; i < 2 * PINS_REAL_MAX; i++) {
		char text[64];
		int n = snprintf(text, sizeof(text), "n%u.cdn.example.org", i);

		if (!domain_parse(&names[i], text, (size_t)n))
			abort();
	}
}

static double ns_each(int64_t since_ms, unsigned n)
{
	return (double)(clock_ms() - since_ms) * 1e6 / n;
}

static long resident_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *status = fopen("/proc/self/status", "re");

	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, "RssShmem:", 9) == 0)
			kib = strtol(line + 9, NULL, 10);
	if (status)
		(void)fclose(status);
	return kib;
}

/* In an order in which no two neighbours are used one after the other. */
static unsigned scatter(unsigned i, unsigned n)
{
	return (unsigned)((uint64_t)i * 2654435761u % n);
}

static void find(unsigned n)
{
	struct address at = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } };
	struct address v4, v6;
	struct domain name;
	struct pins *pins = pins_new();
	int64_t since_ms;
	double real_ns, virtual_ns;
	unsigned found = 0;

	if (!pins)
		abort();
	for (unsigned i = 0; i < n; i++) {
		pins_add(pins, &names[i], &at);
		if (!pins_virtual(pins, &names[i], &v4, &v6))
			abort();
	}
	since_ms = clock_ms();
	for (unsigned i = 0; i < FINDS; i++) {
		const struct domain *wanted = &names[scatter(i, n)];

		if (pins_hold(pins, wanted, &at)) {
			pins_release(pins, wanted, &at);
			found++;
		}
	}
	real_ns = ns_each(since_ms, 2 * found);
	since_ms = clock_ms();
	for (unsigned i = 0; i < FINDS; i++)
		if (pins_virtual(pins, &names[scatter(i, n)], &v4, &v6) &&
		    pins_name(pins, &v6, &name))
			found++;
	virtual_ns = ns_each(since_ms, FINDS);
	printf("%u pins of each kind: %.0f ns to find a real one, %.0f ns from "
	       "name to virtual address and back; %ld KiB\n",
	       n, real_ns, virtual_ns, resident_kib());
}

static void evict(void)
{
	struct address at = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } };
	struct pins *pins = pins_new();
	int64_t since_ms;

	if (!pins)
		abort();
	for (unsigned i = 0; i < PINS_REAL_MAX; i++)
		pins_add(pins, &names[i], &at);
	since_ms = clock_ms();
	pins_add(pins, &names[PINS_REAL_MAX], &at);
	printf("first eviction: below %" PRId64 " ms\n",
	       clock_ms() - since_ms + 1);
	since_ms = clock_ms();
	for (unsigned i = PINS_REAL_MAX + 1; i < 2 * PINS_REAL_MAX; i++)
		pins_add(pins, &names[i], &at);
	printf("%u evictions: %.0f ns each\n", PINS_REAL_MAX - 1,
	       ns_each(since_ms, PINS_REAL_MAX - 1));
}

int main(void)
{
	names_make();
	find(10);
	find(1000);
	find(100000);
	evict();
	return 0;
}
