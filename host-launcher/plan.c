#include "plan.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGV_FIRST 16

static struct address constant(const char *text)
{
	struct address address = { 0 };
	bool sound = address_parse(&address, text, strlen(text));

	assert(sound);
	return address;
}

void plan_begin(struct plan *plan, const struct plan_options *options)
{
	*plan = (struct plan){
		.options = *options,
		.gateway4 = constant(PLAN_GATEWAY4),
		.gateway6 = constant(PLAN_GATEWAY6),
		.agent4 = constant(PLAN_AGENT4),
		.agent6 = constant(PLAN_AGENT6),
	};
}

struct plan_step *plan_step(struct plan *plan, const char *name,
			    const char *where)
{
	struct plan_step *step;

	assert(plan->n_steps < PLAN_STEPS_MAX);
	step = &plan->steps[plan->n_steps++];
	*step = (struct plan_step){ .name = name, .where = where };
	return step;
}

void plan_word(struct plan *plan, struct plan_step *step, const char *word)
{
	const char **argv = step->argv;

	if (step->n + 1 >= step->cap) {
		size_t cap = step->cap > 0 ? 2 * step->cap : ARGV_FIRST;

		argv = realloc(step->argv, cap * sizeof(*argv));
		if (!argv) {
			plan->failed = true;
			return;
		}
		step->argv = argv;
		step->cap = cap;
	}
	argv[step->n++] = word;
	argv[step->n] = NULL;
}

void plan_option(struct plan *plan, struct plan_step *step, const char *option,
		 const char *value)
{
	plan_word(plan, step, option);
	plan_word(plan, step, value);
}

void plan_command(struct plan *plan, struct plan_step *step)
{
	plan_word(plan, step, "--");
	for (char *const *word = plan->options.command; *word; word++)
		plan_word(plan, step, *word);
}

void plan_file(struct plan *plan, const struct plan_file *file)
{
	if (plan->n_files == PLAN_FILES_MAX)
		plan->failed = true;
	else
		plan->files[plan->n_files++] = *file;
}

/* Takes @text over; "" if that cannot be. */
static const char *keep(struct plan *plan, char *text)
{
	char **texts = NULL;

	if (text)
		texts = realloc(plan->texts,
				(plan->n_texts + 1) * sizeof(*texts));
	if (!texts) {
		free(text);
		plan->failed = true;
		return "";
	}
	plan->texts = texts;
	texts[plan->n_texts++] = text;
	return text;
}

const char *plan_text(struct plan *plan, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	return keep(plan, len < 0 ? NULL : text);
}

int plan_end(struct plan *plan)
{
	return plan->failed ? -ENOMEM : 0;
}

void plan_done(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		free(plan->steps[i].argv);
	for (size_t i = 0; i < plan->n_texts; i++)
		free(plan->texts[i]);
	free(plan->texts);
	*plan = (struct plan){ 0 };
}

static const struct plan_step *step_find(const struct plan *plan,
					 const char *name)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		if (strcmp(plan->steps[i].name, name) == 0)
			return &plan->steps[i];
	/* A backend asks for steps of its own plan. */
	abort();
}

const char *const *plan_argv(const struct plan *plan, const char *name)
{
	return step_find(plan, name)->argv;
}

int plan_fill(struct plan *plan, const char *name, const char *word,
	      const char *value)
{
	const struct plan_step *step = step_find(plan, name);
	size_t len = strlen(word);

	for (size_t i = 0; i < step->n; i++) {
		const char *old = step->argv[i];
		const char *at = strstr(old, word);

		if (at)
			step->argv[i] =
				plan_text(plan, "%.*s%s%s", (int)(at - old),
					  old, value, at + len);
	}
	return plan_end(plan);
}

