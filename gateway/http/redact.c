#include "redact.h"

#include "buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#define NEEDLES_MAX 3

struct needle {
	char text[CREDENTIAL_MAX];
	size_t len;
};

struct redact {
	struct needle
		needles[NEEDLES_MAX]; /* one that holds another is first */
	size_t n;
	size_t passed, held; /* of @bytes: gone, and waiting behind that */
	char bytes[CREDENTIAL_MAX + BUFFER_CAP];
};

static void add(struct redact *redact, const char *text, size_t len)
{
	struct needle *needle = &redact->needles[redact->n];

	if (len < SECRET_VALUE_MIN)
		return;
	memcpy(needle->text, text, len);
	needle->len = len;
	redact->n++;
}

struct redact *redact_new(const struct credential *credential,
			  const struct route *route,
			  const struct secrets *secrets)
{
	struct redact *redact = calloc(1, sizeof(*redact));
	const char *sent = strchr(credential->text, ' ') + 1;
	struct secret secret;
	const char *colon;

	if (!redact)
		return NULL;
	add(redact, sent, credential->len - (size_t)(sent - credential->text));
	if (route->auth != ROUTE_AUTH_BASIC ||
	    !secrets_find(secrets, route->token_ref, &secret))
		return redact;
	add(redact, secret.value, secret.len);
	colon = memchr(secret.value, ':', secret.len);
	if (colon)
		add(redact, colon + 1,
		    secret.len - (size_t)(colon + 1 - secret.value));
	return redact;
}

void redact_free(struct redact *redact)
{
	if (!redact)
		return;
	OPENSSL_cleanse(redact, sizeof(*redact));
	free(redact);
}

void redact_head(const struct redact *redact, char *bytes, size_t len)
{
	for (size_t i = 0; i < redact->n; i++) {
		const struct needle *needle = &redact->needles[i];
		char *at = bytes;

		while ((at = memmem(at, len - (size_t)(at - bytes),
				    needle->text, needle->len)))
			memset(at, '*', needle->len);
	}
}

/* How many of the last bytes could be the beginning of a needle. */
static size_t undecided(const struct redact *redact, size_t len)
{
	const char *end = redact->bytes + len;
	size_t most = 0;

	for (size_t i = 0; i < redact->n; i++) {
		const struct needle *needle = &redact->needles[i];
		size_t n = needle->len - 1 < len ? needle->len - 1 : len;

		while (n > most && memcmp(end - n, needle->text, n) != 0)
			n--;
		if (n > most)
			most = n;
	}
	return most;
}

struct http_text redact_run(struct redact *redact, struct http_text data,
			    bool last)
{
	size_t len = redact->held + data.len;

	assert(data.len <= BUFFER_CAP);
	memmove(redact->bytes, redact->bytes + redact->passed, redact->held);
	if (data.len > 0)
		memcpy(redact->bytes + redact->held, data.at, data.len);
	redact_head(redact, redact->bytes, len);
	redact->held = last ? 0 : undecided(redact, len);
	redact->passed = len - redact->held;
	return (struct http_text){ redact->bytes, redact->passed };
}
