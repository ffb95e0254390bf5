#include "supervise.h"

#include "audit.h"
#include "clock.h"
#include "control.h"
#include "isolate.h"
#include "netfilter/nflog.h"
#include "netfilter/watch.h"
#include "stream.h"
#include "tls/authorities.h"
#include "tls/signer.h"
#include "tls/tickets.h"
#include "upstream.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 30000   /* for all children to be ready, emulated ones too */
#define READY_STEP_MS 50 /* between looks for one that died meanwhile */
#define STOP_MS 3000     /* for them to end by themselves */
#define BACKOFF_MS 50    /* before the first restart; doubles */
#define BACKOFF_MAX_MS 2000
#define LASTED_MS 10000 /* served so long, it was no failed start */
#define LISTEN_QUEUE 1024
#define CHILDREN_MAX (CONFIG_WORKERS_MAX + 2)

enum {
	CHILD_AUDIT = 0,
	CHILD_SIGNER,
	CHILD_WORKERS, /* and those after it */
};

struct supervisor {
	const struct config *config;
	char *manifest;
	size_t manifest_len;
	struct secrets *secrets;
	uint32_t generation;
	struct audit audit;      /* PID 1's own way into the record */
	struct audit_file *file; /* of the record */
	int full;                /* eventfd(2): it is as long as it may be */
	int vault, nflog, signals;
	X509_STORE *trust;
	struct pins *pins;
	atomic_bool *blind;
	struct audit_tail *tail; /* shared with the audit process alone */
	struct worker_listeners listeners[CONFIG_WORKERS_MAX];
	pid_t children[CHILDREN_MAX]; /* 0 where there is none */
	int controls[CONFIG_WORKERS_MAX];
	struct watch rules;
	struct uplink *uplink;
	bool stale;     /* the workers ask resolvers that are no longer ours */
	bool recording; /* somebody is there to write lines */
	char untold[WATCH_TEXT_MAX]; /* of the rules, while nobody was */
};

static size_t n_children(const struct supervisor *supervisor)
{
	return CHILD_WORKERS + supervisor->config->workers;
}

/* --- what all children are born with --- */

/* Returns it, -1 where the kernel lacks the family, or dies. */
static int open_socket(sa_family_t family, int type, uint16_t port)
{
	static const struct address any4 = { .family = AF_INET };
	static const struct address any6 = { .family = AF_INET6 };
	const int on = 1;
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(family == AF_INET ? &any4 : &any6,
					    port, &sa);
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool datagrams = type == SOCK_DGRAM;
	int failed = 0;

	if (fd < 0 && errno == EAFNOSUPPORT)
		return -1;
	if (fd < 0)
		die("supervise: cannot make a socket: %s", strerror(errno));
	failed |= setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	failed |= setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (family == AF_INET6)
		failed |= setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
				     sizeof(on));
	if (datagrams && family == AF_INET)
		failed |=
			setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	if (datagrams && family == AF_INET6)
		failed |= setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on,
				     sizeof(on));
	if (!datagrams)
		stream_tune(fd); /* and thereby all that it accepts */
	if (failed != 0 || bind(fd, (const struct sockaddr *)&sa, len) < 0 ||
	    (!datagrams && listen(fd, LISTEN_QUEUE) < 0))
		die("supervise: cannot listen on port %u: %s", port,
		    strerror(errno));
	return fd;
}

static void open_listeners(struct supervisor *supervisor)
{
	const struct redirect *redirect = &supervisor->config->redirect;

	for (unsigned i = 0; i < supervisor->config->workers; i++)
		supervisor->listeners[i] = (struct worker_listeners){
			.tcp4 = open_socket(AF_INET, SOCK_STREAM,
					    redirect->tcp_port),
			.tcp6 = open_socket(AF_INET6, SOCK_STREAM,
					    redirect->tcp_port),
			.dns4 = open_socket(AF_INET, SOCK_DGRAM,
					    redirect->dns_port),
			.dns6 = open_socket(AF_INET6, SOCK_DGRAM,
					    redirect->dns_port),
			.near4 = open_socket(AF_INET, SOCK_DGRAM,
					     redirect->near_dns_port),
			.near6 = open_socket(AF_INET6, SOCK_DGRAM,
					     redirect->near_dns_port),
			.dnstcp4 = open_socket(AF_INET, SOCK_STREAM,
					       redirect->dns_port),
			.dnstcp6 = open_socket(AF_INET6, SOCK_STREAM,
					       redirect->dns_port),
		};
}

