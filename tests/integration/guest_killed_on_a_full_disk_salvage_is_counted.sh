#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# The disk is full when a guest is killed: what would be salvaged finds no room, and
# is counted as lost like all that waits in the rings.
. "$(dirname "$0")/lib.sh"

has_said() # TEXT
{
	grep -q "$1" "$work/record.out"
}

small_disk 3m
make_region 16M 2
record_in_background --duration 60s
"$O/tests/data/dying-guest" "$region" "$work/tally" --count 100000 --half-written \
	>"$work/guest.out" &
pid=$!
wait_for 10 has_said 'No space left on device'
wait_for 10 has_said "process $pid,"
wait_for 10 grep -q "done" "$work/guest.out"
kill -9 $pid
wait_for 10 has_said 'has ended'
kill -INT "$recorder"
wait "$recorder" && exit 1
cat "$work/record.out"
read -r records lost refused < <(counts)
returned=$(od -An -v -tu8 -w16 "$work/tally" | awk '{ n += $1 } END { print n }')
echo "records $records lost $lost refused $refused, emitted $returned"
[ "$returned" -eq 200006 ]
[ $((records + lost)) -eq $((returned + 2)) ]
[ "$refused" -eq 0 ]
[ "$records" -gt 1000 ] && [ "$lost" -gt 1000 ]
check_marks >/dev/null
umount "$disk"
