#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs @spawn with its output in @text. Its exit status. */
static int output_of(struct spawn *spawn, char text[4096])
{
	size_t len = 0;
	int ends[2];
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	spawn->stdio[1] = ends[1];
	assert_int_equal(spawn_start(spawn, &pid), 0);
	(void)close(ends[1]);
	while ((n = read(ends[0], text + len, 4095 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	(void)close(ends[0]);
	return spawn_wait(pid);
}

static void the_exit_status_comes_back(void **state)
{
	const char *const seven[] = { "sh", "-c", "exit 7", NULL };
	const char *const killed[] = { "sh", "-c", "kill -KILL $$", NULL };
	struct spawn spawn = spawn_of(seven);
	pid_t pid;

	(void)state;
	assert_int_equal(spawn_start(&spawn, &pid), 0);
	assert_int_equal(spawn_wait(pid), 7);
	spawn = spawn_of(killed);
	assert_int_equal(spawn_start(&spawn, &pid), 0);
	assert_int_equal(spawn_wait(pid), 128 + SIGKILL);
}

static void what_cannot_be_run_says_so_at_once(void **state)
{
	const char *const missing[] = { "/nonexistent/program", NULL };
	const char *const folder[] = { "/", NULL };
	struct spawn spawn = spawn_of(missing);
	pid_t pid = 5;

	(void)state;
	assert_int_equal(spawn_start(&spawn, &pid), -ENOENT);
	spawn = spawn_of(folder);
	assert_int_equal(spawn_start(&spawn, &pid), -EACCES);
	assert_int_equal(pid, 5);
}

static void words_are_not_read_by_a_shell(void **state)
{
	const char *const echo[] = { "echo", "a  b", "$HOME", ";", NULL };
	struct spawn spawn = spawn_of(echo);
	char text[4096];

	(void)state;
	assert_int_equal(output_of(&spawn, text), 0);
	assert_string_equal(text, "a  b $HOME ;\n");
}

static void only_the_streams_and_what_is_named_are_passed(void **state)
{
	const char *const list[] = { "ls", "-1", "/proc/self/fd", NULL };
	struct spawn spawn = spawn_of(list);
	char expected[64];
	char text[4096];
	int open_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int passed = fcntl(open_fd, F_DUPFD_CLOEXEC, 30);

	(void)state;
	assert_true(open_fd >= 0 && passed >= 0);
	spawn_pass(&spawn, passed);
	assert_int_equal(output_of(&spawn, text), 0);
	/* ls(1) itself opens the folder, as 3. */
	(void)snprintf(expected, sizeof(expected), "0\n1\n2\n3\n%d\n", passed);
	assert_string_equal(text, expected);
	(void)close(passed);
	(void)close(open_fd);
}

/* pasta(1) does not start where SIGPIPE is ignored. */
static void signals_are_as_after_boot(void **state)
{
	const char *const show[] = { "grep", "-E", "^Sig(Blk|Ign)",
				     "/proc/self/status", NULL };
	struct spawn spawn = spawn_of(show);
	char text[4096];
	sigset_t set;
	sigset_t old;

	(void)state;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(output_of(&spawn, text), 0);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	assert_string_equal(text, "SigBlk:\t0000000000000000\n"
				  "SigIgn:\t0000000000000000\n");
}

static void the_background_has_a_session_of_its_own(void **state)
{
	const char *const show[] = { "sh", "-c",
				     "read -r pid name state ppid pgrp sid "
				     "rest </proc/$$/stat; echo $(($$ - sid))",
				     NULL };
	struct spawn spawn = spawn_of(show);
	char text[4096];

	(void)state;
	spawn.background = true;
	assert_int_equal(output_of(&spawn, text), 0);
	assert_string_equal(text, "0\n");
}

/* However its parent ends: here by a signal that nobody can catch. */
static void the_mortal_end_with_their_parent(void **state)
{
	const char *const linger[] = { "sleep", "1000", NULL };
	struct spawn spawn = spawn_of(linger);
	char byte;
	int ends[2];
	pid_t parent, child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		spawn.mortal = true;
		spawn.stdio[1] = ends[1];
		(void)!spawn_start(&spawn, &child);
		(void)kill(getpid(), SIGKILL);
	}
	(void)close(ends[1]);
	assert_int_equal(spawn_wait(parent), 128 + SIGKILL);
	/* The end comes when the child's end is closed, by its own. */
	assert_int_equal(read(ends[0], &byte, 1), 0);
	(void)close(ends[0]);
}

static int refuse(void *data)
{
	return *(int *)data;
}

static void what_cannot_be_prepared_is_not_run(void **state)
{
	const char *const nothing[] = { "true", NULL };
	struct spawn spawn = spawn_of(nothing);
	int err = -EXDEV;
	pid_t pid;

	(void)state;
	spawn.prepare = refuse;
	spawn.data = &err;
	assert_int_equal(spawn_start(&spawn, &pid), -EXDEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exit_status_comes_back),
		cmocka_unit_test(what_cannot_be_run_says_so_at_once),
		cmocka_unit_test(words_are_not_read_by_a_shell),
		cmocka_unit_test(only_the_streams_and_what_is_named_are_passed),
		cmocka_unit_test(signals_are_as_after_boot),
		cmocka_unit_test(the_background_has_a_session_of_its_own),
		cmocka_unit_test(the_mortal_end_with_their_parent),
		cmocka_unit_test(what_cannot_be_prepared_is_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
