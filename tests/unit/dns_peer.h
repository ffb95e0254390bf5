/*
 * dns_peer.h - what a resolver upstream says, for tests
 *
 * The first letter of the name that is asked for says what becomes of it.
 */
#ifndef SLUICE_DNS_PEER_H
#define SLUICE_DNS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_PEER_MAX 1024

/*
 * Answers @query in @out, which has room for DNS_PEER_MAX bytes: with an
 * address, or a text for TXT, of a TTL of 60 s unless the letter says otherwise.
 * Returns the answer's length, 0 for silence.
 */
size_t dns_peer_answer(const uint8_t *query, size_t len, bool over_tcp,
		       uint8_t *out);

/* A network namespace with nothing but a loopback. False if it cannot be. */
bool dns_peer_leave_network(void);

#endif
