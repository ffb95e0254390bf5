#include "record.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static unsigned read_all(FILE *file, bool at_end, struct record_line *line,
			 struct record_check *check)
{
	unsigned n = 0;
	const char *why;

	while (record_read(file, at_end, line)) {
		if (line->len > sizeof(line->bytes) ||
		    memchr(line->bytes, '\n', line->len))
			abort();
		if (record_check_line(check, line, &why) != RECORD_FOLLOWS &&
		    !why)
			abort();
		n++;
	}
	return n;
}

/*
 * Any file has as many lines as newlines, and one more if it ends in none of
 * them; that one is only read when nothing more is to come.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct record_line line;
	struct record_check check;
	unsigned newlines = 0;
	unsigned n;
	FILE *file;

	for (size_t i = 0; i < len; i++)
		newlines += data[i] == '\n';
	/* fmemopen(3) takes no empty buffer. */
	file = len > 0 ? fmemopen((void *)(uintptr_t)data, len, "r") : NULL;
	if (!file)
		return 0;
	if (record_check_init(&check, NULL) < 0)
		abort();
	n = read_all(file, false, &line, &check);
	if (n != newlines)
		abort();
	n += read_all(file, true, &line, &check);
	if (n != newlines + (data[len - 1] != '\n') || check.lines != n)
		abort();
	record_check_done(&check);
	(void)fclose(file);
	return 0;
}
