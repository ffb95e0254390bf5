#include "hostname.h"

#include "address.h"

#include <idn2.h>
#include <libpsl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && memcmp(text + len - n, end, n) == 0;
}

static bool is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

static bool is_suffix(const char *name, const char *below, int section)
{
	const psl_ctx_t *psl = psl_builtin();

	section |= PSL_TYPE_NO_STAR_RULE;
	return psl_is_public_suffix2(psl, name, section) ||
	       psl_is_public_suffix2(psl, below, section);
}

bool hostname_parse(struct domain_pattern *pattern, const char *text,
		    size_t len)
{
	bool below = len > 2 && text[0] == '*' && text[1] == '.';
	uint8_t *ascii = NULL;
	struct domain base;
	bool sound;

	if (is_ascii(text, len) || memchr(text, '\0', len))
		return domain_pattern_parse(pattern, text, len);
	if (idn2_lookup_u8((const uint8_t *)text + (below ? 2 : 0), &ascii,
			   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	/* Not as a pattern: a wide star must not become a star here. */
	sound = domain_parse(&base, (char *)ascii, strlen((char *)ascii));
	idn2_free(ascii);
	if (sound)
		*pattern = (struct domain_pattern){ base, below };
	return sound;
}

const char *hostname_hint(const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	struct address address;

	if (len == 1 && text[0] == '*')
		return "not everything can be admitted: name the hosts";
	if (memchr(text, '\0', len))
		return "it has a NUL in it";
	if (memmem(text, len, "://", 3) || memchr(text, '/', len))
		return "write the host of the URL alone";
	if (len > 2 && text[0] == '[' && text[len - 1] == ']' &&
	    address_parse(&address, text + 1, len - 2))
		return "an address goes in \"cidr\", without brackets";
	if (colon && !memchr(colon + 1, ':', len - (size_t)(colon + 1 - text)))
		return "a port goes in \"ports\"";
	if (text[0] == '.')
		return "what is below a name is written \"*.example.org\"";
	if (memchr(text, '*', len))
		return "a star stands only as the whole first label, as in \"*.example.org\"";
	if (memchr(text, '@', len))
		return "a host has no user";
	if (ends_with(text, len, ".."))
		return "one final dot is enough";
	if (len > DOMAIN_MAX)
		return "a name has at most 253 characters";
	if (!is_ascii(text, len))
		return "nor does it become one by IDNA";
	return "expected a name such as example.org or \"*.example.org\"";
}

const char *hostname_public_suffix(const struct domain *base)
{
	char below[DOMAIN_MAX + sizeof("any.")];

	(void)snprintf(below, sizeof(below), "any.%s", base->name);
	if (!psl_builtin())
		return "may be a public suffix: the list of them is missing";
	if (is_suffix(base->name, below, PSL_TYPE_ICANN))
		return "is a public suffix";
	if (is_suffix(base->name, below, PSL_TYPE_PRIVATE))
		return "is in the private section of the public suffix list";
	if (!strchr(base->name, '.'))
		return "is a top-level domain";
	return NULL;
}