/* As a shell takes it: between quotes unless it plainly needs none. */
static void print_word(const char *word, FILE *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_./:=,@%+{}";

	if (*word != '\0' && word[strspn(word, plain)] == '\0') {
		(void)fputs(word, out);
		return;
	}
	(void)fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			(void)fputs("'\\''", out);
		else
			(void)fputc(*word, out);
	}
	(void)fputc('\'', out);
}

static void print_step(const struct plan_step *step, FILE *out)
{
	(void)fprintf(out, "\n%s (%s):\n ", step->name, step->where);
	for (size_t i = 0; i < step->n; i++) {
		(void)fputc(' ', out);
		print_word(step->argv[i], out);
	}
	(void)fputc('\n', out);
}

void plan_print(const struct plan *plan, FILE *out)
{
	for (size_t i = 0; i < plan->n_files; i++) {
		const struct plan_file *file = &plan->files[i];

		(void)fprintf(out, "%s %s: %s\n", file->where, file->path,
			      file->from ? file->from : "(made)");
	}
	for (size_t i = 0; i < plan->n_steps; i++)
		print_step(&plan->steps[i], out);
}

static bool is_loopback(const struct address *address)
{
	static const uint8_t one[16] = { [15] = 1 };

	return address->family == AF_INET
		       ? address->bytes[0] == 127
		       : memcmp(address->bytes, one, sizeof(one)) == 0;
}

/* The address on a line of "nameserver ADDRESS", if it is one. */
static bool nameserver(const char *line, size_t len, struct address *address)
{
	static const char keyword[] = "nameserver";
	size_t skip = sizeof(keyword) - 1;

	if (len <= skip || memcmp(line, keyword, skip) != 0)
		return false;
	if (line[skip] != ' ' && line[skip] != '\t')
		return false;
	while (skip < len && (line[skip] == ' ' || line[skip] == '\t'))
		skip++;
	return address_parse(address, line + skip,
			     strcspn(line + skip, " \t\r\n#;"));
}

enum plan_resolvers
plan_resolvers_parse(const char *text,
		     char resolvers[PLAN_RESOLVERS_MAX][PLAN_RESOLVER_TEXT_MAX],
		     size_t *n)
{
	enum plan_resolvers found = PLAN_RESOLVERS_NONE;
	struct address address;

	*n = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (nameserver(text, len, &address)) {
			if (is_loopback(&address)) {
				if (found == PLAN_RESOLVERS_NONE)
					found = PLAN_RESOLVERS_LOOPBACK;
			} else if (*n < PLAN_RESOLVERS_MAX) {
				(void)address_format(&address,
						     resolvers[(*n)++]);
				found = PLAN_RESOLVERS_FOUND;
			}
		}
		text += len;
		text += *text == '\n';
	}
	return found;
}

static bool number_parse(const char *text, unsigned long max,
			 unsigned long *number, const char **end)
{
	char *stop;

	/* strtoul(3) would take blanks and signs as well. */
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoul(text, &stop, 10);
	*end = stop;
	return errno == 0 && *number <= max;
}

bool plan_user_parse(const char *text, uid_t *uid, gid_t *gid)
{
	unsigned long user, group;
	const char *end;

	if (!number_parse(text, UINT32_MAX - 1, &user, &end))
		return false;
	group = user;
	if (*end == ':' && !number_parse(end + 1, UINT32_MAX - 1, &group, &end))
		return false;
	if (*end != '\0')
		return false;
	*uid = (uid_t)user;
	*gid = (gid_t)group;
	return true;
}

bool plan_audit_file(const char *xdg_state_home, const char *home,
		     char path[PATH_MAX])
{
	const char *file = "sluice/audit.jsonl";
	int len = -1;

	if (xdg_state_home && xdg_state_home[0] == '/')
		len = snprintf(path, PATH_MAX, "%s/%s", xdg_state_home, file);
	else if (home && home[0] == '/')
		len = snprintf(path, PATH_MAX, "%s/.local/state/%s", home,
			       file);
	return len > 0 && len < PATH_MAX;
}
