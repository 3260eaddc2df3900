#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 60
# A region whose guest was killed says READY for ever.  Who maps it from then on runs the
# next boot: the trace has no machine for the dead one, and none of its clock.
. "$(dirname "$0")/lib.sh"

is_told() # TEXT
{
	grep -q "$1" "$work/record.out"
}

next_guest() # maps the region long before its driver speaks; until it is recorded
{
	sleep 0.2 # a process's age is known to 10 ms
	"$guest" "$region" --cpus 1 --count 5000 --wait-ms 1500 --linger-ms 300 >"$work/out" &
	pid=$!
	wait_for 10 is_told "a: process $pid"
	wait $pid
	kill -INT $recorder
	wait $recorder
	cat "$work/record.out"
}

echo '== nobody ever saw the dead one'
make_region 16M 1
"$guest" "$region" --cpus 1 --count 1000 --hang >"$work/out" &
pid=$!
wait_for 10 grep -q written "$work/out"
kill -9 $pid
wait $pid || true
record_in_background
next_guest
ends_with 5000 1
is_told WARNING && exit 1

echo '== one that was too short to be found has its place, and no clock of the next'
rm -rf "$region" "$trace"
make_region 16M 1
record_in_background
"$guest" "$region" --cpus 1 --count 100 --pace-us 0 >/dev/null
next_guest
ends_with 5100 2
