/* Days of names, by a clock that jumps; the answers come at once. */
#include "dns/lookup.h"

#include "dns/cache.h"

#include "dns_peer.h"
#include "fake_clock.h"
#include "log.h"

#include <malloc.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MINUTE_MS 60000
#define HOUR_MS ((int64_t)60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define YEAR_S ((int64_t)365 * 86400)
#define WAIT_S 20 /* for what must come; a test that waits so long fails */

/* The first letter of dns_peer.c, and for how long what it says is kept. */
static const struct kind {
	char letter;
	enum dns_result result;
	uint32_t kept_s;
} kinds[] = {
	{ 'z', DNS_RESULT_FOUND, 5 },   { 'i', DNS_RESULT_FOUND, 5 },
	{ 'a', DNS_RESULT_FOUND, 60 },  { 'l', DNS_RESULT_FOUND, 300 },
	{ 'h', DNS_RESULT_FOUND, 300 }, { 'm', DNS_RESULT_FOUND, 300 },
	{ 'v', DNS_RESULT_FOUND, 5 },   { 'n', DNS_RESULT_NXDOMAIN, 60 },
	{ 'o', DNS_RESULT_NODATA, 60 }, { 'k', DNS_RESULT_NODATA, 20 },
	{ 'p', DNS_RESULT_NODATA, 2 },  { 'e', DNS_RESULT_NXDOMAIN, 2 },
	{ 's', DNS_RESULT_FAILED, 2 },  { 'r', DNS_RESULT_FAILED, 2 },
};

#define N_KINDS (sizeof(kinds) / sizeof(*kinds))
#define KEYS 4088 /* kinds, numbers and types: they all find room */
#define FAVOURITES 100

struct rig {
	struct event_base *base;
	struct lookup *lookup;
	struct event *asked, *late;
	bool too_late;
	int fd;
	int64_t now_ms;
	uint64_t seed;
	unsigned n_gone_out;
	size_t n_at_first; /* of what was allocated */
	int64_t expires_ms[KEYS];
	bool known[KEYS];
	unsigned n_known;
};

/* --- what is allocated --- */

static size_t n_allocated;

/* Of the modules' own; libraries have theirs to themselves. The linker wants
 * these names. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void __real_free(void *memory);
void __wrap_free(void *memory);

void *__wrap_calloc(size_t n, size_t size)
{
	n_allocated++;
	return __real_calloc(n, size);
}

void __wrap_free(void *memory)
{
	n_allocated -= memory != NULL;
	__real_free(memory);
}

/* Of the whole process, in bytes. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));
/* NOLINTEND(bugprone-reserved-identifier) */

static size_t heap_bytes(void)
{
	return __sanitizer_get_current_allocated_bytes
		       ? __sanitizer_get_current_allocated_bytes()
		       : mallinfo2().uordblks;
}

/* --- the rig --- */

static void asked(evutil_socket_t fd, short what, void *arg)
{
	uint8_t in[512], out[DNS_PEER_MAX];
	struct sockaddr_in peer;
	socklen_t peer_len = sizeof(peer);
	ssize_t n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&peer,
			     &peer_len);
	size_t len = n > 0 ? dns_peer_answer(in, (size_t)n, false, out) : 0;

	(void)what;
	(void)arg;
	if (len > 0)
		(void)sendto(fd, out, len, 0, (struct sockaddr *)&peer,
			     peer_len);
}

