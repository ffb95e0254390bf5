#include "signer.h"

#include "cursor.h"
#include "isolate.h"
#include "log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#define VAULT_MAGIC "sluice\032" /* a control character: this is no text */
#define VAULT_VERSION 1
#define VAULT_SCALAR_LEN 32

/* OpenSSL's private numbers, for one key and a few signatures at a time. */
#define SECURE_HEAP_LEN 65536

#define N_QUOTAS 2

/* What the memfd holds. It is read by the same program that wrote it. */
struct vault {
	char magic[8];
	uint32_t version;
	uint32_t certificate_len;
	uint8_t scalar[VAULT_SCALAR_LEN]; /* the key, in the machine's order */
	uint8_t certificate[MINT_DER_MAX];
	_Atomic uint32_t complete; /* written last */
};

/* The authority while it serves. */
struct signer {
	struct mint *mint;
	uint8_t certificate[MINT_DER_MAX];
	size_t certificate_len;
};

struct channel {
	int fd; /* -1 once closed */
	bool greeted;
	uint8_t spki[MINT_SPKI_LEN];
	int64_t full_ns[N_QUOTAS]; /* when the bucket is full again */
	uint8_t answer[SIGNER_ANSWER_MAX];
	size_t answer_len; /* not 0: waits to be sent, nothing is read */
};

static const struct {
	int64_t token_ns, burst;
} quotas[N_QUOTAS] = {
	[CA_QUOTA_REFUSAL] = { 1000000000 / SIGNER_REFUSAL_PER_S,
			       SIGNER_REFUSAL_BURST },
	[CA_QUOTA_WORK] = { 1000000000 / SIGNER_WORK_PER_S, SIGNER_WORK_BURST },
};

/* --- the vault --- */

int signer_vault(void)
{
	int fd = memfd_create("sluice-ca", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int rc;

	if (fd < 0)
		return -errno;
	/* Of fixed size, so that reading a mapping can never raise SIGBUS. */
	if (ftruncate(fd, sizeof(struct vault)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
		rc = -errno;
		(void)close(fd);
		return rc;
	}
	return fd;
}

static struct vault *vault_map(int fd)
{
	const int fixed = F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS), prot = PROT_READ;
	struct stat st;
	void *vault;

	if (seals < 0 || fstat(fd, &st) < 0)
		die("signer: cannot look at the vault: %s", strerror(errno));
	if ((seals & fixed) != fixed || st.st_size != sizeof(struct vault))
		die("signer: not a vault");
	if (!(seals & F_SEAL_FUTURE_WRITE))
		prot |= PROT_WRITE;
	vault = mmap(NULL, sizeof(struct vault), prot, MAP_SHARED, fd, 0);
	if (vault == MAP_FAILED)
		die("signer: cannot map the vault: %s", strerror(errno));
	if (mlock(vault, sizeof(struct vault)) < 0)
		log_warn("signer: the key may be swapped out: %s",
			 strerror(errno));
	if (madvise(vault, sizeof(struct vault), MADV_DONTDUMP) < 0)
		die("signer: cannot keep the key out of core dumps: %s",
		    strerror(errno));
	return vault;
}

/* Nobody writes to the vault after this, not even who holds its descriptor. */
static void vault_seal(struct vault *vault, int fd)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0 &&
	    errno != EPERM) /* it is sealed already */
		die("signer: cannot seal the vault: %s", strerror(errno));
	if (mprotect(vault, sizeof(*vault), PROT_READ) < 0)
		die("signer: cannot protect the vault: %s", strerror(errno));
}

/*
 * The private number goes straight from OpenSSL's secure heap to the vault
 * and back: an encoded key would leave copies in buffers that are not ours.
 */
static bool scalar_get(uint8_t scalar[VAULT_SCALAR_LEN], const EVP_PKEY *key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, scalar,
					VAULT_SCALAR_LEN),
		OSSL_PARAM_construct_end(),
	};

	return EVP_PKEY_get_params(key, params) &&
	       params[0].return_size == VAULT_SCALAR_LEN;
}

static EVP_PKEY *key_from_scalar(uint8_t scalar[VAULT_SCALAR_LEN],
				 const X509 *authority)
{
	const ASN1_BIT_STRING *point = X509_get0_pubkey_bitstr(authority);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	char group[] = "P-256";
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						 group, 0),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, scalar,
					VAULT_SCALAR_LEN),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
						  point->data,
						  (size_t)point->length),
		OSSL_PARAM_construct_end(),
	};

	if (context && EVP_PKEY_fromdata_init(context) == 1 &&
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	return key;
}

