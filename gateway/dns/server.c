#include "server.h"

#include "buffer.h"
#include "clock.h"
#include "dns_message.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#define DATAGRAMS 32  /* read in one turn of the loop */
#define ACCEPTS 8     /* likewise */
#define IDLE_MS 10000 /* of a TCP connection; RFC 7766 6.2.3 */

struct server_connection {
	TAILQ_ENTRY(server_connection) link;
	struct server *server;
	struct stream stream;
	struct address agent;
	uint16_t agent_port;
	struct buffer in, out;
	struct event *idle;
	unsigned n_held; /* questions on their way */
	bool dead;       /* freed when the last of them is answered */
};

/* A question read, and an answer to be sent, together with others. */
struct received {
	uint8_t bytes[DNS_UDP_MAX + 1];
	struct iovec iov;
	struct sockaddr_storage peer;
	union {
		size_t align; /* as struct cmsghdr wants it */
		char bytes[256];
	} control;
};

struct gathered {
	int fd;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	uint8_t bytes[DNS_UDP_MAX];
	size_t len;
	union {
		size_t align;
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	size_t control_len;
};

struct server {
	struct event_base *base;
	server_handler *handler;
	void *arg;
	struct event *events[SERVER_SOCKETS];
	TAILQ_HEAD(, server_connection) connections;
	size_t n_connections;
	struct received received[DATAGRAMS];
	struct mmsghdr rooms[DATAGRAMS]; /* of these */
	struct gathered gathered[DATAGRAMS];
	size_t n_gathered;
	bool gathering; /* answers wait for the end of the turn */
};

/* --- out --- */

static void connection_free(struct server_connection *connection)
{
	struct server *server = connection->server;

	if (connection->stream.fd >= 0)
		stream_close(&connection->stream, false);
	buffer_done(&connection->in);
	buffer_done(&connection->out);
	if (connection->idle)
		event_free(connection->idle);
	TAILQ_REMOVE(&server->connections, connection, link);
	server->n_connections--;
	free(connection);
}

/* Closes now, frees once no question of its is on the way. */
static void connection_close(struct server_connection *connection)
{
	connection->dead = true;
	if (connection->stream.event)
		event_del(connection->stream.event);
	if (connection->n_held == 0)
		connection_free(connection);
}

/* Sends the answers that have been gathered. */
static void send_gathered(struct server *server)
{
	struct mmsghdr messages[DATAGRAMS];
	struct iovec iovs[DATAGRAMS];
	size_t n = server->n_gathered, sent = 0;

	memset(messages, 0, n * sizeof(*messages));
	for (size_t i = 0; i < n; i++) {
		struct gathered *gathered = &server->gathered[i];

		iovs[i] = (struct iovec){ gathered->bytes, gathered->len };
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &gathered->peer,
			.msg_namelen = gathered->peer_len,
			.msg_iov = &iovs[i],
			.msg_iovlen = 1,
			.msg_control = gathered->control.bytes,
			.msg_controllen = gathered->control_len,
		};
	}
	/* All are of one socket. One that cannot be sent is passed over. */
	while (sent < n) {
		int done = sendmmsg(server->gathered[0].fd, messages + sent,
				    (unsigned)(n - sent),
				    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0)
			log_debug("server: an answer was lost: %s",
				  strerror(errno));
		sent += done > 0 ? (size_t)done : 1;
	}
	server->n_gathered = 0;
}

static void send_datagram(struct server *server, const struct server_asker *to,
			  const uint8_t *bytes, size_t len)
{
	struct gathered *gathered;
	struct cmsghdr *cmsg;

	if (server->n_gathered == DATAGRAMS)
		send_gathered(server);
	gathered = &server->gathered[server->n_gathered++];
	cmsg = (struct cmsghdr *)(void *)gathered->control.bytes;
	gathered->fd = to->fd;
	gathered->peer = to->peer;
	gathered->peer_len = to->peer_len;
	gathered->len = len;
	memcpy(gathered->bytes, bytes, len);
	memset(&gathered->control, 0, sizeof(gathered->control));
	/* From the address that was asked, which need not be the first. */
	if (to->peer.ss_family == AF_INET) {
		cmsg->cmsg_level = IPPROTO_IP;
		cmsg->cmsg_type = IP_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(to->to4));
		memcpy(CMSG_DATA(cmsg), &to->to4, sizeof(to->to4));
		gathered->control_len = CMSG_SPACE(sizeof(to->to4));
	} else {
		cmsg->cmsg_level = IPPROTO_IPV6;
		cmsg->cmsg_type = IPV6_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(to->to6));
		memcpy(CMSG_DATA(cmsg), &to->to6, sizeof(to->to6));
		gathered->control_len = CMSG_SPACE(sizeof(to->to6));
	}
	if (!server->gathering)
		send_gathered(server);
}

