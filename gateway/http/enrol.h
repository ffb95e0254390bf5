/*
 * enrol.h - the gateway's own page: the CA's certificate, and the time
 *
 * What sluice-init asks for once, over plain HTTP on the private segment, at
 * /.well-known/sluice/ca.pem. Any other path is not there.
 */
#ifndef SLUICE_ENROL_H
#define SLUICE_ENROL_H

#include "buffer.h"
#include "message.h"

/*
 * Adds the whole answer to @request, whose connection then ends, to @out.
 * Returns its status, or -errno.
 */
MUST_CHECK int enrol_answer(const struct http_request *request, const char *pem,
			    struct buffer *out);

#endif
