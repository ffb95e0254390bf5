/*
 * audit.h - the record: one JSON object per line (sluice-audit(5))
 *
 * Workers and PID 1 hold one end of a socket pair each; the audit process
 * holds the others and the file, numbers the lines and writes them. Where a
 * line cannot be handed over, or the file cannot be written, `blind` is set in
 * memory that all share, and nothing new is admitted until it is clear again:
 * what cannot be recorded does not happen.
 */
#ifndef SLUICE_AUDIT_H
#define SLUICE_AUDIT_H

#include "audit_file.h"
#include "buffer.h"
#include "http/text.h"
#include "policy.h"

#include <stdatomic.h>

#define AUDIT_LINE_MAX 4096    /* bytes, as it is handed over */
#define AUDIT_WRITTEN_MAX 4224 /* with its number and the one before */
#define AUDIT_QUEUE_MAX 262144 /* bytes of lines that a worker keeps */

/* One process's way into the record. */
struct audit {
	int fd;
	unsigned worker;    /* 0 for PID 1 */
	atomic_bool *blind; /* shared by all processes */
	/* Lines the audit process has not taken yet, each after its length. */
	struct buffer queue;
	struct event *writable; /* NULL: lines are not kept */
};

/*
 * Lets a worker keep lines while the audit process is busy. Returns 0 or
 * -ENOMEM. audit_done() hands over what is left, as far as it is taken.
 */
MUST_CHECK int audit_start(struct audit *audit, struct event_base *base);
void audit_done(struct audit *audit);

/* What is zero or NULL is left out of the line. All pointers are borrowed. */
struct audit_event {
	const char *event; /* "connect", "close", "request", "dns", ... */
	uint64_t flow;
	bool judged;          /* verdict and reason stand in the line */
	bool ech, early_data; /* the ClientHello offers it */
	enum verdict verdict;
	enum reason reason;
	const char *refusal; /* its id */
	const char *protocol;
	const struct domain *name;
	const char *asked; /* differing from name; already escaped */
	const char *type;  /* DNS record type */
	const struct address *agent;
	uint16_t agent_port;
	const struct address *address; /* where the agent was headed */
	uint16_t port;
	const struct address *origin;  /* where the gateway connected */
	struct http_text method, path; /* path without its query */
	unsigned status;
	unsigned line;  /* of the manifest */
	uint64_t count; /* of events alike that the line stands for, if > 1 */
	bool counted;   /* the three below stand in the line */
	uint64_t bytes_out, bytes_in;
	uint64_t duration_ms;
	const char *detail;
	const char *allow; /* what in a manifest would help; "" is nothing */
};

/* Returns 0, or -errno with audit->blind set. */
int audit_write(struct audit *audit, const struct audit_event *event);

bool audit_is_blind(const struct audit *audit);

/* What the audit process is born with. */
struct audit_birth {
	int file;
	/* One for each that writes. A descriptor that comes by the last, which
	   is PID 1's, is the file to go on in. */
	const int *channels;
	size_t n_channels;
	atomic_bool *blind;
	/* Where the record ends: in shared memory the next audit process goes
	   on from there, and a line that was lost with this one is a gap. */
	struct audit_tail *tail;
	uint64_t full_size; /* bytes in a file, or 0 */
	int full;           /* an eventfd(2), told when there are so many */
};

/*
 * The audit process's life, from just after fork: isolates itself and writes
 * what comes from the channels to the file until all are closed.
 */
NORETURN void audit_run(const struct audit_birth *birth);

/* Hands the audit process another file to go on in: 0 or -errno. */
MUST_CHECK int audit_turn(const struct audit *audit, int file);

#endif
