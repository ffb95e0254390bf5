#include "hardware.h"

#include "rtnetlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

bool hardware_parse(uint8_t bytes[6], const char *text)
{
	uint8_t found[6], any = 0;

	if (strlen(text) != 17)
		return false;
	for (size_t i = 0; i < 6; i++) {
		const char *at = text + 3 * i;

		if (hex(at[0]) < 0 || hex(at[1]) < 0 || (i < 5 && at[2] != ':'))
			return false;
		found[i] = (uint8_t)(hex(at[0]) << 4 | hex(at[1]));
		any |= found[i];
	}
	/* A group's address, or none, is nobody's. */
	if (found[0] & 1 || !any)
		return false;
	memcpy(bytes, found, sizeof(found));
	return true;
}

bool hardware_parse_interface(struct hardware *hardware, char name[IF_NAMESIZE],
			      const char *text)
{
	size_t skip = strlen(HARDWARE_PREFIX);
	struct hardware found = { .known = true };

	if (strncmp(text, HARDWARE_PREFIX, skip) == 0) {
		if (!hardware_parse(found.bytes, text + skip))
			return false;
		*hardware = found;
		name[0] = '\0';
		return true;
	}
	if (text[0] == '\0' || text[0] == '.' || strchr(text, '/') ||
	    strlen(text) >= IF_NAMESIZE)
		return false;
	hardware->known = false;
	memcpy(name, text, strlen(text) + 1);
	return true;
}

int hardware_find(const struct hardware *hardware, char name[IF_NAMESIZE])
{
	struct rtnetlink_link *links, *found = NULL;
	struct rtnetlink rtnetlink;
	int ret = rtnetlink_init(&rtnetlink);
	size_t n;

	if (ret < 0)
		return ret;
	ret = rtnetlink_links(&rtnetlink, &links, &n);
	rtnetlink_done(&rtnetlink);
	if (ret < 0)
		return ret;
	ret = -ENODEV;
	for (size_t i = 0; i < n; i++) {
		if (links[i].hardware_len != sizeof(hardware->bytes) ||
		    memcmp(links[i].hardware, hardware->bytes,
			   sizeof(hardware->bytes)) != 0)
			continue;
		/* Two, as of a bridge and its port, are not one card. */
		ret = found ? -ENOTUNIQ : 0;
		found = &links[i];
	}
	if (ret == 0)
		memcpy(name, found->name, IF_NAMESIZE);
	free(links);
	return ret;
}