static void vault_fill(struct vault *vault)
{
	EVP_PKEY *key = mint_key();
	X509 *authority = key ? mint_authority(key, time(NULL)) : NULL;
	uint8_t *at = vault->certificate;
	int len = authority ? i2d_X509(authority, NULL) : 0;

	if (len <= 0 || len > MINT_DER_MAX || i2d_X509(authority, &at) != len ||
	    !scalar_get(vault->scalar, key))
		die("signer: cannot make the CA");
	vault->certificate_len = (uint32_t)len;
	vault->version = VAULT_VERSION;
	memcpy(vault->magic, VAULT_MAGIC, sizeof(vault->magic));
	/* After all the rest, whoever looks and whenever we are killed. */
	atomic_store_explicit(&vault->complete, 1, memory_order_release);
	X509_free(authority);
	EVP_PKEY_free(key);
}

static struct mint *vault_read(struct vault *vault)
{
	const uint8_t *at = vault->certificate;
	size_t len = vault->certificate_len;
	X509 *authority = NULL;
	EVP_PKEY *key = NULL;
	struct mint *mint = NULL;

	if (memcmp(vault->magic, VAULT_MAGIC, sizeof(vault->magic)) != 0 ||
	    vault->version != VAULT_VERSION || len > MINT_DER_MAX)
		return NULL;
	authority = d2i_X509(NULL, &at, (long)len);
	if (authority && at == vault->certificate + len)
		key = key_from_scalar(vault->scalar, authority);
	if (key)
		mint = mint_new(authority, key);
	EVP_PKEY_free(key);
	X509_free(authority);
	return mint;
}

/*
 * One leaf for nobody, checked against the authority's certificate: the two
 * halves of the vault belong together, and whatever OpenSSL loads or seeds
 * at a first signature is there before files and system calls are taken away.
 */
static bool signer_try(struct signer *signer)
{
	const uint8_t *at = signer->certificate;
	struct domain name;
	uint8_t spki[MINT_SPKI_LEN], der[MINT_DER_MAX];
	X509 *authority = d2i_X509(NULL, &at, (long)signer->certificate_len);
	EVP_PKEY *key = authority ? X509_get0_pubkey(authority) : NULL;
	X509 *leaf = NULL;
	size_t len;
	bool good = false;

	if (!key || !mint_spki(spki, key) ||
	    !domain_parse(&name, "sluice.invalid", strlen("sluice.invalid")))
		goto out;
	len = mint_leaf(signer->mint, &name, spki, time(NULL), der);
	at = der;
	leaf = d2i_X509(NULL, &at, (long)len);
	good = leaf && X509_verify(leaf, key) == 1;
out:
	X509_free(leaf);
	X509_free(authority);
	return good;
}

static void signer_start(struct signer *signer, int fd)
{
	struct vault *vault = vault_map(fd);

	if (!atomic_load_explicit(&vault->complete, memory_order_acquire))
		vault_fill(vault);
	vault_seal(vault, fd);
	/* It stays mapped: while it is, its pages stay locked in memory. */
	signer->mint = vault_read(vault);
	if (!signer->mint)
		die("signer: the vault holds no sound CA");
	signer->certificate_len = vault->certificate_len;
	memcpy(signer->certificate, vault->certificate,
	       signer->certificate_len);
	if (!signer_try(signer))
		die("signer: cannot sign; is the clock set back or forward?");
}

/* --- requests --- */

static bool parse_hello(struct signer_request *request, struct cursor *c)
{
	size_t len = cursor_left(c);
	const uint8_t *spki = cursor_bytes(c, len);

	if (!spki || !mint_spki_is_sound(spki, len))
		return false;
	memcpy(request->spki, spki, sizeof(request->spki));
	return true;
}

static bool parse_sign(struct signer_request *request, struct cursor *c)
{
	uint8_t quota;
	size_t len;
	const char *text;

	request->id = cursor_u32(c);
	quota = cursor_u8(c);
	len = cursor_left(c);
	text = (const char *)cursor_bytes(c, len);
	if (c->failed || quota >= N_QUOTAS)
		return false;
	request->quota = quota;
	/* A worker sends canonical names: another spelling is no accident. */
	return domain_parse(&request->name, text, len) &&
	       request->name.len == len &&
	       memcmp(request->name.name, text, len) == 0;
}

bool signer_request_parse(struct signer_request *request, const uint8_t *bytes,
			  size_t len)
{
	struct cursor c = cursor_over(bytes, len);
	struct signer_request parsed = { .message = cursor_u8(&c) };

	if (!(parsed.message == SIGNER_HELLO && parse_hello(&parsed, &c)) &&
	    !(parsed.message == SIGNER_SIGN && parse_sign(&parsed, &c)))
		return false;
	*request = parsed;
	return true;
}

size_t signer_request_write(const struct signer_request *request,
			    uint8_t bytes[SIGNER_REQUEST_MAX])
{
	size_t len = 0;

	bytes[len++] = (uint8_t)request->message;
	if (request->message == SIGNER_HELLO) {
		memcpy(bytes + len, request->spki, sizeof(request->spki));
		return len + sizeof(request->spki);
	}
	for (int shift = 24; shift >= 0; shift -= 8)
		bytes[len++] = (uint8_t)(request->id >> shift);
	bytes[len++] = (uint8_t)request->quota;
	memcpy(bytes + len, request->name.name, request->name.len);
	return len + request->name.len;
}

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A token bucket, kept as the time at which it will be full again. */
static bool quota_take(int64_t *full_ns, enum ca_quota quota, int64_t now)
{
	int64_t full = *full_ns > now ? *full_ns : now;

	full += quotas[quota].token_ns;
	if (full - now > quotas[quota].burst * quotas[quota].token_ns)
		return false;
	*full_ns = full;
	return true;
}

