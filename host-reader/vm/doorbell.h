/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM that connects (ivshmem-doorbell): the recorder is its ivshmem server.  QEMU
 * gets the region's memory, a doorbell to wake the recorder by, and an interrupt
 * by which the guest hears of the recorder's wishes.  In the recorder's loop; one
 * thread, but for doorbell_interrupt().
 *
 * QEMU connects once, when its device is made, and never again.  A recorder that
 * takes over a VM that runs already finds the memory in QEMU's hands, has no
 * doorbell, and looks for itself as it does with regions in files.
 */
#ifndef HOST_DOORBELL_H
#define HOST_DOORBELL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "host-reader/base/loop.h"
#include "host-reader/base/options.h"
#include "ivring/region.h"
#include "trace/error.h"

struct doorbell;
struct vm;

struct doorbell_counts {
	uint64_t rings;	   /* what the guest rang, as far as it was looked at */
	uint64_t wakeups;  /* sleeps that it ended */
	uint64_t needless; /* of them, with nothing to be taken */
	uint64_t refused;  /* connections besides the one */
};

/*
 * Listen where @spec says, and attach to the region to offer there: the one that
 * the VM has from an earlier recorder, or a new one (@size_bytes, @cpus: 0 =
 * default).  0 with *ret, and *ret_region for ivring_region_close(); -errno with *err.
 */
int doorbell_open(const struct vm_spec *spec, uint64_t size_bytes, uint32_t cpus,
		  struct doorbell **ret, struct ivring_region *ret_region, struct ivt_error *err);
/* From here on in @loop; @vm, whose it is, outlives it.  0 or -errno. */
int doorbell_start(struct doorbell *d, struct loop *loop, struct vm *vm);
/* Out of the loop; connections stay. */
void doorbell_stop(struct doorbell *d);
void doorbell_close(struct doorbell *d); /* NULL is allowed */

/* Now and then: let connections in again after a pause. */
void doorbell_keep_house(struct doorbell *d, uint64_t now_ns);

/* The process that is connected, or that had the memory already; -1: none. */
pid_t doorbell_peer(const struct doorbell *d);

/* Any thread.  Have the guest look at the reader's page at once, where it can be
 * interrupted. */
void doorbell_interrupt(const struct doorbell *d); /* NULL is allowed */

/*
 * Before a sleep: have the guest ring when it completes a sub-buffer.  0: it
 * will; -EAGAIN: one was completed just now; -ENOTCONN: this VM must be looked at.
 */
int doorbell_arm(struct doorbell *d, uint64_t now_ns);
/* After it: true when this VM ended the sleep, for a reason. */
bool doorbell_disarm(struct doorbell *d);

void doorbell_counts(const struct doorbell *d, struct doorbell_counts *ret);

#endif /* HOST_DOORBELL_H */
