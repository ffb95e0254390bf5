/*
 * tls_hello.h - the first flight of TLS, read without speaking it (sans-I/O)
 *
 * A reader is fed the bytes one side sent, in any pieces, and reassembles the
 * first handshake message from however many records carry it:
 *
 *	MORE ---> MORE ... ---> DONE	the message is whole and sound
 *	  \------------------> BAD	it is not, and waiting will not help
 *
 * What OpenSSL would refuse, or two implementations could read differently,
 * is BAD: duplicate extensions, a server_name list that is not exactly one
 * sound host_name, lengths that disagree, bytes left over, records that are
 * empty, too long, or of another type, a ClientHello that does not end with
 * its record. GREASE and unknown values are passed over (RFC 8701).
 *
 * The work is linear in the bytes fed, however they are cut, and the memory
 * held follows what was sent, not what a length claims.
 */
#ifndef SLUICE_TLS_HELLO_H
#define SLUICE_TLS_HELLO_H

#include "domain.h"

#include <stdint.h>

#define TLS_HELLO_MAX 65536   /* bytes of handshake message, header included */
#define TLS_HELLO_RECORDS 128 /* records it may be spread over */

enum tls_read {
	TLS_READ_MORE = 0,
	TLS_READ_DONE,
	TLS_READ_BAD,
};

/* Why a ClientHello is BAD; decides the alert. */
enum tls_fault {
	TLS_FAULT_NONE = 0,
	TLS_FAULT_NOT_TLS,   /* the first bytes are no TLS record */
	TLS_FAULT_MALFORMED, /* decode_error */
	TLS_FAULT_NAME,      /* server_name is not one sound host name */
	TLS_FAULT_TOO_LONG,  /* for the two limits above, or for our memory */
	TLS_FAULT_VERSION,   /* no TLS 1.2 or newer is offered */
};

struct tls_client_hello {
	struct domain name; /* len 0 if there is no server_name */
	bool has_h2, has_http11, has_alpn;
	bool has_early_data, has_ech, has_psk;
	bool offers_tls13;
	/* The ALPN extension's protocol list, as sent, to compare two hellos. */
	uint8_t alpn[256];
	size_t alpn_len; /* SIZE_MAX if it is longer than that */
};

/* Owns @message. Zeroed is ready; tls_reader_done() frees, and zeroes. */
struct tls_reader {
	uint8_t *message; /* what there is of it */
	size_t len, cap;
	size_t record_left; /* of the record being read */
	uint8_t header[5];  /* of that record, or so far of the next */
	size_t header_len;
	unsigned records;
	/* Records before it that are passed over, if they are wanted: */
	bool skip_ccs;      /* change_cipher_spec */
	bool skip_warnings; /* alerts that are not fatal */
	enum tls_fault fault;
};

/*
 * Feeds @len bytes. @used, if not NULL, is set to how many belong to the
 * message and the records before its end: at DONE the rest has not been
 * looked at. After BAD (reader->fault says why) it stays BAD.
 */
MUST_CHECK enum tls_read tls_reader_feed(struct tls_reader *reader,
					 const uint8_t *bytes, size_t len,
					 size_t *used);
void tls_reader_done(struct tls_reader *reader);

/* At DONE: the message as a ClientHello. False sets reader->fault for good. */
MUST_CHECK bool tls_client_hello_parse(struct tls_reader *reader,
				       struct tls_client_hello *hello);

/*
 * The same for the body of a ClientHello's server_name extension alone, as
 * OpenSSL hands it out: false unless it is one sound host_name.
 */
MUST_CHECK bool tls_server_name_parse(const uint8_t *bytes, size_t len,
				      struct domain *name);

enum tls_server_first {
	TLS_SERVER_OTHER = 0, /* not a ServerHello: an alert, or nonsense */
	TLS_SERVER_HELLO,
	TLS_SERVER_RETRY, /* HelloRetryRequest, RFC 8446 4.1.4 */
};

/* At DONE, or at BAD for a first record of another type. */
enum tls_server_first tls_server_first(const struct tls_reader *reader);

/*
 * Whether HTTP/2 or HTTP/1.1 is offered, or no ALPN at all, which means the
 * latter. Not where the list was too long to keep.
 */
bool tls_client_hello_offers_http(const struct tls_client_hello *hello);

/*
 * Whether the second hello may follow the first: same name, same ALPN. Lists
 * of protocols that were too long to keep do not agree.
 */
bool tls_client_hello_agrees(const struct tls_client_hello *first,
			     const struct tls_client_hello *second);

/* A fatal alert in a TLS record of its own: 7 bytes. */
#define TLS_ALERT_LEN 7
#define TLS_ALERT_HANDSHAKE_FAILURE 40
#define TLS_ALERT_ACCESS_DENIED 49
#define TLS_ALERT_DECODE_ERROR 50
#define TLS_ALERT_PROTOCOL_VERSION 70
#define TLS_ALERT_UNRECOGNIZED_NAME 112
#define TLS_ALERT_NO_APPLICATION_PROTOCOL 120
#define TLS_ALERT_ECH_REQUIRED 121
void tls_alert_write(uint8_t record[TLS_ALERT_LEN], uint8_t description);

#endif
