#include "backend.h"
#include "commands.h"
#include "complain.h"
#include "plan.h"
#include "spawn.h"
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX 10
#define NEEDLES_MAX 3
#define STEP_MS 15000  /* for the agent */
#define RECORD_MS 3000 /* for the record to have it */
#define TEXT_MAX 65536

static const char manifest[] = "egress:\n"
			       "  routes:\n"
			       "    - host: allowed.example\n"
			       "    - host: echo.example\n"
			       "      ports: [7777]\n"
			       "      tls: none\n";

/* One attempt, and what everybody concerned must have seen of it. */
struct step {
	const char *title;
	const char *argv[ARGS_MAX]; /* "probe" is this very program */
	bool succeeds;
	const char *says;   /* in the agent's output; NULL: anything */
	const char *unsaid; /* not in it */
	const char *record[NEEDLES_MAX]; /* all in one line of the record */
	const char *heard;   /* by the world; NULL: nothing at all */
	const char *unheard; /* not by the world */
};

#define CURL "curl", "-sS", "--max-time", "10"

static const struct step steps[] = {
	{ .title = "An allowed name, over https",
	  .argv = { CURL, "https://allowed.example/" },
	  .succeeds = true,
	  .says = "hello from allowed.example",
	  .record = { "\"event\":\"request\"", "\"allowed.example\"",
		      "\"intercept\"" },
	  .heard = "tls allowed.example\nhttp allowed.example GET /\n" },
	{ .title = "An allowed name, over http",
	  .argv = { CURL, "http://allowed.example/plain" },
	  .succeeds = true,
	  .says = "hello from allowed.example",
	  .record = { "\"event\":\"request\"", "\"allowed.example\"",
		      "\"/plain\"" },
	  .heard = "http allowed.example GET /plain\n" },
	{ .title = "A name that no route lists: the answer says why",
	  .argv = { CURL, "https://other.example/" },
	  .succeeds = true, /* curl(1) got an answer, of status 403 */
	  .says = "name_not_listed",
	  .unsaid = "hello from",
	  .record = { "\"verdict\":\"deny\"", "\"other.example\"",
		      "\"name_not_listed\"" } },
	{ .title = "An address instead of a name",
	  .argv = { CURL, "http://93.184.216.35/" },
	  .succeeds = true,
	  .says = "address_not_listed",
	  .unsaid = "hello from",
	  .record = { "\"verdict\":\"deny\"", WORLD_OTHER4,
		      "\"address_not_listed\"" } },
	{ .title = "The same with IPv6, and TLS",
	  .argv = { CURL, "--insecure", "https://[2606:2800:21f:cb07::34]/" },
	  .unsaid = "hello from",
	  .record = { "\"verdict\":\"deny\"", WORLD_ALLOWED6 } },
	{ .title = "Another Host inside an allowed TLS connection",
	  .argv = { CURL, "-H", "Host: other.example",
		    "https://allowed.example/" },
	  .succeeds = true,
	  .says = "host_mismatch",
	  .unsaid = "hello from",
	  .record = { "\"verdict\":\"deny\"", "\"host_mismatch\"" },
	  .heard = "",
	  .unheard = "http " },
	{ .title = "Raw TCP, to a port that a route names",
	  .argv = { "probe", "tcp", "echo.example", "7777", "echo this" },
	  .succeeds = true,
	  .says = "came back: echo this",
	  .record = { "\"verdict\":\"relay\"", "\"echo.example\"" },
	  .heard = "echo 9 bytes\n" },
	/* A name not refused before: refusals alike may share a line. */
	{ .title = "A question to some other resolver",
	  .argv = { "probe", "dns", WORLD_RESOLVER4, "more.other.example" },
	  .succeeds = true,
	  .unsaid = WORLD_OTHER4,
	  .record = { "\"verdict\":\"deny\"", "\"more.other.example\"",
		      "\"dns\"" } },
	{ .title = "QUIC, or whatever else is UDP",
	  .argv = { "probe", "udp", WORLD_ALLOWED4, "443", "initial packet" },
	  .says = "datagram: ",
	  .record = { "\"verdict\":\"deny\"", "\"protocol_refused\"", "udp" } },
	{ .title = "A ping that carries something",
	  .argv = { "probe", "ping", WORLD_ALLOWED4, "a secret" },
	  .says = "ping: ",
	  .record = { "\"verdict\":\"deny\"", "\"protocol_refused\"",
		      "icmp" } },
};

