#include "wire.h"

#include <assert.h>
#include <string.h>

/* RFC 1035 2.3.4 and 4.1.4 */
#define LABELS_MAX 127
#define POINTER 0xc0

uint8_t wire_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* @label is of @n bytes; n 0 is the root, which ends the name. */
static bool name_add_label(struct wire_name *name, const uint8_t *label,
			   size_t n)
{
	if (n > WIRE_LABEL_MAX || n + 1 > sizeof(name->bytes) - name->len)
		return false;
	name->bytes[name->len++] = (uint8_t)n;
	for (size_t i = 0; i < n; i++)
		name->bytes[name->len++] = wire_lower(label[i]);
	return true;
}

bool wire_name_read(struct wire_reader *reader, bool may_point,
		    struct wire_name *name)
{
	struct cursor at = reader->at;
	size_t run = cursor_left(&at);
	unsigned jumps = 0;
	uint8_t n;

	name->len = 0;
	do {
		const uint8_t *label;

		n = cursor_u8(&at);
		if (may_point && (n & POINTER) == POINTER) {
			size_t offset =
				(size_t)(n & ~POINTER) << 8 | cursor_u8(&at);

			if (jumps == 0)
				reader->at = at;
			/* Each goes further back, so there is no loop. */
			if (at.failed || ++jumps > LABELS_MAX)
				return false;
			at = reader->whole;
			(void)cursor_bytes(&at, offset);
			if (at.failed || cursor_left(&at) <= run)
				return false;
			run = cursor_left(&at);
			continue;
		}
		label = cursor_bytes(&at, n);
		if (at.failed || !name_add_label(name, label, n))
			return false;
	} while (n != 0);

	if (jumps == 0)
		reader->at = at;
	return true;
}

bool wire_name_equal(const struct wire_name *a, const struct wire_name *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool wire_name_is_within(const struct wire_name *name,
			 const struct wire_name *zone)
{
	for (size_t i = 0; i < name->len; i += (size_t)name->bytes[i] + 1)
		if (name->len - i == zone->len)
			return memcmp(name->bytes + i, zone->bytes,
				      zone->len) == 0;
	return false;
}

void wire_name_to_domain(const struct wire_name *name, struct domain *domain)
{
	char text[WIRE_NAME_MAX];
	size_t len = 0;

	domain->len = 0;
	for (size_t i = 0; name->bytes[i] != 0;) {
		size_t n = name->bytes[i++];

		/* It would split the label in two: "a\.b" is not "a.b". */
		if (memchr(name->bytes + i, '.', n))
			return;
		memcpy(text + len, name->bytes + i, n);
		len += n;
		text[len++] = '.';
		i += n;
	}
	if (!domain_parse(domain, text, len))
		domain->len = 0;
}

void wire_name_from_domain(struct wire_name *name, const struct domain *domain)
{
	const char *label = domain->name;
	bool fits = true;

	name->len = 0;
	for (;;) {
		size_t n = strcspn(label, ".");

		fits = fits && name_add_label(name, (const uint8_t *)label, n);
		if (label[n] == '\0')
			break;
		label += n + 1;
	}
	fits = fits && name_add_label(name, NULL, 0);
	assert(fits); /* what domain_parse() admits always does */
}

void wire_writer_init(struct wire_writer *w, uint8_t *bytes, size_t cap)
{
	w->bytes = bytes;
	w->len = 0;
	w->cap = cap;
}

void wire_put(struct wire_writer *w, const void *bytes, size_t n)
{
	if (w->len <= w->cap && n <= w->cap - w->len && n > 0)
		memcpy(w->bytes + w->len, bytes, n);
	w->len += n;
}

void wire_put_u8(struct wire_writer *w, uint8_t value)
{
	wire_put(w, &value, 1);
}

void wire_put_u16(struct wire_writer *w, unsigned value)
{
	wire_put_u8(w, (uint8_t)(value >> 8));
	wire_put_u8(w, (uint8_t)value);
}

void wire_put_u32(struct wire_writer *w, uint32_t value)
{
	wire_put_u16(w, value >> 16);
	wire_put_u16(w, value & 0xffff);
}

bool wire_is_overfull(const struct wire_writer *w)
{
	return w->len > w->cap;
}
