/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handshakes with all guests of a recording, besides every other source of their
 * clocks: soon after a guest came each of its vCPUs once, then one a second in
 * turn.  A thread of its own does it, for a guest that was called looks only for
 * a fraction of a millisecond.  Between calls it sleeps; a guest whose driver
 * knows nothing of handshakes is never called.
 */
#ifndef HOST_HANDSHAKE_H
#define HOST_HANDSHAKE_H

#include "host-reader/vm/vm.h"
#include "tsc-sync/sources/handshake.h"

struct handshakes;

struct handshake_result {
	struct vm *vm;
	uint32_t vcpu;
	uint64_t guest_epoch; /* in which it was measured */
	struct tsc_handshake shake;
};

/* With no guest yet. 0; -errno. */
int handshakes_start(struct handshakes **ret);
/* @vm: attached, and so until handshakes_remove() says so, or handshakes_stop().
 * 0; -ENOMEM. */
int handshakes_add(struct handshakes *h, struct vm *vm);
/* Let go of @vm: true once nothing of it is used any more; ask again until then. */
bool handshakes_remove(struct handshakes *h, const struct vm *vm);
/* Call each vCPU once more, now: the recording ends in some 60 ms. */
void handshakes_hurry(struct handshakes *h);
/* The next result; false: there is none now. */
bool handshakes_take(struct handshakes *h, struct handshake_result *ret);
/* What is there can still be taken; twice does no harm. */
void handshakes_stop(struct handshakes *h);
void handshakes_free(struct handshakes *h); /* NULL is allowed */

/* ---- vm_handshake.c ---- */

/* Does the guest's driver say that it answers? */
bool vm_answers(const struct vm *vm);
/* A handshake with @vm into the trace. */
void vm_take_handshake(struct vm *vm, const struct handshake_result *result);

#endif /* HOST_HANDSHAKE_H */
