#include "audit_file.h"
#include "chain.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct chain_hash hash_of(const char *text)
{
	struct chain_hash hash;
	struct chain chain;

	assert_int_equal(chain_init(&chain), 0);
	chain_hash(&chain, text, strlen(text), &hash);
	chain_done(&chain);
	return hash;
}

/* FIPS 180-4, the first example. */
static void a_hash_is_sha256_in_hexadecimal(void **state)
{
	struct chain_hash hash = hash_of("abc"), again = { 0 };
	char text[CHAIN_TEXT_MAX];

	(void)state;
	assert_string_equal(
		chain_format(&hash, text),
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(chain_parse(text, strlen(text), &again));
	assert_true(chain_equal(&hash, &again));
	assert_false(chain_parse(text, strlen(text) - 1, &again));
	text[5] = 'G';
	assert_false(chain_parse(text, strlen(text), &again));
	text[5] = 'A';
	assert_false(chain_parse(text, strlen(text), &again));
}

/* --- a file in a folder of its own --- */

struct place {
	char folder[64], path[96];
	struct audit_file file;
};

static void place_make(struct place *place, const char *content)
{
	FILE *out;

	(void)snprintf(place->folder, sizeof(place->folder),
		       "/tmp/sluice-test-chain.XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	(void)snprintf(place->path, sizeof(place->path), "%s/audit.jsonl",
		       place->folder);
	if (content) {
		out = fopen(place->path, "we");
		assert_non_null(out);
		assert_true(fputs(content, out) >= 0);
		assert_int_equal(fclose(out), 0);
	}
	place->file = (struct audit_file){ .path = place->path };
	assert_int_equal(audit_file_open(&place->file), 0);
	assert_true(place->file.plain);
}

static void place_done(struct place *place)
{
	char command[128];

	close(place->file.fd);
	(void)snprintf(command, sizeof(command), "rm -r '%s'", place->folder);
	/* A folder that was made here. NOLINTNEXTLINE */
	assert_int_equal(system(command), 0);
}

static bool is_there(const struct place *place, const char *suffix)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s%s", place->path, suffix);
	return access(path, F_OK) == 0;
}

static void a_record_is_gone_on_with_where_it_ends(void **state)
{
	static const char first[] = "{\"v\":1,\"seq\":7,\"event\":\"start\"}";
	static const char second[] = "{\"v\":1,\"seq\":8,\"event\":\"stop\"}";
	struct chain_hash wanted = hash_of(second);
	struct audit_tail tail = { 0 };
	struct place place;
	char text[256];

	(void)state;
	(void)snprintf(text, sizeof(text), "%s\n%s\n", first, second);
	place_make(&place, text);
	assert_int_equal(audit_file_find_tail(&place.file, &tail), 0);
	assert_int_equal(tail.number, 8);
	assert_int_equal(tail.size, strlen(text));
	assert_true(chain_equal(&tail.hash, &wanted));

	/* The numbers of lines that were lost are not given again. */
	tail.number = 11;
	assert_int_equal(audit_file_find_tail(&place.file, &tail), 0);
	assert_int_equal(tail.number, 11);
	place_done(&place);
}

static void a_line_that_was_cut_short_is_ended(void **state)
{
	static const char whole[] =
		"{\"v\":1,\"seq\":723}\n{\"v\":1,\"seq\":72";
	struct chain_hash wanted = hash_of("{\"v\":1,\"seq\":72");
	struct audit_tail tail = { 0 };
	struct place place;
	struct stat status;

	(void)state;
	place_make(&place, whole);
	assert_int_equal(audit_file_find_tail(&place.file, &tail), 0);
	assert_int_equal(tail.number, 723);
	assert_true(chain_equal(&tail.hash, &wanted));
	assert_int_equal(fstat(place.file.fd, &status), 0);
	assert_int_equal(status.st_size, strlen(whole) + 1);
	assert_int_equal(tail.size, strlen(whole) + 1);
	place_done(&place);
}

static void an_empty_record_has_nothing_before_it(void **state)
{
	struct audit_tail tail = { 0 };
	const struct chain_hash nothing = { 0 };
	struct place place;

	(void)state;
	place_make(&place, NULL);
	assert_int_equal(audit_file_find_tail(&place.file, &tail), 0);
	assert_int_equal(tail.number, 0);
	assert_true(chain_equal(&tail.hash, &nothing));
	place_done(&place);
}

static void files_put_aside_sort_and_the_oldest_go(void **state)
{
	struct audit_tail tail = { .number = 999 };
	struct place place;
	int old;

	(void)state;
	place_make(&place, "x\n");
	place.file.keep = 2;
	old = dup(place.file.fd);
	assert_int_equal(audit_file_rotate(&place.file, &tail), 0);
	assert_true(is_there(&place, ""));
	assert_true(is_there(&place, ".000000000999"));
	/* It is another file, and to be added to as the first was. */
	assert_int_equal(lseek(old, 0, SEEK_END), 2);
	assert_int_equal(lseek(place.file.fd, 0, SEEK_END), 0);
	assert_true(fcntl(place.file.fd, F_GETFL) & O_APPEND);
	close(old);

	tail.number = 1000;
	assert_int_equal(audit_file_rotate(&place.file, &tail), 0);
	tail.number = 1234567890123;
	assert_int_equal(audit_file_rotate(&place.file, &tail), 0);
	assert_false(is_there(&place, ".000000000999"));
	assert_true(is_there(&place, ".000000001000"));
	assert_true(is_there(&place, ".1234567890123"));
	place_done(&place);
}

static void nothing_is_put_over_what_is_there(void **state)
{
	const struct audit_tail tail = { .number = 5 };
	struct place place;
	char path[160];
	int fd, other;

	(void)state;
	place_make(&place, "x\n");
	(void)snprintf(path, sizeof(path), "%s.000000000005", place.path);
	other = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(other >= 0);
	fd = place.file.fd;
	assert_int_equal(audit_file_rotate(&place.file, &tail), -EEXIST);
	assert_int_equal(place.file.fd, fd);
	assert_true(is_there(&place, ""));
	assert_int_equal(lseek(other, 0, SEEK_END), 0);
	close(other);
	place_done(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hash_is_sha256_in_hexadecimal),
		cmocka_unit_test(a_record_is_gone_on_with_where_it_ends),
		cmocka_unit_test(a_line_that_was_cut_short_is_ended),
		cmocka_unit_test(an_empty_record_has_nothing_before_it),
		cmocka_unit_test(files_put_aside_sort_and_the_oldest_go),
		cmocka_unit_test(nothing_is_put_over_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
