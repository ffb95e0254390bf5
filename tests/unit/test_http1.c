#include "http/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* --- helpers --- */

static void assert_text(struct http_text text, const char *expected)
{
	char *copy =
		strndup(text.at ? text.at : "(none)", text.at ? text.len : 6);

	assert_non_null(copy);
	assert_string_equal(copy, expected);
	free(copy);
}

static struct http_request request_of(const char *head)
{
	struct http_request request;
	unsigned status = 0;
	const char *why = "";

	if (!http1_request_parse(head, strlen(head), &request, &status, &why))
		fail_msg("'%s' was refused: %u, %s", head, status, why);
	return request;
}

/* 0 if it was taken. */
static unsigned request_status(const char *head, size_t len)
{
	struct http_request request = { .port = 7 };
	unsigned status = 0;
	const char *why = NULL;

	if (http1_request_parse(head, len, &request, &status, &why))
		return 0;
	assert_int_equal(request.port, 7);
	assert_non_null(why);
	assert_true(status >= 400);
	return status;
}

static struct http_response response_to(const char *head, bool to_head)
{
	struct http_response response;
	const char *why = "";

	if (!http1_response_parse(head, strlen(head), to_head, &response, &why))
		fail_msg("'%s' was refused: %s", head, why);
	return response;
}

static struct http_response response_of(const char *head)
{
	return response_to(head, false);
}

static bool response_is_refused(const char *head, size_t len)
{
	struct http_response response = { .status = 7 };
	const char *why = NULL;

	if (http1_response_parse(head, len, false, &response, &why))
		return false;
	assert_int_equal(response.status, 7);
	assert_non_null(why);
	return true;
}

/* The bytes of @string, without its end. */
static void put(char *at, const char *string)
{
	while (*string != '\0')
		*at++ = *string++;
}

/* Every head that is refused for what stands in its fields. */
struct refused {
	unsigned status;
	const char *head;
};

static void assert_refused(const struct refused *refused, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned status = request_status(refused[i].head,
						 strlen(refused[i].head));

		if (status != refused[i].status)
			fail_msg("'%s': %u instead of %u", refused[i].head,
				 status, refused[i].status);
	}
}

static void assert_written(const char *head, const char *expected)
{
	struct http_request request = request_of(head);
	char bytes[1024];
	size_t len = http1_request_write(&request, bytes, sizeof(bytes));

	assert_true(len > 0);
	bytes[len] = '\0';
	assert_string_equal(bytes, expected);
	for (size_t cap = 0; cap < len; cap++) {
		bytes[cap] = '#';
		assert_int_equal(http1_request_write(&request, bytes, cap), 0);
		assert_int_equal(bytes[cap], '#');
	}
	assert_int_equal(http1_request_write(&request, bytes, len), len);
}

/* --- the head's end --- */

static void a_head_is_found_however_it_comes(void **state)
{
	static const char bytes[] = "GET / HTTP/1.1\r\nHost: a.org\r\n\r\nGET";
	const size_t whole = sizeof(bytes) - 4;

	(void)state;
	for (size_t piece = 1; piece < sizeof(bytes); piece++) {
		enum http1_result result = HTTP1_MORE;
		size_t scanned = 0, head_len = 0, len = 0;
		unsigned status = 0;

		while (result == HTTP1_MORE && len < sizeof(bytes) - 1) {
			len = len + piece < sizeof(bytes) ? len + piece
							  : sizeof(bytes) - 1;
			result = http1_head_find(bytes, len, &scanned,
						 &head_len, &status);
			assert_int_equal(result,
					 len < whole ? HTTP1_MORE : HTTP1_DONE);
		}
		assert_int_equal(head_len, whole);
	}
}

static void what_can_be_no_head_is_known_early(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, known_after;
	} refused[] = {
		{ "\x16\x03\x01", 3, 1 },
		{ "\r\nGET / HTTP/1.1\r\n", 18, 1 },
		{ " GET / HTTP/1.1\r\n", 17, 1 },
		{ "GET / HTTP/1.1\nHost: a\r\n", 24, 15 },
		{ "GET / HTTP/1.1\rHost: a\r\n", 24, 16 },
		{ "GET / HTTP/1.1\r\r\n", 17, 16 },
		{ "GET /\0 HTTP/1.1\r\n", 17, 6 },
		{ "EHLO world\r\n", 12, 12 },
		{ "SSH-2.0-OpenSSH_9.2\r\n", 21, 21 },
		{ "GET /\r\n\r\n", 9, 7 }, /* HTTP/0.9 */
		{ "GET / HTTP/1.1\r\nHost: a\n\r\n", 26, 24 },
		{ "GET / HTTP/1.1\r\nA: \x01\r\n", 22, 20 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		size_t scanned = 0, head_len = 0, len = 0;
		enum http1_result result = HTTP1_MORE;
		unsigned status = 0;

		while (result == HTTP1_MORE && len < refused[i].len)
			result = http1_head_find(refused[i].bytes, ++len,
						 &scanned, &head_len, &status);
		assert_int_equal(result, HTTP1_BAD);
		assert_int_equal(len, refused[i].known_after);
		assert_int_equal(status, 400);
	}
}

static void a_head_has_a_longest(void **state)
{
	static char bytes[HTTP_HEAD_MAX + 1];
	size_t scanned = 0, head_len = 0;
	unsigned status = 0;

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	put(bytes, "GET / HTTP/1.1\r\n");
	assert_int_equal(http1_head_find(bytes, HTTP_HEAD_MAX - 1, &scanned,
					 &head_len, &status),
			 HTTP1_MORE);
	assert_int_equal(http1_head_find(bytes, HTTP_HEAD_MAX, &scanned,
					 &head_len, &status),
			 HTTP1_BAD);
	assert_int_equal(status, 431);
	put(bytes + HTTP_HEAD_MAX - 4, "\r\n\r\n");
	scanned = 0;
	assert_int_equal(http1_head_find(bytes, HTTP_HEAD_MAX + 1, &scanned,
					 &head_len, &status),
			 HTTP1_DONE);
	assert_int_equal(head_len, HTTP_HEAD_MAX);
	assert_int_equal(request_status(bytes, HTTP_HEAD_MAX + 1), 431);
}

