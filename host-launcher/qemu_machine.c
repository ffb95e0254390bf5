#include "qemu_machine.h"

#include "complain.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void qemu_machine_init(struct qemu_machine *machine, const char *name,
		       const char *step, bool verbose)
{
	machine->name = name;
	machine->step = step;
	machine->verbose = verbose;
	machine->pid = 0;
	machine->ended = -1;
	machine->console = -1;
	machine->n_given = 0;
	machine->said.len = 0;
	machine->tail_len = 0;
}

void qemu_machine_give(struct qemu_machine *machine, int fd)
{
	assert(machine->n_given < SPAWN_PASS_MAX);
	machine->given[machine->n_given++] = fd;
}

/* The machine's own, so that it is gone when the other end is. */
static void close_given(struct qemu_machine *machine)
{
	while (machine->n_given > 0)
		(void)close(machine->given[--machine->n_given]);
}

int qemu_machine_start(struct qemu_machine *machine, const struct plan *plan)
{
	struct spawn spawn = spawn_of(plan_argv(plan, machine->step));
	int console[2];
	int err;

	if (pipe2(console, O_CLOEXEC) < 0)
		return complain_errno(machine->step, errno);
	machine->console = console[0];
	spawn.background = true;
	spawn.mortal = true;
	spawn.stdio[1] = console[1];
	spawn.stdio[2] = console[1];
	for (size_t i = 0; i < machine->n_given; i++)
		spawn_pass(&spawn, machine->given[i]);
	err = spawn_start(&spawn, &machine->pid);
	(void)close(console[1]);
	close_given(machine);
	if (err)
		return complain_errno(machine->step, err);
	machine->ended = (int)syscall(SYS_pidfd_open, machine->pid, 0);
	return machine->ended < 0 ? complain_errno("pidfd_open", errno) : 0;
}

static void remember(struct qemu_machine *machine, const char *text, size_t len)
{
	size_t over;

	if (len > QEMU_MACHINE_TAIL) {
		text += len - QEMU_MACHINE_TAIL;
		len = QEMU_MACHINE_TAIL;
	}
	over = machine->tail_len + len > QEMU_MACHINE_TAIL
		       ? machine->tail_len + len - QEMU_MACHINE_TAIL
		       : 0;
	machine->tail_len -= over;
	memmove(machine->tail, machine->tail + over, machine->tail_len);
	memcpy(machine->tail + machine->tail_len, text, len);
	machine->tail_len += len;
}

/* Without line ends and whatever else a terminal would obey. */
static size_t make_plain(char *line, size_t len)
{
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	return len;
}

/* A program of ours that has something to tell the user. */
static bool is_complaint(const char *line, size_t len)
{
	static const char gateway[] = "sluice-gateway[";
	static const char init[] = "sluice-init: ";

	if (len > strlen(init) && memcmp(line, init, strlen(init)) == 0)
		return true;
	return len > strlen(gateway) &&
	       memcmp(line, gateway, strlen(gateway)) == 0 &&
	       memmem(line, len, "] err: ", 7);
}

static void hear_line(struct qemu_machine *machine, char *line, size_t len)
{
	len = make_plain(line, len);
	if (len == 0)
		return;
	if (machine->verbose || is_complaint(line, len))
		/* The terminal may be raw. */
		(void)fprintf(stderr, "%.*s\r\n", (int)len, line);
	remember(machine, line, len);
	remember(machine, "\n", 1);
}

bool qemu_machine_hear(struct qemu_machine *machine)
{
	struct lines *said = &machine->said;
	size_t room, len;
	char *to = lines_room(said, &room);
	ssize_t n = read(machine->console, to, room);

	if (n < 0 && errno == EINTR)
		return false;
	if (n > 0) {
		lines_added(said, (size_t)n);
	} else {
		(void)close(machine->console);
		machine->console = -1;
	}
	while ((len = lines_first(said)) > 0) {
		hear_line(machine, said->bytes, len);
		lines_drop(said, len);
	}
	return n > 0;
}

void qemu_machine_tell(const struct qemu_machine *machine)
{
	(void)fwrite(machine->tail, 1, machine->tail_len, stderr);
}

void qemu_machine_end(struct qemu_machine *machine)
{
	if (machine->pid > 0) {
		(void)kill(machine->pid, SIGKILL);
		(void)spawn_wait(machine->pid);
		machine->pid = 0;
	}
	close_given(machine);
	if (machine->ended >= 0)
		(void)close(machine->ended);
	if (machine->console >= 0)
		(void)close(machine->console);
	machine->ended = machine->console = -1;
}
