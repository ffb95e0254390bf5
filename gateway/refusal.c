#include "refusal.h"

#include "json.h"
#include "log.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What, besides the reason, makes two refusals the same one. */
static bool port_matters(enum reason reason)
{
	return reason != REASON_NAME_NOT_LISTED &&
	       reason != REASON_DNS_TUNNEL_SUSPECT &&
	       reason != REASON_NAME_DENIED && reason != REASON_ADDRESS_PRIVATE;
}

/* Crockford's alphabet in lower case: no i, l, o, u to misread. */
static void id_from_hash(char id[REFUSAL_ID_LEN + 1], const uint8_t *hash)
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

	for (int i = 0; i < REFUSAL_ID_LEN; i++)
		id[i] = digits[hash[i] & 31];
	id[REFUSAL_ID_LEN] = '\0';
}

void refusal_make(struct refusal *refusal, const uint8_t *key,
		  const struct attempt *attempt,
		  const struct decision *decision, const char *asked,
		  size_t asked_len)
{
	char subject[DOMAIN_MAX + REFUSAL_ASKED_MAX + ADDRESS_TEXT_MAX + 64];
	char text[ADDRESS_TEXT_MAX] = "";
	uint8_t hash[EVP_MAX_MD_SIZE] = { 0 };
	unsigned hash_len = 0;
	int n;

	*refusal = (struct refusal){ .reason = decision->reason,
				     .port = attempt->port };
	if (decision->route)
		refusal->line = decision->route->line;
	if (attempt->name)
		refusal->name = *attempt->name;
	if (attempt->address) {
		refusal->address = *attempt->address;
		address_format(attempt->address, text);
	}
	if (asked)
		log_quote(refusal->asked, sizeof(refusal->asked), asked,
			  asked_len);
	policy_suggest(attempt, decision->reason, refusal->suggestion);

	n = snprintf(subject, sizeof(subject), "%s|%s|%s|%u|%s",
		     reason_code(refusal->reason), refusal->name.name, text,
		     port_matters(refusal->reason) ? attempt->port : 0,
		     refusal->asked);
	HMAC(EVP_sha256(), key, REFUSAL_KEY_LEN, (const uint8_t *)subject,
	     (size_t)n, hash, &hash_len);
	id_from_hash(refusal->id, hash);
}

unsigned refusal_status(enum reason reason)
{
	switch (reason) {
	case REASON_NAME_MISSING:
	case REASON_NAME_INVALID:
	case REASON_HTTP_MALFORMED:
		return 400;
	case REASON_TIMED_OUT:
		return 408;
	case REASON_HTTP_METHOD:
		return 501;
	case REASON_OVERLOADED:
	case REASON_UNRECORDABLE:
		return 503;
	case REASON_UPSTREAM_DNS:
	case REASON_UPSTREAM_TLS:
	case REASON_UPSTREAM_WANTS_CERTIFICATE:
	case REASON_UPSTREAM_HTTP:
		return 502;
	case REASON_UPSTREAM_CONNECT:
		return 504;
	case REASON_NO_POLICY:
	case REASON_ALLOWED:
	case REASON_NAME_NOT_LISTED:
	case REASON_NAME_DENIED:
	case REASON_PORT_NOT_LISTED:
	case REASON_ADDRESS_NOT_LISTED:
	case REASON_ADDRESS_MISMATCH:
	case REASON_ADDRESS_PRIVATE:
	case REASON_HOST_MISMATCH:
	case REASON_HELLO_CHANGED:
	case REASON_PROTOCOL_UNKNOWN:
	case REASON_PROTOCOL_REFUSED:
	case REASON_TLS_MALFORMED:
	case REASON_TLS_VERSION:
	case REASON_TLS_REJECTED:
	case REASON_TLS_UNUSED:
	case REASON_DNS_MALFORMED:
	case REASON_DNS_TYPE:
	case REASON_SOURCE_SPOOFED:
	case REASON_GATEWAY_ITSELF:
	case REASON_DESTINATION_UNKNOWN:
	case REASON_POLICY_CHANGED:
	case REASON_DNS_TUNNEL_SUSPECT:
	case REASON_REQUEST_NOT_LISTED:
	case REASON_PATH_AMBIGUOUS:
	case REASON_GIT_PUSH:
	case REASON_AUTH_NEEDS_TLS:
	case REASON_H2C_NOT_LISTED:
	case REASON_WEBSOCKET_NOT_LISTED:
	case REASON_COUNT:
		break;
	}
	return 403;
}

/* The thing refused, for people: a name or an address, and the port. */
static const char *subject_text(const struct refusal *refusal, char *text,
				size_t cap)
{
	char address[ADDRESS_TEXT_MAX];
	const char *what = refusal->name.name;

	if (refusal->name.len == 0 && refusal->address.family != 0)
		what = address_format(&refusal->address, address);
	if (port_matters(refusal->reason) && refusal->port != 0 &&
	    what[0] != '\0')
		(void)snprintf(text, cap, "%s port %u", what, refusal->port);
	else
		(void)snprintf(text, cap, "%s", what);
	return text;
}

const char *refusal_summary(const struct refusal *refusal,
			    char text[REFUSAL_SUMMARY_MAX])
{
	char subject[DOMAIN_MAX + 32];
	const char *asked = refusal->asked;
	const char *line = refusal->suggestion;

	subject_text(refusal, subject, sizeof(subject));
	(void)snprintf(text, REFUSAL_SUMMARY_MAX,
		       "%s: %s%s%s%s%.100s (id %s%s%s)",
		       reason_code(refusal->reason),
		       reason_text(refusal->reason), subject[0] ? ": " : "",
		       subject, asked[0] ? " / " : "", asked, refusal->id,
		       line[0] ? "; to allow it: " : "", line);
	return text;
}

