/*
 * An answer is read alike however it is cut: no beginning of a whole answer
 * is one itself, and none is found bad on the way. What is taken lies within
 * the bytes and within the bounds.
 */
#include "enrol.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	struct enrolment enrolment = { .body = NULL };
	enum enrol_state whole = enrol_parse(text, len, &enrolment);

	if (whole == ENROL_DONE) {
		assert(enrolment.len <= ENROL_BODY_MAX);
		assert(enrolment.body + enrolment.len == text + len);
		assert(enrolment.date_s >= 0);
	}
	for (size_t cut = 0; cut < len && cut < 512; cut++) {
		struct enrolment part;
		enum enrol_state state = enrol_parse(text, cut, &part);

		assert(whole != ENROL_DONE || state == ENROL_MORE);
		/* Bad stays bad, whatever follows. */
		assert(state != ENROL_BAD || whole == ENROL_BAD);
	}
	return 0;
}
