#include "binary.h"

#include "cursor.h"

#include <elf.h>
#include <string.h>

#define FIELD(type, member) \
	offsetof(type, member), sizeof(((const type *)NULL)->member)

/* The number of @n bytes at @at, least significant first; 0 if outside. */
static uint64_t number(struct cursor file, size_t at, size_t n)
{
	const uint8_t *bytes;
	uint64_t value = 0;

	(void)cursor_bytes(&file, at);
	bytes = cursor_bytes(&file, n);
	while (bytes && n-- > 0)
		value = value << 8 | bytes[n];
	return value;
}

static const char *architecture_of(uint64_t machine)
{
	switch (machine) {
	case EM_X86_64:
		return "amd64";
	case EM_AARCH64:
		return "arm64";
	case EM_RISCV:
		return "riscv64";
	default:
		return NULL;
	}
}

/* A path, absolute, with the NUL that ends it. */
static bool read_interpreter(struct cursor file, uint64_t at, uint64_t len,
			     struct binary *binary)
{
	const uint8_t *text;

	(void)cursor_bytes(&file, at);
	text = cursor_bytes(&file, len);
	if (!text || at < sizeof(Elf64_Ehdr) || len < 2 ||
	    len > sizeof(binary->interpreter) || text[0] != '/' ||
	    memchr(text, '\0', len) != text + len - 1)
		return false;
	memcpy(binary->interpreter, text, len);
	return true;
}

static bool read_segment(struct cursor file, size_t at, struct binary *binary)
{
	uint64_t type = number(file, at + FIELD(Elf64_Phdr, p_type));
	uint64_t offset = number(file, at + FIELD(Elf64_Phdr, p_offset));
	uint64_t len = number(file, at + FIELD(Elf64_Phdr, p_filesz));

	if (offset > cursor_left(&file) || len > cursor_left(&file) - offset)
		return false;
	if (offset + len > binary->loaded_len)
		binary->loaded_len = offset + len;
	return type != PT_INTERP || read_interpreter(file, offset, len, binary);
}

bool binary_parse(const void *bytes, size_t len, struct binary *binary)
{
	static const uint8_t ident[] = { 0x7f,      'E',        'L',
					 'F',       ELFCLASS64, ELFDATA2LSB,
					 EV_CURRENT };
	struct cursor file = cursor_over(bytes, len);
	struct binary found = { .loaded_len = sizeof(Elf64_Ehdr) };
	uint64_t at, n;

	if (len < sizeof(Elf64_Ehdr) ||
	    memcmp(bytes, ident, sizeof(ident)) != 0)
		return false;
	found.architecture =
		architecture_of(number(file, FIELD(Elf64_Ehdr, e_machine)));
	at = number(file, FIELD(Elf64_Ehdr, e_phoff));
	n = number(file, FIELD(Elf64_Ehdr, e_phnum));
	if (!found.architecture || n == 0 || n > BINARY_SEGMENTS_MAX ||
	    number(file, FIELD(Elf64_Ehdr, e_phentsize)) != sizeof(Elf64_Phdr))
		return false;
	if (at < sizeof(Elf64_Ehdr) || at > len ||
	    n * sizeof(Elf64_Phdr) > len - at)
		return false;
	if (at + n * sizeof(Elf64_Phdr) > found.loaded_len)
		found.loaded_len = at + n * sizeof(Elf64_Phdr);
	for (; n > 0; n--, at += sizeof(Elf64_Phdr))
		if (!read_segment(file, at, &found))
			return false;
	*binary = found;
	return true;
}

size_t binary_strip(void *bytes, const struct binary *binary)
{
	uint8_t *header = bytes;

	memset(header + offsetof(Elf64_Ehdr, e_shoff), 0, sizeof(Elf64_Off));
	/* e_shentsize, e_shnum, e_shstrndx: the last three. */
	memset(header + offsetof(Elf64_Ehdr, e_shentsize), 0,
	       3 * sizeof(Elf64_Half));
	return binary->loaded_len;
}
