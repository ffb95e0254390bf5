#include "uplink.h"

#include "clock.h"
#include "interfaces.h"
#include "isolate.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENT "/sbin/udhcpc"
#define HOOK_NAME "SLUICE_LEASES"
#define FIRST_LEASE_MS 60000
#define LOOK_MS 100    /* between looks for a client that died meanwhile */
#define BACKOFF_MS 500 /* before the client is started again; doubles */
#define BACKOFF_MAX_MS 30000
#define NEWS_MAX 16 /* read at once; there is other work */

/* What the hook says. Both ends are the same program, but for who runs it. */
struct news {
	uint32_t bound; /* if 0, there is no lease */
	struct lease lease;
};

static const struct {
	const char *event;
	bool bound;
} events[] = {
	{ "bound", true },
	{ "renew", true },
	{ "deconfig", false },
};

/* --- in the client, and in what it starts --- */

NORETURN static void client_run(const struct uplink *uplink, pid_t parent,
				char *self)
{
	char program[] = "udhcpc", foreground[] = "-f", interface[] = "-i",
	     hook[] = "-s", word[] = HOOK_NAME "=1";
	char name[sizeof(uplink->config->machine.uplink)];
	char *args[] = {
		program, foreground, interface, name, hook, self, NULL
	};
	char *environment[] = { word, NULL };
	const int kept = UPLINK_HOOK_FD;
	sigset_t none;

	memcpy(name, uplink->config->machine.uplink, sizeof(name));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (uplink->hook == UPLINK_HOOK_FD
		    ? fcntl(UPLINK_HOOK_FD, F_SETFD, 0) < 0
		    : dup2(uplink->hook, UPLINK_HOOK_FD) < 0)
		die("uplink: no way back for the client: %s", strerror(errno));
	isolate_child(parent, &kept, 1);
	isolate_client();
	execve(CLIENT, args, environment);
	die("uplink: cannot run %s: %s", CLIENT, strerror(errno));
}

bool uplink_is_hook(int argc, char **argv)
{
	const char *word = getenv(HOOK_NAME);

	/* The gateway itself has no words that are not options. */
	return argc == 2 && argv[1][0] != '-' && word != NULL;
}

