#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# A guest that panicked, and one that was reset: the process lives on, and what it
# had not published is in the trace.  One that only looks dead goes on as before.
. "$(dirname "$0")/lib.sh"
dying=$O/tests/data/dying-guest

has_said() # TEXT
{
	grep -q "$1" "$work/record.out"
}

begin()
{
	rm -rf "$trace" "$region"
	make_region 16M 2
	record_in_background --duration 60s
}

guest_start() # OPTIONS...
{
	: >"$work/done"
	"$dying" "$region" "$work/tally" "$@" >"$work/done" &
	pid=$!
}

end()
{
	kill -INT $recorder
	wait $recorder || { cat "$work/record.out"; exit 1; }
	read -r records lost refused < <(counts)
	marks=$(check_marks)
	echo "$1: records $records, lost $lost"
	[ "$refused" -eq 0 ]
	[ "$marks" -eq "$records" ]
}

# 303 records of each CPU, one half-written.
begin
guest_start --count 300 --half-written --linger-ms 1000 --panic
wait_for 10 has_said 'has panicked'
wait_for 10 has_said 'records salvaged'
kill -9 $pid
wait_for 10 has_said 'has ended'
end "panicked"
[ "$records" -eq 606 ]
[ "$lost" -eq 2 ]
[ "$(grep -c 'records salvaged' "$work/record.out")" -eq 1 ]

# The driver of the next boot waits until the old one's records are taken.
begin
guest_start --count 300 --half-written --linger-ms 1000 --reboot
wait_for 20 grep -q "done" "$work/done"
kill -9 $pid
wait_for 10 has_said 'has ended'
end "rebooted"
[ "$records" -eq 1212 ]
[ "$lost" -eq 4 ]
[ -d "$trace/vm-a.1" ]

# It says that it panicked and goes on, and publishes what was taken already.
begin
guest_start --count 300 --linger-ms 1000 --lie
wait_for 10 has_said 'records salvaged'
wait_for 20 grep -q "done" "$work/done"
kill -9 $pid
wait_for 10 has_said 'has ended'
end "lied"
[ "$records" -eq 1200 ]
[ "$lost" -eq 0 ]

# A program that had the region open ends; the guest lives.
begin
python3 -c 'import mmap, sys, time
f = open(sys.argv[1], "r+b"); m = mmap.mmap(f.fileno(), 0); time.sleep(60)' "$region" &
tool=$!
wait_for 10 has_said "process $tool,"
guest_start --count 20000 --pace-us 1000 --linger-ms 100
sleep 0.2
kill -9 $tool
wait_for 10 has_said 'has ended'
if has_said 'records salvaged'; then exit 1; fi
wait_for 20 grep -q "done" "$work/done"
wait_for 10 has_said "process $pid,"
kill -9 $pid
wait_for 10 has_said "process $pid has ended"
end "lives on"
[ "$records" -eq 40000 ]
[ "$lost" -eq 0 ]
