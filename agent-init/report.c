#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int report(const char *step, int error, const char *format, ...)
{
	char what[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	(void)fprintf(stderr, "sluice-init: %s: %s%s%s\n", step, what,
		      error ? ": " : "", error ? strerror(-error) : "");
	return error;
}
