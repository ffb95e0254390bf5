#include "libraries.h"

#include "binary.h"
#include "complain.h"
#include "contents.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool copy(char to[LIBRARIES_PATH_MAX], const char *text, size_t len)
{
	if (len == 0 || len >= LIBRARIES_PATH_MAX)
		return false;
	memcpy(to, text, len);
	to[len] = '\0';
	return true;
}

static bool add(struct libraries *libraries, const char *name, size_t name_len,
		const char *from, size_t from_len)
{
	struct library *library = &libraries->list[libraries->n];

	if (libraries->n == LIBRARIES_MAX || *from != '/' ||
	    !copy(library->path, name, name_len) ||
	    !copy(library->from, from, from_len))
		return false;
	libraries->n++;
	return true;
}

/*
 * "name => path (0x...)", "name => not found", "path (0x...)" for the loader
 * itself and "name (0x...)" for what the kernel provides.
 */
static bool parse_line(const char *line, size_t len,
		       struct libraries *libraries,
		       char missing[LIBRARIES_PATH_MAX])
{
	const char *arrow = memmem(line, len, " => ", 4);
	const char *address = memmem(line, len, " (0x", 4);
	const char *from;

	if (!arrow)
		return address != NULL;
	from = arrow + 4;
	if (!address) {
		(void)copy(missing, line, (size_t)(arrow - line));
		return false;
	}
	return add(libraries, line, (size_t)(arrow - line), from,
		   (size_t)(address - from));
}

static bool is_c_library(const char *name)
{
	return strncmp(name, "libc.so.", 8) == 0 ||
	       strncmp(name, "libc.musl-", 10) == 0;
}

/* All but the loader into the folder of the C library. */
static bool place(struct libraries *libraries)
{
	const char *folder = NULL;
	int folder_len = 0;

	for (size_t i = 1; i < libraries->n; i++)
		if (is_c_library(libraries->list[i].path)) {
			folder = libraries->list[i].from;
			folder_len = (int)(strrchr(folder, '/') - folder);
		}
	for (size_t i = 1; i < libraries->n; i++) {
		char *path = libraries->list[i].path;
		char name[LIBRARIES_PATH_MAX];
		int n;

		if (*path == '/') /* asked for by its path */
			continue;
		memcpy(name, path, sizeof(name));
		n = folder ? snprintf(path, LIBRARIES_PATH_MAX, "%.*s/%s",
				      folder_len, folder, name)
			   : -1;
		if (n < 0 || n >= LIBRARIES_PATH_MAX)
			return false;
	}
	return true;
}

bool libraries_parse(const char *text, const char *interpreter,
		     struct libraries *libraries,
		     char missing[LIBRARIES_PATH_MAX])
{
	size_t len = strlen(interpreter);

	*libraries = (struct libraries){ 0 };
	missing[0] = '\0';
	if (!add(libraries, interpreter, len, interpreter, len))
		return false;
	while (*text != '\0') {
		text += strspn(text, "\t ");
		len = strcspn(text, "\n");
		if (len > 0 && !parse_line(text, len, libraries, missing))
			return false;
		text += len;
		text += *text == '\n';
	}
	return place(libraries);
}

static int read_program(const char *program, struct binary *binary)
{
	char *bytes;
	size_t len;
	int err = contents_read(program, LIBRARIES_PROGRAM_MAX, &bytes, &len);

	if (err)
		return err;
	if (!binary_parse(bytes, len, binary)) {
		complain("%s: is no program for a machine that we know",
			 program);
		err = -ENOEXEC;
	}
	free(bytes);
	return err;
}

/* What @argv prints, which is at most LIBRARIES_TEXT_MAX - 1. */
static int output_of(const char *const *argv, char *text)
{
	struct spawn spawn = spawn_of(argv);
	size_t len = 0;
	ssize_t n = 0;
	int ends[2];
	pid_t pid;
	int status;
	int err;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	spawn.stdio[1] = ends[1];
	err = spawn_start(&spawn, &pid);
	(void)close(ends[1]);
	while (!err && len < LIBRARIES_TEXT_MAX - 1 &&
	       (n = read(ends[0], text + len, LIBRARIES_TEXT_MAX - 1 - len)) >
		       0)
		len += (size_t)n;
	(void)close(ends[0]);
	if (err)
		return err;
	text[len] = '\0';
	status = spawn_wait(pid);
	if (status < 0)
		return status;
	return n < 0 || status > 0 ? -EIO : 0;
}

int libraries_find(const char *program, struct libraries *libraries)
{
	char missing[LIBRARIES_PATH_MAX];
	struct binary binary;
	const char *const argv[] = { binary.interpreter, "--list", program,
				     NULL };
	char *text;
	int err = read_program(program, &binary);

	libraries->n = 0;
	if (err || binary.interpreter[0] == '\0')
		return err;
	text = calloc(1, LIBRARIES_TEXT_MAX);
	if (!text)
		return complain_errno(program, ENOMEM);
	err = output_of(argv, text);
	if (err) {
		(void)complain_errno(binary.interpreter, err);
	} else if (!libraries_parse(text, binary.interpreter, libraries,
				    missing)) {
		complain("%s: %s%s", program,
			 missing[0] != '\0' ? "needs a library that is not "
					      "there: "
					    : "its libraries cannot be listed",
			 missing);
		err = -ENOENT;
	}
	free(text);
	return err;
}
