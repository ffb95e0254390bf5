#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>

#define PIECE 65536

static int error_of(struct archive *archive)
{
	int err = archive_errno(archive);

	return err > 0 ? -err : -EBADMSG;
}

/* All of the one entry that there is. */
static int read_content(struct archive *archive, char **bytes, size_t *len)
{
	struct archive_entry *entry;
	char *buffer = NULL;
	size_t used = 0, cap = 0;
	int err = 0;

	if (archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return error_of(archive);
	for (;;) {
		la_ssize_t n;

		if (cap - used < PIECE) {
			size_t more = cap > 0 ? 2 * cap : 16 * (size_t)PIECE;
			char *larger = realloc(buffer, more);

			if (!larger) {
				err = -ENOMEM;
				break;
			}
			buffer = larger;
			cap = more;
		}
		n = archive_read_data(archive, buffer + used, cap - used);
		if (n == 0)
			break;
		if (n < 0) {
			err = error_of(archive);
			break;
		}
		used += (size_t)n;
		if (used > UNPACK_MAX) {
			err = -EFBIG;
			break;
		}
	}
	if (err) {
		free(buffer);
		return err;
	}
	*bytes = buffer;
	*len = used;
	return 0;
}

static struct archive *reader(void)
{
	struct archive *archive = archive_read_new();

	if (archive) {
		(void)archive_read_support_filter_all(archive);
		(void)archive_read_support_format_raw(archive);
		(void)archive_read_support_format_empty(archive);
	}
	return archive;
}

static int finish(struct archive *archive, int opened, char **bytes,
		  size_t *len)
{
	int err = opened == ARCHIVE_OK ? read_content(archive, bytes, len)
				       : error_of(archive);

	(void)archive_read_free(archive);
	return err;
}

int unpack_file(const char *path, char **bytes, size_t *len)
{
	struct archive *archive = reader();

	if (!archive)
		return -ENOMEM;
	return finish(archive, archive_read_open_filename(archive, path, PIECE),
		      bytes, len);
}

int unpack_bytes(const void *packed, size_t packed_len, char **bytes,
		 size_t *len)
{
	struct archive *archive = reader();

	if (!archive)
		return -ENOMEM;
	return finish(archive,
		      archive_read_open_memory(archive, packed, packed_len),
		      bytes, len);
}
