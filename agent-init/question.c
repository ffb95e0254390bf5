#include "question.h"

#include "cursor.h"

#include <string.h>

#define HEADER 12
#define NAME_MAX_BYTES 255
#define LABEL_MAX 63
#define PLAIN_MAX 512 /* bytes of an answer without EDNS */
#define TYPE_OPT 41

/* In the third and fourth byte of the header. */
#define RESPONSE 0x80
#define OPCODE 0x78
#define TRUNCATED 0x02
#define RECURSION_DESIRED 0x01
#define RECURSION_AVAILABLE 0x80
#define SERVER_FAILURE 2

/* A name without pointers: in a question there is nothing to point to. */
static void skip_name(struct cursor *c)
{
	const uint8_t *start = c->at;

	for (;;) {
		uint8_t len = cursor_u8(c);

		if (len > LABEL_MAX || c->at - start > NAME_MAX_BYTES)
			c->failed = true;
		if (len == 0 || c->failed)
			return;
		(void)cursor_bytes(c, len);
	}
}

/* What the record behind the question says of lengths, if it is EDNS. */
static size_t answer_max(struct cursor c, uint16_t n_additional)
{
	uint8_t root;
	uint16_t type, size;

	if (n_additional == 0)
		return PLAIN_MAX;
	root = cursor_u8(&c);
	type = cursor_u16(&c);
	size = cursor_u16(&c);
	if (c.failed || root != 0 || type != TYPE_OPT || size < PLAIN_MAX)
		return PLAIN_MAX;
	return size;
}

bool question_parse(const uint8_t *bytes, size_t len, struct question *question)
{
	struct cursor c = cursor_over(bytes, len);
	struct question found = { .id = cursor_u16(&c) };
	uint8_t flags = cursor_u8(&c);
	uint16_t n_additional;

	(void)cursor_u8(&c);
	if (len > QUESTION_MAX || flags & (RESPONSE | OPCODE) ||
	    cursor_u16(&c) != 1 || cursor_u16(&c) != 0 || cursor_u16(&c) != 0)
		return false;
	n_additional = cursor_u16(&c);
	skip_name(&c);
	(void)cursor_u32(&c); /* type and class */
	if (c.failed)
		return false;
	found.end = len - cursor_left(&c);
	found.answer_max = answer_max(c, n_additional);
	*question = found;
	return true;
}

bool question_is_answered(const struct question *question, const uint8_t *bytes,
			  size_t len)
{
	struct cursor c = cursor_over(bytes, len);

	return len >= HEADER && cursor_u16(&c) == question->id &&
	       cursor_u8(&c) & RESPONSE;
}

static size_t answer(const struct question *question, const uint8_t *bytes,
		     uint8_t flags, uint8_t code,
		     uint8_t to[QUESTION_SHORT_MAX])
{
	memcpy(to, bytes, question->end);
	to[2] = RESPONSE | flags | (bytes[2] & RECURSION_DESIRED);
	to[3] = RECURSION_AVAILABLE | code;
	/* The question alone follows. */
	memset(to + 6, 0, HEADER - 6);
	return question->end;
}

size_t question_truncate(const struct question *question, const uint8_t *bytes,
			 uint8_t to[QUESTION_SHORT_MAX])
{
	return answer(question, bytes, TRUNCATED, 0, to);
}

size_t question_fail(const struct question *question, const uint8_t *bytes,
		     uint8_t to[QUESTION_SHORT_MAX])
{
	return answer(question, bytes, 0, SERVER_FAILURE, to);
}
