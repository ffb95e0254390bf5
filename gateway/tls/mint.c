#include "mint.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define MINT_SERIAL_LEN 16
#define MINT_POINT_LEN 65 /* 0x04, x, y */

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { point } } */
static const uint8_t spki_head[MINT_SPKI_LEN - MINT_POINT_LEN + 1] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
	0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
	0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
};

/* Extensions that are the same in every leaf, encoded once. */
enum leaf_extension {
	LEAF_BASIC_CONSTRAINTS,
	LEAF_KEY_USAGE,
	LEAF_EXT_KEY_USAGE,
	LEAF_AUTHORITY_KEY,
	N_LEAF_EXTENSIONS,
};

struct mint {
	X509 *authority;
	EVP_PKEY *key;
	X509_EXTENSION *extensions[N_LEAF_EXTENSIONS];
	time_t not_before, not_after; /* the authority's */
};

EVP_PKEY *mint_key(void)
{
	return EVP_EC_gen("P-256");
}

bool mint_spki_is_sound(const uint8_t *spki, size_t len)
{
	return len == MINT_SPKI_LEN &&
	       memcmp(spki, spki_head, sizeof(spki_head)) == 0;
}

bool mint_spki(uint8_t spki[MINT_SPKI_LEN], EVP_PKEY *key)
{
	uint8_t *at = spki;

	if (i2d_PUBKEY(key, NULL) != MINT_SPKI_LEN ||
	    i2d_PUBKEY(key, &at) != MINT_SPKI_LEN)
		return false;
	return mint_spki_is_sound(spki, MINT_SPKI_LEN);
}

/* 16 bytes whose first is 0x40 to 0x7f: positive, and always as long. */
static bool set_serial(X509 *cert)
{
	uint8_t bytes[MINT_SERIAL_LEN];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
	return ASN1_STRING_set(X509_get_serialNumber(cert), bytes,
			       sizeof(bytes));
}

static bool set_life(X509 *cert, time_t from, time_t to)
{
	return ASN1_TIME_set(X509_getm_notBefore(cert), from) &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), to);
}

static bool set_common_name(X509_NAME *subject, const char *text, size_t len)
{
	return X509_NAME_add_entry_by_NID(subject, NID_commonName,
					  V_ASN1_UTF8STRING,
					  (const uint8_t *)text, (int)len, -1,
					  0);
}

static X509_EXTENSION *basic_constraints(bool is_authority)
{
	BASIC_CONSTRAINTS *value = BASIC_CONSTRAINTS_new();
	X509_EXTENSION *extension = NULL;

	if (!value)
		return NULL;
	if (is_authority) {
		value->ca = 0xff; /* DER's TRUE */
		value->pathlen = ASN1_INTEGER_new();
		if (!value->pathlen || !ASN1_INTEGER_set(value->pathlen, 0))
			goto out;
	}
	extension = X509V3_EXT_i2d(NID_basic_constraints, 1, value);
out:
	BASIC_CONSTRAINTS_free(value);
	return extension;
}

/* @usages: KU_*, of the first byte. */
static X509_EXTENSION *key_usage(uint8_t usages)
{
	ASN1_BIT_STRING *value = ASN1_BIT_STRING_new();
	X509_EXTENSION *extension = NULL;

	if (value && ASN1_BIT_STRING_set(value, &usages, 1))
		extension = X509V3_EXT_i2d(NID_key_usage, 1, value);
	ASN1_BIT_STRING_free(value);
	return extension;
}

static X509_EXTENSION *for_servers(void)
{
	EXTENDED_KEY_USAGE *value = EXTENDED_KEY_USAGE_new();
	ASN1_OBJECT *purpose = OBJ_nid2obj(NID_server_auth);
	X509_EXTENSION *extension = NULL;

	if (value && sk_ASN1_OBJECT_push(value, purpose))
		extension = X509V3_EXT_i2d(NID_ext_key_usage, 0, value);
	EXTENDED_KEY_USAGE_free(value);
	return extension;
}

