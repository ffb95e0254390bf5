#include "stub.h"

#include "deadline.h"
#include "privileges.h"
#include "pump.h"
#include "question.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP "dns"
#define PORT 53
#define QUEUE 16
#define ANSWER_MS 10000 /* more than the gateway takes at worst */
#define FREE_MS 2000    /* for the port to become free */
#define IDLE_MS 30000   /* of a connection */
#define PREFIX 2        /* bytes of length before a message over TCP */
#define MESSAGE_MAX (PREFIX + 65535)

/* A question on its way; free while @fd is negative. */
struct asked {
	int fd;  /* to the gateway */
	int via; /* the socket that it came by */
	struct sockaddr_storage from;
	socklen_t from_len;
	int64_t deadline;
	struct question question;
	uint8_t text[PREFIX + QUESTION_MAX];
	size_t len, sent;
	uint8_t answer[MESSAGE_MAX];
	size_t got;
};

/* A connection; free while @agent is negative. */
struct relayed {
	int agent, gateway;
	int64_t deadline;
	bool shut_out, shut_in;
	struct pump out, in;
};

struct server {
	struct stub stub;
	int life; /* readable when the process that we live for has ended */
	struct asked asked[STUB_QUESTIONS_MAX];
	struct asked refused; /* one that there is no room for */
	struct relayed relayed[STUB_CONNECTIONS_MAX];
};

/* --- what is bound --- */

static socklen_t loopback(sa_family_t family, struct sockaddr_storage *sa)
{
	struct sockaddr_in *in = (void *)sa;
	struct sockaddr_in6 *in6 = (void *)sa;

	memset(sa, 0, sizeof(*sa));
	sa->ss_family = family;
	if (family == AF_INET) {
		in->sin_port = htons(PORT);
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*in);
	}
	in6->sin6_port = htons(PORT);
	in6->sin6_addr = in6addr_loopback;
	return sizeof(*in6);
}

/* A descriptor, or -errno. */
static int bind_socket(sa_family_t family, int type)
{
	struct sockaddr_storage sa;
	socklen_t len = loopback(family, &sa);
	const int on = 1;
	int ret = 0;
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* An earlier start's connections may not have died away. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    (type == SOCK_STREAM && listen(fd, QUEUE) < 0))
		ret = -errno;
	if (ret == 0)
		return fd;
	(void)close(fd);
	return ret;
}

/* The stub of an earlier start ends a little after what it lived for. */
static int open_socket(sa_family_t family, int type)
{
	int64_t deadline = deadline_in(FREE_MS);
	int fd;

	do {
		fd = bind_socket(family, type);
	} while (fd == -EADDRINUSE && deadline_pause(deadline));
	return fd;
}

static void close_sockets(struct stub *stub)
{
	for (int i = 0; i < 2; i++) {
		if (stub->udp[i] >= 0)
			(void)close(stub->udp[i]);
		if (stub->tcp[i] >= 0)
			(void)close(stub->tcp[i]);
		stub->udp[i] = stub->tcp[i] = -1;
	}
}

int stub_open(struct stub *stub, const struct address *gateway)
{
	static const sa_family_t families[] = { AF_INET, AF_INET6 };
	int ret = 0;

	*stub = (struct stub){ .gateway = *gateway,
			       .udp = { -1, -1 },
			       .tcp = { -1, -1 } };
	for (int i = 0; i < 2 && ret >= 0; i++) {
		ret = stub->udp[i] = open_socket(families[i], SOCK_DGRAM);
		if (i == 1 && (ret == -EAFNOSUPPORT || ret == -EADDRNOTAVAIL))
			return 0; /* no IPv6 on this machine */
		if (ret >= 0)
			ret = stub->tcp[i] =
				open_socket(families[i], SOCK_STREAM);
	}
	if (ret >= 0)
		return 0;
	close_sockets(stub);
	return report(STEP, ret, "cannot listen on port %d of loopback", PORT);
}

/* --- towards the gateway --- */

/* A connection that is being made, or -errno. */
static int dial(const struct address *gateway)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(PORT) };
	int ret = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	memcpy(&to.sin_addr, gateway->bytes, sizeof(to.sin_addr));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	ret = -errno;
	(void)close(fd);
	return ret;
}

/* --- datagrams --- */

static void reply(const struct asked *asked, const uint8_t *bytes, size_t len)
{
	/* One that is not taken is asked for again. */
	(void)sendto(asked->via, bytes, len, 0,
		     (const struct sockaddr *)&asked->from, asked->from_len);
}

static void forget(struct asked *asked)
{
	if (asked->fd >= 0)
		(void)close(asked->fd);
	asked->fd = -1;
}

static void give_up(struct asked *asked)
{
	uint8_t failure[QUESTION_SHORT_MAX];

	reply(asked, failure,
	      question_fail(&asked->question, asked->text + PREFIX, failure));
	forget(asked);
}

static struct asked *free_asked(struct server *server)
{
	for (size_t i = 0; i < STUB_QUESTIONS_MAX; i++)
		if (server->asked[i].fd < 0)
			return &server->asked[i];
	return NULL;
}

