#include "folders.h"

#include "complain.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

int folders_make(char *path)
{
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		int err = 0;

		*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			err = complain_errno(path, errno);
		*slash = '/';
		if (err)
			return err;
	}
	return 0;
}
