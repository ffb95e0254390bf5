#include "root.h"

#include "deadline.h"
#include "report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define STEP "root"
#define PLAIN (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define LOWER "/sluice/lower"
#define UPPER "/sluice/upper"
#define NEW "/sluice/root"
#define VIRTIOFS "virtiofs:" /* and the tag of a folder of the host's */
#define DEPTH_MAX 32 /* folders within folders of the first file system */

struct mount {
	const char *type, *folder;
	unsigned long flags;
	const char *options;
};

static const struct mount first[] = {
	{ "proc", "/proc", PLAIN, NULL },
	{ "sysfs", "/sys", PLAIN | MS_RDONLY, NULL },
	{ "devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=0755" },
};

static const struct mount own[] = {
	{ "proc", "/proc", PLAIN, NULL },
	{ "sysfs", "/sys", PLAIN | MS_RDONLY, NULL },
	{ "tmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k" },
	{ "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC,
	  "gid=5,mode=0620,ptmxmode=0666" },
	{ "tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777" },
	{ "tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755" },
};

static const struct {
	const char *path;
	unsigned int minor, major;
} nodes[] = {
	{ "/dev/null", 3, 1 },    { "/dev/zero", 5, 1 },
	{ "/dev/full", 7, 1 },    { "/dev/random", 8, 1 },
	{ "/dev/urandom", 9, 1 }, { "/dev/tty", 0, 5 },
};

static const struct {
	const char *path, *target;
} links[] = {
	{ "/dev/ptmx", "pts/ptmx" },
	{ "/dev/fd", "/proc/self/fd" },
	{ "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" },
	{ "/dev/stderr", "/proc/self/fd/2" },
};

static const char *const sealed[] = { "/proc/sys", "/proc/sysrq-trigger" };

/* The folder and those that it is in. */
static int make_folders(const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int mount_at(const struct mount *what)
{
	int ret = make_folders(what->folder);

	if (ret == 0 && mount(what->type, what->folder, what->type, what->flags,
			      what->options) < 0)
		ret = -errno;
	if (ret < 0)
		return report(STEP, ret, "cannot mount %s", what->folder);
	return 0;
}

void root_begin(void)
{
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		/* Whoever told us our arguments may have needed it already. */
		if (strcmp(first[i].folder, "/proc") != 0 ||
		    access("/proc/self", F_OK) < 0)
			(void)mount_at(&first[i]);
}

/* A disk may be found after its driver has been loaded. */
static int await_disk(const char *device, int64_t deadline)
{
	struct stat st;

	while (stat(device, &st) < 0)
		if (errno != ENOENT || !deadline_pause(deadline))
			return report(STEP, -errno, "no disk %s", device);
	if (!S_ISBLK(st.st_mode))
		return report(STEP, -ENOTBLK, "no disk %s", device);
	return 0;
}

static int mount_image(const char *device)
{
	static const char *const types[] = { "squashfs", "ext4" };
	int ret = -ENODEV;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (mount(device, LOWER, types[i], MS_RDONLY | MS_NODEV,
			  NULL) == 0)
			return 0;
		/* Of a kernel that lacks a type, the others say more. */
		if (errno != ENODEV)
			ret = -errno;
	}
	return report(STEP, ret, "%s has neither squashfs nor ext4", device);
}

static int mount_folder(const char *tag)
{
	if (mount(tag, LOWER, "virtiofs", MS_RDONLY | MS_NODEV, NULL) < 0)
		return report(STEP, -errno, "cannot mount " VIRTIOFS "%s", tag);
	return 0;
}

static int mount_lower(const char *device, int64_t deadline)
{
	int ret;

	if (strncmp(device, VIRTIOFS, strlen(VIRTIOFS)) == 0)
		return mount_folder(device + strlen(VIRTIOFS));
	ret = await_disk(device, deadline);
	return ret == 0 ? mount_image(device) : ret;
}

