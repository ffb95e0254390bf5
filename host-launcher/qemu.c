#include "accelerator.h"
#include "backend.h"
#include "cache.h"
#include "cohort.h"
#include "complain.h"
#include "disk.h"
#include "feed.h"
#include "kernel.h"
#include "machine_files.h"
#include "news.h"
#include "qemu_machine.h"
#include "raw_terminal.h"
#include "share.h"
#include "spawn.h"
#include "timings.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GATEWAY_MACHINE "gateway-machine"
#define AGENT_MACHINE "agent-machine"
#define READY_MS 120000   /* for both to be there, on a slow machine */
#define POWER_OFF_MS 5000 /* once the command has ended */
#define RECORD_MS 1000    /* until a record is tried again */

static const char *const gateway_modules[] = {
	"virtio_pci",      "virtio_net",
	"virtio_console",  "virtio_rng",
	"nf_tables",       "nft_chain_nat",
	"nft_ct",          "nft_connlimit",
	"nft_limit",       "nft_log",
	"nfnetlink_log",   "nft_redir",
	"nft_reject_inet", NULL,
};

static const char *const agent_modules[] = {
	"virtio_pci", "virtio_net", "virtio_console", "virtio_rng",
	"virtio_blk", "overlay",    "squashfs",       "ext4",
	"virtiofs",   NULL,
};

/* The host's ends of the agent's ports; -1 once closed. */
struct ports {
	int control, in, out, err;
};

struct sandbox {
	const struct backend_run *run;
	struct qemu_machine gateway, agent;
	pid_t shares[2];
	size_t n_shares;
	int ready; /* the port; -1 once it has spoken */
	int record, audit;
	struct lines records;
	bool record_failed;
	struct ports ports;
	struct lines news;
	struct feed in, out, err;
	bool eof_told;
	int signals;
	bool started; /* the command */
	bool ended;   /* and its status is */
	int status;
	bool agent_off, gateway_off;
	struct raw_terminal terminal;
	struct cohort cohort;
	struct timings timings;
	int64_t deadline_ms;
};

/* --- what the machines are made of --- */

/* A descriptor of what is to be the kernel: as it is, or unpacked. */
static int unpack_kernel(int fd, void *data)
{
	return kernel_unpack(data, fd);
}

static int open_kernel(const struct kernel *kernel, bool emulated)
{
	char key[CACHE_KEY_LEN + 1];
	struct cache_key of;
	union {
		const char *as_is;
		void *as_asked;
	} data = { .as_is = kernel->image };
	int fd = -ENOTSUP;

	if (emulated) {
		cache_key_init(&of);
		cache_key_file(&of, kernel->image);
		if (cache_key_done(&of, key))
			fd = cache_open("kernel", key, unpack_kernel,
					data.as_asked);
	}
	if (fd >= 0)
		return fd;
	fd = open(kernel->image, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? complain_errno(kernel->image, errno) : fd;
}

static int fill_number(struct plan *plan, const char *step, const char *word,
		       int number)
{
	char text[12];

	(void)snprintf(text, sizeof(text), "%d", number);
	return plan_fill(plan, step, word, text);
}

/* As a file that the emulator opens by itself. */
static int fill_file(struct plan *plan, struct qemu_machine *machine,
		     const char *word, int fd)
{
	char path[CACHE_FD_PATH_MAX];

	if (fd < 0)
		return fd;
	cache_fd_path(fd, path);
	qemu_machine_give(machine, fd);
	return plan_fill(plan, machine->step, word, path);
}

static int fill_descriptor(struct plan *plan, struct qemu_machine *machine,
			   const char *word, int fd)
{
	if (fd < 0)
		return fd;
	qemu_machine_give(machine, fd);
	return fill_number(plan, machine->step, word, fd);
}

/* Our end of the port that @word stands for. */
static int fill_port(struct plan *plan, struct qemu_machine *machine,
		     const char *word, int *ours)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	*ours = ends[0];
	return fill_descriptor(plan, machine, word, ends[1]);
}

static int fill_wire(struct plan *plan, struct sandbox *sandbox)
{
	int ends[2];
	int err;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	err = fill_descriptor(plan, &sandbox->gateway, "{wire}", ends[0]);
	if (!err)
		err = fill_descriptor(plan, &sandbox->agent, "{wire}", ends[1]);
	return err;
}

