#include "tls/mint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#define NOW ((time_t)1800000000) /* 2027 */

/* An authority, ready, and the key of a worker. */
struct bench {
	EVP_PKEY *key;
	X509 *authority;
	struct mint *mint;
	uint8_t spki[MINT_SPKI_LEN];
};

static int bench_make(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	EVP_PKEY *leaf_key = mint_key();

	assert_true(bench && leaf_key);
	bench->key = mint_key();
	assert_non_null(bench->key);
	bench->authority = mint_authority(bench->key, NOW);
	assert_non_null(bench->authority);
	bench->mint = mint_new(bench->authority, bench->key);
	assert_non_null(bench->mint);
	assert_true(mint_spki(bench->spki, leaf_key));
	EVP_PKEY_free(leaf_key);
	*state = bench;
	return 0;
}

static int bench_free(void **state)
{
	struct bench *bench = *state;

	mint_free(bench->mint);
	X509_free(bench->authority);
	EVP_PKEY_free(bench->key);
	free(bench);
	return 0;
}

static struct domain domain(const char *text)
{
	struct domain d;

	assert_true(domain_parse(&d, text, strlen(text)));
	return d;
}

/* @n characters: labels of 'a', the last one "org". */
static struct domain domain_of_len(size_t n)
{
	char text[DOMAIN_MAX + 1];

	memset(text, 'a', n);
	for (size_t i = 60; i + 8 < n; i += 61)
		text[i] = '.';
	memcpy(text + n - 4, ".org", 4);
	text[n] = '\0';
	return domain(text);
}

static X509 *leaf_at(const struct bench *bench, struct domain name, time_t now)
{
	uint8_t der[MINT_DER_MAX];
	const uint8_t *at = der;
	size_t len = mint_leaf(bench->mint, &name, bench->spki, now, der);
	X509 *leaf;

	assert_true(len > 0);
	leaf = d2i_X509(NULL, &at, (long)len);
	assert_non_null(leaf);
	assert_ptr_equal(at, der + len);
	return leaf;
}

/* As a strict client does it; X509_V_OK or why not. */
static int verify(const struct bench *bench, X509 *leaf, const char *host,
		  time_t now)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int error;

	assert_true(store && context);
	assert_true(X509_STORE_add_cert(store, bench->authority));
	assert_true(X509_STORE_CTX_init(context, store, leaf, NULL));
	param = X509_STORE_CTX_get0_param(context);
	assert_true(X509_VERIFY_PARAM_set_flags(
		param,
		X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE));
	assert_true(
		X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER));
	X509_VERIFY_PARAM_set_hostflags(param,
					X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	assert_true(X509_VERIFY_PARAM_set1_host(param, host, 0));
	X509_VERIFY_PARAM_set_time(param, now);
	(void)X509_verify_cert(context);
	error = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return error;
}

/* -1: absent, 0: there, 1: there and critical. */
static int has(const X509 *cert, int nid)
{
	int at = X509_get_ext_by_NID(cert, nid, -1);

	if (at < 0)
		return -1;
	assert_int_equal(X509_get_ext_by_NID(cert, nid, at), -1);
	return X509_EXTENSION_get_critical(X509_get_ext(cert, at));
}

static time_t seconds(const ASN1_TIME *time)
{
	struct tm tm;

	assert_true(ASN1_TIME_to_tm(time, &tm));
	return timegm(&tm);
}

static void a_leaf_passes_a_strict_client(void **state)
{
	const struct bench *bench = *state;
	X509 *leaf = leaf_at(bench, domain("www.example.org"), NOW);

	assert_int_equal(verify(bench, leaf, "www.example.org", NOW),
			 X509_V_OK);
	assert_int_equal(verify(bench, leaf, "example.org", NOW),
			 X509_V_ERR_HOSTNAME_MISMATCH);
	assert_int_equal(verify(bench, leaf, "a.www.example.org", NOW),
			 X509_V_ERR_HOSTNAME_MISMATCH);
	X509_free(leaf);
}

