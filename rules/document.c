#include "document.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define CHUNK_SIZE 65536

/* Memory for nodes and texts, all freed together. */
struct chunk {
	struct chunk *next;
	size_t used, cap;
	alignas(max_align_t) unsigned char bytes[];
};

struct builder {
	struct document *document;
	struct mistakes *mistakes;
	struct node *open[DOCUMENT_DEPTH_MAX]; /* from the root inwards */
	size_t depth;
};

static void *take(struct document *document, size_t size)
{
	struct chunk *chunk = document->chunks;
	void *taken;
	size_t cap;

	size = (size + alignof(max_align_t) - 1) & -alignof(max_align_t);
	if (!chunk || chunk->cap - chunk->used < size) {
		cap = size > CHUNK_SIZE ? size : CHUNK_SIZE;
		chunk = malloc(sizeof(*chunk) + cap);
		if (!chunk)
			return NULL;
		chunk->next = document->chunks;
		chunk->used = 0;
		chunk->cap = cap;
		document->chunks = chunk;
	}
	taken = chunk->bytes + chunk->used;
	chunk->used += size;
	return memset(taken, 0, size);
}

/* Where the reader stopped, which libyaml gives in bytes only. */
static void place_of_byte(const char *text, size_t offset, size_t *line,
			  size_t *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < offset; i++) {
		/* Columns count characters: not UTF-8's continuation bytes. */
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			++*column;
		if (text[i] == '\n') {
			++*line;
			*column = 1;
		}
	}
}

static void report_syntax(const yaml_parser_t *parser, const char *text,
			  size_t len, struct mistakes *mistakes)
{
	const char *problem = parser->problem ? parser->problem : "not YAML";
	const char *context = parser->context ? parser->context : "";
	const char *hint = "";
	size_t line = parser->problem_mark.line + 1;
	size_t column = parser->problem_mark.column + 1;

	switch (parser->error) {
	case YAML_MEMORY_ERROR:
		mistakes->out_of_memory = true;
		return;
	case YAML_READER_ERROR:
		place_of_byte(text,
			      parser->problem_offset < len
				      ? parser->problem_offset
				      : len,
			      &line, &column);
		break;
	case YAML_NO_ERROR:
	case YAML_SCANNER_ERROR:
	case YAML_PARSER_ERROR:
	case YAML_COMPOSER_ERROR:
	case YAML_WRITER_ERROR:
	case YAML_EMITTER_ERROR:
	default:
		break;
	}
	/* By far the most common way to get here. */
	if (strcmp(context, "while scanning an alias") == 0)
		hint = "; a wildcard goes in quotes: \"*.example.org\"";
	else if (strcmp(problem,
			"found character that cannot start any token") == 0)
		hint = "; indent with spaces, and put unusual text in quotes";
	mistakes_add(mistakes, line, column, "%s%s%s%s", context,
		     *context ? ": " : "", problem, hint);
}

static struct node *node_new(struct builder *builder, enum node_kind kind,
			     const yaml_event_t *event)
{
	size_t line = event->start_mark.line + 1;
	size_t column = event->start_mark.column + 1;
	struct node *node;

	if (++builder->document->n_nodes > DOCUMENT_NODES_MAX) {
		mistakes_add(builder->mistakes, line, column,
			     "more than %u values", DOCUMENT_NODES_MAX);
		return NULL;
	}
	node = take(builder->document, sizeof(*node));
	if (!node) {
		builder->mistakes->out_of_memory = true;
		return NULL;
	}
	node->kind = kind;
	node->line = line;
	node->column = column;
	return node;
}

static void attach(struct builder *builder, struct node *node)
{
	struct node *parent;

	if (builder->depth == 0) {
		builder->document->root = node;
		return;
	}
	parent = builder->open[builder->depth - 1];
	if (parent->kind == NODE_MAP && parent->last && !parent->last->value) {
		parent->last->value = node;
		return;
	}
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
}

static bool add_alias(struct builder *builder, const yaml_event_t *event)
{
	struct node *node = node_new(builder, NODE_ALIAS, event);

	if (!node)
		return false;
	node->flaw = "an alias";
	node->closed = true;
	attach(builder, node);
	return true;
}

static bool add_scalar(struct builder *builder, const yaml_event_t *event)
{
	struct node *node = node_new(builder, NODE_SCALAR, event);
	size_t len = event->data.scalar.length;
	char *text;

	if (!node)
		return false;
	text = take(builder->document, len + 1);
	if (!text) {
		builder->mistakes->out_of_memory = true;
		return false;
	}
	memcpy(text, event->data.scalar.value, len);
	node->text = text;
	node->len = len;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->flaw = event->data.scalar.anchor ? "an anchor"
		     : event->data.scalar.tag  ? "a tag"
					       : NULL;
	node->closed = true;
	attach(builder, node);
	return true;
}

static bool open_node(struct builder *builder, enum node_kind kind,
		      const yaml_event_t *event, const void *anchor,
		      const void *tag)
{
	struct node *node = node_new(builder, kind, event);

	if (!node)
		return false;
	if (builder->depth >= DOCUMENT_DEPTH_MAX) {
		mistakes_add(builder->mistakes, node->line, node->column,
			     "nested more than %d levels deep",
			     DOCUMENT_DEPTH_MAX);
		return false;
	}
	node->flaw = anchor ? "an anchor" : tag ? "a tag" : NULL;
	attach(builder, node);
	builder->open[builder->depth++] = node;
	return true;
}

static bool start_document(struct builder *builder, const yaml_event_t *event)
{
	size_t line = event->start_mark.line + 1;
	size_t column = event->start_mark.column + 1;

	if (builder->document->root) {
		mistakes_add(
			builder->mistakes, line, column,
			"a further document begins here; one file holds one manifest");
		return false;
	}
	if (event->data.document_start.version_directive ||
	    event->data.document_start.tag_directives.start !=
		    event->data.document_start.tag_directives.end)
		mistakes_add(builder->mistakes, line, column,
			     "directives (%%YAML, %%TAG) are not accepted");
	return true;
}

/* Returns false where reading ends. */
static bool build(struct builder *builder, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_STREAM_END_EVENT:
		return false;
	case YAML_DOCUMENT_START_EVENT:
		return start_document(builder, event);
	case YAML_ALIAS_EVENT:
		return add_alias(builder, event);
	case YAML_SCALAR_EVENT:
		return add_scalar(builder, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_node(builder, NODE_LIST, event,
				 event->data.sequence_start.anchor,
				 event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_node(builder, NODE_MAP, event,
				 event->data.mapping_start.anchor,
				 event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		assert(builder->depth > 0);
		builder->open[--builder->depth]->closed = true;
		return true;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	default:
		return true;
	}
}

void document_read(struct document *document, const char *text, size_t len,
		   struct mistakes *mistakes)
{
	struct builder builder = {
		.document = document,
		.mistakes = mistakes,
	};
	yaml_parser_t parser;
	yaml_event_t event;
	bool more = true;

	*document = (struct document){ 0 };
	if (!yaml_parser_initialize(&parser)) {
		mistakes->out_of_memory = true;
		return;
	}
	/* Said, not guessed: text that reads as UTF-16 too has two readings. */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (more) {
		if (!yaml_parser_parse(&parser, &event)) {
			report_syntax(&parser, text, len, mistakes);
			break;
		}
		more = build(&builder, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

void document_done(struct document *document)
{
	struct chunk *chunk = document->chunks;

	while (chunk) {
		struct chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	*document = (struct document){ 0 };
}
