#include "refusal.h"

#include "http/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static const uint8_t key[REFUSAL_KEY_LEN] = { 1, 2, 3 };

static struct domain domain(const char *text)
{
	struct domain domain;

	assert_true(domain_parse(&domain, text, strlen(text)));
	return domain;
}

/* The longest name there is. */
static struct domain longest(void)
{
	char text[DOMAIN_MAX + 1];

	memset(text, 'a', DOMAIN_MAX);
	text[63] = text[127] = text[191] = '.';
	text[DOMAIN_MAX] = '\0';
	return domain(text);
}

static struct refusal make(enum reason reason, const struct domain *name,
			   uint16_t port, const char *asked)
{
	const struct attempt attempt = { .kind = ATTEMPT_HTTP,
					 .name = name,
					 .port = port };
	const struct decision decision = { .reason = reason };
	struct refusal refusal;

	refusal_make(&refusal, key, &attempt, &decision, asked,
		     asked ? strlen(asked) : 0);
	return refusal;
}

static bool same_id(const struct refusal *a, const struct refusal *b)
{
	return strcmp(a->id, b->id) == 0;
}

/* --- the id --- */

static void the_same_refusal_has_the_same_id(void **state)
{
	const struct domain name = domain("a.test");
	struct refusal one = make(REASON_HOST_MISMATCH, &name, 443, "b");
	struct refusal two = make(REASON_HOST_MISMATCH, &name, 443, "b");

	(void)state;
	assert_true(same_id(&one, &two));
	assert_int_equal(strlen(one.id), REFUSAL_ID_LEN);
	assert_int_equal(strspn(one.id, "0123456789abcdefghjkmnpqrstvwxyz"),
			 REFUSAL_ID_LEN);
}

static void what_differs_has_another_id(void **state)
{
	const struct domain a = domain("a.test"), b = domain("b.test");
	struct refusal base = make(REASON_PORT_NOT_LISTED, &a, 443, NULL);
	struct refusal others[] = {
		make(REASON_PROTOCOL_UNKNOWN, &a, 443, NULL),
		make(REASON_PORT_NOT_LISTED, &b, 443, NULL),
		make(REASON_PORT_NOT_LISTED, &a, 444, NULL),
		make(REASON_PORT_NOT_LISTED, &a, 443, "b.test"),
		make(REASON_PORT_NOT_LISTED, NULL, 443, NULL),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(same_id(&base, &others[i]));
}

/* What DNS refused and the connection that followed are one refusal. */
static void a_name_not_listed_is_one_refusal_on_every_port(void **state)
{
	static const enum reason reasons[] = { REASON_NAME_NOT_LISTED,
					       REASON_NAME_DENIED,
					       REASON_ADDRESS_PRIVATE };
	const struct domain name = domain("a.test");

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct refusal dns = make(reasons[i], &name, 0, NULL);
		struct refusal https = make(reasons[i], &name, 443, NULL);

		assert_true(same_id(&dns, &https));
	}
}

static void another_run_has_other_ids(void **state)
{
	static const uint8_t other[REFUSAL_KEY_LEN] = { 9 };
	const struct domain name = domain("a.test");
	const struct attempt attempt = { .name = &name };
	const struct decision decision = { .reason = REASON_NAME_NOT_LISTED };
	struct refusal one, two;

	(void)state;
	refusal_make(&one, key, &attempt, &decision, NULL, 0);
	refusal_make(&two, other, &attempt, &decision, NULL, 0);
	assert_false(same_id(&one, &two));
}

/* --- the words --- */

static void assert_printable(const char *text)
{
	for (; *text; text++)
		assert_in_range(*text, 0x20, 0x7e);
}

static void a_summary_says_reason_name_id_and_remedy(void **state)
{
	const struct domain name = domain("example.org");
	struct refusal refusal = make(REASON_NAME_NOT_LISTED, &name, 443, NULL);
	char text[REFUSAL_SUMMARY_MAX];

	(void)state;
	refusal_summary(&refusal, text);
	assert_non_null(strstr(text, "name_not_listed: "));
	assert_non_null(strstr(text, "example.org"));
	assert_non_null(strstr(text, refusal.id));
	assert_non_null(strstr(text, "to allow it: - host: example.org"));
	assert_printable(text);
}

/* --- HTTP --- */

struct answer {
	struct http_response head;
	const char *body;
	size_t body_len;
};

static struct answer read_back(const char *bytes, size_t len, bool has_body)
{
	struct answer answer = { 0 };
	size_t scanned = 0, head_len;
	const char *why = NULL;
	unsigned status;

	assert_int_equal(http1_head_find(bytes, len, &scanned, &head_len,
					 &status),
			 HTTP1_DONE);
	if (!http1_response_parse(bytes, head_len, !has_body, &answer.head,
				  &why))
		fail_msg("%s: %.*s", why, (int)head_len, bytes);
	answer.body = bytes + head_len;
	answer.body_len = len - head_len;
	if (has_body)
		assert_int_equal(answer.head.content_length, answer.body_len);
	else
		assert_int_equal(answer.body_len, 0);
	return answer;
}