static int fill_accelerator(struct plan *plan, const char *step,
			    const struct accelerator *accelerator)
{
	int err = plan_fill(plan, step, "{accelerator}", accelerator->option);

	if (!err)
		err = plan_fill(plan, step, "{processor}",
				accelerator->processor);
	if (!err)
		err = plan_fill(plan, step, "{tuning}", accelerator->tuning);
	return err;
}

/* An emulator that emulates has one thread for all that it emulates. */
static unsigned processors(const struct plan *plan, bool emulated)
{
	unsigned wanted = plan->options.machines.processors;
	cpu_set_t ours;

	if (wanted > 0)
		return wanted;
	if (emulated || sched_getaffinity(0, sizeof(ours), &ours) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&ours);
}

static int fill_both(struct plan *plan, struct sandbox *sandbox,
		     const struct kernel *kernel,
		     const struct accelerator *accelerator)
{
	struct qemu_machine *machines[] = { &sandbox->gateway,
					    &sandbox->agent };
	int err = 0;

	for (size_t i = 0; !err && i < 2; i++) {
		err = fill_accelerator(plan, machines[i]->step, accelerator);
		if (!err)
			err = fill_file(plan, machines[i], "{kernel}",
					open_kernel(kernel,
						    accelerator->emulated));
	}
	if (!err)
		err = fill_number(plan, AGENT_MACHINE, "{processors}",
				  (int)processors(plan, accelerator->emulated));
	if (!err)
		err = fill_wire(plan, sandbox);
	return err;
}

static int fill_gateway(struct plan *plan, struct sandbox *sandbox,
			const struct kernel *kernel)
{
	struct qemu_machine *machine = &sandbox->gateway;
	int err = fill_file(plan, machine, "{initramfs}",
			    machine_files(plan, PLAN_GATEWAY, "gateway", kernel,
					  gateway_modules));

	if (!err)
		err = fill_port(plan, machine, "{audit}", &sandbox->audit);
	if (!err)
		err = fill_port(plan, machine, "{ready}", &sandbox->ready);
	return err;
}

static int fill_share(struct plan *plan, struct sandbox *sandbox,
		      const char *step, const char *word, bool view)
{
	pid_t *pid = &sandbox->shares[sandbox->n_shares];
	int fd = share_start(plan, step, view, pid);

	if (*pid > 0)
		sandbox->n_shares++;
	return fill_descriptor(plan, &sandbox->agent, word, fd);
}

static int fill_disks(struct plan *plan, struct sandbox *sandbox)
{
	const struct plan_options *options = &plan->options;
	const struct plan_machines *machines = &options->machines;
	int err = 0;

	if (options->root)
		err = fill_descriptor(plan, &sandbox->agent, "{root}",
				      disk_root(options->root));
	else
		err = fill_share(plan, sandbox, "share-root", "{root}", true);
	if (!err && machines->mke2fs)
		err = fill_descriptor(plan, &sandbox->agent, "{scratch}",
				      disk_scratch(machines->mke2fs));
	if (!err && machines->share_program)
		err = fill_share(plan, sandbox, "share-work", "{work}", false);
	return err;
}

static int fill_agent(struct plan *plan, struct sandbox *sandbox,
		      const struct kernel *kernel)
{
	struct qemu_machine *machine = &sandbox->agent;
	struct ports *ports = &sandbox->ports;
	int err = fill_file(plan, machine, "{initramfs}",
			    machine_files(plan, PLAN_AGENT, "agent", kernel,
					  agent_modules));

	if (!err)
		err = fill_port(plan, machine, "{control}", &ports->control);
	if (!err)
		err = fill_port(plan, machine, "{in}", &ports->in);
	if (!err)
		err = fill_port(plan, machine, "{out}", &ports->out);
	if (!err)
		err = fill_port(plan, machine, "{err}", &ports->err);
	return err ? err : fill_disks(plan, sandbox);
}

static int open_record(const struct plan *plan, int *fd)
{
	const char *path = plan->options.audit;

	*fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
		   0600);
	return *fd < 0 ? complain_errno(path, errno) : 0;
}

