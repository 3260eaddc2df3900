/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the eBPF program kvm_clock.bpf.c sends to user space.  No include: the
 * two sides have these types from different headers.
 */
#ifndef TSC_SYNC_KVM_CLOCK_RECORD_H
#define TSC_SYNC_KVM_CLOCK_RECORD_H

struct kvm_clock_record {
	__u64 mono_ns; /* in force from this entry of the guest on */
	__u64 offset;  /* guest TSC = (host TSC * ratio >> frac) + offset */
	__u64 ratio;
	__u32 tgid; /* QEMU */
	__u32 tid;
	__u32 vcpu;
	__u32 reserved;
};

#endif /* TSC_SYNC_KVM_CLOCK_RECORD_H */
