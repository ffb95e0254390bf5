/*
 * terminal.h - what a process may not do to the terminal it shares
 *
 * The agent keeps the terminal of whoever started it. With TIOCSTI it could
 * type there, and the shell outside would read that when the agent has ended:
 * a way out of any namespace (CVE-2017-5226 is that bug in bubblewrap).
 */
#ifndef SLUICE_TERMINAL_H
#define SLUICE_TERMINAL_H

#include "attributes.h"

/*
 * From here on this process and its descendants get EPERM for TIOCSTI and
 * TIOCLINUX. Returns 0 or -errno. Needs CAP_SYS_ADMIN in its user namespace.
 */
MUST_CHECK int terminal_seal(void);

#endif