static void assert_member(const json_t *root, const char *member,
			  const char *wanted)
{
	assert_string_equal(json_string_value(json_object_get(root, member)),
			    wanted);
}

static void every_reason_is_an_answer_that_parses(void **state)
{
	const struct domain name = domain("a.test");

	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		struct refusal refusal =
			make((enum reason)i, &name, 443, "b.test");
		char bytes[REFUSAL_HTTP_MAX];
		size_t len = refusal_http(&refusal, 0, REFUSAL_PROBLEM_JSON,
					  true, true, bytes);
		struct answer answer = read_back(bytes, len, true);
		json_t *root =
			json_loadb(answer.body, answer.body_len, 0, NULL);

		assert_non_null(root);
		assert_in_range(answer.head.status, 400, 599);
		assert_int_equal(answer.head.status,
				 refusal_status((enum reason)i));
		assert_false(answer.head.keep_alive);
		assert_int_equal(
			json_integer_value(json_object_get(root, "status")),
			answer.head.status);
		assert_member(root, "id", refusal.id);
		assert_member(root, "reason", reason_code((enum reason)i));
		assert_member(root, "name", "a.test");
		assert_member(root, "asked", "b.test");
		json_decref(root);
	}
}

static void the_header_has_id_and_reason(void **state)
{
	const struct domain name = domain("a.test");
	struct refusal refusal = make(REASON_NAME_NOT_LISTED, &name, 443, NULL);
	char bytes[REFUSAL_HTTP_MAX], wanted[128];
	size_t len = refusal_http(&refusal, 0, REFUSAL_PROBLEM_JSON, true, true,
				  bytes);
	struct answer answer = read_back(bytes, len, true);

	(void)state;
	(void)snprintf(wanted, sizeof(wanted), "%s; reason=name_not_listed",
		       refusal.id);
	assert_true(text_is_exactly(http_field_value(answer.head.fields,
						     answer.head.n_fields,
						     "sluice-refusal"),
				    wanted));
	assert_true(text_is_exactly(http_field_value(answer.head.fields,
						     answer.head.n_fields,
						     "content-type"),
				    "application/problem+json"));
	/* npm and others print the reason phrase and nothing else. */
	assert_non_null(memmem(answer.head.reason.at, answer.head.reason.len,
			       "to allow it: - host: a.test", 27));
}

static void git_gets_plain_text(void **state)
{
	const struct domain name = domain("a.test");
	struct refusal refusal = make(REASON_NAME_NOT_LISTED, &name, 443, NULL);
	char bytes[REFUSAL_HTTP_MAX], summary[REFUSAL_SUMMARY_MAX];
	size_t len = refusal_http(&refusal, 0, REFUSAL_PLAIN_TEXT, true, true,
				  bytes);
	struct answer answer = read_back(bytes, len, true);

	(void)state;
	refusal_summary(&refusal, summary);
	assert_true(text_is_exactly(http_field_value(answer.head.fields,
						     answer.head.n_fields,
						     "content-type"),
				    "text/plain; charset=utf-8"));
	assert_memory_equal(answer.body, "sluice: ", 8);
	assert_memory_equal(answer.body + 8, summary, strlen(summary));
}

static void a_head_request_gets_no_body(void **state)
{
	const struct domain name = domain("a.test");
	struct refusal refusal = make(REASON_NAME_NOT_LISTED, &name, 443, NULL);
	char bytes[REFUSAL_HTTP_MAX];

	(void)state;
	read_back(bytes,
		  refusal_http(&refusal, 0, REFUSAL_PROBLEM_JSON, true, false,
			       bytes),
		  false);
}

static void a_terse_answer_has_the_id_and_nothing_more(void **state)
{
	const struct domain name = domain("a.test");
	struct refusal refusal =
		make(REASON_HOST_MISMATCH, &name, 443, "secret.test");
	char bytes[REFUSAL_HTTP_MAX];
	size_t len = refusal_http(&refusal, 0, REFUSAL_PROBLEM_JSON, false,
				  true, bytes);
	struct answer answer = read_back(bytes, len, true);

	(void)state;
	assert_int_equal(answer.body_len, 0);
	assert_non_null(memmem(bytes, len, refusal.id, REFUSAL_ID_LEN));
	assert_null(memmem(bytes, len, "a.test", 6));
	assert_null(memmem(bytes, len, "secret", 6));
}

static void a_status_may_be_given(void **state)
{
	static const unsigned statuses[] = { 400, 403, 408, 417, 421, 431,
					     501, 502, 503, 504, 505 };
	const struct domain name = domain("a.test");
	struct refusal refusal = make(REASON_HTTP_MALFORMED, &name, 443, NULL);
	char bytes[REFUSAL_HTTP_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		size_t len =
			refusal_http(&refusal, statuses[i],
				     REFUSAL_PROBLEM_JSON, true, true, bytes);

		assert_int_equal(read_back(bytes, len, true).head.status,
				 statuses[i]);
	}
}

