/*
 * sniff.h - from the first bytes: which protocol, which name (sans-I/O)
 *
 *	MORE ---> MORE ---> TLS	    a sound ClientHello, whole
 *	   \            \-> HTTP    a method and where a target begins
 *	    \------------> HTTP2   its preface, whole
 *	     \-----------> OTHER   none: nothing that can be judged
 *	      \----------> BAD	    TLS, but unsound; sniff->reader.fault
 *
 * The bytes are kept, for whoever reads them next.
 */
#ifndef SLUICE_SNIFF_H
#define SLUICE_SNIFF_H

#include "tls/tls_hello.h"

/* Records of TLS_HELLO_MAX in all, and their headers. */
#define SNIFF_MAX (TLS_HELLO_MAX + 5 * TLS_HELLO_RECORDS)

#define SNIFF_METHOD_MAX 24 /* letters; the longest registered has 17 */

enum sniffed {
	SNIFF_MORE = 0,
	SNIFF_TLS,
	SNIFF_HTTP,
	SNIFF_HTTP2,
	SNIFF_OTHER,
	SNIFF_BAD,
};

struct sniff {
	struct tls_reader reader;
	struct tls_client_hello hello; /* after SNIFF_TLS */
	uint8_t *bytes;                /* all that was fed */
	size_t len, cap;
	size_t hello_len; /* of them, the ClientHello and its records */
	enum sniffed sniffed;
};

struct sniff *sniff_new(void);
void sniff_free(struct sniff *sniff);

/* Feeds @len more bytes. Bytes behind what was found are kept too. */
MUST_CHECK enum sniffed sniff_feed(struct sniff *sniff, const uint8_t *bytes,
				   size_t len);

#endif