/* --- requests --- */

static void a_request_is_read(void **state)
{
	struct http_request request = request_of(
		"POST /a?b=c HTTP/1.1\r\nhost:\tWWW.Example.org:8080 \r\n"
		"X-Odd:  a \xff b\t\r\nContent-Length: 12\r\nEmpty:\r\n"
		"Expect: 100-Continue\r\n\r\n");

	(void)state;
	assert_text(request.method, "POST");
	assert_text(request.path, "/a?b=c");
	assert_string_equal(request.host.name, "www.example.org");
	assert_text(request.authority, "WWW.Example.org:8080");
	assert_int_equal(request.port, 8080);
	assert_int_equal(request.framing, HTTP_LENGTH);
	assert_int_equal(request.content_length, 12);
	assert_true(request.keep_alive && request.expects_continue);
	assert_false(request.is_http10 || request.absolute ||
		     request.wants_websocket);
	assert_int_equal(request.n_fields, 2);
	assert_text(request.fields[0].name, "X-Odd");
	assert_text(request.fields[0].value, "a \xff b");
	assert_text(request.fields[1].value, "");
}

static void a_request_is_written_anew(void **state)
{
	(void)state;
	assert_written("GET / HTTP/1.1\r\nAccept:*/*\r\nHost: A.org.\r\n"
		       "B:1\r\nB: 2\r\n\r\n",
		       "GET / HTTP/1.1\r\nHost: a.org\r\nAccept: */*\r\n"
		       "B: 1\r\nB: 2\r\n\r\n");
	assert_written("PUT http://a.org:81/x HTTP/1.0\r\nHost: a.org:81\r\n"
		       "Content-Length: 0\r\n\r\n",
		       "PUT /x HTTP/1.1\r\nHost: a.org:81\r\n"
		       "Content-Length: 0\r\n\r\n");
	assert_written("POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n"
		       "Expect: 100-continue\r\nHost: [2001:DB8::1]:80\r\n\r\n",
		       "POST / HTTP/1.1\r\nHost: [2001:DB8::1]:80\r\n"
		       "Transfer-Encoding: chunked\r\n"
		       "Expect: 100-continue\r\n\r\n");
}

static void the_first_line_has_one_form(void **state)
{
#define HOST "Host: a.org\r\n\r\n"
	static const struct refused refused[] = {
		{ 400, "GET  / HTTP/1.1\r\n" HOST },
		{ 400, "GET /  HTTP/1.1\r\n" HOST },
		{ 400, "GET / HTTP/1.1 \r\n" HOST },
		{ 400, "GET\t/ HTTP/1.1\r\n" HOST },
		{ 400, "GET / x HTTP/1.1\r\n" HOST },
		{ 400, "GET /\r\n" HOST },
		{ 400, "GET / http/1.1\r\n" HOST },
		{ 400, "GET / HTTP/1.10\r\n" HOST },
		{ 400, "GET / HTTP/11\r\n" HOST },
		{ 400, "GET / HTTPS/1.1\r\n" HOST },
		{ 505, "GET / HTTP/0.9\r\n" HOST },
		{ 505, "GET / HTTP/1.2\r\n" HOST },
		{ 505, "GET / HTTP/2.0\r\n" HOST },
		{ 400, "PRI * HTTP/2.0\r\n\r\n" },
		{ 400, "G(T / HTTP/1.1\r\n" HOST },
		{ 400, " / HTTP/1.1\r\n" HOST },
		{ 501, "CONNECT a.org:443 HTTP/1.1\r\n" HOST },
		{ 501, "connect / HTTP/1.1\r\n" HOST },
		{ 501, "TRACE / HTTP/1.1\r\n" HOST },
		{ 400, "GET * HTTP/1.1\r\n" HOST },
		{ 400, "options * HTTP/1.1\r\n" HOST },
		{ 400, "GET a HTTP/1.1\r\n" HOST },
		{ 400, "GET a.org:80 HTTP/1.1\r\n" HOST },
		{ 400, "GET /a#b HTTP/1.1\r\n" HOST },
		{ 400, "GET /\xc3\xbc HTTP/1.1\r\n" HOST },
		{ 400, "GET /\x7f HTTP/1.1\r\n" HOST },
		{ 400, "GET /a\tb HTTP/1.1\r\n" HOST },
		{ 400, "GET ftp://a.org/ HTTP/1.1\r\n" HOST },
		{ 400, "\r\n" HOST },
		{ 400, "" },
	};

	(void)state;
	assert_refused(refused, COUNT(refused));
	assert_text(request_of("OPTIONS * HTTP/1.1\r\n" HOST).path, "*");
	assert_text(request_of("GET //a/../%2e HTTP/1.1\r\n" HOST).path,
		    "//a/../%2e");
}