/* All zeroes; or dies. */
static void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("supervise: no shared memory: %s", strerror(errno));
	return memory;
}

static void share(struct supervisor *supervisor)
{
	supervisor->blind = shared_memory(sizeof(*supervisor->blind));
	atomic_init(supervisor->blind, false);
	supervisor->tail = shared_memory(sizeof(*supervisor->tail));
	supervisor->full = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (supervisor->full < 0)
		die("supervise: no eventfd: %s", strerror(errno));
	supervisor->pins = pins_new();
	if (!supervisor->pins)
		die("supervise: no shared memory: %s", strerror(errno));
	supervisor->vault = signer_vault();
	if (supervisor->vault < 0)
		die("supervise: no place for the CA's key: %s",
		    strerror(-supervisor->vault));
	supervisor->nflog = nflog_open(supervisor->config->redirect.log_group);
	if (supervisor->nflog < 0)
		die("supervise: cannot listen to NFLOG: %s",
		    strerror(-supervisor->nflog));
}

/* --- the rules, while it waits for anything --- */

static void record(struct supervisor *supervisor, const char *event,
		   const char *detail)
{
	const struct audit_event line = { .event = event, .detail = detail };

	(void)audit_write(&supervisor->audit, &line);
}

static void tend_rules(struct supervisor *supervisor)
{
	char text[WATCH_TEXT_MAX];

	if (!watch_look(&supervisor->rules, text))
		return;
	if (supervisor->recording)
		record(supervisor, "rules", text);
	else
		memcpy(supervisor->untold, text, sizeof(text));
}

static void record_rules(struct supervisor *supervisor)
{
	if (supervisor->untold[0])
		record(supervisor, "rules", supervisor->untold);
	supervisor->untold[0] = '\0';
}

/* --- the record's file --- */

static void find_tail(struct supervisor *supervisor)
{
	int error = audit_file_find_tail(supervisor->file, supervisor->tail);

	if (error < 0)
		log_err("audit: cannot read where %s ends, so that its chain "
			"may be broken: %s",
			supervisor->file->path, strerror(-error));
}

/*
 * Should that fail, the audit process gets the same file again: as much again
 * is written before it is tried again.
 */
static void turn_file(struct supervisor *supervisor)
{
	uint64_t times;
	int error;

	if (read(supervisor->full, &times, sizeof(times)) != sizeof(times))
		return;
	error = audit_file_rotate(supervisor->file, supervisor->tail);
	if (error < 0)
		log_err("audit: cannot put %s aside, so it grows on: %s",
			supervisor->file->path, strerror(-error));
	error = audit_turn(&supervisor->audit, supervisor->file->fd);
	if (error < 0)
		log_err("audit: cannot hand a file over: %s", strerror(-error));
}

/* The sooner of two, where -1 is never. */
static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/*
 * Until @fd (-1 for none) has something, or @ms (-1 for ever, or until the
 * workers are stale) have passed. All waiting is done here, so that there is
 * none while rules are missing.
 */
static bool wait_for(struct supervisor *supervisor, int fd, int ms)
{
	const int64_t end = clock_ms() + ms;

	for (;;) {
		struct pollfd polled[4] = {
			{ .fd = fd, .events = POLLIN },
			{ .fd = supervisor->rules.notices, .events = POLLIN },
			{ .fd = supervisor->uplink->leases, .events = POLLIN },
			{ .fd = supervisor->full, .events = POLLIN },
		};
		int due = watch_wait_ms(&supervisor->rules);
		int left = -1;

		if (ms >= 0)
			left = end > clock_ms() ? (int)(end - clock_ms()) : 0;
		left = sooner(left, due);
		left = sooner(left, uplink_wait_ms(supervisor->uplink));
		(void)poll(polled, 4, left);
		if (polled[1].revents != 0 || due >= 0)
			tend_rules(supervisor);
		if (polled[3].revents != 0)
			turn_file(supervisor);
		if (uplink_look(supervisor->uplink))
			supervisor->stale = true;
		if (polled[0].revents != 0)
			return true;
		if (ms < 0 ? supervisor->stale : clock_ms() >= end)
			return false;
	}
}

