// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long a recording may sleep: VMs without a doorbell are looked at, those
 * with one ring.
 */
#include <errno.h>
#include <inttypes.h>
#include "host-reader/base/message.h"
#include "host-reader/recording/recording.h"

#define ARM_NS	    2000000u   /* for a shorter sleep it is not worth it */
#define LONGEST_NS  100000000u /* what is waiting is taken at the latest after this */
#define CLOCK_NS    20000000u  /* a clock that is looked at, looked at so often */
#define NO_CLOCK_NS 10000000u  /* records that their arrival places */

static uint64_t longest_for(const struct vm *vm)
{
	if (!vm->doorbell)
		return 0;
	if (vm->tsc)
		return vm->tsc->ops->tells_instant ? LONGEST_NS : CLOCK_NS;
	return vm->has_guest ? NO_CLOCK_NS : LONGEST_NS;
}

/* The time that is left of the recording, for its end not to be slept through. */
static uint64_t time_left(const struct recording *rec)
{
	uint64_t end_ns = rec->started_ns + rec->opt->duration_ns, now = now_ns();

	if (!rec->opt->duration_ns)
		return LONGEST_NS;
	return now < end_ns ? end_ns - now : 0;
}

uint64_t recording_longest_sleep_ns(const struct recording *rec, uint64_t polling_ns)
{
	uint64_t longest = time_left(rec), ns;
	size_t i;

	if (!rec->n_vms || rec->ht || rec->script || rec->child || rec->discover)
		return polling_ns;
	for (i = 0; i < rec->n_vms; i++) {
		ns = longest_for(rec->vms[i]);
		if (ns < longest)
			longest = ns;
	}
	return longest > polling_ns ? longest : polling_ns;
}

uint64_t recording_arm_doorbells(struct recording *rec, uint64_t sleep_ns)
{
	uint64_t now = now_ns();
	size_t i;

	if (sleep_ns < ARM_NS)
		return sleep_ns;
	for (i = 0; i < rec->n_vms; i++) {
		struct vm *vm = rec->vms[i];
		int code = vm->doorbell ? doorbell_arm(vm->doorbell, now) : -ENOTCONN;

		if (code == -EAGAIN)
			return 0;
		if (code && sleep_ns > NO_CLOCK_NS)
			sleep_ns = NO_CLOCK_NS;
	}
	return sleep_ns;
}

bool recording_disarm_doorbells(struct recording *rec)
{
	bool was_rung = false;
	size_t i;

	for (i = 0; i < rec->n_vms; i++)
		if (rec->vms[i]->doorbell && doorbell_disarm(rec->vms[i]->doorbell))
			was_rung = true;
	return was_rung;
}

void recording_keep_doorbells(struct recording *rec, uint64_t now)
{
	size_t i;

	for (i = 0; i < rec->n_vms; i++)
		if (rec->vms[i]->doorbell)
			doorbell_keep_house(rec->vms[i]->doorbell, now);
}

void recording_tell_doorbells(const struct recording *rec)
{
	struct doorbell_counts counts;
	size_t i;

	for (i = 0; i < rec->n_vms; i++) {
		if (!rec->vms[i]->doorbell)
			continue;
		doorbell_counts(rec->vms[i]->doorbell, &counts);
		message("%s: its doorbell rang %" PRIu64 " times, woke the recorder %" PRIu64
			" times, %" PRIu64 " of them without need",
			rec->vms[i]->spec.name, counts.rings, counts.wakeups, counts.needless);
	}
}
