#include "tls_hello.h"

#include "cursor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* RFC 8446 5.1 and B.1 */
#define RECORD_HEADER_LEN 5
#define RECORD_MAX 16384
#define RECORD_CHANGE_CIPHER_SPEC 20
#define RECORD_ALERT 21
#define RECORD_HANDSHAKE 22

#define ALERT_WARNING 1 /* RFC 5246 7.2 */
#define ALERT_BODY_LEN 2

/* RFC 8446 4 and B.3 */
#define MESSAGE_HEADER_LEN 4
#define MESSAGE_CLIENT_HELLO 1
#define MESSAGE_SERVER_HELLO 2

#define VERSION_TLS10 0x0301
#define VERSION_TLS12 0x0303
#define VERSION_TLS13 0x0304

#define RANDOM_LEN 32
#define SESSION_ID_MAX 32
#define MESSAGE_FIRST_CAP 2048 /* most hellos of today fit */

enum extension {
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_ALPN = 16,
	EXTENSION_PRE_SHARED_KEY = 41,
	EXTENSION_EARLY_DATA = 42,
	EXTENSION_SUPPORTED_VERSIONS = 43,
	EXTENSION_ECH = 0xfe0d,
};

/* --- records to one message --- */

static enum tls_read fail(struct tls_reader *reader, enum tls_fault fault)
{
	reader->fault = fault;
	return TLS_READ_BAD;
}

/*
 * The length of the message, header included, or of the header while that
 * is not whole: how many bytes are wanted in any case.
 */
static size_t message_wanted(const struct tls_reader *reader)
{
	struct cursor c = cursor_over(reader->message, reader->len);

	if (reader->len < MESSAGE_HEADER_LEN)
		return MESSAGE_HEADER_LEN;
	(void)cursor_u8(&c);
	return MESSAGE_HEADER_LEN + (size_t)cursor_u24(&c);
}

static bool message_is_whole(const struct tls_reader *reader)
{
	return reader->len >= MESSAGE_HEADER_LEN &&
	       reader->len == message_wanted(reader);
}

/*
 * A change_cipher_spec is dropped where RFC 8446 D.4 has it, and a warning
 * where RFC 6066 3 has it: between messages and never within one.
 */
static bool is_skipped(const struct tls_reader *reader, uint8_t type)
{
	return reader->len == 0 &&
	       ((type == RECORD_CHANGE_CIPHER_SPEC && reader->skip_ccs) ||
		(type == RECORD_ALERT && reader->skip_warnings));
}

static bool is_len_sound(uint8_t type, uint16_t len)
{
	switch (type) {
	case RECORD_CHANGE_CIPHER_SPEC:
		return len == 1;
	case RECORD_ALERT:
		return len == ALERT_BODY_LEN;
	default:
		return len > 0 && len <= RECORD_MAX;
	}
}

/*
 * Judges what is there of a record's header at every byte of it, so that a
 * peer which does not speak TLS is known for it without a whole header.
 */
static enum tls_fault header_fault(const struct tls_reader *reader)
{
	/* Nothing seen so far showed that this is TLS at all. */
	bool first = reader->records == 0;
	struct cursor c = cursor_over(reader->header, reader->header_len);
	uint8_t type = cursor_u8(&c);
	uint16_t version, len;

	if (type != RECORD_HANDSHAKE && !is_skipped(reader, type))
		return first ? TLS_FAULT_NOT_TLS : TLS_FAULT_MALFORMED;
	if (reader->header_len >= 2 && reader->header[1] != 3)
		return first ? TLS_FAULT_NOT_TLS : TLS_FAULT_MALFORMED;
	if (reader->header_len < 3)
		return TLS_FAULT_NONE;
	version = cursor_u16(&c);
	if (version < VERSION_TLS10 || version > VERSION_TLS12)
		return TLS_FAULT_VERSION;
	if (reader->header_len < RECORD_HEADER_LEN)
		return TLS_FAULT_NONE;
	len = cursor_u16(&c);
	if (!is_len_sound(type, len))
		return TLS_FAULT_MALFORMED;
	return TLS_FAULT_NONE;
}

/* Takes bytes of a record's header; *record_left is set once it is whole. */
static enum tls_fault feed_header(struct tls_reader *reader, struct cursor *c)
{
	struct cursor header;
	enum tls_fault fault;

	while (reader->header_len < RECORD_HEADER_LEN) {
		if (cursor_left(c) == 0)
			return TLS_FAULT_NONE;
		reader->header[reader->header_len++] = cursor_u8(c);
		fault = header_fault(reader);
		if (fault != TLS_FAULT_NONE)
			return fault;
	}
	if (reader->records == TLS_HELLO_RECORDS)
		return TLS_FAULT_TOO_LONG;
	reader->records++;
	header = cursor_over(reader->header, RECORD_HEADER_LEN);
	(void)cursor_u24(&header);
	reader->record_left = cursor_u16(&header);
	return TLS_FAULT_NONE;
}