/* Reads one question and sets out with it; false if there was none. */
static bool take_question(struct server *server, int via)
{
	struct asked *asked = free_asked(server);
	bool room = asked;
	ssize_t n;

	if (!room)
		asked = &server->refused;
	asked->via = via;
	asked->from_len = sizeof(asked->from);
	n = recvfrom(via, asked->text + PREFIX, QUESTION_MAX, MSG_TRUNC,
		     (struct sockaddr *)&asked->from, &asked->from_len);
	if (n < 0)
		return false;
	if (!question_parse(asked->text + PREFIX, (size_t)n, &asked->question))
		return true;
	asked->fd = room ? dial(&server->stub.gateway) : -1;
	if (asked->fd < 0) {
		give_up(asked);
		return true;
	}
	asked->text[0] = (uint8_t)(n >> 8);
	asked->text[1] = (uint8_t)n;
	asked->len = PREFIX + (size_t)n;
	asked->sent = asked->got = 0;
	asked->deadline = deadline_in(ANSWER_MS);
	return true;
}

/* True if the call is to be tried again later. */
static bool later(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void send_question(struct asked *asked)
{
	ssize_t n = send(asked->fd, asked->text + asked->sent,
			 asked->len - asked->sent, MSG_NOSIGNAL);

	if (n >= 0)
		asked->sent += (size_t)n;
	else if (!later())
		give_up(asked);
}

/* What is in the buffer, if it is whole. */
static void hand_back(struct asked *asked)
{
	const uint8_t *message = asked->answer + PREFIX;
	uint8_t shortened[QUESTION_SHORT_MAX];
	size_t len;

	if (asked->got < PREFIX)
		return;
	len = (size_t)asked->answer[0] << 8 | asked->answer[1];
	if (asked->got < PREFIX + len)
		return;
	if (!question_is_answered(&asked->question, message, len)) {
		give_up(asked);
		return;
	}
	if (len > asked->question.answer_max)
		reply(asked, shortened,
		      question_truncate(&asked->question, asked->text + PREFIX,
					shortened));
	else
		reply(asked, message, len);
	forget(asked);
}

static void read_answer(struct asked *asked)
{
	ssize_t n = recv(asked->fd, asked->answer + asked->got,
			 MESSAGE_MAX - asked->got, 0);

	if (n < 0 && later())
		return;
	if (n <= 0) {
		give_up(asked);
		return;
	}
	asked->got += (size_t)n;
	hand_back(asked);
}

static void tend_asked(struct asked *asked, short events)
{
	if (asked->fd < 0)
		return;
	if (events && asked->sent < asked->len)
		send_question(asked);
	else if (events)
		read_answer(asked);
	if (asked->fd >= 0 && deadline_left_ms(asked->deadline) == 0)
		give_up(asked);
}

/* --- connections --- */

static void hang_up(struct relayed *relayed)
{
	(void)close(relayed->agent);
	(void)close(relayed->gateway);
	relayed->agent = -1;
}

static struct relayed *free_relayed(struct server *server)
{
	for (size_t i = 0; i < STUB_CONNECTIONS_MAX; i++)
		if (server->relayed[i].agent < 0)
			return &server->relayed[i];
	return NULL;
}

static bool take_connection(struct server *server, int listener)
{
	struct relayed *relayed = free_relayed(server);
	int agent = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int gateway;

	if (agent < 0)
		return false;
	gateway = relayed ? dial(&server->stub.gateway) : -1;
	if (gateway < 0) {
		(void)close(agent);
		return true;
	}
	relayed->agent = agent;
	relayed->gateway = gateway;
	relayed->shut_out = relayed->shut_in = false;
	relayed->deadline = deadline_in(IDLE_MS);
	pump_init(&relayed->out, agent, gateway);
	pump_init(&relayed->in, gateway, agent);
	return true;
}

static void pass_end_on(const struct pump *pump, int to, bool *shut)
{
	if (*shut || !pump_is_done(pump))
		return;
	(void)shutdown(to, SHUT_WR);
	*shut = true;
}

static void tend_relayed(struct relayed *relayed, short agent, short gateway)
{
	if (relayed->agent < 0)
		return;
	if (agent || gateway)
		relayed->deadline = deadline_in(IDLE_MS);
	if (agent) {
		pump_read(&relayed->out);
		pump_write(&relayed->in);
	}
	if (gateway) {
		pump_write(&relayed->out);
		pump_read(&relayed->in);
	}
	pass_end_on(&relayed->out, relayed->gateway, &relayed->shut_out);
	pass_end_on(&relayed->in, relayed->agent, &relayed->shut_in);
	/* Once the gateway has no more to say, there is no more to ask. */
	if (relayed->shut_in || relayed->out.to < 0 || relayed->in.to < 0 ||
	    deadline_left_ms(relayed->deadline) == 0)
		hang_up(relayed);
}

/* --- the process --- */

static short wanted(const struct pump *read, const struct pump *write)
{
	return (short)((pump_reads(read) ? POLLIN : 0) |
		       (pump_writes(write) ? POLLOUT : 0));
}

enum {
	LIFE = 0,
	LISTENERS,
	ASKED = LISTENERS + STUB_SOCKETS_MAX,
	RELAYED = ASKED + STUB_QUESTIONS_MAX,
	POLLED = RELAYED + 2 * STUB_CONNECTIONS_MAX
};

static void gather(const struct server *server, struct pollfd polled[POLLED])
{
	const struct stub *stub = &server->stub;

	polled[LIFE] = (struct pollfd){ .fd = server->life, .events = POLLIN };
	for (size_t i = 0; i < 2; i++) {
		polled[LISTENERS + i] =
			(struct pollfd){ .fd = stub->udp[i], .events = POLLIN };
		polled[LISTENERS + 2 + i] =
			(struct pollfd){ .fd = stub->tcp[i], .events = POLLIN };
	}
	for (size_t i = 0; i < STUB_QUESTIONS_MAX; i++) {
		const struct asked *asked = &server->asked[i];

		polled[ASKED + i] = (struct pollfd){
			.fd = asked->fd,
			.events = asked->sent < asked->len ? POLLOUT : POLLIN
		};
	}
	for (size_t i = 0; i < STUB_CONNECTIONS_MAX; i++) {
		const struct relayed *relayed = &server->relayed[i];
		struct pollfd *pair = &polled[RELAYED + 2 * i];
		short agent = 0, gateway = 0;

		if (relayed->agent >= 0) {
			agent = wanted(&relayed->out, &relayed->in);
			gateway = wanted(&relayed->in, &relayed->out);
		}
		/* One that is polled for nothing would still hang up. */
		pair[0] = (struct pollfd){ .fd = agent ? relayed->agent : -1,
					   .events = agent };
		pair[1] =
			(struct pollfd){ .fd = gateway ? relayed->gateway : -1,
					 .events = gateway };
	}
}

/* The sooner of the deadlines; -1 if there is none. */
static int wait_ms(const struct server *server)
{
	int least = -1;

	for (size_t i = 0; i < STUB_QUESTIONS_MAX; i++) {
		int left = deadline_left_ms(server->asked[i].deadline);

		if (server->asked[i].fd >= 0 && (least < 0 || left < least))
			least = left;
	}
	for (size_t i = 0; i < STUB_CONNECTIONS_MAX; i++) {
		int left = deadline_left_ms(server->relayed[i].deadline);

		if (server->relayed[i].agent >= 0 &&
		    (least < 0 || left < least))
			least = left;
	}
	return least;
}

static void serve(struct server *server)
{
	struct pollfd polled[POLLED];

	for (;;) {
		gather(server, polled);
		if (poll(polled, POLLED, wait_ms(server)) < 0)
			continue;
		if (polled[LIFE].revents)
			return;
		for (size_t i = 0; i < STUB_QUESTIONS_MAX; i++)
			tend_asked(&server->asked[i],
				   polled[ASKED + i].revents);
		for (size_t i = 0; i < STUB_CONNECTIONS_MAX; i++)
			tend_relayed(&server->relayed[i],
				     polled[RELAYED + 2 * i].revents,
				     polled[RELAYED + 2 * i + 1].revents);
		for (size_t i = 0; i < 2; i++) {
			if (polled[LISTENERS + i].revents)
				while (take_question(server,
						     server->stub.udp[i]))
					;
			if (polled[LISTENERS + 2 + i].revents)
				while (take_connection(server,
						       server->stub.tcp[i]))
					;
		}
	}
}

/* It holds nobody's terminal or pipe, and no signal of theirs reaches it. */
static int detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || setsid() < 0)
		return -errno;
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		if (dup2(null, i) < 0)
			return -errno;
	(void)close(null);
	return 0;
}

