#include "binary.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* What is stripped says the same of itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct binary binary, again;
	char *bytes;

	if (!binary_parse(data, len, &binary))
		return 0;
	check(binary.loaded_len <= len);
	check(binary.interpreter[0] == '\0' || binary.interpreter[0] == '/');
	bytes = malloc(len);
	check(bytes != NULL);
	memcpy(bytes, data, len);
	check(binary_strip(bytes, &binary) == binary.loaded_len);
	check(binary_parse(bytes, binary.loaded_len, &again));
	check(again.loaded_len == binary.loaded_len);
	check(strcmp(again.interpreter, binary.interpreter) == 0);
	check(again.architecture == binary.architecture);
	free(bytes);
	return 0;
}
