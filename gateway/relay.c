#include "relay.h"

#include "buffer.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SPLICE_AFTER (256u << 10) /* bytes; below, copying is cheaper */
#define SPLICE_STEP (1u << 20)
#define PIPE_SIZE (256 << 10)
#define ROUNDS 16         /* of work in one turn of the loop */
#define IDLE_MS 3600000   /* without a byte either way */
#define FIN_WAIT_MS 60000 /* after one side has ended */

struct direction {
	struct stream *from, *to;
	uint64_t *count;
	struct buffer buffer; /* copied, not written yet */
	int pipe[2];          /* -1 while there is none */
	size_t in_pipe;
	bool ended;  /* nothing more comes from @from */
	bool closed; /* and @to has been told */
};

struct relay {
	struct flow *flow;
	struct stream origin;
	struct direction out, in;
	bool guarded;
	struct tls_reader server; /* the origin's first message */
	bool retried;             /* it was a HelloRetryRequest */
	struct tls_client_hello first;
	struct tls_reader second;
	struct buffer held; /* what the agent sent after its first hello */
	size_t held_fed;    /* of which @second has seen */
	bool held_ended;
};

void relay_pipes_done(struct relay_pipes *pipes)
{
	while (pipes->n > 0) {
		pipes->n--;
		close(pipes->fds[pipes->n][0]);
		close(pipes->fds[pipes->n][1]);
	}
}

static void pipe_take(struct relay_pipes *pipes, struct direction *direction)
{
	if (pipes->n > 0) {
		pipes->n--;
		direction->pipe[0] = pipes->fds[pipes->n][0];
		direction->pipe[1] = pipes->fds[pipes->n][1];
		return;
	}
	if (pipe2(direction->pipe, O_NONBLOCK | O_CLOEXEC) < 0) {
		direction->pipe[0] = direction->pipe[1] = -1;
		return; /* copying goes on */
	}
	/* Larger is better and bounded per user; the default works too. */
	(void)fcntl(direction->pipe[0], F_SETPIPE_SZ, PIPE_SIZE);
}

/* Only an empty pipe may serve another flow. */
static void pipe_give(struct relay_pipes *pipes, struct direction *direction)
{
	if (direction->pipe[0] < 0)
		return;
	if (direction->in_pipe == 0 && pipes->n < RELAY_PIPES_MAX) {
		pipes->fds[pipes->n][0] = direction->pipe[0];
		pipes->fds[pipes->n][1] = direction->pipe[1];
		pipes->n++;
	} else {
		close(direction->pipe[0]);
		close(direction->pipe[1]);
	}
	direction->pipe[0] = direction->pipe[1] = -1;
	direction->in_pipe = 0;
}

/* Writes what has been read; returns bytes moved, 0 for none, or -errno. */
static ssize_t step_flush(struct direction *direction)
{
	ssize_t n = buffer_flush(&direction->buffer, direction->to);

	if (n > 0)
		*direction->count += (uint64_t)n;
	return n == -EAGAIN ? 0 : n;
}

/* One step; returns the same. */
static ssize_t step_copy(struct direction *direction)
{
	ssize_t moved = 0, n;

	if (direction->buffer.len == 0 && !direction->ended) {
		n = buffer_fill(&direction->buffer, direction->from);
		if (n == 0)
			direction->ended = true;
		else if (n < 0 && n != -EAGAIN)
			return n;
		else if (n > 0)
			moved += n;
	}
	n = step_flush(direction);
	return n < 0 ? n : moved + n;
}

static ssize_t step_splice(struct direction *direction)
{
	unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
	ssize_t moved = 0, n;

	if (!direction->ended) {
		n = splice(direction->from->fd, NULL, direction->pipe[1], NULL,
			   SPLICE_STEP, flags);
		if (n == 0)
			direction->ended = true;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		else if (n > 0) {
			direction->in_pipe += (size_t)n;
			moved += n;
		}
	}
	/* EAGAIN above may mean a full pipe as well as an empty socket. */
	if (direction->in_pipe > 0) {
		n = splice(direction->pipe[0], NULL, direction->to->fd, NULL,
			   direction->in_pipe, flags);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0) {
			direction->in_pipe -= (size_t)n;
			*direction->count += (uint64_t)n;
			moved += n;
		}
	}
	return moved;
}

