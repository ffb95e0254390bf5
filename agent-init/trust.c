#include "trust.h"

#include "browsers.h"
#include "files.h"
#include "keystore.h"
#include "report.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP "trust"
#define BUNDLE_MAX (8U << 20) /* bytes; the usual one has 220 thousand */
#define MARK_BEGIN "# sluice-init: the gateway's certificate authority\n"
#define MARK_END "# sluice-init: end\n"

/* The bundles of the distributions; several may be links to one. */
static const char *const stores[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Arch, Alpine */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
	"/etc/pki/tls/certs/ca-bundle.crt",                  /* older ones */
	"/etc/pki/tls/cacert.pem",
	"/etc/ssl/ca-bundle.pem", /* SUSE */
	"/var/lib/ca-certificates/ca-bundle.pem",
	"/etc/ssl/cert.pem",            /* Alpine, OpenBSD's way */
	"/etc/ssl/certs/ca-bundle.crt", /* NixOS */
};

/* The first that we can use; in each the folder must be ours alone. */
static const char *const folders[] = { "/run/sluice", "/dev/shm/sluice",
				       "/tmp/sluice" };

static const char *const bundle_variables[] = {
	"SSL_CERT_FILE",      "CURL_CA_BUNDLE",
	"REQUESTS_CA_BUNDLE", "PIP_CERT",
	"GIT_SSL_CAINFO",     "AWS_CA_BUNDLE",
	"CARGO_HTTP_CAINFO",  "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
	"HTTPLIB2_CA_CERTS",  "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
	"NIX_SSL_CERT_FILE",
};

/* Read in addition to what the runtime carries. */
static const char *const ca_variables[] = { "NODE_EXTRA_CA_CERTS",
					    "DENO_CERT" };

/* What every Java machine reads; a command line's own words come after it. */
#define JAVA_VARIABLE "JAVA_TOOL_OPTIONS"
#define JAVA_OPTION "-Djavax.net.ssl.trustStore="

static const char *const unwanted_variables[] = {
	"SSL_CERT_DIR", "http_proxy", "HTTP_PROXY", "https_proxy",
	"HTTPS_PROXY",  "ftp_proxy",  "FTP_PROXY",  "all_proxy",
	"ALL_PROXY",    "no_proxy",   "NO_PROXY",
};

/* Copies @text to @to without the blocks of ours; the length that is left. */
static size_t strip(char *to, const char *text, size_t len)
{
	const char *end = text + len;
	size_t n = 0;

	while (text < end) {
		size_t left = (size_t)(end - text);
		const char *begin =
			memmem(text, left, MARK_BEGIN, strlen(MARK_BEGIN));
		const char *past = NULL;
		size_t keep = begin ? (size_t)(begin - text) : left;

		if (begin)
			past = memmem(begin, (size_t)(end - begin), MARK_END,
				      strlen(MARK_END));
		/* A block without an end was cut short; so is what follows. */
		memcpy(to + n, text, keep);
		n += keep;
		text = past ? past + strlen(MARK_END) : end;
	}
	return n;
}

static size_t append(char *to, size_t at, const char *text, size_t len)
{
	memcpy(to + at, text, len);
	return at + len;
}

/* Writes what differs of the new text; an old one that is equal is left. */
static int rewrite(const char *path, const char *old, size_t old_len,
		   const char *text, size_t len)
{
	size_t same = 0;
	int ret = 0;
	int fd;

	while (same < old_len && same < len && old[same] == text[same])
		same++;
	if (same == old_len && same == len)
		return 0;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (lseek(fd, (off_t)same, SEEK_SET) < 0)
		ret = -errno;
	if (ret == 0)
		ret = file_write_all(fd, text + same, len - same);
	if (ret == 0 && ftruncate(fd, (off_t)len) < 0)
		ret = -errno;
	if (close(fd) < 0 && ret == 0)
		ret = -errno;
	return ret;
}

/*
 * Adds the CA to one store. *@merged becomes the resulting text if it is NULL
 * yet, also when the store itself cannot be written.
 */
static int add_to_store(const char *path, const char *pem, size_t len,
			char **merged, size_t *merged_len)
{
	char *bundle = NULL;
	char *text = NULL;
	size_t bundle_len, text_len;
	int ret;

	ret = file_read(path, BUNDLE_MAX, &bundle, &bundle_len);
	if (ret < 0)
		return ret;
	text = trust_merge(bundle, bundle_len, pem, len, &text_len);
	if (!text) {
		ret = -ENOMEM;
		goto out;
	}
	ret = rewrite(path, bundle, bundle_len, text, text_len);
	if (!*merged) {
		*merged = text;
		*merged_len = text_len;
		text = NULL;
	}
out:
	free(text);
	free(bundle);
	return ret;
}

/* Opens or makes a folder that nobody else can have prepared for us. */
static int open_folder(const char *path)
{
	struct stat st;
	int fd;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() ||
	    st.st_mode & (S_IWGRP | S_IWOTH)) {
		(void)close(fd);
		return -EPERM;
	}
	return fd;
}

