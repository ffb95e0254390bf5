#include "judged.h"

#include <stdlib.h>
#include <string.h>

/* Copies @text to *@at, which moves on. */
static struct request_text keep(struct http_text text, char **at)
{
	struct request_text kept = { .at = *at, .len = text.len };

	if (text.len > 0)
		memcpy(*at, text.at, text.len);
	*at += text.len;
	return kept;
}

bool judged_keep(struct judged *judged, const struct http_request *request)
{
	size_t fields_size = request->n_fields * sizeof(struct request_field);
	/* RFC 8441 5: what HTTP/2 asks for by CONNECT is what GET would be. */
	const struct http_text method = request->wants_websocket
						? (struct http_text){ "GET", 3 }
						: request->method;
	size_t len = method.len + request->path.len;
	struct request_field *fields;
	char *at;

	for (size_t i = 0; i < request->n_fields; i++)
		len += request->fields[i].name.len +
		       request->fields[i].value.len;
	fields = malloc(fields_size + len);
	if (!fields)
		return false;
	judged_done(judged);
	at = (char *)fields + fields_size;
	judged->memory = fields;
	judged->request = (struct request){
		.method = keep(method, &at),
		.target = keep(request->path, &at),
		.fields = fields,
		.n_fields = request->n_fields,
	};
	for (size_t i = 0; i < request->n_fields; i++) {
		fields[i].name = keep(request->fields[i].name, &at);
		fields[i].value = keep(request->fields[i].value, &at);
	}
	return true;
}

const struct request *judged_request(const struct judged *judged)
{
	return judged->memory ? &judged->request : NULL;
}

bool judged_is_at_fault(enum reason reason)
{
	return reason == REASON_PATH_AMBIGUOUS || reason == REASON_GIT_PUSH ||
	       reason == REASON_REQUEST_NOT_LISTED;
}

const char *judged_ambiguity(const struct judged *judged)
{
	const struct request *request = judged_request(judged);
	const char *why = NULL;
	struct path path;

	if (request)
		(void)!request_path(request, &path, &why);
	return why;
}

void judged_done(struct judged *judged)
{
	free(judged->memory);
	*judged = (struct judged){ 0 };
}