/* Doubles, so that memory follows what was sent and not what was claimed. */
static bool message_reserve(struct tls_reader *reader, size_t n)
{
	size_t cap = reader->cap ? reader->cap : MESSAGE_FIRST_CAP;
	uint8_t *message;

	assert(n <= TLS_HELLO_MAX - reader->len);
	while (cap < reader->len + n)
		cap *= 2;
	if (cap == reader->cap)
		return true;
	message = realloc(reader->message, cap);
	if (!message)
		return false;
	reader->message = message;
	reader->cap = cap;
	return true;
}

/* Takes what is there of the message's next piece from the current record. */
static enum tls_fault feed_message(struct tls_reader *reader, struct cursor *c)
{
	size_t n = message_wanted(reader) - reader->len;

	if (n > reader->record_left)
		n = reader->record_left;
	if (n > cursor_left(c))
		n = cursor_left(c);
	if (n > 0) {
		if (!message_reserve(reader, n))
			return TLS_FAULT_TOO_LONG; /* for us, now */
		memcpy(reader->message + reader->len, cursor_bytes(c, n), n);
	}
	reader->len += n;
	reader->record_left -= n;

	if (reader->len > 0 && reader->message[0] != MESSAGE_CLIENT_HELLO &&
	    reader->message[0] != MESSAGE_SERVER_HELLO)
		return TLS_FAULT_MALFORMED;
	if (message_wanted(reader) > TLS_HELLO_MAX)
		return TLS_FAULT_TOO_LONG;
	/*
	 * A ClientHello ends its record (RFC 8446 5.1). A ServerHello of TLS
	 * 1.2 need not: its Certificate may share the record.
	 */
	if (message_is_whole(reader) && reader->record_left > 0 &&
	    reader->message[0] == MESSAGE_CLIENT_HELLO)
		return TLS_FAULT_MALFORMED;
	return TLS_FAULT_NONE;
}

static enum tls_fault feed_ccs(struct tls_reader *reader, struct cursor *c)
{
	if (cursor_u8(c) != 1)
		return TLS_FAULT_MALFORMED;
	reader->record_left = 0;
	return TLS_FAULT_NONE;
}

/* A fatal one is the last that there is: no message follows. */
static enum tls_fault feed_alert(struct tls_reader *reader, struct cursor *c)
{
	bool is_level = reader->record_left == ALERT_BODY_LEN;
	uint8_t byte = cursor_u8(c);

	if (is_level && byte != ALERT_WARNING)
		return TLS_FAULT_MALFORMED;
	reader->record_left--;
	return TLS_FAULT_NONE;
}

static enum tls_fault feed_body(struct tls_reader *reader, struct cursor *c)
{
	switch (reader->header[0]) {
	case RECORD_CHANGE_CIPHER_SPEC:
		return feed_ccs(reader, c);
	case RECORD_ALERT:
		return feed_alert(reader, c);
	default:
		return feed_message(reader, c);
	}
}

static enum tls_fault feed_some(struct tls_reader *reader, struct cursor *c)
{
	enum tls_fault fault;

	if (reader->header_len < RECORD_HEADER_LEN)
		return feed_header(reader, c);
	fault = feed_body(reader, c);
	if (fault == TLS_FAULT_NONE && reader->record_left == 0)
		reader->header_len = 0;
	return fault;
}

enum tls_read tls_reader_feed(struct tls_reader *reader, const uint8_t *bytes,
			      size_t len, size_t *used)
{
	struct cursor c = cursor_over(bytes, len);
	enum tls_fault fault = reader->fault;

	while (fault == TLS_FAULT_NONE && !message_is_whole(reader) &&
	       cursor_left(&c) > 0)
		fault = feed_some(reader, &c);
	if (used)
		*used = len - cursor_left(&c);
	if (fault != TLS_FAULT_NONE)
		return fail(reader, fault);
	return message_is_whole(reader) ? TLS_READ_DONE : TLS_READ_MORE;
}

void tls_reader_done(struct tls_reader *reader)
{
	free(reader->message);
	*reader = (struct tls_reader){ 0 };
}

/* --- the ClientHello --- */

/* One bit for every extension type there can be: 8 KiB, no nested loop. */
struct extension_set {
	uint64_t bits[65536 / 64];
};