#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

/* A growing text that is cut at TEXT_MAX. */
struct text {
	char bytes[TEXT_MAX];
	size_t len;
};

struct demo {
	char folder[64];
	char manifest[96], trust[96], audit[96];
	char self[PATH_MAX], gateway[PATH_MAX], init[PATH_MAX];
	char resolvers[2][PLAN_RESOLVER_TEXT_MAX];
	struct world world;
	struct plan plan;
	struct backend_run run;
	struct sandbox *sandbox;
	int to_agent, from_agent;
	int record;      /* the gateway's, opened for reading */
	int record_grew; /* inotify(7) */
	bool colours;
	unsigned n_failed;
	struct text output, recorded, heard, all_heard;
};

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void text_clear(struct text *text)
{
	text->len = 0;
	text->bytes[0] = '\0';
}

/* Adds what can be read at once; false at the end, or for an error. */
static bool text_read(struct text *text, int fd)
{
	size_t left = sizeof(text->bytes) - 1 - text->len;
	ssize_t n = left > 0 ? read(fd, text->bytes + text->len, left) : 0;

	if (n <= 0)
		return false;
	text->len += (size_t)n;
	text->bytes[text->len] = '\0';
	return true;
}

/* What the story looks like */

static const char *colour(const struct demo *demo, const char *code)
{
	return demo->colours ? code : "";
}

#define BOLD "\033[1m"
#define GREEN "\033[32m"
#define RED "\033[31m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

/* Every line of @text, with @label before the first. */
static void print_block(const struct demo *demo, const char *label,
			const char *text)
{
	if (*text == '\0')
		text = "nothing\n";
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		(void)printf("   %s%-7s%s %.*s\n", colour(demo, DIM), label,
			     colour(demo, PLAIN), (int)len, text);
		label = "";
		text += len;
		text += *text == '\n';
	}
}

/* Lines of the record without what is the same in all: version, time, ... */
static void print_record(const struct demo *demo, const char *text)
{
	const char *event;

	while ((event = strstr(text, "\"event\":"))) {
		char line[1024];
		size_t len = strcspn(event, "\n");

		(void)snprintf(line, sizeof(line), "{... %.*s", (int)len,
			       event);
		print_block(demo, "record", line);
		text = event + len;
	}
}

static void print_command(const struct demo *demo, const struct step *step,
			  size_t number)
{
	(void)printf("\n%s%zu. %s%s\n   %-7s", colour(demo, BOLD), number,
		     step->title, colour(demo, PLAIN), "$");
	for (size_t i = 0; step->argv[i]; i++)
		(void)printf(strchr(step->argv[i], ' ') ? " '%s'" : " %s",
			     step->argv[i]);
	(void)printf("\n");
	(void)fflush(stdout);
}

static void blame(struct demo *demo, const char *what, const char *which)
{
	(void)printf("   %sUNEXPECTED: %s%.*s%s\n", colour(demo, RED), what,
		     (int)strcspn(which, "\n"), which, colour(demo, PLAIN));
	demo->n_failed++;
}

/* What is done for it */

