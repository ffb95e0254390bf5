#include "binary.h"
#include "libraries.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct libraries libraries;
static char missing[LIBRARIES_PATH_MAX];

static void libraries_go_beside_the_c_library(void **state)
{
	(void)state;
	assert_true(libraries_parse(
		"\tlinux-vdso.so.1 (0x00007f0000000000)\n"
		"\tlibyaml-0.so.2 => /opt/with space/libyaml-0.so.2"
		" (0x00007f0000001000)\n"
		"\t/opt/libabs.so => /opt/libabs.so (0x00007f0000001500)\n"
		"\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6"
		" (0x00007f0000002000)\n"
		"\t/lib64/ld-linux-x86-64.so.2 (0x00007f0000003000)\n",
		"/lib64/ld-linux-x86-64.so.2", &libraries, missing));
	assert_int_equal(libraries.n, 4);
	assert_string_equal(libraries.list[0].path,
			    "/lib64/ld-linux-x86-64.so.2");
	assert_string_equal(libraries.list[1].path,
			    "/lib/x86_64-linux-gnu/libyaml-0.so.2");
	assert_string_equal(libraries.list[1].from,
			    "/opt/with space/libyaml-0.so.2");
	assert_string_equal(libraries.list[2].path, "/opt/libabs.so");
	assert_string_equal(libraries.list[3].path,
			    "/lib/x86_64-linux-gnu/libc.so.6");
}

static void musl_is_its_own_c_library(void **state)
{
	(void)state;
	assert_true(libraries_parse(
		"\t/lib/ld-musl-x86_64.so.1 (0x7f0000000000)\n"
		"\tlibz.so.1 => /usr/lib/libz.so.1 (0x7f0000001000)\n"
		"\tlibc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1"
		" (0x7f0000000000)\n",
		"/lib/ld-musl-x86_64.so.1", &libraries, missing));
	assert_int_equal(libraries.n, 3);
	assert_string_equal(libraries.list[1].path, "/lib/libz.so.1");
	assert_string_equal(libraries.list[2].path,
			    "/lib/libc.musl-x86_64.so.1");
}

static void a_missing_library_is_named(void **state)
{
	(void)state;
	assert_false(libraries_parse("\tlibgone.so.1 => not found\n", "/ld",
				     &libraries, missing));
	assert_string_equal(missing, "libgone.so.1");
	assert_false(libraries_parse("nonsense\n", "/ld", &libraries, missing));
	assert_string_equal(missing, "");
	/* Where would it go? */
	assert_false(libraries_parse("\tliba.so => /a/liba.so (0x1)\n", "/ld",
				     &libraries, missing));
	assert_false(libraries_parse("\tliba.so => liba.so (0x1)\n", "/ld",
				     &libraries, missing));
}

/* The loader, the C library, and others. */
static bool libraries_of(int n_others)
{
	char text[(LIBRARIES_MAX + 1) * 40] =
		"libc.so.6 => /l/libc.so.6 (0x1)\n";
	size_t len = strlen(text);

	for (int i = 0; i < n_others; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"a => /l/a (0x1)\n");
	return libraries_parse(text, "/ld", &libraries, missing);
}

static void libraries_are_limited(void **state)
{
	(void)state;
	assert_true(libraries_of(LIBRARIES_MAX - 2));
	assert_int_equal(libraries.n, LIBRARIES_MAX);
	assert_false(libraries_of(LIBRARIES_MAX - 1));
}

static void our_own_libraries_are_found(void **state)
{
	char program[512] = "";

	(void)state;
	assert_true(readlink("/proc/self/exe", program, sizeof(program) - 1) >
		    0);
	assert_int_equal(libraries_find(program, &libraries), 0);
	assert_true(libraries.n >= 3);
	for (size_t i = 0; i < libraries.n; i++)
		assert_int_equal(libraries.list[i].path[0], '/');
}

/* A program of two segments: the first is all, the second its interpreter. */
struct program {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	char interpreter[8];
	char symbols[100]; /* never loaded */
};

static struct program make_program(void)
{
	struct program program = {
		.header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
					 ELFDATA2LSB, EV_CURRENT },
			    .e_machine = EM_AARCH64,
			    .e_phoff = offsetof(struct program, segments),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 2,
			    .e_shoff = offsetof(struct program, symbols),
			    .e_shnum = 1 },
		.segments = { { .p_type = PT_LOAD,
				.p_filesz = offsetof(struct program, symbols) },
			      { .p_type = PT_INTERP,
				.p_offset =
					offsetof(struct program, interpreter),
				.p_filesz = 7 } },
		.interpreter = "/lib/ld",
	};

	program.segments[1].p_filesz = 8;
	return program;
}

static void a_program_says_what_it_is(void **state)
{
	struct program program = make_program();
	struct binary binary;

	(void)state;
	assert_true(binary_parse(&program, sizeof(program), &binary));
	assert_string_equal(binary.architecture, "arm64");
	assert_string_equal(binary.interpreter, "/lib/ld");
	assert_int_equal(binary.loaded_len, offsetof(struct program, symbols));
	assert_int_equal(binary_strip(&program, &binary), binary.loaded_len);
	assert_int_equal(program.header.e_shoff, 0);
	assert_int_equal(program.header.e_shnum, 0);
	assert_int_equal(program.header.e_phnum, 2);
	/* And is still a program. */
	assert_true(binary_parse(&program, binary.loaded_len, &binary));
	assert_false(binary_parse(&program, binary.loaded_len - 1, &binary));
}

static void what_is_no_program_is_refused(void **state)
{
	struct program program;
	struct binary binary;

	(void)state;
#define REFUSED(change)                                                    \
	do {                                                               \
		program = make_program();                                  \
		change;                                                    \
		assert_false(                                              \
			binary_parse(&program, sizeof(program), &binary)); \
	} while (0)
	REFUSED(program.header.e_ident[EI_CLASS] = ELFCLASS32);
	REFUSED(program.header.e_ident[EI_DATA] = ELFDATA2MSB);
	REFUSED(program.header.e_machine = EM_386);
	REFUSED(program.header.e_phnum = 0);
	REFUSED(program.header.e_phnum = BINARY_SEGMENTS_MAX + 1);
	REFUSED(program.header.e_phentsize = 32);
	REFUSED(program.header.e_phoff = UINT64_MAX - 8);
	REFUSED(program.header.e_phoff = sizeof(program) - 8);
	REFUSED(program.segments[0].p_filesz = sizeof(program) + 1);
	REFUSED(program.segments[0].p_offset = UINT64_MAX);
	REFUSED(program.segments[1].p_offset = UINT64_MAX - 4);
	/* On what is about to be stripped. */
	REFUSED(program.header.e_phoff = 8);
	REFUSED(memcpy((char *)&program + 40, "/lib/ld", 8);
		program.segments[1].p_offset = 40);
	REFUSED(program.segments[1].p_filesz = 7);
	REFUSED(program.segments[1].p_filesz = 100);
	REFUSED(program.interpreter[0] = 'l');
	REFUSED(program.interpreter[3] = '\0');
#undef REFUSED
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libraries_go_beside_the_c_library),
		cmocka_unit_test(musl_is_its_own_c_library),
		cmocka_unit_test(a_missing_library_is_named),
		cmocka_unit_test(libraries_are_limited),
		cmocka_unit_test(our_own_libraries_are_found),
		cmocka_unit_test(a_program_says_what_it_is),
		cmocka_unit_test(what_is_no_program_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
