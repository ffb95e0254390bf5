/*
 * control.h - how PID 1 hands a new manifest to the workers
 *
 * Over a SOCK_SEQPACKET socket pair with each worker goes one message: a
 * generation number and, as ancillary data, a sealed memfd with the
 * manifest's text, which PID 1 has parsed and found good. The worker parses
 * it again, puts it in force, and answers with the same number.
 */
#ifndef SLUICE_CONTROL_H
#define SLUICE_CONTROL_H

#include "manifest.h"

/* A sealed memfd with a copy of @text. Returns it or -errno. */
MUST_CHECK int control_seal(const char *text, size_t len);

/* Returns 0 or -errno. */
MUST_CHECK int control_send(int fd, int memfd, uint32_t generation);

/*
 * Returns 1 with @memfd, which the caller closes, and @generation set; 0 if
 * the other end is closed; -errno, also for what is no such message.
 */
MUST_CHECK int control_receive(int fd, int *memfd, uint32_t *generation);

void control_acknowledge(int fd, uint32_t generation);

/* As manifest_parse(), of what lies in @memfd. */
MUST_CHECK struct policy *control_read_manifest(int memfd,
						struct manifest_errors *errors);

#endif
