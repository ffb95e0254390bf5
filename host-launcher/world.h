/*
 * world.h - a small Internet that remembers everything it heard
 *
 * It stands behind the gateway of `sluice demo` in place of the real one: a
 * resolver, HTTPS origins under a certificate authority of their own, HTTP,
 * and a TCP echo. Its addresses look public, so that the gateway treats it as
 * it would the real one; they exist in its own network namespace alone.
 *
 * What it hears goes to a pipe, one line each, before it is answered:
 *
 *	dns A allowed.example
 *	tls allowed.example
 *	http allowed.example GET /
 *	echo 5 bytes
 *	packet udp 93.184.216.34 443
 *
 * The last is for whatever arrives on the wire that no service here is for.
 */
#ifndef SLUICE_WORLD_H
#define SLUICE_WORLD_H

#include "attributes.h"

#include <openssl/ssl.h>

#define WORLD_INTERFACE "world0"
#define WORLD_ROUTER4 "93.184.216.1"
#define WORLD_UPLINK4 "93.184.216.2"
#define WORLD_PREFIX4 30
#define WORLD_ROUTER6 "2606:2800:21f:cb07::1"
#define WORLD_UPLINK6 "2606:2800:21f:cb07::2"
#define WORLD_PREFIX6 126

#define WORLD_RESOLVER4 "93.184.216.53"
#define WORLD_RESOLVER6 "2606:2800:21f:cb07::53"
#define WORLD_ALLOWED4 "93.184.216.34"
#define WORLD_ALLOWED6 "2606:2800:21f:cb07::34"
#define WORLD_OTHER4 "93.184.216.35"
#define WORLD_OTHER6 "2606:2800:21f:cb07::35"
#define WORLD_ECHO4 "93.184.216.7"
#define WORLD_ECHO6 "2606:2800:21f:cb07::7"
#define WORLD_ECHO_PORT 7777

struct world {
	SSL_CTX *tls;
	int heard; /* to be read; does not block */
	int tell;  /* the world's end of it */
};

/*
 * Makes the keys and certificates, and writes that of the authority to
 * @trust_file. 0 or -errno; ends with world_done(), also after a failure.
 */
MUST_CHECK int world_init(struct world *world, const char *trust_file);
void world_done(struct world *world);

/*
 * Serves, in the network namespace of the caller, which has one interface
 * besides loopback. @data is the world: for struct backend_world.
 */
int world_play(void *data, int ready);

#endif
