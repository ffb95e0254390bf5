#include "trust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MARK "# sluice-init: the gateway's certificate authority\n"
#define END "# sluice-init: end\n"

static void merges(const char *bundle, const char *pem, const char *wanted)
{
	size_t len;
	char *merged =
		trust_merge(bundle, strlen(bundle), pem, strlen(pem), &len);

	assert_non_null(merged);
	assert_string_equal(merged, wanted);
	assert_int_equal(len, strlen(wanted));
	free(merged);
}

static void the_ca_comes_last_and_is_marked(void **state)
{
	(void)state;
	merges("system\n", "ca\n", "system\n" MARK "ca\n" END);
	merges("", "ca\n", MARK "ca\n" END);
}

static void a_last_line_without_its_end_gets_one(void **state)
{
	(void)state;
	merges("system", "ca\n", "system\n" MARK "ca\n" END);
}

static void a_second_time_changes_nothing(void **state)
{
	(void)state;
	merges("system\n" MARK "ca\n" END, "ca\n", "system\n" MARK "ca\n" END);
}

static void an_older_ca_is_taken_out(void **state)
{
	(void)state;
	merges("system\n" MARK "old\n" END, "ca\n", "system\n" MARK "ca\n" END);
	merges("a\n" MARK "old\n" END "b\n" MARK "older\n" END "c\n", "ca\n",
	       "a\nb\nc\n" MARK "ca\n" END);
}

static void a_block_that_was_cut_short_goes(void **state)
{
	(void)state;
	merges("system\n" MARK "ol", "ca\n", "system\n" MARK "ca\n" END);
}

static void the_environment_names_both_files(void **state)
{
	const struct trust trust = { .ca = "/x/ca.pem",
				     .bundle = "/x/b.pem",
				     .java = "/x/java.jks" };

	(void)state;
	assert_int_equal(setenv("SSL_CERT_FILE", "/old", 1), 0);
	assert_int_equal(setenv("SSL_CERT_DIR", "/old", 1), 0);
	assert_int_equal(setenv("https_proxy", "http://192.0.2.1", 1), 0);
	assert_int_equal(setenv("ALL_PROXY", "http://192.0.2.1", 1), 0);
	assert_true(trust_environment(&trust));
	assert_string_equal(getenv("SSL_CERT_FILE"), "/x/b.pem");
	assert_string_equal(getenv("REQUESTS_CA_BUNDLE"), "/x/b.pem");
	assert_string_equal(getenv("NODE_EXTRA_CA_CERTS"), "/x/ca.pem");
	assert_string_equal(getenv("JAVA_TOOL_OPTIONS"),
			    "-Djavax.net.ssl.trustStore=/x/java.jks");
	assert_null(getenv("SSL_CERT_DIR"));
	assert_null(getenv("https_proxy"));
	assert_null(getenv("ALL_PROXY"));
}

static void java_keeps_the_options_that_it_had(void **state)
{
	const struct trust with = { .java = "/x/java.jks" };
	const struct trust without = { .java = "" };

	(void)state;
	assert_int_equal(setenv("JAVA_TOOL_OPTIONS", "-Xmx1g", 1), 0);
	assert_true(trust_environment(&without));
	assert_string_equal(getenv("JAVA_TOOL_OPTIONS"), "-Xmx1g");
	assert_true(trust_environment(&with));
	assert_string_equal(getenv("JAVA_TOOL_OPTIONS"),
			    "-Xmx1g -Djavax.net.ssl.trustStore=/x/java.jks");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ca_comes_last_and_is_marked),
		cmocka_unit_test(a_last_line_without_its_end_gets_one),
		cmocka_unit_test(a_second_time_changes_nothing),
		cmocka_unit_test(an_older_ca_is_taken_out),
		cmocka_unit_test(a_block_that_was_cut_short_goes),
		cmocka_unit_test(the_environment_names_both_files),
		cmocka_unit_test(java_keeps_the_options_that_it_had),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
