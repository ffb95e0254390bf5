/*
 * hostname.h - host names as people write them in a manifest
 *
 * What domain.h judges has been on the wire and is A-labels. Here are the
 * other spellings, what is often written by mistake, and the wildcards that
 * are wider than their author thinks.
 */
#ifndef SLUICE_HOSTNAME_H
#define SLUICE_HOSTNAME_H

#include "attributes.h"
#include "domain.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * As domain_pattern_parse(), with U-labels turned to A-labels (UTS 46,
 * non-transitional). @text is NUL-terminated, and may hold others.
 */
MUST_CHECK bool hostname_parse(struct domain_pattern *pattern, const char *text,
			       size_t len);

/* What to do about text that hostname_parse() refused. */
const char *hostname_hint(const char *text, size_t len);

/*
 * A wildcard over a public suffix would admit what anybody may register. So
 * would one just above suffixes that the list itself gives as a wildcard:
 * *.compute.amazonaws.com. Says what @base is, "is a public suffix"; NULL if
 * it is nothing of the kind.
 */
const char *hostname_public_suffix(const struct domain *base);

#endif
