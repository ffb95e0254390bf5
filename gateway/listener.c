#include "listener.h"

#include "clock.h"
#include "log.h"
#include "worker.h"

#include <errno.h>
#include <linux/netfilter_ipv4.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS 16 /* in one turn of the loop */
#define PAUSE_MS 100

struct listener {
	struct worker *worker;
	struct event *events[2]; /* NULL if there is no such listener */
	struct event *retry;
	bool paused;
	struct log_limit lost, full;
};

static void pause_listening(struct listener *listener)
{
	const struct timeval left = clock_span(PAUSE_MS);

	for (int i = 0; i < 2; i++)
		if (listener->events[i])
			event_del(listener->events[i]);
	listener->paused = true;
	evtimer_add(listener->retry, &left);
}

void listener_resume(struct listener *listener)
{
	if (!listener || !listener->paused ||
	    listener->worker->flows.n >= FLOW_MAX)
		return;
	for (int i = 0; i < 2; i++)
		if (listener->events[i])
			event_add(listener->events[i], NULL);
	listener->paused = false;
}

static void retry(evutil_socket_t fd, short what, void *arg)
{
	struct listener *listener = arg;
	const struct timeval left = clock_span(PAUSE_MS);

	(void)fd;
	(void)what;
	listener_resume(listener);
	if (listener->paused)
		evtimer_add(listener->retry, &left);
}

/* Where the connection was headed before the kernel turned it to us. */
static int original(int fd, sa_family_t family, struct address *address,
		    uint16_t *port)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);
	int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;

	/* IP6T_SO_ORIGINAL_DST has the same number. */
	if (getsockopt(fd, level, SO_ORIGINAL_DST, &sa, &len) < 0)
		return -errno;
	return address_from_sockaddr(address, port,
				     (const struct sockaddr *)&sa)
		       ? 0
		       : -EAFNOSUPPORT;
}

static void warn(struct log_limit *limit, const char *what, int error)
{
	unsigned left_out;

	if (log_limit_take(limit, clock_ms(), &left_out))
		log_warn("listener: %s: %s (%u more were not shown)", what,
			 strerror(error), left_out);
}

static void start(struct listener *listener, int fd,
		  const struct sockaddr_storage *sa)
{
	struct address agent = { 0 }, address = { 0 };
	uint16_t agent_port = 0, port = 0;
	int error = -EAFNOSUPPORT;

	if (address_from_sockaddr(&agent, &agent_port,
				  (const struct sockaddr *)sa))
		error = original(fd, sa->ss_family, &address, &port);
	if (error < 0)
		warn(&listener->lost, "lost where a connection was headed",
		     -error);
	/* Without a destination: to be refused like any other. */
	flow_start(listener->worker, fd, &agent, agent_port, &address, port);
}

static void acceptable(evutil_socket_t listening, short what, void *arg)
{
	struct listener *listener = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage sa = { 0 };
		socklen_t len = sizeof(sa);
		int fd;

		if (listener->worker->flows.n >= FLOW_MAX) {
			pause_listening(listener);
			return;
		}
		fd = accept4(listening, (struct sockaddr *)&sa, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			start(listener, fd, &sa);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			warn(&listener->full, "cannot accept, pausing", errno);
			pause_listening(listener);
			return;
		}
		if (errno == EAGAIN)
			return;
		/* ECONNABORTED and the like concern one connection alone. */
	}
}

struct listener *listener_new(struct worker *worker, int tcp4, int tcp6)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	const int fds[2] = { tcp4, tcp6 };

	if (!listener)
		return NULL;
	listener->worker = worker;
	listener->retry = evtimer_new(worker->base, retry, listener);
	if (!listener->retry)
		goto fail;
	for (int i = 0; i < 2; i++) {
		if (fds[i] < 0)
			continue;
		listener->events[i] =
			event_new(worker->base, fds[i], EV_READ | EV_PERSIST,
				  acceptable, listener);
		if (!listener->events[i] ||
		    event_add(listener->events[i], NULL) < 0)
			goto fail;
	}
	return listener;
fail:
	listener_free(listener);
	return NULL;
}

void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	for (int i = 0; i < 2; i++) {
		if (!listener->events[i])
			continue;
		close(event_get_fd(listener->events[i]));
		event_free(listener->events[i]);
	}
	if (listener->retry)
		event_free(listener->retry);
	free(listener);
}
