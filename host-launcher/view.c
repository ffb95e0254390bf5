#include "view.h"

#include "complain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGE "/run/.overlay" /* where copies lie before they are bound */
#define STAGED_DEV "/run/.dev"

/* What sluice-init writes to. Where a distribution keeps them as links to one
   file, that file is copied once and the others are found to be the same. */
static const char *const overlaid[] = {
	"/etc/resolv.conf",
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/pki/tls/cacert.pem",
	"/etc/ssl/ca-bundle.pem",
	"/var/lib/ca-certificates/ca-bundle.pem",
	"/etc/ssl/cert.pem",
	"/etc/ssl/certs/ca-bundle.crt",
};

#define N_OVERLAID (sizeof(overlaid) / sizeof(overlaid[0]))

/* The folders below which it tells browsers of the CA, where they are there. */
static const char *const overlaid_folders[] = {
	"/etc/chromium",
	"/etc/chromium-browser",
	"/etc/opt/chrome",
	"/etc/opt/edge",
	"/etc/brave",
	"/etc/firefox",
	"/usr/lib/firefox-esr/distribution",
	"/usr/lib/firefox/distribution",
	"/usr/lib64/firefox/distribution",
	"/opt/firefox/distribution",
};

#define N_OVERLAID_FOLDERS \
	(sizeof(overlaid_folders) / sizeof(overlaid_folders[0]))
#define FOLDER_DEPTH_MAX 16 /* of folders in such a folder */

/* A file that is to be overlaid, opened before /run disappears. */
struct overlay {
	char path[PATH_MAX]; /* with every symbolic link resolved */
	int fd;
};

static int set_readonly(const char *path, unsigned int flags)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (mount_setattr(AT_FDCWD, path, flags, &attr, sizeof(attr)) < 0)
		return -errno;
	return 0;
}

static int bind_file(const char *from, const char *to)
{
	if (mount(from, to, NULL, MS_BIND, NULL) < 0)
		return -errno;
	return 0;
}

/* Binds @path over itself and makes that read-only. What is not there, or is
   hidden by now, needs no protection. */
static int freeze(const char *path)
{
	int err = bind_file(path, path);

	if (err == -ENOENT || err == -ENOTDIR)
		return 0;
	return err ? err : set_readonly(path, 0);
}

static int touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	(void)close(fd);
	return 0;
}

/* Binds an empty file over @path, which is not to be read. */
static int hide(const char *path)
{
	static const char empty[] = STAGE "/empty";
	int err = touch(empty);

	if (!err)
		err = bind_file(empty, path);
	/* In /run it is hidden by now. */
	if (err == -ENOENT || err == -ENOTDIR)
		return 0;
	return err ? err : set_readonly(path, 0);
}

