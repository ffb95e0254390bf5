#include "streams.h"

#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define STEP "streams"

static int unblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static int open_terminal(struct streams *streams,
			 const struct terminal *terminal, uid_t owner)
{
	char name[64];
	int us, them;

	us = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (us < 0)
		return -errno;
	if (unlockpt(us) < 0 || ptsname_r(us, name, sizeof(name)) != 0)
		return -errno;
	them = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (them < 0 || fchown(them, owner, (gid_t)-1) < 0)
		return -errno;
	streams->terminal = true;
	streams->in = streams->out = us;
	streams->err = -1;
	for (int i = 0; i < 3; i++)
		streams->command[i] = them;
	streams_resize(streams, terminal->rows, terminal->columns);
	return unblock(us);
}

static int open_pipes(struct streams *streams, uid_t owner)
{
	int in[2], out[2], err[2];
	int ret;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
	    pipe2(err, O_CLOEXEC) < 0)
		return -errno;
	streams->terminal = false;
	streams->in = in[1];
	streams->out = out[0];
	streams->err = err[0];
	streams->command[STDIN_FILENO] = in[0];
	streams->command[STDOUT_FILENO] = out[1];
	streams->command[STDERR_FILENO] = err[1];
	/* Whose they are may open them again, as /dev/stdout. */
	for (int i = 0; i < 3; i++)
		if (fchown(streams->command[i], owner, (gid_t)-1) < 0)
			return -errno;
	ret = unblock(streams->in);
	if (ret == 0)
		ret = unblock(streams->out);
	return ret == 0 ? unblock(streams->err) : ret;
}

int streams_open(struct streams *streams, const struct terminal *terminal,
		 uid_t owner)
{
	int ret = terminal->wanted ? open_terminal(streams, terminal, owner)
				   : open_pipes(streams, owner);

	if (ret < 0)
		return report(STEP, ret, "cannot make a %s",
			      terminal->wanted ? "terminal" : "pipe");
	return 0;
}

int streams_adopt(const struct streams *streams)
{
	if (setsid() < 0)
		return report(STEP, -errno, "cannot lead a session");
	if (streams->terminal && ioctl(streams->command[0], TIOCSCTTY, 0) < 0)
		return report(STEP, -errno, "cannot have the terminal");
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		if (dup2(streams->command[i], i) < 0)
			return report(STEP, -errno, "cannot have the streams");
	return 0;
}

void streams_release(struct streams *streams)
{
	(void)close(streams->command[0]);
	if (streams->terminal)
		return;
	(void)close(streams->command[1]);
	(void)close(streams->command[2]);
}

void streams_end_input(struct streams *streams)
{
	struct termios settings;

	if (!streams->terminal) {
		(void)close(streams->in);
		streams->in = -1;
	} else if (tcgetattr(streams->in, &settings) == 0) {
		(void)!write(streams->in, &settings.c_cc[VEOF], 1);
	}
}

void streams_resize(const struct streams *streams, uint16_t rows,
		    uint16_t columns)
{
	const struct winsize size = { .ws_row = rows, .ws_col = columns };

	/* Pipes have no size, whatever the host says. */
	if (streams->terminal)
		(void)ioctl(streams->in, TIOCSWINSZ, &size);
}