/* --- births --- */

static void pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		die("supervise: no socket pair: %s", strerror(errno));
}

/* Returns 0 in the child, which keeps only @keep and standard streams. */
static pid_t give_birth(const char *name, const int *keep, int n_keep,
			enum log_level level)
{
	sigset_t none;
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		die("supervise: cannot fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	isolate_child(parent, keep, n_keep);
	log_set(level, name);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* PID 1 decides when all end; a terminal's ^C does not. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	return 0;
}

/* In a child that is not to change how the record's lines are numbered. */
static void unshare_numbers(const struct supervisor *supervisor)
{
	(void)munmap(supervisor->tail, sizeof(*supervisor->tail));
}

static void start_worker(struct supervisor *supervisor, unsigned i, int signer,
			 int audit, int control, int ready,
			 struct ticket_keys *tickets)
{
	const struct worker_listeners *listeners = &supervisor->listeners[i];
	const struct worker_birth birth = {
		.config = supervisor->config,
		.pins = supervisor->pins,
		.blind = supervisor->blind,
		.number = i + 1,
		.listeners = *listeners,
		.control = control,
		.signer = signer,
		.audit = audit,
		.nflog = i == 0 ? supervisor->nflog : -1,
		.trust = supervisor->trust,
		.tickets = tickets,
		.manifest = supervisor->manifest,
		.manifest_len = supervisor->manifest_len,
		.secrets = supervisor->secrets,
		.ready = ready,
	};
	const int keep[] = { listeners->tcp4,
			     listeners->tcp6,
			     listeners->dns4,
			     listeners->dns6,
			     listeners->near4,
			     listeners->near6,
			     listeners->dnstcp4,
			     listeners->dnstcp6,
			     control,
			     signer,
			     audit,
			     birth.nflog,
			     ready };
	pid_t pid = give_birth("worker", keep, sizeof(keep) / sizeof(*keep),
			       supervisor->config->log_level);

	if (pid == 0) {
		unshare_numbers(supervisor);
		worker_run(&birth);
	}
	supervisor->children[CHILD_WORKERS + i] = pid;
}

static void close_all(int fds[][2], size_t n, int end)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i][end]);
}

/* --- deaths --- */

static const char *child_name(size_t i)
{
	return i == CHILD_AUDIT    ? "audit"
	       : i == CHILD_SIGNER ? "signer"
				   : "worker";
}

/*
 * Reaps what has died; as PID 1 also what is nobody's. True if one of ours
 * was among it.
 */
static bool reap(struct supervisor *supervisor)
{
	bool ours = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		uplink_reaped(supervisor->uplink, pid);
		for (size_t i = 0; i < n_children(supervisor); i++) {
			if (supervisor->children[i] != pid)
				continue;
			supervisor->children[i] = 0;
			ours = true;
			log_err("supervise: %s (pid %d) ended: %s %d",
				child_name(i), (int)pid,
				WIFSIGNALED(status) ? "signal" : "status",
				WIFSIGNALED(status) ? WTERMSIG(status)
						    : WEXITSTATUS(status));
		}
	}
	return ours;
}

/* Waits until every worker has said that it serves; false if one died. */
static bool await_ready(struct supervisor *supervisor, int ready)
{
	unsigned left = supervisor->config->workers;
	int64_t end = clock_ms() + START_MS;

	while (left > 0 && clock_ms() < end) {
		char byte;

		if (wait_for(supervisor, ready, READY_STEP_MS) &&
		    read(ready, &byte, 1) == 1)
			left--;
		else if (reap(supervisor))
			return false;
	}
	return left == 0;
}

