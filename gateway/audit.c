#include "audit.h"

#include "isolate.h"
#include "json.h"
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PREFIX_MAX 40         /* bytes of the number in front of a line */
#define BATCH_CAP (64u << 10) /* bytes of lines written at once */
#define AUDIT_CHANNELS_MAX 128
#define GATHER_MS 2    /* after a line, for others to come */
#define RETRY_MS 1000  /* between tries to write what could not be written */
#define HELD_UP_MS 500 /* by a reader, before that is what it is */

static void put_time(struct json *json)
{
	struct timespec wall, mono;
	char text[64], stamp[80];
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	gmtime_r(&wall.tv_sec, &tm);
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(stamp, sizeof(stamp), "%s.%03ldZ", text,
		       wall.tv_nsec / 1000000);
	json_text(json, "time", stamp);
	json_uint(json, "mono_ms",
		  (uint64_t)mono.tv_sec * 1000 +
			  (uint64_t)mono.tv_nsec / 1000000);
}

static void put_endpoint(struct json *json, const char *key,
			 const struct address *address, const char *port_key,
			 uint16_t port)
{
	char text[ADDRESS_TEXT_MAX];

	if (!address || address->family == 0)
		return;
	json_text(json, key, address_format(address, text));
	if (port_key && port != 0)
		json_uint(json, port_key, port);
}

/* Everything but the number, which the audit process puts in front. */
static bool format(const struct audit *audit, const struct audit_event *event,
		   char *line, size_t cap, size_t *len)
{
	struct json json;

	json_begin(&json, line, cap - 1);
	put_time(&json);
	json_text(&json, "event", event->event);
	json_uint(&json, "worker", audit->worker);
	if (event->flow != 0)
		json_uint(&json, "flow", event->flow);
	if (event->judged) {
		json_text(&json, "verdict", verdict_name(event->verdict));
		json_text(&json, "reason", reason_code(event->reason));
	}
	json_text(&json, "id", event->refusal);
	json_text(&json, "protocol", event->protocol);
	if (event->name && event->name->len > 0)
		json_text(&json, "name", event->name->name);
	if (event->asked && event->asked[0])
		json_text(&json, "asked", event->asked);
	json_text(&json, "type", event->type);
	json_flag(&json, "ech", event->ech);
	json_flag(&json, "early_data", event->early_data);
	put_endpoint(&json, "agent", event->agent, "agent_port",
		     event->agent_port);
	put_endpoint(&json, "address", event->address, NULL, 0);
	if (event->port != 0)
		json_uint(&json, "port", event->port);
	put_endpoint(&json, "origin", event->origin, NULL, 0);
	if (event->method.len > 0)
		json_bytes(&json, "method", event->method.at,
			   event->method.len);
	if (event->path.len > 0)
		json_bytes(&json, "path", event->path.at, event->path.len);
	if (event->status != 0)
		json_uint(&json, "status", event->status);
	if (event->line != 0)
		json_uint(&json, "line", event->line);
	if (event->count > 1)
		json_uint(&json, "count", event->count);
	if (event->counted) {
		json_uint(&json, "bytes_out", event->bytes_out);
		json_uint(&json, "bytes_in", event->bytes_in);
		json_uint(&json, "duration_ms", event->duration_ms);
	}
	json_text(&json, "detail", event->detail);
	if (event->allow && event->allow[0])
		json_text(&json, "allow", event->allow);
	if (!json_end(&json))
		return false;
	line[json.len] = '\n';
	*len = json.len + 1;
	return true;
}

