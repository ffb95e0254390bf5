#include "enrol.h"

#include "bare.h"
#include "deadline.h"
#include "report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STEP "gateway"
#define PORT 80
#define TRY_MS 1000 /* a gateway that is there answers in a few */
#define CLOCK_SLACK_S 60

/* A line of the head, without its line end. */
struct line {
	const char *at;
	size_t len;
};

/* The next line of the head; false if its CRLF has not come. */
static bool take_line(struct line *head, struct line *line)
{
	const char *end = memmem(head->at, head->len, "\r\n", 2);

	if (!end)
		return false;
	line->at = head->at;
	line->len = (size_t)(end - head->at);
	head->at += line->len + 2;
	head->len -= line->len + 2;
	return true;
}

static bool digits(struct line line, size_t max, size_t *value)
{
	size_t n = 0;

	if (line.len == 0)
		return false;
	for (size_t i = 0; i < line.len; i++) {
		if (line.at[i] < '0' || line.at[i] > '9')
			return false;
		n = n * 10 + (size_t)(line.at[i] - '0');
		if (n > max)
			return false;
	}
	*value = n;
	return true;
}

static bool status_is_200(struct line line)
{
	return line.len >= 12 && memcmp(line.at, "HTTP/1.", 7) == 0 &&
	       (line.at[7] == '0' || line.at[7] == '1') &&
	       memcmp(line.at + 8, " 200", 4) == 0 &&
	       (line.len == 12 || line.at[12] == ' ');
}

/* The value of @line, trimmed, if it is the field @name. */
static bool field(struct line line, const char *name, struct line *value)
{
	size_t len = strlen(name);

	if (line.len <= len || line.at[len] != ':' ||
	    strncasecmp(line.at, name, len) != 0)
		return false;
	line.at += len + 1;
	line.len -= len + 1;
	while (line.len > 0 && (*line.at == ' ' || *line.at == '\t')) {
		line.at++;
		line.len--;
	}
	while (line.len > 0 &&
	       (line.at[line.len - 1] == ' ' || line.at[line.len - 1] == '\t'))
		line.len--;
	*value = line;
	return true;
}

/* The one form of date that is sent: RFC 9110 5.6.7, IMF-fixdate. */
static bool date(struct line value, int64_t *date_s)
{
	struct tm tm = { 0 };
	char text[64];
	const char *end;

	if (value.len >= sizeof(text) || memchr(value.at, '\0', value.len))
		return false;
	memcpy(text, value.at, value.len);
	text[value.len] = '\0';
	end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (!end || *end != '\0')
		return false;
	*date_s = timegm(&tm);
	return *date_s > 0;
}

enum enrol_state enrol_parse(const char *bytes, size_t len,
			     struct enrolment *enrolment)
{
	struct line head = { .at = bytes, .len = len };
	struct line line, value;
	bool has_len = false;
	size_t body_len = 0;
	int64_t date_s = 0;

	if (!take_line(&head, &line))
		return len < ENROL_HEAD_MAX ? ENROL_MORE : ENROL_BAD;
	if (!status_is_200(line))
		return ENROL_BAD;
	for (;;) {
		if (!take_line(&head, &line))
			return len < ENROL_HEAD_MAX ? ENROL_MORE : ENROL_BAD;
		if (line.len == 0)
			break;
		if (field(line, "Content-Length", &value)) {
			if (has_len ||
			    !digits(value, ENROL_BODY_MAX, &body_len))
				return ENROL_BAD;
			has_len = true;
		} else if (field(line, "Transfer-Encoding", &value)) {
			return ENROL_BAD;
		} else if (field(line, "Date", &value)) {
			if (date_s || !date(value, &date_s))
				return ENROL_BAD;
		}
	}
	if (!has_len || (size_t)(head.at - bytes) > ENROL_HEAD_MAX)
		return ENROL_BAD;
	if (head.len < body_len)
		return ENROL_MORE;
	if (head.len > body_len)
		return ENROL_BAD;
	*enrolment = (struct enrolment){ .body = head.at,
					 .len = body_len,
					 .date_s = date_s };
	return ENROL_DONE;
}

