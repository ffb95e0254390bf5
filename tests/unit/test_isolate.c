#include "isolate.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cap-ng.h>
#include <cmocka.h>

/* What the sanitizers need is what some of these tests say is not there. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#define ALL_ROLES 3

/* An attempt says whether it succeeded; most are killed before they can. */
typedef bool attempt(void);

/* The wait status of a child that made the attempt in @role's place. */
static int status_of(enum isolate_role role, attempt *try_it)
{
	pid_t parent = getpid(), child;
	int status;

	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		isolate_child(parent, NULL, 0);
		isolate(role);
		_exit(try_it() ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void assert_killed(enum isolate_role role, attempt *try_it)
{
	int status = status_of(role, try_it);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void assert_works(enum isolate_role role, attempt *try_it)
{
	int status = status_of(role, try_it);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static bool opens_to_read(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool opens_to_write(void)
{
	return open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) >= 0;
}

static bool makes_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool makes_netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0;
}

static bool makes_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0;
}

static bool makes_raw_socket(void)
{
	return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP) >= 0;
}

static bool makes_tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool makes_udp6_socket(void)
{
	return socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool forks(void)
{
	return fork() >= 0;
}

static bool executes(void)
{
	char *const none[] = { NULL };

	return execve("/bin/true", none, none) < 0; /* it was let try */
}

static bool traces_parent(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static bool kills_parent(void)
{
	return kill(getppid(), 0) == 0;
}

static bool becomes_root(void)
{
	return setuid(0) == 0;
}

static bool unshares(void)
{
	return unshare(CLONE_NEWUSER) == 0;
}

static bool makes_memory_executable(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool fails_an_assertion(void)
{
	abort();
}

/* Through all that runs at exit, of which LeakSanitizer needs the most. */
static bool exits(void)
{
	exit(3); /* which is no status of a sanitizer's */
}

/* Memory, time, randomness and events are what every role is left with. */
static bool lives(void)
{
	struct epoll_event event = { .events = EPOLLOUT };
	size_t len = (size_t)1 << 22;
	struct timespec now;
	struct stat st;
	uint8_t random[16];
	char *memory;
	int events;

	memory = malloc(len);
	if (!memory)
		return false;
	memset(memory, 1, len);
	memory = realloc(memory, 2 * len);
	free(memory);
	events = epoll_create1(EPOLL_CLOEXEC);
	return events >= 0 && clock_gettime(CLOCK_MONOTONIC, &now) == 0 &&
	       getrandom(random, sizeof(random), 0) == sizeof(random) &&
	       epoll_wait(events, &event, 1, 0) == 0 && close(events) == 0 &&
	       fstat(STDIN_FILENO, &st) == 0 && getppid() != 1;
}

static void no_role_opens_a_file(void **state)
{
	(void)state;
	for (int role = 0; role < ALL_ROLES; role++) {
		assert_killed((enum isolate_role)role, opens_to_write);
		if (!SANITIZED)
			assert_killed((enum isolate_role)role, opens_to_read);
	}
}

static void no_role_starts_or_touches_a_process(void **state)
{
	static attempt *const attempts[] = { executes, kills_parent, unshares };

	(void)state;
	for (int role = 0; role < ALL_ROLES; role++) {
		for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts);
		     i++)
			assert_killed((enum isolate_role)role, attempts[i]);
		assert_killed((enum isolate_role)role, forks);
		if (!SANITIZED)
			assert_killed((enum isolate_role)role, traces_parent);
	}
}

static void no_role_gets_anything_back(void **state)
{
	(void)state;
	for (int role = 0; role < ALL_ROLES; role++) {
		assert_killed((enum isolate_role)role, becomes_root);
		assert_killed((enum isolate_role)role, makes_memory_executable);
	}
}

static void a_worker_makes_tcp_and_udp_sockets_only(void **state)
{
	(void)state;
	assert_works(ISOLATE_WORKER, makes_tcp_socket);
	assert_works(ISOLATE_WORKER, makes_udp6_socket);
	assert_killed(ISOLATE_WORKER, makes_unix_socket);
	assert_killed(ISOLATE_WORKER, makes_netlink_socket);
	assert_killed(ISOLATE_WORKER, makes_packet_socket);
	assert_killed(ISOLATE_WORKER, makes_raw_socket);
}

static void signer_and_audit_make_no_socket(void **state)
{
	static attempt *const attempts[] = { makes_unix_socket,
					     makes_netlink_socket,
					     makes_tcp_socket,
					     makes_udp6_socket };

	(void)state;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
		assert_killed(ISOLATE_SIGNER, attempts[i]);
		assert_killed(ISOLATE_AUDIT, attempts[i]);
	}
}

static void every_role_can_live(void **state)
{
	(void)state;
	for (int role = 0; role < ALL_ROLES; role++)
		assert_works((enum isolate_role)role, lives);
}

static void every_role_can_end(void **state)
{
	(void)state;
	(void)fflush(NULL); /* or the child would write it again */
	for (int role = 0; role < ALL_ROLES; role++) {
		int status = status_of((enum isolate_role)role, exits);

		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 3);
	}
}

