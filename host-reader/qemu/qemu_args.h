/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of a QEMU process, as far as it names disks.  Both ways of
 * writing are understood: key=value,... and JSON.
 */
#ifndef HOST_QEMU_ARGS_H
#define HOST_QEMU_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct qemu_args {
	char *text; /* arguments, each NUL-terminated */
	size_t bytes;
};

/* A disk of the command line: the file's name as written, and which window of
 * it the guest sees. */
struct qemu_drive {
	char file[256];
	uint64_t offset_bytes;
	uint64_t size_bytes; /* 0: to the end */
};

/* 0; -ENOENT: no such process; -ENOMEM; -errno. */
int qemu_args_read(pid_t pid, struct qemu_args *ret);
void qemu_args_free(struct qemu_args *args);

/* The next drive behind *pos, which starts as 0; false at the end. */
bool qemu_args_next_drive(const struct qemu_args *args, size_t *pos, struct qemu_drive *ret);

/* The value of @key in one option's argument; false when it is not there. */
bool qemu_arg_value(const char *arg, const char *key, char *ret, size_t ret_bytes);

#endif /* HOST_QEMU_ARGS_H */
