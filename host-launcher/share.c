#include "share.h"

#include "complain.h"
#include "spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET "socket"

static const char *const programs[] = {
	"/usr/libexec/virtiofsd",
	"/usr/lib/qemu/virtiofsd",
	"/usr/lib/virtiofsd",
	"/usr/bin/virtiofsd",
};

/* What programs need of a system, and nobody keeps secrets of his own in. */
static const char *const system_folders[] = {
	"/usr",   "/bin",    "/sbin", "/lib", "/lib32",
	"/lib64", "/libx32", "/etc",  "/opt",
};

/* Which others put things into, or mount them on. */
static const char *const empty_folders[] = {
	"/dev", "/home", "/media", "/mnt", "/proc", "/root",
	"/run", "/srv",  "/sys",   "/tmp", "/var",  "/var/tmp",
};

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

bool share_find(char path[PATH_MAX])
{
	for (size_t i = 0; i < N_OF(programs); i++)
		if (access(programs[i], X_OK) == 0) {
			(void)snprintf(path, PATH_MAX, "%s", programs[i]);
			return true;
		}
	return spawn_find("virtiofsd", path) == 0;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	(void)close(fd);
	return err;
}

/* A user may map nobody but himself. */
static int own_users(uid_t uid, gid_t gid)
{
	char map[32];
	int err;

	if (unshare(CLONE_NEWUSER) < 0)
		return -errno;
	err = write_text("/proc/self/setgroups", "deny");
	if (err)
		return err;
	(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	err = write_text("/proc/self/uid_map", map);
	if (err)
		return err;
	(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	return write_text("/proc/self/gid_map", map);
}

static int bind_read_only(const char *from, const char *to)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (mkdir(to, 0755) < 0)
		return -errno;
	if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) < 0)
		return -errno;
	return mount_setattr(AT_FDCWD, to, AT_RECURSIVE, &attr, sizeof(attr)) <
			       0
		       ? -errno
		       : 0;
}

/* A folder, or the link that it has become where all is below /usr. */
static int add_to_view(const char *folder)
{
	char link[PATH_MAX], to[PATH_MAX];
	struct stat facts;
	ssize_t len;

	(void)snprintf(to, sizeof(to), PLAN_VIEW "%s", folder);
	if (lstat(folder, &facts) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISLNK(facts.st_mode))
		return bind_read_only(folder, to);
	len = readlink(folder, link, sizeof(link) - 1);
	if (len < 0)
		return -errno;
	link[len] = '\0';
	return symlink(link, to) < 0 ? -errno : 0;
}

static int build_view(void)
{
	int err = 0;

	if (mount("view", PLAN_VIEW, "tmpfs", 0, "mode=0755") < 0)
		return -errno;
	for (size_t i = 0; !err && i < N_OF(system_folders); i++)
		err = add_to_view(system_folders[i]);
	for (size_t i = 0; !err && i < N_OF(empty_folders); i++) {
		char to[PATH_MAX];

		(void)snprintf(to, sizeof(to), PLAN_VIEW "%s",
			       empty_folders[i]);
		if (mkdir(to, 0755) < 0)
			err = -errno;
	}
	return err;
}

struct seclusion {
	const struct plan_options *options;
	bool view;
};

/* Where @file is in what is served; false if it is not there. */
static bool served(const struct seclusion *seclusion, const char *file,
		   char path[PATH_MAX])
{
	const char *workdir = seclusion->options->workdir;
	size_t len = strlen(workdir);
	int n;

	if (seclusion->view) {
		n = snprintf(path, PATH_MAX, PLAN_VIEW "%s", file);
		return n < PATH_MAX && access(path, F_OK) == 0;
	}
	if (strncmp(file, workdir, len) != 0 ||
	    (file[len] != '/' && workdir[len - 1] != '/'))
		return false;
	(void)snprintf(path, PATH_MAX, "%s", file);
	return true;
}

static int cover(const char *with, const char *path)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (mount(with, path, NULL, MS_BIND, NULL) < 0)
		return -errno;
	return mount_setattr(AT_FDCWD, path, 0, &attr, sizeof(attr)) < 0
		       ? -errno
		       : 0;
}

