#include "squashfs.h"

#include "complain.h"
#include "spawn.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKER "tar2sqfs"
#define FOLDER_PACKER "mksquashfs"

struct squashfs {
	struct archive *tar;
	struct archive_entry *entry;
	int out; /* to the program's standard input */
	pid_t pid;
};

/* A socket, for which a reader that is gone is an error and no signal. */
static la_ssize_t send_tar(struct archive *archive, void *data,
			   const void *bytes, size_t len)
{
	const struct squashfs *squashfs = data;
	ssize_t n;

	do
		n = send(squashfs->out, bytes, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		archive_set_error(archive, errno, "%s", strerror(errno));
	return n;
}

static int start_program(const char *const *argv, const char *package, int in,
			 pid_t *pid)
{
	struct spawn spawn = spawn_of(argv);
	int err;

	spawn.mortal = true; /* what it makes is then nobody's */
	spawn.stdio[0] = in;
	spawn.stdio[1] = STDERR_FILENO; /* ours is for what was asked for */
	err = spawn_start(&spawn, pid);
	if (err == -ENOENT)
		complain("%s: not found; it is in the package %s", argv[0],
			 package);
	else if (err)
		(void)complain_errno(argv[0], err);
	return err;
}

static int wait_program(const char *name, pid_t pid)
{
	int status = spawn_wait(pid);

	if (status == 0)
		return 0;
	complain("%s: failed, with status %d", name, status);
	return -EIO;
}

static int start_packer(struct squashfs *squashfs, const char *path, int in)
{
	const char *const argv[] = { PACKER,    "--compressor",
				     "zstd",    "--comp-extra",
				     "level=3", "--no-skip",
				     "--force", "--quiet",
				     path,      NULL };

	return start_program(argv, "squashfs-tools-ng", in, &squashfs->pid);
}

static int tar_failed(struct squashfs *squashfs)
{
	int err = archive_errno(squashfs->tar);

	complain("%s: %s", PACKER, archive_error_string(squashfs->tar));
	return err > 0 ? -err : -EIO;
}

/* Attributes in the one way that the program needs, and no padding. */
static int open_tar(struct squashfs *squashfs)
{
	squashfs->tar = archive_write_new();
	squashfs->entry = archive_entry_new();
	if (!squashfs->tar || !squashfs->entry)
		return complain_errno(PACKER, ENOMEM);
	if (archive_write_set_format_pax(squashfs->tar) != ARCHIVE_OK ||
	    archive_write_set_options(squashfs->tar, "xattrheader=SCHILY") !=
		    ARCHIVE_OK ||
	    archive_write_open(squashfs->tar, squashfs, NULL, send_tar, NULL) !=
		    ARCHIVE_OK)
		return tar_failed(squashfs);
	return 0;
}

int squashfs_start(const char *path, struct squashfs **started)
{
	struct squashfs *squashfs = calloc(1, sizeof(*squashfs));
	int ends[2];
	int err;

	if (!squashfs)
		return complain_errno(PACKER, ENOMEM);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		err = complain_errno("socketpair", errno);
		free(squashfs);
		return err;
	}
	squashfs->out = ends[1];
	err = start_packer(squashfs, path, ends[0]);
	(void)close(ends[0]);
	if (!err)
		err = open_tar(squashfs);
	if (err)
		return squashfs_end(squashfs, err);
	*started = squashfs;
	return 0;
}

static int write_header(struct squashfs *squashfs)
{
	if (archive_write_header(squashfs->tar, squashfs->entry) < ARCHIVE_WARN)
		return tar_failed(squashfs);
	return 0;
}

static __LA_MODE_T file_type(enum merge_kind kind)
{
	switch (kind) {
	case MERGE_FOLDER:
		return AE_IFDIR;
	case MERGE_SYMLINK:
		return AE_IFLNK;
	case MERGE_FIFO:
		return AE_IFIFO;
	case MERGE_FILE:
	case MERGE_DEVICE:
	case MERGE_HARD_LINK:
		break;
	}
	return AE_IFREG;
}

int squashfs_add(struct squashfs *squashfs, const struct merge_entry *entry)
{
	struct archive_entry *to = archive_entry_clear(squashfs->entry);

	archive_entry_copy_pathname(to,
				    *entry->path == '\0' ? "./" : entry->path);
	archive_entry_set_filetype(to, file_type(entry->kind));
	archive_entry_set_perm(to, entry->mode);
	archive_entry_set_uid(to, entry->uid);
	archive_entry_set_gid(to, entry->gid);
	archive_entry_set_mtime(to, entry->mtime_s, 0);
	archive_entry_set_size(to, (la_int64_t)entry->size);
	if (entry->kind == MERGE_SYMLINK)
		archive_entry_copy_symlink(to, entry->target);
	for (size_t i = 0; i < entry->n_xattrs; i++)
		archive_entry_xattr_add_entry(to, entry->xattrs[i].name,
					      entry->xattrs[i].value,
					      entry->xattrs[i].len);
	return write_header(squashfs);
}

int squashfs_write(struct squashfs *squashfs, const void *bytes, size_t len)
{
	if (archive_write_data(squashfs->tar, bytes, len) != (la_ssize_t)len)
		return tar_failed(squashfs);
	return 0;
}

int squashfs_link(struct squashfs *squashfs, const char *path,
		  const char *target)
{
	struct archive_entry *to = archive_entry_clear(squashfs->entry);

	archive_entry_copy_pathname(to, path);
	archive_entry_set_filetype(to, AE_IFREG);
	archive_entry_set_size(to, 0);
	archive_entry_copy_hardlink(to, target);
	return write_header(squashfs);
}

int squashfs_end(struct squashfs *squashfs, int failed)
{
	int err = failed;

	if (squashfs->tar && err)
		(void)archive_write_fail(squashfs->tar);
	else if (squashfs->tar &&
		 archive_write_close(squashfs->tar) != ARCHIVE_OK)
		err = tar_failed(squashfs);
	if (squashfs->tar)
		(void)archive_write_free(squashfs->tar);
	archive_entry_free(squashfs->entry);
	/* It would take a broken stream for a short one, and be content. */
	if (err && squashfs->pid > 0)
		(void)kill(squashfs->pid, SIGKILL);
	(void)close(squashfs->out);
	if (squashfs->pid > 0) {
		int waited = err ? spawn_wait(squashfs->pid)
				 : wait_program(PACKER, squashfs->pid);

		err = err ? err : waited;
	}
	free(squashfs);
	return err;
}

int squashfs_of_folder(const char *folder, const char *path)
{
	const char *const argv[] = { FOLDER_PACKER,
				     folder,
				     path,
				     "-comp",
				     "zstd",
				     "-Xcompression-level",
				     "3",
				     "-quiet",
				     "-no-progress",
				     "-exit-on-error",
				     "-noappend",
				     "-one-file-system",
				     NULL };
	pid_t pid;
	int err = start_program(argv, "squashfs-tools", -1, &pid);

	return err ? err : wait_program(FOLDER_PACKER, pid);
}
