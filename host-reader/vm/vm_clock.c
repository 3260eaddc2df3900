// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clock of a VM's guest: its history goes from the source into the trace.
 */
#include <stdlib.h>
#include <string.h>
#include "host-reader/base/message.h"
#include "host-reader/vm/handshake.h"
#include "host-reader/vm/vm.h"
#include "tsc-sync/sources/snapshot.h"

#define POLL_NS	      20000000u	   /* a stop that falls between two polls is placed this well */
#define RECENT_TSC    (1ULL << 35) /* 7..15 s */
#define LATE_TSC      (1ULL << 30) /* less: an entry and a record that came in another order */
#define ENDING_TSC    (1ULL << 32) /* 1..2 s: from when a guest wrote a record until it is taken */
#define BLIND_NS      2000000000u  /* an entry is due from a VM that runs */
#define MAX_DISPROVED 5
#define MAX_HELD      65536

static void publish_entry(struct vm *vm, const struct tsc_sync_entry *entry)
{
	struct ivt_error err = { "" };
	uint64_t guest_tsc;

	if (tsc_sync_host_to_guest(&entry->scale, entry->from_host_tsc, &guest_tsc))
		return;
	if (entry->source != TSC_SYNC_ARRIVAL) {
		vm->clock[entry->vcpu].published = *entry;
		vm->clock[entry->vcpu].is_published = true;
	}
	if (ivt_trace_writer_clock(vm->sink->writer, vm->machine, entry, guest_tsc, &err) &&
	    !vm->sink->is_full)
		message("%s", err.msg);
}

/* What is held, oldest first; or the entry in force where @is_all. */
static void publish_vcpu(struct vm *vm, struct vm_clock *c, bool is_all)
{
	size_t i;

	if (!c->n_held && is_all && c->is_known)
		publish_entry(vm, &c->last);
	for (i = 0; i < c->n_held; i++)
		publish_entry(vm, &c->held[i]);
	c->n_held = 0;
}

void vm_publish_clock(struct vm *vm)
{
	uint32_t i;

	vm->newest_tsc = 0;
	for (i = 0; i < vm->region.sb.nr_channels && !vm->is_over; i++)
		publish_vcpu(vm, &vm->clock[i], true);
}

/* Handshakes are written where they are taken. */
static void republish_handshake(struct vm *vm)
{
	struct ivt_error err = { "" };

	if (vm->has_handshake &&
	    ivt_trace_writer_clock(
		    vm->sink->writer, vm->machine, &vm->handshake,
		    vm->handshake.from_host_tsc + (uint64_t)vm->handshake.scale.offset_tsc, &err) &&
	    !vm->sink->is_full)
		message("%s", err.msg);
}

void vm_republish_clock(struct vm *vm)
{
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels; i++)
		if (vm->clock[i].is_known && vm->clock[i].is_published)
			publish_entry(vm, &vm->clock[i].published);
	republish_handshake(vm);
}

static void tell_no_clock(struct vm *vm, const char *why)
{
	if (!vm->is_clock_told)
		message("%s: WARNING: no TSC offset: %s (%s)", vm->spec.name, why,
			vm->has_handshake || vm_answers(vm)
				? "handshakes with its driver place its records"
				: "its records are placed by their arrival, some 20 ms too late: "
				  "claim no order against other machines");
	vm->is_clock_told = true;
}

void vm_open_clock(struct vm *vm)
{
	char note[256];

	if (vm->clocks->wanted == TSC_HANDSHAKE)
		return;
	if (clock_choice_open(vm->clocks, &vm->qemu, &vm->tsc, note, sizeof(note))) {
		vm->tsc = NULL;
		tell_no_clock(vm, note);
		return;
	}
	vm->clock_opened_ns = now_ns();
	message("%s: clock: %s (%s, process %d)", vm->spec.name, note,
		vm->qemu.accel[0] ? vm->qemu.accel : "accelerator unknown", (int)vm->qemu.pid);
}

static uint32_t count_vcpus(const struct vm *vm)
{
	const struct ivt_machine_info *m = ivt_trace_writer_machine(vm->sink->writer, vm->machine);
	uint32_t n = m && m->guest_cpus ? m->guest_cpus : 1;

	if (vm->qemu.n_vcpus && vm->qemu.vcpus[vm->qemu.n_vcpus - 1].index + 1 > n)
		n = vm->qemu.vcpus[vm->qemu.n_vcpus - 1].index + 1;
	return n < vm->region.sb.nr_channels ? n : vm->region.sb.nr_channels;
}

