#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char good[] = "routes: [{host: a.test}]\n";

struct pair {
	int main, worker;
};

static const char secret_lines[] = "TOKEN=0123456789\n";

static struct secrets *some_secrets(void)
{
	const char *why;
	unsigned line;
	struct secrets *secrets = secrets_parse(
		secret_lines, sizeof(secret_lines) - 1, &line, &why);

	assert_non_null(secrets);
	return secrets;
}

static struct pair pair_new(void)
{
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	return (struct pair){ fds[0], fds[1] };
}

static void pair_close(struct pair pair)
{
	close(pair.main);
	close(pair.worker);
}

/* How many descriptors are open, so that none is lost unseen. */
static int n_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			n++;
	return n;
}

static void a_manifest_is_handed_over_whole(void **state)
{
	struct pair pair = pair_new();
	struct manifest_errors errors;
	struct policy *policy;
	struct secrets *secrets = some_secrets(), *received = NULL;
	struct secret secret;
	uint32_t generation = 0, answer = 0;
	int memfd = control_seal(good, sizeof(good) - 1), got = -1;
	size_t n;

	(void)state;
	assert_true(memfd >= 0);
	assert_int_equal(control_send(pair.main, memfd, 7, secrets), 0);
	secrets_free(secrets);
	close(memfd);
	assert_int_equal(
		control_receive(pair.worker, &got, &generation, &received), 1);
	assert_int_equal(generation, 7);
	assert_true(secrets_find(received, "TOKEN", &secret));
	assert_int_equal(secret.len, 10);
	assert_memory_equal(secret.value, "0123456789", 10);
	secrets_free(received);
	policy = control_read_manifest(got, &errors);
	close(got);
	assert_non_null(policy);
	assert_string_equal(policy_routes(policy, &n)[0].host.base.name,
			    "a.test");
	assert_int_equal(n, 1);
	policy_free(policy);
	control_acknowledge(pair.worker, generation);
	assert_int_equal(recv(pair.main, &answer, sizeof(answer), 0),
			 sizeof(answer));
	assert_int_equal(answer, 7);
	pair_close(pair);
}

static void a_worker_in_another_process_takes_it(void **state)
{
	struct pair pair = pair_new();
	int memfd = control_seal(good, sizeof(good) - 1), status;
	struct secrets *none = secrets_read(NULL);
	uint32_t answer = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0 && memfd >= 0);
	if (pid == 0) {
		struct manifest_errors errors;
		struct policy *policy;
		struct secrets *secrets = NULL;
		uint32_t generation;
		int got = -EAGAIN, fd;

		close(memfd);
		for (int i = 0; i < 1000 && got == -EAGAIN; i++) {
			got = control_receive(pair.worker, &fd, &generation,
					      &secrets);
			if (got == -EAGAIN)
				usleep(5000);
		}
		policy = got == 1 ? control_read_manifest(fd, &errors) : NULL;
		control_acknowledge(pair.worker, generation);
		policy_free(policy);
		secrets_free(secrets);
		_exit(policy ? 0 : 1);
	}
	assert_int_equal(control_send(pair.main, memfd, 3, none), 0);
	secrets_free(none);
	assert_int_equal(recv(pair.main, &answer, sizeof(answer), 0),
			 sizeof(answer));
	assert_int_equal(answer, 3);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(memfd);
	pair_close(pair);
}

static void what_was_sealed_cannot_be_changed(void **state)
{
	int memfd = control_seal(good, sizeof(good) - 1);

	(void)state;
	assert_true(memfd >= 0);
	assert_int_equal(pwrite(memfd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(memfd, 0), -1);
	assert_int_equal(ftruncate(memfd, 1 << 20), -1);
	assert_int_equal(fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	close(memfd);
}

static void nothing_to_read_and_the_end_are_told_apart(void **state)
{
	struct pair pair = pair_new();
	struct secrets *secrets;
	uint32_t generation;
	int memfd;

	(void)state;
	assert_int_equal(control_receive(pair.worker, &memfd, &generation,
					 &secrets),
			 -EAGAIN);
	close(pair.main);
	assert_int_equal(
		control_receive(pair.worker, &memfd, &generation, &secrets), 0);
	close(pair.worker);
}

/* A message of @len bytes with @n descriptors. */
static void send_odd(int fd, size_t len, int n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} space = { 0 };
	char bytes[16] = "????NAME=short";
	struct iovec iov = { bytes, len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[4] = { 0, 0, 0, 0 };

	if (n > 0) {
		message.msg_control = space.bytes;
		message.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
		space.align.cmsg_level = SOL_SOCKET;
		space.align.cmsg_type = SCM_RIGHTS;
		space.align.cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
		memcpy(CMSG_DATA(&space.align), fds, (size_t)n * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &message, 0), len);
}

static void odd_messages_are_refused_and_leave_nothing_open(void **state)
{
	static const struct {
		size_t len;
		int n;
	} rows[] = { { 4, 0 }, { 3, 1 }, { 1, 0 },  { 5, 1 },
		     { 4, 2 }, { 4, 4 }, { 14, 1 }, { 14, 0 } };
	struct pair pair = pair_new();
	int before = n_open();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint32_t generation = 99;
		struct secrets *secrets = NULL;
		int memfd = -77;

		send_odd(pair.main, rows[i].len, rows[i].n);
		assert_int_equal(control_receive(pair.worker, &memfd,
						 &generation, &secrets),
				 -EBADMSG);
		assert_null(secrets);
		assert_int_equal(memfd, -77);
		assert_int_equal(generation, 99);
		assert_int_equal(n_open(), before);
	}
	pair_close(pair);
}

static void a_manifest_with_mistakes_gives_no_policy(void **state)
{
	static const char *const texts[] = { "routes: [{host: }]", "}{", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct manifest_errors errors;
		struct policy *policy, *other;
		struct manifest_errors direct = { 0 };
		int memfd = control_seal(texts[i], strlen(texts[i]));

		assert_true(memfd >= 0);
		policy = control_read_manifest(memfd, &errors);
		other = manifest_parse(texts[i], strlen(texts[i]), &direct);
		/* The same as read directly. */
		assert_int_equal(policy != NULL, other != NULL);
		assert_int_equal(errors.n, direct.n);
		manifest_errors_done(&errors);
		manifest_errors_done(&direct);
		policy_free(policy);
		policy_free(other);
		close(memfd);
	}
}

static void what_is_no_file_or_too_large_gives_no_policy(void **state)
{
	struct manifest_errors errors;
	int memfd = memfd_create("large", MFD_CLOEXEC), fds[2];

	(void)state;
	assert_true(memfd >= 0);
	assert_int_equal(ftruncate(memfd, (off_t)MANIFEST_MAX + 1), 0);
	assert_null(control_read_manifest(memfd, &errors));
	close(memfd);
	assert_null(control_read_manifest(-1, &errors));
	assert_int_equal(pipe(fds), 0);
	/* A pipe has the size 0, which reads as an empty manifest does. */
	policy_free(control_read_manifest(fds[0], &errors));
	manifest_errors_done(&errors);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_is_handed_over_whole),
		cmocka_unit_test(a_worker_in_another_process_takes_it),
		cmocka_unit_test(what_was_sealed_cannot_be_changed),
		cmocka_unit_test(nothing_to_read_and_the_end_are_told_apart),
		cmocka_unit_test(
			odd_messages_are_refused_and_leave_nothing_open),
		cmocka_unit_test(a_manifest_with_mistakes_gives_no_policy),
		cmocka_unit_test(what_is_no_file_or_too_large_gives_no_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
