/*
 * runtimes.h - who on this machine trusts the gateway, by trying
 *
 * Every runtime finds its authorities in its own way (trust.h), and images
 * differ. So those that are there are made to connect to one name, over TLS,
 * as the agent would.
 */
#ifndef SLUICE_RUNTIMES_H
#define SLUICE_RUNTIMES_H

#include "users.h"

/*
 * Tries each runtime that is there, as @user or who we are and without a
 * privilege, for a bounded time, and reports what came of it. A line is all
 * that comes of it.
 */
void runtimes_report(const char *host, const struct user *user);

#endif