static ssize_t step(struct relay *relay, struct direction *direction)
{
	struct relay_pipes *pipes = &relay->flow->worker->pipes;
	ssize_t moved;

	if (direction->pipe[0] < 0 && *direction->count >= SPLICE_AFTER &&
	    direction->buffer.len == 0 && !direction->ended)
		pipe_take(pipes, direction);
	if (direction->pipe[0] >= 0) {
		moved = step_splice(direction);
		if (moved == 0 && direction->in_pipe == 0)
			pipe_give(pipes, direction);
	} else {
		moved = step_copy(direction);
	}
	if (moved >= 0 && direction->ended && !direction->closed &&
	    direction->buffer.len == 0 && direction->in_pipe == 0) {
		stream_end(direction->to);
		direction->closed = true;
	}
	return moved;
}

/* --- while guarded --- */

/* What the agent has sent since, up to the most a hello may take. */
static int hold(struct relay *relay)
{
	ssize_t n;

	while (relay->held.len < SNIFF_MAX && !relay->held_ended) {
		int error = buffer_reserve(&relay->held, BUFFER_CAP);

		if (error < 0)
			return error;
		n = buffer_fill(&relay->held, &relay->flow->stream);
		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		if (n == 0)
			relay->held_ended = true;
	}
	return 0;
}

/* Reads the second hello out of what is held. True once it may pass. */
static bool second_agrees(struct relay *relay, bool *bad)
{
	const uint8_t *bytes = (const uint8_t *)buffer_data(&relay->held);
	struct tls_client_hello second;
	enum tls_read read;

	*bad = false;
	if (relay->held.len == relay->held_fed)
		return false;
	read = tls_reader_feed(&relay->second, bytes + relay->held_fed,
			       relay->held.len - relay->held_fed, NULL);
	relay->held_fed = relay->held.len;
	if (read == TLS_READ_MORE) {
		*bad = relay->held.len >= SNIFF_MAX;
		return false;
	}
	*bad = read != TLS_READ_DONE ||
	       !tls_client_hello_parse(&relay->second, &second) ||
	       !tls_client_hello_agrees(&relay->first, &second);
	return !*bad;
}

/* Lets pass what was held. */
static int unguard(struct relay *relay)
{
	relay->guarded = false;
	tls_reader_done(&relay->server);
	tls_reader_done(&relay->second);
	if (relay->held.len > 0) {
		int error =
			buffer_add(&relay->out.buffer,
				   buffer_data(&relay->held), relay->held.len);

		if (error < 0)
			return error;
	}
	buffer_done(&relay->held);
	relay->out.ended = relay->held_ended;
	return 0;
}

/* Reads in what has just come what the origin's first message is. */
static int learn(struct relay *relay)
{
	const struct buffer *buffer = &relay->in.buffer;

	if (tls_reader_feed(&relay->server,
			    (const uint8_t *)buffer_data(buffer), buffer->len,
			    NULL) == TLS_READ_MORE)
		return 0;
	switch (tls_server_first(&relay->server)) {
	case TLS_SERVER_HELLO:
		return unguard(relay);
	case TLS_SERVER_RETRY:
		relay->retried = true;
		break;
	case TLS_SERVER_OTHER:
		/* A fatal alert: the agent has nothing to add. */
		relay->out.ended = true;
		break;
	}
	return 0;
}

/*
 * Passes the origin's bytes on and learns from them whether the agent's may
 * pass. Returns bytes moved or -errno; -EPROTO if the second hello differs.
 */
