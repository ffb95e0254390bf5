#include "complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void complain(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* Names in it may be anybody's; the terminal obeys control characters. */
	for (char *at = line; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 127)
			*at = '?';

	/* One write, for several processes of ours share the terminal. */
	(void)fprintf(stderr, "sluice: %s\n", line);
}

int complain_errno(const char *what, int err)
{
	complain("%s: %s", what, strerror(abs(err)));
	return -abs(err);
}
