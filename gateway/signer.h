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

#include "attributes.h"

#include <stddef.h>

/* An empty memfd for signer_run(). Returns it or -errno. */
MUST_CHECK int signer_vault(void);

/*
 * The signer's life, from just after fork: makes or reads the CA in @vault,
 * isolates itself, serves @n channels until all are closed.
 */
NORETURN void signer_run(int vault, const int *channels, size_t n);

#endif
