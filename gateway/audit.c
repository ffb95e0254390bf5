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

#define PREFIX_MAX (AUDIT_WRITTEN_MAX - AUDIT_LINE_MAX)
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

int audit_turn(const struct audit *audit, int file)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = '\n';
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	const struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &file, sizeof(file));
	return sendmsg(audit->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* --- the audit process --- */

struct writer {
	const struct audit_birth *birth;
	struct audit_tail *tail; /* birth->tail */
	struct chain chain;
	int file;
	bool told; /* that the file is full */
};

/* Whether the other end of a pipe or port has room again, in a while. */
static bool takes_more(int file)
{
	struct pollfd polled = { .fd = file, .events = POLLOUT };

	return poll(&polled, 1, HELD_UP_MS) == 1 && polled.revents == POLLOUT;
}

/* Writes all of it, however long that takes; says so while it cannot. */
static void write_lines(struct writer *writer, const char *line, size_t len)
{
	while (len > 0) {
		ssize_t n = write(writer->file, line, len);

		if (n >= 0) {
			line += n;
			len -= (size_t)n;
			writer->tail->size += (uint64_t)n;
			continue;
		}
		if (errno == EINTR ||
		    (errno == EAGAIN && takes_more(writer->file)))
			continue;
		if (!atomic_exchange(writer->birth->blind, true))
			log_err("audit: cannot write, so nothing new is "
				"admitted: %s",
				strerror(errno));
		(void)poll(NULL, 0, RETRY_MS);
	}
}

static void tell_if_full(struct writer *writer)
{
	const uint64_t one = 1;

	if (writer->told || writer->birth->full_size == 0 ||
	    writer->tail->size < writer->birth->full_size)
		return;
	writer->told =
		write(writer->birth->full, &one, sizeof(one)) == sizeof(one);
}

/* The file that came with a message of PID 1's, or -1. */
static int file_of(struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int file = -1;

	if (header && header->cmsg_level == SOL_SOCKET &&
	    header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&file, CMSG_DATA(header), sizeof(file));
	return file;
}

/*
 * Numbers a line, names the one before, and puts it at @to; returns its
 * length. @body ends in a newline; its opening brace gives way to these.
 */
static size_t put_line(struct writer *writer, const char *body, size_t len,
		       char *to)
{
	struct audit_tail *tail = writer->tail;
	char before[CHAIN_TEXT_MAX];
	size_t n = (size_t)snprintf(to, PREFIX_MAX,
				    "{\"v\":1,\"seq\":%llu,\"prev\":\"%s\",",
				    (unsigned long long)++tail->number,
				    chain_format(&tail->hash, before));

	memcpy(to + n, body + 1, len - 1);
	n += len - 1;
	chain_hash(&writer->chain, to, n - 1, &tail->hash);
	return n;
}

static void turn(struct writer *writer, int file)
{
	(void)close(writer->file);
	writer->file = file;
	writer->tail->size = 0;
	writer->told = false;
}

/*
 * Writes what the channel holds, as much as fits at once: a burst costs one
 * write and not one for each line. Returns false once the channel is closed.
 */
static bool serve(struct writer *writer, size_t i)
{
	const bool is_first_process = i == writer->birth->n_channels - 1;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char lines[BATCH_CAP], body[AUDIT_LINE_MAX];
	struct iovec data = { .iov_base = body, .iov_len = sizeof(body) };
	size_t len = 0;
	ssize_t n = 0;
	int error;

	while (BATCH_CAP - len >= PREFIX_MAX + sizeof(body)) {
		struct msghdr message = {
			.msg_iov = &data,
			.msg_iovlen = 1,
			.msg_control = is_first_process ? &control : NULL,
			.msg_controllen =
				is_first_process ? sizeof(control) : 0,
		};
		int file;

		n = recvmsg(writer->birth->channels[i], &message,
			    MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n <= 0)
			break;
		file = file_of(&message);
		if (file < 0) {
			len += put_line(writer, body, (size_t)n, lines + len);
			continue;
		}
		write_lines(writer, lines, len);
		len = 0;
		turn(writer, file);
	}
	error = n < 0 ? errno : 0;
	write_lines(writer, lines, len);
	tell_if_full(writer);
	return n > 0 || error == EAGAIN || error == EINTR;
}

void audit_run(const struct audit_birth *birth)
{
	struct writer writer = { .birth = birth,
				 .tail = birth->tail,
				 .file = birth->file };
	struct pollfd polled[AUDIT_CHANNELS_MAX];
	const size_t n = birth->n_channels;
	size_t open = n;

	if (n > AUDIT_CHANNELS_MAX)
		die("audit: more than %d channels", AUDIT_CHANNELS_MAX);
	for (size_t i = 0; i < n; i++)
		polled[i] = (struct pollfd){ .fd = birth->channels[i],
					     .events = POLLIN };
	if (chain_init(&writer.chain) < 0)
		die("audit: out of memory");
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
			if (!serve(&writer, i)) {
				polled[i].fd = -1;
				open--;
			}
		}
		/* Whatever was held up has been written by now. */
		if (atomic_load(birth->blind) &&
		    atomic_exchange(birth->blind, false))
			log_warn("audit: the record is whole again");
		/*
		 * To be woken for each line costs more than the line. They
		 * wait in the channel, where they outlive who wrote them.
		 */
		(void)poll(NULL, 0, GATHER_MS);
	}
	exit(EXIT_SUCCESS);
}
