/*
 * http2_answer.h - a refusal, as HTTP/2 says it
 *
 * What refusal_http() is for HTTP/1: a head and a body. A gRPC call gets what
 * its library shows: status 200, and the refusal in what would be trailers.
 */
#ifndef SLUICE_HTTP2_ANSWER_H
#define SLUICE_HTTP2_ANSWER_H

#include "message.h"
#include "refusal.h"

struct http2_answer {
	struct http_response head; /* borrows from here: not to be copied */
	char body[REFUSAL_BODY_MAX];
	size_t body_len;
	char field[REFUSAL_FIELD_MAX], grpc_status[4];
	char grpc_message[REFUSAL_GRPC_MAX];
};

/* Whether the request is a gRPC call, of any message format. */
bool http2_answer_is_grpc(const struct http_request *request);

/* @status is never 0; @with_body is false for HEAD. */
void http2_answer_make(struct http2_answer *answer,
		       const struct refusal *refusal, unsigned status,
		       enum refusal_form form, bool grpc, bool explain,
		       bool with_body);

#endif
