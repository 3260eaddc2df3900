/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMs that run with a region and that nobody named (--vm auto): QEMU processes
 * that map a file which is a region, or which becomes one because it is blank and
 * is called as our regions are ("ivtrace-NAME").
 */
#ifndef HOST_DISCOVER_H
#define HOST_DISCOVER_H

#include "host-reader/qemu/qemu_args.h"
#include "host-reader/recording/recording.h"

struct discover;

/* 0 or -ENOMEM. */
int discover_create(struct discover **ret);
void discover_destroy(struct discover *d); /* NULL is allowed */

/*
 * Twice a second, or as often as a fiftieth of the time allows: VMs that came are
 * added to @rec, those that it found itself and whose process and file are gone are
 * removed.  What cannot be added is told once.
 */
void discover_look(struct discover *d, struct recording *rec);

/*
 * The VM's name where its region is the file @path and its QEMU runs with @args:
 * of the file "ivtrace-NAME", or of QEMU's -name; else "vm-PID".
 */
void discover_name(const char *path, const struct qemu_args *args, pid_t pid, char *ret,
		   size_t ret_bytes);

#endif /* HOST_DISCOVER_H */
