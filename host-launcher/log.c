#include "audit_list.h"
#include "commands.h"
#include "complain.h"
#include "domain.h"
#include "plan.h"
#include "record.h"

#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TIME_TEXT_MAX 32
#define LOOK_MS 1000 /* between looks, where no notice comes */

static const char usage[] =
	"usage: sluice log [-f] [--json | --text] [--since TIME|NUMBER{s,m,h,d}]\n"
	"                  [--verdict VERDICT] [--event EVENT] [--reason REASON]\n"
	"                  [--name PATTERN] [--id ID] [FILE]\n"
	"       sluice log --verify [--head HASH] [FILE]\n";

struct log {
	const char *path;
	char default_path[PATH_MAX];
	bool follow, verify, as_json;
	char since[TIME_TEXT_MAX]; /* as the record writes it, or empty */
	const char *verdict, *event, *reason, *name, *id;
	bool has_head;
	struct chain_hash head;
};

/* --- what is asked for --- */

/* "10m" ago, or a time as the record has it, or the beginning of one. */
static bool parse_since(struct log *log, const char *text)
{
	static const char units[] = "smhd";
	static const time_t seconds[] = { 1, 60, 3600, 86400 };
	char *end;
	unsigned long number;
	const char *unit;
	struct tm tm;
	time_t when;

	if (strlen(text) >= 10 && text[4] == '-' && text[7] == '-')
		return snprintf(log->since, TIME_TEXT_MAX, "%s", text) <
		       TIME_TEXT_MAX;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	unit = *end != '\0' && end[1] == '\0' ? strchr(units, *end) : NULL;
	if (errno != 0 || !unit || number > INT_MAX)
		return false;
	when = time(NULL) - (time_t)number * seconds[unit - units];
	gmtime_r(&when, &tm);
	return strftime(log->since, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm) >
	       0;
}

static bool find_path(struct log *log)
{
	if (log->path)
		return true;
	log->path = log->default_path;
	if (plan_audit_file(getenv("XDG_STATE_HOME"), getenv("HOME"),
			    log->default_path))
		return true;
	complain("HOME: not set; say which record to read");
	return false;
}

static bool parse_option(struct log *log, int option, const char *text)
{
	switch (option) {
	case 'f':
		log->follow = true;
		return true;
	case 'V':
		log->verify = true;
		return true;
	case 'j':
		log->as_json = true;
		return true;
	case 't':
		log->as_json = false;
		return true;
	case 's':
		if (parse_since(log, text))
			return true;
		complain("--since %s: neither so long ago (10m, 2h, 1d) nor a "
			 "time (2026-01-31, 2026-01-31T12:00:00)",
			 text);
		return false;
	case 'v':
		log->verdict = text;
		return true;
	case 'e':
		log->event = text;
		return true;
	case 'r':
		log->reason = text;
		return true;
	case 'n':
		log->name = text;
		return true;
	case 'i':
		log->id = text;
		return true;
	case 'H':
		log->has_head = chain_parse(text, strlen(text), &log->head);
		if (!log->has_head)
			complain("--head %s: not 64 hexadecimal digits", text);
		return log->has_head;
	default:
		(void)fputs(usage, stderr);
		return false;
	}
}

static bool parse_options(int argc, char **argv, struct log *log)
{
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ "verify", no_argument, NULL, 'V' },
		{ "json", no_argument, NULL, 'j' },
		{ "text", no_argument, NULL, 't' },
		{ "since", required_argument, NULL, 's' },
		{ "verdict", required_argument, NULL, 'v' },
		{ "event", required_argument, NULL, 'e' },
		{ "reason", required_argument, NULL, 'r' },
		{ "name", required_argument, NULL, 'n' },
		{ "id", required_argument, NULL, 'i' },
		{ "head", required_argument, NULL, 'H' },
		{ 0 },
	};
	int option;

	argv[0] = (char[]){ "sluice" };
	while ((option = getopt_long(argc, argv, "f", options, NULL)) != -1)
		if (!parse_option(log, option, optarg))
			return false;
	if (optind < argc)
		log->path = argv[optind++];
	if (optind < argc || (log->has_head && !log->verify) ||
	    (log->verify && log->follow)) {
		(void)fputs(usage, stderr);
		return false;
	}
	return true;
}

/* --- lines for people --- */

static const char *text_of(const json_t *root, const char *key)
{
	const char *text = json_string_value(json_object_get(root, key));

	return text ? text : "";
}

