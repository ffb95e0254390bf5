#include "keystore.h"

#include "sha1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ONE                             \
	"-----BEGIN CERTIFICATE-----\n" \
	"MAMCAQE=\n"                    \
	"-----END CERTIFICATE-----\n"

static void assert_digest(const char *text, size_t repeat, const char *hex)
{
	size_t len = strlen(text) * repeat;
	char *bytes = malloc(len + 1);
	uint8_t digest[SHA1_LEN];

	assert_non_null(bytes);
	for (size_t i = 0; i < repeat; i++)
		memcpy(bytes + i * strlen(text), text, strlen(text) + 1);
	sha1((const uint8_t *)bytes, len, digest);
	free(bytes);
	for (size_t i = 0; i < SHA1_LEN; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1] };

		assert_int_equal(digest[i], strtoul(two, NULL, 16));
	}
}

static void a_digest_is_that_of_rfc_3174(void **state)
{
	(void)state;
	assert_digest("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_digest(
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		"84983e441c3bd26ebaae4aa1f95129e5e54670f1");
	assert_digest("a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
	assert_digest("01234567012345670123456701234567"
		      "01234567012345670123456701234567",
		      10, "dea356a2cddd90c7a7ecedc5ebb563934f460452");
	assert_digest("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

/* What @pem becomes is @bytes, which end with their digest. */
static void assert_store(const char *pem, const char *bytes, size_t wanted)
{
	size_t len = 0;
	char *store = keystore_from_pem(pem, strlen(pem), &len);

	assert_non_null(store);
	assert_int_equal(len, wanted);
	assert_memory_equal(store, bytes, wanted);
	free(store);
}

static void a_store_is_as_java_writes_it(void **state)
{
	static const char empty[] = "\xfe\xed\xfe\xed\0\0\0\2\0\0\0\0"
				    "\xe2\x68\x6e\x45\xfb\x43\xdf\xa4\xd9\x92"
				    "\xdd\x41\xce\xb6\xb2\x1c\x63\x30\xd7\x92";
	static const char one[] =
		"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1"
		"\0\0\0\2\0\3"
		"ca0\0\0\0\0\0\0\0\0\0\5X.509\0\0\0\5\x30\3\2\1\1"
		"\x09\xc3\x53\xbd\xf3\x29\x09\x2b\xec\xcf"
		"\x6d\x5c\x8a\x8f\x28\x8b\x57\x9b\x8d\xc5";

	(void)state;
	assert_store("", empty, sizeof(empty) - 1);
	assert_store("# none\n", empty, sizeof(empty) - 1);
	assert_store("# one\n" ONE, one, sizeof(one) - 1);
}

static void every_certificate_has_an_entry(void **state)
{
	enum { N = 12000 };
	char *pem = malloc(N * (sizeof(ONE) - 1));
	size_t digits = 10 + 90 * 2 + 900 * 3 + 9000 * 4 + (N - 10000) * 5;
	size_t len = 0;
	char *store;

	(void)state;
	assert_non_null(pem);
	for (size_t i = 0; i < N; i++)
		memcpy(pem + i * (sizeof(ONE) - 1), ONE, sizeof(ONE) - 1);
	store = keystore_from_pem(pem, N * (sizeof(ONE) - 1), &len);
	free(pem);
	assert_non_null(store);
	assert_int_equal(len, 12 + N * (4 + 2 + 2 + 8 + 2 + 5 + 4 + 5) +
				      digits + SHA1_LEN);
	free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_digest_is_that_of_rfc_3174),
		cmocka_unit_test(a_store_is_as_java_writes_it),
		cmocka_unit_test(every_certificate_has_an_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
