#include "raw_terminal.h"

#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * Waits until the other end of @held is closed, which killing us does too. In
 * a session of its own it would have no right to the terminal; in ours, being
 * in the background is no reason to be stopped.
 */
static NORETURN void guard(const struct raw_terminal *terminal, int held)
{
	char byte;

	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_IGN);
	/* Whatever else was open is not to be kept open by us. */
	if (dup2(terminal->fd, 0) < 0 || dup2(held, 1) < 0)
		_exit(1);
	(void)close_range(2, ~0U, 0);
	while (read(1, &byte, 1) < 0 && errno == EINTR)
		continue;
	(void)tcsetattr(0, TCSADRAIN, &terminal->before);
	_exit(0);
}

int raw_terminal_take(struct raw_terminal *terminal, int fd)
{
	struct termios raw;
	int ends[2];

	if (tcgetattr(fd, &terminal->before) < 0)
		return -errno;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	terminal->fd = fd;
	terminal->guard = fork();
	if (terminal->guard == 0) {
		(void)close(ends[1]);
		guard(terminal, ends[0]);
	}
	(void)close(ends[0]);
	terminal->held = ends[1];
	if (terminal->guard < 0) {
		int err = -errno;

		(void)close(ends[1]);
		return err;
	}
	terminal->taken = true;
	raw = terminal->before;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0) {
		int err = -errno;

		raw_terminal_give_back(terminal);
		return err;
	}
	return 0;
}

void raw_terminal_give_back(struct raw_terminal *terminal)
{
	if (!terminal->taken)
		return;
	terminal->taken = false;
	(void)close(terminal->held);
	(void)spawn_wait(terminal->guard);
}

bool raw_terminal_size(int fd, unsigned *rows, unsigned *columns)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 ||
	    size.ws_col == 0)
		return false;
	*rows = size.ws_row;
	*columns = size.ws_col;
	return true;
}
