// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VM's process comes, goes and is replaced while the recording runs; so
 * does the offset of its clock.
 */
#include <errno.h>
#include <string.h>
#include "host-reader/message.h"
#include "host-reader/vm.h"
#include "tsc-sync/sources/snapshot.h"

#define LOOK_NS	      500000000u
#define POLL_NS	      20000000u	   /* a stop that falls between two polls is placed this well */
#define RECENT_TSC    (1ULL << 35) /* 7..15 s */
#define MAX_DISPROVED 5
#define ARRIVAL_NS    20000000 /* the guest's flush timer and our sleep */

static void publish_clock(struct vm *vm, uint32_t vcpu)
{
	const struct tsc_sync_entry *entry = &vm->clock[vcpu];
	struct ivt_error err = { "" };
	uint64_t guest_tsc;

	if (tsc_sync_host_to_guest(&entry->scale, entry->from_host_tsc, &guest_tsc))
		return;
	if (ivt_trace_writer_clock(vm->sink->writer, vm->machine, entry, guest_tsc, &err) &&
	    !vm->sink->is_full)
		message("%s", err.msg);
}

static void publish_machine(struct vm *vm)
{
	struct ivt_machine_info *m = ivt_trace_writer_machine(vm->sink->writer, vm->machine);

	if (m && !vm->is_over && vm->qemu.pid > 0 && qemu_copy(&vm->qemu, m))
		message("%s: no memory for what is known of its process", vm->spec.name);
}

void vm_publish_process(struct vm *vm)
{
	uint32_t i;

	publish_machine(vm);
	for (i = 0; i < vm->region.sb.nr_channels && !vm->is_over; i++)
		if (vm->has_clock[i]) {
			vm->is_clock_held[i] = false;
			publish_clock(vm, i);
		}
}

/* ---- clock ------------------------------------------------------------------------ */

static void tell_no_clock(struct vm *vm, const char *why)
{
	if (!vm->is_clock_told)
		message("%s: WARNING: no TSC offset: %s (its records are placed by their arrival, "
			"some 20 ms too late: claim no order against other machines)",
			vm->spec.name, why);
	vm->is_clock_told = true;
}

static void close_clock(struct vm *vm)
{
	if (vm->tsc)
		vm->tsc->ops->close(vm->tsc);
	vm->tsc = NULL;
	vm->is_clock_proven = false;
	vm->n_disproved = 0;
	memset(vm->is_clock_held, 0, vm->region.sb.nr_channels * sizeof(*vm->is_clock_held));
	memset(vm->has_clock, 0, vm->region.sb.nr_channels * sizeof(*vm->has_clock));
}

