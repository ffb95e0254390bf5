#include "dns_message.h"

#include "cursor.h"
#include "wire.h"

#include <assert.h>
#include <string.h>

/* RFC 1035 4.1.1, RFC 6895 2 */
#define HEADER_LEN 12
#define FLAG_RESPONSE 0x8000
#define FLAG_TRUNCATED 0x0200
#define FLAG_RECURSION_DESIRED 0x0100
#define FLAG_RECURSION_AVAILABLE 0x0080
#define FLAG_CHECKING_DISABLED 0x0010
#define OPCODE_SHIFT 11
#define OPCODE_MASK 0xf
#define RCODE_MASK 0xf

#define POINTER_TO_QUESTION (0xc000 | HEADER_LEN) /* RFC 1035 4.1.4 */
#define CLASS_IN 1

/* RFC 6891 6.1.3, where OPT keeps these in its TTL */
#define EDNS_DO 0x8000
#define EDNS_LEN 11            /* of an OPT without options */
#define PADDING_BLOCK 128      /* RFC 8467 4.1 */
#define EDNS_OPTION_PADDING 12 /* RFC 7830 3 */
#define EDNS_OPTION_EDE 15     /* RFC 8914 2 */

/* --- reading --- */

struct header {
	uint16_t id, flags;
	uint16_t n_questions, n_answers, n_authorities, n_additionals;
};

struct record {
	struct wire_name owner;
	uint16_t type, class;
	uint32_t ttl_s;
	struct wire_reader data_at; /* names within may point anywhere before */
	struct cursor data;
};

static struct header header_read(struct cursor *c)
{
	struct header header;

	header.id = cursor_u16(c);
	header.flags = cursor_u16(c);
	header.n_questions = cursor_u16(c);
	header.n_answers = cursor_u16(c);
	header.n_authorities = cursor_u16(c);
	header.n_additionals = cursor_u16(c);
	return header;
}

static bool record_read(struct wire_reader *reader, struct record *record)
{
	uint16_t len;

	if (!wire_name_read(reader, true, &record->owner))
		return false;
	record->type = cursor_u16(&reader->at);
	record->class = cursor_u16(&reader->at);
	record->ttl_s = cursor_u32(&reader->at);
	if (record->type != DNS_TYPE_OPT && record->ttl_s > INT32_MAX)
		record->ttl_s = 0; /* RFC 2181 8 */
	len = cursor_u16(&reader->at);
	record->data_at = *reader;
	record->data = cursor_take(&reader->at, len);
	return !reader->at.failed;
}

/* The name that a record's data are, and nothing besides. */
static bool record_data_name(const struct record *record,
			     struct wire_name *name)
{
	struct wire_reader reader = record->data_at;

	return wire_name_read(&reader, true, name) &&
	       cursor_left(&record->data_at.at) - cursor_left(&reader.at) ==
		       cursor_left(&record->data);
}

static bool records_skip(struct wire_reader *reader, unsigned n)
{
	struct record record;

	while (n-- > 0)
		if (!record_read(reader, &record) ||
		    record.type == DNS_TYPE_OPT)
			return false; /* OPT is for the additional section */
	return true;
}

/* OPT as both directions need it. */
struct edns {
	bool present, dnssec_ok;
	uint16_t udp_size;
	uint8_t version, rcode_high;
};

static bool options_are_sound(struct cursor options)
{
	while (cursor_left(&options) > 0) {
		(void)cursor_u16(&options);
		(void)cursor_bytes(&options, cursor_u16(&options));
	}
	return !options.failed;
}

/* Reads the additional section, of which only OPT counts, to the very end. */
static bool edns_read(struct wire_reader *reader, unsigned n_records,
		      struct edns *edns)
{
	struct record record;

