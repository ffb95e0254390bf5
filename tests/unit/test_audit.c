#include "audit.h"

#include "json.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#define N_CHANNELS 2
#define FULL 4096     /* bytes */
#define WAIT_MS 10000 /* for what must come; a test that waits so long fails */

static const struct domain name = { 6, "a.test" };

/* --- a line --- */

struct ends {
	struct audit audit;
	atomic_bool blind;
	int reader;
};

static void ends_make(struct ends *ends)
{
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	atomic_init(&ends->blind, false);
	ends->audit = (struct audit){ .fd = fds[0],
				      .worker = 3,
				      .blind = &ends->blind };
	ends->reader = fds[1];
}

static void ends_close(struct ends *ends)
{
	close(ends->audit.fd);
	if (ends->reader >= 0)
		close(ends->reader);
}

static json_t *line_read(struct ends *ends)
{
	char line[AUDIT_LINE_MAX + 1];
	ssize_t n = recv(ends->reader, line, sizeof(line), MSG_DONTWAIT);
	json_error_t error;
	json_t *root;

	assert_in_range(n, 3, AUDIT_LINE_MAX);
	assert_ptr_equal(memchr(line, '\n', (size_t)n), line + n - 1);
	root = json_loadb(line, (size_t)n, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s: %.*s", error.text, (int)n, line);
	return root;
}

static void assert_text(const json_t *root, const char *member,
			const char *wanted)
{
	const char *text = json_string_value(json_object_get(root, member));

	if (!text || strcmp(text, wanted) != 0)
		fail_msg("%s is %s", member, text ? text : "not there");
}

static void assert_number(const json_t *root, const char *member,
			  json_int_t wanted)
{
	const json_t *value = json_object_get(root, member);

	if (!json_is_integer(value))
		fail_msg("%s is no number", member);
	assert_true(json_integer_value(value) == wanted);
}

static void a_line_has_what_the_event_has(void **state)
{
	struct address agent, address, origin;
	struct audit_event event = {
		.event = "request",
		.flow = UINT64_C(1) << 48 | 5,
		.judged = true,
		.verdict = VERDICT_INTERCEPT,
		.reason = REASON_ALLOWED,
		.refusal = "0123456789ab",
		.protocol = "tls",
		.name = &name,
		.asked = "b.test",
		.type = "A",
		.ech = true,
		.early_data = true,
		.agent = &agent,
		.agent_port = 40000,
		.address = &address,
		.port = 443,
		.origin = &origin,
		.method = { "GET", 3 },
		.path = { "/x", 2 },
		.status = 200,
		.line = 7,
		.counted = true,
		.bytes_out = 1,
		.bytes_in = UINT32_MAX + UINT64_C(1),
		.duration_ms = 0,
		.detail = "more",
		.allow = "- host: a.test",
	};
	struct ends ends;
	json_t *root;

	(void)state;
	assert_true(address_parse(&agent, "10.0.0.2", 8));
	assert_true(address_parse(&address, "192.0.2.1", 9));
	assert_true(address_parse(&origin, "2001:db8::1", 11));
	ends_make(&ends);
	assert_int_equal(audit_write(&ends.audit, &event), 0);
	root = line_read(&ends);
	assert_text(root, "event", "request");
	assert_number(root, "worker", 3);
	assert_number(root, "flow", INT64_C(1) << 48 | 5);
	assert_text(root, "verdict", "intercept");
	assert_text(root, "reason", "allowed");
	assert_text(root, "id", "0123456789ab");
	assert_text(root, "protocol", "tls");
	assert_text(root, "name", "a.test");
	assert_text(root, "asked", "b.test");
	assert_text(root, "type", "A");
	assert_true(json_is_true(json_object_get(root, "ech")));
	assert_true(json_is_true(json_object_get(root, "early_data")));
	assert_text(root, "agent", "10.0.0.2");
	assert_number(root, "agent_port", 40000);
	assert_text(root, "address", "192.0.2.1");
	assert_number(root, "port", 443);
	assert_text(root, "origin", "2001:db8::1");
	assert_text(root, "method", "GET");
	assert_text(root, "path", "/x");
	assert_number(root, "status", 200);
	assert_number(root, "line", 7);
	assert_number(root, "bytes_out", 1);
	assert_number(root, "bytes_in", INT64_C(1) << 32);
	assert_number(root, "duration_ms", 0);
	assert_text(root, "detail", "more");
	assert_text(root, "allow", "- host: a.test");
	/* And when: RFC 3339, and the clock that does not jump. */
	assert_int_equal(json_string_length(json_object_get(root, "time")), 24);
	assert_true(json_is_integer(json_object_get(root, "mono_ms")));
	json_decref(root);
	ends_close(&ends);
}

static void what_there_is_not_is_left_out(void **state)
{
	static const struct domain nameless;
	static const struct address nowhere;
	const struct audit_event event = { .event = "start",
					   .name = &nameless,
					   .asked = "",
					   .allow = "",
					   .agent = &nowhere,
					   .origin = &nowhere };
	struct ends ends;
	json_t *root;

	(void)state;
	ends_make(&ends);
	assert_int_equal(audit_write(&ends.audit, &event), 0);
	root = line_read(&ends);
	assert_text(root, "event", "start");
	assert_int_equal(json_object_size(root), 4); /* time, mono_ms, worker */
	json_decref(root);
	ends_close(&ends);
}

static void no_foreign_byte_ends_the_line(void **state)
{
	char bytes[256];
	struct ends ends;
	json_t *root;

	(void)state;
	for (int i = 1; i < 256; i++)
		bytes[i - 1] = (char)i;
	bytes[255] = '\0';
	ends_make(&ends);
	for (int i = 0; i < 2; i++) {
		const struct audit_event event = {
			.event = "request",
			.name = &name,
			.method = { "G\"\n", 3 },
			.path = { bytes, i ? 255 : 0 },
			.asked = "x\",\"verdict\":\"allow",
			.detail = i ? "\r\n{}" : bytes,
		};

		assert_int_equal(audit_write(&ends.audit, &event), 0);
		root = line_read(&ends);
		assert_null(json_object_get(root, "verdict"));
		assert_text(root, "asked", "x\",\"verdict\":\"allow");
		json_decref(root);
	}
	ends_close(&ends);
}

/* --- what cannot be recorded --- */

static void a_reader_that_is_gone_makes_blind(void **state)
{
	const struct audit_event event = { .event = "dns" };
	struct ends ends;

	(void)state;
	ends_make(&ends);
	assert_false(audit_is_blind(&ends.audit));
	close(ends.reader);
	ends.reader = -1;
	assert_int_equal(audit_write(&ends.audit, &event), -EPIPE);
	assert_true(audit_is_blind(&ends.audit));
	ends_close(&ends);
}

static void a_reader_that_does_not_read_makes_blind(void **state)
{
	const struct audit_event event = { .event = "dns" };
	struct ends ends;
	int error = 0;

	(void)state;
	ends_make(&ends);
	for (int i = 0; i < 100000 && error == 0; i++) {
		assert_false(audit_is_blind(&ends.audit));
		error = audit_write(&ends.audit, &event);
	}
	assert_int_equal(error, -ENOBUFS);
	assert_true(audit_is_blind(&ends.audit));
	ends_close(&ends);
}

/* A worker keeps what the reader has no room for, and hands it over later. */
static void a_reader_that_is_late_gets_every_line(void **state)
{
	struct event_base *base = event_base_new();
	unsigned n_put = 0, n_got = 0;
	struct ends ends;
	int error = 0;

	(void)state;
	assert_non_null(base);
	ends_make(&ends);
	assert_int_equal(audit_start(&ends.audit, base), 0);
	for (int i = 0; i < 100000 && error == 0; i++) {
		const struct audit_event event = { .event = "dns",
						   .flow = n_put + 1 };

		error = audit_write(&ends.audit, &event);
		if (error == 0)
			n_put++;
		assert_true(ends.audit.queue.len <= AUDIT_QUEUE_MAX + 64);
	}
	/* More than it keeps makes blind; what it kept is all there. */
	assert_int_equal(error, -ENOBUFS);
	assert_true(audit_is_blind(&ends.audit));
	assert_true(ends.audit.queue.len > AUDIT_QUEUE_MAX / 2);
	for (int i = 0; i < 100000 && n_got < n_put; i++) {
		json_t *root = line_read(&ends);

		assert_number(root, "flow", ++n_got);
		json_decref(root);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	assert_int_equal(n_got, n_put);
	audit_done(&ends.audit);
	ends_close(&ends);
	event_base_free(base);
}

static void a_line_too_long_makes_blind(void **state)
{
	char much[JSON_STRING_MAX + 1];
	struct audit_event event = { .event = "dns",
				     .name = &name,
				     .path = { much, JSON_STRING_MAX },
				     .detail = much };
	struct ends ends;

	(void)state;
	memset(much, '\n', JSON_STRING_MAX);
	much[JSON_STRING_MAX] = '\0';
	ends_make(&ends);
	assert_int_equal(audit_write(&ends.audit, &event), -EMSGSIZE);
	assert_true(audit_is_blind(&ends.audit));
	ends_close(&ends);
}

/* --- the audit process --- */

struct rig {
	pid_t pid;
	int file; /* ours, to read */
	struct audit audits[N_CHANNELS];
	atomic_bool *blind; /* shared, and so is the next */
	struct audit_tail *tail;
	int full; /* eventfd(2), above FULL bytes */
};

/* Starts one that may write @limit bytes; 0 for as many as there are. */
static void start(struct rig *rig, rlim_t limit)
{
	char path[] = "/tmp/sluice-test-audit.XXXXXX";
	int theirs[N_CHANNELS], file = mkstemp(path);

	assert_true(file >= 0);
	rig->file = open(path, O_RDWR | O_CLOEXEC);
	assert_true(rig->file >= 0);
	assert_int_equal(unlink(path), 0);
	assert_true(fcntl(file, F_SETFL, O_APPEND) >= 0);
	rig->blind = mmap(NULL, sizeof(*rig->blind), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(rig->blind, MAP_FAILED);
	rig->tail = mmap(NULL, sizeof(*rig->tail), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(rig->tail, MAP_FAILED);
	for (unsigned i = 0; i < N_CHANNELS; i++) {
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX,
					    SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
					    fds),
				 0);
		rig->audits[i] = (struct audit){ .fd = fds[0],
						 .worker = i,
						 .blind = rig->blind };
		theirs[i] = fds[1];
	}
	rig->full = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(rig->full >= 0);
	(void)fflush(NULL);
	rig->pid = fork();
	assert_true(rig->pid >= 0);
	if (rig->pid == 0) {
		struct rlimit most = { limit, RLIM_INFINITY };

		/* A failure is said by what follows, not by this process. */
		log_set(LOG_LEVEL_ERR, "test");
		if (limit > 0 && setrlimit(RLIMIT_FSIZE, &most) < 0)
			_exit(99);
		for (int i = 0; i < N_CHANNELS; i++)
			close(rig->audits[i].fd);
		audit_run(&(struct audit_birth){ .file = file,
						 .channels = theirs,
						 .n_channels = N_CHANNELS,
						 .blind = rig->blind,
						 .tail = rig->tail,
						 .full_size = FULL,
						 .full = rig->full });
	}
	close(file);
	for (int i = 0; i < N_CHANNELS; i++)
		close(theirs[i]);
}

/* Tells it to end, by closing the channels; it does so with status 0. */
static void stop(struct rig *rig)
{
	int status = -1;
	pid_t got = 0;

	for (int i = 0; i < N_CHANNELS; i++)
		close(rig->audits[i].fd);
	for (int ms = 0; ms < WAIT_MS && got == 0; ms += 5) {
		got = waitpid(rig->pid, &status, WNOHANG);
		if (got == 0)
			(void)poll(NULL, 0, 5);
	}
	if (got == 0)
		kill(rig->pid, SIGKILL);
	assert_int_equal(got, rig->pid);
	assert_int_equal(status, 0);
	close(rig->file);
	close(rig->full);
	munmap(rig->blind, sizeof(*rig->blind));
	munmap(rig->tail, sizeof(*rig->tail));
}

/* Writes one, waiting where the audit process has not read yet. */
static void put(struct rig *rig, unsigned channel, const char *detail)
{
	const struct audit_event event = { .event = "dns", .detail = detail };
	int error = -ENOBUFS;

	for (int ms = 0; ms < WAIT_MS && error == -ENOBUFS; ms++) {
		error = audit_write(&rig->audits[channel], &event);
		if (error == -ENOBUFS)
			(void)poll(NULL, 0, 1);
	}
	assert_int_equal(error, 0);
}

static bool await_blind(const struct rig *rig, bool wanted)
{
	for (int ms = 0; ms < WAIT_MS; ms += 5) {
		if (atomic_load(rig->blind) == wanted)
			return true;
		(void)poll(NULL, 0, 5);
	}
	return false;
}

/* @line, with its newline, names what was before it, and is next. */
static void check_chain(const char *line, struct chain_hash *before)
{
	char hash[CHAIN_TEXT_MAX], wanted[128];
	struct chain chain;

	(void)snprintf(wanted, sizeof(wanted), ",\"prev\":\"%s\",",
		       chain_format(before, hash));
	assert_non_null(strstr(line, wanted));
	assert_int_equal(chain_init(&chain), 0);
	chain_hash(&chain, line, strlen(line) - 1, before);
	chain_done(&chain);
}

/* The file has these lines, numbered from 1; returns how many from worker 1. */
static unsigned check_lines(const struct rig *rig, unsigned wanted)
{
	FILE *file = fdopen(dup(rig->file), "r");
	char line[AUDIT_LINE_MAX + 128];
	struct chain_hash before = { 0 };
	unsigned n = 0, ones = 0;

	assert_non_null(file);
	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		if (!root)
			fail_msg("no JSON: %s", line);
		assert_memory_equal(line, "{\"v\":1,\"seq\":", 13);
		assert_number(root, "seq", ++n);
		check_chain(line, &before);
		assert_text(root, "event", "dns");
		if (json_integer_value(json_object_get(root, "worker")) == 1)
			ones++;
		json_decref(root);
	}
	(void)fclose(file);
	assert_int_equal(n, wanted);
	return ones;
}

/* Until the file ends so, or time is out. */
static bool await_text(const struct rig *rig, const char *end)
{
	size_t len = strlen(end);

	for (int ms = 0; ms < WAIT_MS; ms += 5) {
		char bytes[65536];
		ssize_t n = pread(rig->file, bytes, sizeof(bytes), 0);

		if (n >= (ssize_t)len && memcmp(bytes + n - len, end, len) == 0)
			return true;
		(void)poll(NULL, 0, 5);
	}
	return false;
}

/* Until the file has so many lines, or time is out. */
static bool await_lines(const struct rig *rig, unsigned wanted)
{
	for (int ms = 0; ms < WAIT_MS; ms += 5) {
		char bytes[65536];
		unsigned n = 0;
		off_t at = 0;
		ssize_t got;

		while ((got = pread(rig->file, bytes, sizeof(bytes), at)) > 0) {
			for (ssize_t i = 0; i < got; i++)
				n += bytes[i] == '\n';
			at += got;
		}
		if (n >= wanted)
			return true;
		(void)poll(NULL, 0, 5);
	}
	return false;
}

static void lines_of_all_are_numbered_without_gaps(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, 0);
	for (unsigned i = 0; i < 2000; i++)
		put(&rig, i % 3 == 0, NULL);
	assert_true(await_lines(&rig, 2000));
	assert_int_equal(check_lines(&rig, 2000), 667);
	stop(&rig);
}

