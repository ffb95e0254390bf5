#include "attend.h"

#include "deadline.h"
#include "orders.h"
#include "pump.h"
#include "supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define SAY_MAX 64
#define QUIET_MS 200 /* without input, after an eof that is not counted */

/* What is polled, by place. */
enum { SIGNALS = 0, CONTROL, STARTED, PUMPS }; /* two for each pump */
enum { IN = 0, OUT, ERR, N_PUMPS };

struct attendance {
	const struct wires *wires;
	struct streams *streams;
	pid_t agent;
	int signals, control, started;
	struct orders orders;
	struct order eof;  /* once it has been given */
	int64_t quiet_end; /* when input counts as ended, if not counted */
	bool input_ended;  /* and the command has been told */
	bool ended, ran;
	int status;
	struct pump pumps[N_PUMPS];
};

void attend_say(const struct wires *wires, const char *line)
{
	struct pollfd polled = { .fd = wires->control, .events = POLLOUT };
	char text[SAY_MAX];
	size_t at = 0, len;

	len = (size_t)snprintf(text, sizeof(text), "%s\n", line);
	while (at < len) {
		ssize_t n = write(wires->control, text + at, len - at);

		if (n > 0) {
			at += (size_t)n;
			continue;
		}
		if (errno == EAGAIN)
			(void)poll(&polled, 1, -1);
		else if (errno != EINTR)
			return;
		if (polled.revents & (POLLHUP | POLLERR))
			return;
	}
}

static void hang_up(struct attendance *a)
{
	a->control = -1;
	if (!a->ended)
		(void)kill(a->agent, SIGKILL);
}

static void obey(struct attendance *a, const struct order *order)
{
	switch (order->kind) {
	case ORDER_SIZE:
		streams_resize(a->streams, order->rows, order->columns);
		break;
	case ORDER_SIGNAL:
		if (!a->ended)
			(void)kill(a->agent, order->signal);
		break;
	case ORDER_EOF:
		a->eof = *order;
		a->quiet_end = deadline_in(QUIET_MS);
		break;
	case ORDER_BAD:
		(void)fputs("sluice-init: host: an order that is none\n",
			    stderr);
		break;
	}
}

static void read_orders(struct attendance *a)
{
	char bytes[256];
	const char *at = bytes;
	struct order order;
	ssize_t n = read(a->control, bytes, sizeof(bytes));
	size_t left = n > 0 ? (size_t)n : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		hang_up(a);
	while (orders_take(&a->orders, &at, &left, &order))
		obey(a, &order);
}

static void read_signals(struct attendance *a)
{
	struct signalfd_siginfo info;

	while (read(a->signals, &info, sizeof(info)) == sizeof(info))
		if (!a->ended)
			supervise_pass_on((int)info.ssi_signo, info.ssi_code,
					  a->agent);
	if (a->ended) {
		int status;

		(void)supervise_reap(-1, &status);
	} else if (supervise_reap(a->agent, &a->status)) {
		a->ended = true;
		/* Whoever is left could hold the streams open for ever. */
		supervise_kill_the_rest();
	}
}

static void read_started(struct attendance *a)
{
	char byte;

	a->ran = read(a->started, &byte, 1) == 0;
	a->started = -1;
	if (a->ran)
		attend_say(a->wires, "started");
}

static void poll_pumps(const struct attendance *a, struct pollfd *polled)
{
	for (int i = 0; i < N_PUMPS; i++, polled += 2) {
		const struct pump *pump = &a->pumps[i];

		polled[0] = (struct pollfd){ .fd = pump_reads(pump) ? pump->from
								    : -1,
					     .events = POLLIN };
		polled[1] = (struct pollfd){ .fd = pump_writes(pump) ? pump->to
								     : -1,
					     .events = POLLOUT };
	}
}

static void move(struct attendance *a, const struct pollfd *polled)
{
	for (int i = 0; i < N_PUMPS; i++, polled += 2) {
		struct pump *pump = &a->pumps[i];

		if (polled[0].revents) {
			pump_read(pump);
			if (i == IN)
				a->quiet_end = deadline_in(QUIET_MS);
		}
		/* A port that the host has left takes nothing any more. */
		if (i != IN && polled[1].revents & POLLHUP) {
			pump->to = -1;
			pump->len = 0;
		} else if (polled[1].revents) {
			pump_write(pump);
		}
	}
}

/* Whether nothing more is to come for the command. */
static void look_for_eof(struct attendance *a)
{
	struct pump *in = &a->pumps[IN];

	if (a->eof.kind == ORDER_EOF && in->from >= 0 &&
	    (a->eof.counted ? in->taken >= a->eof.bytes
			    : deadline_left_ms(a->quiet_end) == 0))
		in->from = -1;
	if (!a->input_ended && pump_is_done(in)) {
		streams_end_input(a->streams);
		in->to = -1;
		a->input_ended = true;
	}
}

static int wait_ms(const struct attendance *a)
{
	if (a->eof.kind != ORDER_EOF || a->eof.counted || a->pumps[IN].from < 0)
		return -1;
	return deadline_left_ms(a->quiet_end);
}

static void turn(struct attendance *a)
{
	struct pollfd polled[PUMPS + 2 * N_PUMPS] = {
		[SIGNALS] = { .fd = a->signals, .events = POLLIN },
		[CONTROL] = { .fd = a->control, .events = POLLIN },
		[STARTED] = { .fd = a->started, .events = POLLIN },
	};

	poll_pumps(a, polled + PUMPS);
	if (poll(polled, PUMPS + 2 * N_PUMPS, wait_ms(a)) < 0)
		return;
	/* What is said comes before the news that the command has ended. */
	move(a, polled + PUMPS);
	if (polled[STARTED].revents)
		read_started(a);
	if (polled[SIGNALS].revents)
		read_signals(a);
	if (polled[CONTROL].revents)
		read_orders(a);
	look_for_eof(a);
}

int attend(const struct wires *wires, struct streams *streams, pid_t agent,
	   int started, bool *ran)
{
	struct attendance *a = calloc(1, sizeof(*a));
	int ret;

	if (!a)
		return -ENOMEM;
	(void)signal(SIGPIPE, SIG_IGN);
	a->wires = wires;
	a->streams = streams;
	a->agent = agent;
	a->control = wires->control;
	a->started = started;
	a->signals = supervise_signals();
	pump_init(&a->pumps[IN], wires->in, streams->in);
	pump_init(&a->pumps[OUT], streams->out, wires->out);
	pump_init(&a->pumps[ERR], streams->err, wires->err);
	ret = a->signals;
	while (ret >= 0 &&
	       !(a->ended && a->started < 0 && pump_is_done(&a->pumps[OUT]) &&
		 pump_is_done(&a->pumps[ERR])))
		turn(a);
	if (ret >= 0)
		ret = a->status;
	*ran = a->ran;
	free(a);
	return ret;
}
