#include "own_cert.h"

#include "tls/mint.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>

struct made {
	EVP_PKEY *key, *other, *weak;
	X509 *certificate, *weak_certificate;
};

/* As a CA's, which will do. */
static X509 *certify(EVP_PKEY *key)
{
	X509 *certificate = X509_new();

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	assert(X509_sign(certificate, key, EVP_sha256()) > 0);
	return certificate;
}

static const struct made *made(void)
{
	static struct made all;

	if (all.key)
		return &all;
	all.key = mint_key();
	all.other = mint_key();
	all.weak = EVP_RSA_gen(1024);
	assert(all.key && all.other && all.weak);
	all.certificate = certify(all.key);
	all.weak_certificate = certify(all.weak);
	return &all;
}

static void write_part(BIO *bio, char part)
{
	static const char parameters[] = "-----BEGIN EC PARAMETERS-----\n"
					 "BggqhkjOPQMBBw==\n"
					 "-----END EC PARAMETERS-----\n";
	static const char request[] = "-----BEGIN CERTIFICATE REQUEST-----\n"
				      "MAA=\n"
				      "-----END CERTIFICATE REQUEST-----\n";
	const struct made *all = made();

	switch (part) {
	case 'c':
		PEM_write_bio_X509(bio, all->certificate);
		return;
	case 'w':
		PEM_write_bio_X509(bio, all->weak_certificate);
		return;
	case 'k':
		PEM_write_bio_PrivateKey(bio, all->key, NULL, NULL, 0, NULL,
					 NULL);
		return;
	case 'o':
		PEM_write_bio_PrivateKey(bio, all->other, NULL, NULL, 0, NULL,
					 NULL);
		return;
	case 'e':
		PEM_write_bio_PrivateKey(bio, all->key, EVP_aes_128_cbc(),
					 (const unsigned char *)"word", 4, NULL,
					 NULL);
		return;
	case 'p':
		BIO_puts(bio, parameters);
		return;
	default:
		BIO_puts(bio, request);
	}
}

const char *own_cert(char pem[OWN_CERT_MAX], const char *parts)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int len;

	for (; *parts; parts++)
		write_part(bio, *parts);
	len = BIO_read(bio, pem, OWN_CERT_MAX - 1);
	assert(len >= 0 && len < OWN_CERT_MAX - 1);
	pem[len] = '\0';
	BIO_free(bio);
	return pem;
}
