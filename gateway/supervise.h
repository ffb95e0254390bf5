/*
 * supervise.h - PID 1's children: started together, ended together
 *
 *	STARTING ---> SERVING ---> STARTING	one of them died
 *			    \---> ended		SIGTERM
 *
 * The audit process, the signer and the workers are one gateway. When one
 * dies, the rest are killed at once, so that nothing is carried half guarded
 * or unrecorded, and all are started again; the agent's connections are reset,
 * new ones wait in the listeners' queues, and the kernel's rules stay as they
 * are all the while.
 */
#ifndef SLUICE_SUPERVISE_H
#define SLUICE_SUPERVISE_H

#include "machine/uplink.h"
#include "secrets.h"

/*
 * Starts everything and stays until SIGTERM or SIGINT; SIGHUP reads the
 * manifest and the secrets anew. @file is the record's, @manifest text
 * that was found good; it and @secrets become its own. @uplink is looked after,
 * and done with in the end. Returns the exit status.
 */
int supervise(const struct config *config, struct audit_file *file,
	      char *manifest, size_t manifest_len, struct secrets *secrets,
	      struct uplink *uplink);

#endif
