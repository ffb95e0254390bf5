/*
 * pem.h - one certificate in PEM, and nothing else
 *
 * What the gateway hands out is going to be appended to files that other
 * programs parse, and named in their environment. So its frame is checked
 * here to the last byte, although what is inside is not judged: the gateway
 * could say anything, and the machine would have to trust it.
 */
#ifndef SLUICE_PEM_H
#define SLUICE_PEM_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether @text is exactly one "BEGIN CERTIFICATE" block (RFC 7468, strict:
 * lines of 64 characters, the last of up to 64; LF or CRLF) that ends with a
 * line end and decodes to one whole DER SEQUENCE.
 */
MUST_CHECK bool pem_is_one_certificate(const char *text, size_t len);

#endif
