#include "secrets.h"

#include "manifest.h"
#include "own_cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

static struct secrets *parse(const char *text)
{
	const char *why = "";
	unsigned line = 0;
	struct secrets *secrets =
		secrets_parse(text, strlen(text), &line, &why);

	if (!secrets)
		fail_msg("%u: %s", line, why);
	return secrets;
}

static void assert_value(const struct secrets *secrets, const char *name,
			 const char *value)
{
	struct secret secret;

	assert_true(secrets_find(secrets, name, &secret));
	assert_int_equal(secret.len, strlen(value));
	assert_memory_equal(secret.value, value, secret.len);
}

static void values_are_taken_as_they_stand(void **state)
{
	struct secrets *secrets = parse("# a comment\n"
					"\n"
					"GITEA_TOKEN=0123456789abcdef\n"
					"_p2=user:pass word=\"x#y\n"
					"LAST=12345678");
	struct secret secret;

	(void)state;
	assert_value(secrets, "GITEA_TOKEN", "0123456789abcdef");
	assert_value(secrets, "_p2", "user:pass word=\"x#y");
	assert_value(secrets, "LAST", "12345678");
	assert_false(secrets_find(secrets, "GITEA", &secret));
	assert_false(secrets_find(secrets, "GITEA_TOKEN2", &secret));
	assert_false(secrets_find(secrets, "", &secret));
	secrets_free(secrets);
	secrets_free(NULL);
}

static void a_pem_is_as_many_lines_as_it_has(void **state)
{
#define BLOCK(what) "-----BEGIN " what "-----\nMAA=\n-----END " what "-----"
	struct secrets *secrets =
		parse("A=" BLOCK("X") "\n" BLOCK("KEY") "\n"
							"B=12345678\n"
							"# A comment\n"
							"C=" BLOCK("X"));

	(void)state;
	assert_value(secrets, "A", BLOCK("X") "\n" BLOCK("KEY"));
	assert_value(secrets, "B", "12345678");
	assert_value(secrets, "C", BLOCK("X"));
	secrets_free(secrets);
}

static void mistakes_are_told_by_their_line(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *why;
	} rows[] = {
		{ "A=12345678\nB", 2, "expected NAME=value" },
		{ "=12345678", 1,
		  "a name begins with a letter or an underscore" },
		{ "1A=12345678", 1,
		  "a name begins with a letter or an underscore" },
		{ "A-B=12345678", 1,
		  "a name has letters, digits and underscores" },
		{ "export A=12345678", 1,
		  "a name has letters, digits and underscores" },
		{ "A=1234567", 1, "the value is shorter than 8 bytes" },
		{ "A=", 1, "the value is shorter than 8 bytes" },
		{ "A=12345678\r\n", 1,
		  "the value has a control character, perhaps a carriage return" },
		{ "A= 12345678", 1, "the value has blanks around it" },
		{ "A=\"12345678\"", 1,
		  "the value has quotes around it, which would be part of it" },
		{ "A=12345678\nA=abcdefgh\n", 2, "the name is there twice" },
		{ "A=-----BEGIN X-----\nMAA=\n", 2, "the PEM has no end" },
		{ "A=-----BEGIN X-----\r\nMAA=\r\n", 1,
		  "the value has a control character, perhaps a carriage return" },
		{ "\nA=-----BEGIN X-----\nMA\tA=\n-----END X-----\n", 3,
		  "the value has a control character, perhaps a carriage return" },
		{ "A=-----BEGIN X-----\n-----END X-----\n\n"
		  "-----BEGIN X-----\n-----END X-----\n",
		  4, "expected NAME=value" },
		{ "A=-----BEGIN X-----\n-----END X-----\nA=12345678", 3,
		  "the name is there twice" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const char *why = "";
		unsigned line = 0;

		assert_null(secrets_parse(rows[i].text, strlen(rows[i].text),
					  &line, &why));
		assert_string_equal(why, rows[i].why);
		assert_int_equal(line, rows[i].line);
	}
}

