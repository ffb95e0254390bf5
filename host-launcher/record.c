#include "record.h"

#include <string.h>

bool record_read(FILE *file, bool at_end, struct record_line *line)
{
	long begin = ftell(file);
	int c = EOF;

	*line = (struct record_line){ 0 };
	while ((c = getc(file)) != EOF && c != '\n') {
		if (line->len < sizeof(line->bytes))
			line->bytes[line->len++] = (char)c;
		else
			line->too_long = true;
	}
	if (c == '\n')
		return true;
	clearerr(file);
	line->cut = true;
	if (at_end)
		return line->len > 0;
	/* The rest of it is still to be written. */
	(void)fseek(file, begin, SEEK_SET);
	return false;
}

json_t *record_parse(const struct record_line *line)
{
	json_t *root;

	if (line->too_long)
		return NULL;
	root = json_loadb(line->bytes, line->len, JSON_REJECT_DUPLICATES, NULL);
	if (root && !json_is_object(root)) {
		json_decref(root);
		root = NULL;
	}
	return root;
}

int record_check_init(struct record_check *check,
		      const struct chain_hash *wanted)
{
	*check = (struct record_check){ 0 };
	if (wanted) {
		check->wanted = *wanted;
		check->is_wanted = true;
	}
	return chain_init(&check->chain);
}

void record_check_done(struct record_check *check)
{
	chain_done(&check->chain);
}

/* What the line says of its place: NULL, or why it says nothing. */
static const char *place_of(const struct record_line *line, uint64_t *number,
			    struct chain_hash *before)
{
	json_t *root = record_parse(line);
	const json_t *seq = json_object_get(root, "seq");
	const json_t *prev = json_object_get(root, "prev");
	const char *why = NULL;

	if (!root && line->cut)
		why = "is not whole: the file ends in it";
	else if (!root)
		why = "is no line of a record, or not all of one";
	else if (!json_is_integer(seq) || json_integer_value(seq) < 1)
		why = "has no number";
	else if (!json_is_string(prev) ||
		 !chain_parse(json_string_value(prev), json_string_length(prev),
			      before))
		why = "does not name the line before it";
	else
		*number = (uint64_t)json_integer_value(seq);
	json_decref(root);
	return why;
}

static enum record_finding judge(struct record_check *check, uint64_t number,
				 const struct chain_hash *before,
				 const char **why)
{
	if (check->lines == 0)
		return RECORD_FOLLOWS;
	if (!chain_equal(before, &check->last)) {
		*why = "does not follow on the line before it: one of the two "
		       "was changed, or some between them are gone";
		return RECORD_BROKEN;
	}
	if (number <= check->number) {
		*why = "has a number that another line had";
		return RECORD_BROKEN;
	}
	if (check->number > 0)
		check->lost += number - check->number - 1;
	return RECORD_FOLLOWS;
}

enum record_finding record_check_line(struct record_check *check,
				      const struct record_line *line,
				      const char **why)
{
	enum record_finding finding = RECORD_ODD;
	struct chain_hash before;
	uint64_t number;

	*why = place_of(line, &number, &before);
	if (!*why) {
		finding = judge(check, number, &before, why);
		if (check->first == 0)
			check->first = number;
		check->number = number;
	}
	chain_hash(&check->chain, line->bytes, line->len, &check->last);
	check->lines++;
	if (check->is_wanted && chain_equal(&check->last, &check->wanted))
		check->found = true;
	return finding;
}
