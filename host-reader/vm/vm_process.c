// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VM's process comes, goes and is replaced while the recording runs.
 */
#include <errno.h>
#include "host-reader/base/message.h"
#include "host-reader/vm/flight_calls.h"
#include "host-reader/vm/vm.h"
#include "host-reader/vm/vm_journal.h"

#define LOOK_NS	      500000000u
#define LOOK_PEER_NS  20000000u /* for one that connected to map its region */
#define YOUNGER_NS    20000000u /* the age of a process is told in ticks */
#define SETTLED_NS    3000000000u
#define COST_FRACTION 50u

void vm_publish_machine(struct vm *vm)
{
	struct ivt_machine_info *m = ivt_trace_writer_machine(vm->sink->writer, vm->machine);

	if (m && !vm->is_over && !vm_is_left_behind(vm) && vm->qemu.pid > 0 &&
	    qemu_copy(&vm->qemu, m))
		message("%s: no memory for what is known of its process", vm->spec.name);
}

void vm_publish_process(struct vm *vm)
{
	vm_publish_machine(vm);
	vm_publish_clock(vm);
}

/* The one that ran the present boot was never found, and has ended: a region that was
 * left behind.  But who waits for a guest to come takes one that began elsewhere. */
static bool is_younger(const struct vm *vm)
{
	return vm->guest_epoch && !vm->qemu.is_incoming &&
	       qemu_age_ns(&vm->qemu) + YOUNGER_NS < now_ns() - vm->epoch_began_ns;
}

static void process_found(struct vm *vm, pid_t pid, struct host_trace *ht)
{
	if (qemu_read(pid, &vm->qemu))
		return;
	message("%s: process %d, %s, %zu vCPU threads, %zu disks", vm->spec.name, (int)pid,
		vm->qemu.accel[0] ? vm->qemu.accel : "accelerator unknown", vm->qemu.n_vcpus,
		vm->qemu.n_disks);
	if (ht)
		host_trace_process(ht, pid, true);
	vm->is_left = is_younger(vm);
	if (vm_is_left_behind(vm))
		vm_finish_clock(vm);
	vm_open_clock(vm);
	vm_publish_machine(vm); /* the clock follows with the first poll */
	vm_journal_save(vm);
}

static void take_last(struct vm *vm)
{
	pid_t other;

	/* Who maps the region still may be the one who runs the guest. */
	if (qemu_find(vm->region.dev, vm->region.ino, &other)) {
		vm_watch_guest(vm);
		vm_salvage(vm);
		flight_vm_ended(vm, "the VM's process ended");
	}
	vm_finish_clock(vm);
	vm_close_clock(vm);
	qemu_reset(&vm->qemu);
	vm->is_over = vm->has_guest;
	vm_journal_save(vm);
}

static void process_gone(struct vm *vm, struct host_trace *ht)
{
	message("%s: process %d has ended (its records are taken; waiting for another)",
		vm->spec.name, (int)vm->qemu.pid);
	if (ht)
		host_trace_process(ht, vm->qemu.pid, false);
	take_last(vm);
}

void vm_note_unseen_end(struct vm *vm)
{
	pid_t pid;

	/* One that was known is missed by vm_check_process(). */
	if (!vm->has_guest || vm->is_over || vm->qemu.pid > 0 ||
	    qemu_find(vm->region.dev, vm->region.ino, &pid) != -ENOENT)
		return;
	message("%s: its process has ended while nobody recorded", vm->spec.name);
	take_last(vm);
}

/* Threads appear after the process, and with each vCPU that is plugged.  As each has
 * to be asked for its name, and gets it after its start: mostly while their number
 * changes. */
static void look_for_vcpus(struct vm *vm, uint64_t now)
{
	size_t before = vm->qemu.n_vcpus;

	if (vm->qemu.n_threads != vm->n_threads)
		vm->threads_changed_ns = now;
	vm->n_threads = vm->qemu.n_threads;
	if (now - vm->threads_changed_ns >= SETTLED_NS && now - vm->vcpus_read_ns < SETTLED_NS)
		return;
	vm->vcpus_read_ns = now;
	if (qemu_read_vcpus(&vm->qemu) || vm->qemu.n_vcpus == before)
		return;
	if (!vm->tsc)
		vm_open_clock(vm);
	vm_publish_machine(vm);
}

void vm_check_process(struct vm *vm, struct host_trace *ht)
{
	if (vm->qemu.pid > 0 && !qemu_is_alive(&vm->qemu))
		process_gone(vm, ht);
}

/* Has the process that connected mapped its region?  One that never does, and maps
 * other files without end, costs a fiftieth of the time. */
static bool has_mapped(struct vm *vm, pid_t peer)
{
	uint64_t begin, now = now_ns();
	bool is_it;

	if (now - vm->maps_read_ns < COST_FRACTION * vm->maps_cost_ns)
		return false;
	begin = thread_cpu_ns();
	is_it = qemu_maps(peer, vm->region.dev, vm->region.ino);
	vm->maps_cost_ns = thread_cpu_ns() - begin;
	vm->maps_read_ns = now;
	return is_it;
}

/* A VM that connects is known by its connection. */
static int find_process(struct vm *vm, pid_t *ret)
{
	pid_t peer = vm->doorbell ? doorbell_peer(vm->doorbell) : 0;

	if (peer < 0)
		return -ENOENT;
	if (!peer) /* none, or not visible from here */
		return mappers_find(vm->mappers, vm->region.dev, vm->region.ino, ret);
	if (!has_mapped(vm, peer))
		return -ENOENT;
	*ret = peer;
	return 0;
}

static uint64_t look_period_ns(const struct vm *vm)
{
	return vm->doorbell && doorbell_peer(vm->doorbell) > 0 && vm->qemu.pid <= 0 ? LOOK_PEER_NS
										    : LOOK_NS;
}

void vm_watch_process(struct vm *vm, struct host_trace *ht)
{
	uint64_t now = now_ns();
	pid_t pid;

	if (now - vm->looked_ns >= look_period_ns(vm)) {
		vm->looked_ns = now;
		vm_watch_beat(vm);
		vm_journal_retry(vm);
		vm_check_process(vm, ht);
		if (vm->qemu.pid > 0)
			look_for_vcpus(vm, now);
		else if (!find_process(vm, &pid))
			process_found(vm, pid, ht);
	}
	vm_watch_clock(vm);
	if (vm->looked_ns == now)
		vm_arrival_look(vm);
}