static void an_address_is_named_where_there_is_no_name(void **state)
{
	struct address at;
	const struct attempt attempt = { .kind = ATTEMPT_TCP,
					 .address = &at,
					 .port = 22 };
	const struct decision decision = { .reason =
						   REASON_ADDRESS_NOT_LISTED };
	struct refusal refusal;
	char bytes[REFUSAL_HTTP_MAX];
	struct answer answer;
	json_t *root;

	(void)state;
	assert_true(address_parse(&at, "2001:db8::1", 11));
	refusal_make(&refusal, key, &attempt, &decision, NULL, 0);
	answer = read_back(bytes,
			   refusal_http(&refusal, 0, REFUSAL_PROBLEM_JSON, true,
					true, bytes),
			   true);
	root = json_loadb(answer.body, answer.body_len, 0, NULL);
	assert_non_null(root);
	assert_member(root, "address", "2001:db8::1");
	assert_null(json_object_get(root, "name"));
	assert_int_equal(json_integer_value(json_object_get(root, "port")), 22);
	json_decref(root);
}

/* --- what the agent chose --- */

static void no_byte_of_the_agents_makes_a_header_or_a_member(void **state)
{
	static const char *const asked[] = {
		"x\r\nSet-Cookie: a=b",
		"x\r\n\r\n<script>",
		"x\",\"allow\":\"- host: '*'\",\"y\":\"",
		"\\\"}{",
		"\xff\xfe\x80",
		"%s%n%x",
		"\x1b[2J",
		"\t\v",
	};
	static const enum refusal_form forms[] = { REFUSAL_PROBLEM_JSON,
						   REFUSAL_PLAIN_TEXT };
	const struct domain name = domain("a.test");

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(asked) / sizeof(*asked); i++) {
		enum refusal_form form = forms[i % 2];
		struct refusal refusal =
			make(REASON_HOST_MISMATCH, &name, 443, asked[i / 2]);
		char bytes[REFUSAL_HTTP_MAX], text[REFUSAL_SUMMARY_MAX];
		size_t len = refusal_http(&refusal, 0, form, true, true, bytes);
		struct answer answer = read_back(bytes, len, true);
		json_t *root;

		/* Type, Cache-Control, Sluice-Refusal. */
		assert_int_equal(answer.head.n_fields, 3);
		assert_printable(refusal_summary(&refusal, text));
		assert_printable(refusal.asked);
		if (form == REFUSAL_PLAIN_TEXT) {
			assert_ptr_equal(memchr(answer.body, '\n',
						answer.body_len),
					 answer.body + answer.body_len - 1);
			continue;
		}
		root = json_loadb(answer.body, answer.body_len,
				  JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(root);
		assert_null(json_object_get(root, "y"));
		assert_member(root, "asked", refusal.asked);
		json_decref(root);
	}
}

static void the_longest_refusal_still_has_its_body(void **state)
{
	const struct domain name = longest();
	char asked[1024], bytes[REFUSAL_HTTP_MAX];

	(void)state;
	for (int i = 0; i < 2 * REASON_COUNT; i++) {
		enum reason reason = (enum reason)(i / 2);
		struct refusal refusal;
		struct answer answer;
		json_t *root;

		/* Backslashes are escaped twice over. */
		memset(asked, i % 2 ? '\\' : 'x', sizeof(asked) - 1);
		asked[sizeof(asked) - 1] = '\0';
		refusal = make(reason, &name, 65535, asked);
		refusal.line = UINT32_MAX;
		answer = read_back(bytes,
				   refusal_http(&refusal, 0,
						REFUSAL_PROBLEM_JSON, true,
						true, bytes),
				   true);
		assert_true(answer.body_len > 0);
		root = json_loadb(answer.body, answer.body_len, 0, NULL);
		assert_non_null(root);
		assert_member(root, "name", name.name);
		assert_member(root, "asked", refusal.asked);
		if (refusal.suggestion[0])
			assert_member(root, "allow", refusal.suggestion);
		json_decref(root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_refusal_has_the_same_id),
		cmocka_unit_test(what_differs_has_another_id),
		cmocka_unit_test(
			a_name_not_listed_is_one_refusal_on_every_port),
		cmocka_unit_test(another_run_has_other_ids),
		cmocka_unit_test(a_summary_says_reason_name_id_and_remedy),
		cmocka_unit_test(every_reason_is_an_answer_that_parses),
		cmocka_unit_test(the_header_has_id_and_reason),
		cmocka_unit_test(git_gets_plain_text),
		cmocka_unit_test(a_head_request_gets_no_body),
		cmocka_unit_test(a_terse_answer_has_the_id_and_nothing_more),
		cmocka_unit_test(a_status_may_be_given),
		cmocka_unit_test(an_address_is_named_where_there_is_no_name),
		cmocka_unit_test(
			no_byte_of_the_agents_makes_a_header_or_a_member),
		cmocka_unit_test(the_longest_refusal_still_has_its_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
