#include "arguments.h"

#include "bare.h"
#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CMDLINE_MAX 65536

char **arguments_split(char *text, size_t len, int *n)
{
	char **words;
	int found = 0;

	if (len == 0 || len > ARGUMENTS_TEXT_MAX || text[len - 1] != '\0')
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0' && ++found > ARGUMENTS_MAX)
			return NULL;
	words = calloc((size_t)found + 2, sizeof(*words));
	if (!words)
		return NULL;
	for (int i = 1; i <= found; i++) {
		words[i] = text;
		text += strlen(text) + 1;
	}
	*n = found + 1;
	return words;
}

bool arguments_are_in(const char *cmdline)
{
	for (const char *at = cmdline; (at = strstr(at, "--")); at += 2)
		if ((at == cmdline || at[-1] == ' ') && at[2] == ' ')
			return true;
	return false;
}

/* The kernel hands on words that it does not know; they are not meant. */
static bool given_by_kernel(void)
{
	char *cmdline;
	size_t len;
	bool given;

	if (file_read("/proc/cmdline", CMDLINE_MAX, &cmdline, &len) < 0)
		return true;
	given = arguments_are_in(cmdline);
	free(cmdline);
	return given;
}

int arguments_load(int *argc, char ***argv)
{
	char **words;
	char *text;
	size_t len;
	int ret;

	if (getpid() != 1 || access(ARGUMENTS_FILE, F_OK) < 0)
		return -ENOENT;
	/* To be told where we are; who mounts the others finds it there. */
	if (access("/proc/self", F_OK) < 0) {
		(void)mkdir("/proc", 0755);
		(void)mount("proc", "/proc", "proc",
			    MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	}
	if (!bare_machine() || given_by_kernel())
		return -ENOENT;
	ret = file_read(ARGUMENTS_FILE, ARGUMENTS_TEXT_MAX, &text, &len);
	if (ret < 0)
		return ret;
	words = arguments_split(text, len, argc);
	if (!words) {
		free(text);
		return -EBADMSG;
	}
	words[0] = (*argv)[0];
	*argv = words;
	return 0;
}
