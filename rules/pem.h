/*
 * pem.h - certificates in PEM, and nothing else
 *
 * The one that the gateway hands out is going to be appended to files that
 * other programs parse, and named in their environment. So its frame is checked
 * here to the last byte, although what is inside is not judged: the gateway
 * could say anything, and the machine would have to trust it. Those that a
 * manifest names are checked likewise, before anything reads what is inside.
 */
#ifndef SLUICE_PEM_H
#define SLUICE_PEM_H

#include "attributes.h"

#include "cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEM_DER_MAX 12288 /* bytes of a certificate; 16 KiB of PEM hold it */

/*
 * Whether @text is exactly one "BEGIN CERTIFICATE" block (RFC 7468, strict:
 * lines of 64 characters, the last of up to 64; LF or CRLF) that ends with a
 * line end and decodes to one whole DER SEQUENCE.
 */
MUST_CHECK bool pem_is_one_certificate(const char *text, size_t len);

/*
 * Whether @text is from one to @max such blocks, and nothing but empty lines
 * before, between and after them. If not, *line is where, from 1.
 */
MUST_CHECK bool pem_are_certificates(const char *text, size_t len, size_t max,
				     size_t *line);

/*
 * Takes the next such block of @text, whatever lines stand before it, and
 * gives the certificate in it. False if there is none any more; one that is
 * not sound is passed over.
 */
MUST_CHECK bool pem_next_certificate(struct cursor *text,
				     uint8_t der[PEM_DER_MAX], size_t *len);

#endif