/* False if the connection is of no more use. */
static bool flush(struct server_connection *connection)
{
	ssize_t n;

	while (connection->out.len > 0) {
		n = buffer_flush(&connection->out, &connection->stream);
		if (n == -EAGAIN)
			return true;
		if (n < 0)
			return false;
	}
	return true;
}

static void send_over_tcp(struct server_connection *connection,
			  const uint8_t *bytes, size_t len)
{
	const uint8_t prefix[2] = { (uint8_t)(len >> 8), (uint8_t)len };

	if (connection->dead)
		return;
	/* What does not fit in memory is lost, as a datagram would be. */
	if (buffer_add(&connection->out, prefix, sizeof(prefix)) < 0 ||
	    buffer_add(&connection->out, bytes, len) < 0 || !flush(connection))
		connection->dead = true;
}

/* --- UDP --- */

/* The address a datagram was sent to, out of its control data. */
static void read_pktinfo(struct msghdr *message, struct server_asker *asker)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(message); cmsg;
	     cmsg = CMSG_NXTHDR(message, cmsg)) {
		if (cmsg->cmsg_level == IPPROTO_IP &&
		    cmsg->cmsg_type == IP_PKTINFO)
			memcpy(&asker->to4, CMSG_DATA(cmsg),
			       sizeof(asker->to4));
		else if (cmsg->cmsg_level == IPPROTO_IPV6 &&
			 cmsg->cmsg_type == IPV6_PKTINFO)
			memcpy(&asker->to6, CMSG_DATA(cmsg),
			       sizeof(asker->to6));
	}
	asker->to4.ipi_ifindex = 0;
	/* ipi_spec_dst is the local address to answer from. */
	asker->to4.ipi_addr.s_addr = 0;
}

/* One question out of those that were read at once. */
static void handle_datagram(struct server *server, int fd,
			    struct mmsghdr *message)
{
	struct msghdr *header = &message->msg_hdr;
	struct server_asker asker = { .server = server,
				      .fd = fd,
				      .peer_len = header->msg_namelen };

	/* No sound question is longer than this. */
	if (message->msg_len > DNS_UDP_MAX || header->msg_flags & MSG_TRUNC)
		return;
	memcpy(&asker.peer, header->msg_name, header->msg_namelen);
	read_pktinfo(header, &asker);
	if (address_from_sockaddr(&asker.agent, &asker.agent_port,
				  (const struct sockaddr *)&asker.peer))
		server->handler(server->arg, &asker, header->msg_iov->iov_base,
				message->msg_len);
}

/* Makes room @i ready for the next datagram. */
static void ready_room(struct server *server, size_t i)
{
	struct received *received = &server->received[i];

	received->iov =
		(struct iovec){ received->bytes, sizeof(received->bytes) };
	server->rooms[i].msg_hdr = (struct msghdr){
		.msg_name = &received->peer,
		.msg_namelen = sizeof(received->peer),
		.msg_iov = &received->iov,
		.msg_iovlen = 1,
		.msg_control = received->control.bytes,
		.msg_controllen = sizeof(received->control.bytes),
	};
}

static void datagrams(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;
	int n = recvmmsg(fd, server->rooms, DATAGRAMS, MSG_DONTWAIT, NULL);

	(void)what;
	server->gathering = true;
	for (int i = 0; i < n; i++) {
		handle_datagram(server, fd, &server->rooms[i]);
		ready_room(server, (size_t)i);
	}
	server->gathering = false;
	if (server->n_gathered > 0)
		send_gathered(server);
}

/* --- TCP --- */

static void touch(struct server_connection *connection)
{
	const struct timeval left = clock_span(IDLE_MS);

	evtimer_add(connection->idle, &left);
}