static int hand_over(const struct audit *audit, const char *line, size_t len)
{
	return send(audit->fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0
		       ? -errno
		       : 0;
}

/* The audit process takes lines again. */
static void writable(evutil_socket_t fd, short what, void *arg)
{
	struct audit *audit = arg;
	struct buffer *queue = &audit->queue;
	size_t len;
	int error;

	(void)fd;
	(void)what;
	while (queue->len > 0) {
		memcpy(&len, buffer_data(queue), sizeof(len));
		error = hand_over(audit, buffer_data(queue) + sizeof(len), len);
		if (error == -EAGAIN)
			return;
		if (error < 0)
			break; /* it is gone, and so shall we be */
		buffer_drop(queue, sizeof(len) + len);
	}
	event_del(audit->writable);
}

static int keep(struct audit *audit, const char *line, size_t len)
{
	struct buffer *queue = &audit->queue;
	int error;

	if (!audit->writable || queue->len + len > AUDIT_QUEUE_MAX)
		return -ENOBUFS;
	error = buffer_add(queue, &len, sizeof(len));
	if (error == 0)
		error = buffer_add(queue, line, len);
	if (error == 0 && event_add(audit->writable, NULL) < 0)
		error = -ENOMEM;
	return error;
}

int audit_start(struct audit *audit, struct event_base *base)
{
	audit->writable = event_new(base, audit->fd, EV_WRITE | EV_PERSIST,
				    writable, audit);
	return audit->writable ? 0 : -ENOMEM;
}

void audit_done(struct audit *audit)
{
	if (!audit->writable)
		return;
	writable(-1, 0, audit);
	event_free(audit->writable);
	buffer_done(&audit->queue);
}

int audit_write(struct audit *audit, const struct audit_event *event)
{
	char line[AUDIT_LINE_MAX];
	size_t len;
	int error = -EMSGSIZE;

	if (format(audit, event, line, sizeof(line), &len)) {
		error = audit->queue.len > 0 ? -EAGAIN
					     : hand_over(audit, line, len);
		if (error == -EAGAIN)
			error = keep(audit, line, len);
	}
	if (error < 0 && !atomic_exchange(audit->blind, true))
		log_err("audit: cannot hand a line over: %s", strerror(-error));
	return error;
}

bool audit_is_blind(const struct audit *audit)
{
	return atomic_load_explicit(audit->blind, memory_order_relaxed);
}

/* Whether the other end of a pipe or port has room again, in a while. */
static bool takes_more(int file)
{
	struct pollfd polled = { .fd = file, .events = POLLOUT };

	return poll(&polled, 1, HELD_UP_MS) == 1 && polled.revents == POLLOUT;
}

/* Writes all of it, however long that takes; says so while it cannot. */
static void write_lines(int file, const char *line, size_t len,
			atomic_bool *blind)
{
	while (len > 0) {
		ssize_t n = write(file, line, len);

		if (n >= 0) {
			line += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR || (errno == EAGAIN && takes_more(file)))
			continue;
		if (!atomic_exchange(blind, true))
			log_err("audit: cannot write, so nothing new is "
				"admitted: %s",
				strerror(errno));
		(void)poll(NULL, 0, RETRY_MS);
	}
}

/*
 * Writes what the channel holds, as much as fits at once: a burst costs one
 * write and not one for each line. Returns false once the channel is closed.
 */
static bool serve(int file, int channel, uint64_t *number, atomic_bool *blind)
{
	char lines[BATCH_CAP], body[AUDIT_LINE_MAX];
	size_t len = 0;
	ssize_t n = 0;
	int error;

	while (BATCH_CAP - len >= PREFIX_MAX + sizeof(body)) {
		n = recv(channel, body, sizeof(body), MSG_DONTWAIT);
		if (n <= 0)
			break;
		len += (size_t)snprintf(lines + len, PREFIX_MAX,
					"{\"v\":1,\"seq\":%llu,",
					(unsigned long long)++*number);
		/* The sender's opening brace gives way to the number. */
		memcpy(lines + len, body + 1, (size_t)n - 1);
		len += (size_t)n - 1;
	}
	error = n < 0 ? errno : 0;
	write_lines(file, lines, len, blind);
	return n > 0 || error == EAGAIN || error == EINTR;
}

void audit_run(int file, const int *channels, size_t n, atomic_bool *blind,
	       uint64_t *number)
{
	struct pollfd polled[AUDIT_CHANNELS_MAX];
	size_t open = n;

	if (n > AUDIT_CHANNELS_MAX)
		die("audit: more than %d channels", AUDIT_CHANNELS_MAX);
	for (size_t i = 0; i < n; i++)
		polled[i] =
			(struct pollfd){ .fd = channels[i], .events = POLLIN };
	/* A limit on the file's size is to be an error like a full disk. */
	(void)signal(SIGXFSZ, SIG_IGN);
	isolate(ISOLATE_AUDIT);

	while (open > 0) {
		int ready = poll(polled, n, -1);

		if (ready < 0 && errno != EINTR)
			die("audit: cannot poll: %s", strerror(errno));
		for (size_t i = 0; ready > 0 && i < n; i++) {
			if (polled[i].revents == 0)
				continue;
			if (!serve(file, polled[i].fd, number, blind)) {
				polled[i].fd = -1;
				open--;
			}
		}
		/* Whatever was held up has been written by now. */
		if (atomic_load(blind) && atomic_exchange(blind, false))
			log_warn("audit: the record is whole again");
		/*
		 * To be woken for each line costs more than the line. They
		 * wait in the channel, where they outlive who wrote them.
		 */
		(void)poll(NULL, 0, GATHER_MS);
	}
	exit(EXIT_SUCCESS);
}
