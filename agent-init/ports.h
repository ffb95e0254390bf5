/*
 * ports.h - the named wires between a virtual machine and its host
 *
 * virtio-serial ports are numbered by the kernel, in the order in which they
 * happen to appear, and named by the host. Where nobody runs udev, the links
 * by name below /dev/virtio-ports are made here.
 *
 * A port is opened by one process at a time: while we hold it, nobody else on
 * the machine can open it, whoever he is.
 */
#ifndef SLUICE_PORTS_H
#define SLUICE_PORTS_H

#include "attributes.h"

#include <stdint.h>

#define PORTS_FOLDER "/dev/virtio-ports/"
#define PORTS_NAME_MAX 64 /* with its NUL */

/*
 * Waits until @deadline (deadline.h) for the port that @path would be a link
 * to, and makes the link. Returns 0 at once for a path that is elsewhere, and
 * -ENXIO at once if the machine has no ports at all; -ETIMEDOUT, or another
 * -errno, on failure.
 */
MUST_CHECK int ports_await(const char *path, int64_t deadline);

/*
 * Waits for the port @name, opens it without blocking, and waits until the
 * host has done the same at its end. Returns a descriptor or -errno.
 */
MUST_CHECK int ports_open(const char *name, int64_t deadline);

#endif
