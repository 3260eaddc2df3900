/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a guest's TSC offset comes from: one interface, one file per source.
 * A source belongs to one QEMU process; one thread.  Reading never disturbs
 * the VM.
 */
#ifndef TSC_SYNC_TSC_SOURCE_H
#define TSC_SYNC_TSC_SOURCE_H

#include <stdbool.h>
#include <sys/types.h>
#include "tsc-sync/clock.h"

struct tsc_source;

struct tsc_source_ops {
	const char *name; /* "tcg", "debugfs" */
	const char *what; /* for people: where the offset is read */
	/* An entry begins when the guest's clock changed, not when that was seen. */
	bool tells_instant;
	/*
	 * For the process @pid below @root ("" on a real machine; tests put a
	 * tree of their own there).  0; -ENOENT: this process has no such
	 * clock, or is gone; -EACCES, -EPERM: not allowed; -ENODATA: found,
	 * but it does not look as expected; -errno.
	 */
	int (*open)(const char *root, pid_t pid, struct tsc_source **ret);
	/*
	 * The clock of @vcpu in force now.  1: it differs from what the last
	 * call returned for this vCPU (or there was none), *ret is a new entry
	 * of its history, and there may be more: call again; 0: unchanged, or not to be known at this moment (a
	 * stopped VM), *ret untouched; -ENOENT: no such vCPU, or the process is
	 * gone; -errno.
	 */
	int (*poll)(struct tsc_source *s, uint32_t vcpu, struct tsc_sync_entry *ret);
	/*
	 * Hold a stamp of the guest, taken in the last few seconds, against the
	 * clock.  0: it fits (or this source needs no proof); -EILSEQ: it does
	 * not, under any reading that this source knows.
	 */
	int (*check)(struct tsc_source *s, uint64_t guest_tsc);
	void (*close)(struct tsc_source *s); /* NULL is allowed */
};

/* The first member of each source's own structure. */
struct tsc_source {
	const struct tsc_source_ops *ops;
};

extern const struct tsc_source_ops tsc_source_tcg;     /* QEMU's memory */
extern const struct tsc_source_ops tsc_source_debugfs; /* KVM's files */

#endif /* TSC_SYNC_TSC_SOURCE_H */
