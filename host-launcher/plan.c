#include "plan.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An argument vector in the making. */
struct vector {
	const char **argv;
	size_t n, cap;
};

static void add(struct vector *vector, const char *argument)
{
	assert(vector->n + 1 < vector->cap);
	vector->argv[vector->n++] = argument;
	vector->argv[vector->n] = NULL;
}

static void add_option(struct vector *vector, const char *option,
		       const char *value)
{
	add(vector, option);
	add(vector, value);
}

static struct address constant(const char *text)
{
	struct address address = { 0 };
	bool sound = address_parse(&address, text, strlen(text));

	assert(sound);
	return address;
}

static void plan_gateway(struct plan *plan)
{
	const struct plan_options *options = &plan->options;
	struct vector v = { .argv = plan->gateway, .cap = PLAN_ARGV_MAX };

	add(&v, options->gateway_program);
	add_option(&v, "--internal", PLAN_GATEWAY_INTERFACE);
	add_option(&v, "--manifest", options->manifest);
	add_option(&v, "--agent", PLAN_AGENT4);
	add_option(&v, "--agent", PLAN_AGENT6);
	for (size_t i = 0; i < options->n_resolvers; i++)
		add_option(&v, "--resolver", options->resolvers[i]);
	add_option(&v, "--audit", options->audit);
	if (options->trust)
		add_option(&v, "--trust", options->trust);
	if (options->secrets)
		add_option(&v, "--secrets", options->secrets);
	add_option(&v, "--log-level", options->verbose ? "info" : "err");
	add_option(&v, "--ready-fd", plan->ready_fd);
}

static int plan_init(struct plan *plan)
{
	const struct plan_options *options = &plan->options;
	struct vector v = { .cap = PLAN_ARGV_MAX };

	for (char *const *word = options->command; *word; word++)
		v.cap++;
	plan->init = calloc(v.cap, sizeof(*plan->init));
	if (!plan->init)
		return -ENOMEM;

	v.argv = plan->init;
	add(&v, options->init_program);
	add_option(&v, "--gateway", PLAN_GATEWAY4);
	add_option(&v, "--gateway6", PLAN_GATEWAY6);
	add_option(&v, "--interface", PLAN_AGENT_INTERFACE);
	add_option(&v, "--user", plan->user);
	add_option(&v, "--workdir", options->workdir);
	add(&v, "--");
	for (char *const *word = options->command; *word; word++)
		add(&v, *word);
	return 0;
}

int plan_make(const struct plan_options *options, struct plan *plan)
{
	*plan = (struct plan){
		.options = *options,
		.gateway4 = constant(PLAN_GATEWAY4),
		.gateway6 = constant(PLAN_GATEWAY6),
		.agent4 = constant(PLAN_AGENT4),
		.agent6 = constant(PLAN_AGENT6),
	};
	(void)snprintf(plan->user, sizeof(plan->user), "%u:%u", options->uid,
		       options->gid);
	plan_gateway(plan);
	return plan_init(plan);
}

void plan_done(struct plan *plan)
{
	free(plan->init);
	plan->init = NULL;
}

void plan_set_ready_fd(struct plan *plan, int fd)
{
	(void)snprintf(plan->ready_fd, sizeof(plan->ready_fd), "%d", fd);
}

/*
 * pasta would by default forward ports both ways and give the host's loopback
 * an address inside; each of these flags closes one such hole.
 */
void plan_uplink(struct plan *plan, pid_t pid, const char *argv[PLAN_ARGV_MAX])
{
	struct vector v = { .argv = argv, .cap = PLAN_ARGV_MAX };

	(void)snprintf(plan->uplink_pid, sizeof(plan->uplink_pid), "%d", pid);
	add(&v, "pasta");
	add(&v, "--config-net");
	add(&v, "--foreground");
	add(&v, "--quiet");
	add_option(&v, "--tcp-ports", "none");
	add_option(&v, "--udp-ports", "none");
	add_option(&v, "--tcp-ns", "none");
	add_option(&v, "--udp-ns", "none");
	add(&v, "--no-map-gw");
	add_option(&v, "--ns-ifname", PLAN_UPLINK_INTERFACE);
	add(&v, plan->uplink_pid);
}

static bool is_loopback(const struct address *address)
{
	static const uint8_t one[16] = { [15] = 1 };

	return address->family == AF_INET
		       ? address->bytes[0] == 127
		       : memcmp(address->bytes, one, sizeof(one)) == 0;
}

/* The address on a line of "nameserver ADDRESS", if it is one. */
static bool nameserver(const char *line, size_t len, struct address *address)
{
	static const char keyword[] = "nameserver";
	size_t skip = sizeof(keyword) - 1;

	if (len <= skip || memcmp(line, keyword, skip) != 0)
		return false;
	if (line[skip] != ' ' && line[skip] != '\t')
		return false;
	while (skip < len && (line[skip] == ' ' || line[skip] == '\t'))
		skip++;
	return address_parse(address, line + skip,
			     strcspn(line + skip, " \t\r\n#;"));
}

enum plan_resolvers
plan_resolvers_parse(const char *text,
		     char resolvers[PLAN_RESOLVERS_MAX][PLAN_RESOLVER_TEXT_MAX],
		     size_t *n)
{
	enum plan_resolvers found = PLAN_RESOLVERS_NONE;
	struct address address;

	*n = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (nameserver(text, len, &address)) {
			if (is_loopback(&address)) {
				if (found == PLAN_RESOLVERS_NONE)
					found = PLAN_RESOLVERS_LOOPBACK;
			} else if (*n < PLAN_RESOLVERS_MAX) {
				(void)address_format(&address,
						     resolvers[(*n)++]);
				found = PLAN_RESOLVERS_FOUND;
			}
		}
		text += len;
		text += *text == '\n';
	}
	return found;
}

static bool number_parse(const char *text, unsigned long max,
			 unsigned long *number, const char **end)
{
	char *stop;

	/* strtoul(3) would take blanks and signs as well. */
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoul(text, &stop, 10);
	*end = stop;
	return errno == 0 && *number <= max;
}

bool plan_user_parse(const char *text, uid_t *uid, gid_t *gid)
{
	unsigned long user, group;
	const char *end;

	if (!number_parse(text, UINT32_MAX - 1, &user, &end))
		return false;
	group = user;
	if (*end == ':' && !number_parse(end + 1, UINT32_MAX - 1, &group, &end))
		return false;
	if (*end != '\0')
		return false;
	*uid = (uid_t)user;
	*gid = (gid_t)group;
	return true;
}

bool plan_audit_file(const char *xdg_state_home, const char *home,
		     char path[PATH_MAX])
{
	const char *file = "sluice/audit.jsonl";
	int len = -1;

	if (xdg_state_home && xdg_state_home[0] == '/')
		len = snprintf(path, PATH_MAX, "%s/%s", xdg_state_home, file);
	else if (home && home[0] == '/')
		len = snprintf(path, PATH_MAX, "%s/.local/state/%s", home,
			       file);
	return len > 0 && len < PATH_MAX;
}
