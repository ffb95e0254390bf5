#include "http2_answer.h"

#include <stdio.h>
#include <string.h>

static const char grpc_type[] = "application/grpc";

bool http2_answer_is_grpc(const struct http_request *request)
{
	struct http_text type = http_field_value(
		request->fields, request->n_fields, "content-type");
	size_t n = sizeof(grpc_type) - 1;

	if (type.len < n || memcmp(type.at, grpc_type, n) != 0)
		return false;
	return type.len == n || type.at[n] == '+' || type.at[n] == ';';
}

static void put(struct http_response *head, const char *name, const char *value)
{
	head->fields[head->n_fields++] = (struct http_field){
		.name = text_of(name),
		.value = text_of(value),
	};
}

static void make_grpc(struct http2_answer *answer,
		      const struct refusal *refusal, unsigned status,
		      bool explain)
{
	(void)snprintf(answer->grpc_status, sizeof(answer->grpc_status), "%u",
		       refusal_grpc_status(status));
	answer->head.status = 200;
	put(&answer->head, "content-type", grpc_type);
	put(&answer->head, "grpc-status", answer->grpc_status);
	put(&answer->head, "grpc-message",
	    refusal_grpc_message(refusal, explain, answer->grpc_message));
}

void http2_answer_make(struct http2_answer *answer,
		       const struct refusal *refusal, unsigned status,
		       enum refusal_form form, bool grpc, bool explain,
		       bool with_body)
{
	struct http_response *head = &answer->head;

	*head = (struct http_response){ .status = (uint16_t)status };
	answer->body_len = 0;
	if (grpc) {
		make_grpc(answer, refusal, status, explain);
	} else {
		answer->body_len = refusal_body(refusal, status, form, explain,
						answer->body);
		head->has_content_length = true;
		head->content_length = answer->body_len;
		put(head, "content-type", refusal_media_type(form));
		put(head, "cache-control", "no-store");
	}
	put(head, "sluice-refusal", refusal_field(refusal, answer->field));
	if (!with_body)
		answer->body_len = 0;
}