int uplink_hook(const char *event)
{
	const struct lease_words words = {
		.ip = getenv("ip"),
		.mask = getenv("mask"),
		.router = getenv("router"),
		.dns = getenv("dns"),
		.lease = getenv("lease"),
	};
	struct news news;

	memset(&news, 0, sizeof(news));
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		if (strcmp(event, events[i].event) != 0)
			continue;
		news.bound =
			events[i].bound && lease_parse(&news.lease, &words);
		return send(UPLINK_HOOK_FD, &news, sizeof(news),
			    MSG_NOSIGNAL) == sizeof(news)
			       ? EXIT_SUCCESS
			       : EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

/* --- in the main process --- */

static void client_lost(struct uplink *uplink, const char *how)
{
	log_warn("uplink: the DHCP client is started again: %s", how);
	uplink->client = 0;
	uplink->restart_ms = clock_ms() + uplink->backoff_ms;
	uplink->backoff_ms = 2 * uplink->backoff_ms < BACKOFF_MAX_MS
				     ? 2 * uplink->backoff_ms
				     : BACKOFF_MAX_MS;
}

static void client_start(struct uplink *uplink)
{
	const pid_t parent = getpid();
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	pid_t pid = -1;

	if (len >= 0) {
		self[len] = '\0';
		pid = fork();
	}
	if (pid < 0) {
		client_lost(uplink, strerror(errno));
		return;
	}
	if (pid == 0)
		client_run(uplink, parent, self);
	uplink->client = pid;
	uplink->greeted = false;
}

static bool same_resolvers(const struct config *config,
			   const struct lease *lease)
{
	if (config->n_resolvers != lease->n_resolvers)
		return false;
	for (size_t i = 0; i < config->n_resolvers; i++)
		if (!address_equal(&config->resolvers[i].address,
				   &lease->resolvers[i]))
			return false;
	return true;
}

/* A lease without resolvers leaves those that are known. */
static bool learn(struct uplink *uplink)
{
	struct config *config = uplink->config;
	const struct lease *lease = &uplink->lease;

	if (!uplink->learns || lease->n_resolvers == 0 ||
	    same_resolvers(config, lease))
		return false;
	config->n_resolvers = lease->n_resolvers;
	for (size_t i = 0; i < lease->n_resolvers; i++)
		config->resolvers[i] = (struct nameserver){
			.address = lease->resolvers[i],
			.port = NAMESERVER_PORT,
		};
	return true;
}

static void lose(struct uplink *uplink, const char *why)
{
	int error;

	if (!uplink->leased)
		return;
	error = interfaces_lease(&uplink->config->machine, &uplink->lease,
				 NULL);
	if (error < 0)
		log_err("uplink: cannot take the address back: %s",
			strerror(-error));
	uplink->leased = false;
	log_warn("uplink: no address any more: %s", why);
}

static bool take(struct uplink *uplink, const struct lease *lease)
{
	const struct machine *machine = &uplink->config->machine;
	const char *objection = lease_objection(lease, machine);
	char address[ADDRESS_TEXT_MAX];
	int error;

	if (objection) {
		log_err("uplink: a lease is refused: %s", objection);
		return false;
	}
	error = interfaces_lease(machine,
				 uplink->leased ? &uplink->lease : NULL, lease);
	if (error < 0) {
		log_err("uplink: cannot set the address: %s", strerror(-error));
		return false;
	}
	log_info("uplink: %s has %s for %u seconds", machine->uplink,
		 address_format(&lease->ours.address, address), lease->seconds);
	uplink->lease = *lease;
	uplink->leased = true;
	uplink->ends_ms = clock_ms() + (int64_t)lease->seconds * 1000;
	uplink->backoff_ms = BACKOFF_MS;
	return learn(uplink);
}

static bool read_news(struct uplink *uplink)
{
	bool changed = false;
	struct news news;

	for (int i = 0;
	     i < NEWS_MAX && recv(uplink->leases, &news, sizeof(news),
				  MSG_DONTWAIT) == sizeof(news);
	     i++) {
		if (news.bound)
			changed |= take(uplink, &news.lease);
		else if (uplink->greeted)
			lose(uplink, "the client gave it up");
		/*
		 * Each begins by saying that it has nothing, which is no
		 * reason to drop what an earlier one got.
		 */
		uplink->greeted = true;
	}
	return changed;
}

bool uplink_look(struct uplink *uplink)
{
	int64_t now = clock_ms();

	if (uplink->leases < 0)
		return false;
	if (uplink->client == 0 && now >= uplink->restart_ms)
		client_start(uplink);
	if (uplink->leased && now >= uplink->ends_ms)
		lose(uplink, "the lease is over");
	return read_news(uplink);
}

int uplink_wait_ms(const struct uplink *uplink)
{
	int64_t due = INT32_MAX, now = clock_ms();

	if (uplink->leases < 0)
		return -1;
	if (uplink->client == 0)
		due = uplink->restart_ms - now;
	if (uplink->leased && uplink->ends_ms - now < due)
		due = uplink->ends_ms - now;
	return due < 0 ? 0 : (int)due;
}

void uplink_reaped(struct uplink *uplink, pid_t pid)
{
	if (uplink->leases >= 0 && pid == uplink->client)
		client_lost(uplink, "it has ended");
}

static void await_lease(struct uplink *uplink)
{
	const int64_t end = clock_ms() + FIRST_LEASE_MS;

	while (!uplink->leased) {
		struct pollfd polled = { .fd = uplink->leases,
					 .events = POLLIN };
		pid_t pid;

		if (clock_ms() >= end)
			die("uplink: nobody leases an address on \"%s\"",
			    uplink->config->machine.uplink);
		(void)poll(&polled, 1, LOOK_MS);
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			uplink_reaped(uplink, pid);
		if (uplink_look(uplink))
			log_info("uplink: the lease names the resolvers");
	}
}

void uplink_init(struct uplink *uplink, struct config *config)
{
	int ends[2];

	*uplink = (struct uplink){
		.config = config,
		.leases = -1,
		.learns = config->n_resolvers == 0,
		.backoff_ms = BACKOFF_MS,
	};
	if (!config->machine.dhcp)
		return;
	if (access(CLIENT, X_OK) < 0)
		die("uplink: --uplink-address dhcp needs busybox's udhcpc as "
		    "%s: %s",
		    CLIENT, strerror(errno));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		die("uplink: no socket pair: %s", strerror(errno));
	uplink->leases = ends[0];
	uplink->hook = ends[1];
	client_start(uplink);
	await_lease(uplink);
}

void uplink_done(struct uplink *uplink)
{
	if (uplink->leases < 0)
		return;
	if (uplink->client > 0) {
		(void)kill(uplink->client, SIGKILL);
		(void)waitpid(uplink->client, NULL, 0);
	}
	(void)close(uplink->leases);
	(void)close(uplink->hook);
	uplink->leases = -1;
}
