// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What handshakes found, into the trace: one entry of the clock log each, as it
 * was measured.  What many of them have in common is for the reader to say.
 */
#include "host-reader/base/message.h"
#include "host-reader/vm/handshake.h"

bool vm_answers(const struct vm *vm)
{
	const struct ivring_answer *answer =
		(const struct ivring_answer *)((const char *)vm->region.base + IVRING_ANSWER_OFF);

	return ivring_load(&answer->version) == IVRING_SHAKE_VERSION;
}

void vm_take_handshake(struct vm *vm, const struct handshake_result *result)
{
	const struct tsc_handshake *shake = &result->shake;
	struct tsc_sync_entry entry = {
		.from_host_tsc = shake->host_tsc,
		.scale = tsc_sync_scale_unscaled(shake->offset_tsc),
		.bound_tsc = shake->bound_tsc,
		.vcpu = result->vcpu,
		.source = TSC_SYNC_HANDSHAKE,
	};
	struct ivt_error err = { "" };

	/* Of a boot that the trace has no machine for yet, or no more. */
	if (result->guest_epoch != vm->guest_epoch || vm->is_pending)
		return;
	if (!vm->has_handshake && !vm->tsc)
		message("%s: clock: handshakes over the shared memory", vm->spec.name);
	vm->has_handshake = true;
	vm->handshake = entry;
	if (ivt_trace_writer_clock(vm->sink->writer, vm->machine, &entry,
				   shake->host_tsc + (uint64_t)shake->offset_tsc, &err) &&
	    !vm->sink->is_full)
		message("%s", err.msg);
}
