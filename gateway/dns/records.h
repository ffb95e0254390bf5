/*
 * records.h - DNS records of other types than addresses (sans-I/O)
 *
 * A record's data are read field by field, as their type says they are, and
 * written anew: names with their compression undone and only if they are host
 * names, strings and numbers of exactly their length, and nothing after the
 * last field. A type that is not known here is not read at all. What a name
 * leads to is nobody's business here: it is told, and admits nothing.
 */
#ifndef SLUICE_DNS_RECORDS_H
#define SLUICE_DNS_RECORDS_H

#include "attributes.h"
#include "wire.h"

#define RECORDS_MAX 64
#define RECORDS_BYTES_MAX 8192 /* of data, and two for each record's length */

struct records {
	size_t n;
	bool left_out; /* some did not fit, or held a name that is none */
	size_t len;
	uint8_t bytes[RECORDS_BYTES_MAX];
};

/* Whether records of @type can be read here. */
bool records_know(uint16_t type);

/*
 * Adds the record of @type, which is known, whose @len bytes of data begin at
 * @data. One that is sound but cannot be told is left out. Returns false, with
 * nothing added, if the data are malformed.
 */
MUST_CHECK bool records_add(struct records *records, uint16_t type,
			    struct wire_reader data, size_t len);

/*
 * The data of the next record, which are borrowed from @records; NULL after
 * the last. @at is 0 for the first, and is moved on.
 */
const uint8_t *records_next(const struct records *records, size_t *at,
			    size_t *len);

#endif