	*edns = (struct edns){ 0 };
	while (n_records-- > 0) {
		if (!record_read(reader, &record))
			return false;
		if (record.type != DNS_TYPE_OPT)
			continue;
		/* RFC 6891 6.1.1: at most one, owned by the root */
		if (edns->present || record.owner.len != 1 ||
		    !options_are_sound(record.data))
			return false;
		*edns = (struct edns){
			.present = true,
			.udp_size = record.class,
			.rcode_high = (uint8_t)(record.ttl_s >> 24),
			.version = (uint8_t)(record.ttl_s >> 16),
			.dnssec_ok = record.ttl_s & EDNS_DO,
		};
	}
	return cursor_left(&reader->at) == 0;
}

static bool has_too_many_records(const struct header *header)
{
	return (unsigned)header->n_answers + header->n_authorities +
		       header->n_additionals >
	       DNS_RECORDS_MAX;
}

/* --- the agent's question --- */

static bool question_read(struct wire_reader *reader, struct dns_query *query)
{
	struct cursor start = reader->at;
	struct wire_name name;
	size_t len;

	if (!wire_name_read(reader, false, &name))
		return false;
	query->type = cursor_u16(&reader->at);
	query->class = cursor_u16(&reader->at);
	if (reader->at.failed)
		return false;
	len = cursor_left(&start) - cursor_left(&reader->at);
	memcpy(query->question, cursor_bytes(&start, len), len);
	query->question_len = len;
	wire_name_to_domain(&name, &query->name);
	return true;
}

static uint16_t clamp_udp_size(uint16_t size)
{
	if (size < DNS_PLAIN_MAX)
		return DNS_PLAIN_MAX;
	return size > DNS_UDP_MAX ? DNS_UDP_MAX : size;
}

/* What is wrong with the query, after its header's first two fields. */
static enum dns_rcode query_read(struct wire_reader *reader,
				 const struct header *header,
				 struct dns_query *query)
{
	struct edns edns;

	if (query->opcode != 0)
		return DNS_NOTIMP;
	if (header->n_questions != 1 || has_too_many_records(header) ||
	    !question_read(reader, query))
		return DNS_FORMERR;
	if (!records_skip(reader, (unsigned)header->n_answers +
					  header->n_authorities) ||
	    !edns_read(reader, header->n_additionals, &edns))
		return DNS_FORMERR;
	if (edns.present) {
		query->edns = true;
		query->dnssec_ok = edns.dnssec_ok;
		query->udp_size = clamp_udp_size(edns.udp_size);
	}
	if (edns.version != 0)
		return DNS_BADVERS;
	return query->class == CLASS_IN ? DNS_NOERROR : DNS_REFUSED;
}

enum dns_parsed dns_query_parse(const uint8_t *bytes, size_t len,
				struct dns_query *query, enum dns_rcode *rcode)
{
	struct wire_reader reader = { cursor_over(bytes, len),
				      cursor_over(bytes, len) };
	struct header header = header_read(&reader.at);
	enum dns_rcode wrong;

	if (reader.at.failed || header.flags & FLAG_RESPONSE)
		return DNS_PARSED_DROP;
	*query = (struct dns_query){
		.id = header.id,
		.opcode = header.flags >> OPCODE_SHIFT & OPCODE_MASK,
		.recursion_desired = header.flags & FLAG_RECURSION_DESIRED,
		.checking_disabled = header.flags & FLAG_CHECKING_DISABLED,
		.udp_size = DNS_PLAIN_MAX,
	};
	wrong = query_read(&reader, &header, query);
	if (wrong == DNS_NOERROR)
		return DNS_PARSED_QUERY;
	*rcode = wrong;
	return DNS_PARSED_ERROR;
}

/* --- writing --- */

/* Whether @address is what the question asks for. */
static bool answers(const struct dns_query *query,
		    const struct address *address)
{
	return (query->type == DNS_TYPE_A && address->family == AF_INET) ||
	       (query->type == DNS_TYPE_AAAA && address->family == AF_INET6);
}

