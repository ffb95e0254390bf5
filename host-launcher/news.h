/*
 * news.h - what the agent's machine tells its host
 *
 * Lines on a port of their own: "network" when its steps up to the network
 * are done, "started" when the command runs, "exit STATUS" when it has ended.
 * The machine is not believed more than that: whatever else it says is no
 * news. Pure.
 */
#ifndef SLUICE_NEWS_H
#define SLUICE_NEWS_H

#include <stddef.h>

enum news_kind {
	NEWS_NONE = 0,
	NEWS_NETWORK,
	NEWS_STARTED,
	NEWS_EXIT,
};

struct news {
	enum news_kind kind;
	int status; /* 0 to 255 */
};

/* One line, with its end or without. */
struct news news_parse(const char *line, size_t len);

#endif
