#include "manifest_file.h"

#include "complain.h"
#include "manifest.h"

#include <stdlib.h>

struct policy *manifest_file_read(const char *file)
{
	struct manifest_errors errors = { 0 };
	struct policy *policy;
	char *text = NULL;
	size_t len;
	int err = manifest_read(file, &text, &len);

	if (err) {
		complain_errno(file, err);
		return NULL;
	}
	policy = manifest_parse(text, len, &errors);
	if (!policy)
		manifest_errors_print(&errors, file, stderr);
	manifest_errors_done(&errors);
	free(text);
	return policy;
}
