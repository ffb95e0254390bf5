#include "init.h"

#include "arguments.h"
#include "attributes.h"
#include "isolate.h"
#include "log.h"
#include "modules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_S 10 /* for the main process, which itself is not so patient */

#define PLAIN (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* What the gateway looks into, or an operator might name in an option. */
static const struct {
	const char *folder, *type, *options;
	unsigned long flags;
} mounts[] = {
	{ "/proc", "proc", NULL, PLAIN },
	{ "/sys", "sysfs", NULL, PLAIN | MS_RDONLY },
	{ "/dev", "devtmpfs", "mode=0755", MS_NOSUID | MS_NOEXEC },
	{ "/run", "tmpfs", "mode=0755", PLAIN },
};

/* Whether something is mounted there already, by the kernel or who came before */
static bool mounted(const char *folder)
{
	struct stat root, there;

	return stat("/", &root) == 0 && stat(folder, &there) == 0 &&
	       root.st_dev != there.st_dev;
}

/* What is missing in the end is missed by whoever needs it, who then says so. */
static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		if (mounted(mounts[i].folder))
			continue;
		(void)mkdir(mounts[i].folder, 0755);
		if (mount(mounts[i].type, mounts[i].folder, mounts[i].type,
			  mounts[i].flags, mounts[i].options) < 0)
			log_warn("init: cannot mount %s: %s", mounts[i].folder,
				 strerror(errno));
	}
}

/*
 * Without a console in the first file system the kernel starts us with no
 * descriptors at all, and what is opened next would become the log.
 */
static void open_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The lowest free number, which is this one. */
		if (open("/dev/console", O_RDWR | O_NOCTTY) != fd)
			(void)open("/dev/null", O_RDWR);
	}
}

NORETURN static void power_off(int status)
{
	sync();
	(void)reboot(RB_POWER_OFF);
	/* Only the first process of a machine, or of a container, has a say. */
	log_err("init: cannot power off: %s", strerror(errno));
	_exit(status);
}

static int status_of(int waited)
{
	if (WIFSIGNALED(waited)) {
		log_err("init: the gateway was ended by signal %d",
			WTERMSIG(waited));
		return 128 + WTERMSIG(waited);
	}
	if (WEXITSTATUS(waited) != 0)
		log_err("init: the gateway ended with status %d",
			WEXITSTATUS(waited));
	return WEXITSTATUS(waited);
}

/* Reaps all there is; true if @main_process was among it, with its status. */
static bool reap(pid_t main_process, int *status)
{
	bool ended = false;
	int waited;
	pid_t pid;

	while ((pid = waitpid(-1, &waited, WNOHANG)) > 0) {
		if (pid != main_process)
			continue;
		*status = status_of(waited);
		ended = true;
	}
	return ended;
}

NORETURN static void tend(pid_t main_process, const sigset_t *watched)
{
	const struct timespec patience = { .tv_sec = STOP_S };
	bool ending = false;
	int status = EXIT_FAILURE;

	for (;;) {
		int number = ending ? sigtimedwait(watched, NULL, &patience)
				    : sigwaitinfo(watched, NULL);

		if (number < 0 && errno == EAGAIN) {
			log_err("init: the gateway does not end");
			break;
		}
		if (number == SIGCHLD && reap(main_process, &status))
			break;
		if (number == SIGHUP)
			(void)kill(main_process, SIGHUP);
		if (number == SIGTERM || number == SIGINT || number == SIGPWR) {
			(void)kill(main_process, SIGTERM);
			ending = true;
		}
	}
	log_info("init: powering off");
	power_off(status);
}

static bool asked(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--init") == 0)
			return true;
	return false;
}

void init_prepare(int *argc, char ***argv)
{
	char failed[NAME_MAX + 1];
	int error = arguments_load(argc, argv);

	if (error == -ENOENT)
		return;
	log_set(LOG_LEVEL_INFO, "init");
	open_streams();
	log_info("init: the kernel is up");
	if (error < 0) {
		log_err("init: cannot use " ARGUMENTS_FILE ": %s",
			strerror(-error));
		power_off(EXIT_FAILURE);
	}
	error = modules_load(MODULES_FOLDER, failed);
	if (error < 0) {
		log_err("init: cannot load " MODULES_FOLDER "/%s: %s", failed,
			strerror(-error));
		power_off(EXIT_FAILURE);
	}
}

bool init_become(int argc, char **argv)
{
	sigset_t watched, before;
	pid_t main_process;

	if (!asked(argc, argv))
		return false;
	log_set(LOG_LEVEL_INFO, "init");
	if (getpid() != 1)
		die("init: --init is for the first process of a machine, "
		    "and this one is number %d",
		    (int)getpid());
	mount_all();
	open_streams();
	/* Ctrl-Alt-Del is to come as SIGINT, and not to pull the plug. */
	(void)reboot(RB_DISABLE_CAD);
	sigemptyset(&watched);
	sigaddset(&watched, SIGCHLD);
	sigaddset(&watched, SIGHUP);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, SIGINT);
	sigaddset(&watched, SIGPWR);
	sigprocmask(SIG_BLOCK, &watched, &before);
	main_process = fork();
	if (main_process < 0) {
		log_err("init: cannot fork: %s", strerror(errno));
		power_off(EXIT_FAILURE);
	}
	if (main_process > 0) {
		isolate_first();
		tend(main_process, &watched);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return true;
}
