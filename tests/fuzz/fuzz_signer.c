#include "tls/signer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Only what a worker could have written is read as a request. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct signer_request request;
	uint8_t bytes[SIGNER_REQUEST_MAX];

	if (!signer_request_parse(&request, data, len))
		return 0;
	if (len > sizeof(bytes) ||
	    signer_request_write(&request, bytes) != len ||
	    memcmp(bytes, data, len) != 0)
		abort();
	return 0;
}
