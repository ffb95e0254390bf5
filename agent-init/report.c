#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Like a log's level, it is the process's own and no step's. */
static int also = -1;

int report(const char *step, int error, const char *format, ...)
{
	char what[512], line[768];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	(void)snprintf(line, sizeof(line), "sluice-init: %s: %s%s%s\n", step,
		       what, error ? ": " : "", error ? strerror(-error) : "");
	(void)fputs(line, stderr);
	if (also >= 0 && write(also, line, strlen(line)) < 0)
		(void)fputs("sluice-init: nobody else was told\n", stderr);
	return error;
}

void report_also(int fd)
{
	also = fd;
}
