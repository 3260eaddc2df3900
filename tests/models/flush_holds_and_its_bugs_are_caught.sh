#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# Publishing by the grain, and the flush of a timer that may interrupt a writer.
. "$(dirname "$0")/lib.sh"

holds '2 levels x 2 records, 2 flushes' discard -DTICKS=2 -DPUB=2
holds '2 levels x 3 records, 1 flush, grain of the ring' discard -DRECORDS=3 -DTICKS=1 -DPUB=6

caught no_second_look_at_force no_flag_is_left_when_quiet discard -DTICKS=1 -DPUB=2
caught force_cleared_after_resv_was_read flush_is_done_when_quiet discard -DTICKS=1 -DPUB=4
caught flush_looks_at_resv_only flush_is_done_when_quiet discard -DSUBBUF=2 -DTICKS=1
caught flush_too_deep_forgotten flush_is_done_when_quiet discard \
	-DRECORDS=1 -DTICKS=1 -DPUB=2 -DMAX_NEST=1
caught no_second_look_at_resv all_is_published_when_quiet discard -DTICKS=1 -DPUB=2
caught nest_dropped_before_publishing head_is_monotone discard -DTICKS=1 -DPUB=2

if [ -n "${LONG:-}" ]; then
	holds '2 levels x 2 records of 1 or 2 units, 2 flushes' discard \
		-DTICKS=2 -DPUB=2 -DBIG=2 -DSUBBUF=4
	holds '2 levels x 2 records of 1 or 2 units, 1 flush, grain of 4' discard \
		-DTICKS=1 -DPUB=4 -DBIG=2 -DSUBBUF=4
	holds '2 levels x 3 records, 3 flushes, grain of 4' discard \
		-DRECORDS=3 -DTICKS=3 -DPUB=4
	holds '3 levels x 1 record, 2 flushes' discard -DLEVELS=3 -DRECORDS=1 -DTICKS=2 -DPUB=2
fi
exit $status
