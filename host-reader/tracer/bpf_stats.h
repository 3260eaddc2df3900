/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the kernel measures eBPF programs.  That takes two clocks a run, as much as
 * a small program itself, so it is on for a hundredth of the time only; and it
 * takes CAP_SYS_ADMIN, so a small process does it, which begins before who asks
 * for it is confined and ends with it, whichever way.
 */
#ifndef HOST_BPF_STATS_H
#define HOST_BPF_STATS_H

#include <stdint.h>

struct bpf_stats;

/* Before there are threads, and descriptors that matter.  0 with the caller's
 * *ret; -errno. */
int bpf_stats_start(struct bpf_stats **ret);
void bpf_stats_end(struct bpf_stats *stats); /* NULL is allowed */

/* How long the kernel has measured; 0: not yet, or it may not. */
uint64_t bpf_stats_measured_ns(const struct bpf_stats *stats);

#endif /* HOST_BPF_STATS_H */
