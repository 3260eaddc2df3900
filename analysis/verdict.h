/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer in one sentence: which VM waited most behind another one at the
 * disk, behind which, and how much of its time that was; and the comparison of
 * a run alone with a run beside others.
 */
#ifndef IVT_ANALYSIS_VERDICT_H
#define IVT_ANALYSIS_VERDICT_H

#include "analysis/io.h"

/* Below either of these a wait names nobody. */
#define IVT_VERDICT_MIN_NS	1000000 /* in all */
#define IVT_VERDICT_MIN_PERCENT 5	/* of the victim's disk time */

#define IVT_VERDICT_NOBODY UINT32_MAX

struct ivt_verdict {
	uint32_t victim;   /* machine number; the slowest-served VM even if there is no culprit,
			   * IVT_VERDICT_NOBODY when no guest has a request */
	uint32_t culprit;  /* machine number (0: the host) or IVT_VERDICT_NOBODY */
	uint64_t total_ns; /* of the victim's requests, start to completion */
	uint64_t waited_culprit_ns; /* of it behind the culprit, 0 without one */
	uint64_t waited_others_ns;  /* behind all others than itself */
};

/* @info as of the trace that @r was made from. */
void ivt_verdict_io(const struct ivt_trace_info *info, const struct ivt_io_result *r,
		    struct ivt_verdict *ret);
/* The same for a given victim. */
void ivt_verdict_io_of(const struct ivt_io_result *r, uint32_t victim, struct ivt_verdict *ret);

/* Writes of one guest: those with data and with both ends in the trace. */
struct ivt_write_stats {
	uint64_t writes;
	uint64_t p50_ns;
	uint64_t p99_ns;
	uint64_t total_ns;
	uint64_t behind_ns; /* behind one given machine */
};

/* @behind: machine number, or IVT_VERDICT_NOBODY. 0 or -ENOMEM. */
int ivt_write_stats(const struct ivt_io_result *r, uint32_t machine, uint32_t behind,
		    struct ivt_write_stats *ret);

/*
 * Extra delay of all of contended's writes: its mean per write less alone's,
 * times its writes; ns, negative if it was faster; 0 when either has none.
 */
int64_t ivt_extra_ns(const struct ivt_write_stats *alone, const struct ivt_write_stats *contended);

#endif /* IVT_ANALYSIS_VERDICT_H */
