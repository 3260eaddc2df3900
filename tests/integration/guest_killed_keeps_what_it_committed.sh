#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# The guest's process dies in mid-write: every record that it had published is in
# the trace, in order; none is invented.
. "$(dirname "$0")/lib.sh"
make_region 16M 2
record_in_background --duration 4s
"$guest" "$region" --count 100000000 --pace-us 100 &
dying=$!
sleep 1
kill -9 $dying
wait $recorder
cat "$work/record.out"
read -r records lost refused < <(counts)
marks=$(check_marks)
echo "records $records lost $lost refused $refused marks $marks"
[ "$records" -gt 1000 ]
[ "$refused" -eq 0 ]
[ "$marks" -eq "$records" ]
