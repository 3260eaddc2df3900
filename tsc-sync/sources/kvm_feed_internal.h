/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the observers (bpf.c, stap.c) and kvm_feed.c share.
 */
#ifndef TSC_SYNC_KVM_FEED_INTERNAL_H
#define TSC_SYNC_KVM_FEED_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include "tsc-sync/sources/kvm_feed.h"

/* What KVM used for one vCPU from an instant on. */
struct kvm_feed_record {
	uint64_t host_tsc; /* the instant; 0: only mono_ns is known of it */
	uint64_t mono_ns;
	struct tsc_sync_scale scale;
	pid_t pid;
	pid_t tid;
	uint32_t vcpu;
};

struct kvm_feed_ops {
	const struct tsc_source_ops *source_ops;
	enum tsc_sync_source source;
	/* Observe. 0; -errno (NULL: it does from the start). */
	int (*begin)(struct kvm_feed *feed);
	/* Call kvm_feed_add() for each record that waits. 0; -EPIPE; -errno. */
	int (*take)(struct kvm_feed *feed);
	/* No records begin after this. */
	void (*finish)(struct kvm_feed *feed);
	uint64_t (*lost)(const struct kvm_feed *feed);
	/* Process @tid is no vCPU thread any more (may be NULL). */
	void (*forget)(struct kvm_feed *feed, pid_t tid);
	void (*close)(struct kvm_feed *feed);
};

struct feed_vm;

/* The first member of each observer's own structure. */
struct kvm_feed {
	const struct kvm_feed_ops *ops;
	struct feed_vm *vms; /* a list */
	size_t n_unopened;
	bool has_begun;
	struct kvm_feed_record *pending; /* of this pull */
	size_t n_pending, pending_capacity;
	struct tsc_sync_snapshot before; /* taken after the last pull */
	uint64_t n_dropped;
};

/* 0 or -errno of a clock. */
int kvm_feed_init(struct kvm_feed *feed, const struct kvm_feed_ops *ops);
void kvm_feed_deinit(struct kvm_feed *feed);

/* From take() only. 0 or -ENOMEM (counted as lost). */
int kvm_feed_add(struct kvm_feed *feed, const struct kvm_feed_record *rec);

/* tsc_source operations for all feeds. */
int kvm_feed_source_poll(struct tsc_source *source, uint32_t vcpu, struct tsc_sync_entry *ret);
int kvm_feed_source_check(struct tsc_source *source, uint64_t guest_tsc);
void kvm_feed_source_close(struct tsc_source *source);

/*
 * The scale of KVM's @ratio: its fraction has 48 bits on Intel's VMX, 32 on
 * AMD's SVM (@is_vmx).  KVM without scaling may have left the ratio at 1: then
 * it means no scaling.
 */
struct tsc_sync_scale kvm_feed_scale(int64_t offset_tsc, uint64_t ratio, bool is_vmx);
/* Does this host's CPU have VMX (and not SVM)? */
bool kvm_feed_host_is_vmx(void);

#endif /* TSC_SYNC_KVM_FEED_INTERNAL_H */
