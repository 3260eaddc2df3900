/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What follows in the streams of a guest after its TSC was set back, in a
 * directory of its own: readers of CTF know no clock that goes back.
 */
#ifndef IVT_TRACE_PARTS_H
#define IVT_TRACE_PARTS_H

#include "trace/error.h"
#include "trace/metadata.h"
#include "trace/reader_state.h"

/*
 * Copy what follows the turns of machine @machine's streams into directories, and
 * enter those, and where the streams now end, in @t->info.  The streams
 * themselves are untouched: once the manifest is written, what they have behind
 * their end is not theirs.  1; 0: there is nothing to do; -errno (@t->info is then
 * not to be written).
 */
int ivt_parts_make(struct ivt_trace *t, uint32_t machine, struct ivt_error *err);

/* ivt_clock_line_fit() for the time and the part of the history in which the
 * machine's piece @piece was written, 0: before the first turn. */
int ivt_parts_line_fit(const struct ivt_trace *t, uint32_t machine, size_t piece,
		       struct ivt_machine_info *m, struct ivt_metadata_options *opt);

#endif /* IVT_TRACE_PARTS_H */
