/*
 * hardware.h - network cards by their hardware addresses
 *
 * Names depend on the order in which drivers find the cards. Who makes a
 * virtual machine or a container gives each of its cards an address of its
 * own, which stays.
 */
#ifndef SLUICE_HARDWARE_H
#define SLUICE_HARDWARE_H

#include "attributes.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define HARDWARE_PREFIX "mac=" /* what stands before one in place of a name */

struct hardware {
	bool known;
	uint8_t bytes[6];
};

/* "52:54:00:77:00:01"; one that a single card can have. */
MUST_CHECK bool hardware_parse(uint8_t bytes[6], const char *text);

/*
 * An interface as an option names it: by its name, or by what is behind
 * "mac=", in which case @name becomes empty, and hardware_find() fills it.
 * The name is one that can be a part of a path.
 */
MUST_CHECK bool hardware_parse_interface(struct hardware *hardware,
					 char name[IF_NAMESIZE],
					 const char *text);

/* The name of the one interface with this address, or -ENODEV. */
MUST_CHECK int hardware_find(const struct hardware *hardware,
			     char name[IF_NAMESIZE]);

#endif