static void a_failed_assertion_ends_as_one(void **state)
{
	int status = status_of(ISOLATE_WORKER, fails_an_assertion);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* A child of @role that says when it is isolated, and waits to be let go. */
static pid_t child_held(enum isolate_role role, int *let_go)
{
	pid_t parent = getpid(), child;
	int ready[2], go[2];
	char byte = 0;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const int keep[] = { ready[1], go[0] };

		isolate_child(parent, keep, 2);
		isolate(role);
		if (write(ready[1], &byte, 1) == 1)
			(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	(void)close(ready[1]);
	(void)close(go[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	*let_go = go[1];
	return child;
}

/* "CapEff:\t0000000000000000\n" and its like, out of /proc/PID/status. */
static void assert_status_has(pid_t child, const char *line)
{
	char path[64], status[8192];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)child);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, status, sizeof(status) - 1);
	(void)close(fd);
	assert_true(n > 0);
	status[n] = '\0';
	if (!strstr(status, line))
		fail_msg("no %s in:\n%s", line, status);
}

static void what_is_left_of_a_role_is_nothing(void **state)
{
	(void)state;
	for (int role = 0; role < ALL_ROLES; role++) {
		int let_go, status;
		pid_t child = child_held((enum isolate_role)role, &let_go);

		assert_status_has(child, "CapInh:\t0000000000000000\n");
		assert_status_has(child, "CapPrm:\t0000000000000000\n");
		assert_status_has(child, "CapEff:\t0000000000000000\n");
		assert_status_has(child, "CapAmb:\t0000000000000000\n");
		assert_status_has(child, "NoNewPrivs:\t1\n");
		assert_status_has(child, "Seccomp:\t2\n");
		(void)close(let_go);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

static void a_child_keeps_what_it_is_told_to(void **state)
{
	pid_t parent = getpid(), child;
	int fds[6], status;

	(void)state;
	for (int i = 0; i < 6; i++) {
		fds[i] = dup(STDERR_FILENO);
		assert_true(fds[i] > STDERR_FILENO);
	}
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const int keep[] = { fds[4], -1, fds[1], STDERR_FILENO };
		int wrong = 0;

		isolate_child(parent, keep, 4);
		for (int i = 0; i < 6; i++)
			if ((fcntl(fds[i], F_GETFD) >= 0) != (i == 1 || i == 4))
				wrong++;
		if (fcntl(STDIN_FILENO, F_GETFD) < 0)
			wrong++;
		_exit(wrong);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (int i = 0; i < 6; i++)
		(void)close(fds[i]);
}

/* The end of the pipe comes when the last who could write to it is gone. */
static void a_role_dies_with_its_parent(void **state)
{
	int alive[2], ready[2], status;
	pid_t parent;
	char byte = 0;

	(void)state;
	assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		pid_t self = getpid();

		if (fork() == 0) {
			/* It reads an end of which it holds the other itself. */
			const int keep[] = { alive[0], alive[1], ready[1] };

			isolate_child(self, keep, 3);
			isolate(ISOLATE_WORKER);
			(void)!write(ready[1], &byte, 1);
			(void)!read(alive[0], &byte, 1);
		}
		for (;;)
			(void)pause();
	}
	(void)close(alive[1]);
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_int_equal(read(alive[0], &byte, 1), 0);
	(void)close(alive[0]);
	(void)close(ready[0]);
}

static void the_supervisor_keeps_what_it_needs(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		const struct rlimit none = { 0, 0 };
		struct rlimit core;
		bool had;

		(void)capng_get_caps_process();
		had = capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN);
		isolate_supervisor(false);
		(void)capng_get_caps_process();
		_exit(capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) ==
					      had &&
				      !capng_have_capability(CAPNG_PERMITTED,
							     CAP_SYS_ADMIN) &&
				      !capng_have_capability(CAPNG_PERMITTED,
							     CAP_NET_RAW) &&
				      getrlimit(RLIMIT_CORE, &core) == 0 &&
				      core.rlim_max == none.rlim_max
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_role_opens_a_file),
		cmocka_unit_test(no_role_starts_or_touches_a_process),
		cmocka_unit_test(no_role_gets_anything_back),
		cmocka_unit_test(a_worker_makes_tcp_and_udp_sockets_only),
		cmocka_unit_test(signer_and_audit_make_no_socket),
		cmocka_unit_test(every_role_can_live),
		cmocka_unit_test(every_role_can_end),
		cmocka_unit_test(a_failed_assertion_ends_as_one),
		cmocka_unit_test(what_is_left_of_a_role_is_nothing),
		cmocka_unit_test(a_child_keeps_what_it_is_told_to),
		cmocka_unit_test(a_role_dies_with_its_parent),
		cmocka_unit_test(the_supervisor_keeps_what_it_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
