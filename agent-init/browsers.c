#include "browsers.h"

#include "files.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define POLICY_MAX (1U << 20)
#define FIREFOX_BEGIN "{\"policies\":{\"Certificates\":{\"Install\":[\""
#define FIREFOX_END "\"]}}}\n"

struct place {
	const char *folder;  /* the browser's, and only it brings that along */
	const char *between; /* what is made below it */
	const char *file;
};

/* Of the policies in several files with one name, the last file's holds. */
static const struct place chromium[] = {
	{ "/etc/chromium", "policies/managed", "sluice.json" },
	{ "/etc/chromium-browser", "policies/managed", "sluice.json" },
	{ "/etc/opt/chrome", "policies/managed", "sluice.json" },
	{ "/etc/opt/edge", "policies/managed", "sluice.json" },
	{ "/etc/brave", "policies/managed", "sluice.json" },
};

/* The first that is there is the one that counts. */
static const struct place firefox[] = {
	{ "/etc/firefox", "policies", "policies.json" },
	{ "/usr/lib/firefox-esr/distribution", "", "policies.json" },
	{ "/usr/lib/firefox/distribution", "", "policies.json" },
	{ "/usr/lib64/firefox/distribution", "", "policies.json" },
	{ "/opt/firefox/distribution", "", "policies.json" },
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void path_of(const struct place *place, char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%s/%s%s%s", place->folder,
		       place->between, *place->between ? "/" : "", place->file);
}

/* What is missing below the browser's own folder, which has to be there. */
static bool make_folders(const struct place *place, char path[PATH_MAX])
{
	char *slash = path + strlen(place->folder);
	struct stat st;

	if (stat(place->folder, &st) < 0)
		return false;
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return false;
		*slash = '/';
	}
	return true;
}

static bool put(const struct place *place, const char *text)
{
	char path[PATH_MAX];

	path_of(place, path);
	return make_folders(place, path) &&
	       file_write(path, text, strlen(text)) == 0;
}

static bool is_somebody_elses(const struct place *place)
{
	char path[PATH_MAX];
	char *text;
	size_t len;
	bool ours;
	int ret;

	path_of(place, path);
	ret = file_read(path, POLICY_MAX, &text, &len);
	if (ret < 0)
		return ret != -ENOENT && ret != -ENOTDIR;
	ours = strncmp(text, FIREFOX_BEGIN, strlen(FIREFOX_BEGIN)) == 0;
	free(text);
	return !ours;
}

/* The base64 of @pem, without the lines around it, and as one. */
static void put_base64(char *to, const char *pem, size_t len)
{
	const char *end = pem + len;

	while (pem < end && *pem != '\n')
		pem++;
	for (; pem < end && *pem != '-'; pem++)
		if (*pem != '\n' && *pem != '\r')
			*to++ = *pem;
	*to = '\0';
}

static void trust_in_chromium(const char *pem, size_t len)
{
	char *base64 = malloc(len + 1);
	char *text = NULL;

	if (!base64)
		return;
	put_base64(base64, pem, len);
	if (asprintf(&text, "{\"CACertificates\": [\"%s\"]}\n", base64) >= 0) {
		for (size_t i = 0; i < N(chromium); i++)
			(void)put(&chromium[i], text);
		free(text);
	}
	free(base64);
}

static void trust_in_firefox(const char *ca)
{
	char text[PATH_MAX + sizeof(FIREFOX_BEGIN FIREFOX_END)];

	for (size_t i = 0; i < N(firefox); i++)
		if (is_somebody_elses(&firefox[i]))
			return;
	(void)snprintf(text, sizeof(text), FIREFOX_BEGIN "%s" FIREFOX_END, ca);
	for (size_t i = 0; i < N(firefox); i++)
		(void)put(&firefox[i], text);
}

void browsers_trust(const char *pem, size_t len, const char *path)
{
	trust_in_chromium(pem, len);
	trust_in_firefox(path);
}
