#include "privileges.h"

#include "network.h"
#include "report.h"
#include "rtnetlink.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DROP "privileges"
#define PROOF "proof"
#define CAPABILITIES_MAX 64 /* what two words of 32 hold */
#define SECUREBITS                                                       \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |       \
	 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static int set_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = (uint32_t)keep, .permitted = (uint32_t)keep },
		{ .effective = (uint32_t)(keep >> 32),
		  .permitted = (uint32_t)(keep >> 32) },
	};

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* All that this kernel knows: past the last, it says EINVAL. */
static int drop_bounding(void)
{
	for (unsigned long cap = 0; cap < CAPABILITIES_MAX; cap++) {
		int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (has < 0)
			return cap > 0 && errno == EINVAL ? 0 : -errno;
		if (has && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	}
	return 0;
}

static int set_securebits(void)
{
	if (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == SECUREBITS)
		return 0;
	return prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0) < 0 ? -errno : 0;
}

static int become(const struct user *user)
{
	bool differ = privileges_differ(user);

	if (setgroups(user->n_groups, user->groups) < 0 &&
	    (differ || errno != EPERM))
		return -errno;
	if (!differ)
		return 0;
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return -errno;
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	/* Only a kernel that lies gets here with another answer. */
	return privileges_differ(user) ? -EPERM : 0;
}

bool privileges_differ(const struct user *user)
{
	uid_t uids[3];
	gid_t gids[3];

	if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return true;
	for (size_t i = 0; i < 3; i++)
		if (uids[i] != user->uid || gids[i] != user->gid)
			return true;
	return false;
}

int privileges_drop(const struct user *user, uint64_t keep)
{
	int ret;

	/*
	 * The order: what needs a capability comes before that one goes. The
	 * bounding set and the securebits take CAP_SETPCAP, the ids SETGID
	 * and SETUID. With NO_SETUID_FIXUP set the change of user does not
	 * touch the sets, and the last call clears them for everybody alike.
	 */
	ret = drop_bounding();
	if (ret < 0)
		return report(DROP, ret, "cannot drop the bounding set");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return report(DROP, -errno, "cannot clear the ambient set");
	ret = set_securebits();
	if (ret < 0)
		return report(DROP, ret, "cannot lock the securebits");
	if (user) {
		ret = become(user);
		if (ret < 0)
			return report(DROP, ret,
				      "cannot become user %u, group %u",
				      user->uid, user->gid);
	}
	ret = set_capabilities(keep);
	if (ret < 0)
		return report(DROP, ret, "cannot drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return report(DROP, -errno, "cannot set no_new_privs");
	return 0;
}

static int prove_sets(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return report(PROOF, -errno, "cannot read capabilities");
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (data[i].effective || data[i].permitted ||
		    data[i].inheritable)
			return report(PROOF, -EPERM, "capabilities are left");
	for (unsigned long cap = 0; cap < CAPABILITIES_MAX; cap++) {
		int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (has < 0 && cap > 0 && errno == EINVAL)
			break;
		if (has != 0)
			return report(PROOF, -EPERM,
				      "the bounding set is not empty");
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) !=
		    0)
			return report(PROOF, -EPERM,
				      "the ambient set is not empty");
	}
	if (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != SECUREBITS)
		return report(PROOF, -EPERM, "securebits are not locked");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return report(PROOF, -EPERM, "no_new_privs is not set");
	return 0;
}

/* @error is what an attempt came to, and -EPERM what it should have. */
static int refused(int error, const char *attempt)
{
	if (error == -EPERM)
		return 0;
	if (error < 0)
		(void)report(PROOF, error, "cannot tell if one could %s",
			     attempt);
	else
		(void)report(PROOF, 0, "one can still %s", attempt);
	return -EPERM;
}

static int open_socket(int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		/* What the kernel does not have, nobody can open. */
		return errno == EAFNOSUPPORT ? -EPERM : -errno;
	(void)close(fd);
	return 0;
}

static int become_root(void)
{
	if (geteuid() == 0)
		return -EPERM;
	if (setresuid(0, 0, 0) == 0)
		return 0;
	/* In a user namespace without a root there is nobody to become. */
	return errno == EINVAL ? -EPERM : -errno;
}

static int prove_sockets(void)
{
	int ret;

	ret = refused(open_socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)),
		      "open a packet socket");
	if (ret < 0)
		return ret;
	ret = refused(open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP),
		      "open a raw socket");
	if (ret < 0)
		return ret;
	return refused(open_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6),
		       "open a raw IPv6 socket");
}

static int prove_routes(const struct network *network)
{
	struct rtnetlink rtnetlink;
	struct rtnetlink_link link;
	struct rtnetlink_route route = {
		.to = { .base = { .family = AF_INET } },
		.via = network->gateway,
	};
	int ret;

	ret = rtnetlink_init(&rtnetlink);
	if (ret < 0)
		return report(PROOF, ret, "cannot talk to the kernel");
	ret = rtnetlink_link_find(&rtnetlink, network->interface, &link);
	if (ret < 0) {
		(void)report(PROOF, ret, "cannot find %s", network->interface);
		goto out;
	}
	/*
	 * The same route again, or where the gateway is not known one that
	 * leads nowhere, after all others: if it should work, it harms nothing.
	 */
	route.index = link.index;
	if (!network->gateway.family) {
		route.type = RTN_UNREACHABLE;
		route.metric = UINT32_MAX;
		route.index = 0;
	}
	ret = refused(rtnetlink_route_replace(&rtnetlink, &route),
		      "replace the default route");
	if (ret < 0)
		goto out;
	ret = refused(rtnetlink_link_down(&rtnetlink, link.index),
		      "take the interface down");
out:
	rtnetlink_done(&rtnetlink);
	return ret;
}

int privileges_prove(const struct network *network)
{
	int ret;

	ret = prove_sets();
	if (ret < 0)
		return ret;
	ret = refused(become_root(), "become root");
	if (ret < 0)
		return ret;
	ret = prove_sockets();
	if (ret < 0)
		return ret;
	return prove_routes(network);
}
