#include "tls/authorities.h"

#include "manifest.h"
#include "own_cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUTES 4

/* A gateway's, and what was put in force in it last. */
struct rig {
	X509_STORE *system;
	struct authorities *authorities;
	struct policy *policy;
};

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->system = X509_STORE_new();
	rig->authorities = authorities_new(rig->system);
	assert_non_null(rig->authorities);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	authorities_free(rig->authorities);
	X509_STORE_free(rig->system);
	policy_free(rig->policy);
	free(rig);
	return 0;
}

/* @pem as YAML has it in double quotes. */
static const char *quoted(const char *pem)
{
	static char text[2 * OWN_CERT_MAX];
	size_t n = 0;

	for (; *pem; pem++) {
		if (*pem != '\n') {
			text[n++] = *pem;
			continue;
		}
		text[n++] = '\\';
		text[n++] = 'n';
	}
	text[n] = '\0';
	return text;
}

/*
 * Puts in force a manifest whose third route shows @ref, with a secret CERT of
 * own_cert()'s @parts. False if that is refused.
 */
static bool apply(struct rig *rig, const char *ref, const char *parts)
{
	static char pem[OWN_CERT_MAX], text[4 * OWN_CERT_MAX];
	struct manifest_errors errors;
	struct secrets *secrets;
	struct policy *policy;
	const char *why;
	unsigned line;
	int len;
	bool used;

	len = snprintf(text, sizeof(text),
		       "routes:\n"
		       "  - {host: a.example}\n"
		       "  - {host: b.example, upstream_ca: \"%s\"}\n"
		       "  - {host: c.example, client_cert_ref: %s}\n"
		       "  - {host: d.example, client_cert_ref: CERT}\n",
		       quoted(own_cert(pem, "c")), ref);
	policy = manifest_parse(text, (size_t)len, &errors);
	if (!policy) {
		manifest_errors_print(&errors, "m", stderr);
		fail();
	}
	len = snprintf(text, sizeof(text), "OTHER=12345678\nCERT=%s",
		       own_cert(pem, parts));
	secrets = secrets_parse(text, (size_t)len, &line, &why);
	assert_non_null(secrets);
	used = authorities_use(rig->authorities, policy, secrets);
	secrets_free(secrets);
	if (used) {
		policy_free(rig->policy);
		rig->policy = policy;
	} else {
		policy_free(policy);
	}
	return used;
}

static void ids(const struct rig *rig, uint64_t list[ROUTES])
{
	size_t n;
	const struct route *routes = policy_routes(rig->policy, &n);

	assert_int_equal(n, ROUTES);
	for (size_t i = 0; i < n; i++) {
		const struct authority *authority;

		list[i] = authorities_id(rig->authorities, &routes[i]);
		authority = authorities_find(rig->authorities, list[i]);
		assert_non_null(authority);
		assert_int_equal(authority->id, list[i]);
	}
}

static void each_has_a_number_and_a_context(void **state)
{
	struct rig *rig = *state;
	const struct authority *authority[ROUTES];
	uint64_t list[ROUTES];

	assert_true(apply(rig, "CERT", "ck"));
	ids(rig, list);
	for (size_t i = 0; i < ROUTES; i++)
		authority[i] = authorities_find(rig->authorities, list[i]);
	assert_int_equal(list[0], AUTHORITY_OF_SYSTEM);
	assert_int_not_equal(list[1], list[0]);
	assert_int_not_equal(list[2], list[0]);
	assert_int_not_equal(list[2], list[1]);
	/* One for all connections, and none for who meets others. */
	assert_int_equal(list[3], list[2]);
	assert_ptr_not_equal(authority[0]->tls, authority[1]->tls);
	assert_ptr_not_equal(authority[0]->tls, authority[2]->tls);
	assert_null(SSL_CTX_get0_certificate(authority[0]->tls));
	assert_null(SSL_CTX_get0_certificate(authority[1]->tls));
	assert_non_null(SSL_CTX_get0_certificate(authority[2]->tls));
	/* The system's is shared, and another's is not added to it. */
	assert_ptr_equal(SSL_CTX_get_cert_store(authority[0]->tls),
			 rig->system);
	assert_ptr_equal(SSL_CTX_get_cert_store(authority[2]->tls),
			 rig->system);
	assert_ptr_not_equal(SSL_CTX_get_cert_store(authority[1]->tls),
			     rig->system);
}

static void what_stays_keeps_its_number(void **state)
{
	struct rig *rig = *state;
	uint64_t before[ROUTES], after[ROUTES];

	assert_true(apply(rig, "CERT", "ck"));
	ids(rig, before);
	assert_true(apply(rig, "CERT", "ck"));
	ids(rig, after);
	assert_memory_equal(after, before, sizeof(before));
	/* In another order, the key before the certificate: another text. */
	assert_true(apply(rig, "CERT", "kc"));
	ids(rig, after);
	assert_int_equal(after[1], before[1]);
	assert_int_not_equal(after[2], before[2]);
	assert_null(authorities_find(rig->authorities, before[2]));
	/* What has gone and comes again is not what it was. */
	assert_true(apply(rig, "CERT", "ck"));
	ids(rig, after);
	assert_int_not_equal(after[2], before[2]);
	assert_int_equal(after[1], before[1]);
}

static void one_that_will_not_do_changes_nothing(void **state)
{
	struct rig *rig = *state;
	uint64_t before[ROUTES], after[ROUTES];

	assert_true(apply(rig, "CERT", "ck"));
	ids(rig, before);
	assert_false(apply(rig, "MISSING", "ck"));
	assert_false(apply(rig, "OTHER", "ck"));
	assert_false(apply(rig, "CERT", "co"));
	ids(rig, after);
	assert_memory_equal(after, before, sizeof(before));
}

int main(void)
{
#define RIGGED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		RIGGED(each_has_a_number_and_a_context),
		RIGGED(what_stays_keeps_its_number),
		RIGGED(one_that_will_not_do_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
