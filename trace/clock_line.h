/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The straight line that a CTF clock can say of a machine's stamps.
 */
#ifndef IVT_TRACE_CLOCK_LINE_H
#define IVT_TRACE_CLOCK_LINE_H

#include "trace/metadata.h"
#include "trace/sync_log.h"
#include "trace/trace_info.h"

/*
 * Fit machine number @number's line to the clock log: fills freq_hz, offset_s,
 * offset and line_residual_ns of @m, and the scaling in @opt.  All machines use
 * one distance of CLOCK_REALTIME from CLOCK_MONOTONIC, that of the first
 * snapshot, so that they keep their order among each other.
 * 0; -ENOENT: the log does not say enough, @m is untouched; -ERANGE.
 */
int ivt_clock_line_fit(const struct ivt_sync_log *log, uint32_t number, struct ivt_machine_info *m,
		       struct ivt_metadata_options *opt);

/* CLOCK_MONOTONIC at a raw stamp by the line alone, given the distance
 * real - mono. 0 or -ERANGE. */
int ivt_clock_line_mono(const struct ivt_machine_info *m, int64_t real_minus_mono_ns, uint64_t raw,
			uint64_t *ret_mono_ns);

#endif /* IVT_TRACE_CLOCK_LINE_H */
