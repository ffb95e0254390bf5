#include "nameserver.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is written of a server is read as the same server, and in one way. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct nameserver server, again;
	char text[NAMESERVER_TEXT_MAX];

	if (!nameserver_parse(&server, (const char *)data, len)) {
		if (strlen(nameserver_hint((const char *)data, len)) == 0)
			abort();
		return 0;
	}
	(void)nameserver_format(&server, text);
	if (server.port == 0 || server.address.family == 0 ||
	    (server.tls.len > 0) != (memchr(data, '#', len) != NULL) ||
	    !nameserver_parse(&again, text, strlen(text)) ||
	    !nameserver_equal(&server, &again))
		abort();
	return 0;
}
