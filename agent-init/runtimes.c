#include "runtimes.h"

#include "deadline.h"
#include "privileges.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP "report"
#define TRY_MS 10000 /* for each */
#define WORDS_MAX 8
#define TARGET_MAX 300
#define ABSENT 127 /* as shells have it */

/*
 * Each ends with 0 if the handshake was finished, whatever the answer to what
 * was asked. The last word is the host, between @before and @after.
 */
static const struct {
	const char *name, *before, *after;
	const char *words[WORDS_MAX];
} runtimes[] = {
	{ "curl",
	  "https://",
	  "/",
	  { "curl", "-sS", "--max-time", "10", "-o", "/dev/null" } },
	{ "openssl",
	  "",
	  ":443",
	  { "openssl", "s_client", "-verify_return_error", "-connect" } },
	{ "python3",
	  "",
	  "",
	  { "python3", "-c",
	    "import socket, ssl, sys\n"
	    "host = sys.argv[1]\n"
	    "ssl.create_default_context().wrap_socket(\n"
	    "    socket.create_connection((host, 443), 10),\n"
	    "    server_hostname=host)" } },
	{ "node",
	  "",
	  "",
	  { "node", "-e",
	    "const host = process.argv[1];\n"
	    "require('tls').connect({ host, port: 443, servername: host },\n"
	    "    () => process.exit(0)).on('error', () => process.exit(1))" } },
	{ "ruby",
	  "",
	  "",
	  { "ruby", "-e",
	    "require 'net/http'\n"
	    "Net::HTTP.start(ARGV[0], 443, use_ssl: true) { }" } },
	{ "php",
	  "",
	  "",
	  { "php", "-r",
	    "exit(stream_socket_client('ssl://'.$argv[1].':443') ? 0 : 1);" } },
};

#define N_RUNTIMES (sizeof(runtimes) / sizeof(runtimes[0]))

/* In a process of its own; returns only if there is no such program. */
static int run(size_t i, const char *host, const struct user *user)
{
	char target[TARGET_MAX];
	const char *words[WORDS_MAX + 1];
	size_t n = 0;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (; runtimes[i].words[n]; n++)
		words[n] = runtimes[i].words[n];
	(void)snprintf(target, sizeof(target), "%s%s%s", runtimes[i].before,
		       host, runtimes[i].after);
	words[n++] = target;
	words[n] = NULL;
	if (null < 0 || setpgid(0, 0) < 0 || privileges_drop(user, 0) < 0)
		return EXIT_FAILURE;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return EXIT_FAILURE;
	/* The words are never written to; execvp() is older than const. */
	(void)execvp(words[0], (char **)(void *)words);
	return errno == ENOENT ? ABSENT : EXIT_FAILURE;
}

/* Its status as waitpid() has it, once it has ended or been made to. */
static int await(pid_t child)
{
	int64_t deadline = deadline_in(TRY_MS);
	int status = 0;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (deadline_pause(deadline))
			continue;
		(void)kill(child, SIGKILL);
		(void)waitpid(child, &status, 0);
		break;
	}
	/* And those that it started. */
	(void)kill(-child, SIGKILL);
	return status;
}

void runtimes_report(const char *host, const struct user *user)
{
	for (size_t i = 0; i < N_RUNTIMES; i++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			_exit(run(i, host, user));
		if (child < 0) {
			(void)report(STEP, -errno, "cannot try");
			return;
		}
		status = await(child);
		if (WIFEXITED(status) && WEXITSTATUS(status) == ABSENT)
			continue;
		(void)report(STEP, 0, "%s %s", runtimes[i].name,
			     WIFEXITED(status) && WEXITSTATUS(status) == 0
				     ? "trusts the gateway"
				     : "does not trust the gateway, or could "
				       "not connect");
	}
}