/* One that is owned by the name itself. */
static void put_record(struct wire_writer *w, uint16_t type, uint32_t ttl_s,
		       const uint8_t *data, size_t len)
{
	wire_put_u16(w, POINTER_TO_QUESTION);
	wire_put_u16(w, type);
	wire_put_u16(w, CLASS_IN);
	wire_put_u32(w, ttl_s);
	wire_put_u16(w, (unsigned)len);
	wire_put(w, data, len);
}

static void put_records(struct wire_writer *w, const struct dns_query *query,
			const struct dns_answer *answer)
{
	const uint8_t *data;
	size_t at = 0, len;

	for (size_t i = 0; i < answer->n_addresses; i++)
		if (answers(query, &answer->addresses[i]))
			put_record(w, query->type, answer->ttl_s,
				   answer->addresses[i].bytes,
				   query->type == DNS_TYPE_A ? 4 : 16);
	while (answer->records &&
	       (data = records_next(answer->records, &at, &len)))
		put_record(w, query->type, answer->ttl_s, data, len);
}

/*
 * Owned by the name itself: the caches behind us hold it for that name and
 * for no other. RFC 2308 3 takes the lesser of TTL and the last field.
 */
static void put_soa(struct wire_writer *w, uint32_t ttl_s)
{
	wire_put_u16(w, POINTER_TO_QUESTION);
	wire_put_u16(w, DNS_TYPE_SOA);
	wire_put_u16(w, CLASS_IN);
	wire_put_u32(w, ttl_s);
	wire_put_u16(w, 2 + 5 * 4);
	wire_put_u8(w, 0);       /* MNAME: the root */
	wire_put_u8(w, 0);       /* RNAME: likewise */
	wire_put_u32(w, 1);      /* SERIAL */
	wire_put_u32(w, 3600);   /* REFRESH */
	wire_put_u32(w, 600);    /* RETRY */
	wire_put_u32(w, 604800); /* EXPIRE */
	wire_put_u32(w, ttl_s);  /* MINIMUM */
}

static void put_opt(struct wire_writer *w, const struct dns_query *query,
		    const struct dns_answer *answer)
{
	const char *text = answer->ede_text ? answer->ede_text : "";
	size_t text_len = strnlen(text, DNS_EDE_TEXT_MAX);
	bool explained = answer->ede != DNS_EDE_NONE;
	uint32_t rcode_high = (uint32_t)answer->rcode >> 4;

	wire_put_u8(w, 0);
	wire_put_u16(w, DNS_TYPE_OPT);
	wire_put_u16(w, DNS_UDP_MAX);
	wire_put_u32(w, rcode_high << 24 | (query->dnssec_ok ? EDNS_DO : 0));
	wire_put_u16(w, explained ? (unsigned)(4 + 2 + text_len) : 0);
	if (!explained)
		return;
	wire_put_u16(w, EDNS_OPTION_EDE);
	wire_put_u16(w, (unsigned)(2 + text_len));
	wire_put_u16(w, answer->ede);
	wire_put(w, text, text_len);
}

/* The whole answer, or with @truncated no more than what is always there. */
static void put_answer(struct wire_writer *w, const struct dns_query *query,
		       const struct dns_answer *answer, bool truncated)
{
	bool full = !truncated && query->question_len > 0;
	bool soa = full && answer->soa;
	size_t n_records = full && answer->records ? answer->records->n : 0;

	for (size_t i = 0; full && i < answer->n_addresses; i++)
		n_records += answers(query, &answer->addresses[i]);

	wire_put_u16(w, query->id);
	wire_put_u16(w,
		     FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE |
			     (unsigned)query->opcode << OPCODE_SHIFT |
			     (truncated ? FLAG_TRUNCATED : 0) |
			     (query->recursion_desired ? FLAG_RECURSION_DESIRED
						       : 0) |
			     (query->checking_disabled ? FLAG_CHECKING_DISABLED
						       : 0) |
			     ((unsigned)answer->rcode & RCODE_MASK));
	wire_put_u16(w, query->question_len > 0);
	wire_put_u16(w, (unsigned)n_records);
	wire_put_u16(w, soa);
	wire_put_u16(w, query->edns);

	wire_put(w, query->question, query->question_len);
	if (full)
		put_records(w, query, answer);
	if (soa)
		put_soa(w, answer->ttl_s);
	if (query->edns)
		put_opt(w, query, answer);
}

