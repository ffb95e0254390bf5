#include "buffer.h"
#include "http/credential.h"
#include "http/http1.h"
#include "http/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

static const char lines[] = "TOKEN=s3cr3t-t0ken\n"
			    "LOGIN=somebody:pass-word\n"
			    "SHORT=somebody:pass\n";

/* One route with its secret, and what comes of them. */
struct fixture {
	struct secrets *secrets;
	struct route route;
	struct credential credential;
};

static struct fixture fixture(enum route_auth auth, const char *name)
{
	struct fixture f = { .route = { .auth = auth } };
	const char *why;
	unsigned line;

	f.secrets = secrets_parse(lines, sizeof(lines) - 1, &line, &why);
	assert_non_null(f.secrets);
	(void)snprintf(f.route.token_ref, sizeof(f.route.token_ref), "%s",
		       name);
	assert_true(credential_make(&f.credential, &f.route, f.secrets));
	return f;
}

static void done(struct fixture *f)
{
	credential_done(&f->credential);
	assert_int_equal(f->credential.text[0], 0);
	secrets_free(f->secrets);
}

static void a_credential_is_its_scheme_and_the_secret(void **state)
{
	static const struct {
		enum route_auth auth;
		const char *name, *value;
	} rows[] = {
		{ ROUTE_AUTH_BEARER, "TOKEN", "Bearer s3cr3t-t0ken" },
		{ ROUTE_AUTH_TOKEN, "TOKEN", "token s3cr3t-t0ken" },
		{ ROUTE_AUTH_BASIC, "LOGIN", "Basic c29tZWJvZHk6cGFzcy13b3Jk" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct fixture f = fixture(rows[i].auth, rows[i].name);

		assert_string_equal(f.credential.text, rows[i].value);
		assert_int_equal(f.credential.len, strlen(rows[i].value));
		(void)snprintf(f.route.token_ref, sizeof(f.route.token_ref),
			       "OTHER");
		assert_false(
			credential_make(&f.credential, &f.route, f.secrets));
		done(&f);
	}
}

static void what_the_agent_sent_in_its_place_is_gone(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\n"
				   "Host: a.example\r\n"
				   "authorization: Bearer mine\r\n"
				   "Accept: */*\r\n"
				   "accept-encoding: gzip\r\n"
				   "AUTHORIZATION: Basic bWU6bWU=\r\n"
				   "\r\n";
	struct fixture f = fixture(ROUTE_AUTH_BEARER, "TOKEN");
	struct http_request request;
	unsigned status;
	const char *why;
	char bytes[512];
	size_t n;

	(void)state;
	assert_true(http1_request_parse(head, sizeof(head) - 1, &request,
					&status, &why));
	assert_true(credential_put(&f.credential, &request));
	n = http1_request_write(&request, bytes, sizeof(bytes) - 1);
	bytes[n] = '\0';
	assert_string_equal(bytes, "GET / HTTP/1.1\r\n"
				   "Host: a.example\r\n"
				   "Accept: */*\r\n"
				   "Authorization: Bearer s3cr3t-t0ken\r\n"
				   "Accept-Encoding: identity\r\n"
				   "\r\n");
	request.n_fields = HTTP_FIELDS_MAX;
	for (size_t i = 0; i < HTTP_FIELDS_MAX; i++)
		request.fields[i] = request.fields[0];
	assert_false(credential_put(&f.credential, &request));
	done(&f);
}

static struct redact *redact_of(const struct fixture *f)
{
	struct redact *redact =
		redact_new(&f->credential, &f->route, f->secrets);

	assert_non_null(redact);
	return redact;
}

static void what_is_said_back_is_struck_out(void **state)
{
	static const struct {
		enum route_auth auth;
		const char *name, *said, *heard;
	} rows[] = {
		{ ROUTE_AUTH_TOKEN, "TOKEN",
		  "X: s3cr3t-t0ken\r\nY: as3cr3t-t0kens3cr3t-t0ken",
		  "X: ************\r\nY: a************************" },
		{ ROUTE_AUTH_TOKEN, "TOKEN", "s3cr3t-t0ke", "s3cr3t-t0ke" },
		{ ROUTE_AUTH_TOKEN, "TOKEN", "", "" },
		{ ROUTE_AUTH_BASIC, "LOGIN", "Basic c29tZWJvZHk6cGFzcy13b3Jk.",
		  "Basic ************************." },
		{ ROUTE_AUTH_BASIC, "LOGIN",
		  "somebody:pass-word, somebody, pass-word",
		  "******************, somebody, *********" },
		/* A password so short would be struck out of anything. */
		{ ROUTE_AUTH_BASIC, "SHORT", "somebody:pass, pass",
		  "*************, pass" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct fixture f = fixture(rows[i].auth, rows[i].name);
		struct redact *redact = redact_of(&f);
		char text[128];

		(void)snprintf(text, sizeof(text), "%s", rows[i].said);
		redact_head(redact, text, strlen(text));
		assert_string_equal(text, rows[i].heard);
		redact_free(redact);
		done(&f);
	}
	redact_free(NULL);
}

/* In every two pieces, and byte by byte. */
static void pieces_of_a_body_hide_nothing(void **state)
{
	static const char said[] =
		"s3cr3t-s3cr3t-t0ken s3cr3t-t0kes3cr3t-t0ken s3cr";
	static const char heard[] =
		"s3cr3t-************ s3cr3t-t0ke************ s3cr";
	struct fixture f = fixture(ROUTE_AUTH_BEARER, "TOKEN");

	(void)state;
	for (size_t cut = 0; cut < sizeof(said); cut++) {
		struct redact *redact = redact_of(&f);
		size_t step = cut == 0 ? 1 : cut, n = 0;
		char got[sizeof(said)] = "";

		for (size_t at = 0; at < sizeof(said) - 1; at += step) {
			size_t left = sizeof(said) - 1 - at;
			size_t len = left < step ? left : step;
			struct http_text text =
				redact_run(redact,
					   (struct http_text){ said + at, len },
					   left <= step);

			memcpy(got + n, text.at, text.len);
			n += text.len;
		}
		assert_string_equal(got, heard);
		redact_free(redact);
	}
	done(&f);
}

static void only_what_may_begin_it_waits(void **state)
{
	struct fixture f = fixture(ROUTE_AUTH_BEARER, "TOKEN");
	struct redact *redact = redact_of(&f);
	char large[BUFFER_CAP];
	struct http_text text;

	(void)state;
	text = redact_run(redact, (struct http_text){ "data: 1\n\n", 9 },
			  false);
	assert_int_equal(text.len, 9);
	text = redact_run(redact, (struct http_text){ "data: s3c", 9 }, false);
	assert_int_equal(text.len, 6);
	text = redact_run(redact, (struct http_text){ 0 }, false);
	assert_int_equal(text.len, 0);
	memset(large, 'x', sizeof(large));
	text = redact_run(redact, (struct http_text){ large, sizeof(large) },
			  false);
	assert_int_equal(text.len, 3 + sizeof(large));
	assert_memory_equal(text.at, "s3cx", 4);
	text = redact_run(redact, (struct http_text){ "s3c", 3 }, true);
	assert_int_equal(text.len, 3);
	redact_free(redact);
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_credential_is_its_scheme_and_the_secret),
		cmocka_unit_test(what_the_agent_sent_in_its_place_is_gone),
		cmocka_unit_test(what_is_said_back_is_struck_out),
		cmocka_unit_test(pieces_of_a_body_hide_nothing),
		cmocka_unit_test(only_what_may_begin_it_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
