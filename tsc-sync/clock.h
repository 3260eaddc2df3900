/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clock arithmetic: guest TSC -> host TSC -> host CLOCK_MONOTONIC.
 *
 * Pure functions on numbers: no I/O, no allocation, no global; any thread.
 * Times are uint64_t ticks or ns, never both in one variable, never double;
 * products are taken in 128 bits; what does not fit is -ERANGE, not a wrap.
 * Clock model: docs/time.md.
 */
#ifndef TSC_SYNC_CLOCK_H
#define TSC_SYNC_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* KVM's law for one vCPU: guest = ((host * ratio) >> frac_bits) + offset.
 * An offset of 0 is legal.  Not scaled: ratio = 1 << frac_bits. */
struct tsc_sync_scale {
	int64_t offset_tsc;
	uint64_t ratio;
	uint32_t frac_bits; /* 0..63; 48 on Intel, 32 on AMD */
};

/* {ratio 1, frac 0}: no scaling. */
struct tsc_sync_scale tsc_sync_scale_unscaled(int64_t offset_tsc);

/* Host TSC at which the guest read @guest_tsc, rounded down.
 * 0; -EINVAL: ratio 0 or frac_bits > 63; -ERANGE: below 0 or above 2^64. */
int tsc_sync_guest_to_host(const struct tsc_sync_scale *scale, uint64_t guest_tsc,
			   uint64_t *ret_host_tsc);

/* The inverse, wrapping like the guest's own counter. 0 or -EINVAL. */
int tsc_sync_host_to_guest(const struct tsc_sync_scale *scale, uint64_t host_tsc,
			   uint64_t *ret_guest_tsc);

/* The host's clocks read at one instant. */
struct tsc_sync_snapshot {
	uint64_t host_tsc;
	uint64_t mono_ns;
	uint64_t real_ns;
	uint64_t mono_raw_ns;
	uint64_t boot_ns;
	uint32_t half_width_tsc; /* error of the bracket, ticks */
	uint32_t cpu;
};

/*
 * CLOCK_MONOTONIC ns at @host_tsc: linear between the two snapshots around it,
 * outside them along the nearest pair's slope.  @snap: ascending in host_tsc.
 * 0; -EINVAL: fewer than two snapshots, or a pair that does not advance;
 * -ERANGE.
 */
int tsc_sync_tsc_to_mono(const struct tsc_sync_snapshot *snap, size_t n_snap, uint64_t host_tsc,
			 uint64_t *ret_mono_ns);
int tsc_sync_mono_to_tsc(const struct tsc_sync_snapshot *snap, size_t n_snap, uint64_t mono_ns,
			 uint64_t *ret_host_tsc);

/* TSC frequency over the whole of @snap, Hz. 0, -EINVAL as above. */
int tsc_sync_frequency(const struct tsc_sync_snapshot *snap, size_t n_snap, uint64_t *ret_hz);

enum tsc_sync_source {
	TSC_SYNC_BPF = 0,
	TSC_SYNC_STAP = 1,
	TSC_SYNC_DEBUGFS = 2,
	TSC_SYNC_TCG = 3,
	TSC_SYNC_HANDSHAKE = 4,
	TSC_SYNC_ARRIVAL = 5, /* when records were seen to arrive: no better than milliseconds */
};

/* "bpf", "stap", ...; NULL for a number that is none. */
const char *tsc_sync_source_name(unsigned int source);

/* One entry of a vCPU's clock history: in force from from_host_tsc on. */
struct tsc_sync_entry {
	uint64_t from_host_tsc;
	struct tsc_sync_scale scale;
	uint64_t bound_tsc; /* error of the offset, ticks; 0 = exact */
	uint32_t vcpu;
	uint32_t source; /* enum tsc_sync_source */
};

/*
 * Host TSC of @guest_tsc by the history of one vCPU (@hist ascending in
 * from_host_tsc): the last entry whose guest interval holds the stamp; before
 * the first entry the first holds.  *ret_entry (may be NULL): its index.
 * 0; -ENOENT: no entry; else as tsc_sync_guest_to_host().
 */
int tsc_sync_history_to_host(const struct tsc_sync_entry *hist, size_t n_hist, uint64_t guest_tsc,
			     uint64_t *ret_host_tsc, size_t *ret_entry);

/*
 * One vCPU's history from handshakes alone.  @rows, ascending in from_host_tsc:
 * at that instant the guest's TSC was the host's + offset, by bound_tsc at most
 * wrong.  As long as rows have something in common the offset is taken to be the
 * same, and the common part is the entry's; a row that does not fit begins a new
 * entry.  Clocks of equal rates only: where they differ each row begins one.
 * *ret has room for @n entries and may not be @rows.  Returns how many it has.
 */
size_t tsc_sync_merge_handshakes(const struct tsc_sync_entry *rows, size_t n,
				 struct tsc_sync_entry *ret);

#endif /* TSC_SYNC_CLOCK_H */