static bool is_wanted(const struct log *log, const json_t *root)
{
	const char *name = text_of(root, "name");

	return strcmp(text_of(root, "time"), log->since) >= 0 &&
	       (!log->verdict ||
		strcmp(text_of(root, "verdict"), log->verdict) == 0) &&
	       (!log->event ||
		strcmp(text_of(root, "event"), log->event) == 0) &&
	       (!log->reason ||
		strcmp(text_of(root, "reason"), log->reason) == 0) &&
	       (!log->id || strcmp(text_of(root, "id"), log->id) == 0) &&
	       (!log->name || (*name && fnmatch(log->name, name, 0) == 0));
}

/* Whatever is not printable ASCII would reach the terminal. */
static void print_quoted(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= ' ' && c < 0x7f)
			(void)putchar(c);
		else
			(void)printf("\\x%02x", c);
	}
}

static void print_member(const json_t *root, const char *before,
			 const char *key, const char *behind)
{
	const json_t *value = json_object_get(root, key);

	if (!value)
		return;
	(void)fputs(before, stdout);
	if (json_is_integer(value))
		(void)printf("%" JSON_INTEGER_FORMAT,
			     json_integer_value(value));
	else if (json_is_string(value))
		print_quoted(json_string_value(value));
	else
		(void)fputs(json_is_true(value) ? "yes" : "?", stdout);
	(void)fputs(behind, stdout);
}

static void print_text(const json_t *root)
{
	bool named = json_object_get(root, "name") != NULL;

	print_quoted(text_of(root, "time"));
	(void)printf(" %-9s %-8s", text_of(root, "verdict"),
		     text_of(root, "event"));
	print_member(root, " ", "method", "");
	print_member(root, " ", named ? "name" : "address", "");
	print_member(root, ":", "port", "");
	print_member(root, "", "path", "");
	print_member(root, " ", "type", "");
	print_member(root, " -> ", "status", "");
	if (strcmp(text_of(root, "verdict"), "deny") == 0)
		print_member(root, "  ", "reason", "");
	print_member(root, " (asked for ", "asked", ")");
	print_member(root, "  out ", "bytes_out", "");
	print_member(root, " in ", "bytes_in", "");
	print_member(root, "  x", "count", "");
	print_member(root, "  [", "detail", "]");
	print_member(root, "  line ", "line", "");
	print_member(root, "  id ", "id", "");
	print_member(root, "  allow: ", "allow", "");
	(void)putchar('\n');
}

/* A terminal is not to be sent escapes by a field that nobody quoted. */
static void print_line(const struct log *log, const struct record_line *line,
		       const char *path, uint64_t number)
{
	json_t *root = record_parse(line);

	if (!root)
		complain("%s: line %llu is no line of a record", path,
			 (unsigned long long)number);
	else if (is_wanted(log, root)) {
		if (log->as_json) {
			(void)fwrite(line->bytes, 1, line->len, stdout);
			(void)putchar('\n');
		} else {
			print_text(root);
		}
	}
	json_decref(root);
}

/* --- files --- */

static int print_file(const struct log *log, const char *path, FILE *file,
		      bool at_end, uint64_t *number)
{
	static struct record_line line;

	while (record_read(file, at_end, &line))
		print_line(log, &line, path, ++*number);
	return fflush(stdout) == 0 ? 0 : -errno;
}

/*
 * From the file number @first on; the last stays open for what comes. It is
 * missing while no gateway writes; others are not.
 */
static int print_from(const struct log *log, const struct audit_list *list,
		      size_t first, FILE **last, uint64_t *number)
{
	int error = 0;

	*last = NULL;
	for (size_t i = first; !error && i < list->n; i++) {
		bool is_last = i + 1 == list->n;
		FILE *file = fopen(list->paths[i], "re");

		if (!file && is_last && (log->follow || i > 0))
			break;
		if (!file)
			return complain_errno(list->paths[i], errno);
		*number = 0;
		error = print_file(log, list->paths[i], file,
				   !is_last || !log->follow, number);
		if (is_last && log->follow)
			*last = file;
		else
			(void)fclose(file);
	}
	return error;
}

static bool is_same(FILE *file, const char *path)
{
	struct stat open_one, there;

	return fstat(fileno(file), &open_one) == 0 && stat(path, &there) == 0 &&
	       open_one.st_dev == there.st_dev &&
	       open_one.st_ino == there.st_ino;
}

/*
 * Whether no more will be written to the file: it was put aside, and there is
 * a line in another.
 */
static bool is_left(FILE *file, const char *path)
{
	struct stat there;

	return !is_same(file, path) && stat(path, &there) == 0 &&
	       there.st_size > 0;
}