static void another_authority_does_not_vouch_for_it(void **state)
{
	const struct bench *bench = *state;
	X509 *leaf = leaf_at(bench, domain("example.org"), NOW);
	struct bench *other;
	void *made;

	assert_int_equal(bench_make(&made), 0);
	other = made;
	assert_int_not_equal(verify(other, leaf, "example.org", NOW),
			     X509_V_OK);
	assert_int_not_equal(
		X509_NAME_cmp(X509_get_subject_name(bench->authority),
			      X509_get_subject_name(other->authority)),
		0);
	assert_null(mint_new(bench->authority, other->key));
	X509_free(leaf);
	assert_int_equal(bench_free(&made), 0);
}

static void the_authority_has_its_profile(void **state)
{
	const struct bench *bench = *state;
	X509 *ca = bench->authority;
	uint32_t ku = KU_KEY_CERT_SIGN | KU_CRL_SIGN;
	char name[65] = "";

	assert_int_equal(X509_get_version(ca), X509_VERSION_3);
	assert_int_equal(has(ca, NID_basic_constraints), 1);
	assert_int_equal(X509_get_pathlen(ca), 0);
	assert_int_equal(has(ca, NID_key_usage), 1);
	assert_int_equal(X509_get_key_usage(ca), ku);
	assert_int_equal(has(ca, NID_subject_key_identifier), 0);
	assert_int_equal(X509_get_ext_count(ca), 3);
	assert_int_equal(X509_check_ca(ca), 1);
	assert_int_equal(X509_self_signed(ca, 1), 1);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(ca)), 1);
	assert_int_equal(X509_NAME_get_text_by_NID(X509_get_subject_name(ca),
						   NID_commonName, name,
						   sizeof(name)),
			 10 + 32);
	assert_memory_equal(name, "sluice CA ", 10);
	assert_int_equal(seconds(X509_get0_notBefore(ca)),
			 NOW - MINT_BACKDATED_S);
	assert_int_equal(seconds(X509_get0_notAfter(ca)), NOW + MINT_CA_LIFE_S);
}

static void a_leaf_has_its_profile(void **state)
{
	const struct bench *bench = *state;
	X509 *leaf = leaf_at(bench, domain("example.org"), NOW);
	GENERAL_NAMES *names;
	const GENERAL_NAME *name;
	const ASN1_STRING *text;
	int type;

	assert_int_equal(X509_get_version(leaf), X509_VERSION_3);
	assert_int_equal(X509_check_ca(leaf), 0);
	assert_int_equal(has(leaf, NID_basic_constraints), 1);
	assert_int_equal(has(leaf, NID_key_usage), 1);
	assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
	assert_int_equal(has(leaf, NID_ext_key_usage), 0);
	assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
	assert_int_equal(has(leaf, NID_subject_key_identifier), -1);
	assert_int_equal(has(leaf, NID_authority_key_identifier), 0);
	assert_int_equal(ASN1_OCTET_STRING_cmp(
				 X509_get0_authority_key_id(leaf),
				 X509_get0_subject_key_id(bench->authority)),
			 0);
	assert_int_equal(X509_get_ext_count(leaf), 5);
	assert_int_equal(has(leaf, NID_subject_alt_name), 0);
	names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(names), 1);
	name = sk_GENERAL_NAME_value(names, 0);
	text = GENERAL_NAME_get0_value(name, &type);
	assert_int_equal(type, GEN_DNS);
	assert_int_equal(ASN1_STRING_length(text), strlen("example.org"));
	assert_memory_equal(ASN1_STRING_get0_data(text), "example.org",
			    strlen("example.org"));
	GENERAL_NAMES_free(names);
	X509_free(leaf);
}

static void a_leaf_carries_the_workers_key(void **state)
{
	const struct bench *bench = *state;
	X509 *leaf = leaf_at(bench, domain("example.org"), NOW);
	uint8_t *der = NULL;

	assert_int_equal(i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der),
			 MINT_SPKI_LEN);
	assert_memory_equal(der, bench->spki, MINT_SPKI_LEN);
	OPENSSL_free(der);
	X509_free(leaf);
}

