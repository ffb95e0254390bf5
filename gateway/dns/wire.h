/*
 * wire.h - what DNS messages are made of: names, and bytes in a row (sans-I/O)
 *
 * Names are read with their compression undone, and never written with any:
 * what points into one message means nothing in another.
 */
#ifndef SLUICE_DNS_WIRE_H
#define SLUICE_DNS_WIRE_H

#include "attributes.h"
#include "cursor.h"
#include "domain.h"

#define WIRE_NAME_MAX 255 /* the root's zero byte included; RFC 1035 2.3.4 */
#define WIRE_LABEL_MAX 63

/*
 * A message being read. @at always ends where the whole does, so that what
 * is left of it tells where it stands; records are read from it in place.
 */
struct wire_reader {
	struct cursor whole, at;
};

/* A name as on the wire but never compressed, in lower case. */
struct wire_name {
	uint8_t bytes[WIRE_NAME_MAX];
	size_t len;
};

/* Bytes written so far; @len runs on past @cap, where nothing is written. */
struct wire_writer {
	uint8_t *bytes;
	size_t len, cap;
};

uint8_t wire_lower(uint8_t c);

/*
 * Reads a name. A pointer, where @may_point, may only lead to before the run
 * of labels that it ends. Returns false for a name that is malformed or cut
 * off.
 */
MUST_CHECK bool wire_name_read(struct wire_reader *reader, bool may_point,
			       struct wire_name *name);

bool wire_name_equal(const struct wire_name *a, const struct wire_name *b);

/* Whether @name is @zone or below it. */
bool wire_name_is_within(const struct wire_name *name,
			 const struct wire_name *zone);

/* As text, of length 0 if it is not a host name; the root is none. */
void wire_name_to_domain(const struct wire_name *name, struct domain *domain);
void wire_name_from_domain(struct wire_name *name, const struct domain *domain);

void wire_writer_init(struct wire_writer *w, uint8_t *bytes, size_t cap);
void wire_put(struct wire_writer *w, const void *bytes, size_t n);
void wire_put_u8(struct wire_writer *w, uint8_t value);
void wire_put_u16(struct wire_writer *w, unsigned value);
void wire_put_u32(struct wire_writer *w, uint32_t value);
bool wire_is_overfull(const struct wire_writer *w);

#endif
