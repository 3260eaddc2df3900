/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the steps of the clocks' check, each a file:
 *
 *	sync_contain.c	records -> inside or outside their vCPU's runs
 *	sync_history.c	offsets -> their error at a time, against handshakes
 *	sync.c		all of it, sums per machine
 */
#ifndef IVT_ANALYSIS_SYNC_INTERNAL_H
#define IVT_ANALYSIS_SYNC_INTERNAL_H

#include "analysis/sync.h"
#include "analysis/tasks.h"

/* The snapshots' width at a time that goes up. */
struct sync_width {
	const struct tsc_sync_snapshot *snapshots;
	size_t n;
	uint64_t tsc_hz;
	size_t at; /* the pair in force */
	uint64_t ns;
};

/* A vCPU's offset at a time that goes up. */
struct sync_cursor {
	const struct tsc_sync_entry *history;
	size_t n;
	size_t at;	     /* the entry in force */
	uint64_t changes_ns; /* when the next one comes; UINT64_MAX never */
	uint64_t bound_ns;   /* of the one in force */
	bool has_begun;
};

/* Ticks as ns, rounded up; 0 when @tsc_hz is. */
uint64_t sync_ticks_ns(uint64_t ticks, uint64_t tsc_hz);

/* Half width of the brackets around @host_ns, ns; amortised O(1). */
uint64_t sync_width_at(struct sync_width *w, uint64_t host_ns);

/* Error of the offset at @host_ns, ns; O(log snapshots) per entry passed. */
uint64_t sync_bound_at(struct sync_cursor *c, const struct sync_width *w, uint64_t host_ns);

/* Fill in what the history and the handshakes say of v->machine, v->vcpu. */
void sync_history(const struct ivt_trace *t, uint64_t tsc_hz, struct ivt_sync_vcpu *v);

/* ---- containment -------------------------------------------------------- */

struct sync_contain;

/*
 * @tasks must be fed with each event before it is given here; @r's vcpus grow,
 * unsorted, and get tid, records, checked, outside and worst_outside_ns.  All
 * arguments outlive the result.  0 or -errno; *ret for _destroy().
 */
int sync_contain_create(struct ivt_trace *t, const struct ivt_tasks *tasks,
			struct ivt_sync_result *r, struct sync_contain **ret);
/* An event of the host or of a guest, ascending in time. 0 or -ENOMEM. */
int sync_contain_event(struct sync_contain *c, const struct ivt_event *ev);
/* After the last. */
void sync_contain_finish(struct sync_contain *c);
void sync_contain_destroy(struct sync_contain *c);

#endif /* IVT_ANALYSIS_SYNC_INTERNAL_H */
