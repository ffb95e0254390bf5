#include "users.h"

#include "files.h"
#include "report.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STEP "user"
#define FILE_MAX (1U << 20)
#define FIELDS_MAX 7

struct text {
	const char *at;
	size_t len;
};

/* Takes what is before the next @separator, or the rest if there is none. */
static struct text take(struct text *rest, char separator)
{
	const char *end =
		rest->len > 0 ? memchr(rest->at, separator, rest->len) : NULL;
	struct text taken = *rest;

	if (end)
		taken.len = (size_t)(end - rest->at);
	rest->at += taken.len + (end ? 1 : 0);
	rest->len -= taken.len + (end ? 1 : 0);
	return taken;
}

/* The fields of a line between colons; false unless there are @n of them. */
static bool split(struct text line, size_t n, struct text *fields)
{
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && !memchr(line.at, ':', line.len))
			return false;
		fields[i] = take(&line, ':');
	}
	return line.len == 0;
}

/* A user's or group's number; -1, which means "leave it", is not one. */
static bool number(struct text text, uint32_t *value)
{
	uint64_t n = 0;

	if (text.len == 0 || text.len > 10)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text.at[i] - '0');
	}
	if (n >= UINT32_MAX)
		return false;
	*value = (uint32_t)n;
	return true;
}

static bool equal(struct text a, struct text b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static bool copy(char *to, size_t cap, struct text from)
{
	if (from.len >= cap || memchr(from.at, '\0', from.len))
		return false;
	memcpy(to, from.at, from.len);
	to[from.len] = '\0';
	return true;
}

/* The first entry with the name @wanted, or with its number; first one wins. */
static bool find_entry(struct text passwd, struct text wanted, bool by_uid,
		       struct text *fields)
{
	uint32_t uid = 0;

	if (by_uid && !number(wanted, &uid))
		return false;
	while (passwd.len > 0) {
		struct text line = take(&passwd, '\n');
		uint32_t at;

		if (!split(line, FIELDS_MAX, fields) || fields[0].len == 0)
			continue;
		if (by_uid ? number(fields[2], &at) && at == uid
			   : equal(fields[0], wanted))
			return true;
	}
	return false;
}

static bool lists(struct text members, struct text name)
{
	while (members.len > 0)
		if (equal(take(&members, ','), name))
			return true;
	return false;
}

static bool find_groups(struct text group, struct user *user)
{
	const struct text name = { user->name, strlen(user->name) };
	struct text fields[4];

	while (group.len > 0) {
		struct text line = take(&group, '\n');
		uint32_t gid;

		if (!split(line, 4, fields) || !lists(fields[3], name))
			continue;
		if (!number(fields[2], &gid) ||
		    user->n_groups == USERS_GROUPS_MAX)
			return false;
		user->groups[user->n_groups++] = gid;
	}
	return true;
}

bool users_find(const char *passwd, size_t passwd_len, const char *group,
		size_t group_len, const char *wanted, struct user *user)
{
	struct text rest = { wanted, strlen(wanted) };
	bool has_gid = memchr(wanted, ':', rest.len);
	struct text who = take(&rest, ':');
	struct text fields[FIELDS_MAX];
	struct user found = { .n_groups = 0 };
	uint32_t uid = 0, gid = 0;
	bool by_uid = number(who, &uid);

	if (who.len == 0 || (has_gid && !number(rest, &gid)))
		return false;
	if (find_entry((struct text){ passwd, passwd_len }, who, by_uid,
		       fields)) {
		uint32_t own_gid;

		if (!number(fields[2], &uid) || !number(fields[3], &own_gid) ||
		    !copy(found.name, sizeof(found.name), fields[0]) ||
		    !copy(found.home, sizeof(found.home), fields[5]))
			return false;
		if (!has_gid) {
			gid = own_gid;
			if (!find_groups((struct text){ group, group_len },
					 &found))
				return false;
		}
	} else if (!by_uid) {
		return false;
	} else if (!has_gid) {
		gid = uid;
	}
	found.uid = uid;
	found.gid = gid;
	*user = found;
	return true;
}

/* A file that is not there is empty. */
static int read_or_empty(const char *path, char **text, size_t *len)
{
	int ret = file_read(path, FILE_MAX, text, len);

	if (ret == -ENOENT) {
		*len = 0;
		*text = calloc(1, 1);
		return *text ? 0 : -ENOMEM;
	}
	if (ret < 0)
		return report(STEP, ret, "cannot read %s", path);
	return 0;
}

int users_look_up(const char *wanted, struct user *user)
{
	char *passwd = NULL;
	char *group = NULL;
	size_t passwd_len, group_len;
	int ret;

	ret = read_or_empty("/etc/passwd", &passwd, &passwd_len);
	if (ret < 0)
		goto out;
	ret = read_or_empty("/etc/group", &group, &group_len);
	if (ret < 0)
		goto out;
	if (!users_find(passwd, passwd_len, group, group_len, wanted, user)) {
		(void)report(STEP, 0, "there is no user %s", wanted);
		ret = -ENOENT;
	}
out:
	free(group);
	free(passwd);
	return ret;
}
