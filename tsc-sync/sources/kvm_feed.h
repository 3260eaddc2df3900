/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A feed: an observer in the kernel that tells the clock of every KVM vCPU of
 * this host when it changes, and exactly from where on.  What it tells is sorted
 * here by VM; each VM then has a struct tsc_source of its own.  One thread.
 */
#ifndef TSC_SYNC_KVM_FEED_H
#define TSC_SYNC_KVM_FEED_H

#include "tsc-sync/sources/tsc_source.h"

struct kvm_feed;

/*
 * The eBPF programs (host-reader/tracer/bpf/kvm_clock.bpf.c), loaded; they observe from
 * kvm_feed_begin() on.  @ret is the caller's.
 * 0; -ENOENT: no KVM, or its tracepoints are not in this kernel; -EPERM: not
 * allowed; -ENOTSUP: the kernel has no BTF; other -errno: refused.
 */
int kvm_feed_open_bpf(struct kvm_feed **ret);

/* Observe, unless it does; this takes no privilege (but CAP_BPF before Linux 5.19).
 * 0; -errno. */
int kvm_feed_begin(struct kvm_feed *feed);

/*
 * SystemTap: runs `staprun @script` if it ends in ".ko", else `stap @script`
 * (tsc-sync/kvm_exit.stp), and waits until it observes: up to @patience_ms,
 * milliseconds.  0; -ENOENT: no such file, or no such program; -ETIMEDOUT;
 * -ECHILD: it ended (its own words are on stderr); -errno.
 */
int kvm_feed_open_stap(const char *script, int patience_ms, struct kvm_feed **ret);

/*
 * The clock of the VM of process @pid, as this feed knows it: poll() gives the
 * entries one after another, so it is to be called until it returns 0.  There is
 * no open() in its ops.  @feed must outlive it.  0 or -ENOMEM.
 */
int kvm_feed_source_open(struct kvm_feed *feed, pid_t pid, struct tsc_source **ret);

/* Take what is waiting, nothing before it began, also what poll() would leave for later.  0; -EPIPE: the
 * observer has ended; -errno. */
int kvm_feed_pull(struct kvm_feed *feed);

/* The observer stops; what it had seen can be polled after this.  Takes up to
 * two seconds. */
void kvm_feed_finish(struct kvm_feed *feed);

/* Changes that were not told in time, or not kept. */
uint64_t kvm_feed_lost(const struct kvm_feed *feed);

void kvm_feed_close(struct kvm_feed *feed); /* NULL is allowed; sources first */

#endif /* TSC_SYNC_KVM_FEED_H */
