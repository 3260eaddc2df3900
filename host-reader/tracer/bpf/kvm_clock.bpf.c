// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clocks of all KVM guests of this host: TSC offset and scaling ratio of
 * each vCPU thread, sent when they differ from the last ones sent.
 *
 * They are read at kvm_entry: from there to the exit interrupts are off, so
 * what is read is what the hardware uses for this run, and the stamp is where
 * it begins to hold.  At kvm_exit it would be too late: between the hardware's
 * exit and the tracepoint the thread can be preempted, and on a host with an
 * unstable TSC it comes back with another offset.  kvm_exit serves vCPUs that
 * were in the guest when this program was attached.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "tsc-sync/sources/kvm_clock_record.h"

char LICENSE[] SEC("license") = "GPL";

#define MAX_THREADS 16384
#define RING_BYTES  (1u << 20)

/* Where KVM is a module, vmlinux.h does not know its structures. */
struct kvm_vcpu_arch___ivt {
	__u64 l1_tsc_offset;
	__u64 l1_tsc_scaling_ratio;
	__u64 tsc_offset;
	__u64 tsc_scaling_ratio;
} __attribute__((preserve_access_index));

struct kvm_vcpu___ivt {
	int vcpu_id;
	struct kvm_vcpu_arch___ivt arch;
} __attribute__((preserve_access_index));

/* What was last sent of a thread. */
struct sent {
	__u64 offset;
	__u64 ratio;
	__u32 tgid;
	__u32 vcpu;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_THREADS);
	__type(key, __u32);
	__type(value, struct sent);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} records SEC(".maps");

/* No thread is left that was in its guest when we came. */
volatile bool is_settled;

/* Records that found the ring full; they are tried again at the next entry. */
__u64 n_lost;

/* The guest's own: while a guest of it runs, the other fields are that one's. */
static __always_inline void read_clock(struct kvm_vcpu___ivt *vcpu, struct sent *now)
{
	now->vcpu = vcpu->vcpu_id;
	if (bpf_core_field_exists(vcpu->arch.l1_tsc_offset)) {
		now->offset = vcpu->arch.l1_tsc_offset;
		now->ratio = vcpu->arch.l1_tsc_scaling_ratio;
	} else { /* before 5.14 */
		now->offset = vcpu->arch.tsc_offset;
		now->ratio = vcpu->arch.tsc_scaling_ratio;
	}
}

static __always_inline bool send(const struct sent *now, __u32 tid)
{
	struct kvm_clock_record rec = {
		.mono_ns = bpf_ktime_get_ns(),
		.offset = now->offset,
		.ratio = now->ratio,
		.tgid = now->tgid,
		.tid = tid,
		.vcpu = now->vcpu,
	};

	if (!bpf_ringbuf_output(&records, &rec, sizeof(rec), BPF_RB_NO_WAKEUP))
		return true;
	__sync_fetch_and_add(&n_lost, 1);
	return false;
}

SEC("tp_btf/kvm_entry")
int BPF_PROG(clock_at_entry, struct kvm_vcpu___ivt *vcpu)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct sent now = { .tgid = id >> 32 }, *last;
	__u32 tid = id;

	read_clock(vcpu, &now);
	last = bpf_map_lookup_elem(&threads, &tid);
	if (last && last->offset == now.offset && last->ratio == now.ratio &&
	    last->vcpu == now.vcpu && last->tgid == now.tgid)
		return 0;
	if (!send(&now, tid))
		return 0;
	if (last)
		*last = now;
	else
		bpf_map_update_elem(&threads, &tid, &now, BPF_ANY);
	return 0;
}

SEC("tp_btf/kvm_exit")
int BPF_PROG(clock_at_exit, struct kvm_vcpu___ivt *vcpu)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct sent now = { .tgid = id >> 32 };
	__u32 tid = id;

	if (is_settled)
		return 0;
	if (bpf_map_lookup_elem(&threads, &tid))
		return 0;
	read_clock(vcpu, &now);
	if (send(&now, tid))
		bpf_map_update_elem(&threads, &tid, &now, BPF_ANY);
	return 0;
}
