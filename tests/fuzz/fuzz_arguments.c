/*
 * Words put together again, each with its NUL, are the text they were split
 * from: none is lost, joined or made up.
 */
#include "arguments.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1), **words;
	size_t at = 0;
	int n = 0;

	if (!text)
		return 0;
	memcpy(text, bytes, len);
	text[len] = '\0';
	(void)arguments_are_in(text);
	words = arguments_split(text, len, &n);
	if (words) {
		assert(n >= 2 && n <= ARGUMENTS_MAX + 1 && !words[n]);
		for (int i = 1; i < n; i++) {
			size_t word = strlen(words[i]) + 1;

			assert(at + word <= len);
			assert(memcmp(bytes + at, words[i], word) == 0);
			at += word;
		}
		assert(at == len);
	}
	free(words);
	free(text);
	return 0;
}
