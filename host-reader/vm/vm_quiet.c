// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of a VM's recording: its guest was asked to stop and to publish.  When it has
 * done so, it does not say; but its driver's heart beats, it looks at what is asked at
 * each beat, and then the count of its records stands still.  A guest on a busy host may
 * take a while for that, and what it writes meanwhile belongs to the recording.
 */
#include "host-reader/base/message.h"
#include "host-reader/vm/guest_facts.h"
#include "host-reader/vm/vm.h"

#define MIN_BEATS      3 /* it has looked, and what that set off has run */
#define MAX_OWNER_TOLD 8 /* a guest that lies must not fill the log */
#define STILL_BEATS    2 /* nothing was written in between */

static uint64_t read_beat(const struct vm *vm)
{
	return ivring_load(&guest_facts_page(&vm->region)->heartbeat);
}

/* Its owner decides, at any time; nobody is to look for the fault elsewhere. */
static void watch_owner(struct vm *vm)
{
	bool is_forbidden = vm->has_guest && !vm->is_over &&
			    ivring_region_features(&vm->region) & IVRING_GUEST_FORBIDS;

	if (is_forbidden == vm->is_forbidden)
		return;
	vm->is_forbidden = is_forbidden;
	if (vm->n_owner_told == MAX_OWNER_TOLD)
		return;
	vm->n_owner_told++;
	if (is_forbidden)
		message("%s: its owner forbids recording: nothing comes of this guest (to allow "
			"it, there: echo Y >/sys/module/ivtrace/parameters/host_control)",
			vm->spec.name);
	else if (vm->has_guest && !vm->is_over)
		message("%s: its owner allows recording again", vm->spec.name);
}

void vm_watch_beat(struct vm *vm)
{
	uint64_t beat;

	/* Of one that was asked to stop vm_is_quiet() follows the beats. */
	if (vm->retired_ns || vm->is_broken || ivring_region_check(&vm->region))
		return;
	beat = read_beat(vm);
	vm->is_beating = vm->has_guest && beat != vm->beat;
	vm->beat = beat;
	watch_owner(vm);
}

bool vm_is_quiet(struct vm *vm)
{
	uint64_t beat, n_events;

	/* A flight recorder's records are taken by snapshots, and those of a boot without a
	 * machine by nobody. */
	if (vm->flight || vm->is_finished || vm->is_broken || vm->is_over || vm->has_panicked ||
	    !vm->is_beating || ivring_region_check(&vm->region))
		return true;
	beat = read_beat(vm);
	if (beat != vm->beat) {
		n_events = vm_count_events(vm);
		vm->n_beats++;
		vm->n_still = n_events == vm->n_events ? vm->n_still + 1 : 0;
		vm->n_events = n_events;
		vm->beat = beat;
	}
	return vm->n_beats >= MIN_BEATS && vm->n_still >= STILL_BEATS && !vm_has_unread(vm);
}
