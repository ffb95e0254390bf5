#include "records.h"

#include "dns_type.h"

#include <assert.h>

#define FIELDS_MAX 7
#define TAG_MAX 15 /* RFC 8659 4.1 */

enum field {
	FIELD_NONE = 0, /* after the last */
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_HOST,
	FIELD_TARGET,  /* likewise, or the root: there is no such service */
	FIELD_STRING,  /* RFC 1035 3.3: its length in one byte, and so many */
	FIELD_STRINGS, /* at least one, to the end */
	FIELD_TAG,     /* a string of letters and digits */
	FIELD_REST,    /* bytes to the end, perhaps none */
};

static const struct format {
	uint16_t type;
	enum field fields[FIELDS_MAX + 1];
} formats[] = {
	/* RFC 1035 3.3 */
	{ DNS_TYPE_NS, { FIELD_HOST } },
	{ DNS_TYPE_SOA,
	  { FIELD_HOST, FIELD_HOST, FIELD_U32, FIELD_U32, FIELD_U32, FIELD_U32,
	    FIELD_U32 } },
	{ DNS_TYPE_MX, { FIELD_U16, FIELD_TARGET } }, /* root: RFC 7505 */
	{ DNS_TYPE_TXT, { FIELD_STRINGS } },
	/* RFC 2782 */
	{ DNS_TYPE_SRV, { FIELD_U16, FIELD_U16, FIELD_U16, FIELD_TARGET } },
	/* RFC 3403 4.1 */
	{ DNS_TYPE_NAPTR,
	  { FIELD_U16, FIELD_U16, FIELD_STRING, FIELD_STRING, FIELD_STRING,
	    FIELD_TARGET } },
	/* RFC 8659 4.1 */
	{ DNS_TYPE_CAA, { FIELD_U8, FIELD_TAG, FIELD_REST } },
};

/* One record on its way from a message to a list. */
struct copy {
	struct wire_reader from;
	size_t end; /* what is left of the message after the data */
	struct wire_writer to;
	bool untold; /* sound, but with a name that is no host's */
};

static const struct format *format_of(uint16_t type)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (formats[i].type == type)
			return &formats[i];
	return NULL;
}

/* How much of the data is still to be read. */
static size_t left(const struct copy *copy)
{
	size_t n = cursor_left(&copy->from.at);

	return n > copy->end ? n - copy->end : 0;
}

static bool copy_bytes(struct copy *copy, size_t n)
{
	const uint8_t *bytes =
		n <= left(copy) ? cursor_bytes(&copy->from.at, n) : NULL;

	if (bytes)
		wire_put(&copy->to, bytes, n);
	return bytes;
}

static bool copy_name(struct copy *copy, bool may_be_root)
{
	struct wire_name name;
	struct domain domain;

	if (!wire_name_read(&copy->from, true, &name))
		return false;
	wire_name_to_domain(&name, &domain);
	if (domain.len == 0 && (name.len > 1 || !may_be_root))
		copy->untold = true;
	wire_put(&copy->to, name.bytes, name.len);
	return true;
}

static bool copy_string(struct copy *copy)
{
	struct cursor ahead = copy->from.at;

	return copy_bytes(copy, (size_t)cursor_u8(&ahead) + 1);
}

static bool copy_tag(struct copy *copy)
{
	struct cursor ahead = copy->from.at;
	uint8_t n = cursor_u8(&ahead);

	if (n < 1 || n > TAG_MAX)
		return false;
	for (uint8_t i = 0; i < n; i++) {
		uint8_t c = wire_lower(cursor_u8(&ahead));

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9'))
			return false;
	}
	return copy_string(copy);
}

static bool copy_field(struct copy *copy, enum field field)
{
	bool sound;

	switch (field) {
	case FIELD_U8:
		return copy_bytes(copy, 1);
	case FIELD_U16:
		return copy_bytes(copy, 2);
	case FIELD_U32:
		return copy_bytes(copy, 4);
	case FIELD_HOST:
		return copy_name(copy, false);
	case FIELD_TARGET:
		return copy_name(copy, true);
	case FIELD_STRING:
		return copy_string(copy);
	case FIELD_STRINGS:
		do
			sound = copy_string(copy);
		while (sound && left(copy) > 0);
		return sound;
	case FIELD_TAG:
		return copy_tag(copy);
	case FIELD_REST:
		return copy_bytes(copy, left(copy));
	case FIELD_NONE:
		break;
	}
	return false;
}

bool records_know(uint16_t type)
{
	return format_of(type);
}

bool records_add(struct records *records, uint16_t type,
		 struct wire_reader data, size_t len)
{
	const struct format *format = format_of(type);
	struct copy copy = { .from = data };
	uint8_t *at = records->bytes + records->len;
	size_t room = sizeof(records->bytes) - records->len;

	assert(format);
	assert(len <= cursor_left(&data.at));
	copy.end = cursor_left(&data.at) - len;
	wire_writer_init(&copy.to, at, room);
	wire_put_u16(&copy.to, 0); /* the length, once it is known */
	for (size_t i = 0; format->fields[i] != FIELD_NONE; i++)
		if (!copy_field(&copy, format->fields[i]))
			return false;
	/* A name may have run on past the end. */
	if (cursor_left(&copy.from.at) != copy.end)
		return false;

	if (copy.untold || wire_is_overfull(&copy.to) ||
	    records->n == RECORDS_MAX) {
		records->left_out = true;
		return true;
	}
	len = copy.to.len;
	wire_writer_init(&copy.to, at, room);
	wire_put_u16(&copy.to, (unsigned)(len - 2));
	records->len += len;
	records->n++;
	return true;
}

const uint8_t *records_next(const struct records *records, size_t *at,
			    size_t *len)
{
	struct cursor c = cursor_over(records->bytes + *at, records->len - *at);
	const uint8_t *data;

	if (cursor_left(&c) == 0)
		return NULL;
	*len = cursor_u16(&c);
	data = cursor_bytes(&c, *len);
	*at = records->len - cursor_left(&c);
	return data;
}