static void open_clock(struct vm *vm)
{
	const struct tsc_source_ops *ops = &tsc_source_tcg;
	int err;

	if (vm->tsc_choice == TSC_DEBUGFS ||
	    (vm->tsc_choice == TSC_AUTO && !strcmp(vm->qemu.accel, "kvm")))
		ops = &tsc_source_debugfs;
	err = ops->open("", vm->qemu.pid, &vm->tsc);
	if (err) {
		vm->tsc = NULL;
		if (ops == &tsc_source_debugfs)
			tell_no_clock(vm, err == -ENOENT ? "KVM's files are not in "
							   "/sys/kernel/debug (mount debugfs)"
							 : strerror(-err));
		else
			tell_no_clock(vm, err == -ENOENT ? "the process has no symbol timers_state "
							   "(no QEMU, or a stripped one)"
							 : strerror(-err));
		return;
	}
	message("%s: clock: %s (%s, process %d)", vm->spec.name, ops->what,
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

/* Did the guest write @stamp within the last seconds by this clock? */
static bool is_recent(const struct tsc_sync_entry *entry, uint64_t stamp)
{
	uint64_t now;

	return !tsc_sync_host_to_guest(&entry->scale, tsc_sync_host_tsc(), &now) &&
	       now - stamp < RECENT_TSC;
}

/*
 * An offset that sets the guest's clock back is that of a guest that was stopped
 * and goes on, or of one that was reset, whose records are the next boot's.  A
 * record tells.
 */
static void release_held(struct vm *vm)
{
	uint32_t i;

	for (i = 0; vm->recent_tsc && i < vm->region.sb.nr_channels; i++) {
		if (!vm->is_clock_held[i] || !is_recent(&vm->clock[i], vm->recent_tsc))
			continue;
		vm->is_clock_held[i] = false;
		publish_clock(vm, i);
	}
}

static void take_entry(struct vm *vm, uint32_t vcpu, const struct tsc_sync_entry *entry)
{
	bool is_back = vm->has_clock[vcpu] &&
		       entry->scale.offset_tsc < vm->clock[vcpu].scale.offset_tsc;

	vm->clock[vcpu] = *entry;
	vm->has_clock[vcpu] = true;
	vm->is_clock_held[vcpu] = is_back;
	if (is_back)
		vm->recent_tsc = 0;
	else if (!vm->is_over)
		publish_clock(vm, vcpu);
}

static void poll_clock(struct vm *vm)
{
	struct tsc_sync_entry entry;
	uint32_t i, n = count_vcpus(vm);

	prove_clock(vm);
	if (!vm->is_over)
		release_held(vm);
	for (i = 0; i < n; i++)
		if (vm->tsc->ops->poll(vm->tsc, i, &entry) == 1)
			take_entry(vm, i, &entry);
}

/* Nothing tells the offset: but no record is older than its arrival shows. */
static void place_by_arrival(struct vm *vm)
{
	uint64_t ticks = tsc_sync_host_tsc() - vm->arrival_host_tsc;
	uint64_t ns = now_ns() - vm->arrival_ns;
	uint32_t i, n = count_vcpus(vm);

	for (i = 0; i < n; i++) {
		struct tsc_sync_entry *e = &vm->clock[i];

		memset(e, 0, sizeof(*e));
		e->from_host_tsc = vm->arrival_host_tsc;
		e->scale = tsc_sync_scale_unscaled(vm->arrival_tsc);
		e->bound_tsc = ns ? (uint64_t)((__uint128_t)ticks * ARRIVAL_NS / ns) : ticks;
		e->vcpu = i;
		e->source = TSC_SYNC_ARRIVAL;
		publish_clock(vm, i);
	}
}

void vm_finish_clock(struct vm *vm)
{
	uint32_t i;

	if (!vm->is_over)
		release_held(vm);
	for (i = 0; i < vm->region.sb.nr_channels; i++)
		if (vm->has_clock[i])
			return;
	if (!vm->arrival_host_tsc || vm->is_over)
		return;
	tell_no_clock(vm, vm->qemu.pid > 0 ? "it was not found in its process"
					   : "the process that maps its region was not found (run "
					     "as root)");
	place_by_arrival(vm);
}

/* ---- process ---------------------------------------------------------------------- */

static void process_found(struct vm *vm, pid_t pid, struct host_trace *ht)
{
	if (qemu_read(pid, &vm->qemu))
		return;
	message("%s: process %d, %s, %zu vCPU threads, %zu disks", vm->spec.name, (int)pid,
		vm->qemu.accel[0] ? vm->qemu.accel : "accelerator unknown", vm->qemu.n_vcpus,
		vm->qemu.n_disks);
	if (ht)
		host_trace_process(ht, pid, true);
	open_clock(vm);
	publish_machine(vm); /* the clock follows with the first poll */
}

static void process_gone(struct vm *vm, struct host_trace *ht)
{
	message("%s: process %d has ended (its records are taken; waiting for another)",
		vm->spec.name, (int)vm->qemu.pid);
	if (ht)
		host_trace_process(ht, vm->qemu.pid, false);
	close_clock(vm);
	qemu_reset(&vm->qemu);
	vm->is_over = vm->has_guest;
}

/* Threads appear after the process, and with each vCPU that is plugged. */
static void look_for_vcpus(struct vm *vm)
{
	size_t before = vm->qemu.n_vcpus;

	if (qemu_read_vcpus(&vm->qemu) || vm->qemu.n_vcpus == before)
		return;
	if (!vm->tsc)
		open_clock(vm);
	publish_machine(vm);
}

void vm_watch_process(struct vm *vm, struct host_trace *ht)
{
	uint64_t now = now_ns();
	pid_t pid;

	if (now - vm->looked_ns >= LOOK_NS) {
		vm->looked_ns = now;
		if (vm->qemu.pid > 0 && !qemu_is_alive(&vm->qemu))
			process_gone(vm, ht);
		if (vm->qemu.pid > 0)
			look_for_vcpus(vm);
		else if (!qemu_find(vm->region.dev, vm->region.ino, &pid))
			process_found(vm, pid, ht);
	}
	if (vm->tsc && now - vm->polled_ns >= POLL_NS) {
		vm->polled_ns = now;
		poll_clock(vm);
	}
}
