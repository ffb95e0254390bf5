#include "enrol.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int enrol_answer(const struct http_request *request, const char *pem,
		 struct buffer *out)
{
	bool found =
		text_is_exactly(request->method, "GET") &&
		text_is_exactly(request->path, "/.well-known/sluice/ca.pem");
	time_t wall = time(NULL);
	char head[512], date[64];
	struct tm tm;
	int n, error;

	gmtime_r(&wall, &tm);
	(void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	n = snprintf(head, sizeof(head),
		     "HTTP/1.1 %s\r\n"
		     "Date: %s\r\n"
		     "Content-Type: application/x-pem-file\r\n"
		     "Content-Length: %zu\r\n"
		     "Cache-Control: no-store\r\n"
		     "Connection: close\r\n\r\n",
		     found ? "200 OK" : "404 Not Found", date,
		     found ? strlen(pem) : 0);
	error = buffer_add(out, head, (size_t)n);
	if (error == 0 && found)
		error = buffer_add(out, pem, strlen(pem));
	if (error < 0)
		return error;
	return found ? 200 : 404;
}
