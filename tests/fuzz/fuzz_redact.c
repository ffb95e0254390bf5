#include "buffer.h"
#include "cursor.h"
#include "http/redact.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Few letters and repetitions, so that parts of it are often met. */
static const char lines[] = "S=abab:abaabab\n";
static const char secret[] = "abab:abaabab";

static struct redact *make(enum route_auth auth)
{
	struct route route = { .auth = auth, .token_ref = "S" };
	struct credential credential;
	struct redact *redact = NULL;
	const char *why;
	unsigned line;
	struct secrets *secrets =
		secrets_parse(lines, sizeof(lines) - 1, &line, &why);

	if (!secrets || !credential_make(&credential, &route, secrets))
		abort();
	redact = redact_new(&credential, &route, secrets);
	if (!redact)
		abort();
	credential_done(&credential);
	secrets_free(secrets);
	return redact;
}

/*
 * However a body comes in pieces: what goes on is as long as what came, has
 * no secret in it, and differs only in asterisks, where the secret was.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cursor c = cursor_over(data, len);
	struct redact *redact =
		make(cursor_u8(&c) & 1 ? ROUTE_AUTH_BASIC : ROUTE_AUTH_BEARER);
	char came[TEXT_MAX], went[TEXT_MAX];
	size_t n_came = 0, n_went = 0;
	bool last = false, stars = false;

	while (!last) {
		size_t n = cursor_u8(&c) % 32;
		const char *bytes = came + n_came;
		struct http_text text;

		if (n > cursor_left(&c))
			n = cursor_left(&c);
		last = n_came + n + 64 > TEXT_MAX || cursor_left(&c) <= n;
		for (size_t i = 0; i < n; i++) {
			uint8_t byte = cursor_u8(&c);

			came[n_came++] = "ab:x"[byte % 4];
		}
		/* Now and then all of it, or all but its end. */
		if (n % 8 == 1) {
			memcpy(came + n_came, secret,
			       sizeof(secret) - 1 - n % 16 / 8);
			n_came += sizeof(secret) - 1 - n % 16 / 8;
		}
		text = redact_run(
			redact,
			(struct http_text){ bytes,
					    (size_t)(came + n_came - bytes) },
			last);
		memcpy(went + n_went, text.at, text.len);
		n_went += text.len;
		if (n_went > n_came)
			abort();
	}
	redact_free(redact);
	if (n_went != n_came ||
	    memmem(went, n_went, secret, sizeof(secret) - 1))
		abort();
	for (size_t i = 0; i < n_went; i++) {
		if (went[i] != came[i] && went[i] != '*')
			abort();
		stars |= went[i] != came[i];
	}
	if (stars && !memmem(came, n_came, "abaabab", strlen("abaabab")))
		abort();
	return 0;
}