static int prepare(struct sandbox *sandbox)
{
	struct plan *plan = sandbox->run->plan;
	const struct plan_machines *machines = &plan->options.machines;
	const char *emulator = plan_argv(plan, GATEWAY_MACHINE)[0];
	const struct accelerator *accelerator;
	char path[PATH_MAX];
	struct kernel kernel;
	int err;

	if (spawn_find(emulator, path) < 0) {
		complain("%s is missing: apt-get install %s", emulator,
			 QEMU_PACKAGE);
		return -ENOENT;
	}
	/* An overlay reads what is below it without leaving a trace (O_NOATIME),
	   which of root's files is for root to do. */
	if (!machines->as_root && !plan->options.root) {
		complain("only root can share the host's programs with a "
			 "machine: give the agent's file system with --root");
		return -EPERM;
	}
	if (!machines->share_program && !plan->options.root) {
		complain("without virtiofsd the host's programs cannot be "
			 "shared: apt-get install %s, or give the agent's file "
			 "system with --root",
			 SHARE_PACKAGE);
		return -ENOENT;
	}
	if (!machines->share_program)
		complain("without virtiofsd the agent does not see this "
			 "folder: apt-get install %s",
			 SHARE_PACKAGE);
	err = kernel_find(machines->kernel, machines->modules, &kernel);
	if (!err)
		err = open_record(plan, &sandbox->record);
	if (err)
		return err;
	accelerator = machines->accelerator
			      ? accelerator_find(machines->accelerator)
			      : accelerator_choose(path, kernel.image);
	err = fill_both(plan, sandbox, &kernel, accelerator);
	if (!err)
		err = fill_gateway(plan, sandbox, &kernel);
	if (!err)
		err = fill_agent(plan, sandbox, &kernel);
	return err;
}

/* --- while they run --- */

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void mark(struct sandbox *sandbox, enum timing what)
{
	timings_mark(&sandbox->timings, what);
}

/* An order to the agent's machine; one that it does not take is lost. */
static void order(struct sandbox *sandbox, const char *format, ...)
	PRINTF(2, 3);