/* Starts the whole gateway. False if not all of it came up in time. */
static bool start_all(struct supervisor *supervisor)
{
	const struct config *config = supervisor->config;
	unsigned workers = config->workers;
	int audits[CONFIG_WORKERS_MAX + 1][2], signers[CONFIG_WORKERS_MAX][2];
	int controls[CONFIG_WORKERS_MAX][2], ready[2];
	int ends[CONFIG_WORKERS_MAX + 3];
	struct ticket_keys tickets;
	bool whole;

	pins_recover(supervisor->pins);
	for (unsigned i = 0; i < workers; i++) {
		pair(audits[i]);
		pair(signers[i]);
		pair(controls[i]);
	}
	pair(audits[workers]);
	if (pipe2(ready, O_CLOEXEC) < 0)
		die("supervise: no pipe: %s", strerror(errno));

	for (unsigned i = 0; i <= workers; i++)
		ends[i] = audits[i][1];
	ends[workers + 1] = supervisor->file->fd;
	ends[workers + 2] = supervisor->full;
	find_tail(supervisor);
	supervisor->children[CHILD_AUDIT] =
		give_birth("audit", ends, (int)workers + 3, config->log_level);
	if (supervisor->children[CHILD_AUDIT] == 0) {
		const struct audit_birth birth = {
			.file = supervisor->file->fd,
			.channels = ends,
			.n_channels = workers + 1,
			.blind = supervisor->blind,
			.tail = supervisor->tail,
			.full_size = supervisor->file->plain
					     ? supervisor->file->full
					     : 0,
			.full = supervisor->full,
		};

		secrets_free(supervisor->secrets);
		audit_run(&birth);
	}

	for (unsigned i = 0; i < workers; i++)
		ends[i] = signers[i][1];
	ends[workers] = supervisor->vault;
	supervisor->children[CHILD_SIGNER] =
		give_birth("signer", ends, (int)workers + 1, config->log_level);
	if (supervisor->children[CHILD_SIGNER] == 0) {
		unshare_numbers(supervisor);
		secrets_free(supervisor->secrets);
		signer_run(supervisor->vault, ends, workers);
	}

	/* The processes born before this never had them. */
	if (!ticket_keys_make(&tickets))
		die("supervise: no randomness");
	for (unsigned i = 0; i < workers; i++) {
		start_worker(supervisor, i, signers[i][0], audits[i][0],
			     controls[i][1], ready[1], &tickets);
		supervisor->controls[i] = controls[i][0];
	}
	ticket_keys_wipe(&tickets);
	close_all(audits, workers + 1, 1);
	close_all(audits, workers, 0);
	close_all(signers, workers, 0);
	close_all(signers, workers, 1);
	close_all(controls, workers, 1);
	close(ready[1]);
	supervisor->audit = (struct audit){ .fd = audits[workers][0],
					    .blind = supervisor->blind };
	whole = await_ready(supervisor, ready[0]);
	close(ready[0]);
	return whole;
}

/* Closes our ends: children that are asked to stop see that and do. */
static void let_go(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < supervisor->config->workers; i++)
		close(supervisor->controls[i]);
	close(supervisor->audit.fd);
}

static void kill_all(struct supervisor *supervisor)
{
	for (size_t i = 0; i < n_children(supervisor); i++)
		if (supervisor->children[i] > 0)
			kill(supervisor->children[i], SIGKILL);
	for (size_t i = 0; i < n_children(supervisor); i++) {
		if (supervisor->children[i] > 0)
			waitpid(supervisor->children[i], NULL, 0);
		supervisor->children[i] = 0;
	}
	let_go(supervisor);
}

static bool all_gone(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < n_children(supervisor); i++)
		if (supervisor->children[i] > 0)
			return false;
	return true;
}