static int mount_tmpfs(const char *at, const char *options)
{
	if (mount("tmpfs", at, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		return -errno;
	return 0;
}

/* The folders that lead to @path, which is in a file system of our own. */
static int make_parents(const char *path)
{
	char folder[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, len + 1);
	for (char *slash = folder + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(folder, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

int view_detach(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	return 0;
}

int view_mount_proc(void)
{
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL) < 0)
		return -errno;
	return 0;
}

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/';
}

/*
 * Opens what is to be overlaid and is there. A resolv.conf that is a link to
 * something not there is created where it points, if that is in /run; one
 * that is missing altogether could only be made on the host's own disk.
 */
static int find_overlays(struct overlay overlays[N_OVERLAID], size_t *n)
{
	for (size_t i = 0; i < N_OVERLAID; i++) {
		struct overlay *overlay = &overlays[*n];
		bool same = false;

		if (!realpath(overlaid[i], overlay->path)) {
			if (i == 0)
				return complain_errno(overlaid[i], errno);
			continue;
		}
		for (size_t k = 0; k < *n; k++)
			same |= strcmp(overlays[k].path, overlay->path) == 0;
		if (same)
			continue;
		overlay->fd = open(overlay->path, O_RDONLY | O_CLOEXEC);
		if (overlay->fd < 0)
			return complain_errno(overlay->path, errno);
		(*n)++;
	}
	return 0;
}

static int copy_from(int from, const char *path)
{
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ssize_t n;

	if (to < 0)
		return -errno;
	do {
		n = sendfile(to, from, NULL, 1 << 20);
	} while (n > 0);
	n = n < 0 ? -errno : 0;
	(void)close(to);
	return (int)n;
}

static int lay_over(const struct overlay *overlay, size_t number)
{
	char copy[PATH_MAX];
	int err;

	if (is_below(overlay->path, "/run")) {
		err = make_parents(overlay->path);
		return err ? err : copy_from(overlay->fd, overlay->path);
	}
	(void)snprintf(copy, sizeof(copy), STAGE "/%zu", number);
	err = copy_from(overlay->fd, copy);
	return err ? err : bind_file(copy, overlay->path);
}

static int copy_folder(const char *from, const char *to, unsigned int depth);

/* What is neither a file, a folder nor a link has no place among settings. */
static int copy_entry(const char *from, const char *to, unsigned int depth)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t len;
	int fd, err;

	if (lstat(from, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return copy_folder(from, to, depth + 1);
	if (S_ISLNK(st.st_mode)) {
		len = readlink(from, target, sizeof(target) - 1);
		if (len < 0)
			return -errno;
		target[len] = '\0';
		return symlink(target, to) < 0 ? -errno : 0;
	}
	if (!S_ISREG(st.st_mode))
		return 0;
	fd = open(from, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = copy_from(fd, to);
	(void)close(fd);
	return err;
}

/* The folder with all that is in it that we may read. */
static int copy_folder(const char *from, const char *to, unsigned int depth)
{
	char source[PATH_MAX];
	char copy[PATH_MAX];
	const struct dirent *entry;
	DIR *folder;
	int err = 0;

	if (depth > FOLDER_DEPTH_MAX)
		return -ELOOP;
	if (mkdir(to, 0755) < 0)
		return -errno;
	folder = opendir(from);
	if (!folder)
		return errno == EACCES ? 0 : -errno;
	while (!err && (entry = readdir(folder))) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (snprintf(source, sizeof(source), "%s/%s", from,
			     entry->d_name) >= (int)sizeof(source) ||
		    snprintf(copy, sizeof(copy), "%s/%s", to, entry->d_name) >=
			    (int)sizeof(copy))
			err = -ENAMETOOLONG;
		else
			err = copy_entry(source, copy, depth);
		if (err == -EACCES)
			err = 0;
	}
	(void)closedir(folder);
	return err;
}

static int lay_over_folder(const char *path, size_t number)
{
	char copy[PATH_MAX];
	struct stat st;
	int err;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	(void)snprintf(copy, sizeof(copy), STAGE "/folder%zu", number);
	err = copy_folder(path, copy, 0);
	return err ? err : bind_file(copy, path);
}

static int build_run(const struct view *view)
{
	char home[64];
	struct stat status;
	int err = mount_tmpfs("/run", "mode=0755");

	/* Where /var/run is no link to /run, it holds the same things. */
	if (!err && lstat("/var/run", &status) == 0 && S_ISDIR(status.st_mode))
		err = mount_tmpfs("/var/run", "mode=0755");
	if (err)
		return err;

	(void)snprintf(home, sizeof(home), "/run/user/%u", view->uid);
	if (mkdir("/run/user", 0755) < 0 || mkdir(home, 0700) < 0 ||
	    chown(home, view->uid, view->gid) < 0 ||
	    mkdir("/run/lock", 01777) < 0 || chmod("/run/lock", 01777) < 0 ||
	    mkdir(STAGE, 0755) < 0)
		return -errno;
	return 0;
}

static int bind_device(const char *name)
{
	char from[64];
	char to[64];
	int err;

	(void)snprintf(from, sizeof(from), "/dev/%s", name);
	(void)snprintf(to, sizeof(to), STAGED_DEV "/%s", name);
	err = touch(to);
	return err ? err : bind_file(from, to);
}

static int link_devices(void)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", STAGED_DEV "/fd" },
		{ "/proc/self/fd/0", STAGED_DEV "/stdin" },
		{ "/proc/self/fd/1", STAGED_DEV "/stdout" },
		{ "/proc/self/fd/2", STAGED_DEV "/stderr" },
		{ "pts/ptmx", STAGED_DEV "/ptmx" },
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i][0], links[i][1]) < 0)
			return -errno;
	return 0;
}

