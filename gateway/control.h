/*
 * control.h - how PID 1 hands a new manifest to the workers
 *
 * Over a SOCK_SEQPACKET socket pair with each worker goes one message: a
 * generation number, the text of the secrets that go with it and, as ancillary
 * data, a sealed memfd with the manifest's text. PID 1 has parsed both and
 * found them good. The worker parses them again, puts them in force, and
 * answers with the same number.
 */
#ifndef SLUICE_CONTROL_H
#define SLUICE_CONTROL_H

#include "manifest.h"
#include "secrets.h"

/* A sealed memfd with a copy of @text. Returns it or -errno. */
MUST_CHECK int control_seal(const char *text, size_t len);

/* Returns 0 or -errno. */
MUST_CHECK int control_send(int fd, int memfd, uint32_t generation,
			    const struct secrets *secrets);

/*
 * Returns 1 with @generation set, and @memfd and @secrets, which the caller
 * closes and frees; 0 if the other end is closed; -errno, also for what is no
 * such message.
 */
MUST_CHECK int control_receive(int fd, int *memfd, uint32_t *generation,
			       struct secrets **secrets);

void control_acknowledge(int fd, uint32_t generation);

/* As manifest_parse(), of what lies in @memfd. */
MUST_CHECK struct policy *control_read_manifest(int memfd,
						struct manifest_errors *errors);

#endif
