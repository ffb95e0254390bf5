/*
 * server.h - the agent's DNS questions over UDP and TCP, and the way back
 *
 * Reads messages and sends answers; what they say is for whoever it was made
 * for. Datagrams are read and answered many at a time. Over TCP, questions may
 * come without waiting and are answered in whatever order answers are ready
 * (RFC 7766); an agent that does not take its answers is not heard.
 */
#ifndef SLUICE_SERVER_H
#define SLUICE_SERVER_H

#include "address.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <event2/event.h>

#define SERVER_CONNECTIONS_MAX 64 /* over TCP, of one worker */
#define SERVER_DATAGRAMS 4        /* sockets for UDP; those for TCP follow */
#define SERVER_SOCKETS 6
#define SERVER_PIPELINE_MAX 64 /* questions on the way of one connection */

struct server;
struct server_connection;

/* Who asks, and how the answer gets back. */
struct server_asker {
	struct server *server;
	struct address agent;
	uint16_t agent_port;
	struct server_connection *connection; /* NULL: by datagram, of */
	int fd;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	struct in_pktinfo to4; /* the address that was asked */
	struct in6_pktinfo to6;
};

/* @asker and @bytes are borrowed for the call. */
typedef void server_handler(void *arg, const struct server_asker *asker,
			    const uint8_t *bytes, size_t len);

/*
 * Takes the descriptors over; -1 where there is none. NULL for want of memory.
 */
struct server *server_new(struct event_base *base,
			  const int fds[SERVER_SOCKETS],
			  server_handler *handler, void *arg);

/* All that were held must have been released. Accepts NULL. */
void server_free(struct server *server);

/* An answer on its way to an asker, who may have gone meanwhile. */
void server_reply(const struct server_asker *asker, const uint8_t *bytes,
		  size_t len);

/*
 * An asker may be copied, and answered after the handler has returned, if it
 * is held until then.
 */
void server_hold(const struct server_asker *asker);
void server_release(const struct server_asker *asker);

#endif
