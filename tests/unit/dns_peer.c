#include "dns_peer.h"

#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What becomes of a name with that letter; the others are found. */
struct manner {
	bool silent, negative, truncated, of_another;
	uint8_t rcode;
	uint32_t ttl_s; /* of what is found, or the SOA's; 0: no SOA */
};

static struct manner manner_of(char letter)
{
	switch (letter) {
	case 'd':
		return (struct manner){ .silent = true };
	case 'e': /* NXDOMAIN without SOA */
		return (struct manner){ .rcode = 3, .negative = true };
	case 'h':
		return (struct manner){ .ttl_s = 86400 };
	case 'i':
		return (struct manner){ .ttl_s = 1 };
	case 'k': /* NODATA, and for how long */
		return (struct manner){ .negative = true, .ttl_s = 20 };
	case 'l':
		return (struct manner){ .ttl_s = 3600 };
	case 'm':
		return (struct manner){ .ttl_s = INT32_MAX };
	case 'n': /* NXDOMAIN */
		return (struct manner){ .rcode = 3,
					.negative = true,
					.ttl_s = 512 };
	case 'o': /* NODATA */
		return (struct manner){ .negative = true, .ttl_s = 512 };
	case 'p': /* NODATA without SOA */
		return (struct manner){ .negative = true };
	case 'r': /* REFUSED */
		return (struct manner){ .rcode = 5, .negative = true };
	case 's': /* SERVFAIL */
		return (struct manner){ .rcode = 2, .negative = true };
	case 't':
		return (struct manner){ .truncated = true, .ttl_s = 60 };
	case 'v': /* RFC 2181 8: as if it were 0 */
		return (struct manner){ .ttl_s = UINT32_C(1) << 31 };
	case 'w':
		return (struct manner){ .of_another = true, .ttl_s = 60 };
	case 'z':
		return (struct manner){ .ttl_s = 0 };
	default:
		return (struct manner){ .ttl_s = 60 };
	}
}

static size_t put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return 2;
}

static size_t put_record(uint8_t *at, unsigned type, uint32_t ttl_s,
			 const void *data, size_t len)
{
	size_t n = put16(at, 0xc00c); /* the question's name */

	n += put16(at + n, type);
	n += put16(at + n, 1);
	n += put16(at + n, ttl_s >> 16);
	n += put16(at + n, ttl_s & 0xffff);
	n += put16(at + n, (unsigned)len);
	memcpy(at + n, data, len);
	return n + len;
}

static size_t put_soa(uint8_t *at, uint32_t ttl_s)
{
	/* Both names are the root; then the five numbers. */
	uint8_t soa[22] = {
		0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 9
	};

	put16(soa + 18, ttl_s >> 16);
	put16(soa + 20, ttl_s & 0xffff);
	return put_record(at, 6, ttl_s, soa, sizeof(soa));
}

static size_t put_wanted(uint8_t *at, unsigned type, uint32_t ttl_s)
{
	const uint8_t text[6] = { 5, 'h', 'e', 'l', 'l', 'o' };
	const uint8_t v4[4] = { 192, 0, 2, 1 };
	const uint8_t v6[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };

	if (type == 16)
		return put_record(at, type, ttl_s, text, sizeof(text));
	return put_record(at, type, ttl_s, type == 1 ? v4 : v6,
			  type == 1 ? sizeof(v4) : sizeof(v6));
}

size_t dns_peer_answer(const uint8_t *query, size_t len, bool over_tcp,
		       uint8_t *out)
{
	struct manner manner;
	size_t name = 12, n;
	unsigned answers = 0, authorities = 0;

	if (len < 17 || query[12] == 0)
		return 0;
	/* The case of a question is random. */
	manner = manner_of((char)(query[13] | 0x20));
	while (name < len && query[name] != 0)
		name += query[name] + 1u;
	n = name + 5; /* with type and class */
	if (n > len || manner.silent)
		return 0;
	memcpy(out, query, n);
	if (manner.of_another)
		out[14] ^= 1;
	manner.truncated = manner.truncated && !over_tcp;
	if (!manner.negative && !manner.truncated) {
		n += put_wanted(out + n, query[name + 2], manner.ttl_s);
		answers = 1;
	} else if (manner.negative && manner.ttl_s > 0) {
		n += put_soa(out + n, manner.ttl_s);
		authorities = 1;
	}
	put16(out + 2,
	      0x8180u | (manner.truncated ? 0x200u : 0) | manner.rcode);
	put16(out + 6, answers);
	put16(out + 8, authorities);
	put16(out + 10, 0);
	return n;
}

bool dns_peer_leave_network(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	bool left = unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ||
		    unshare(CLONE_NEWNET) == 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	left = left && fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &up) == 0;
	if (fd >= 0)
		close(fd);
	return left;
}
