/*
 * question.h - as much of a DNS question as a relay of questions must know
 *
 * The stub (stub.h) judges nothing: the gateway does. It has to know where the
 * question ends and how long an answer may be in one datagram (RFC 1035 4.2.1,
 * RFC 6891 6.2.3), to say in place of a longer one that there is more, and to
 * fail where the gateway is silent. Pure: bytes in, bytes out.
 */
#ifndef SLUICE_QUESTION_H
#define SLUICE_QUESTION_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUESTION_MAX 4096      /* bytes of one that is relayed */
#define QUESTION_SHORT_MAX 275 /* header, longest name, type and class */

struct question {
	uint16_t id;
	size_t end;        /* of the question, behind the header */
	size_t answer_max; /* bytes of datagram that who asks can take */
};

/* False if it is not one question of at most QUESTION_MAX bytes. */
MUST_CHECK bool question_parse(const uint8_t *bytes, size_t len,
			       struct question *question);

/* Whether @bytes can be the answer to it. */
MUST_CHECK bool question_is_answered(const struct question *question,
				     const uint8_t *bytes, size_t len);

/*
 * Writes an answer without records to @to: one that is truncated, so that
 * the question is asked again over TCP, or a failure of the server. Returns
 * its length. @bytes are those the question was parsed from.
 */
size_t question_truncate(const struct question *question, const uint8_t *bytes,
			 uint8_t to[QUESTION_SHORT_MAX]);
size_t question_fail(const struct question *question, const uint8_t *bytes,
		     uint8_t to[QUESTION_SHORT_MAX]);

#endif
