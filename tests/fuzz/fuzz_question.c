/*
 * What is said in place of an answer is an answer to the question that was
 * asked, and fits wherever an answer does; what follows a question does not
 * change where it ends.
 */
#include "question.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t answer[QUESTION_SHORT_MAX];
	struct question question, alone;
	size_t n;

	if (!question_parse(bytes, len, &question))
		return 0;
	assert(question.end <= len && question.end <= QUESTION_SHORT_MAX);
	assert(question.answer_max >= 512);
	n = question_truncate(&question, bytes, answer);
	assert(n == question.end && n <= question.answer_max);
	assert(question_is_answered(&question, answer, n));
	assert(memcmp(answer + 12, bytes + 12, n - 12) == 0);
	n = question_fail(&question, bytes, answer);
	assert(question_is_answered(&question, answer, n));
	assert(question_parse(bytes, question.end, &alone));
	assert(alone.end == question.end && alone.id == question.id);
	return 0;
}