size_t dns_answer_write(uint8_t *bytes, size_t cap,
			const struct dns_query *query,
			const struct dns_answer *answer)
{
	struct wire_writer w;

	assert(cap >= DNS_PLAIN_MAX);
	wire_writer_init(&w, bytes,
			 cap < DNS_MESSAGE_MAX ? cap : DNS_MESSAGE_MAX);
	put_answer(&w, query, answer, false);
	if (wire_is_overfull(&w)) {
		wire_writer_init(&w, bytes, w.cap);
		put_answer(&w, query, answer, true);
	}
	assert(!wire_is_overfull(&w));
	return w.len;
}

size_t dns_query_write(uint8_t *bytes, size_t cap, uint16_t id,
		       const struct domain *name, uint16_t type)
{
	struct wire_name wire;
	struct wire_writer w;

	wire_writer_init(&w, bytes, cap);
	wire_name_from_domain(&wire, name);
	wire_put_u16(&w, id);
	wire_put_u16(&w, FLAG_RECURSION_DESIRED);
	wire_put_u16(&w, 1);
	wire_put_u16(&w, 0);
	wire_put_u16(&w, 0);
	wire_put_u16(&w, 1);
	wire_put(&w, wire.bytes, wire.len);
	wire_put_u16(&w, type);
	wire_put_u16(&w, CLASS_IN);
	wire_put_u8(&w, 0);
	wire_put_u16(&w, DNS_TYPE_OPT);
	wire_put_u16(&w, DNS_UDP_MAX);
	wire_put_u32(&w, 0);
	wire_put_u16(&w, 0);
	return wire_is_overfull(&w) ? 0 : w.len;
}

size_t dns_query_drop_edns(uint8_t *query, size_t len)
{
	struct wire_writer w;

	assert(len >= HEADER_LEN + EDNS_LEN);
	wire_writer_init(&w, query + HEADER_LEN - 2, 2);
	wire_put_u16(&w, 0); /* additional records */
	return len - EDNS_LEN;
}

size_t dns_query_pad(uint8_t *query, size_t cap, size_t len)
{
	/* What dns_query_write() ends with: the length of an empty OPT. */
	size_t option = len + 4, padded = (option + PADDING_BLOCK - 1) /
					  PADDING_BLOCK * PADDING_BLOCK;
	struct wire_writer w;

	assert(len >= HEADER_LEN && padded <= cap);
	wire_writer_init(&w, query, cap);
	w.len = len - 2;
	wire_put_u16(&w, (uint16_t)(padded - len));
	wire_put_u16(&w, EDNS_OPTION_PADDING);
	wire_put_u16(&w, (uint16_t)(padded - option));
	memset(query + option, 0, padded - option);
	return padded;
}

/* Where the name of a message's first question ends; 0 if it has none. */
static size_t question_name_end(const uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_over(bytes, len);
	uint8_t n;

	(void)cursor_bytes(&c, HEADER_LEN);
	do {
		n = cursor_u8(&c);
		if (n > WIRE_LABEL_MAX)
			return 0;
		(void)cursor_bytes(&c, n);
	} while (n != 0 && !c.failed);
	return c.failed ? 0 : len - cursor_left(&c);
}