static void numbers_go_on_where_another_process_left_them(void **state)
{
	char line[AUDIT_LINE_MAX];
	struct rig rig;

	(void)state;
	start(&rig, 0);
	rig.tail->number = 41;
	put(&rig, 0, NULL);
	put(&rig, 0, NULL);
	assert_true(await_lines(&rig, 2));
	assert_in_range(pread(rig.file, line, sizeof(line), 0), 20,
			sizeof(line));
	assert_memory_equal(line, "{\"v\":1,\"seq\":42,", 16);
	assert_int_equal(rig.tail->number, 43);
	stop(&rig);
}

static void what_was_sent_before_the_end_is_written(void **state)
{
	struct rig rig;
	int file;

	(void)state;
	start(&rig, 0);
	file = dup(rig.file);
	for (unsigned i = 0; i < 50; i++)
		put(&rig, 0, NULL);
	stop(&rig);
	rig.file = file;
	check_lines(&rig, 50);
	close(file);
}

/* Moves what is in the file to the end of @kept; there is room again. */
static void take_out(const struct rig *rig, char *kept, size_t cap, size_t *len)
{
	ssize_t n = pread(rig->file, kept + *len, cap - *len, 0);

	assert_true(n > 0 && (size_t)n < cap - *len);
	*len += (size_t)n;
	assert_int_equal(ftruncate(rig->file, 0), 0);
}

