#include "tls/client_cert.h"

#include "own_cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

static struct secret parts(const char *letters)
{
	static char pem[OWN_CERT_MAX];

	own_cert(pem, letters);
	return (struct secret){ .value = pem, .len = strlen(pem) };
}

static void a_certificate_comes_with_its_key(void **state)
{
	static const char *const good[] = { "ck",  "kc",  "cck",
					    "ckc", "pkc", "cccccccccccccccck" };
	SSL_CTX *tls;

	(void)state;
	for (size_t i = 0; i < N(good); i++)
		assert_null(client_cert_fault(parts(good[i])));
	tls = SSL_CTX_new(TLS_client_method());
	assert_null(client_cert_use(tls, parts("cck")));
	assert_non_null(SSL_CTX_get0_certificate(tls));
	assert_non_null(SSL_CTX_get0_privatekey(tls));
	SSL_CTX_free(tls);
}

static void what_cannot_be_shown_is_told(void **state)
{
	static const struct {
		const char *parts, *fault;
	} rows[] = {
		{ "k", "has no certificate in PEM" },
		{ "r", "has a block that is neither a certificate nor a key" },
		{ "ckr",
		  "has a block that is neither a certificate nor a key" },
		{ "c", "has no key beside its certificate" },
		{ "cko", "has more than one key" },
		{ "co", "has a key that is not its first certificate's" },
		{ "ce",
		  "has a key with a password, and nobody is there to give it" },
		{ "wk",
		  "has a certificate whose key or signature is too weak" },
		{ "cwk", "has a chain whose keys or signatures are too weak" },
		{ "ccccccccccccccccck", "has more than 16 certificates" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const char *fault = client_cert_fault(parts(rows[i].parts));

		assert_non_null(fault);
		assert_string_equal(fault, rows[i].fault);
	}
}

static void what_is_no_certificate_is_told(void **state)
{
	static const char not_one[] = "-----BEGIN CERTIFICATE-----\nMAA=\n"
				      "-----END CERTIFICATE-----\n";
	char pem[2 * OWN_CERT_MAX];

	(void)state;
	(void)snprintf(pem, sizeof(pem), "%s%s", not_one, parts("k").value);
	assert_string_equal(
		client_cert_fault((struct secret){ pem, strlen(pem) }),
		"has a certificate that cannot be read");
	(void)snprintf(pem, sizeof(pem),
		       "%s-----BEGIN PRIVATE KEY-----\nMAA=\n"
		       "-----END PRIVATE KEY-----\n",
		       parts("c").value);
	assert_string_equal(
		client_cert_fault((struct secret){ pem, strlen(pem) }),
		"has a key that cannot be read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_comes_with_its_key),
		cmocka_unit_test(what_cannot_be_shown_is_told),
		cmocka_unit_test(what_is_no_certificate_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
