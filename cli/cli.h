/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that has commands: PROGRAM COMMAND [OPTIONS], with --help and
 * --version, exit status 0 done, 1 a fault, 2 wrong use.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stddef.h>

#define EXIT_USAGE 2

struct cli_command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the program; returns its exit status */
	const char *what;		   /* a line of the program's help */
};

struct cli_program {
	const char *name;
	const char *about;    /* what it is for: lines between usage and commands */
	const char *examples; /* lines, indented */
	const struct cli_command *commands;
	size_t n_commands;
};

/* First of all in main(): runs the command that argv names, or helps.  Returns
 * the program's exit status.  @p must outlive the call. */
int cli_run(const struct cli_program *p, int argc, char **argv);

/* Print what was wrong and where help is ("" as command: the program's); returns
 * EXIT_USAGE. */
int usage_error(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * A program may be started with standard output or error closed.  The next file
 * that it opens then gets that number, and our messages would go into it: into a
 * trace or into a region.  Occupies 0, 1 and 2 where they are closed; writing to
 * what was closed still fails (-EBADF).  cli_run() does it, too.
 */
void cli_hold_standard_files(void);

#endif /* CLI_CLI_H */