/*
 * Where no more can be written it says so, stays, and goes on where it was as
 * soon as it can: not a line is lost, doubled or torn.
 */
static void a_full_file_makes_blind_until_there_is_room(void **state)
{
	char kept[16384];
	size_t len = 0;
	struct rig rig;

	(void)state;
	start(&rig, 2500);
	for (unsigned i = 0; i < 20; i++)
		put(&rig, 0, "some words, so that it is sooner full");
	assert_true(await_blind(&rig, true));
	assert_true(audit_is_blind(&rig.audits[1]));
	assert_int_equal(waitpid(rig.pid, NULL, WNOHANG), 0);
	take_out(&rig, kept, sizeof(kept), &len);
	assert_int_equal(len, 2500);
	assert_true(await_blind(&rig, false));
	put(&rig, 1, NULL);
	assert_true(await_text(&rig, "\"worker\":1}\n"));
	take_out(&rig, kept, sizeof(kept), &len);
	assert_int_equal(pwrite(rig.file, kept, len, 0), len);
	assert_int_equal(check_lines(&rig, 21), 1);
	stop(&rig);
}

/* Writes one, and waits until it is in the file. */
static void put_and_wait(struct rig *rig, const char *detail)
{
	const uint64_t size = rig->tail->size;

	put(rig, 0, detail);
	for (int ms = 0; ms < WAIT_MS && rig->tail->size == size; ms += 5)
		(void)poll(NULL, 0, 5);
	assert_true(rig->tail->size > size);
}

