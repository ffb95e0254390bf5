#include "secrets.h"

#include "log.h"
#include "tls/client_cert.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

struct named {
	const char *name;
	size_t name_len;
	struct secret secret;
};

struct secrets {
	size_t n, len;
	struct named list[SECRETS_MAX];
	char text[SECRETS_TEXT_MAX];
};

static struct secrets *make(void)
{
	struct secrets *secrets =
		mmap(NULL, sizeof(*secrets), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (secrets == MAP_FAILED)
		return NULL;
	(void)madvise(secrets, sizeof(*secrets), MADV_DONTDUMP);
	return secrets;
}

void secrets_free(struct secrets *secrets)
{
	if (!secrets)
		return;
	OPENSSL_cleanse(secrets, sizeof(*secrets));
	munmap(secrets, sizeof(*secrets));
}

static bool begins_with(const char *text, size_t len, const char *words)
{
	size_t n = strlen(words);

	return len >= n && memcmp(text, words, n) == 0;
}

static bool is_pem(struct secret secret)
{
	return begins_with(secret.value, secret.len, "-----BEGIN ");
}

/* Of the line at @text, without its end. */
static size_t line_len(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	return end ? (size_t)(end - text) : len;
}

static const char *name_fault(const struct named *named)
{
	for (size_t i = 0; i < named->name_len; i++)
		if (!isalnum((unsigned char)named->name[i]) &&
		    named->name[i] != '_')
			return "a name has letters, digits and underscores";
	if (named->name_len == 0 || isdigit((unsigned char)named->name[0]))
		return "a name begins with a letter or an underscore";
	if (named->name_len > ROUTE_TOKEN_REF_MAX)
		return "the name is too long";
	return NULL;
}

static bool has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return true;
	return false;
}

#define CONTROL_FAULT \
	"the value has a control character, perhaps a carriage return"

static const char *value_fault(struct secret secret)
{
	const char *value = secret.value;
	size_t len = secret.len;

	if (is_pem(secret))
		return NULL; /* it was looked at line by line */

	if (len < SECRET_VALUE_MIN)
		return "the value is shorter than 8 bytes";
	if (len > SECRET_VALUE_MAX)
		return "the value is longer than 4096 bytes";
	if (has_control(value, len))
		return CONTROL_FAULT;
	if (value[0] == ' ' || value[len - 1] == ' ')
		return "the value has blanks around it";
	if ((value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0])
		return "the value has quotes around it, which would be part of it";
	return NULL;
}

/*
 * Measures the blocks of PEM that begin at @pem, of which there may be up to
 * @left bytes. NULL or what is wrong in the last of *n_lines lines.
 */
static const char *measure_pem(struct secret *pem, size_t left,
			       unsigned *n_lines)
{
	bool inside = false;

	pem->len = 0;
	*n_lines = 0;
	for (size_t at = 0; at < left;) {
		const char *line = pem->value + at;
		size_t n = line_len(line, left - at);

		if (!inside && !begins_with(line, n, "-----BEGIN "))
			return NULL;
		++*n_lines;
		if (has_control(line, n))
			return CONTROL_FAULT;
		inside = !begins_with(line, n, "-----END ");
		pem->len = at + n;
		if (pem->len > SECRET_PEM_MAX)
			return "the PEM is longer than 16384 bytes";
		at += n + 1;
	}
	return inside ? "the PEM has no end" : NULL;
}

/* Keeps it; NULL or what is wrong with it. */
static const char *keep(struct secrets *secrets, const struct named *named)
{
	const char *fault = name_fault(named);
	struct secret same;
	char name[ROUTE_TOKEN_REF_MAX + 1];

	if (!fault)
		fault = value_fault(named->secret);
	if (fault)
		return fault;
	(void)snprintf(name, sizeof(name), "%.*s", (int)named->name_len,
		       named->name);
	if (secrets_find(secrets, name, &same))
		return "the name is there twice";
	if (secrets->n == SECRETS_MAX)
		return "there are too many";
	secrets->list[secrets->n++] = *named;
	return NULL;
}

/* Where the next line begins, if it ends at @line_end; @end if none does. */
static const char *behind(const char *line_end, const char *end)
{
	return line_end < end ? line_end + 1 : end;
}

/*
 * Reads what begins at *text and ends before @end: one line, or those of a PEM.
 * *text is then behind it, and *number, the last line's, counted on. NULL or
 * what is wrong there.
 */
static const char *read_entry(struct secrets *secrets, const char **text,
			      const char *end, unsigned *number)
{
	const char *line = *text;
	size_t len = line_len(line, (size_t)(end - line));
	const char *equals = memchr(line, '=', len);
	struct named named = { .name = line };
	const char *fault = NULL;
	unsigned n_lines = 1;

	++*number;
	*text = behind(line + len, end);
	if (len == 0 || line[0] == '#')
		return NULL;
	if (!equals)
		return "expected NAME=value";
	named.name_len = (size_t)(equals - line);
	named.secret = (struct secret){ .value = equals + 1,
					.len = len - named.name_len - 1 };
	if (is_pem(named.secret)) {
		fault = measure_pem(&named.secret, (size_t)(end - equals - 1),
				    &n_lines);
		*number += n_lines - 1;
		*text = behind(named.secret.value + named.secret.len, end);
	}
	return fault ? fault : keep(secrets, &named);
}