static ssize_t step_guarded(struct relay *relay)
{
	struct direction *in = &relay->in;
	size_t before = in->buffer.len;
	ssize_t moved, n;
	bool bad;

	moved = step_flush(&relay->out);
	if (moved < 0)
		return moved;

	if (before == 0 && !relay->retried) {
		n = buffer_fill(&in->buffer, in->from);
		if (n < 0 && n != -EAGAIN)
			return n;
		if (n == 0)
			in->ended = true;
		if (n > 0)
			moved += n;
		n = n > 0 ? learn(relay) : 0;
		if (n < 0)
			return n;
	}
	/* Only what @server has seen: nothing is read here. */
	n = step_flush(in);
	if (n < 0)
		return n;
	moved += n;
	if (in->ended && in->buffer.len == 0 && !in->closed) {
		stream_end(in->to);
		in->closed = relay->out.closed = true;
	}
	if (!relay->guarded)
		return moved + 1;
	n = hold(relay);
	if (n < 0)
		return n;
	if (relay->retried) {
		if (second_agrees(relay, &bad)) {
			n = unguard(relay);
			return n < 0 ? n : moved + 1;
		}
		if (bad)
			return -EPROTO;
	}
	return moved;
}

static unsigned sides_closed(const struct relay *relay)
{
	return (unsigned)relay->out.closed + (unsigned)relay->in.closed;
}

static void idle(struct relay *relay)
{
	flow_idle(relay->flow, sides_closed(relay) > 0 ? FIN_WAIT_MS : IDLE_MS);
}

static void pump(evutil_socket_t fd, short what, void *arg)
{
	struct relay *relay = arg;
	struct flow *flow = relay->flow;
	unsigned closed = sides_closed(relay);
	bool moved = false;

	(void)fd;
	(void)what;
	if (flow->state == FLOW_CLOSED)
		return;
	for (int round = 0; round < ROUNDS; round++) {
		ssize_t out = 0, in = 0;

		if (relay->guarded) {
			in = step_guarded(relay);
		} else {
			out = step(relay, &relay->out);
			in = step(relay, &relay->in);
		}
		if (out < 0 || in < 0) {
			if (in == -EPROTO && relay->guarded)
				flow_close(flow, REASON_HELLO_CHANGED, true);
			else
				flow_close(flow, REASON_ALLOWED, true);
			return;
		}
		if (sides_closed(relay) == 2) {
			flow_close(flow, REASON_ALLOWED, false);
			return;
		}
		if (out + in == 0) {
			if (moved || sides_closed(relay) != closed)
				idle(relay);
			return;
		}
		moved = true;
	}
	idle(relay);
	/* Others have their turn; edge triggering would not call again. */
	event_active(flow->stream.event, EV_READ, 0);
}

int relay_start(struct flow *flow, struct stream *origin)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	struct sniff *sniff = flow->sniff;
	size_t passed = 0;
	int error = 0;

	if (!relay)
		return -ENOMEM;
	flow->relay = relay;
	relay->flow = flow;
	relay->origin.fd = -1;
	relay->out = (struct direction){ .from = &flow->stream,
					 .to = &relay->origin,
					 .count = &flow->bytes_out,
					 .pipe = { -1, -1 } };
	relay->in = (struct direction){ .from = &relay->origin,
					.to = &flow->stream,
					.count = &flow->bytes_in,
					.pipe = { -1, -1 } };
	relay->server.skip_warnings = true;
	relay->second.skip_ccs = true;
	stream_move(&relay->origin, origin, pump, relay);
	if (sniff) {
		relay->guarded = sniff->sniffed == SNIFF_TLS;
		relay->first = sniff->hello;
		passed = relay->guarded ? sniff->hello_len : sniff->len;
		if (passed > 0)
			error = buffer_add(&relay->out.buffer, sniff->bytes,
					   passed);
		if (error == 0 && passed < sniff->len)
			error = buffer_add(&relay->held, sniff->bytes + passed,
					   sniff->len - passed);
		sniff_free(sniff);
		flow->sniff = NULL;
	}
	if (error < 0)
		return error;
	idle(relay);
	stream_attend(&flow->stream, pump, relay);
	return 0;
}

void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	pipe_give(&relay->flow->worker->pipes, &relay->out);
	pipe_give(&relay->flow->worker->pipes, &relay->in);
	buffer_done(&relay->out.buffer);
	buffer_done(&relay->in.buffer);
	buffer_done(&relay->held);
	tls_reader_done(&relay->server);
	tls_reader_done(&relay->second);
	if (relay->origin.fd >= 0)
		stream_close(&relay->origin, !relay->out.closed);
	free(relay);
}