/* Of two files the second goes on where the first ends. */
static void a_full_file_gives_way_to_another(void **state)
{
	char path[] = "/tmp/sluice-test-audit.XXXXXX";
	char lines[2 * FULL];
	struct rig rig;
	uint64_t times = 0;
	ssize_t len;
	int other;

	(void)state;
	start(&rig, 0);
	while (rig.tail->size < FULL)
		put_and_wait(&rig, NULL);
	for (int ms = 0; ms < WAIT_MS && times == 0; ms += 5) {
		if (read(rig.full, &times, sizeof(times)) < 0)
			(void)poll(NULL, 0, 5);
	}
	assert_int_equal(times, 1);
	other = mkstemp(path);
	assert_true(other >= 0);
	assert_int_equal(audit_turn(&rig.audits[N_CHANNELS - 1], other), 0);
	for (int ms = 0; ms < WAIT_MS && rig.tail->size > 0; ms += 5)
		(void)poll(NULL, 0, 5);
	len = pread(rig.file, lines, sizeof(lines), 0);
	assert_true(len >= FULL);
	put(&rig, 0, "more");
	for (int ms = 0; ms < WAIT_MS && rig.tail->size == 0; ms += 5)
		(void)poll(NULL, 0, 5);
	assert_true(rig.tail->size > 0);
	assert_int_equal(pread(rig.file, lines, sizeof(lines), 0), len);
	close(rig.file);
	rig.file = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(unlink(path), 0);
	close(other);
	len = pread(rig.file, lines, sizeof(lines), 0);
	assert_true(len > 0 && lines[len - 1] == '\n');
	assert_non_null(memmem(lines, (size_t)len, "more", 4));
	assert_null(memmem(lines, (size_t)len,
			   "0000000000000000000000000000000000000000", 40));
	stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_what_the_event_has),
		cmocka_unit_test(what_there_is_not_is_left_out),
		cmocka_unit_test(no_foreign_byte_ends_the_line),
		cmocka_unit_test(a_reader_that_is_gone_makes_blind),
		cmocka_unit_test(a_reader_that_does_not_read_makes_blind),
		cmocka_unit_test(a_reader_that_is_late_gets_every_line),
		cmocka_unit_test(a_line_too_long_makes_blind),
		cmocka_unit_test(lines_of_all_are_numbered_without_gaps),
		cmocka_unit_test(numbers_go_on_where_another_process_left_them),
		cmocka_unit_test(what_was_sent_before_the_end_is_written),
		cmocka_unit_test(a_full_file_makes_blind_until_there_is_room),
		cmocka_unit_test(a_full_file_gives_way_to_another),
	};

	/* As main.c: what may open no file later must know the zone now. */
	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
