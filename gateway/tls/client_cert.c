#include "client_cert.h"

#include "upstream.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

struct blocks {
	unsigned certificates, keys, others;
};

static bool ends_with(const char *line, size_t len, const char *words)
{
	size_t n = strlen(words);

	return len >= n && memcmp(line + len - n, words, n) == 0;
}

/* What a line is the beginning of, if it is that. */
static void count_block(struct blocks *blocks, const char *line, size_t len)
{
	static const char begin[] = "-----BEGIN ";
	const size_t skip = sizeof(begin) - 1;

	if (len < skip || memcmp(line, begin, skip) != 0)
		return;
	if (ends_with(line, len, "PRIVATE KEY-----"))
		blocks->keys++;
	else if (len == skip + 16 && ends_with(line, len, "CERTIFICATE-----"))
		blocks->certificates++;
	else if (!ends_with(line, len, " EC PARAMETERS-----"))
		blocks->others++;
}

/* OpenSSL would pass over what it does not look for, and we would not know. */
static const char *form_fault(struct secret pem, unsigned *n_certificates)
{
	struct blocks blocks = { 0 };
	const char *end = pem.value + pem.len;

	for (const char *at = pem.value; at < end;) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = feed ? feed : end;

		count_block(&blocks, at, (size_t)(line_end - at));
		at = line_end + (feed ? 1 : 0);
	}
	if (memmem(pem.value, pem.len, "ENCRYPTED", strlen("ENCRYPTED")))
		return "has a key with a password, and nobody is there to give it";
	if (blocks.others > 0)
		return "has a block that is neither a certificate nor a key";
	if (blocks.certificates == 0)
		return "has no certificate in PEM";
	if (blocks.certificates > CLIENT_CERT_CHAIN_MAX)
		return "has more than 16 certificates";
	if (blocks.keys != 1)
		return blocks.keys == 0 ? "has no key beside its certificate"
					: "has more than one key";
	*n_certificates = blocks.certificates;
	return NULL;
}

/* Its type is OpenSSL's. NOLINTNEXTLINE(readability-non-const-parameter) */
static int no_password(char *text, int cap, int writing, void *arg)
{
	/* Nobody has one; without this OpenSSL would ask the terminal. */
	(void)text;
	(void)cap;
	(void)writing;
	(void)arg;
	return -1;
}

static const char *use_chain(SSL_CTX *tls, BIO *bio, unsigned n)
{
	const char *fault = NULL;

	for (unsigned i = 0; i < n && !fault; i++) {
		X509 *certificate =
			PEM_read_bio_X509(bio, NULL, no_password, NULL);

		if (!certificate)
			return "has a certificate that cannot be read";
		if (i == 0 && SSL_CTX_use_certificate(tls, certificate) != 1)
			fault = "has a certificate whose key or signature is too weak";
		else if (i > 0 && !SSL_CTX_add1_chain_cert(tls, certificate))
			fault = "has a chain whose keys or signatures are too weak";
		X509_free(certificate);
	}
	return fault;
}

static const char *use_key(SSL_CTX *tls, BIO *bio)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	const char *fault = NULL;

	if (!key)
		return "has a key that cannot be read";
	/* It is held against the certificate here. */
	if (SSL_CTX_use_PrivateKey(tls, key) != 1 ||
	    SSL_CTX_check_private_key(tls) != 1)
		fault = "has a key that is not its first certificate's";
	EVP_PKEY_free(key);
	return fault;
}

const char *client_cert_use(SSL_CTX *tls, struct secret pem)
{
	unsigned n = 0;
	const char *fault = form_fault(pem, &n);
	BIO *bio;

	if (fault)
		return fault;
	bio = BIO_new_mem_buf(pem.value, (int)pem.len);
	if (!bio)
		return "cannot be read for want of memory";
	fault = use_chain(tls, bio, n);
	/* The key may stand before what has been read. */
	if (!fault)
		fault = BIO_reset(bio) == 1 ? use_key(tls, bio)
					    : "cannot be read twice";
	BIO_free(bio);
	ERR_clear_error();
	return fault;
}

const char *client_cert_fault(struct secret pem)
{
	X509_STORE *nobody = X509_STORE_new();
	SSL_CTX *tls = upstream_tls_new(nobody);
	const char *fault = client_cert_use(tls, pem);

	SSL_CTX_free(tls);
	X509_STORE_free(nobody);
	return fault;
}