static void waited(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

static bool goes_out(void *arg, const struct domain *name, enum dns_type type)
{
	struct rig *rig = arg;

	(void)name;
	(void)type;
	rig->n_gone_out++;
	return true;
}

static int setup(void **state)
{
	static struct rig rig;
	struct sockaddr_in sa = { .sin_family = AF_INET };
	struct nameserver server = { .port = 0 };
	socklen_t len = sizeof(sa);

	log_set(LOG_LEVEL_ERR, "test");
	memset(&rig, 0, sizeof(rig));
	rig.now_ms = UINT32_MAX - DAY_MS / 2; /* up for 49 days */
	fake_clock_set(rig.now_ms);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	rig.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(rig.fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(getsockname(rig.fd, (struct sockaddr *)&sa, &len), 0);
	assert_true(address_parse(&server.address, "127.0.0.1", 9));
	server.port = ntohs(sa.sin_port);
	rig.base = event_base_new();
	rig.lookup = lookup_new(NULL);
	assert_true(rig.lookup && rig.base);
	assert_int_equal(lookup_start(rig.lookup, rig.base), 0);
	lookup_use(rig.lookup, &server, 1);
	lookup_gate(rig.lookup, goes_out, &rig);
	rig.asked =
		event_new(rig.base, rig.fd, EV_READ | EV_PERSIST, asked, NULL);
	rig.late = evtimer_new(rig.base, waited, &rig.too_late);
	assert_true(rig.asked && rig.late);
	event_add(rig.asked, NULL);
	rig.n_at_first = n_allocated;
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	lookup_free(rig->lookup);
	event_free(rig->asked);
	event_free(rig->late);
	event_base_free(rig->base);
	close(rig->fd);
	return 0;
}

/* The same on every run. */
static uint32_t draw(struct rig *rig)
{
	rig->seed = rig->seed * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
	return (uint32_t)(rig->seed >> 33);
}

/* Meanwhile somebody sets the time of day to what they like. */
static void pass(struct rig *rig, int64_t ms)
{
	rig->now_ms += ms;
	fake_clock_set(rig->now_ms);
	fake_clock_set_wall(draw(rig) % (uint32_t)(2 * YEAR_S));
}

/* --- asking --- */

struct asker {
	struct lookup_wait wait;
	bool called;
	enum dns_result result;
	struct dns_addresses addresses;
};

static void called(struct lookup_wait *wait, enum dns_result result,
		   const struct dns_addresses *addresses)
{
	struct asker *asker = (struct asker *)(void *)wait;

	asker->called = true;
	asker->result = result;
	asker->addresses = *addresses;
}

/* Returns whether it went out. */
static bool ask(struct rig *rig, const char *text, enum dns_type type,
		struct asker *asker)
{
	const struct timeval most = { WAIT_S, 0 };
	unsigned n_before = rig->n_gone_out;
	struct domain name;

	*asker = (struct asker){ .wait = { .done = called } };
	assert_true(domain_parse(&name, text, strlen(text)));
	if (lookup_ask(rig->lookup, &name, type, &asker->wait, &asker->result,
		       &asker->addresses)) {
		assert_int_equal(rig->n_gone_out, n_before);
		return false;
	}
	evtimer_add(rig->late, &most);
	while (!asker->called && !rig->too_late)
		event_base_loop(rig->base, EVLOOP_ONCE);
	assert_true(asker->called);
	assert_int_equal(rig->n_gone_out, n_before + 1);
	return true;
}

/* Whether it is known, and for how long, is as the model has it. */
static void ask_key(struct rig *rig, unsigned key)
{
	const struct kind *kind = &kinds[key / 2 % N_KINDS];
	enum dns_type type = key % 2 ? DNS_TYPE_AAAA : DNS_TYPE_A;
	int64_t left_ms =
		rig->known[key] ? rig->expires_ms[key] - rig->now_ms : 0;
	struct asker asker;
	char text[32];

	(void)snprintf(text, sizeof(text), "%c%u.test", kind->letter, key / 2);
	assert_int_equal(ask(rig, text, type, &asker), left_ms <= 0);
	if (left_ms <= 0) {
		left_ms = (int64_t)kind->kept_s * 1000;
		rig->expires_ms[key] = rig->now_ms + left_ms;
		rig->n_known += !rig->known[key];
		rig->known[key] = true;
	}
	assert_int_equal(asker.result, kind->result);
	assert_int_equal(asker.addresses.n, kind->result == DNS_RESULT_FOUND);
	assert_int_equal(asker.addresses.ttl_s, (left_ms + 999) / 1000);
}

static void an_answer_lives_as_long_as_it_should(void **state)
{
	struct rig *rig = *state;
	const int64_t end_ms = rig->now_ms + DAY_MS;

	assert_true(KEYS <= CACHE_ADDRESSES_MAX);
	while (rig->now_ms < end_ms) {
		unsigned key = draw(rig) % KEYS;

		for (int i = 0; i < 20; i++) {
			ask_key(rig, draw(rig) % KEYS);
			ask_key(rig, draw(rig) % FAVOURITES);
		}
		assert_int_equal(n_allocated, rig->n_at_first + rig->n_known);
		/* Up to the last millisecond, and no further. */
		ask_key(rig, key);
		pass(rig, rig->expires_ms[key] - rig->now_ms - 1);
		ask_key(rig, key);
		pass(rig, 1);
		ask_key(rig, key);
		pass(rig, draw(rig) % (2 * MINUTE_MS));
	}
	assert_true(rig->n_known > KEYS / 2);
}

static void a_day_of_new_names_grows_nothing(void **state)
{
	struct rig *rig = *state;
	const int64_t start_ms = rig->now_ms;
	size_t plateau = 0, bytes = 0;
	unsigned n = 0;

	while (rig->now_ms < start_ms + DAY_MS) {
		struct asker asker;
		char text[32];

		for (int i = 0; i < 40; i++, n++) {
			(void)snprintf(text, sizeof(text), "%c%u.test",
				       kinds[n % N_KINDS].letter, n);
			assert_true(ask(rig, text, DNS_TYPE_A, &asker));
		}
		pass(rig, MINUTE_MS);
		if (rig->now_ms == start_ms + 2 * HOUR_MS) {
			assert_true(n > CACHE_ADDRESSES_MAX);
			plateau = n_allocated;
			bytes = heap_bytes();
		}
		assert_true(n_allocated <=
			    rig->n_at_first + CACHE_ADDRESSES_MAX);
		if (plateau)
			assert_int_equal(n_allocated, plateau);
	}
	assert_int_equal(plateau, rig->n_at_first + CACHE_ADDRESSES_MAX);
	/* The libraries may keep a buffer more or less. */
	assert_in_range(heap_bytes(), bytes - 8192, bytes + 8192);
}

int main(void)
{
#define TEST(fact) cmocka_unit_test_setup_teardown(fact, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_answer_lives_as_long_as_it_should),
		TEST(a_day_of_new_names_grows_nothing),
	};

	if (!dns_peer_leave_network())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