static void answer_add(struct channel *channel, const void *bytes, size_t len)
{
	assert(len <= sizeof(channel->answer) - channel->answer_len);
	memcpy(channel->answer + channel->answer_len, bytes, len);
	channel->answer_len += len;
}

static void answer_hello(const struct signer *signer, struct channel *channel,
			 const struct signer_request *request)
{
	const uint8_t type = SIGNER_HELLO;

	memcpy(channel->spki, request->spki, sizeof(channel->spki));
	channel->greeted = true;
	answer_add(channel, &type, 1);
	answer_add(channel, signer->certificate, signer->certificate_len);
}

static void answer_sign(struct signer *signer, struct channel *channel,
			const struct signer_request *request)
{
	uint8_t der[MINT_DER_MAX];
	uint8_t head[6] = { SIGNER_SIGN,
			    (uint8_t)(request->id >> 24),
			    (uint8_t)(request->id >> 16),
			    (uint8_t)(request->id >> 8),
			    (uint8_t)request->id,
			    SIGNER_REFUSED };
	size_t der_len = 0;

	if (quota_take(&channel->full_ns[request->quota], request->quota,
		       now_ns()))
		der_len = mint_leaf(signer->mint, &request->name, channel->spki,
				    time(NULL), der);
	if (der_len > 0)
		head[5] = SIGNER_SIGNED;
	answer_add(channel, head, sizeof(head));
	answer_add(channel, der, der_len);
}

/* False for what no worker says, or not then. */
static bool serve(struct signer *signer, struct channel *channel,
		  const uint8_t *bytes, size_t len)
{
	struct signer_request request;

	if (!signer_request_parse(&request, bytes, len) ||
	    (request.message == SIGNER_HELLO) == channel->greeted)
		return false;
	if (request.message == SIGNER_HELLO)
		answer_hello(signer, channel, &request);
	else
		answer_sign(signer, channel, &request);
	return true;
}

/* --- channels --- */

static void channel_close(struct channel *channel)
{
	(void)close(channel->fd);
	channel->fd = -1;
}

static void channel_send(struct channel *channel)
{
	ssize_t n = send(channel->fd, channel->answer, channel->answer_len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		channel->answer_len = 0;
	else if (errno != EAGAIN && errno != EINTR)
		channel_close(channel);
}

/* One request, so that every worker has its turn. */
static void channel_receive(struct signer *signer, struct channel *channel)
{
	uint8_t request[SIGNER_REQUEST_MAX + 1]; /* longer ones are cut there */
	ssize_t n = recv(channel->fd, request, sizeof(request), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* a worker that is gone, or sent an empty message */
		channel_close(channel);
	} else if (n > SIGNER_REQUEST_MAX ||
		   !serve(signer, channel, request, (size_t)n)) {
		log_warn("signer: a worker's channel is closed: "
			 "a request that no worker makes");
		channel_close(channel);
	} else {
		channel_send(channel);
	}
}

static void signer_serve(struct signer *signer, struct channel *channels,
			 size_t n)
{
	struct pollfd polled[SIGNER_CHANNELS_MAX];
	bool open = n > 0;

	while (open) {
		for (size_t i = 0; i < n; i++)
			polled[i] = (struct pollfd){
				.fd = channels[i].fd, /* skipped if -1 */
				.events = channels[i].answer_len > 0 ? POLLOUT
								     : POLLIN,
			};
		if (poll(polled, n, -1) < 0) {
			if (errno == EINTR)
				continue;
			die("signer: cannot poll: %s", strerror(errno));
		}
		open = false;
		for (size_t i = 0; i < n; i++) {
			if (polled[i].revents == 0)
				;
			else if (channels[i].answer_len > 0)
				channel_send(&channels[i]);
			else
				channel_receive(signer, &channels[i]);
			open = open || channels[i].fd >= 0;
		}
	}
}

void signer_run(int vault, const int *channels, size_t n)
{
	struct channel served[SIGNER_CHANNELS_MAX] = { 0 };
	struct signer signer = { 0 };

	assert(n <= SIGNER_CHANNELS_MAX);
	for (size_t i = 0; i < n; i++)
		served[i].fd = channels[i];
	if (CRYPTO_secure_malloc_init(SECURE_HEAP_LEN, 32) != 1)
		log_warn("signer: OpenSSL's secure heap is not locked");
	signer_start(&signer, vault);
	(void)close(vault);
	isolate(ISOLATE_SIGNER);
	signer_serve(&signer, served, n);
	mint_free(signer.mint); /* wipes its copy of the key */
	_exit(EXIT_SUCCESS);
}
