/*
 * keystore.h - certificates in the form that Java reads
 *
 * Java takes no PEM for its trust store. Of what every release takes, the JKS
 * format is the simplest: a header, one entry a certificate, and a digest with
 * the password in it, for which everyone takes "changeit".
 */
#ifndef SLUICE_KEYSTORE_H
#define SLUICE_KEYSTORE_H

#include "attributes.h"

#include <stddef.h>

/*
 * A key store with the certificates in @pem, all of them trusted: for the
 * caller to free, NULL if memory is short.
 */
MUST_CHECK char *keystore_from_pem(const char *pem, size_t pem_len,
				   size_t *len);

#endif