/* Waits until the socket is ready for @events, or an error on it is. */
static int await(int fd, short events, int64_t deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int n;

again:
	n = poll(&poll_fd, 1, deadline_left_ms(deadline));
	if (n < 0 && errno == EINTR)
		goto again;
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int dial(int fd, const struct address *gateway, int64_t deadline)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(PORT) };
	socklen_t len = sizeof(int);
	int error = 0;
	int ret;

	memcpy(&to.sin_addr, gateway->bytes, sizeof(to.sin_addr));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	ret = await(fd, POLLOUT, deadline);
	if (ret < 0)
		return ret;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

static int ask(int fd, const struct address *gateway)
{
	char request[256], host[INET_ADDRSTRLEN];
	ssize_t n;
	int len;

	(void)inet_ntop(AF_INET, gateway->bytes, host, sizeof(host));
	len = snprintf(request, sizeof(request),
		       "GET /.well-known/sluice/ca.pem HTTP/1.1\r\n"
		       "Host: %s\r\n"
		       "Connection: close\r\n"
		       "\r\n",
		       host);
	/* It always fits in the send buffer of a new connection. */
	n = send(fd, request, (size_t)len, MSG_NOSIGNAL);
	if (n < 0)
		return -errno;
	return n == len ? 0 : -EIO;
}

static int listen_to(int fd, int64_t deadline, char *buffer,
		     struct enrolment *enrolment)
{
	size_t cap = ENROL_HEAD_MAX + ENROL_BODY_MAX;
	size_t len = 0;

	for (;;) {
		enum enrol_state state = enrol_parse(buffer, len, enrolment);
		ssize_t n;
		int ret;

		if (state == ENROL_DONE)
			return 0;
		if (state == ENROL_BAD || len == cap)
			return -EBADMSG;
		ret = await(fd, POLLIN, deadline);
		if (ret < 0)
			return ret;
		n = recv(fd, buffer + len, cap - len, 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -ECONNRESET;
		if (n > 0)
			len += (size_t)n;
	}
}

static int attempt(const struct address *gateway, int64_t deadline,
		   char *buffer, struct enrolment *enrolment)
{
	int left_ms = deadline_left_ms(deadline);
	int ret;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (left_ms > TRY_MS)
		deadline = deadline_in(TRY_MS);
	ret = dial(fd, gateway, deadline);
	if (ret == 0)
		ret = ask(fd, gateway);
	if (ret == 0)
		ret = listen_to(fd, deadline, buffer, enrolment);
	(void)close(fd);
	return ret;
}

int enrol(const struct address *gateway, int64_t deadline,
	  char buffer[ENROL_HEAD_MAX + ENROL_BODY_MAX],
	  struct enrolment *enrolment)
{
	char host[INET_ADDRSTRLEN];
	int ret = 0;

	/*
	 * Any answer but the right one may be that of a gateway that is still
	 * starting, so it is asked again, and the last one is reported: an
	 * attempt that our own deadline cut short says nothing new.
	 */
	do {
		int now = attempt(gateway, deadline, buffer, enrolment);

		if (now == 0)
			return 0;
		if (ret == 0 || now != -ETIMEDOUT)
			ret = now;
	} while (deadline_pause(deadline));
	(void)inet_ntop(AF_INET, gateway->bytes, host, sizeof(host));
	if (ret == -EBADMSG)
		return report(STEP, ret, "%s sent no certificate", host);
	return report(STEP, ret, "%s did not answer", host);
}

void enrol_clock(int64_t date_s)
{
	const struct timespec then = { .tv_sec = date_s };
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (date_s - now.tv_sec <= CLOCK_SLACK_S || !bare_machine())
		return;
	if (clock_settime(CLOCK_REALTIME, &then) < 0)
		(void)report("clock", -errno, "cannot set it");
}