static void an_absolute_target_agrees_with_host(void **state)
{
	static const struct refused refused[] = {
		{ 400, "GET http://b.org/ HTTP/1.1\r\n" HOST },
		{ 400, "GET http://a.org:81/ HTTP/1.1\r\n" HOST },
		{ 400, "GET http://a.org:443/ HTTP/1.1\r\n" HOST },
		{ 400, "GET http://u@a.org/ HTTP/1.1\r\n" HOST },
		{ 400, "GET http://a.org:80@b.org/ HTTP/1.1\r\n" HOST },
		{ 400, "GET http:///x HTTP/1.1\r\n" HOST },
		{ 400, "GET http://a.org?x HTTP/1.1\r\n" HOST },
		{ 400, "GET http://a.org\\@b.org/ HTTP/1.1\r\n" HOST },
		{ 400, "GET http://a.org HTTP/1.1\r\n\r\n" },
		{ 400, "GET http://192.0.2.1/ HTTP/1.1\r\n"
		       "Host: 192.0.2.2\r\n\r\n" },
	};
	struct http_request request;

	(void)state;
	assert_refused(refused, COUNT(refused));
	request = request_of("GET HTTP://A.org:80/x?y HTTP/1.1\r\n" HOST);
	assert_true(request.absolute && !request.absolute_https);
	assert_text(request.path, "/x?y");
	request = request_of("GET https://a.org HTTP/1.1\r\n"
			     "Host: a.org:443\r\n\r\n");
	assert_true(request.absolute_https);
	assert_int_equal(request.port, 443);
	assert_text(request.path, "/");
	request = request_of("OPTIONS http://a.org HTTP/1.1\r\n" HOST);
	assert_text(request.path, "*");
}

static void host_is_there_once_and_sound(void **state)
{
#define GET "GET / HTTP/1.1\r\n"
	static const struct refused refused[] = {
		{ 400, GET "\r\n" },
		{ 400, "GET / HTTP/1.0\r\n\r\n" },
		{ 400, GET "Host:\r\n\r\n" },
		{ 400, GET "Host: a.org\r\nHost: a.org\r\n\r\n" },
		{ 400, GET "Host: a.org\r\nhost: b.org\r\n\r\n" },
		{ 400, GET "Host: a.org, b.org\r\n\r\n" },
		{ 400, GET "Host: a.org,b.org\r\n\r\n" },
		{ 400, GET "Host: u@a.org\r\n\r\n" },
		{ 400, GET "Host: u:p@a.org\r\n\r\n" },
		{ 400, GET "Host: a.org/x\r\n\r\n" },
		{ 400, GET "Host: a.org?x\r\n\r\n" },
		{ 400, GET "Host: a.org#x\r\n\r\n" },
		{ 400, GET "Host: a%2eorg\r\n\r\n" },
		{ 400, GET "Host: a.org b.org\r\n\r\n" },
		{ 400, GET "Host: http://a.org\r\n\r\n" },
		{ 400, GET "Host: a.org:\r\n\r\n" },
		{ 400, GET "Host: a.org:0\r\n\r\n" },
		{ 400, GET "Host: a.org:080\r\n\r\n" },
		{ 400, GET "Host: a.org:65536\r\n\r\n" },
		{ 400, GET "Host: a.org:+80\r\n\r\n" },
		{ 400, GET "Host: a.org:80:80\r\n\r\n" },
		{ 400, GET "Host: :80\r\n\r\n" },
		{ 400, GET "Host: ::1\r\n\r\n" },
		{ 400, GET "Host: [::1\r\n\r\n" },
		{ 400, GET "Host: [::1]x\r\n\r\n" },
		{ 400, GET "Host: [::1]x:80\r\n\r\n" },
		{ 400, GET "Host: [10.0.0.1]\r\n\r\n" },
		{ 400, GET "Host: [::1%25eth0]\r\n\r\n" },
		{ 400, GET "Host: 0x7f.1\r\n\r\n" },
		{ 400, GET "Host: \xc3\xbc.org\r\n\r\n" },
	};
	struct http_request request;

	(void)state;
	assert_refused(refused, COUNT(refused));
	request = request_of(GET "Host: 192.0.2.1:81\r\n\r\n");
	assert_int_equal(request.host.len, 0);
	assert_int_equal(request.port, 81);
	request = request_of(GET "Host: [2001:db8::1]\r\n\r\n");
	assert_int_equal(request.host.len, 0);
	assert_text(request.authority, "[2001:db8::1]");
}

static void lines_and_fields_have_one_form(void **state)
{
	static const struct refused refused[] = {
		{ 400, GET "Host: a.org\r\n" },
		{ 400, GET "Host: a.org\n\r\n" },
		{ 400, GET "Host: a.org\r\n\n" },
		{ 400, GET "Host: a.org\r\nA: b\rc\r\n\r\n" },
		{ 400, GET "Host: a.org\r\nA: b\n c\r\n\r\n" },
		{ 400, GET "Host: a.org\r\n folded: b\r\n\r\n" },
		{ 400, GET "Host: a.org\r\nA: b\r\n\tc\r\n\r\n" },
		{ 400, GET "Host : a.org\r\n\r\n" },
		{ 400, GET "Host: a.org\r\nA\t: b\r\n\r\n" },
		{ 400, GET "Host: a.org\r\nA b: c\r\n\r\n" },
		{ 400, GET "Host: a.org\r\n: c\r\n\r\n" },
		{ 400, GET "Host: a.org\r\nno colon\r\n\r\n" },
		{ 400, GET "Host: a.org\r\nA(b): c\r\n\r\n" },
		{ 400, GET "Host: a.org\r\n\xc3\xbc: c\r\n\r\n" },
		{ 400, GET "Host: a.org\r\nA: \x1f\r\n\r\n" },
		{ 400, GET "Host: a.org\r\nA: \x7f\r\n\r\n" },
		{ 400, GET "Host: a.org\r\n\r\nA: b\r\n\r\n" },
	};
	static const char nul[] = GET "Host: a.org\r\nA: b\0c\r\n\r\n";

	(void)state;
	assert_refused(refused, COUNT(refused));
	assert_int_equal(request_status(nul, sizeof(nul) - 1), 400);
}

static void fields_have_a_greatest_number(void **state)
{
	char head[HTTP_FIELDS_MAX * 8] = GET "Host: a.org\r\n";
	size_t len = strlen(head);

	(void)state;
	for (unsigned i = 1; i < HTTP_FIELDS_MAX; i++, len += 6)
		memcpy(head + len, "A: b\r\n", 7);
	memcpy(head + len, "\r\n", 3);
	assert_int_equal(request_of(head).n_fields, HTTP_FIELDS_MAX - 1);
	memcpy(head + len, "A: b\r\n\r\n", 9);
	assert_int_equal(request_status(head, len + 8), 431);
}