/* False if @type was in the set already. */
static bool extension_set_add(struct extension_set *set, uint16_t type)
{
	uint64_t bit = UINT64_C(1) << (type % 64);

	if (set->bits[type / 64] & bit)
		return false;
	set->bits[type / 64] |= bit;
	return true;
}

/* A cursor that was read to its end, and no further. */
static bool is_spent(const struct cursor *c)
{
	return !c->failed && cursor_left(c) == 0;
}

static bool parse_alpn(struct cursor body, struct tls_client_hello *hello)
{
	struct cursor list = cursor_take(&body, cursor_u16(&body));
	struct cursor whole = list;
	size_t len = cursor_left(&list);

	if (!is_spent(&body) || len == 0)
		return false;
	while (cursor_left(&list) > 0) {
		size_t n = cursor_u8(&list);
		const uint8_t *protocol = cursor_bytes(&list, n);

		if (!protocol || n == 0)
			return false;
		if (n == 2 && memcmp(protocol, "h2", 2) == 0)
			hello->has_h2 = true;
		if (n == 8 && memcmp(protocol, "http/1.1", 8) == 0)
			hello->has_http11 = true;
	}
	hello->has_alpn = true;
	hello->alpn_len = SIZE_MAX;
	if (len <= sizeof(hello->alpn)) {
		memcpy(hello->alpn, cursor_bytes(&whole, len), len);
		hello->alpn_len = len;
	}
	return true;
}

/* @sound is set if TLS 1.2 or 1.3 is among the versions. */
static bool parse_versions(struct cursor body, bool *sound, bool *tls13)
{
	struct cursor list = cursor_take(&body, cursor_u8(&body));

	if (!is_spent(&body) || cursor_left(&list) == 0)
		return false;
	*sound = false;
	while (cursor_left(&list) > 0) {
		uint16_t version = cursor_u16(&list);

		if (version == VERSION_TLS12 || version == VERSION_TLS13)
			*sound = true;
		if (version == VERSION_TLS13)
			*tls13 = true;
	}
	return !list.failed;
}

/* RFC 8446 4.2.11; what is in the two lists is between the ends. */
static bool parse_psk(struct cursor body)
{
	struct cursor identities = cursor_take(&body, cursor_u16(&body));
	struct cursor binders = cursor_take(&body, cursor_u16(&body));

	return is_spent(&body) && cursor_left(&identities) > 0 &&
	       cursor_left(&binders) > 0;
}

/* @version_sound: whether TLS 1.2 or 1.3 is offered, as far as is known. */
static enum tls_fault parse_extension(uint16_t type, struct cursor body,
				      struct tls_client_hello *hello,
				      bool *version_sound)
{
	const size_t len = cursor_left(&body);
	bool sound = true;

	switch (type) {
	case EXTENSION_SERVER_NAME:
		if (!tls_server_name_parse(cursor_bytes(&body, len), len,
					   &hello->name))
			return TLS_FAULT_NAME;
		break;
	case EXTENSION_ALPN:
		sound = parse_alpn(body, hello);
		break;
	case EXTENSION_SUPPORTED_VERSIONS:
		/* Where it is, legacy_version counts for nothing: 4.2.1 */
		sound = parse_versions(body, version_sound,
				       &hello->offers_tls13);
		break;
	case EXTENSION_EARLY_DATA:
		hello->has_early_data = true;
		sound = len == 0;
		break;
	case EXTENSION_PRE_SHARED_KEY:
		hello->has_psk = true;
		sound = parse_psk(body);
		break;
	case EXTENSION_ECH:
		hello->has_ech = true;
		break;
	default: /* GREASE, and what does not concern the gateway */
		break;
	}
	return sound ? TLS_FAULT_NONE : TLS_FAULT_MALFORMED;
}

static enum tls_fault parse_extensions(struct cursor list,
				       struct tls_client_hello *hello,
				       bool *version_sound)
{
	struct extension_set seen = { 0 };

	while (cursor_left(&list) > 0) {
		uint16_t type = cursor_u16(&list);
		struct cursor body = cursor_take(&list, cursor_u16(&list));
		enum tls_fault fault;

		/* pre_shared_key is the last one: RFC 8446 4.2.11 */
		if (list.failed || hello->has_psk ||
		    !extension_set_add(&seen, type))
			return TLS_FAULT_MALFORMED;
		fault = parse_extension(type, body, hello, version_sound);
		if (fault != TLS_FAULT_NONE)
			return fault;
	}
	return list.failed ? TLS_FAULT_MALFORMED : TLS_FAULT_NONE;
}

/* Compression is long gone; offering none of it is not (RFC 5246 7.4.1.2). */
static bool offers_no_compression(struct cursor methods)
{
	while (cursor_left(&methods) > 0)
		if (cursor_u8(&methods) == 0)
			return true;
	return false;
}

