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

	/* One write, for several processes of ours share the terminal. */
	(void)fprintf(stderr, "sluice: %s\n", line);
}

int complain_errno(const char *what, int err)
{
	complain("%s: %s", what, strerror(abs(err)));
	return -abs(err);
}