void dns_query_mix_case(uint8_t *query, size_t len,
			const uint8_t random[DNS_CASE_BYTES])
{
	size_t end = question_name_end(query, len);

	/* The length of a label is less than any letter. */
	for (size_t i = HEADER_LEN; i < end; i++) {
		size_t bit = i - HEADER_LEN;
		bool upper = random[bit / 8 % DNS_CASE_BYTES] >> bit % 8 & 1;

		query[i] = wire_lower(query[i]);
		if (upper && query[i] >= 'a' && query[i] <= 'z')
			query[i] = (uint8_t)(query[i] - 'a' + 'A');
	}
}

enum dns_echo dns_response_echo(const uint8_t *bytes, size_t len,
				const uint8_t *query, size_t query_len)
{
	struct cursor ours = cursor_over(query, query_len);
	struct cursor theirs = cursor_over(bytes, len);
	size_t end = question_name_end(query, query_len);
	struct header asked = header_read(&ours), header = header_read(&theirs);
	enum dns_echo echo = DNS_ECHO_EXACT;

	if (end == 0 || theirs.failed || header.id != asked.id ||
	    !(header.flags & FLAG_RESPONSE) || header.n_questions != 1)
		return DNS_ECHO_NONE;
	for (size_t i = HEADER_LEN; i < end; i++) {
		uint8_t a = cursor_u8(&ours), b = cursor_u8(&theirs);

		if (theirs.failed || wire_lower(a) != wire_lower(b))
			return DNS_ECHO_NONE;
		if (a != b)
			echo = DNS_ECHO_FOLDED;
	}
	if (cursor_u32(&ours) != cursor_u32(&theirs) || theirs.failed)
		return DNS_ECHO_NONE; /* type and class */
	return echo;
}

bool dns_response_minds_edns(const uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_over(bytes, len);
	struct header header = header_read(&c);

	/* Who knows it says so, whatever else is wrong. */
	return !c.failed && (header.flags & RCODE_MASK) == DNS_FORMERR &&
	       header.n_additionals == 0;
}

/* --- the response from upstream --- */

/* A response: where its sections start, and what has come of it so far. */
struct response {
	struct wire_reader answers, authorities, additionals;
	struct header header;
	struct edns edns;
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Reads all of it once, so that nothing is taken from a malformed one. */
static bool response_read(struct response *response, struct wire_reader *reader,
			  const struct wire_name *name, uint16_t type)
{
	const struct header *header = &response->header;
	struct wire_name asked;
	uint16_t asked_type, asked_class;

	response->header = header_read(&reader->at);
	if (reader->at.failed || !(header->flags & FLAG_RESPONSE) ||
	    (header->flags >> OPCODE_SHIFT & OPCODE_MASK) != 0 ||
	    header->n_questions != 1 || has_too_many_records(header))
		return false;
	if (!wire_name_read(reader, false, &asked))
		return false;
	asked_type = cursor_u16(&reader->at);
	asked_class = cursor_u16(&reader->at);
	if (!wire_name_equal(&asked, name) || asked_type != type ||
	    asked_class != CLASS_IN)
		return false;

	response->answers = *reader;
	if (!records_skip(reader, header->n_answers))
		return false;
	response->authorities = *reader;
	return records_skip(reader, header->n_authorities) &&
	       edns_read(reader, header->n_additionals, &response->edns);
}

enum alias {
	ALIAS_BAD = 0,
	ALIAS_NONE,
	ALIAS_FOLLOWED,
};

/*
 * Turns @name into what its CNAME says, if it has one. Two that differ are
 * two readings. The scan starts anew for each name, because servers do not
 * agree on the order of a chain.
 */
static enum alias follow_alias(const struct response *response,
			       struct wire_name *name, uint32_t *ttl_s)
{
	struct wire_reader reader = response->answers;
	struct wire_name target = { .len = 0 }, other;
	struct record record;

