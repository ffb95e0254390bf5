#include "commands.h"
#include "complain.h"
#include "image.h"
#include "own_images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] = "usage: sluice image disk IMAGE|FOLDER [FILE]\n"
			    "       sluice image show IMAGE\n";

static int print_done(void)
{
	if (fflush(stdout) == 0)
		return 0;
	complain("cannot write");
	return EXIT_LAUNCHER;
}

/* It takes the place of a file when it is whole. */
static int to_file(const struct image *image, const char *path)
{
	char unfinished[PATH_MAX];
	struct stat status;
	int n = snprintf(unfinished, sizeof(unfinished), "%s.new-XXXXXX", path);
	int err;
	int fd;

	if (n < 0 || (size_t)n >= sizeof(unfinished))
		return complain_errno(path, ENAMETOOLONG);
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		complain("%s: is there, and no file", path);
		return -EEXIST;
	}
	fd = mkostemp(unfinished, O_CLOEXEC);
	if (fd < 0)
		return complain_errno(path, errno);
	(void)close(fd);
	err = image_to_disk(image, unfinished);
	if (!err && rename(unfinished, path) < 0)
		err = complain_errno(path, errno);
	if (err)
		(void)unlink(unfinished);
	return err;
}

static int disk(const struct image *image, const char *file)
{
	char path[PATH_MAX];
	int err;

	if (file)
		return to_file(image, file) ? EXIT_LAUNCHER : 0;
	if (!image->store) {
		complain("%s: is a folder: say which file its disk is to be",
			 image->path);
		return EXIT_USAGE;
	}
	err = image_to_cache(image, path);
	if (err)
		return EXIT_LAUNCHER;
	(void)printf("%s\n", path);
	return print_done();
}

/* Control characters would be the terminal's to obey. */
static void print_text(const char *what, const char *text)
{
	(void)printf("%-14s", what);
	for (; *text != '\0'; text++)
		if (*text < ' ' && *text >= 0)
			(void)printf("\\%03o", (unsigned char)*text);
		else
			(void)putchar(*text);
	(void)putchar('\n');
}

static void print_words(const char *what, char *const *words)
{
	for (; *words; words++)
		print_text(what, *words);
}

static int show(const struct image *image)
{
	const struct image_config *config = &image->config;

	if (!image->store) {
		complain("%s: is a folder, and no image", image->path);
		return EXIT_FAILURE;
	}
	print_text("id", image->id);
	print_text("architecture", config->architecture);
	(void)printf("%-14s%zu\n", "layers", image->parts.n_layers);
	print_text("user", config->user);
	print_text("folder", config->working_folder);
	print_words("entrypoint", config->entrypoint);
	print_words("command", config->command);
	print_words("environment", config->environment);
	return print_done();
}

static int with_image(int argc, char **argv)
{
	bool is_disk = strcmp(argv[1], "disk") == 0;
	struct image image;
	int status = EXIT_LAUNCHER;

	if (!is_disk && argc != 3) {
		(void)fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (image_open(argv[2], &image) == 0)
		status = is_disk ? disk(&image, argc > 3 ? argv[3] : NULL)
				 : show(&image);
	image_close(&image);
	return status;
}

int image_command(int argc, char **argv)
{
	const char *what = argc == 3 || argc == 4 ? argv[1] : "";

	if (strcmp(what, "disk") == 0 || strcmp(what, "show") == 0)
		return with_image(argc, argv);
	if (argc == 3 && strcmp(what, "gateway") == 0)
		return own_images_gateway(argv[2]) ? EXIT_LAUNCHER : 0;
	if (argc == 3 && strcmp(what, "init") == 0)
		return own_images_init(argv[2]) ? EXIT_LAUNCHER : 0;
	(void)fputs(usage, stderr);
	return EXIT_USAGE;
}
