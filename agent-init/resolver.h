/*
 * resolver.h - the gateway as the machine's only resolver
 */
#ifndef SLUICE_RESOLVER_H
#define SLUICE_RESOLVER_H

#include "address.h"
#include "attributes.h"

/*
 * Makes @path, which is /etc/resolv.conf, name the gateway and nobody else;
 * @gateway6 may be NULL. The file is written in place, since container
 * runtimes mount one over it that cannot be replaced; only a symbolic link
 * that leads nowhere is. Reports and returns -errno on failure.
 */
MUST_CHECK int resolver_write(const char *path, const struct address *gateway,
			      const struct address *gateway6);

#endif
