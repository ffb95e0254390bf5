#include "control.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

int control_seal(const char *text, size_t len)
{
	int fd = memfd_create("manifest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (fd < 0)
		return -errno;
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			goto fail;
		text += n;
		len -= (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS,
		  F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		goto fail;
	return fd;
fail:
	error = errno;
	close(fd);
	return -error;
}

union control_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int control_send(int fd, int memfd, uint32_t generation,
		 const struct secrets *secrets)
{
	struct secret text = secrets_text(secrets);
	struct iovec iov[2] = {
		{ &generation, sizeof(generation) },
		/* It is only read. NOLINTNEXTLINE */
		{ (void *)(uintptr_t)text.value, text.len },
	};
	union control_space space = { 0 };
	struct msghdr message = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = space.bytes,
		.msg_controllen = sizeof(space.bytes),
	};

	space.align.cmsg_level = SOL_SOCKET;
	space.align.cmsg_type = SCM_RIGHTS;
	space.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&space.align), &memfd, sizeof(int));
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno
								      : 0;
}

/* What came with a message that is none of ours does not stay open. */
static void close_received(struct msghdr *message)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(message); cmsg;
	     cmsg = CMSG_NXTHDR(message, cmsg)) {
		size_t len = cmsg->cmsg_len - CMSG_LEN(0);
		int fd;

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(fd) <= len; at += sizeof(fd)) {
			memcpy(&fd, CMSG_DATA(cmsg) + at, sizeof(fd));
			close(fd);
		}
	}
}

int control_receive(int fd, int *memfd, uint32_t *generation,
		    struct secrets **secrets)
{
	char text[SECRETS_TEXT_MAX];
	uint32_t number;
	struct iovec iov[2] = { { &number, sizeof(number) },
				{ text, sizeof(text) } };
	union control_space space;
	struct msghdr message = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = space.bytes,
		.msg_controllen = sizeof(space.bytes),
	};
	struct secrets *received = NULL;
	struct cmsghdr *cmsg;
	unsigned line;
	const char *why;
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	if (n == 0)
		return 0;
	cmsg = CMSG_FIRSTHDR(&message);
	if (n >= (ssize_t)sizeof(number))
		received = secrets_parse(text, (size_t)n - sizeof(number),
					 &line, &why);
	OPENSSL_cleanse(text, sizeof(text));
	if (!received || message.msg_flags & MSG_TRUNC || !cmsg ||
	    cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(int))) {
		close_received(&message);
		secrets_free(received);
		return -EBADMSG;
	}
	*secrets = received;
	memcpy(memfd, CMSG_DATA(cmsg), sizeof(int));
	*generation = number;
	return 1;
}

void control_acknowledge(int fd, uint32_t generation)
{
	if (send(fd, &generation, sizeof(generation),
		 MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_warn("control: cannot acknowledge: %s", strerror(errno));
}

struct policy *control_read_manifest(int memfd, struct manifest_errors *errors)
{
	struct policy *policy;
	struct stat stat;
	void *text;

	*errors = (struct manifest_errors){ 0 };
	if (fstat(memfd, &stat) < 0 || stat.st_size > MANIFEST_MAX)
		return NULL;
	if (stat.st_size == 0)
		return manifest_parse("", 0, errors);
	text = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, memfd,
		    0);
	if (text == MAP_FAILED)
		return NULL;
	policy = manifest_parse(text, (size_t)stat.st_size, errors);
	munmap(text, (size_t)stat.st_size);
	return policy;
}