struct secrets *secrets_parse(const char *text, size_t len, unsigned *line,
			      const char **why)
{
	struct secrets *secrets = make();
	const char *fault = NULL, *at, *end;
	unsigned number = 0;

	if (!secrets || len > SECRETS_TEXT_MAX) {
		*line = 0;
		*why = secrets ? "more than 65536 bytes" : "out of memory";
		secrets_free(secrets);
		return NULL;
	}
	if (len > 0)
		memcpy(secrets->text, text, len);
	secrets->len = len;
	at = secrets->text;
	end = secrets->text + len;
	while (at < end && !fault)
		fault = read_entry(secrets, &at, end, &number);
	if (!fault)
		return secrets;
	*line = number;
	*why = fault;
	secrets_free(secrets);
	return NULL;
}

/* Returns the bytes read, or -errno; more than @cap are -EFBIG. */
static ssize_t read_file(const char *file, char *text, size_t cap)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat status;
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && (status.st_mode & 077) != 0)
		log_warn("secrets: %s may be read by others", file);
	do {
		n = read(fd, text + len, cap - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < cap) || (n < 0 && errno == EINTR));
	n = n < 0 ? -errno : n > 0 ? -EFBIG : (ssize_t)len;
	close(fd);
	return n;
}

struct secrets *secrets_read(const char *file)
{
	char text[SECRETS_TEXT_MAX + 1];
	struct secrets *secrets = NULL;
	const char *why = NULL;
	unsigned line = 0;
	ssize_t len = file ? read_file(file, text, sizeof(text)) : 0;

	if (len >= 0)
		secrets = secrets_parse(text, (size_t)len, &line, &why);
	else
		why = strerror((int)-len);
	OPENSSL_cleanse(text, sizeof(text));
	if (!secrets && line > 0)
		log_err("secrets: %s:%u: %s", file, line, why);
	else if (!secrets)
		log_err("secrets: cannot read %s: %s", file ? file : "none",
			why);
	return secrets;
}

struct secret secrets_text(const struct secrets *secrets)
{
	return (struct secret){ .value = secrets->text, .len = secrets->len };
}

bool secrets_find(const struct secrets *secrets, const char *name,
		  struct secret *secret)
{
	for (size_t i = 0; i < secrets->n; i++) {
		const struct named *named = &secrets->list[i];

		if (named->name_len == strlen(name) &&
		    memcmp(named->name, name, named->name_len) == 0) {
			*secret = named->secret;
			return true;
		}
	}
	return false;
}

/* What keeps the secret from being sent with a request; NULL if nothing does. */
static const char *misfit(const struct secret *secret, enum route_auth auth)
{
	if (is_pem(*secret))
		return "is a PEM, and no request carries that";
	if (auth == ROUTE_AUTH_BASIC)
		return memchr(secret->value, ':', secret->len)
			       ? NULL
			       : "is not USER:PASSWORD, as Basic needs it";
	for (size_t i = 0; i < secret->len; i++)
		if (secret->value[i] <= ' ' || secret->value[i] > '~')
			return "has characters that no token has";
	return NULL;
}

struct complaints {
	const struct secrets *secrets;
	const char *file;
	FILE *out;
	bool any;
};

/* Tells what keeps the secret @name from being used so, if anything does. */
static void require(struct complaints *complaints, const char *name,
		    enum route_auth auth, unsigned line, unsigned column)
{
	struct secret secret;
	const char *why = "was not given: add it to the file of --secrets";

	if (secrets_find(complaints->secrets, name, &secret))
		why = auth == ROUTE_AUTH_NONE ? client_cert_fault(secret)
					      : misfit(&secret, auth);
	if (!why)
		return;
	complaints->any = true;
	(void)fprintf(complaints->out, "%s:%u:%u: the secret %s %s\n",
		      complaints->file, line, column, name, why);
}

bool secrets_suffice(const struct secrets *secrets, const struct policy *policy,
		     const char *file, FILE *out)
{
	struct complaints complaints = { secrets, file, out, false };
	size_t n, n_meetings;
	const struct route *routes = policy_routes(policy, &n);
	const struct meeting *meetings = policy_meetings(policy, &n_meetings);

	for (size_t i = 0; i < n; i++)
		if (routes[i].auth != ROUTE_AUTH_NONE)
			require(&complaints, routes[i].token_ref,
				routes[i].auth, routes[i].auth_line,
				routes[i].auth_column);
	for (size_t i = 0; i < n_meetings; i++)
		if (meetings[i].client_cert_ref[0])
			require(&complaints, meetings[i].client_cert_ref,
				ROUTE_AUTH_NONE, meetings[i].ref_line,
				meetings[i].ref_column);
	return !complaints.any;
}