/* A stamp that the guest wrote lately must fit; one that is left over from
 * before a stop may not, so a few may fail. */
static void prove_clock(struct vm *vm)
{
	if (vm->is_clock_proven || !vm->recent_tsc)
		return;
	if (!vm->tsc->ops->check(vm->tsc, vm->recent_tsc)) {
		vm->is_clock_proven = true;
		vm->n_disproved = 0;
	} else if (++vm->n_disproved == MAX_DISPROVED) {
		tell_no_clock(vm, "the offset that was found does not fit the guest's records");
	}
	vm->recent_tsc = 0;
}

void vm_note_recent(struct vm *vm, uint64_t tsc)
{
	vm->recent_tsc = tsc;
	vm->recent_host_tsc = tsc_sync_host_tsc();
}

/* By this clock, did the guest write @stamp within @ticks before @host_tsc? */
static bool is_recent(const struct tsc_sync_entry *entry, uint64_t stamp, uint64_t host_tsc,
		      uint64_t ticks)
{
	uint64_t now;

	return !tsc_sync_host_to_guest(&entry->scale, host_tsc, &now) && now - stamp < ticks;
}

/* As of when the record was taken: some time after a reset, the clock of the boot that
 * begins reads as much as the last records of the one that ended say. */
static void release_held(struct vm *vm)
{
	uint32_t i;

	for (i = 0; vm->recent_tsc && i < vm->region.sb.nr_channels; i++)
		if (vm->clock[i].n_held &&
		    is_recent(&vm->clock[i].last, vm->recent_tsc, vm->recent_host_tsc, RECENT_TSC))
			publish_vcpu(vm, &vm->clock[i], false);
}

/* No record tells any more.  A small step back that the last ones fit is not a
 * reset; they may have been written behind it. */
static void release_at_end(struct vm *vm)
{
	uint32_t i;

	for (i = 0; vm->newest_tsc && i < vm->region.sb.nr_channels; i++)
		if (vm->clock[i].n_held &&
		    is_recent(&vm->clock[i].last, vm->newest_tsc, vm->newest_host_tsc, ENDING_TSC))
			publish_vcpu(vm, &vm->clock[i], false);
}

/*
 * Does the guest's TSC read less from this entry on?  A source that tells the
 * instant tells it exactly.  After another one, an offset that grew less may be
 * a guest that was stopped and goes on.
 */
static bool is_set_back(const struct vm *vm, const struct vm_clock *c,
			const struct tsc_sync_entry *entry)
{
	uint64_t guest_tsc, before;

	if (!c->is_known)
		return false;
	if (!vm->tsc->ops->tells_instant)
		return entry->scale.offset_tsc < c->last.scale.offset_tsc;
	if (tsc_sync_host_to_guest(&entry->scale, entry->from_host_tsc, &guest_tsc) ||
	    tsc_sync_host_to_guest(&c->last.scale, c->last.from_host_tsc, &before))
		return false;
	if (before < vm->newest_tsc)
		before = vm->newest_tsc;
	return guest_tsc + LATE_TSC < before;
}

static void hold_entry(struct vm_clock *c, const struct tsc_sync_entry *entry)
{
	struct tsc_sync_entry *held;
	size_t capacity;

	if (c->n_held == MAX_HELD) { /* the last ones are those that count */
		c->n_held /= 2;
		memmove(c->held, c->held + c->n_held, c->n_held * sizeof(*c->held));
	}
	if (c->n_held == c->held_capacity) {
		capacity = c->held_capacity ? 2 * c->held_capacity : 4;
		held = realloc(c->held, capacity * sizeof(*held));
		if (!held)
			return;
		c->held = held;
		c->held_capacity = capacity;
	}
	c->held[c->n_held++] = *entry;
}

/*
 * An offset that sets the guest's clock back is that of a guest that was stopped
 * and goes on, or of one that was reset, whose records are the next boot's.  A
 * record tells.
 */
