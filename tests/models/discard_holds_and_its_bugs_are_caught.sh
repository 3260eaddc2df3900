#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# Discard mode: nested contexts of which the outermost publishes, the whole next
# sub-buffer free, content_size.
. "$(dirname "$0")/lib.sh"

holds '2 levels x 3 records' discard -DRECORDS=3
holds '2 levels x 2 records of 1 or 2 units' discard -DBIG=2 -DSUBBUF=4
holds '2 levels x 3 records, 3 sub-buffers' discard -DRECORDS=3 -DNSUB=3
holds '3 levels x 1 record and a flush, 2 may nest' discard \
	-DLEVELS=3 -DRECORDS=1 -DTICKS=1 -DMAX_NEST=2 -DPUB=2

caught nest_dropped_before_publishing head_is_monotone discard
caught no_second_look_at_resv all_is_published_when_quiet discard
caught fullness_counts_one_record unit_is_whole discard -DRECORDS=3
caught full_ring_not_noticed head_fits_behind_tail discard -DPUB=32 -DRECORDS=3
caught nested_context_publishes unit_is_whole discard
holds '2 levels x 2 records, none lost in a switch' discard -DSUBBUF=4 -DNOTHING_IS_LOST_IN_A_SWITCH
caught no_switch_for_who_comes_between nothing_is_lost_in_a_switch discard \
	-DSUBBUF=4 -DNOTHING_IS_LOST_IN_A_SWITCH
caught switch_inside_a_switch content_size_is_sane discard
caught switch_end_left_when_full no_flag_is_left_when_quiet discard -DRECORDS=3
caught clock_read_outside_the_loop stamps_are_monotone discard
caught lost_in_switch_not_counted counts_are_exact discard
caught lost_not_published end_is_published discard
caught lost_too_deep_not_counted counts_are_exact discard -DRECORDS=1 -DMAX_NEST=1
caught content_size_before_cmpxchg all_was_read discard -DBIG=2 -DSUBBUF=4
caught content_size_not_stored content_size_is_sane discard
caught reader_ignores_content_size unit_is_whole discard -DBIG=2 -DSUBBUF=4
caught reader_closed_test_not_strict content_size_is_sane discard
caught gap_taken_as_room content_size_is_sane discard -DBIG=2 -DSUBBUF=4

if [ -n "${LONG:-}" ]; then
	holds '2 levels x 5 records' discard -DRECORDS=5
	holds '3 levels x 2 records' discard -DLEVELS=3
	holds '2 levels x 3 records of 1 or 2 units' discard -DRECORDS=3 -DBIG=2 -DSUBBUF=4
	holds '3 levels x 1 record of 1 or 2 units' discard \
		-DLEVELS=3 -DRECORDS=1 -DBIG=2 -DSUBBUF=4
fi
exit $status