static int make_terminals(void)
{
	if (mkdir(STAGED_DEV "/pts", 0755) < 0 ||
	    mount("devpts", STAGED_DEV "/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		  "newinstance,ptmxmode=0666,mode=0620") < 0)
		return -errno;
	return 0;
}

/* Built aside, for its parts come from the one that it will cover. */
static int build_dev(void)
{
	static const char *const devices[] = {
		"null", "zero", "full", "random", "urandom", "tty",
	};
	int err;

	if (mkdir(STAGED_DEV, 0755) < 0)
		return -errno;
	err = mount_tmpfs(STAGED_DEV, "mode=0755");
	for (size_t i = 0; !err && i < sizeof(devices) / sizeof(devices[0]);
	     i++)
		err = bind_device(devices[i]);
	if (!err)
		err = link_devices();
	if (!err)
		err = make_terminals();
	if (!err && mkdir(STAGED_DEV "/shm", 01777) < 0)
		err = -errno;
	if (!err)
		err = mount_tmpfs(STAGED_DEV "/shm", "mode=1777");
	if (!err && mount(STAGED_DEV, "/dev", NULL, MS_MOVE, NULL) < 0)
		err = -errno;
	if (!err && rmdir(STAGED_DEV) < 0)
		err = -errno;
	return err;
}

static int build_proc(void)
{
	static const char *const steering[] = {
		"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus",
		"/proc/fs",  "/proc/acpi",
	};
	int err = view_mount_proc();

	for (size_t i = 0; !err && i < sizeof(steering) / sizeof(steering[0]);
	     i++)
		err = freeze(steering[i]);
	return err;
}

/* A new one shows the agent's own interfaces. The kernel refuses it where
   part of the old one is masked; that one then stays, read-only. */
static int build_sys(void)
{
	if (mount("sysfs", "/sys", "sysfs",
		  MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
		return 0;
	return set_readonly("/sys", AT_RECURSIVE);
}

/* The order matters: copies are staged in the new /run, devices come from the
   old /dev, and links in it lead to the new /proc. */
int view_build(const struct view *view)
{
	struct overlay overlays[N_OVERLAID];
	size_t n = 0;
	int err = view_detach();

	if (err)
		return complain_errno("mounts: cannot make private", err);
	err = find_overlays(overlays, &n);
	if (err)
		goto out;
	err = build_run(view);
	if (err) {
		err = complain_errno("/run: cannot replace", err);
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		err = lay_over(&overlays[i], i);
		if (err) {
			err = complain_errno(overlays[i].path, err);
			goto out;
		}
	}
	for (size_t i = 0; i < N_OVERLAID_FOLDERS; i++) {
		err = lay_over_folder(overlaid_folders[i], i);
		if (err) {
			err = complain_errno(overlaid_folders[i], err);
			goto out;
		}
	}
	for (size_t i = 0; i < VIEW_READONLY_MAX; i++) {
		err = view->readonly[i] ? freeze(view->readonly[i]) : 0;
		if (err) {
			err = complain_errno(view->readonly[i], err);
			goto out;
		}
	}
	err = view->hidden ? hide(view->hidden) : 0;
	if (err) {
		err = complain_errno(view->hidden, err);
		goto out;
	}
	err = build_dev();
	if (err) {
		err = complain_errno("/dev: cannot replace", err);
		goto out;
	}
	err = build_proc();
	if (err) {
		err = complain_errno("/proc: cannot replace", err);
		goto out;
	}
	err = build_sys();
	if (err)
		err = complain_errno("/sys: cannot make read-only", err);
out:
	while (n > 0)
		(void)close(overlays[--n].fd);
	return err;
}
