#include "pump.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void pump_init(struct pump *pump, int from, int to)
{
	pump->from = from;
	pump->to = to;
	pump->at = 0;
	pump->len = 0;
	pump->taken = 0;
}

bool pump_reads(const struct pump *pump)
{
	return pump->from >= 0 && pump->len < PUMP_MAX;
}

bool pump_writes(const struct pump *pump)
{
	return pump->to >= 0 && pump->len > 0;
}

void pump_read(struct pump *pump)
{
	ssize_t n;

	if (!pump_reads(pump))
		return;
	if (pump->at > 0) {
		memmove(pump->bytes, pump->bytes + pump->at, pump->len);
		pump->at = 0;
	}
	n = read(pump->from, pump->bytes + pump->len, PUMP_MAX - pump->len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A terminal whose last process has gone ends with EIO. */
	if (n <= 0) {
		pump->from = -1;
		return;
	}
	pump->taken += (uint64_t)n;
	pump->len += pump->to < 0 ? 0 : (size_t)n;
}

void pump_write(struct pump *pump)
{
	ssize_t n;

	if (!pump_writes(pump))
		return;
	n = write(pump->to, pump->bytes + pump->at, pump->len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		pump->to = -1;
		pump->len = 0;
		return;
	}
	pump->at += (size_t)n;
	pump->len -= (size_t)n;
}

bool pump_is_done(const struct pump *pump)
{
	return pump->from < 0 && pump->len == 0;
}