static const char *phrase(unsigned status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 408:
		return "Request Timeout";
	case 417:
		return "Expectation Failed";
	case 421:
		return "Misdirected Request";
	case 431:
		return "Request Header Fields Too Large";
	case 501:
		return "Not Implemented";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	case 504:
		return "Gateway Timeout";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Forbidden";
	}
}

/*
 * The members beside RFC 9457's own are ours; "error" is where npm looks for
 * something to show.
 */
static size_t problem_json(const struct refusal *refusal, unsigned status,
			   char *bytes, size_t cap)
{
	char summary[REFUSAL_SUMMARY_MAX], address[ADDRESS_TEXT_MAX];
	struct json json;

	refusal_summary(refusal, summary);
	json_begin(&json, bytes, cap);
	json_text(&json, "type", "about:blank");
	json_text(&json, "title",
		  status >= 500 ? "The gateway could not"
				: "Refused by the gateway");
	json_uint(&json, "status", status);
	json_text(&json, "detail", summary);
	json_text(&json, "error", summary);
	json_text(&json, "id", refusal->id);
	json_text(&json, "reason", reason_code(refusal->reason));
	if (refusal->name.len > 0)
		json_text(&json, "name", refusal->name.name);
	if (refusal->address.family != 0)
		json_text(&json, "address",
			  address_format(&refusal->address, address));
	if (refusal->port != 0)
		json_uint(&json, "port", refusal->port);
	if (refusal->asked[0])
		json_text(&json, "asked", refusal->asked);
	if (refusal->line != 0)
		json_uint(&json, "line", refusal->line);
	if (refusal->suggestion[0])
		json_text(&json, "allow", refusal->suggestion);
	if (!json_end(&json) || json.len + 1 >= cap)
		return 0;
	bytes[json.len++] = '\n';
	return json.len;
}

/* What `refusals` in the manifest lets be said in one line. */
static const char *say(const struct refusal *refusal, bool explain,
		       char text[REFUSAL_SUMMARY_MAX])
{
	if (explain)
		return refusal_summary(refusal, text);
	(void)snprintf(text, REFUSAL_SUMMARY_MAX, "id %s", refusal->id);
	return text;
}

const char *refusal_media_type(enum refusal_form form)
{
	return form == REFUSAL_PLAIN_TEXT ? "text/plain; charset=utf-8"
					  : "application/problem+json";
}

size_t refusal_body(const struct refusal *refusal, unsigned status,
		    enum refusal_form form, bool explain,
		    char bytes[REFUSAL_BODY_MAX])
{
	char summary[REFUSAL_SUMMARY_MAX];

	if (!explain)
		return 0;
	if (form != REFUSAL_PLAIN_TEXT)
		return problem_json(refusal, status, bytes, REFUSAL_BODY_MAX);
	return (size_t)snprintf(bytes, REFUSAL_BODY_MAX, "sluice: %s\n",
				refusal_summary(refusal, summary));
}

const char *refusal_field(const struct refusal *refusal,
			  char text[REFUSAL_FIELD_MAX])
{
	(void)snprintf(text, REFUSAL_FIELD_MAX, "%s; reason=%s", refusal->id,
		       reason_code(refusal->reason));
	return text;
}

unsigned refusal_grpc_status(unsigned status)
{
	return status >= 500 ? 14 /* UNAVAILABLE */ : 7 /* PERMISSION_DENIED */;
}

/* All but printable ASCII, and "%", is encoded. */
const char *refusal_grpc_message(const struct refusal *refusal, bool explain,
				 char text[REFUSAL_GRPC_MAX])
{
	char summary[REFUSAL_SUMMARY_MAX];
	const char *at = say(refusal, explain, summary);
	char *end = text;

	for (; *at; at++) {
		if (*at >= ' ' && *at < 0x7f && *at != '%')
			*end++ = *at;
		else
			end += sprintf(end, "%%%02X", (unsigned char)*at);
	}
	*end = '\0';
	return text;
}

size_t refusal_http(const struct refusal *refusal, unsigned status,
		    enum refusal_form form, bool explain, bool with_body,
		    char bytes[REFUSAL_HTTP_MAX])
{
	char body[REFUSAL_BODY_MAX], summary[REFUSAL_SUMMARY_MAX];
	char field[REFUSAL_FIELD_MAX];
	size_t len;
	int n;

	if (status == 0)
		status = refusal_status(refusal->reason);
	len = refusal_body(refusal, status, form, explain, body);
	n = snprintf(bytes, REFUSAL_HTTP_MAX,
		     "HTTP/1.1 %u %s: %s\r\n"
		     "Content-Type: %s\r\n"
		     "Content-Length: %zu\r\n"
		     "Cache-Control: no-store\r\n"
		     "Sluice-Refusal: %s\r\n"
		     "Connection: close\r\n\r\n",
		     status, phrase(status), say(refusal, explain, summary),
		     refusal_media_type(form), len,
		     refusal_field(refusal, field));
	assert(n <= REFUSAL_HTTP_MAX - REFUSAL_BODY_MAX);
	if (with_body)
		memcpy(bytes + n, body, len);
	return (size_t)n + (with_body ? len : 0);
}