static void there_is_a_most_of_everything(void **state)
{
	static char text[SECRETS_TEXT_MAX + 1];
	struct secrets *secrets;
	const char *why = "";
	unsigned line = 1;
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i <= SECRETS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"S%u=12345678\n", i);
	assert_null(secrets_parse(text, len, &line, &why));
	assert_string_equal(why, "there are too many");
	assert_int_equal(line, SECRETS_MAX + 1);

	memset(text, 'x', sizeof(text));
	text[0] = 'A';
	text[1] = '=';
	secrets = secrets_parse(text, 2 + SECRET_VALUE_MAX, &line, &why);
	assert_non_null(secrets);
	secrets_free(secrets);
	assert_null(secrets_parse(text, 3 + SECRET_VALUE_MAX, &line, &why));
	assert_string_equal(why, "the value is longer than 4096 bytes");
	for (int more = 0; more < 2; more++) {
		(void)snprintf(text, sizeof(text),
			       "A=-----BEGIN X-----\n%*s\n-----END X-----",
			       SECRET_PEM_MAX - 34 + more, "");
		secrets = secrets_parse(text, strlen(text), &line, &why);
		assert_true(!secrets == (more > 0));
		secrets_free(secrets);
	}
	assert_string_equal(why, "the PEM is longer than 16384 bytes");
	memset(text, 'x', sizeof(text));
	text[0] = 'A';
	text[1] = '=';
	assert_null(secrets_parse(text, sizeof(text), &line, &why));
	assert_int_equal(line, 0);

	memset(text, '\n', sizeof(text));
	secrets = secrets_parse(text, SECRETS_TEXT_MAX, &line, &why);
	assert_non_null(secrets);
	assert_int_equal(secrets_text(secrets).len, SECRETS_TEXT_MAX);
	secrets_free(secrets);
}

static void a_file_is_read_whole(void **state)
{
	char file[] = "/tmp/sluice-secrets-XXXXXX";
	struct secrets *secrets;
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "TOKEN=12345678\n", 15), 15);
	close(fd);
	secrets = secrets_read(file);
	assert_non_null(secrets);
	assert_value(secrets, "TOKEN", "12345678");
	secrets_free(secrets);
	assert_int_equal(truncate(file, SECRETS_TEXT_MAX + 2), 0);
	assert_null(secrets_read(file));
	unlink(file);
	assert_null(secrets_read(file));
	secrets = secrets_read(NULL);
	assert_non_null(secrets);
	assert_int_equal(secrets_text(secrets).len, 0);
	secrets_free(secrets);
}

/* What is said of a manifest whose routes name secrets. */
static void a_route_needs_a_secret_that_fits(void **state)
{
	static const char text[] =
		"routes:\n"
		"  - {host: a.example, auth: {scheme: Bearer, token_ref: A}}\n"
		"  - {host: b.example, auth: {scheme: Basic, token_ref: B}}\n"
		"  - {host: c.example, auth: {scheme: token, token_ref: C}}\n"
		"  - {host: d.example}\n"
		"  - {host: e.example, client_cert_ref: E}\n"
		"  - {host: f.example, client_cert_ref: F}\n";
	struct manifest_errors errors;
	struct policy *policy = manifest_parse(text, strlen(text), &errors);
	char pem[OWN_CERT_MAX], lines[4 * OWN_CERT_MAX];
	struct secrets *secrets, *others;
	char said[1024] = "";
	FILE *out = fmemopen(said, sizeof(said), "w");

	(void)state;
	own_cert(pem, "ck");
	(void)snprintf(lines, sizeof(lines),
		       "A=12345678\nB=user:password\nC=12345678\nE=%sF=%s", pem,
		       pem);
	secrets = parse(lines);
	(void)snprintf(lines, sizeof(lines), "A=1234 678\nB=%sE=12345678\n",
		       pem);
	others = parse(lines);
	assert_non_null(policy);
	assert_non_null(out);
	assert_true(secrets_suffice(secrets, policy, "m", out));
	assert_int_equal(fflush(out), 0);
	assert_string_equal(said, "");
	assert_false(secrets_suffice(others, policy, "m", out));
	assert_int_equal(fclose(out), 0);
	assert_string_equal(
		said,
		"m:2:57: the secret A has characters that no token has\n"
		"m:3:56: the secret B is a PEM, and no request carries that\n"
		"m:4:56: the secret C was not given: add it to the file of --secrets\n"
		"m:6:40: the secret E has no certificate in PEM\n"
		"m:7:40: the secret F was not given: add it to the file of --secrets\n");
	secrets_free(others);
	secrets_free(secrets);
	policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_taken_as_they_stand),
		cmocka_unit_test(a_pem_is_as_many_lines_as_it_has),
		cmocka_unit_test(mistakes_are_told_by_their_line),
		cmocka_unit_test(there_is_a_most_of_everything),
		cmocka_unit_test(a_file_is_read_whole),
		cmocka_unit_test(a_route_needs_a_secret_that_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