static void order(struct sandbox *sandbox, const char *format, ...)
{
	char line[64];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (sandbox->ports.control >= 0)
		(void)send(sandbox->ports.control, line, (size_t)len,
			   MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void tell_size(struct sandbox *sandbox)
{
	unsigned rows, columns;

	if (sandbox->terminal.taken &&
	    raw_terminal_size(sandbox->in.from, &rows, &columns))
		order(sandbox, "size %u %u\n", rows, columns);
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void hear_ready(struct sandbox *sandbox)
{
	char word[8];

	if (read(sandbox->ready, word, sizeof(word)) > 0)
		mark(sandbox, TIMING_GATEWAY_READY);
	close_end(&sandbox->ready);
}

static void act_on(struct sandbox *sandbox, const struct news *news)
{
	switch (news->kind) {
	case NEWS_NETWORK:
		mark(sandbox, TIMING_AGENT_NETWORK);
		break;
	case NEWS_STARTED:
		mark(sandbox, TIMING_COMMAND_STARTED);
		sandbox->started = true;
		tell_size(sandbox);
		break;
	case NEWS_EXIT:
		if (sandbox->ended)
			break;
		sandbox->ended = true;
		sandbox->status = news->status;
		sandbox->deadline_ms = now_ms() + POWER_OFF_MS;
		break;
	case NEWS_NONE:
		break;
	}
}

/* False at the end. */
static bool read_lines(struct lines *lines, int fd)
{
	size_t room;
	char *to = lines_room(lines, &room);
	ssize_t n = read(fd, to, room);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	lines_added(lines, (size_t)n);
	return true;
}

static void hear_news(struct sandbox *sandbox)
{
	size_t len;

	if (!read_lines(&sandbox->news, sandbox->ports.control))
		close_end(&sandbox->ports.control);
	while ((len = lines_first(&sandbox->news)) > 0) {
		const struct news news = news_parse(sandbox->news.bytes, len);

		act_on(sandbox, &news);
		lines_drop(&sandbox->news, len);
	}
}

/*
 * Whole lines, so that several runs may share a record. What cannot be
 * written is kept, and no more is read: the gateway then has nowhere to
 * record to, and admits nothing.
 */
static void write_record(struct sandbox *sandbox)
{
	size_t len = lines_whole(&sandbox->records);
	ssize_t n;

	if (len == 0)
		return;
	n = write(sandbox->record, sandbox->records.bytes, len);
	if (n >= 0)
		lines_drop(&sandbox->records, (size_t)n);
	if (n < 0 && !sandbox->record_failed)
		complain_errno(sandbox->run->plan->options.audit, errno);
	sandbox->record_failed = n < (ssize_t)len;
}

static void hear_record(struct sandbox *sandbox)
{
	if (!read_lines(&sandbox->records, sandbox->audit))
		close_end(&sandbox->audit);
	write_record(sandbox);
}

/*
 * A signal is the command's; before it runs, any means that it need not. With
 * a terminal of its own the command has its signals from that.
 */
static int hear_signal(struct sandbox *sandbox)
{
	struct signalfd_siginfo info;

	if (read(sandbox->signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo == SIGWINCH) {
		tell_size(sandbox);
		return 0;
	}
	if (!sandbox->started)
		return (int)info.ssi_signo;
	order(sandbox, "signal %u\n", info.ssi_signo);
	return 0;
}

/* All of the input is on its way: how much that was. */
static void end_input(struct sandbox *sandbox)
{
	if (sandbox->eof_told || !feed_is_done(&sandbox->in))
		return;
	sandbox->eof_told = true;
	order(sandbox, "eof %llu\n", (unsigned long long)sandbox->in.written);
}

enum {
	POLL_GATEWAY_CONSOLE,
	POLL_AGENT_CONSOLE,
	POLL_GATEWAY_END,
	POLL_AGENT_END,
	POLL_SIGNALS,
	POLL_READY,
	POLL_AUDIT,
	POLL_CONTROL,
	POLL_IN_FROM,
	POLL_IN_TO,
	POLL_OUT_FROM,
	POLL_OUT_TO,
	POLL_ERR_FROM,
	POLL_ERR_TO,
	POLLS
};

static struct pollfd to_poll(int fd, bool wanted, short events)
{
	return (struct pollfd){ .fd = wanted ? fd : -1, .events = events };
}

static void set_polls(const struct sandbox *sandbox, struct pollfd polls[POLLS])
{
	const struct feed *in = &sandbox->in, *out = &sandbox->out,
			  *err = &sandbox->err;

	polls[POLL_GATEWAY_CONSOLE] =
		to_poll(sandbox->gateway.console, true, POLLIN);
	polls[POLL_AGENT_CONSOLE] =
		to_poll(sandbox->agent.console, true, POLLIN);
	polls[POLL_GATEWAY_END] =
		to_poll(sandbox->gateway.ended, !sandbox->gateway_off, POLLIN);
	polls[POLL_AGENT_END] =
		to_poll(sandbox->agent.ended, !sandbox->agent_off, POLLIN);
	polls[POLL_SIGNALS] = to_poll(sandbox->signals, true, POLLIN);
	polls[POLL_READY] = to_poll(sandbox->ready, true, POLLIN);
	polls[POLL_AUDIT] =
		to_poll(sandbox->audit, !sandbox->record_failed, POLLIN);
	polls[POLL_CONTROL] = to_poll(sandbox->ports.control, true, POLLIN);
	polls[POLL_IN_FROM] = to_poll(
		in->from, sandbox->started && feed_wants_input(in), POLLIN);
	polls[POLL_IN_TO] = to_poll(in->to, feed_wants_output(in), POLLOUT);
	polls[POLL_OUT_FROM] =
		to_poll(out->from, feed_wants_input(out), POLLIN);
	polls[POLL_OUT_TO] = to_poll(out->to, feed_wants_output(out), POLLOUT);
	polls[POLL_ERR_FROM] =
		to_poll(err->from, feed_wants_input(err), POLLIN);
	polls[POLL_ERR_TO] = to_poll(err->to, feed_wants_output(err), POLLOUT);
}

static void turn_output(struct sandbox *sandbox, struct feed *feed,
			const struct pollfd *from, const struct pollfd *to)
{
	bool refused = feed->refused;

	if (from->revents && feed_read(feed))
		mark(sandbox, TIMING_FIRST_BYTE);
	if (to->revents)
		feed_write(feed);
	/* Nobody reads what the command says: as in a pipe of its own. */
	if (feed->refused && !refused)
		order(sandbox, "signal %d\n", SIGPIPE);
}

static void turn_feeds(struct sandbox *sandbox,
		       const struct pollfd polls[POLLS])
{
	if (polls[POLL_IN_FROM].revents)
		(void)feed_read(&sandbox->in);
	if (polls[POLL_IN_TO].revents)
		feed_write(&sandbox->in);
	end_input(sandbox);
	turn_output(sandbox, &sandbox->out, &polls[POLL_OUT_FROM],
		    &polls[POLL_OUT_TO]);
	turn_output(sandbox, &sandbox->err, &polls[POLL_ERR_FROM],
		    &polls[POLL_ERR_TO]);
}

static void turn_machines(struct sandbox *sandbox,
			  const struct pollfd polls[POLLS])
{
	if (polls[POLL_GATEWAY_CONSOLE].revents &&
	    qemu_machine_hear(&sandbox->gateway))
		mark(sandbox, TIMING_GATEWAY_KERNEL);
	if (polls[POLL_AGENT_CONSOLE].revents &&
	    qemu_machine_hear(&sandbox->agent))
		mark(sandbox, TIMING_AGENT_KERNEL);
	if (polls[POLL_AGENT_END].revents)
		sandbox->agent_off = true;
	if (polls[POLL_GATEWAY_END].revents) {
		sandbox->gateway_off = true;
		if (sandbox->started && !sandbox->ended)
			complain("the gateway's machine has ended: the agent "
				 "has no network any more");
	}
}

/* What is left to do when the command has ended: pass on what it said. */
static bool is_over(const struct sandbox *sandbox)
{
	return sandbox->agent_off && feed_is_done(&sandbox->out) &&
	       feed_is_done(&sandbox->err);
}

static int poll_timeout(const struct sandbox *sandbox)
{
	int64_t left = INT64_MAX;

	if (!sandbox->started || (sandbox->ended && !sandbox->agent_off))
		left = sandbox->deadline_ms - now_ms();
	if (sandbox->record_failed && left > RECORD_MS)
		left = RECORD_MS;
	return left == INT64_MAX ? -1 : left < 0 ? 0 : (int)left;
}

/* Whether it takes too long; then the machine is ended. */
static bool is_late(struct sandbox *sandbox)
{
	if (now_ms() < sandbox->deadline_ms || sandbox->agent_off)
		return false;
	if (sandbox->ended) {
		(void)kill(sandbox->agent.pid, SIGKILL);
		sandbox->deadline_ms = INT64_MAX;
		return false;
	}
	return !sandbox->started;
}

static int fail(struct sandbox *sandbox, struct qemu_machine *machine,
		const char *what)
{
	raw_terminal_give_back(&sandbox->terminal);
	complain("the %s's machine %s; the last it said:", machine->name, what);
	qemu_machine_tell(machine);
	return EXIT_LAUNCHER;
}

static int look_after(struct sandbox *sandbox)
{
	while (!is_over(sandbox)) {
		struct pollfd polls[POLLS];
		int signal;

		set_polls(sandbox, polls);
		if (poll(polls, POLLS, poll_timeout(sandbox)) < 0)
			continue; /* EINTR: stopped and continued */
		turn_machines(sandbox, polls);
		if (polls[POLL_READY].revents)
			hear_ready(sandbox);
		if (polls[POLL_AUDIT].revents)
			hear_record(sandbox);
		if (sandbox->record_failed)
			write_record(sandbox);
		if (polls[POLL_CONTROL].revents)
			hear_news(sandbox);
		turn_feeds(sandbox, polls);
		if (polls[POLL_SIGNALS].revents) {
			signal = hear_signal(sandbox);
			if (signal)
				return 128 + signal;
		}
		if (sandbox->gateway_off && !sandbox->started &&
		    !sandbox->ended)
			return fail(sandbox, &sandbox->gateway, "has ended");
		if (is_late(sandbox))
			return fail(sandbox,
				    sandbox->ready >= 0 ? &sandbox->gateway
							: &sandbox->agent,
				    "takes too long");
	}
	if (!sandbox->ended)
		return fail(sandbox, &sandbox->agent, "has ended");
	return sandbox->status;
}

static int qemu_wait(struct sandbox *sandbox)
{
	int status = look_after(sandbox);

	mark(sandbox, TIMING_END);
	raw_terminal_give_back(&sandbox->terminal);
	if (sandbox->run->plan->options.machines.timings)
		timings_print(&sandbox->timings, stderr);
	return status;
}

/* --- start and stop --- */

static void qemu_stop(struct sandbox *sandbox)
{
	if (!sandbox)
		return;
	raw_terminal_give_back(&sandbox->terminal);
	qemu_machine_end(&sandbox->agent);
	qemu_machine_end(&sandbox->gateway);
	cohort_end(&sandbox->cohort);
	/* What the gateway still had to say is in the socket. */
	while (sandbox->audit >= 0 && !sandbox->record_failed)
		hear_record(sandbox);
	for (size_t i = 0; i < sandbox->n_shares; i++) {
		(void)kill(sandbox->shares[i], SIGKILL);
		(void)spawn_wait(sandbox->shares[i]);
	}
	close_end(&sandbox->audit);
	close_end(&sandbox->ready);
	close_end(&sandbox->record);
	close_end(&sandbox->ports.control);
	close_end(&sandbox->ports.in);
	close_end(&sandbox->ports.out);
	close_end(&sandbox->ports.err);
	close_end(&sandbox->signals);
	free(sandbox);
}

static int watch_signals(struct sandbox *sandbox)
{
	static const int watched[] = { SIGTERM, SIGHUP,  SIGINT,  SIGQUIT,
				       SIGUSR1, SIGUSR2, SIGWINCH };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(watched) / sizeof(*watched); i++)
		(void)sigaddset(&set, watched[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	sandbox->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return sandbox->signals < 0 ? complain_errno("signalfd", errno) : 0;
}

static int stream_of(const struct backend_run *run, int i)
{
	return run->stdio[i] >= 0 ? run->stdio[i] : i;
}

static int take_terminal(struct sandbox *sandbox)
{
	int err = 0;

	if (sandbox->run->plan->options.machines.terminal)
		err = raw_terminal_take(&sandbox->terminal, sandbox->in.from);
	return err ? complain_errno("terminal", err) : 0;
}

static int switch_on(struct sandbox *sandbox)
{
	struct plan *plan = sandbox->run->plan;
	int err;

	feed_init(&sandbox->in, stream_of(sandbox->run, 0), sandbox->ports.in);
	feed_init(&sandbox->out, sandbox->ports.out,
		  stream_of(sandbox->run, 1));
	feed_init(&sandbox->err, sandbox->ports.err,
		  stream_of(sandbox->run, 2));
	sandbox->deadline_ms = now_ms() + READY_MS;
	/* Before the cohort, which whoever restores the terminal outlives. */
	err = take_terminal(sandbox);
	if (!err && plan->options.machines.as_root) {
		err = cohort_begin(&sandbox->cohort);
		if (err)
			complain_errno("cannot make a process namespace", err);
	}
	if (!err)
		err = qemu_machine_start(&sandbox->gateway, plan);
	if (!err)
		err = qemu_machine_start(&sandbox->agent, plan);
	if (!err) {
		err = cohort_leave(&sandbox->cohort);
		if (err)
			complain_errno("cannot leave a process namespace", err);
	}
	return err;
}

static int qemu_start(const struct backend_run *run, struct sandbox **result)
{
	struct sandbox *sandbox = calloc(1, sizeof(*sandbox));
	bool verbose = run->plan->options.verbose;
	int err;

	if (!sandbox)
		return complain_errno("start", ENOMEM);
	timings_start(&sandbox->timings);
	sandbox->run = run;
	sandbox->ready = sandbox->audit = sandbox->record = -1;
	sandbox->signals = -1;
	sandbox->ports = (struct ports){ -1, -1, -1, -1 };
	qemu_machine_init(&sandbox->gateway, PLAN_GATEWAY, GATEWAY_MACHINE,
			  verbose);
	qemu_machine_init(&sandbox->agent, PLAN_AGENT, AGENT_MACHINE, verbose);
	err = watch_signals(sandbox);
	if (!err)
		err = prepare(sandbox);
	mark(sandbox, TIMING_PREPARED);
	if (!err)
		err = switch_on(sandbox);
	if (err) {
		qemu_stop(sandbox);
		return err;
	}
	*result = sandbox;
	return 0;
}

/* What is missing, or what works, as a doctor would tell it. */
static bool qemu_usable(char why[BACKEND_WHY_MAX])
{
	char emulator[PATH_MAX], share[PATH_MAX];
	struct kernel kernel;

	if (spawn_find(QEMU_PROGRAM, emulator) < 0) {
		(void)snprintf(why, BACKEND_WHY_MAX,
			       "%s is missing: apt-get install %s",
			       QEMU_PROGRAM, QEMU_PACKAGE);
		return false;
	}
	/* It says itself what is missing. */
	if (kernel_find(NULL, NULL, &kernel) < 0) {
		(void)snprintf(why, BACKEND_WHY_MAX, "no kernel");
		return false;
	}
	(void)snprintf(why, BACKEND_WHY_MAX, "ready, with %s and %.256s%s",
		       accelerator_choose(emulator, kernel.image)->name,
		       kernel.image,
		       share_find(share)
			       ? ""
			       : "; without virtiofsd only with "
				 "--root: apt-get install " SHARE_PACKAGE);
	return true;
}

const struct backend qemu_backend = {
	.name = "qemu",
	.summary = "two virtual machines and a wire between them",
	.takes_root = true,
	.plan = qemu_plan,
	.usable = qemu_usable,
	.start = qemu_start,
	.wait = qemu_wait,
	.stop = qemu_stop,
};
