#include "credential.h"

#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

static const char *scheme_of(enum route_auth auth)
{
	switch (auth) {
	case ROUTE_AUTH_BEARER:
		return "Bearer ";
	case ROUTE_AUTH_BASIC:
		return "Basic ";
	case ROUTE_AUTH_TOKEN:
	case ROUTE_AUTH_NONE:
		break;
	}
	return "token ";
}

bool credential_make(struct credential *credential, const struct route *route,
		     const struct secrets *secrets)
{
	const char *scheme = scheme_of(route->auth);
	size_t len = strlen(scheme);
	struct secret secret;

	if (!secrets_find(secrets, route->token_ref, &secret))
		return false;
	memcpy(credential->text, scheme, len);
	if (route->auth == ROUTE_AUTH_BASIC) {
		len += (size_t)EVP_EncodeBlock(
			(unsigned char *)credential->text + len,
			(const unsigned char *)secret.value, (int)secret.len);
	} else {
		memcpy(credential->text + len, secret.value, secret.len);
		len += secret.len;
	}
	credential->text[len] = '\0';
	credential->len = len;
	return true;
}

void credential_done(struct credential *credential)
{
	OPENSSL_cleanse(credential, sizeof(*credential));
}

static bool is_replaced(struct http_text name)
{
	static const char *const names[] = { "Authorization",
					     "Accept-Encoding" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (name.len == strlen(names[i]) &&
		    strncasecmp(name.at, names[i], name.len) == 0)
			return true;
	return false;
}

static bool add(struct http_request *request, const char *name,
		const char *value, size_t len)
{
	if (request->n_fields == HTTP_FIELDS_MAX)
		return false;
	request->fields[request->n_fields++] = (struct http_field){
		.name = text_of(name),
		.value = { value, len },
	};
	return true;
}

bool credential_put(const struct credential *credential,
		    struct http_request *request)
{
	size_t n = 0;

	for (size_t i = 0; i < request->n_fields; i++)
		if (!is_replaced(request->fields[i].name))
			request->fields[n++] = request->fields[i];
	request->n_fields = n;
	return add(request, "Authorization", credential->text,
		   credential->len) &&
	       add(request, "Accept-Encoding", "identity", strlen("identity"));
}
