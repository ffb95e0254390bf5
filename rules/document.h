/*
 * document.h - YAML text to a tree whose every node knows its place
 *
 * One document, within limits. What YAML has and manifests do not (anchors,
 * aliases, tags) is kept as a flaw of the node, for whoever reads that node
 * to report: a bottle's other keys may hold what they like.
 *
 * After a syntax error the tree holds what came before it, so that the other
 * mistakes there are reported too. Nodes that it cut off are not @closed.
 */
#ifndef SLUICE_DOCUMENT_H
#define SLUICE_DOCUMENT_H

#include "mistakes.h"

#include <stdbool.h>
#include <stddef.h>

#define DOCUMENT_DEPTH_MAX 32
#define DOCUMENT_NODES_MAX (1u << 20)

enum node_kind {
	NODE_ALIAS = 0,
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP,
};

struct node {
	enum node_kind kind;
	bool plain;       /* a scalar without quotes */
	bool closed;      /* its end has been read */
	const char *flaw; /* "an anchor", or NULL */
	size_t line, column;
	const char *text; /* of a scalar: NUL-terminated, may hold others */
	size_t len;
	struct node *first, *last; /* items of a list, keys of a map */
	struct node *next;
	struct node *value; /* of a key; NULL only where the text was cut off */
};

struct document {
	struct node *root; /* NULL if there is nothing */
	struct chunk *chunks;
	size_t n_nodes;
};

/* Never fails: what is wrong is added to @mistakes. */
void document_read(struct document *document, const char *text, size_t len,
		   struct mistakes *mistakes);

void document_done(struct document *document);

#endif
