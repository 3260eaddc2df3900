/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sub-commands: each takes its own argv (argv[0] is the program) and returns
 * the program's exit status.
 */
#ifndef HOST_COMMANDS_H
#define HOST_COMMANDS_H

#define EXIT_USAGE 2

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
};

int cmd_record(int argc, char **argv);
int cmd_qemu_args(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

/* Print what was wrong and where help is; returns EXIT_USAGE. */
int usage_error(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif /* HOST_COMMANDS_H */
