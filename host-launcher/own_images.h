/*
 * own_images.h - the images that we write: the gateway's, and sluice-init's
 *
 * Both have one program and what it needs, all taken from this host: no shell,
 * no package manager, no user but root, who the gateway stops being by itself.
 */
#ifndef SLUICE_OWN_IMAGES_H
#define SLUICE_OWN_IMAGES_H

#include "attributes.h"

#define OWN_IMAGES_PROGRAM_MAX ((size_t)256 << 20) /* or library */
#define OWN_IMAGES_TRUST_MAX ((size_t)16 << 20)

/*
 * /sluice-gateway with its libraries and their loader, and the host's bundle of
 * CA certificates. The public suffix list is part of a library. Written as by
 * layout_write(); 0, or -errno after saying why.
 */
MUST_CHECK int own_images_gateway(const char *out);

/* /sluice-init, which is static, to run as an agent's entrypoint. */
MUST_CHECK int own_images_init(const char *out);

#endif
