#include "resolver.h"

#include "files.h"
#include "report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_symlink(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

int resolver_write(const char *path, const struct address *gateway,
		   const struct address *gateway6)
{
	char text[256], address[INET6_ADDRSTRLEN];
	int len, ret;

	/* With EDNS, refusals can say why (RFC 8914); musl ignores the line. */
	(void)inet_ntop(AF_INET, gateway->bytes, address, sizeof(address));
	len = snprintf(text, sizeof(text), "nameserver %s\n", address);
	if (gateway6) {
		(void)inet_ntop(AF_INET6, gateway6->bytes, address,
				sizeof(address));
		len += snprintf(text + len, sizeof(text) - (size_t)len,
				"nameserver %s\n", address);
	}
	len += snprintf(text + len, sizeof(text) - (size_t)len,
			"options edns0\n");
	ret = file_write(path, text, (size_t)len);
	/*
	 * Images made for systemd-resolved have a link into /run, where
	 * nothing is yet.
	 */
	if (ret == -ENOENT && is_symlink(path) && unlink(path) == 0)
		ret = file_write(path, text, (size_t)len);
	if (ret < 0)
		return report("resolver", ret, "cannot write %s", path);
	return 0;
}
