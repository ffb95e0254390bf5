#include "secrets.h"

#include "log.h"

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

static const char *value_fault(struct secret secret)
{
	const char *value = secret.value;
	size_t len = secret.len;

	if (len < SECRET_VALUE_MIN)
		return "the value is shorter than 8 bytes";
	if (len > SECRET_VALUE_MAX)
		return "the value is longer than 4096 bytes";
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return "the value has a control character, perhaps a carriage return";
	if (value[0] == ' ' || value[len - 1] == ' ')
		return "the value has blanks around it";
	if ((value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0])
		return "the value has quotes around it, which would be part of it";
	return NULL;
}

/* Reads one line, without its end; NULL or what is wrong with it. */
static const char *read_line(struct secrets *secrets, const char *line,
			     size_t len)
{
	struct named named = { .name = line };
	const char *equals = memchr(line, '=', len);
	const char *fault;
	struct secret same;
	char name[ROUTE_TOKEN_REF_MAX + 1];

	if (len == 0 || line[0] == '#')
		return NULL;
	if (!equals)
		return "expected NAME=value";
	named.name_len = (size_t)(equals - line);
	named.secret = (struct secret){ .value = equals + 1,
					.len = len - named.name_len - 1 };
	fault = name_fault(&named);
	if (!fault)
		fault = value_fault(named.secret);
	if (fault)
		return fault;
	(void)snprintf(name, sizeof(name), "%.*s", (int)named.name_len, line);
	if (secrets_find(secrets, name, &same))
		return "the name is there twice";
	if (secrets->n == SECRETS_MAX)
		return "there are too many";
	secrets->list[secrets->n++] = named;
	return NULL;
}

struct secrets *secrets_parse(const char *text, size_t len, unsigned *line,
			      const char **why)
{
	struct secrets *secrets = make();
	const char *fault = NULL;
	unsigned number = 0;

	if (!secrets || len > SECRETS_TEXT_MAX) {
		*line = 0;
		*why = secrets ? "more than 32768 bytes" : "out of memory";
		secrets_free(secrets);
		return NULL;
	}
	if (len > 0)
		memcpy(secrets->text, text, len);
	secrets->len = len;
	for (size_t at = 0; at < len && !fault;) {
		const char *start = secrets->text + at;
		const char *end = memchr(start, '\n', len - at);
		size_t n = end ? (size_t)(end - start) : len - at;

		number++;
		fault = read_line(secrets, start, n);
		at += n + 1;
	}
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

/* What keeps the secret from being sent so; NULL if nothing does. */
static const char *misfit(const struct secret *secret, enum route_auth auth)
{
	if (auth == ROUTE_AUTH_BASIC)
		return memchr(secret->value, ':', secret->len)
			       ? NULL
			       : "is not USER:PASSWORD, as Basic needs it";
	for (size_t i = 0; i < secret->len; i++)
		if (secret->value[i] <= ' ' || secret->value[i] > '~')
			return "has characters that no token has";
	return NULL;
}

bool secrets_suffice(const struct secrets *secrets, const struct policy *policy,
		     const char *file, FILE *out)
{
	size_t n;
	const struct route *routes = policy_routes(policy, &n);
	bool enough = true;

	for (size_t i = 0; i < n; i++) {
		const struct route *route = &routes[i];
		struct secret secret;
		const char *why;

		if (route->auth == ROUTE_AUTH_NONE)
			continue;
		why = secrets_find(secrets, route->token_ref, &secret)
			      ? misfit(&secret, route->auth)
			      : "was not given: add it to the file of --secrets";
		if (!why)
			continue;
		enough = false;
		(void)fprintf(out, "%s:%u:%u: the secret %s %s\n", file,
			      route->auth_line, route->auth_column,
			      route->token_ref, why);
	}
	return enough;
}