/* Returns the exit status: 0 if all ended well. */
static int stop_all(struct supervisor *supervisor)
{
	int64_t end = clock_ms() + STOP_MS;
	int worst = 0, status;

	let_go(supervisor);
	while (!all_gone(supervisor) && clock_ms() < end) {
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid <= 0) {
			(void)poll(NULL, 0, 5);
			continue;
		}
		for (size_t i = 0; i < n_children(supervisor); i++)
			if (supervisor->children[i] == pid)
				supervisor->children[i] = 0;
		if (status != 0) {
			log_err("supervise: a child ended badly: %d", status);
			worst = EXIT_FAILURE;
		}
	}
	for (size_t i = 0; i < n_children(supervisor); i++) {
		if (supervisor->children[i] <= 0)
			continue;
		log_err("supervise: %s did not end in time", child_name(i));
		kill(supervisor->children[i], SIGKILL);
		waitpid(supervisor->children[i], NULL, 0);
		worst = EXIT_FAILURE;
	}
	return worst;
}

/* --- a new manifest --- */

/* All of them at once: each is as long at it as its flows are many. */
static bool hand_over(struct supervisor *supervisor, int memfd)
{
	bool sent[CONFIG_WORKERS_MAX] = { false };
	bool all = true;

	for (unsigned i = 0; i < supervisor->config->workers; i++)
		sent[i] = control_send(supervisor->controls[i], memfd,
				       supervisor->generation,
				       supervisor->secrets) == 0;
	for (unsigned i = 0; i < supervisor->config->workers; i++) {
		uint32_t got = 0;

		if (!sent[i] ||
		    !wait_for(supervisor, supervisor->controls[i], START_MS) ||
		    recv(supervisor->controls[i], &got, sizeof(got),
			 MSG_DONTWAIT) != sizeof(got) ||
		    got != supervisor->generation)
			all = false;
	}
	return all;
}

/* What is to apply now, read and found good. */
struct reloaded {
	char *manifest;
	size_t len;
	struct secrets *secrets;
};

/* NULL, or why nothing changes, for the record; the log has more. */
static const char *reload_read(const struct config *config,
			       struct reloaded *reloaded)
{
	const char *file = config->manifest;
	struct manifest_errors errors = { 0 };
	struct policy *policy;
	int error = manifest_read(file, &reloaded->manifest, &reloaded->len);
	size_t n_resolvers;
	bool enough;

	if (error < 0) {
		log_err("reload: cannot read %s, so nothing changes: %s", file,
			strerror(-error));
		return "refused: cannot be read";
	}
	reloaded->secrets = secrets_read(config->secrets);
	if (!reloaded->secrets) {
		log_err("reload: no secrets, so nothing changes");
		return "refused: the secrets cannot be read";
	}
	policy = manifest_parse(reloaded->manifest, reloaded->len, &errors);
	if (!policy) {
		manifest_errors_print(&errors, file, stderr);
		log_err("reload: %zu mistakes in %s, so nothing changes",
			errors.n, file);
		manifest_errors_done(&errors);
		return "refused: mistakes in it";
	}
	if (!authorities_check(policy, file)) {
		policy_free(policy);
		log_err("reload: mistakes in %s, so nothing changes", file);
		return "refused: mistakes in it";
	}
	(void)config_resolvers(config, policy, &n_resolvers);
	enough = secrets_suffice(reloaded->secrets, policy, file, stderr);
	policy_free(policy);
	if (!enough) {
		log_err("reload: secrets that %s names are missing, so nothing changes",
			file);
		return "refused: secrets that it names are missing";
	}
	if (n_resolvers > 0)
		return NULL;
	log_err("reload: no resolvers in %s, and none are known otherwise, so nothing changes",
		file);
	return "refused: no resolvers";
}

/* False if a worker did not take it: then all are started anew with it. */
static bool reload(struct supervisor *supervisor)
{
	struct reloaded reloaded = { 0 };
	const char *why = reload_read(supervisor->config, &reloaded);
	int memfd = -1;
	bool taken;

	if (!why) {
		memfd = control_seal(reloaded.manifest, reloaded.len);
		if (memfd < 0)
			why = "refused: out of memory";
	}
	if (why) {
		record(supervisor, "reload", why);
		secrets_free(reloaded.secrets);
		free(reloaded.manifest);
		return true;
	}
	free(supervisor->manifest);
	secrets_free(supervisor->secrets);
	supervisor->manifest = reloaded.manifest;
	supervisor->manifest_len = reloaded.len;
	supervisor->secrets = reloaded.secrets;
	supervisor->generation++;
	taken = hand_over(supervisor, memfd);
	close(memfd);
	if (taken) {
		log_info("reload: %s applies", supervisor->config->manifest);
		record(supervisor, "reload", "applies");
	}
	return taken;
}

