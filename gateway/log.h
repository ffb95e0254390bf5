/*
 * log.h - the operator's log, on standard error
 *
 * A message reads "what: why". Bytes that somebody else chose are passed
 * through log_quote() first. The record of what the agent did is not here
 * but in audit.h.
 */
#ifndef SLUICE_LOG_H
#define SLUICE_LOG_H

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* "err", "warn", "info", "debug". */
MUST_CHECK bool log_level_parse(enum log_level *level, const char *text);
void log_set(enum log_level level, const char *process);

void log_err(const char *format, ...) PRINTF(1, 2);
void log_warn(const char *format, ...) PRINTF(1, 2);
void log_info(const char *format, ...) PRINTF(1, 2);
void log_debug(const char *format, ...) PRINTF(1, 2);

/*
 * For a line that a peer can bring about: it has one such line a second, and
 * the next says how many were left out. Zeroed is ready.
 */
struct log_limit {
	int64_t next_ms;
	unsigned left_out;
};

/* True if it is time for a line, with *@left_out since the last. */
MUST_CHECK bool log_limit_take(struct log_limit *limit, int64_t now_ms,
			       unsigned *left_out);

/* For start-up: logs, and ends the process with status 1. */
NORETURN void die(const char *format, ...) PRINTF(1, 2);

/*
 * Printable ASCII as it is, all else as \xNN, cut to fit; quotes and
 * backslashes escaped. Returns @text.
 */
const char *log_quote(char *text, size_t cap, const void *bytes, size_t len);

#endif
