#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 60
# A guest that knows neither filters nor call chains records everything: a warning
# says so, and the trace is not said to be filtered.
. "$(dirname "$0")/lib.sh"

make_region 16M 2
record --filter-comm nobody --stacks sched_switch -- "$guest" "$region" --count 1000 --pace-us 300 \
	>"$work/out" 2>"$work/err"
cat "$work/err"
grep -q "WARNING: its driver cannot filter: everybody's events are recorded" "$work/err"
grep -q 'WARNING: its driver takes no call chains' "$work/err"
read -r records lost refused < <(counts)
[ "$records $lost $refused" = "2000 0 0" ]
"$report" summary "$trace" >"$work/summary"
[ "$(grep -c 'recorded with a filter' "$work/summary")" = 0 ]

trace=$work/u.ivt
record -- "$guest" "$region" --count 1000 --pace-us 300 >"$work/out" 2>"$work/err"
[ "$(grep -c 'its driver' "$work/err")" = 0 ]
