/*
 * mint.h - the certificates we make: one authority, and leaves for one name
 *
 * The authority:
 *	CN "sluice CA <32 random hex digits>", its own issuer; 48 hours ago
 *	to 97 days from now; basicConstraints CA, pathlen 0, critical;
 *	keyUsage keyCertSign and cRLSign, critical; subjectKeyIdentifier
 *
 * A leaf:
 *	exactly one subjectAltName, the dNSName; the name as CN too if it is
 *	of at most MINT_CN_MAX characters, else an empty subject and a
 *	critical subjectAltName; basicConstraints CA:FALSE, critical; keyUsage
 *	digitalSignature, critical; extKeyUsage serverAuth;
 *	authorityKeyIdentifier, the authority's subjectKeyIdentifier; 48 hours
 *	ago to 28 days from now, and never outside the authority's own life
 *
 * Keys are P-256, signatures SHA-256, serial numbers 126 random bits. A leaf
 * takes nothing from the origin's certificate: its other names would invite
 * the agent to send requests for them here, and its status URLs lead out.
 *
 * Nothing here does I/O; the time is the caller's.
 */
#ifndef SLUICE_MINT_H
#define SLUICE_MINT_H

#include "domain.h"

#include <stdint.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#define MINT_SPKI_LEN 91  /* a P-256 SubjectPublicKeyInfo, point uncompressed */
#define MINT_CN_MAX 63    /* below X.520's 64; some count a NUL with it */
#define MINT_DER_MAX 1024 /* a leaf's or an authority's, by a wide margin */

#define MINT_BACKDATED_S (48 * 3600LL) /* for an agent whose clock is behind */
#define MINT_CA_LIFE_S (97 * 86400LL)  /* a sandbox lives 90 days at most */
#define MINT_LEAF_LIFE_S (28 * 86400LL)

/* A fresh P-256 key; NULL only for want of memory or randomness. */
EVP_PKEY *mint_key(void);

/* The authority's certificate for @key, signed with it. NULL as above. */
X509 *mint_authority(EVP_PKEY *key, time_t now);

/* Whether @spki is a P-256 key in the one encoding that we take. */
bool mint_spki_is_sound(const uint8_t *spki, size_t len);

/* The encoding of @key, which is from mint_key(). False for want of memory. */
MUST_CHECK bool mint_spki(uint8_t spki[MINT_SPKI_LEN], EVP_PKEY *key);

/* Seconds since 1970. False if @from is no sound time. */
MUST_CHECK bool mint_time(time_t *time, const ASN1_TIME *from);

/* An authority made ready to sign: what all its leaves have in common. */
struct mint;

/*
 * Takes a reference of its own to each. NULL for want of memory, or if @key
 * is not the one that @authority was made for.
 */
struct mint *mint_new(X509 *authority, EVP_PKEY *key);
void mint_free(struct mint *mint);

/*
 * A leaf for @name and the sound @spki, as DER. Returns its length; 0 for
 * want of memory or randomness, and where @now is not in the authority's life.
 */
size_t mint_leaf(struct mint *mint, const struct domain *name,
		 const uint8_t spki[MINT_SPKI_LEN], time_t now,
		 uint8_t der[MINT_DER_MAX]);

#endif
