/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What threads do with their time, as the scheduler counts it: run, wait for a CPU,
 * or sleep.
 */
#ifndef HOST_TOP_THREADS_H
#define HOST_TOP_THREADS_H

#include <stdint.h>
#include <sys/types.h>

struct top_thread {
	pid_t tid;
	uint32_t index; /* of the vCPU */
	uint64_t run_ns, wait_ns;
	uint64_t at_ns; /* host ns of the look */
};

/* What a thread did between two looks, in permille; the rest it slept. */
struct top_share {
	unsigned int running, preempted, waiting;
};

/* The vCPU threads of QEMU's process @pid.  0 with the caller's *ret; -errno. */
int top_threads_vcpus(pid_t pid, struct top_thread **ret, size_t *ret_n);
/* CPU time that all threads of @pid used, ns; 0 where it cannot be known. */
uint64_t top_threads_cpu_ns(pid_t pid);
/* Between @before and @after, of one thread. */
struct top_share top_threads_share(const struct top_thread *before, const struct top_thread *after);

#endif /* HOST_TOP_THREADS_H */