/*
 * What decides about the agent is not for it to change, and the secrets are
 * not for it to read: a device in their place, on what is mounted without
 * devices, cannot even be opened.
 */
static int protect(const struct seclusion *seclusion)
{
	const struct plan_options *options = seclusion->options;
	const char *const kept[] = { options->manifest, options->audit,
				     options->trust };
	char path[PATH_MAX];
	int err = 0;

	for (size_t i = 0; !err && i < N_OF(kept); i++)
		if (kept[i] && served(seclusion, kept[i], path))
			err = cover(path, path);
	if (!err && options->secrets &&
	    served(seclusion, options->secrets, path))
		err = cover("/dev/null", path);
	return err;
}

/* In the child. */
static int seclude(void *data)
{
	const struct seclusion *seclusion = data;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int err = uid == 0 ? 0 : own_users(uid, gid);

	if (!err && unshare(CLONE_NEWNS) < 0)
		err = -errno;
	if (!err && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		err = -errno;
	if (!err && seclusion->view)
		err = build_view();
	return err ? err : protect(seclusion);
}

/* The folder that sockets are made in, locked; what a killed run left there
   is removed. */
static int open_private_folder(void)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	const struct dirent *entry;
	char path[PATH_MAX];
	struct stat facts;
	DIR *files;
	int fd;

	if (xdg && xdg[0] == '/')
		(void)snprintf(path, sizeof(path), "%s/sluice-share", xdg);
	else
		(void)snprintf(path, sizeof(path), "/tmp/sluice-share-%u",
			       geteuid());
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return complain_errno(path, errno);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return complain_errno(path, errno);
	if (fstat(fd, &facts) < 0 || facts.st_uid != geteuid() ||
	    (facts.st_mode & 0077) != 0 || flock(fd, LOCK_EX) < 0) {
		(void)close(fd);
		return complain_errno(path, EPERM);
	}
	files = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	while (files && (entry = readdir(files)))
		(void)unlinkat(fd, entry->d_name, 0);
	if (files)
		(void)closedir(files);
	return fd;
}

/* Both ends of the one connection there will ever be. */
static int make_pair(int *listener, int *connection)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int folder = open_private_folder();
	int err = 0;

	if (folder < 0)
		return folder;
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
		       "/proc/self/fd/%d/" SOCKET, folder);
	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*listener < 0 || *connection < 0 ||
	    bind(*listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(*listener, 1) < 0 ||
	    connect(*connection, (struct sockaddr *)&address, sizeof(address)) <
		    0)
		err = complain_errno("cannot make a socket", errno);
	(void)unlinkat(folder, SOCKET, 0);
	(void)close(folder);
	return err;
}

static int start(struct plan *plan, const char *name, int listener, bool view,
		 pid_t *pid)
{
	struct seclusion seclusion = { &plan->options, view };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct spawn spawn;
	char number[12];
	int err;

	(void)snprintf(number, sizeof(number), "%d", listener);
	err = plan_fill(plan, name, "{listener}", number);
	if (err) {
		(void)close(null);
		return complain_errno(name, err);
	}
	spawn = spawn_of(plan_argv(plan, name));
	spawn.background = true;
	spawn.mortal = true;
	spawn.capable = true;
	spawn.prepare = seclude;
	spawn.data = &seclusion;
	/* It has something to say of every machine that is switched off. */
	if (!plan->options.verbose)
		spawn.stdio[2] = null;
	spawn_pass(&spawn, listener);
	err = spawn_start(&spawn, pid);
	(void)close(null);
	return err ? complain_errno("virtiofsd", err) : 0;
}

int share_start(struct plan *plan, const char *name, bool view, pid_t *pid)
{
	int listener = -1, connection = -1;
	int err = make_pair(&listener, &connection);

	if (!err)
		err = start(plan, name, listener, view, pid);
	if (listener >= 0)
		(void)close(listener);
	if (err && connection >= 0)
		(void)close(connection);
	return err ? err : connection;
}