static void take_entry(struct vm *vm, const struct tsc_sync_entry *entry)
{
	struct vm_clock *c = &vm->clock[entry->vcpu];
	bool is_back = is_set_back(vm, c, entry);

	vm_arrival_clock(vm, entry, c->is_known);
	c->last = *entry;
	c->is_known = vm->has_clock = true;
	if (is_back)
		vm->recent_tsc = 0;
	if (is_back || c->n_held || vm->is_over || vm_is_left_behind(vm))
		hold_entry(c, entry);
	else
		publish_entry(vm, entry);
}

static void poll_clock(struct vm *vm)
{
	struct tsc_sync_entry entry;
	uint32_t i, n = count_vcpus(vm);

	if (vm->recent_tsc > vm->newest_tsc) {
		vm->newest_tsc = vm->recent_tsc;
		vm->newest_host_tsc = vm->recent_host_tsc;
	}
	prove_clock(vm);
	if (!vm->is_over)
		release_held(vm);
	clock_choice_pull(vm->clocks);
	for (i = 0; i < n; i++)
		while (vm->tsc->ops->poll(vm->tsc, i, &entry) == 1)
			take_entry(vm, &entry);
}

/* Some implementations of KVM have the tracepoints and do not use them. */
static bool is_blind(const struct vm *vm)
{
	return vm->n_bytes && !vm->has_clock && now_ns() - vm->clock_opened_ns >= BLIND_NS;
}

void vm_watch_clock(struct vm *vm)
{
	uint64_t now = now_ns();

	if (!vm->tsc || now - vm->polled_ns < POLL_NS)
		return;
	vm->polled_ns = now;
	poll_clock(vm);
	if (is_blind(vm) && clock_choice_give_up(vm->clocks, vm->tsc)) {
		vm_close_clock(vm);
		vm_open_clock(vm);
	}
}

void vm_close_clock(struct vm *vm)
{
	uint32_t i;

	if (vm->tsc) {
		if (vm->sink && vm->sink->writer)
			poll_clock(vm);
		vm->tsc->ops->close(vm->tsc);
	}
	vm->tsc = NULL;
	vm->has_clock = false;
	vm->is_clock_proven = false;
	vm->n_disproved = 0;
	for (i = 0; vm->clock && i < vm->region.sb.nr_channels; i++) {
		vm->clock[i].is_known = false;
		vm->clock[i].is_published = false;
		vm->clock[i].n_held = 0;
	}
}

void vm_note_arrival(struct vm *vm, uint64_t tsc, uint64_t error_ns)
{
	int64_t difference;
	uint64_t now;

	if (vm->has_clock)
		return;
	now = tsc_sync_host_tsc();
	difference = (int64_t)(tsc - now);
	if (!vm->arrival_host_tsc || difference > vm->arrival_tsc) {
		vm->arrival_tsc = difference;
		vm->arrival_error_ns = error_ns;
	}
	if (!vm->arrival_host_tsc) {
		vm->arrival_host_tsc = now;
		vm->arrival_ns = now_ns();
	}
}

/* Nothing tells the offset: but no record is older than its arrival shows. */
static void place_by_arrival(struct vm *vm)
{
	uint64_t ticks = tsc_sync_host_tsc() - vm->arrival_host_tsc;
	uint64_t ns = now_ns() - vm->arrival_ns;
	uint32_t i, n = count_vcpus(vm);

	for (i = 0; i < n; i++) {
		struct tsc_sync_entry entry = {
			.from_host_tsc = vm->arrival_host_tsc,
			.scale = tsc_sync_scale_unscaled(vm->arrival_tsc),
			.vcpu = i,
			.source = TSC_SYNC_ARRIVAL,
		};

		entry.bound_tsc = ns ? (uint64_t)((__uint128_t)ticks * vm->arrival_error_ns / ns)
				     : ticks;
		publish_entry(vm, &entry);
	}
}

void vm_finish_clock(struct vm *vm)
{
	if (vm->tsc)
		poll_clock(vm);
	if (!vm->is_over) {
		release_held(vm);
		release_at_end(vm);
	}
	if (vm->has_clock || vm->has_handshake || !vm->arrival_host_tsc || vm->is_over)
		return;
	if (vm->clocks->wanted == TSC_HANDSHAKE)
		tell_no_clock(vm, "its driver answered no handshake");
	else
		tell_no_clock(vm, vm->qemu.pid > 0 && !vm_is_left_behind(vm)
					  ? "it was not found in its process"
					  : "the process that maps its region was not found "
					    "(run as root)");
	place_by_arrival(vm);
}
