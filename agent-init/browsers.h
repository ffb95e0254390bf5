/*
 * browsers.h - tells browsers of the gateway's certificate authority
 *
 * Chromium and Firefox read no bundle and no variable, but both take a
 * certificate from an administrator's policy, a file below /etc or beside the
 * program. It is written for the browsers whose folder is there, and nobody
 * needs it who has none: nothing here can fail.
 *
 * Chromium and its kin read every file of their folder, so that ours can stand
 * beside others. Firefox reads a single one; if that is somebody else's it is
 * left as it is.
 */
#ifndef SLUICE_BROWSERS_H
#define SLUICE_BROWSERS_H

#include <stddef.h>

/* The certificate as it was received, and the file that it is in by now. */
void browsers_trust(const char *pem, size_t len, const char *path);

#endif
