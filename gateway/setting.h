/*
 * setting.h - the kernel's settings below /proc/sys, written and read back
 */
#ifndef SLUICE_SETTING_H
#define SLUICE_SETTING_H

#include "attributes.h"

/*
 * Sees to it that the setting at @path is @value: it is written only where it
 * is something else (/proc/sys may be read-only), and then read again. Returns
 * 0 if it is that now, -ENOENT if there is no such setting, -EPERM if the
 * kernel kept another value, or -errno.
 */
MUST_CHECK int setting_keep(const char *path, const char *value);

#endif
