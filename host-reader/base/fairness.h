/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM's share of the recorder: while others wait, it gets so much of a CPU and
 * no more, however much its guest writes.  What it then loses in its rings is its
 * own, and counted.
 */
#ifndef HOST_FAIRNESS_H
#define HOST_FAIRNESS_H

#include <stdbool.h>
#include <stdint.h>

#define SHARE_BURST_NS	      10000000 /* of CPU time, saved up at most */
#define SHARE_DEFAULT_PERCENT 50u

/* A VM, over the turns of a recorder.  Zeroed but for percent: nothing used yet. */
struct share {
	uint32_t percent;     /* of a CPU */
	int64_t left_ns;      /* of CPU time; below 0: used more than was due */
	uint64_t refilled_ns; /* host ns; 0: never */
	uint64_t n_skipped;   /* turns in which it was passed over */
	bool was_waiting;     /* it had something to be taken when it was last looked at */
};

/*
 * May the VM have its turn at host time @now_ns?  @n_waiting: VMs, this one included,
 * that had something to be taken in the last turn.
 */
bool share_may_run(struct share *share, uint64_t now_ns, unsigned int n_waiting);
/* Its turn took @cpu_ns of CPU time. */
void share_charge(struct share *share, uint64_t cpu_ns);

/* CPU time of the calling thread, in ns. */
uint64_t thread_cpu_ns(void);

#endif /* HOST_FAIRNESS_H */