/* The file was put aside, and perhaps some after it: all that follow it. */
static int go_on(const struct log *log, FILE **file, uint64_t *number)
{
	struct audit_list list;
	size_t next = 0;
	int error = 0;

	if (*file)
		error = print_file(log, log->path, *file, true, number);
	if (!error)
		error = audit_list_read(log->path, &list);
	else
		list = (struct audit_list){ 0 };
	for (size_t i = 0; !error && *file && i < list.n; i++)
		if (is_same(*file, list.paths[i]))
			next = i + 1;
	/* Nothing yet: the one that will be there is all that matters. */
	if (!*file && list.n > 0)
		next = list.n - 1;
	if (*file)
		(void)fclose(*file);
	*file = NULL;
	if (!error)
		error = print_from(log, &list, next, file, number);
	audit_list_done(&list);
	return error;
}

static int watch(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	(void)snprintf(folder, sizeof(folder), "%.*s",
		       slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	if (fd >= 0 &&
	    inotify_add_watch(fd, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO) <
		    0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/* Until something happened in the folder, or it is time to look anyway. */
static void await(int notices)
{
	struct pollfd event = { .fd = notices, .events = POLLIN };
	char bytes[4096];

	if (poll(&event, 1, LOOK_MS) > 0)
		(void)!read(notices, bytes, sizeof(bytes));
}

/* Ends only when its output does, or by a signal. */
static int follow(const struct log *log, FILE *file, uint64_t number)
{
	int notices = watch(log->path);
	int error = 0;

	while (!error) {
		await(notices);
		if (file && !is_left(file, log->path))
			error = print_file(log, log->path, file, false,
					   &number);
		else
			error = go_on(log, &file, &number);
	}
	if (file)
		(void)fclose(file);
	if (notices >= 0)
		(void)close(notices);
	return error == -EPIPE ? 0 : error;
}

/* --- checking --- */

static int verify_file(struct record_check *check, const char *path, FILE *file)
{
	static struct record_line line;
	uint64_t number = 0;
	const char *why;
	int status = 0;

	while (record_read(file, true, &line)) {
		enum record_finding finding;

		number++;
		finding = record_check_line(check, &line, &why);
		if (finding == RECORD_FOLLOWS)
			continue;
		(void)printf("%s: line %llu %s\n", path,
			     (unsigned long long)number, why);
		if (finding == RECORD_BROKEN)
			status = EXIT_FAILURE;
	}
	return status;
}

static int tell(const struct record_check *check, int status)
{
	char hash[CHAIN_TEXT_MAX];

	if (check->is_wanted && !check->found) {
		(void)printf("no line has the hash that was given: what was "
			     "there then is gone, or changed\n");
		status = EXIT_FAILURE;
	}
	if (check->first > 1)
		(void)printf("it begins with number %llu: what was before is "
			     "not here\n",
			     (unsigned long long)check->first);
	if (check->lost > 0)
		(void)printf("%llu lines were lost with the process that was "
			     "to write them\n",
			     (unsigned long long)check->lost);
	(void)printf("%s: %llu lines, to number %llu; head %s\n",
		     status ? "BROKEN" : "whole",
		     (unsigned long long)check->lines,
		     (unsigned long long)check->number,
		     chain_format(&check->last, hash));
	return status;
}

static int verify(const struct log *log, const struct audit_list *list)
{
	struct record_check check;
	int status = EXIT_LAUNCHER;

	if (record_check_init(&check, log->has_head ? &log->head : NULL) < 0) {
		complain_errno("log", ENOMEM);
		goto out;
	}
	status = 0;
	for (size_t i = 0; i < list->n; i++) {
		FILE *file = fopen(list->paths[i], "re");

		if (!file && i > 0 && i + 1 == list->n && errno == ENOENT)
			break;
		if (!file) {
			complain_errno(list->paths[i], errno);
			status = EXIT_LAUNCHER;
			goto out;
		}
		if (verify_file(&check, list->paths[i], file) != 0)
			status = EXIT_FAILURE;
		(void)fclose(file);
	}
	status = tell(&check, status);
out:
	record_check_done(&check);
	return status;
}

int log_command(int argc, char **argv)
{
	struct log log = { .as_json = !isatty(STDOUT_FILENO) };
	struct audit_list list = { 0 };
	int status = EXIT_LAUNCHER;
	uint64_t number = 0;
	FILE *last = NULL;
	int error;

	if (!parse_options(argc, argv, &log))
		return EXIT_USAGE;
	if (!find_path(&log))
		return EXIT_LAUNCHER;
	error = audit_list_read(log.path, &list);
	if (error) {
		complain_errno(log.path, error);
	} else if (log.verify) {
		status = verify(&log, &list);
	} else {
		error = print_from(&log, &list, 0, &last, &number);
		if (!error && log.follow)
			error = follow(&log, last, number);
		status = error ? EXIT_LAUNCHER : 0;
	}
	audit_list_done(&list);
	return status;
}