static int live(const struct stub *stub, int life, const struct user *user)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server || privileges_drop(user, 0) < 0 || detach() < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return EXIT_FAILURE;
	server->stub = *stub;
	server->life = life;
	for (size_t i = 0; i < STUB_QUESTIONS_MAX; i++)
		server->asked[i].fd = -1;
	for (size_t i = 0; i < STUB_CONNECTIONS_MAX; i++)
		server->relayed[i].agent = -1;
	(void)signal(SIGPIPE, SIG_IGN);
	serve(server);
	return EXIT_SUCCESS;
}

int stub_start(struct stub *stub, const struct user *user)
{
	int life = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int status = 0;
	int ret = life < 0 ? -errno : 0;
	pid_t child = -1;

	if (ret == 0) {
		child = fork();
		ret = child < 0 ? -errno : 0;
	}
	if (child == 0) {
		/* A grandchild: the agent is not to wait for one it never had. */
		pid_t grandchild = fork();

		_exit(grandchild < 0   ? EXIT_FAILURE
		      : grandchild > 0 ? EXIT_SUCCESS
				       : live(stub, life, user));
	}
	if (child > 0 && (waitpid(child, &status, 0) != child || status != 0))
		ret = -ECHILD;
	if (life >= 0)
		(void)close(life);
	close_sockets(stub);
	if (ret < 0)
		return report(STEP, ret, "cannot start the stub");
	return 0;
}