/* Gives the agent a command and reads what it printed, and its status. */
static int command_agent(struct demo *demo, const struct step *step,
			 int *status)
{
	struct text *output = &demo->output;
	int64_t deadline = now_ms() + STEP_MS;
	char words[1024];
	size_t len = 0;

	for (size_t i = 0; step->argv[i]; i++)
		if (i == 0 && strcmp(step->argv[i], "probe") == 0)
			len += (size_t)snprintf(words + len,
						sizeof(words) - len,
						"%s%cdemo-agent", demo->self,
						'\0') +
			       1;
		else
			len += (size_t)snprintf(words + len,
						sizeof(words) - len, "%s",
						step->argv[i]) +
			       1;
	words[len++] = '\0';
	if (write(demo->to_agent, words, len) != (ssize_t)len)
		return -EPIPE;

	text_clear(output);
	for (;;) {
		struct pollfd event = { .fd = demo->from_agent,
					.events = POLLIN };
		int64_t left = deadline - now_ms();

		/* The text, a NUL, and one byte more. */
		if (output->len >= 2 && !output->bytes[output->len - 2]) {
			*status = (unsigned char)output->bytes[output->len - 1];
			return 0;
		}
		if (left <= 0 || poll(&event, 1, (int)left) == 0)
			return -ETIMEDOUT;
		if (!text_read(output, demo->from_agent))
			return -EPIPE;
	}
}

/* The first line of @text that has all of @needles, in @line. */
static bool find_line(const char *text, const char *const *needles,
		      char line[1024])
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		bool all = text[len] == '\n';

		(void)snprintf(line, 1024, "%.*s", (int)len, text);
		for (size_t i = 0; i < NEEDLES_MAX && needles[i]; i++)
			all = all && strstr(line, needles[i]);
		if (all)
			return true;
		text += len;
		text += *text == '\n';
	}
	return false;
}

/* The record is written by a process of its own, in its own time. */
static bool await_record(struct demo *demo, const struct step *step,
			 char line[1024])
{
	int64_t deadline = now_ms() + RECORD_MS;
	struct pollfd event = { .fd = demo->record_grew, .events = POLLIN };
	char grown[4096];

	for (;;) {
		int64_t left = deadline - now_ms();

		/* First, so that what is written from here on wakes us. */
		while (read(demo->record_grew, grown, sizeof(grown)) > 0)
			continue;
		while (text_read(&demo->recorded, demo->record))
			continue;
		if (find_line(demo->recorded.bytes, step->record, line))
			return true;
		if (left <= 0 || poll(&event, 1, (int)left) == 0)
			return false;
	}
}

static void hear_world(struct demo *demo)
{
	size_t from;

	text_clear(&demo->heard);
	while (text_read(&demo->heard, demo->world.heard))
		continue;
	from = demo->all_heard.len;
	(void)snprintf(demo->all_heard.bytes + from, TEXT_MAX - from, "%s",
		       demo->heard.bytes);
	demo->all_heard.len += strlen(demo->all_heard.bytes + from);
}

static void check_step(struct demo *demo, const struct step *step, int status,
		       bool recorded)
{
	const char *output = demo->output.bytes;
	const char *heard = demo->heard.bytes;
	unsigned before = demo->n_failed;

	if (step->succeeds != (status == 0))
		blame(demo, "the command ",
		      status == 0 ? "succeeded" : "failed");
	if (step->says && !strstr(output, step->says))
		blame(demo, "the agent was not told: ", step->says);
	if (step->unsaid && strstr(output, step->unsaid))
		blame(demo, "the agent was told: ", step->unsaid);
	if (!recorded)
		blame(demo, "the record has no such line: ", step->record[0]);
	if (!step->heard && *heard != '\0')
		blame(demo, "the world heard of it", "");
	if (step->heard && !strstr(heard, step->heard))
		blame(demo, "the world did not hear: ", step->heard);
	if (step->unheard && strstr(heard, step->unheard))
		blame(demo, "the world heard: ", step->unheard);
	if (demo->n_failed == before)
		(void)printf("   %sas it should be%s\n", colour(demo, GREEN),
			     colour(demo, PLAIN));
}