static void a_name_too_long_for_a_subject_is_only_in_the_san(void **state)
{
	static const struct {
		size_t len;
		int entries, critical;
	} cases[] = {
		{ MINT_CN_MAX, 1, 0 },
		{ MINT_CN_MAX + 1, 0, 1 },
		{ DOMAIN_MAX, 0, 1 },
	};
	const struct bench *bench = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct domain name = domain_of_len(cases[i].len);
		X509 *leaf = leaf_at(bench, name, NOW);

		assert_int_equal(name.len, cases[i].len);
		assert_int_equal(
			X509_NAME_entry_count(X509_get_subject_name(leaf)),
			cases[i].entries);
		assert_int_equal(has(leaf, NID_subject_alt_name),
				 cases[i].critical);
		assert_int_equal(verify(bench, leaf, name.name, NOW),
				 X509_V_OK);
		X509_free(leaf);
	}
}

static void a_leaf_lives_within_the_authoritys_life(void **state)
{
	const struct bench *bench = *state;
	const time_t last = NOW + MINT_CA_LIFE_S - 1;
	const time_t first = NOW - MINT_BACKDATED_S;
	struct domain name = domain("example.org");
	uint8_t der[MINT_DER_MAX];
	X509 *leaf = leaf_at(bench, name, NOW + 10 * MINT_BACKDATED_S);

	assert_int_equal(seconds(X509_get0_notBefore(leaf)),
			 NOW + 9 * MINT_BACKDATED_S);
	assert_int_equal(seconds(X509_get0_notAfter(leaf)),
			 NOW + 10 * MINT_BACKDATED_S + MINT_LEAF_LIFE_S);
	X509_free(leaf);
	leaf = leaf_at(bench, name, last);
	assert_int_equal(seconds(X509_get0_notAfter(leaf)), last + 1);
	assert_int_equal(verify(bench, leaf, "example.org", last), X509_V_OK);
	X509_free(leaf);
	leaf = leaf_at(bench, name, first);
	assert_int_equal(seconds(X509_get0_notBefore(leaf)), first);
	X509_free(leaf);
	assert_int_equal(
		mint_leaf(bench->mint, &name, bench->spki, last + 1, der), 0);
	assert_int_equal(
		mint_leaf(bench->mint, &name, bench->spki, first - 1, der), 0);
}

static void serial_numbers_are_long_positive_and_new(void **state)
{
	const struct bench *bench = *state;
	uint8_t seen[64][16];

	for (size_t i = 0; i < 64; i++) {
		X509 *leaf = leaf_at(bench, domain("example.org"), NOW);
		const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);

		assert_int_equal(ASN1_STRING_type(serial), V_ASN1_INTEGER);
		assert_int_equal(ASN1_STRING_length(serial), 16);
		memcpy(seen[i], ASN1_STRING_get0_data(serial), 16);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(seen[i], seen[j], 16);
		X509_free(leaf);
	}
}

static void only_one_encoding_of_a_key_is_sound(void **state)
{
	const struct bench *bench = *state;
	EVP_PKEY *other = EVP_EC_gen("P-384");
	uint8_t spki[MINT_SPKI_LEN + 1] = { 0 };

	assert_non_null(other);
	memcpy(spki, bench->spki, MINT_SPKI_LEN);
	assert_true(mint_spki_is_sound(spki, MINT_SPKI_LEN));
	assert_false(mint_spki_is_sound(spki, MINT_SPKI_LEN + 1));
	assert_false(mint_spki_is_sound(spki, MINT_SPKI_LEN - 1));
	assert_false(mint_spki_is_sound(spki, 0));
	for (size_t i = 0; i < MINT_SPKI_LEN - 64; i++) {
		spki[i] ^= 1;
		assert_false(mint_spki_is_sound(spki, MINT_SPKI_LEN));
		spki[i] ^= 1;
	}
	assert_false(mint_spki(spki, other));
	EVP_PKEY_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaf_passes_a_strict_client),
		cmocka_unit_test(another_authority_does_not_vouch_for_it),
		cmocka_unit_test(the_authority_has_its_profile),
		cmocka_unit_test(a_leaf_has_its_profile),
		cmocka_unit_test(a_leaf_carries_the_workers_key),
		cmocka_unit_test(
			a_name_too_long_for_a_subject_is_only_in_the_san),
		cmocka_unit_test(a_leaf_lives_within_the_authoritys_life),
		cmocka_unit_test(serial_numbers_are_long_positive_and_new),
		cmocka_unit_test(only_one_encoding_of_a_key_is_sound),
	};

	return cmocka_run_group_tests(tests, bench_make, bench_free);
}