/* --- life --- */

static void say_ready(const struct config *config)
{
	static const char word[] = "ready\n";

	if (config->ready_fd < 0)
		return;
	if (write(config->ready_fd, word, sizeof(word) - 1) < 0)
		log_warn("supervise: nobody waits at --ready-fd");
	close(config->ready_fd);
}

static int watch_signals(void)
{
	sigset_t watched;
	int fd;

	sigemptyset(&watched);
	sigaddset(&watched, SIGCHLD);
	sigaddset(&watched, SIGHUP);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, SIGINT);
	sigprocmask(SIG_BLOCK, &watched, NULL);
	fd = signalfd(-1, &watched, SFD_CLOEXEC);
	if (fd < 0)
		die("supervise: no signalfd: %s", strerror(errno));
	return fd;
}

/*
 * Serves until a child dies, or all have to start anew (true), or we are told
 * to end (false).
 */
static bool serve(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	for (;;) {
		if (!wait_for(supervisor, supervisor->signals, -1)) {
			log_info("supervise: other resolvers: all start anew");
			return true;
		}
		if (read(supervisor->signals, &info, sizeof(info)) !=
		    sizeof(info))
			continue;
		switch (info.ssi_signo) {
		case SIGCHLD:
			if (reap(supervisor))
				return true;
			break;
		case SIGHUP:
			if (!reload(supervisor))
				return true;
			break;
		default:
			return false;
		}
	}
}

/* The manifest is freed here. NOLINTBEGIN(readability-non-const-parameter) */
int supervise(const struct config *config, struct audit_file *file,
	      char *manifest, size_t manifest_len, struct secrets *secrets,
	      struct uplink *uplink)
/* NOLINTEND(readability-non-const-parameter) */
{
	struct supervisor supervisor = {
		.config = config,
		.uplink = uplink,
		.manifest = manifest,
		.manifest_len = manifest_len,
		.secrets = secrets,
		.generation = 1,
		.file = file,
	};
	unsigned backoff_ms = BACKOFF_MS;
	bool first = true;
	int status, error;

	supervisor.signals = watch_signals();
	error = watch_init(&supervisor.rules, &config->redirect);
	if (error < 0)
		die("supervise: cannot watch the rules: %s", strerror(-error));
	open_listeners(&supervisor);
	supervisor.trust = upstream_trust(config->trust);
	share(&supervisor);
	for (;;) {
		int64_t started = clock_ms();
		bool whole;

		supervisor.stale = false;
		whole = start_all(&supervisor);

		if (!whole && first) {
			kill_all(&supervisor);
			die("supervise: the gateway did not start");
		}
		if (whole && first) {
			isolate_supervisor(config->machine.dhcp);
			say_ready(config);
			record(&supervisor, "start", NULL);
		} else if (whole) {
			log_warn("supervise: the gateway is whole again");
			record(&supervisor, "restart", NULL);
		}
		first = false;
		supervisor.recording = whole;
		if (whole) {
			record_rules(&supervisor);
			if (!serve(&supervisor))
				break;
		}
		supervisor.recording = false;
		kill_all(&supervisor);
		if (clock_ms() - started > LASTED_MS)
			backoff_ms = BACKOFF_MS;
		(void)wait_for(&supervisor, -1, (int)backoff_ms);
		backoff_ms = backoff_ms < BACKOFF_MAX_MS ? 2 * backoff_ms
							 : BACKOFF_MAX_MS;
	}
	record(&supervisor, "stop", NULL);
	uplink_done(uplink);
	status = stop_all(&supervisor);
	watch_done(&supervisor.rules);
	X509_STORE_free(supervisor.trust);
	free(supervisor.manifest);
	secrets_free(supervisor.secrets);
	return status;
}