static int mount_overlay(const struct root *root, int64_t deadline)
{
	int ret = mount_lower(root->device, deadline);

	if (ret == 0 && root->scratch)
		ret = await_disk(root->scratch, deadline);
	if (ret < 0)
		return ret;
	if (mount(root->scratch ? root->scratch : "tmpfs", UPPER,
		  root->scratch ? "ext4" : "tmpfs", MS_NODEV, NULL) < 0)
		return report(STEP, -errno, "cannot mount %s",
			      root->scratch ? root->scratch : "memory");
	if (make_folders(UPPER "/data") < 0 || make_folders(UPPER "/work") < 0)
		return report(STEP, -EROFS, "cannot write to %s",
			      root->scratch ? root->scratch : "memory");
	if (mount("overlay", NEW, "overlay", MS_NODEV,
		  "lowerdir=" LOWER ",upperdir=" UPPER "/data,workdir=" UPPER
		  "/work") < 0)
		return report(STEP, -errno, "cannot join image and scratch");
	return 0;
}

/* Removes what is in @folder, on its own file system; closes it. */
static void empty(int folder, dev_t device, int depth)
{
	struct dirent *entry;
	struct stat st;
	DIR *list = fdopendir(folder);

	if (!list) {
		(void)close(folder);
		return;
	}
	while ((entry = readdir(list))) {
		const char *name = entry->d_name;
		int inner;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    st.st_dev != device)
			continue;
		if (!S_ISDIR(st.st_mode)) {
			(void)unlinkat(folder, name, 0);
			continue;
		}
		inner = openat(folder, name,
			       O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
		if (inner >= 0 && depth < DEPTH_MAX)
			empty(inner, device, depth + 1);
		(void)unlinkat(folder, name, AT_REMOVEDIR);
	}
	(void)closedir(list);
}

/* The new root over the old one, which is left empty below it. */
static int switch_root(void)
{
	struct stat st;
	int old = open("/", O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	if (old < 0 || fstat(old, &st) < 0)
		return report(STEP, -errno, "cannot open the first root");
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		(void)umount2(first[i].folder, MNT_DETACH);
	if (chdir(NEW) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
	    chroot(".") < 0 || chdir("/") < 0)
		return report(STEP, -errno, "cannot enter it");
	empty(old, st.st_dev, 0);
	return 0;
}

static int fill_dev(void)
{
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (mknod(nodes[i].path, S_IFCHR | 0666,
			  makedev(nodes[i].major, nodes[i].minor)) < 0 ||
		    chmod(nodes[i].path, 0666) < 0)
			return report(STEP, -errno, "cannot make %s",
				      nodes[i].path);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i].target, links[i].path) < 0)
			return report(STEP, -errno, "cannot make %s",
				      links[i].path);
	return 0;
}

static int share(const struct root *root)
{
	int ret;

	if (!root->share_tag)
		return 0;
	ret = make_folders(root->share_path);
	if (ret == 0 && mount(root->share_tag, root->share_path, "virtiofs",
			      MS_NOSUID | MS_NODEV, NULL) < 0)
		ret = -errno;
	if (ret < 0)
		return report(STEP, ret, "cannot share %s", root->share_path);
	return 0;
}

int root_enter(const struct root *root, int64_t deadline)
{
	int ret;

	if (make_folders(LOWER) < 0 || make_folders(UPPER) < 0 ||
	    make_folders(NEW) < 0)
		return report(STEP, -EROFS, "cannot make folders");
	ret = mount_overlay(root, deadline);
	if (ret == 0)
		ret = switch_root();
	/* Inside, a link of the image's leads nowhere else. */
	for (size_t i = 0; ret == 0 && i < sizeof(own) / sizeof(own[0]); i++)
		ret = mount_at(&own[i]);
	if (ret == 0)
		ret = fill_dev();
	if (ret == 0 && ((mkdir("/tmp", 0) < 0 && errno != EEXIST) ||
			 chmod("/tmp", 01777) < 0))
		ret = report(STEP, -errno, "cannot make /tmp");
	return ret == 0 ? share(root) : ret;
}

int root_seal(void)
{
	for (size_t i = 0; i < sizeof(sealed) / sizeof(sealed[0]); i++)
		if (mount(sealed[i], sealed[i], NULL, MS_BIND, NULL) < 0 ||
		    mount(NULL, sealed[i], NULL,
			  MS_BIND | MS_REMOUNT | MS_RDONLY | PLAIN, NULL) < 0)
			return report(STEP, -errno, "cannot protect %s",
				      sealed[i]);
	return 0;
}
