// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a recording does in each of its turns, and between two.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "host-reader/base/message.h"
#include "host-reader/base/pace.h"
#include "host-reader/recording/discover.h"
#include "host-reader/recording/recording.h"
#include "host-reader/recording/rotation.h"
#include "tsc-sync/sources/snapshot.h"

#define MAX_SLEEP_NS	10000000u
#define FLIGHT_SLEEP_NS 50000000u /* nobody waits for what is in its rings */
#define SNAPSHOT_NS	50000000u /* live readers are behind by one, too */
#define PROGRESS_NS	500000000u
#define CHECKPOINT_NS	5000000000u

int recording_snapshot_clocks(struct recording *rec, struct ivt_error *err)
{
	struct tsc_sync_snapshot snap;
	int ret = tsc_sync_snapshot_take(&snap);

	if (ret)
		return ivt_error_set(err, ret, "cannot read the clocks: %s", strerror(-ret));
	return ivt_trace_writer_snapshot(rec->sink.writer, &snap, err);
}

static void show_progress(struct recording *rec, uint64_t now)
{
	uint64_t lost = rec->ht ? host_trace_account(rec->ht) : 0;
	char text[1024];
	size_t i, n;

	if (rec->script)
		lost += stap_script_lost(rec->script);
	n = (size_t)snprintf(text, sizeof(text), "%.0f s  %.1f MB  host %" PRIu64 "/s",
			     (double)(now - rec->started_ns) / 1e9,
			     (double)ivt_trace_writer_bytes(rec->sink.writer) / 1e6,
			     rec->measure.rate);
	for (i = 0; i < rec->n_vms; i++) {
		struct vm *vm = rec->vms[i];

		lost += vm_account(vm);
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "  %s %" PRIu64 "/s",
					      vm->spec.name, vm->measure.rate);
	}
	progress("%s  %" PRIu64 " lost", text, lost);
}

/* Its turn was work: CPU time is read only then, the others' is next to nothing. */
static void charge(struct recording *rec, struct vm *vm)
{
	uint64_t now = thread_cpu_ns();

	share_charge(&vm->share, now - rec->turn_cpu_ns);
	rec->turn_cpu_ns = now;
}

/* The turn of one VM; @ret_fill: its fullest ring. */
static void take_turn(struct recording *rec, struct vm *vm, bool is_last, unsigned int *ret_fill)
{
	uint64_t bytes = vm->n_bytes, epoch = vm->guest_epoch;

	vm_check_region(vm);
	vm_watch_guest(vm);
	*ret_fill = vm_drain(vm, is_last);
	vm->share.was_waiting = *ret_fill || vm->n_bytes != bytes;
	if (vm->share.was_waiting || vm->guest_epoch != epoch)
		charge(rec, vm);
}

unsigned int recording_drain(struct recording *rec, bool is_last)
{
	unsigned int most = rec->ht ? host_trace_drain(rec->ht, is_last) : 0, n_waiting = 0, fill;
	uint64_t now = now_ns(), tsc;
	size_t i;

	if (rec->script)
		stap_script_drain(rec->script);
	tsc = measure_now();
	rec->turn_cpu_ns = thread_cpu_ns();
	for (i = 0; i < rec->n_vms; i++) {
		struct vm *vm = rec->vms[(rec->first_vm + i) % rec->n_vms];

		/* One that is passed over waits on, and does not keep us awake. */
		if (is_last || share_may_run(&vm->share, now, rec->n_waiting)) {
			take_turn(rec, vm, is_last, &fill);
			most = fill > most ? fill : most;
		}
		n_waiting += vm->share.was_waiting;
		tsc = measure_charge(vm, tsc);
	}
	rec->n_waiting = n_waiting;
	rec->first_vm = rec->n_vms ? (rec->first_vm + 1) % rec->n_vms : 0;
	if (rec->flight)
		flight_turn(rec->flight);
	return most;
}

void recording_take_handshakes(struct recording *rec)
{
	struct handshake_result result;

	while (rec->handshakes && handshakes_take(rec->handshakes, &result))
		vm_take_handshake(result.vm, &result);
}

void recording_keep_house(struct recording *rec)
{
	struct ivt_error err = { "" };
	uint64_t now = now_ns();
	size_t i;

	for (i = 0; i < rec->n_vms; i++)
		vm_watch_process(rec->vms[i], rec->ht);
	recording_take_handshakes(rec);
	recording_keep_doorbells(rec, now);
	recording_let_go(rec);
	rotation_keep_house(rec);
	if (rec->discover)
		discover_look(rec->discover, rec);
	control_keep_house(rec->control, now);
	if (now - rec->snapshot_ns >= SNAPSHOT_NS) {
		/* On a full disk a snapshot can be missed: the next one will do. */
		if (!rec->sink.is_full && recording_snapshot_clocks(rec, &err) &&
		    !rec->sink.is_full)
			message("%s", err.msg);
		rec->snapshot_ns = now;
	}
	if (now - rec->progress_ns >= PROGRESS_NS) {
		recording_measure(rec, now);
		show_progress(rec, now);
		rec->progress_ns = now;
	}
	if (now - rec->checkpoint_ns >= CHECKPOINT_NS) {
		if (!rec->sink.is_full)
			ivt_trace_writer_checkpoint(rec->sink.writer, NULL);
		rec->checkpoint_ns = now;
	}
}

void recording_sleep(struct recording *rec, unsigned int fill_permille)
{
	uint64_t longest = rec->flight ? FLIGHT_SLEEP_NS
				       : recording_longest_sleep_ns(rec, MAX_SLEEP_NS);
	uint64_t ns;

	rec->sleep_ns = pace_next(rec->sleep_ns, fill_permille, longest);
	ns = rec->flight ? rec->sleep_ns : recording_arm_doorbells(rec, rec->sleep_ns);
	measure_sleep(&rec->measure);
	loop_wait(rec->loop, ns ? ns : PACE_SHORTEST_NS);
	measure_wake(&rec->measure);
	if (recording_disarm_doorbells(rec) || !ns)
		rec->sleep_ns = PACE_SHORTEST_NS;
}