/* SHA-1 of the public key, as RFC 5280 4.2.1.2 (1) has it: a label only. */
static X509_EXTENSION *subject_key(X509 *cert)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension = NULL;

	if (value && X509_pubkey_digest(cert, EVP_sha1(), digest, &len) &&
	    ASN1_OCTET_STRING_set(value, digest, (int)len))
		extension =
			X509V3_EXT_i2d(NID_subject_key_identifier, 0, value);
	ASN1_OCTET_STRING_free(value);
	return extension;
}

static X509_EXTENSION *authority_key(X509 *authority)
{
	const ASN1_OCTET_STRING *label = X509_get0_subject_key_id(authority);
	AUTHORITY_KEYID *value = AUTHORITY_KEYID_new();
	X509_EXTENSION *extension = NULL;

	if (!value || !label)
		goto out;
	value->keyid = ASN1_OCTET_STRING_dup(label);
	if (value->keyid)
		extension =
			X509V3_EXT_i2d(NID_authority_key_identifier, 0, value);
out:
	AUTHORITY_KEYID_free(value);
	return extension;
}

/*
 * Built value by value: an extension made from a configuration string would
 * let a name with a comma in it add names of its own.
 */
static X509_EXTENSION *one_name(const struct domain *name)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *general = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	X509_EXTENSION *extension = NULL;

	if (!names || !general || !text ||
	    !ASN1_STRING_set(text, name->name, (int)name->len))
		goto out;
	GENERAL_NAME_set0_value(general, GEN_DNS, text);
	text = NULL;
	if (!sk_GENERAL_NAME_push(names, general))
		goto out;
	general = NULL;
	extension = X509V3_EXT_i2d(NID_subject_alt_name,
				   name->len > MINT_CN_MAX, names);
out:
	ASN1_IA5STRING_free(text);
	GENERAL_NAME_free(general);
	GENERAL_NAMES_free(names);
	return extension;
}

/* Frees @extension, which may be NULL: then nothing was added. */
static bool add_extension(X509 *cert, X509_EXTENSION *extension)
{
	bool added = extension && X509_add_ext(cert, extension, -1);

	X509_EXTENSION_free(extension);
	return added;
}

static bool fill_authority(X509 *cert, EVP_PKEY *key, time_t now)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	char name[sizeof("sluice CA ") + 2 * (size_t)MINT_SERIAL_LEN];
	uint8_t bytes[MINT_SERIAL_LEN];
	int at = snprintf(name, sizeof(name), "sluice CA ");

	/* Unique, or clients would look for this key behind another's name. */
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++)
		at += snprintf(name + at, sizeof(name) - (size_t)at, "%02x",
			       bytes[i]);
	return X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
	       set_life(cert, now - MINT_BACKDATED_S, now + MINT_CA_LIFE_S) &&
	       set_common_name(subject, name, (size_t)at) &&
	       X509_set_issuer_name(cert, subject) &&
	       X509_set_pubkey(cert, key) &&
	       add_extension(cert, basic_constraints(true)) &&
	       add_extension(cert, key_usage(KU_KEY_CERT_SIGN | KU_CRL_SIGN)) &&
	       add_extension(cert, subject_key(cert)) &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

X509 *mint_authority(EVP_PKEY *key, time_t now)
{
	X509 *cert = X509_new();

	if (cert && !fill_authority(cert, key, now)) {
		X509_free(cert);
		cert = NULL;
	}
	return cert;
}

bool mint_time(time_t *time, const ASN1_TIME *from)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(from, &tm))
		return false;
	*time = timegm(&tm);
	return true;
}

struct mint *mint_new(X509 *authority, EVP_PKEY *key)
{
	struct mint *mint = calloc(1, sizeof(*mint));
	X509_EXTENSION **extensions;

