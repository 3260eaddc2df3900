/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sub-commands: each takes its own argv and returns the exit status. */
#ifndef HOST_COMMANDS_H
#define HOST_COMMANDS_H

#include "cli/cli.h"

int cmd_record(int argc, char **argv);
int cmd_finish(int argc, char **argv);
int cmd_snapshot(int argc, char **argv);
int cmd_salvage(int argc, char **argv);
int cmd_qemu_args(int argc, char **argv);
int cmd_attach(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_add(int argc, char **argv);
int cmd_remove(int argc, char **argv);
int cmd_stop(int argc, char **argv);

#endif /* HOST_COMMANDS_H */