	for (unsigned i = 0; i < response->header.n_answers; i++) {
		if (!record_read(&reader, &record))
			return ALIAS_BAD;
		if (record.type != DNS_TYPE_CNAME || record.class != CLASS_IN ||
		    !wire_name_equal(&record.owner, name))
			continue;
		if (!record_data_name(&record, &other))
			return ALIAS_BAD;
		if (target.len > 0 && !wire_name_equal(&target, &other))
			return ALIAS_BAD;
		target = other;
		*ttl_s = least(*ttl_s, record.ttl_s);
	}
	if (target.len == 0)
		return ALIAS_NONE;
	*name = target;
	return ALIAS_FOLLOWED;
}

/* Turns @name into the end of its chain. A loop is a chain without end. */
static bool follow_chain(const struct response *response,
			 struct wire_name *name, uint32_t *ttl_s)
{
	for (unsigned hops = 0; hops <= DNS_CHAIN_MAX; hops++) {
		enum alias alias = follow_alias(response, name, ttl_s);

		if (alias != ALIAS_FOLLOWED)
			return alias == ALIAS_NONE;
	}
	return false;
}

/*
 * The next record of @type that @owner has; @n counts those that were read.
 * Reading them cannot fail: response_read() has done so.
 */
static bool next_of(const struct response *response, struct wire_reader *reader,
		    unsigned *n, const struct wire_name *owner, uint16_t type,
		    struct record *record)
{
	while ((*n)++ < response->header.n_answers) {
		if (!record_read(reader, record))
			return false;
		if (record->type == type && record->class == CLASS_IN &&
		    wire_name_equal(&record->owner, owner))
			return true;
	}
	return false;
}

/* The addresses of type @type that @owner has; false for an unsound one. */
static bool collect_addresses(const struct response *response,
			      const struct wire_name *owner, uint16_t type,
			      struct dns_addresses *addresses)
{
	sa_family_t family = type == DNS_TYPE_A ? AF_INET : AF_INET6;
	size_t len = type == DNS_TYPE_A ? 4 : 16;
	struct wire_reader reader = response->answers;
	struct record record;
	unsigned n = 0;

	while (next_of(response, &reader, &n, owner, type, &record)) {
		const uint8_t *bytes = cursor_bytes(&record.data, len);

		if (!bytes || cursor_left(&record.data) > 0)
			return false;
		if (addresses->n == DNS_ADDRESSES_MAX)
			break;
		addresses->list[addresses->n++] =
			address_from_bytes(family, bytes);
		addresses->ttl_s = least(addresses->ttl_s, record.ttl_s);
	}
	return true;
}

/* The same for other records. */
static bool collect_records(const struct response *response,
			    const struct wire_name *owner, uint16_t type,
			    struct records *records, uint32_t *ttl_s)
{
	struct wire_reader reader = response->answers;
	struct record record;
	unsigned n = 0;

	while (next_of(response, &reader, &n, owner, type, &record)) {
		if (!records_add(records, type, record.data_at,
				 cursor_left(&record.data)))
			return false;
		*ttl_s = least(*ttl_s, record.ttl_s);
	}
	return true;
}

/*
 * How long a negative answer for @name holds: the lesser of the SOA's TTL
 * and its MINIMUM (RFC 2308 5), if the SOA is of a zone that @name is in.
 */
static uint32_t negative_ttl(const struct response *response,
			     const struct wire_name *name)
{
	struct wire_reader reader = response->authorities;
	struct record record;
	struct wire_name mname, rname;

	for (unsigned i = 0; i < response->header.n_authorities; i++) {
		struct wire_reader data;
		uint32_t minimum;

		if (!record_read(&reader, &record))
			return 0;
		if (record.type != DNS_TYPE_SOA || record.class != CLASS_IN ||
		    !wire_name_is_within(name, &record.owner))
			continue;
		data = record.data_at;
		if (!wire_name_read(&data, true, &mname) ||
		    !wire_name_read(&data, true, &rname))
			return 0;
		(void)cursor_bytes(&data.at, 16); /* SERIAL to EXPIRE */
		minimum = cursor_u32(&data.at);
		/* The record's data must end where its last field does. */
		if (cursor_left(&data.at) != cursor_left(&reader.at))
			return 0;
		return minimum > INT32_MAX ? 0 : least(record.ttl_s, minimum);
	}
	return 0;
}

/*
 * Reads @bytes as a response to a question for @name, down to the @owner at
 * the end of its chain. FOUND: what that owner has is to be collected. At
 * NXDOMAIN there is nothing; RFC 6604 3: the code speaks of the chain's end.
 */
static enum dns_result response_follow(const uint8_t *bytes, size_t len,
				       const struct domain *name, uint16_t type,
				       struct response *response,
				       struct wire_name *owner, uint32_t *ttl_s)
{
	struct wire_reader reader = { cursor_over(bytes, len),
				      cursor_over(bytes, len) };
	unsigned rcode;

