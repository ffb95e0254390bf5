#include "feed.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

void feed_init(struct feed *feed, int from, int to)
{
	feed->from = from;
	feed->to = to;
	feed->at = 0;
	feed->len = 0;
	feed->written = 0;
	feed->ended = false;
	feed->refused = false;
}

bool feed_wants_input(const struct feed *feed)
{
	return !feed->ended && feed->at + feed->len < FEED_MAX;
}

bool feed_wants_output(const struct feed *feed)
{
	return feed->len > 0;
}

bool feed_read(struct feed *feed)
{
	size_t end = feed->at + feed->len;
	ssize_t n = read(feed->from, feed->bytes + end, FEED_MAX - end);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (n <= 0) {
		feed->ended = true;
		return false;
	}
	if (!feed->refused)
		feed->len += (size_t)n;
	return true;
}

void feed_write(struct feed *feed)
{
	size_t len = feed->len < PIPE_BUF ? feed->len : PIPE_BUF;
	ssize_t n = write(feed->to, feed->bytes + feed->at, len);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		feed->refused = true;
		feed->len = 0;
	} else {
		feed->at += (size_t)n;
		feed->len -= (size_t)n;
		feed->written += (uint64_t)n;
	}
	if (feed->len == 0)
		feed->at = 0;
}

bool feed_is_done(const struct feed *feed)
{
	return feed->ended && feed->len == 0;
}