/* One message out of what has come. False if there is not a whole one. */
static bool next_message(struct server_connection *connection)
{
	const uint8_t *bytes = (const uint8_t *)buffer_data(&connection->in);
	struct server *server = connection->server;
	const struct server_asker asker = {
		.server = server,
		.agent = connection->agent,
		.agent_port = connection->agent_port,
		.connection = connection,
	};
	size_t len;

	if (connection->in.len < 2)
		return false;
	len = (size_t)bytes[0] << 8 | bytes[1];
	if (connection->in.len < 2 + len)
		return false;
	server->handler(server->arg, &asker, bytes + 2, len);
	buffer_drop(&connection->in, 2 + len);
	return true;
}

static void connection_changed(evutil_socket_t fd, short what, void *arg)
{
	struct server_connection *connection = arg;

	(void)fd;
	(void)what;
	while (!connection->dead) {
		ssize_t n;

		if (!flush(connection))
			break;
		/* Answers that are not taken hold up the questions. */
		if (connection->out.len > 0 ||
		    connection->n_held >= SERVER_PIPELINE_MAX)
			return;
		if (next_message(connection)) {
			touch(connection);
			continue;
		}
		if (connection->in.len > DNS_UDP_MAX)
			break; /* no sound question is so long */
		n = buffer_fill(&connection->in, &connection->stream);
		if (n == -EAGAIN)
			return;
		if (n <= 0)
			break;
	}
	connection_close(connection);
}

static void connection_idle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	connection_close(arg);
}

static void connection_start(struct server *server, int fd,
			     const struct sockaddr_storage *sa)
{
	struct server_connection *connection = NULL;

	if (server->n_connections < SERVER_CONNECTIONS_MAX)
		connection = calloc(1, sizeof(*connection));
	if (!connection) {
		close(fd);
		return;
	}
	connection->server = server;
	connection->stream.fd = -1;
	TAILQ_INSERT_TAIL(&server->connections, connection, link);
	server->n_connections++;
	connection->idle =
		evtimer_new(server->base, connection_idle, connection);
	if (!connection->idle ||
	    !address_from_sockaddr(&connection->agent, &connection->agent_port,
				   (const struct sockaddr *)sa)) {
		close(fd);
		connection_free(connection);
		return;
	}
	if (stream_open(&connection->stream, server->base, fd,
			connection_changed, connection) < 0) {
		connection_free(connection);
		return;
	}
	touch(connection);
}

static void acceptable(evutil_socket_t listening, short what, void *arg)
{
	struct server *server = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage sa = { 0 };
		socklen_t len = sizeof(sa);
		int fd = accept4(listening, (struct sockaddr *)&sa, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		connection_start(server, fd, &sa);
	}
}

struct server *server_new(struct event_base *base,
			  const int fds[SERVER_SOCKETS],
			  server_handler *handler, void *arg)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->base = base;
	server->handler = handler;
	server->arg = arg;
	TAILQ_INIT(&server->connections);
	for (size_t i = 0; i < DATAGRAMS; i++)
		ready_room(server, i);
	for (int i = 0; i < SERVER_SOCKETS; i++) {
		if (fds[i] < 0)
			continue;
		server->events[i] =
			event_new(base, fds[i], EV_READ | EV_PERSIST,
				  i < SERVER_DATAGRAMS ? datagrams : acceptable,
				  server);
		if (!server->events[i] ||
		    event_add(server->events[i], NULL) < 0) {
			server_free(server);
			return NULL;
		}
	}
	return server;
}

void server_free(struct server *server)
{
	struct server_connection *connection, *next;

	if (!server)
		return;
	for (connection = TAILQ_FIRST(&server->connections); connection;
	     connection = next) {
		next = TAILQ_NEXT(connection, link);
		connection_free(connection);
	}
	for (int i = 0; i < SERVER_SOCKETS; i++) {
		if (!server->events[i])
			continue;
		close(event_get_fd(server->events[i]));
		event_free(server->events[i]);
	}
	free(server);
}

void server_reply(const struct server_asker *asker, const uint8_t *bytes,
		  size_t len)
{
	if (asker->connection)
		send_over_tcp(asker->connection, bytes, len);
	else
		send_datagram(asker->server, asker, bytes, len);
}

void server_hold(const struct server_asker *asker)
{
	if (asker->connection)
		asker->connection->n_held++;
}

void server_release(const struct server_asker *asker)
{
	struct server_connection *connection = asker->connection;

	if (!connection)
		return;
	connection->n_held--;
	if (!connection->dead)
		/* It may have waited for room to ask more. */
		event_active(connection->stream.event, EV_READ, 0);
	else if (connection->n_held == 0)
		connection_free(connection);
}