	if (!mint)
		return NULL;
	extensions = mint->extensions;
	extensions[LEAF_BASIC_CONSTRAINTS] = basic_constraints(false);
	extensions[LEAF_KEY_USAGE] = key_usage(KU_DIGITAL_SIGNATURE);
	extensions[LEAF_EXT_KEY_USAGE] = for_servers();
	extensions[LEAF_AUTHORITY_KEY] = authority_key(authority);
	for (size_t i = 0; i < N_LEAF_EXTENSIONS; i++)
		if (!extensions[i])
			goto fail;
	if (X509_check_private_key(authority, key) != 1 ||
	    !mint_time(&mint->not_before, X509_get0_notBefore(authority)) ||
	    !mint_time(&mint->not_after, X509_get0_notAfter(authority)) ||
	    !X509_up_ref(authority))
		goto fail;
	mint->authority = authority;
	if (!EVP_PKEY_up_ref(key))
		goto fail;
	mint->key = key;
	return mint;
fail:
	mint_free(mint);
	return NULL;
}

void mint_free(struct mint *mint)
{
	if (!mint)
		return;
	for (size_t i = 0; i < N_LEAF_EXTENSIONS; i++)
		X509_EXTENSION_free(mint->extensions[i]);
	EVP_PKEY_free(mint->key);
	X509_free(mint->authority);
	free(mint);
}

/*
 * X509_set_pubkey() would encode the key and decode it again, which takes
 * longer than all the rest of a leaf. The bytes are known to be sound.
 */
static bool set_spki(X509 *cert, const uint8_t spki[MINT_SPKI_LEN])
{
	uint8_t *point =
		OPENSSL_memdup(spki + sizeof(spki_head) - 1, MINT_POINT_LEN);

	if (point &&
	    X509_PUBKEY_set0_param(
		    X509_get_X509_PUBKEY(cert),
		    OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
		    OBJ_nid2obj(NID_X9_62_prime256v1), point, MINT_POINT_LEN))
		return true;
	OPENSSL_free(point);
	return false;
}

static bool fill_leaf(struct mint *mint, X509 *cert, const struct domain *name,
		      const uint8_t spki[MINT_SPKI_LEN], time_t now)
{
	time_t from = now - MINT_BACKDATED_S, to = now + MINT_LEAF_LIFE_S;

	if (from < mint->not_before)
		from = mint->not_before;
	if (to > mint->not_after)
		to = mint->not_after;
	if (!X509_set_version(cert, X509_VERSION_3) || !set_serial(cert) ||
	    !set_life(cert, from, to) || !set_spki(cert, spki) ||
	    !X509_set_issuer_name(cert, X509_get_subject_name(mint->authority)))
		return false;
	if (name->len <= MINT_CN_MAX &&
	    !set_common_name(X509_get_subject_name(cert), name->name,
			     name->len))
		return false;
	for (size_t i = 0; i < N_LEAF_EXTENSIONS; i++)
		if (!X509_add_ext(cert, mint->extensions[i], -1))
			return false;
	return add_extension(cert, one_name(name)) &&
	       X509_sign(cert, mint->key, EVP_sha256()) > 0;
}

size_t mint_leaf(struct mint *mint, const struct domain *name,
		 const uint8_t spki[MINT_SPKI_LEN], time_t now,
		 uint8_t der[MINT_DER_MAX])
{
	X509 *cert = NULL;
	int len = 0;

	assert(name->len > 0 && mint_spki_is_sound(spki, MINT_SPKI_LEN));
	if (now < mint->not_before || now >= mint->not_after)
		return 0;
	cert = X509_new();
	if (!cert || !fill_leaf(mint, cert, name, spki, now))
		goto out;
	len = i2d_X509(cert, NULL);
	assert(len > 0 && len <= MINT_DER_MAX);
	len = i2d_X509(cert, &der);
out:
	X509_free(cert);
	return len > 0 ? (size_t)len : 0;
}
