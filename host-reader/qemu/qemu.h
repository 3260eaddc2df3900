/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that serves a VM: found by the region that it maps, then what
 * /proc says about it.  Nothing is asked of QEMU itself.
 */
#ifndef HOST_QEMU_H
#define HOST_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include "trace/trace_info.h"

struct qemu {
	pid_t pid; /* -1: not found */
	uint64_t starttime;
	uint32_t n_threads; /* when it was last found alive */
	char accel[8];
	bool is_incoming; /* started to take a guest that migrates hither */
	struct ivt_vcpu *vcpus;
	size_t n_vcpus;
	struct ivt_disk *disks;
	size_t n_disks;
};

/*
 * The process, other than this one, that maps the file @dev:@ino writable; one
 * whose program is called qemu is preferred.  0 or -ENOENT.
 */
int qemu_find(dev_t dev, ino_t ino, pid_t *ret_pid);

/*
 * The next line of a process's /proc/PID/maps, or as much of its beginning as @bytes
 * hold: a path can be of any length, and what is in it must not be taken for a line
 * of its own.  False: there is none.
 */
bool qemu_maps_line(FILE *maps, char *line, size_t bytes);

/* Does @pid map the file @dev:@ino writable? */
bool qemu_maps(pid_t pid, dev_t dev, ino_t ino);

/*
 * Fill @q for @pid: starttime, accelerator, vCPU threads, disks.  What cannot
 * be known is left empty.  0, -ENOENT: no such process; -ENOMEM: @q is reset.
 */
int qemu_read(pid_t pid, struct qemu *q);

/* Read vCPU threads and accelerator again (threads start after the process).
 * 0, or -errno with the old ones kept. */
int qemu_read_vcpus(struct qemu *q);

/* Is the program of process @pid called qemu-something? */
bool qemu_is_it(pid_t pid);

/* Does the process still run?  @q->n_threads is as of now then. */
bool qemu_is_alive(struct qemu *q);

/* Since the process started, as exact as the kernel tells it: 10 ms. */
uint64_t qemu_age_ns(const struct qemu *q);

/* CPU time of the vCPU threads that are known; 0: none are. */
uint64_t qemu_run_ns(const struct qemu *q);

/* Give @m its own copy of pid, accelerator, vCPUs and disks.  0 or -ENOMEM. */
int qemu_copy(const struct qemu *q, struct ivt_machine_info *m);

void qemu_reset(struct qemu *q); /* frees; pid becomes -1 */

#endif /* HOST_QEMU_H */
