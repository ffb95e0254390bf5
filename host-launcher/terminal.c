#include "terminal.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* The kernel looks at the low half of ioctl(2)'s request alone. */
static int refuse_ioctl(scmp_filter_ctx filter, unsigned long request)
{
	return seccomp_rule_add(
		filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
		SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffUL, request));
}

/* The other system call tables through which the same kernel is reached. */
static int add_architectures(scmp_filter_ctx filter)
{
	static const uint32_t others[] = {
#if defined(__x86_64__)
		SCMP_ARCH_X86,
		SCMP_ARCH_X32,
#elif defined(__aarch64__)
		SCMP_ARCH_ARM,
#endif
		SCMP_ARCH_NATIVE,
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(others) / sizeof(others[0]);
	     i++) {
		err = seccomp_arch_add(filter, others[i]);
		if (err == -EEXIST)
			err = 0;
	}
	return err;
}

int terminal_seal(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err;

	if (!filter)
		return -ENOMEM;
	/* Whether the agent may gain privileges is sluice-init's business. */
	err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	if (!err)
		err = add_architectures(filter);
	if (!err)
		err = refuse_ioctl(filter, TIOCSTI);
	if (!err)
		err = refuse_ioctl(filter, TIOCLINUX);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
