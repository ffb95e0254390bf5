#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_MS 1000 /* between two lines of one log_limit */

static struct {
	enum log_level level;
	const char *process;
} logger = { LOG_LEVEL_INFO, "gateway" };

static const char *const levels[] = { "err", "warn", "info", "debug" };

bool log_level_parse(enum log_level *level, const char *text)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		if (strcmp(text, levels[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_set(enum log_level level, const char *process)
{
	logger.level = level;
	logger.process = process;
}

/* One write for a line, so that lines of several processes do not mix. */
static void log_line(enum log_level level, const char *format, va_list args)
	PRINTF(2, 0);
static void log_line(enum log_level level, const char *format, va_list args)
{
	char line[1024];
	int at, n;

	if (level > logger.level)
		return;
	at = snprintf(line, sizeof(line),
		      "sluice-gateway[%s] %s: ", logger.process, levels[level]);
	n = vsnprintf(line + at, sizeof(line) - (size_t)at - 1, format, args);
	if (n < 0)
		return;
	at += n;
	if ((size_t)at > sizeof(line) - 2)
		at = sizeof(line) - 2;
	line[at++] = '\n';
	/* Nowhere is left to report a log that cannot be written. */
	if (write(STDERR_FILENO, line, (size_t)at) < 0)
		return;
}

#define LOG_FUNCTION(name, level)              \
	void name(const char *format, ...)     \
	{                                      \
		va_list args;                  \
                                               \
		va_start(args, format);        \
		log_line(level, format, args); \
		va_end(args);                  \
	}

LOG_FUNCTION(log_err, LOG_LEVEL_ERR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

bool log_limit_take(struct log_limit *limit, int64_t now_ms, unsigned *left_out)
{
	if (now_ms < limit->next_ms) {
		limit->left_out++;
		return false;
	}
	*left_out = limit->left_out;
	*limit = (struct log_limit){ .next_ms = now_ms + LIMIT_MS };
	return true;
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_ERR, format, args);
	va_end(args);
	_exit(EXIT_FAILURE);
}

const char *log_quote(char *text, size_t cap, const void *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *in = bytes;
	size_t at = 0;

	for (size_t i = 0; i < len && at + 5 <= cap; i++) {
		if (in[i] == '"' || in[i] == '\\') {
			text[at++] = '\\';
			text[at++] = (char)in[i];
		} else if (in[i] >= 0x20 && in[i] < 0x7f) {
			text[at++] = (char)in[i];
		} else {
			text[at++] = '\\';
			text[at++] = 'x';
			text[at++] = hex[in[i] >> 4];
			text[at++] = hex[in[i] & 15];
		}
	}
	if (cap > 0)
		text[at] = '\0';
	return text;
}
