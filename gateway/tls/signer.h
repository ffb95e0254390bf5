/*
 * signer.h - the process that holds the CA's key
 *
 * The signer makes this run's certificate authority when it first starts and
 * signs leaves for the workers: at most so many a second, with a quota of
 * their own for those that only let a refusal be read. It talks over one
 * SOCK_SEQPACKET socket pair with each worker and over nothing else.
 *
 * The key outlives a signer that crashes: it lies in a memfd of which PID 1
 * holds the descriptor, never a mapping. No file and no other process sees it.
 */
#ifndef SLUICE_SIGNER_H
#define SLUICE_SIGNER_H

#include "ca.h"
#include "domain.h"
#include "mint.h"

#include <stddef.h>

#define SIGNER_CHANNELS_MAX 64
#define SIGNER_REQUEST_MAX (1 + 4 + 1 + DOMAIN_MAX)
#define SIGNER_ANSWER_MAX (1 + 4 + 1 + MINT_DER_MAX)

/* Leaves for a channel, on the monotonic clock: at once, and then a second. */
#define SIGNER_WORK_BURST 1000
#define SIGNER_WORK_PER_S 100
#define SIGNER_REFUSAL_BURST 200
#define SIGNER_REFUSAL_PER_S 20

enum signer_message {
	SIGNER_HELLO = 1,
	SIGNER_SIGN,
};

enum signer_status {
	SIGNER_REFUSED = 0, /* above the quota, or the clock is far off */
	SIGNER_SIGNED,
};

/* What a worker says. */
struct signer_request {
	enum signer_message message;
	uint8_t spki[MINT_SPKI_LEN]; /* of HELLO */
	uint32_t id;                 /* this and the rest: of SIGN */
	enum ca_quota quota;
	struct domain name;
};

/* True only for bytes that signer_request_write() could have written. */
MUST_CHECK bool signer_request_parse(struct signer_request *request,
				     const uint8_t *bytes, size_t len);

/* Returns the length. */
size_t signer_request_write(const struct signer_request *request,
			    uint8_t bytes[SIGNER_REQUEST_MAX]);

/*
 * An empty memfd for signer_run(), of a size that nobody can change. Returns
 * it or -errno.
 */
MUST_CHECK int signer_vault(void);

/*
 * The signer's life, from just after fork: makes or reads the CA in @vault,
 * isolates itself, serves @n channels, at most SIGNER_CHANNELS_MAX, until all
 * are closed, and exits with 0. A signer that dies before the CA is whole
 * leaves a vault that counts as empty; once it is whole, nobody can write to
 * it any more. Dies if the vault holds what is no sound CA.
 */
NORETURN void signer_run(int vault, const int *channels, size_t n);

#endif
