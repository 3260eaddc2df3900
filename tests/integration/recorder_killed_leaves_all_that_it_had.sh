#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# kill -9 of ivtrace-host: what it had drained can be read, and the next recording
# of the same region works.
. "$(dirname "$0")/lib.sh"
make_region 16M 2
record_in_background --duration 60
"$guest" "$region" --count 50000 --pace-us 300 --hang >"$work/out" &
hanging=$!
wait_for 30 grep -q written "$work/out"
wait_for 30 has_counts 100000 0 0
kill -9 $recorder
wait $recorder || true
read -r records lost refused < <(counts)
echo "killed: records $records lost $lost refused $refused"
[ "$records $lost $refused" = "100000 0 0" ]
[ "$(check_marks)" -eq 100000 ]
"$report" summary "$trace" 2>&1 | grep -i 'not closed'

# The guest dies; another takes its place in the region.
kill -9 $hanging
wait $hanging || true
trace=$work/second.ivt
record -- "$guest" "$region" --count 1000 --pace-us 20000 | tee "$work/out"
read -r records lost refused < <(counts)
echo "second: records $records lost $lost refused $refused"
[ "$records $lost $refused" = "2000 0 0" ]
