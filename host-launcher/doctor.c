#include "backend.h"
#include "commands.h"
#include "complain.h"

#include <stdio.h>
#include <stdlib.h>

/* 0 if at least one can run here. */
int doctor_command(int argc, char **argv)
{
	int status = EXIT_FAILURE;

	(void)argv;
	if (argc != 1) {
		(void)fprintf(stderr, "usage: sluice doctor\n");
		return EXIT_USAGE;
	}
	for (size_t i = 0; backends[i]; i++) {
		char why[BACKEND_WHY_MAX] = "ready";
		bool usable = backends[i]->usable(why);

		(void)printf("%-8s %s\n         %s\n", backends[i]->name,
			     backends[i]->summary, why);
		if (usable)
			status = EXIT_SUCCESS;
	}
	return status;
}
