/*
 * enrol.h - what the gateway tells a machine that starts: its CA, the time
 *
 * Asked over plain HTTP on the private segment, once, before anything of the
 * agent's runs: there is nothing yet to trust the gateway by, and nobody but
 * the gateway to answer.
 *
 *	GET /.well-known/sluice/ca.pem
 *
 * The answer is read strictly, and bounded: it decides what the machine is
 * going to trust.
 */
#ifndef SLUICE_ENROL_H
#define SLUICE_ENROL_H

#include "address.h"
#include "attributes.h"

#include <stddef.h>
#include <stdint.h>

#define ENROL_BODY_MAX 16384 /* bytes of PEM */
#define ENROL_HEAD_MAX 8192  /* bytes of status line and header fields */

enum enrol_state {
	ENROL_BAD = 0, /* not an answer, whatever follows */
	ENROL_MORE,    /* sound so far */
	ENROL_DONE,
};

/* Borrows from the bytes it was parsed from. */
struct enrolment {
	const char *body;
	size_t len;
	int64_t date_s; /* the gateway's clock, seconds of Unix; 0 if unsaid */
};

/*
 * Reads the whole answer so far: status 200, one Content-Length, that many
 * bytes. @enrolment is set when it is ENROL_DONE.
 */
MUST_CHECK enum enrol_state enrol_parse(const char *bytes, size_t len,
					struct enrolment *enrolment);

/*
 * Asks the gateway at port 80 until it answers with status 200 or @deadline
 * has passed. @buffer holds the answer, and @enrolment borrows from it.
 * Reports and returns -errno on failure.
 */
MUST_CHECK int enrol(const struct address *gateway, int64_t deadline,
		     char buffer[ENROL_HEAD_MAX + ENROL_BODY_MAX],
		     struct enrolment *enrolment);

/*
 * Sets the machine's clock to @date_s where that is ours to do: we are PID 1
 * of the machine and not of a container, and the clock is more than a minute
 * behind, as after a start without a battery or from a snapshot. A clock that
 * cannot be set is reported and left.
 */
void enrol_clock(int64_t date_s);

#endif