static int tell_step(struct demo *demo, const struct step *step, size_t number)
{
	char line[1024] = "";
	bool recorded;
	int status;
	int err;

	print_command(demo, step, number);
	text_clear(&demo->recorded);
	err = command_agent(demo, step, &status);
	if (err)
		return complain_errno("demo: the agent", err);
	print_block(demo, "agent", demo->output.bytes);
	recorded = await_record(demo, step, line);
	print_record(demo, recorded ? line : demo->recorded.bytes);
	hear_world(demo);
	print_block(demo, "world", demo->heard.bytes);
	check_step(demo, step, status, recorded);
	return 0;
}

/* What came late must not have come, either. */
static void check_all(struct demo *demo)
{
	hear_world(demo);
	if (strstr(demo->all_heard.bytes, "other.example"))
		blame(demo, "the world heard of other.example", "");
	if (strstr(demo->all_heard.bytes, "packet "))
		blame(demo, "the world heard packets for no service", "");
}

/* Start and end */

static int write_manifest(const struct demo *demo)
{
	FILE *file = fopen(demo->manifest, "we");

	if (!file)
		return -errno;
	(void)fputs(manifest, file);
	return fclose(file) == 0 ? 0 : -errno;
}

static int make_files(struct demo *demo)
{
	const char *tmp = getenv("TMPDIR");
	int err;
	int fd;

	/* Short, or the paths below it would not fit. */
	(void)snprintf(demo->folder, sizeof(demo->folder),
		       "%s/sluice-demo.XXXXXX",
		       tmp && tmp[0] == '/' && strlen(tmp) < 40 ? tmp : "/tmp");
	if (!mkdtemp(demo->folder)) {
		err = complain_errno(demo->folder, errno);
		demo->folder[0] = '\0';
		return err;
	}
	(void)snprintf(demo->manifest, sizeof(demo->manifest),
		       "%s/manifest.yaml", demo->folder);
	(void)snprintf(demo->trust, sizeof(demo->trust), "%s/world.pem",
		       demo->folder);
	(void)snprintf(demo->audit, sizeof(demo->audit), "%s/audit.jsonl",
		       demo->folder);
	err = write_manifest(demo);
	if (err)
		return complain_errno(demo->manifest, err);
	err = world_init(&demo->world, demo->trust);
	if (err)
		return complain_errno("demo: cannot make a world", err);
	fd = open(demo->audit, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain_errno(demo->audit, errno);
	demo->record = fd;
	demo->record_grew = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (demo->record_grew < 0 ||
	    inotify_add_watch(demo->record_grew, demo->audit, IN_MODIFY) < 0)
		return complain_errno("demo: cannot watch the record", errno);
	return 0;
}

static int find_programs(struct demo *demo)
{
	ssize_t len =
		readlink("/proc/self/exe", demo->self, sizeof(demo->self) - 1);
	char curl[PATH_MAX];

	if (len < 0)
		return complain_errno("/proc/self/exe", errno);
	demo->self[len] = '\0';
	if (spawn_find("curl", curl) < 0) {
		complain("demo: needs curl; it is in the package of that name");
		return -ENOENT;
	}
	if (spawn_find("sluice-gateway", demo->gateway) < 0 ||
	    spawn_find("sluice-init", demo->init) < 0) {
		complain("demo: sluice-gateway and sluice-init must be beside "
			 "sluice");
		return -ENOENT;
	}
	return 0;
}

static int make_plan(struct demo *demo, char *const command[])
{
	struct plan_options options = {
		.manifest = demo->manifest,
		.audit = demo->audit,
		.trust = demo->trust,
		.gateway_program = demo->gateway,
		.init_program = demo->init,
		.workdir = "/",
		.resolvers = demo->resolvers,
		.n_resolvers = 2,
		.uid = getuid(),
		.gid = getgid(),
		.command = command,
	};

	(void)snprintf(demo->resolvers[0], PLAN_RESOLVER_TEXT_MAX,
		       WORLD_RESOLVER4);
	(void)snprintf(demo->resolvers[1], PLAN_RESOLVER_TEXT_MAX,
		       WORLD_RESOLVER6);
	if (netns_plan(&options, &demo->plan) < 0)
		return complain_errno("demo", ENOMEM);
	return 0;
}

static int start(struct demo *demo, const struct backend_world *world)
{
	struct backend_run *run = &demo->run;
	int commands[2];
	int answers[2];
	int err;

	if (pipe2(commands, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0)
		return complain_errno("pipe", errno);
	*run = (struct backend_run){
		.plan = &demo->plan,
		.world = world,
		.stdio = { commands[0], answers[1], STDERR_FILENO },
	};
	demo->to_agent = commands[1];
	demo->from_agent = answers[0];
	err = netns_backend.start(run, &demo->sandbox);
	(void)close(commands[0]);
	(void)close(answers[1]);
	return err;
}

static void clean_up(struct demo *demo)
{
	netns_backend.stop(demo->sandbox);
	plan_done(&demo->plan);
	world_done(&demo->world);
	if (demo->to_agent >= 0)
		(void)close(demo->to_agent);
	if (demo->from_agent >= 0)
		(void)close(demo->from_agent);
	if (demo->record >= 0)
		(void)close(demo->record);
	if (demo->record_grew >= 0)
		(void)close(demo->record_grew);
	if (demo->folder[0] != '\0') {
		(void)unlink(demo->manifest);
		(void)unlink(demo->trust);
		(void)unlink(demo->audit);
		(void)rmdir(demo->folder);
	}
}

static int tell_story(struct demo *demo)
{
	(void)printf("An agent, a gateway, and a world in three network "
		     "namespaces. The manifest:\n\n");
	print_block(demo, "", manifest);
	for (size_t i = 0; i < N_STEPS; i++)
		if (tell_step(demo, &steps[i], i + 1) < 0)
			return EXIT_LAUNCHER;
	check_all(demo);
	if (demo->n_failed > 0) {
		(void)printf("\n%u unexpected outcomes.\n", demo->n_failed);
		return EXIT_FAILURE;
	}
	(void)printf("\nAll %zu attempts ended as the manifest says, and the "
		     "world heard of no other.\n",
		     N_STEPS);
	return 0;
}

int demo_command(int argc, char **argv)
{
	struct demo *demo = calloc(1, sizeof(*demo));
	int status = EXIT_LAUNCHER;

	(void)argv;
	if (!demo) {
		complain_errno("demo", ENOMEM);
		return EXIT_LAUNCHER;
	}
	demo->to_agent = demo->from_agent = -1;
	demo->record = demo->record_grew = -1;
	demo->world.heard = demo->world.tell = -1;
	demo->colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");

	if (argc != 1) {
		(void)fprintf(stderr, "usage: sluice demo\n");
		status = EXIT_USAGE;
	} else if (find_programs(demo) == 0 && make_files(demo) == 0) {
		char *const command[] = { demo->self, (char[]){ "demo-agent" },
					  NULL };
		const struct backend_world world = {
			.play = world_play,
			.data = &demo->world,
			.interface = WORLD_INTERFACE,
			.uplink4 = WORLD_UPLINK4,
			.uplink6 = WORLD_UPLINK6,
			.router4 = WORLD_ROUTER4,
			.router6 = WORLD_ROUTER6,
			.prefix4 = WORLD_PREFIX4,
			.prefix6 = WORLD_PREFIX6,
		};

		/* An agent that is gone is found out by what it answers. */
		(void)signal(SIGPIPE, SIG_IGN);
		if (make_plan(demo, command) == 0 && start(demo, &world) == 0)
			status = tell_story(demo);
	}
	clean_up(demo);
	free(demo);
	return status;
}