static enum tls_fault parse_client_hello(const struct tls_reader *reader,
					 struct tls_client_hello *hello)
{
	struct cursor message = cursor_over(reader->message, reader->len);
	uint8_t type = cursor_u8(&message);
	struct cursor body = cursor_take(&message, cursor_u24(&message));
	uint16_t version = cursor_u16(&body);
	struct cursor id, suites, methods, extensions = { 0 };
	bool version_sound = version >= VERSION_TLS12 && version >> 8 == 3;
	enum tls_fault fault;

	(void)cursor_bytes(&body, RANDOM_LEN);
	id = cursor_take(&body, cursor_u8(&body));
	suites = cursor_take(&body, cursor_u16(&body));
	methods = cursor_take(&body, cursor_u8(&body));
	if (cursor_left(&body) > 0) /* TLS 1.2 may do without */
		extensions = cursor_take(&body, cursor_u16(&body));

	if (type != MESSAGE_CLIENT_HELLO || !is_spent(&message) ||
	    !is_spent(&body) || cursor_left(&id) > SESSION_ID_MAX ||
	    cursor_left(&suites) == 0 || cursor_left(&suites) % 2 != 0 ||
	    !offers_no_compression(methods))
		return TLS_FAULT_MALFORMED;
	fault = parse_extensions(extensions, hello, &version_sound);
	if (fault == TLS_FAULT_NONE && !version_sound)
		return TLS_FAULT_VERSION;
	return fault;
}

bool tls_client_hello_parse(struct tls_reader *reader,
			    struct tls_client_hello *hello)
{
	struct tls_client_hello parsed = { 0 };

	assert(reader->fault == TLS_FAULT_NONE && message_is_whole(reader));
	reader->fault = parse_client_hello(reader, &parsed);
	if (reader->fault != TLS_FAULT_NONE)
		return false;
	*hello = parsed;
	return true;
}

bool tls_server_name_parse(const uint8_t *bytes, size_t len,
			   struct domain *name)
{
	struct cursor body = cursor_over(bytes, len);
	struct cursor list = cursor_take(&body, cursor_u16(&body));
	uint8_t type = cursor_u8(&list);
	struct cursor host = cursor_take(&list, cursor_u16(&list));
	size_t host_len = cursor_left(&host);

	/* RFC 6066 3 has one name of each type, and only ever one type. */
	if (type != 0 || !is_spent(&body) || !is_spent(&list) || host_len == 0)
		return false;
	return domain_parse(name, (const char *)cursor_bytes(&host, host_len),
			    host_len);
}

/* --- the server's first message --- */

enum tls_server_first tls_server_first(const struct tls_reader *reader)
{
	/* The SHA-256 of "HelloRetryRequest": RFC 8446 4.1.3 */
	static const uint8_t retry[RANDOM_LEN] = {
		0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
		0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
		0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
		0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
	};
	struct cursor message = cursor_over(reader->message, reader->len);
	const uint8_t *random;

	if (reader->fault != TLS_FAULT_NONE || !message_is_whole(reader) ||
	    cursor_u8(&message) != MESSAGE_SERVER_HELLO)
		return TLS_SERVER_OTHER;
	(void)cursor_u24(&message);
	(void)cursor_u16(&message); /* legacy_version */
	random = cursor_bytes(&message, RANDOM_LEN);
	if (!random)
		return TLS_SERVER_OTHER;
	return memcmp(random, retry, RANDOM_LEN) == 0 ? TLS_SERVER_RETRY
						      : TLS_SERVER_HELLO;
}

bool tls_client_hello_offers_http(const struct tls_client_hello *hello)
{
	return !hello->has_alpn || ((hello->has_h2 || hello->has_http11) &&
				    hello->alpn_len != SIZE_MAX);
}

bool tls_client_hello_agrees(const struct tls_client_hello *first,
			     const struct tls_client_hello *second)
{
	if (first->name.len != second->name.len ||
	    memcmp(first->name.name, second->name.name, first->name.len) != 0)
		return false;
	if (first->has_alpn != second->has_alpn)
		return false;
	/* Lists too long to be kept cannot be compared, and so do not agree. */
	return first->alpn_len != SIZE_MAX &&
	       first->alpn_len == second->alpn_len &&
	       memcmp(first->alpn, second->alpn, first->alpn_len) == 0;
}

void tls_alert_write(uint8_t record[TLS_ALERT_LEN], uint8_t description)
{
	const uint8_t alert[TLS_ALERT_LEN] = {
		RECORD_ALERT, 3, 3, 0, 2, 2 /* fatal */, description
	};

	memcpy(record, alert, TLS_ALERT_LEN);
}