static int put_file(int folder, const char *name, const char *text, size_t len)
{
	int ret;
	int fd;

	if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0644);
	if (fd < 0)
		return -errno;
	ret = file_write_all(fd, text, len);
	if (close(fd) < 0 && ret == 0)
		ret = -errno;
	return ret;
}

/* Java has it in a form of its own, and does without if that cannot be. */
static void put_keystore(int folder, const char *path, const char *bundle,
			 size_t bundle_len, struct trust *trust)
{
	size_t len = 0;
	char *store = keystore_from_pem(bundle, bundle_len, &len);

	if (store && put_file(folder, "java.jks", store, len) == 0)
		(void)snprintf(trust->java, sizeof(trust->java), "%s/java.jks",
			       path);
	free(store);
}

static int fill_folder(const char *path, const char *pem, size_t len,
		       const char *bundle, size_t bundle_len,
		       struct trust *trust)
{
	int folder = open_folder(path);
	int ret;

	if (folder < 0)
		return folder;
	ret = put_file(folder, "ca.pem", pem, len);
	if (ret == 0)
		ret = put_file(folder, "bundle.pem", bundle, bundle_len);
	if (ret == 0)
		put_keystore(folder, path, bundle, bundle_len, trust);
	(void)close(folder);
	if (ret < 0)
		return ret;
	(void)snprintf(trust->ca, sizeof(trust->ca), "%s/ca.pem", path);
	(void)snprintf(trust->bundle, sizeof(trust->bundle), "%s/bundle.pem",
		       path);
	return 0;
}

char *trust_merge(const char *bundle, size_t bundle_len, const char *pem,
		  size_t pem_len, size_t *merged_len)
{
	char *merged;
	size_t n;

	merged = malloc(bundle_len + pem_len + strlen(MARK_BEGIN) +
			strlen(MARK_END) + 2);
	if (!merged)
		return NULL;
	n = strip(merged, bundle, bundle_len);
	/* A last line without its end would swallow ours. */
	if (n > 0 && merged[n - 1] != '\n')
		merged[n++] = '\n';
	n = append(merged, n, MARK_BEGIN, strlen(MARK_BEGIN));
	n = append(merged, n, pem, pem_len);
	n = append(merged, n, MARK_END, strlen(MARK_END));
	merged[n] = '\0';
	*merged_len = n;
	return merged;
}

int trust_install(const char *pem, size_t len, struct trust *trust)
{
	char *merged = NULL;
	size_t merged_len = 0;
	const char *written = NULL;
	int ret = 0;

	*trust = (struct trust){ .ca = "" };
	for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++)
		if (add_to_store(stores[i], pem, len, &merged, &merged_len) ==
			    0 &&
		    !written)
			written = stores[i];
	/* An image without a bundle: the CA is all there is to trust. */
	if (!merged)
		merged = trust_merge("", 0, pem, len, &merged_len);
	if (!merged)
		return report(STEP, -ENOMEM, "cannot merge the bundle");
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		ret = fill_folder(folders[i], pem, len, merged, merged_len,
				  trust);
		if (ret == 0)
			break;
	}
	free(merged);
	if (ret == 0) {
		browsers_trust(pem, len, trust->ca);
		return 0;
	}
	if (!written)
		return report(STEP, ret, "no bundle and no folder is writable");
	/* The bundle alone: Node will read it in addition to its own. */
	(void)snprintf(trust->ca, sizeof(trust->ca), "%s", written);
	(void)snprintf(trust->bundle, sizeof(trust->bundle), "%s", written);
	return 0;
}

/* After what it says already: of an option given twice the last one holds. */
static bool set_java(const char *store)
{
	const char *before = getenv(JAVA_VARIABLE);
	char *options = NULL;
	bool set;

	if (asprintf(&options, "%s%s" JAVA_OPTION "%s", before ? before : "",
		     before && *before ? " " : "", store) < 0)
		return false;
	set = setenv(JAVA_VARIABLE, options, 1) == 0;
	free(options);
	return set;
}

bool trust_environment(const struct trust *trust)
{
	size_t n = sizeof(bundle_variables) / sizeof(bundle_variables[0]);

	for (size_t i = 0; i < n; i++)
		if (setenv(bundle_variables[i], trust->bundle, 1) < 0)
			return false;
	n = sizeof(ca_variables) / sizeof(ca_variables[0]);
	for (size_t i = 0; i < n; i++)
		if (setenv(ca_variables[i], trust->ca, 1) < 0)
			return false;
	if (trust->java[0] && !set_java(trust->java))
		return false;
	n = sizeof(unwanted_variables) / sizeof(unwanted_variables[0]);
	for (size_t i = 0; i < n; i++)
		(void)unsetenv(unwanted_variables[i]);
	return true;
}
