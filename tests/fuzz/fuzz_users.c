/*
 * The files are the image's: whatever they hold, who is found has ids that
 * can be asked for, and a name only if a line begins with it.
 */
#include "users.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The input is what is wanted, passwd and group, with a NUL between them. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1);
	const char *passwd, *group, *end;
	struct user user;

	assert(text);
	if (len > 0)
		memcpy(text, bytes, len);
	text[len] = '\0';
	end = text + len;
	passwd = text + strlen(text) + (text + strlen(text) < end);
	group = memchr(passwd, '\0', (size_t)(end - passwd));
	group = group ? group + 1 : end;
	if (users_find(passwd, (size_t)(group - passwd), group,
		       (size_t)(end - group), text, &user)) {
		assert(user.uid != (uid_t)-1 && user.gid != (gid_t)-1);
		assert(user.n_groups <= USERS_GROUPS_MAX);
		assert(user.name[0] == '\0' ||
		       memmem(passwd, (size_t)(group - passwd), user.name,
			      strlen(user.name)));
		for (size_t i = 0; i < user.n_groups; i++)
			assert(user.groups[i] != (gid_t)-1);
	}
	free(text);
	return 0;
}
