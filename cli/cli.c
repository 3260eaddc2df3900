// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

static const struct cli_program *program;

void cli_hold_standard_files(void)
{
	int fd;

	/* open() takes the lowest number that is free */
	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int usage_error(const char *command, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, " (see %s %s%s--help)\n", program->name, command, *command ? " " : "");
	return EXIT_USAGE;
}

static void print_help(FILE *to)
{
	size_t i, width = 0;

	for (i = 0; i < program->n_commands; i++)
		if (strlen(program->commands[i].name) > width)
			width = strlen(program->commands[i].name);
	fprintf(to, "Usage: %s COMMAND [OPTIONS]\n\n%s\n", program->name, program->about);
	for (i = 0; i < program->n_commands; i++)
		fprintf(to, "  %-*s  %s\n", (int)width, program->commands[i].name,
			program->commands[i].what);
	fprintf(to,
		"\n%s COMMAND --help says more; %s --version its version.\n"
		"\n"
		"Examples:\n%s",
		program->name, program->name, program->examples);
}

static int run(int argc, char **argv)
{
	char name[64]; /* getopt() begins its messages with it */
	size_t i;

	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("%s %s\n", program->name, IVT_VERSION);
		return 0;
	}
	snprintf(name, sizeof(name), "%s", program->name);
	for (i = 0; i < program->n_commands; i++) {
		if (strcmp(argv[1], program->commands[i].name))
			continue;
		argv[1] = name;
		return program->commands[i].run(argc - 1, argv + 1);
	}
	return usage_error("", "unknown command '%s'", argv[1]);
}

int cli_run(const struct cli_program *p, int argc, char **argv)
{
	int status;

	cli_hold_standard_files();
	program = p;
	status = run(argc, argv);
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "%s: cannot write to standard output: %s\n", p->name, strerror(errno));
	return 1;
}
