/*
 * refusal.h - one refusal, in every protocol's words
 *
 * A refusal's id is a keyed hash of what was refused and why. The same name
 * refused for the same reason therefore has the same id in the DNS answer, in
 * the audit line of the connection that followed, and in the body of the HTTP
 * answer on it, whichever worker gave them. The key is this run's.
 */
#ifndef SLUICE_REFUSAL_H
#define SLUICE_REFUSAL_H

#include "policy.h"

#define REFUSAL_KEY_LEN 32
#define REFUSAL_ID_LEN 12
#define REFUSAL_ASKED_MAX 256
#define REFUSAL_HTTP_MAX 6144 /* bytes; what refusal_http() needs at most */
#define REFUSAL_SUMMARY_MAX 1088
#define REFUSAL_BODY_MAX 4644 /* of them */
#define REFUSAL_FIELD_MAX 64
#define REFUSAL_GRPC_MAX (3 * REFUSAL_SUMMARY_MAX)

struct refusal {
	struct domain name; /* len 0 where an address was refused */
	enum reason reason;
	unsigned line;          /* of the manifest's entry that decided, or 0 */
	struct address address; /* family 0 where a name was */
	uint16_t port;          /* 0 if it does not matter */
	char id[REFUSAL_ID_LEN + 1];
	char asked[REFUSAL_ASKED_MAX]; /* what was asked for instead of name */
	char suggestion[POLICY_SUGGESTION_MAX];
};

/*
 * @asked, of @asked_len bytes that the agent chose, is what differed from the
 * attempt's name; NULL if nothing did.
 */
void refusal_make(struct refusal *refusal, const uint8_t *key,
		  const struct attempt *attempt,
		  const struct decision *decision, const char *asked,
		  size_t asked_len);

/* The HTTP status that says it: 403, 400, 502, ... */
unsigned refusal_status(enum reason reason);

/*
 * "name_not_listed: no route admits this name: example.org (id ..., to allow
 * it: - host: example.org)": printable ASCII, for the status line, text
 * bodies, and the Extended DNS Error. Returns @text.
 */
const char *refusal_summary(const struct refusal *refusal,
			    char text[REFUSAL_SUMMARY_MAX]);

enum refusal_form {
	REFUSAL_PROBLEM_JSON, /* RFC 9457 */
	REFUSAL_PLAIN_TEXT,   /* git shows nothing else */
};

/* What its media type is, for a Content-Type. */
const char *refusal_media_type(enum refusal_form form);

/*
 * The body for people or programs, nothing for `refusals: terse`, which is
 * @explain false. @status as in refusal_http(), but not 0. Returns its length.
 */
size_t refusal_body(const struct refusal *refusal, unsigned status,
		    enum refusal_form form, bool explain,
		    char bytes[REFUSAL_BODY_MAX]);

/* "zt7s305creg3; reason=name_not_listed", the field Sluice-Refusal. */
const char *refusal_field(const struct refusal *refusal,
			  char text[REFUSAL_FIELD_MAX]);

/* gRPC's status for an HTTP one, and its message, percent-encoded. */
unsigned refusal_grpc_status(unsigned status);
const char *refusal_grpc_message(const struct refusal *refusal, bool explain,
				 char text[REFUSAL_GRPC_MAX]);

/*
 * The whole HTTP/1.1 response, "Connection: close". @status, if not 0, stands
 * in for refusal_status(). @explain is false for `refusals: terse`: status
 * line, id and no body. Returns its length; it always fits.
 */
size_t refusal_http(const struct refusal *refusal, unsigned status,
		    enum refusal_form form, bool explain, bool with_body,
		    char bytes[REFUSAL_HTTP_MAX]);

#endif