	*ttl_s = INT32_MAX;
	wire_name_from_domain(owner, name);
	if (!response_read(response, &reader, owner, type))
		return DNS_RESULT_BAD;
	rcode = (unsigned)response->edns.rcode_high << 4 |
		(response->header.flags & RCODE_MASK);
	if (rcode != DNS_NOERROR && rcode != DNS_NXDOMAIN)
		return DNS_RESULT_FAILED;
	if (!follow_chain(response, owner, ttl_s))
		return DNS_RESULT_BAD;
	return rcode == DNS_NXDOMAIN ? DNS_RESULT_NXDOMAIN : DNS_RESULT_FOUND;
}

/* What it is in the end: FOUND nothing is NODATA. */
static enum dns_result settle(const struct response *response,
			      const struct wire_name *owner,
			      enum dns_result result, size_t n, uint32_t *ttl_s)
{
	if (result == DNS_RESULT_FOUND && n > 0)
		return DNS_RESULT_FOUND;
	*ttl_s = least(*ttl_s, negative_ttl(response, owner));
	return result == DNS_RESULT_FOUND ? DNS_RESULT_NODATA : result;
}

enum dns_result dns_response_parse(const uint8_t *bytes, size_t len,
				   const struct domain *name, uint16_t type,
				   struct dns_addresses *addresses)
{
	struct dns_addresses found = { 0 };
	struct response response;
	struct wire_name owner;
	enum dns_result result;

	assert(dns_type_is_address(type));
	result = response_follow(bytes, len, name, type, &response, &owner,
				 &found.ttl_s);
	if (result != DNS_RESULT_FOUND && result != DNS_RESULT_NXDOMAIN)
		return result;
	if (!collect_addresses(&response, &owner, type, &found))
		return DNS_RESULT_BAD;
	if (result == DNS_RESULT_NXDOMAIN)
		found.n = 0;
	result = settle(&response, &owner, result, found.n, &found.ttl_s);
	*addresses = found;
	return result;
}

enum dns_result dns_response_records(const uint8_t *bytes, size_t len,
				     const struct domain *name, uint16_t type,
				     struct records *records, uint32_t *ttl_s)
{
	struct response response;
	struct wire_name owner;
	enum dns_result result;
	struct records found;
	uint32_t found_ttl_s;

	assert(records_know(type));
	found.n = found.len = 0;
	found.left_out = false;
	result = response_follow(bytes, len, name, type, &response, &owner,
				 &found_ttl_s);
	if (result != DNS_RESULT_FOUND && result != DNS_RESULT_NXDOMAIN)
		return result;
	if (!collect_records(&response, &owner, type, &found, &found_ttl_s))
		return DNS_RESULT_BAD;
	if (result == DNS_RESULT_NXDOMAIN)
		found.n = found.len = 0;
	result = settle(&response, &owner, result, found.n, &found_ttl_s);
	*records = found;
	*ttl_s = found_ttl_s;
	return result;
}
