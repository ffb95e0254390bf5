#include "own_images.h"

#include "binary.h"
#include "complain.h"
#include "contents.h"
#include "layout.h"
#include "libraries.h"
#include "spawn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the gateway looks for it when nobody says. */
#define TRUST "/etc/ssl/certs/ca-certificates.crt"

/* Without what is never loaded: symbols, and what debuggers want. */
static int add_binary(struct layout *layout, const char *path, const char *from,
		      struct binary *binary)
{
	char *bytes;
	size_t len;
	int err = contents_read(from, OWN_IMAGES_PROGRAM_MAX, &bytes, &len);

	if (err)
		return err;
	if (!binary_parse(bytes, len, binary)) {
		complain("%s: is no program for a machine that we know", from);
		free(bytes);
		return -ENOEXEC;
	}
	len = binary_strip(bytes, binary);
	err = layout_file(layout, path, 0755, bytes, len);
	return err ? complain_errno(path, err) : 0;
}

/* The program @name of ours at @path, and its libraries. */
static int add_program(struct layout *layout, const char *name,
		       const char *path, struct binary *program)
{
	struct libraries *libraries = malloc(sizeof(*libraries));
	char from[PATH_MAX];
	struct binary library;
	int err = libraries ? spawn_find(name, from) : -ENOMEM;

	if (err) {
		free(libraries);
		return complain_errno(name, err);
	}
	err = add_binary(layout, path, from, program);
	if (!err)
		err = libraries_find(from, libraries);
	for (size_t i = 0; !err && i < libraries->n; i++)
		err = add_binary(layout, libraries->list[i].path,
				 libraries->list[i].from, &library);
	free(libraries);
	return err;
}

static int add_trust(struct layout *layout)
{
	static const char *const bundles[] = {
		TRUST,                              /* Debian, Arch, Alpine */
		"/etc/pki/tls/certs/ca-bundle.crt", /* Fedora */
		"/etc/ssl/ca-bundle.pem",           /* SUSE */
		"/etc/ssl/cert.pem",                /* macOS and the BSDs */
	};
	char *bytes;
	size_t len;
	int err;

	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
		if (access(bundles[i], F_OK) < 0)
			continue;
		err = contents_read(bundles[i], OWN_IMAGES_TRUST_MAX, &bytes,
				    &len);
		if (!err)
			err = layout_file(layout, TRUST, 0644, bytes, len);
		return err;
	}
	complain(TRUST
		 ": not found, nor a bundle of CA certificates elsewhere");
	return -ENOENT;
}

/* For an engine to mount on, and for the gateway to write to. */
static int add_folders(struct layout *layout)
{
	static const struct {
		const char *path;
		mode_t mode;
	} folders[] = { { "/dev", 0755 },
			{ "/proc", 0755 },
			{ "/run", 0755 },
			{ "/sys", 0755 },
			{ "/tmp", 01777 } };
	int err = 0;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !err;
	     i++)
		err = layout_folder(layout, folders[i].path, folders[i].mode);
	return err ? complain_errno("image", err) : 0;
}

static int add_gateway_files(struct layout *layout)
{
	int err = add_trust(layout);

	return err ? err : add_folders(layout);
}

/* @image lacks its architecture, which is the program's. */
static int write_image(struct layout_image *image,
		       int (*add_more)(struct layout *layout), const char *out)
{
	struct layout *layout = layout_new();
	struct binary program = { 0 };
	int err = layout ? 0 : complain_errno(out, ENOMEM);

	if (!err)
		err = add_program(layout, image->name, image->program,
				  &program);
	if (!err && add_more)
		err = add_more(layout);
	if (!err) {
		image->architecture = program.architecture;
		err = layout_write(layout, image, out);
	}
	layout_free(layout);
	return err;
}

int own_images_gateway(const char *out)
{
	struct layout_image image = {
		.name = "sluice-gateway",
		.version = SLUICE_VERSION,
		.summary = "Egress gateway for AI-agent VMs: the sidecar",
		.program = "/sluice-gateway",
	};

	return write_image(&image, add_gateway_files, out);
}

int own_images_init(const char *out)
{
	struct layout_image image = {
		.name = "sluice-init",
		.version = SLUICE_VERSION,
		.summary = "Egress gateway for AI-agent VMs: the agent's first "
			   "process",
		.program = "/sluice-init",
	};

	return write_image(&image, NULL, out);
}