static void a_request_has_one_length(void **state)
{
#define POST "POST / HTTP/1.1\r\nHost: a.org\r\n"
	static const struct refused refused[] = {
		{ 400, POST "Content-Length:\r\n\r\n" },
		{ 400, POST "Content-Length: +1\r\n\r\n" },
		{ 400, POST "Content-Length: -1\r\n\r\n" },
		{ 400, POST "Content-Length: 0x1\r\n\r\n" },
		{ 400, POST "Content-Length: 1_0\r\n\r\n" },
		{ 400, POST "Content-Length: 1 0\r\n\r\n" },
		{ 400, POST "Content-Length: 01\r\n\r\n" },
		{ 400, POST "Content-Length: 00\r\n\r\n" },
		{ 400, POST "Content-Length: 1, 1\r\n\r\n" },
		{ 400, POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n" },
		{ 400, POST "Content-Length: 1\r\ncontent-length: 2\r\n\r\n" },
		{ 400, POST "Content-Length: 10000000000000000000\r\n\r\n" },
		{ 400, POST "Content-Length: 1\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: chunked\r\n"
			    "Content-Length: 0\r\n\r\n" },
		{ 400, POST "Transfer-Encoding:\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: identity\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: gzip, chunked\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: chunked, identity\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: chunked;a=b\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: xchunked\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: \"chunked\"\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: \x0b"
			    "chunked\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: chunked\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n" },
		{ 400, "POST / HTTP/1.0\r\nHost: a.org\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n" },
	};
	struct http_request request;

	(void)state;
	assert_refused(refused, COUNT(refused));
	request = request_of(POST "\r\n");
	assert_int_equal(request.framing, HTTP_NO_BODY);
	request =
		request_of(POST "Content-Length: 9999999999999999999\r\n\r\n");
	assert_int_equal(request.content_length, 9999999999999999999u);
	request = request_of(POST "Transfer-Encoding: CHUNKED\r\n\r\n");
	assert_int_equal(request.framing, HTTP_CHUNKED);
}

static void what_concerns_one_hop_ends_here(void **state)
{
	(void)state;
	assert_written(GET "Host: a.org\r\nConnection: x-a, TE ,,x-b\r\n"
			   "X-A: 1\r\nX-C: 3\r\nx-b: 2\r\nx-B: 2\r\n"
			   "Keep-Alive: 5\r\nProxy-Connection: close\r\n"
			   "Proxy-Authorization: x\r\nProxy-Odd: x\r\n"
			   "TE: trailers\r\nTrailer: X\r\nD: 4\r\n\r\n",
		       GET "Host: a.org\r\nX-C: 3\r\nD: 4\r\n"
			   "TE: trailers\r\nConnection: TE\r\n\r\n");
	assert_written(GET "Host: a.org\r\nTE: gzip\r\nTrailer: X\r\n\r\n",
		       GET "Host: a.org\r\n\r\n");
	assert_false(request_of(GET "Connection: Close\r\n" HOST).keep_alive);
	assert_false(request_of("GET / HTTP/1.0\r\n" HOST).keep_alive);
	assert_true(
		request_of("GET / HTTP/1.0\r\nConnection: keep-alive\r\n" HOST)
			.keep_alive);
	assert_false(request_of("GET / HTTP/1.0\r\nConnection: keep-alive\r\n"
				"Connection: close\r\n" HOST)
			     .keep_alive);
}

static void connection_cannot_take_what_is_judged_by(void **state)
{
	static const struct refused refused[] = {
		{ 400, GET "Connection: host\r\n" HOST },
		{ 400, GET "Connection: close, Content-Length\r\n" HOST },
		{ 400, GET "Connection: content-type\r\n" HOST },
		{ 400, GET "Connection: Transfer-Encoding\r\n" HOST },
		{ 400,
		  GET "Connection: a\r\nConnection: Authorization\r\n" HOST },
		{ 400, GET "Connection: cookie\r\n" HOST },
		{ 400, GET "Connection: a b\r\n" HOST },
		{ 400, GET "Connection: \"close\"\r\n" HOST },
		{ 400, GET "Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,"
			   "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\r\n" HOST },
	};

	(void)state;
	assert_refused(refused, COUNT(refused));
}

static void expect_is_100_continue(void **state)
{
	static const struct refused refused[] = {
		{ 417, POST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n" },
		{ 417, POST "Expect: 100-continue, x\r\n\r\n" },
		{ 417, POST "Expect: 100-continue\r\nExpect:\r\n\r\n" },
	};

	(void)state;
	assert_refused(refused, COUNT(refused));
	assert_false(request_of(POST "Expect: 100-continue\r\n\r\n")
			     .expects_continue);
	assert_false(request_of("POST / HTTP/1.0\r\nExpect: 100-continue\r\n"
				"Content-Length: 1\r\n" HOST)
			     .expects_continue);
}

static void of_upgrades_websocket_alone_remains(void **state)
{
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
	static const char *const others[] = {
		GET "Upgrade: websocket\r\n" KEY V13 HOST,
		GET "Connection: upgrade\r\n" KEY V13 HOST,
		GET UPGRADE KEY HOST,
		GET UPGRADE V13 HOST,
		GET UPGRADE KEY V13 V13 HOST,
		GET UPGRADE KEY KEY V13 HOST,
		GET UPGRADE KEY "Sec-WebSocket-Version: 8\r\n" HOST,
		GET UPGRADE V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n" HOST,
		GET UPGRADE V13
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n" HOST,
		GET UPGRADE "Upgrade: h2c\r\n" KEY V13 HOST,
		GET "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n" KEY V13
			HOST,
		GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
		    "HTTP2-Settings: AAMAAABkAAQAAP__\r\n" HOST,
		"POST / HTTP/1.1\r\n" UPGRADE KEY V13 HOST,
		"get / HTTP/1.1\r\n" UPGRADE KEY V13 HOST,
		"GET / HTTP/1.0\r\n" UPGRADE KEY V13 HOST,
		GET UPGRADE KEY V13 "Content-Length: 1\r\n" HOST,
		GET UPGRADE KEY V13 "Transfer-Encoding: chunked\r\n" HOST,
		GET UPGRADE "Connection: Sec-WebSocket-Key\r\n" KEY V13 HOST,
	};
	char bytes[512];

	(void)state;
	assert_true(request_of(GET UPGRADE KEY V13 HOST).wants_websocket);
	assert_written(GET UPGRADE KEY V13 HOST,
		       GET "Host: a.org\r\n" KEY V13
			   "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	assert_written(GET UPGRADE KEY V13 "Content-Length: 0\r\n" HOST,
		       GET "Host: a.org\r\n" KEY V13
			   "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	for (size_t i = 0; i < COUNT(others); i++) {
		struct http_request request = request_of(others[i]);
		size_t len =
			http1_request_write(&request, bytes, sizeof(bytes) - 1);

		assert_true(len > 0);
		bytes[len] = '\0';
		assert_false(request.wants_websocket);
		assert_null(strcasestr(bytes, "upgrade"));
		assert_null(strcasestr(bytes, "h2c"));
		assert_null(strcasestr(bytes, "HTTP2-Settings"));
	}
}

static void a_field_has_a_value_if_it_is_the_only_one(void **state)
{
	struct http_request request =
		request_of(GET "A: 1\r\nB: 2\r\nb: 3\r\nC:\r\n" HOST);

	(void)state;
	assert_text(http_field_value(request.fields, request.n_fields, "a"),
		    "1");
	assert_text(http_field_value(request.fields, request.n_fields, "B"),
		    "(none)");
	assert_text(http_field_value(request.fields, request.n_fields, "C"),
		    "");
	assert_text(http_field_value(request.fields, request.n_fields, "D"),
		    "(none)");
}

/* --- responses --- */

static void a_response_is_read(void **state)
{
	struct http_response response = response_of(
		"HTTP/1.1 200 All is  well\r\nSet-Cookie: a\r\n"
		"Content-Length: 5\r\nAlt-Svc: h3=\":443\"\r\n"
		"Public-Key-Pins: x\r\nSet-Cookie: b\r\n"
		"Strict-Transport-Security: max-age=1\r\n"
		"Connection: x\r\nX: y\r\nContent-Length: 5\r\n\r\n");

	(void)state;
	assert_int_equal(response.status, 200);
	assert_text(response.reason, "All is  well");
	assert_int_equal(response.framing, HTTP_LENGTH);
	assert_int_equal(response.content_length, 5);
	assert_true(response.keep_alive);
	assert_int_equal(response.n_fields, 3);
	assert_text(response.fields[0].value, "a");
	assert_text(response.fields[1].value, "b");
	assert_text(response.fields[2].value, "max-age=1");
	assert_int_equal(response_of("HTTP/1.1 204\r\n\r\n").status, 204);
	assert_int_equal(response_of("HTTP/1.1 299 \r\n\r\n").status, 299);
}

static void an_unsound_response_is_refused(void **state)
{
	static const char *const refused[] = {
		"",
		"\r\n\r\n",
		"HTTP/1.1\r\n\r\n",
		"HTTP/1.1 99 x\r\n\r\n",
		"HTTP/1.1 099 x\r\n\r\n",
		"HTTP/1.1 600 x\r\n\r\n",
		"HTTP/1.1 1000 x\r\n\r\n",
		"HTTP/1.1  200 x\r\n\r\n",
		"HTTP/1.1 +20 x\r\n\r\n",
		"HTTP/1.1 20x x\r\n\r\n",
		"HTTP/1.1 200 \x01\r\n\r\n",
		"HTTP/1.1 200 x\n\r\n",
		"HTTP/1.1 200 x\r\ny\r\n\r\n",
		"HTTP/2.0 200 x\r\n\r\n",
		"HTTP/1.2 200 x\r\n\r\n",
		"http/1.1 200 x\r\n\r\n",
		"ICY 200 OK\r\n\r\n",
		"HTTP/1.1 200 x\r\nA : b\r\n\r\n",
		"HTTP/1.1 200 x\r\n A: b\r\n\r\n",
		"HTTP/1.1 200 x\r\nContent-Length: 1, 1\r\n\r\n",
		("HTTP/1.1 200 x\r\nContent-Length: 1\r\n"
		 "Content-Length: 2\r\n\r\n"),
		("HTTP/1.1 200 x\r\nContent-Length: 1\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n"),
		"HTTP/1.1 200 x\r\nTransfer-Encoding: gzip\r\n\r\n",
		("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n"),
		"HTTP/1.0 200 x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 204 x\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 100 x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 103 x\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 x\r\nConnection: Set-Cookie\r\n\r\n",
		"HTTP/1.1 101 x\r\n\r\n",
		"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
		("HTTP/1.1 101 x\r\nConnection: upgrade\r\n"
		 "Upgrade: websocket\r\n\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		if (!response_is_refused(refused[i], strlen(refused[i])))
			fail_msg("'%s' was taken", refused[i]);
}

static void where_a_body_ends_is_what_rfc_9112_says(void **state)
{
#define OK "HTTP/1.1 200 OK\r\n"
#define CL5 "Content-Length: 5\r\n\r\n"
#define TE "Transfer-Encoding: chunked\r\n\r\n"
	static const struct {
		const char *head;
		enum http_framing framing;
		bool to_head, has_length;
	} bodies[] = {
		{ OK CL5, HTTP_LENGTH, false, true },
		{ OK CL5, HTTP_NO_BODY, true, true },
		{ OK TE, HTTP_CHUNKED, false, false },
		{ OK TE, HTTP_NO_BODY, true, false },
		{ OK "\r\n", HTTP_UNTIL_CLOSE, false, false },
		{ OK "\r\n", HTTP_NO_BODY, true, false },
		{ "HTTP/1.1 304 x\r\n" CL5, HTTP_NO_BODY, false, true },
		{ "HTTP/1.1 304 x\r\n" TE, HTTP_NO_BODY, false, false },
		{ "HTTP/1.1 204 x\r\n\r\n", HTTP_NO_BODY, false, false },
		{ "HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n", HTTP_NO_BODY,
		  false, false },
		{ "HTTP/1.1 100 x\r\n\r\n", HTTP_NO_BODY, false, false },
		{ "HTTP/1.1 205 x\r\n" CL5, HTTP_LENGTH, false, true },
		{ "HTTP/1.0 200 x\r\n\r\n", HTTP_UNTIL_CLOSE, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct http_response response =
			response_to(bodies[i].head, bodies[i].to_head);

		assert_int_equal(response.framing, bodies[i].framing);
		assert_int_equal(response.has_content_length,
				 bodies[i].has_length);
	}
	assert_false(response_of(OK "\r\n").keep_alive);
	assert_false(response_of(OK "Connection: close\r\n" CL5).keep_alive);
	assert_false(response_of("HTTP/1.0 200 x\r\n" CL5).keep_alive);
	assert_true(
		response_of("HTTP/1.0 200 x\r\nConnection: keep-alive\r\n" CL5)
			.keep_alive);
}

static void a_response_is_written_for_the_agents_version(void **state)
{
#define CLOSE "Connection: close\r\n"
	static const struct {
		const char *head, *written;
		enum http_framing framing;
		bool to_head, http10, keep_alive, keeps_alive;
	} rows[] = {
		{ OK "A:b\r\n" CL5, OK "A: b\r\n" CL5, HTTP_LENGTH, false,
		  false, true, true },
		{ OK CL5, OK "Content-Length: 5\r\n" CLOSE "\r\n", HTTP_LENGTH,
		  false, false, false, false },
		{ OK CL5,
		  OK "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n",
		  HTTP_LENGTH, false, true, true, true },
		{ OK CL5, OK CL5, HTTP_NO_BODY, true, false, true, true },
		{ OK TE, OK TE, HTTP_CHUNKED, false, false, true, true },
		{ OK TE, OK CLOSE "\r\n", HTTP_UNTIL_CLOSE, false, true, true,
		  false },
		{ OK "\r\n", OK TE, HTTP_CHUNKED, false, false, true, true },
		{ OK "\r\n", OK CLOSE "\r\n", HTTP_UNTIL_CLOSE, false, true,
		  true, false },
		{ "HTTP/1.0 404\r\n\r\n",
		  "HTTP/1.1 404 \r\nTransfer-Encoding: chunked\r\n" CLOSE
		  "\r\n",
		  HTTP_CHUNKED, false, false, false, false },
		{ "HTTP/1.1 304 x\r\n" CL5, "HTTP/1.1 304 x\r\n" CL5,
		  HTTP_NO_BODY, false, false, true, true },
		{ "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n",
		  "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n", HTTP_NO_BODY, false,
		  false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http_response response =
			response_to(rows[i].head, rows[i].to_head);
		enum http_framing framing = HTTP_NO_BODY;
		bool keep_alive = rows[i].keep_alive;
		char bytes[256];
		size_t len = http1_response_write(&response, rows[i].http10,
						  bytes, sizeof(bytes),
						  &framing, &keep_alive);

		assert_true(len > 0);
		bytes[len] = '\0';
		assert_string_equal(bytes, rows[i].written);
		assert_int_equal(framing, rows[i].framing);
		assert_int_equal(keep_alive, rows[i].keeps_alive);
		bytes[len - 1] = '#';
		assert_int_equal(http1_response_write(&response, rows[i].http10,
						      bytes, len - 1, &framing,
						      &keep_alive),
				 0);
		assert_int_equal(bytes[len - 1], '#');
	}
}

/* Or "Connection: close" would name an origin's field, and so remove it. */
static void a_field_of_the_name_close_ends_here(void **state)
{
	static const char head[] = OK "Close: x\r\n" CL5;

	(void)state;
	assert_int_equal(response_of(head).n_fields, 0);
}

static void a_websocket_is_answered_as_one(void **state)
{
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SWITCH "HTTP/1.1 101 Switching Protocols\r\n"
	static const char head[] = SWITCH
		"upgrade: WebSocket\r\nconnection: upgrade\r\n" ACCEPT "\r\n";
	struct http_response response = response_of(head);
	enum http_framing framing = HTTP_LENGTH;
	bool keep_alive = true;
	char bytes[256];
	size_t len = http1_response_write(&response, false, bytes,
					  sizeof(bytes), &framing, &keep_alive);

	(void)state;
	assert_true(response.is_websocket);
	assert_text(response.websocket_accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	bytes[len] = '\0';
	assert_string_equal(bytes, SWITCH ACCEPT "Connection: Upgrade\r\n"
						 "Upgrade: websocket\r\n\r\n");
	assert_int_equal(framing, HTTP_NO_BODY);
}

/* --- bodies --- */

/* Reads all of @bytes in pieces; the payload goes to @payload. */
static enum http1_result read_body(struct http1_body *body, const char *bytes,
				   size_t len, size_t piece, char *payload,
				   size_t *used)
{
	enum http1_result result = HTTP1_MORE;
	size_t at = 0, end = 0;

	while (result == HTTP1_MORE && at + body->held < len) {
		struct http_text data;
		size_t took;

		end = at + body->held + piece;
		end = end < len ? end : len;
		result = http1_body_read(body, bytes + at, end - at, &took,
					 &data);
		assert_true(took > 0 || result != HTTP1_MORE ||
			    body->held == end - at);
		assert_true(took <= end - at);
		memcpy(payload, data.at, data.len);
		payload += data.len;
		at += took;
	}
	*payload = '\0';
	*used = at;
	return result;
}

static void a_chunked_body_is_read_however_it_comes(void **state)
{
	static const char bytes[] =
		"5;a=\"b\" ;c\r\nhello\r\n0000000000000001\r\n \r\n"
		"A\r\n\r\nworld\r\n!\r\n000\r\nTrailer: x\r\nEmpty:\r\n\r\nGET";
	char payload[sizeof(bytes)];

	(void)state;
	for (size_t piece = 1; piece < sizeof(bytes); piece++) {
		struct http1_body body;
		size_t used;

		http1_body_init(&body, HTTP_CHUNKED, 0);
		assert_int_equal(read_body(&body, bytes, sizeof(bytes) - 1,
					   piece, payload, &used),
				 HTTP1_DONE);
		assert_string_equal(payload, "hello \r\nworld\r\n!");
		assert_int_equal(used, sizeof(bytes) - 4);
		assert_int_equal(read_body(&body, "x", 1, 1, payload, &used),
				 HTTP1_DONE);
		assert_int_equal(used, 0);
	}
}

static void an_unsound_chunk_is_refused(void **state)
{
	static const char *const refused[] = {
		"\r\n",
		";a\r\n",
		" 1\r\n",
		"1 \r\n",
		"1 ;a\r\n",
		"\t1\r\n",
		"+1\r\n",
		"-1\r\n",
		"0x1\r\n",
		"1_0\r\n",
		"g\r\n",
		"1\n",
		"1\r1",
		"1;a\n",
		"1;\x01",
		"1;a\r\r",
		"00000000000000001\r\n",
		"11111111111111111\r\n",
		"1\r\nab",
		"1\r\na\n",
		"1\r\na\r\r",
		"1\r\na\r\n\r\n",
		"0\r\n\n",
		"0\r\n\r\r",
		"0\r\n a: b\r\n",
		"0\r\na b\r\n",
		"0\r\na : b\r\n",
		"0\r\na\r\n",
		"0\r\n:\r\n",
		"0\r\na: \x01",
		"0\r\na: b\n",
		"0\r\na: b\r\n c",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		for (size_t piece = 1; piece < 8; piece++) {
			struct http1_body body;
			char payload[32];
			size_t used;

			http1_body_init(&body, HTTP_CHUNKED, 0);
			if (read_body(&body, refused[i], strlen(refused[i]),
				      piece, payload, &used) != HTTP1_BAD)
				fail_msg("'%s' was taken", refused[i]);
			assert_int_equal(read_body(&body, "0\r\n\r\n", 5, 5,
						   payload, &used),
					 HTTP1_BAD);
		}
}

static void lines_of_a_chunked_body_have_bounds(void **state)
{
	static const struct {
		const char *start;
		size_t max;
		enum http1_result at_max;
	} rows[] = {
		{ "1;", HTTP1_CHUNK_LINE_MAX, HTTP1_MORE },
		{ "0\r\na:", HTTP1_TRAILERS_MAX + 3, HTTP1_DONE },
	};
	static char bytes[HTTP1_TRAILERS_MAX + 16];
	static char payload[sizeof(bytes)];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t len = rows[i].max; len <= rows[i].max + 1; len++) {
			struct http1_body body;
			size_t used;

			memset(bytes, 'a', sizeof(bytes));
			put(bytes, rows[i].start);
			put(bytes + len - 4, i ? "\r\n\r\n" : "aa\r\n");
			http1_body_init(&body, HTTP_CHUNKED, 0);
			assert_int_equal(read_body(&body, bytes, len, len,
						   payload, &used),
					 len == rows[i].max ? rows[i].at_max
							    : HTTP1_BAD);
		}
}

static void the_greatest_chunk_is_counted_in_full(void **state)
{
	struct http1_body body;
	char payload[32];
	size_t used;

	(void)state;
	http1_body_init(&body, HTTP_CHUNKED, 0);
	assert_int_equal(read_body(&body, "fFfFffffffffffff\r\nabc", 21, 21,
				   payload, &used),
			 HTTP1_MORE);
	assert_string_equal(payload, "abc");
	assert_true(body.left == UINT64_MAX - 3);
}

static void other_bodies_end_by_count_or_not_at_all(void **state)
{
	struct http1_body body;
	char payload[32];
	size_t used;

	(void)state;
	for (size_t piece = 1; piece < 8; piece++) {
		http1_body_init(&body, HTTP_LENGTH, 5);
		assert_int_equal(read_body(&body, "helloGET", 8, piece, payload,
					   &used),
				 HTTP1_DONE);
		assert_string_equal(payload, "hello");
		assert_int_equal(used, 5);
		http1_body_init(&body, HTTP_UNTIL_CLOSE, 0);
		assert_int_equal(read_body(&body, "helloGET", 8, piece, payload,
					   &used),
				 HTTP1_MORE);
		assert_string_equal(payload, "helloGET");
	}
	http1_body_init(&body, HTTP_LENGTH, 0);
	assert_true(body.done);
	http1_body_init(&body, HTTP_NO_BODY, 5);
	assert_true(body.done);
	http1_body_init(&body, HTTP_CHUNKED, 0);
	assert_int_equal(http1_body_read(&body, NULL, 0, &used,
					 &(struct http_text){ 0 }),
			 HTTP1_MORE);
}

static void a_body_is_written_as_announced(void **state)
{
	const struct http_text data = { "hello, world, hello", 19 };
	char bytes[19 + HTTP1_BODY_OVERHEAD];

	(void)state;
	assert_int_equal(http1_body_write(HTTP_CHUNKED, data, bytes), 25);
	assert_memory_equal(bytes, "13\r\nhello, world, hello\r\n", 25);
	assert_int_equal(http1_body_write(HTTP_LENGTH, data, bytes), 19);
	assert_memory_equal(bytes, data.at, 19);
	assert_int_equal(http1_body_write(HTTP_UNTIL_CLOSE, data, bytes), 19);
}

/* What is written of the trailers @section, where @declared was announced. */
static const char *end_of(const char *section, const char *declared)
{
	static char bytes[HTTP1_END_MAX(256)];
	size_t len;

	assert_true(strlen(section) <= 256);
	if (!http1_end_write(HTTP_CHUNKED,
			     (struct http_text){ section, strlen(section) },
			     (struct http_text){ declared, strlen(declared) },
			     bytes, &len))
		return NULL;
	bytes[len] = '\0';
	return bytes;
}

static void trailers_that_were_announced_pass(void **state)
{
	(void)state;
	assert_string_equal(end_of("\r\n", ""), "0\r\n\r\n");
	assert_string_equal(end_of("X-Sum:5\r\nOther: 6\r\n\r\n", "a, x-sum"),
			    "0\r\nX-Sum: 5\r\n\r\n");
	assert_string_equal(end_of("a: 1\r\nA: 2\r\n\r\n", "A"),
			    "0\r\na: 1\r\nA: 2\r\n\r\n");
	assert_null(end_of("a : 1\r\n\r\n", "a"));
	assert_null(end_of("a: 1\r\n", "a"));
}

static void what_belongs_into_the_head_does_not_trail(void **state)
{
	static const char *const names[] = {
		"Host",
		"Content-Length",
		"Transfer-Encoding",
		"Connection",
		"Authorization",
		"Cookie",
		"Set-Cookie",
		"Content-Type",
		"Trailer",
		"Proxy-Connection",
		"If-Match",
		"Expect",
		"Upgrade",
		"Alt-Svc",
		"Location",
		"X-Forwarded-For",
		"Sec-WebSocket-Key",
		"TE",
	};
	char section[64];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		(void)snprintf(section, sizeof(section), "%s: 1\r\n\r\n",
			       names[i]);
		assert_string_equal(end_of(section, names[i]), "0\r\n\r\n");
	}
}

static void a_body_that_is_not_chunked_has_no_end(void **state)
{
	static const enum http_framing framings[] = { HTTP_LENGTH,
						      HTTP_UNTIL_CLOSE,
						      HTTP_NO_BODY };
	char bytes[HTTP1_END_MAX(8)];
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(framings); i++) {
		assert_true(http1_end_write(
			framings[i], (struct http_text){ "a: 1\r\n\r\n", 8 },
			(struct http_text){ "a", 1 }, bytes, &len));
		assert_int_equal(len, 0);
	}
}

static void trailers_are_taken_whole(void **state)
{
	static const char bytes[] = "1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\nGET";
	struct http1_body body;
	struct http_text data;
	size_t used, at = 0;

	(void)state;
	http1_body_init(&body, HTTP_CHUNKED, 0);
	for (size_t end = 1; end < sizeof(bytes) && !body.done; end++) {
		assert_int_not_equal(http1_body_read(&body, bytes + at,
						     end - at, &used, &data),
				     HTTP1_BAD);
		at += used;
	}
	assert_true(body.done);
	assert_string_equal(bytes + at, "GET");
	assert_int_equal(body.trailers.len, 12);
	assert_memory_equal(body.trailers.at, "A: b\r\nC:\r\n\r\n", 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_found_however_it_comes),
		cmocka_unit_test(what_can_be_no_head_is_known_early),
		cmocka_unit_test(a_head_has_a_longest),
		cmocka_unit_test(a_request_is_read),
		cmocka_unit_test(a_request_is_written_anew),
		cmocka_unit_test(the_first_line_has_one_form),
		cmocka_unit_test(an_absolute_target_agrees_with_host),
		cmocka_unit_test(host_is_there_once_and_sound),
		cmocka_unit_test(lines_and_fields_have_one_form),
		cmocka_unit_test(fields_have_a_greatest_number),
		cmocka_unit_test(a_request_has_one_length),
		cmocka_unit_test(what_concerns_one_hop_ends_here),
		cmocka_unit_test(connection_cannot_take_what_is_judged_by),
		cmocka_unit_test(expect_is_100_continue),
		cmocka_unit_test(of_upgrades_websocket_alone_remains),
		cmocka_unit_test(a_field_has_a_value_if_it_is_the_only_one),
		cmocka_unit_test(a_response_is_read),
		cmocka_unit_test(an_unsound_response_is_refused),
		cmocka_unit_test(where_a_body_ends_is_what_rfc_9112_says),
		cmocka_unit_test(a_response_is_written_for_the_agents_version),
		cmocka_unit_test(a_field_of_the_name_close_ends_here),
		cmocka_unit_test(a_websocket_is_answered_as_one),
		cmocka_unit_test(a_chunked_body_is_read_however_it_comes),
		cmocka_unit_test(an_unsound_chunk_is_refused),
		cmocka_unit_test(lines_of_a_chunked_body_have_bounds),
		cmocka_unit_test(the_greatest_chunk_is_counted_in_full),
		cmocka_unit_test(other_bodies_end_by_count_or_not_at_all),
		cmocka_unit_test(a_body_is_written_as_announced),
		cmocka_unit_test(trailers_that_were_announced_pass),
		cmocka_unit_test(what_belongs_into_the_head_does_not_trail),
		cmocka_unit_test(a_body_that_is_not_chunked_has_no_end),
		cmocka_unit_test(trailers_are_taken_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
