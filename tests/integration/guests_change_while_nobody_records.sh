#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
#
# While the recorder is dead its guests die, panic, reboot, are replaced: the one
# that goes on (record --resume) takes what is there, once, and says what is not.
. "$(dirname "$0")/lib.sh"
dying=$O/tests/data/dying-guest

has_said() # TEXT
{
	grep -q "$1" "$work/record.out"
}

begin()
{
	echo "== $1"
	rm -rf "$trace" "$region"
	make_region 16M 2
	go_on
}

guest_dies()
{
	kill -9 $pid
	wait $pid 2>/dev/null || true
}

# end RECORDS LOST
end()
{
	kill -INT $recorder
	wait $recorder || { cat "$work/record.out"; exit 1; }
	read -r records lost refused < <(counts)
	echo "records $records lost $lost refused $refused"
	[ "$records $lost $refused" = "$1 $2 0" ]
	[ "$(check_marks)" -eq "$records" ]
}

guest_starts() # OPTIONS...: one that leaves records behind that it did not publish
{
	: >"$work/done"
	"$dying" "$region" "$work/tally" --count 300 "$@" >"$work/done" &
	pid=$!
}

state_is() # NUMBER: of the guest's driver
{
	[ "$(od -An -tu4 -j4096 -N4 "$region" | tr -d ' ')" = "$1" ]
}

unread()
{
	"$report" summary --json "$trace" 2>/dev/null | python3 -c '
import json, sys
print(sum(g["unread_bytes"] for g in json.load(sys.stdin)["gaps"]))'
}

# 303 records of each CPU, one half-written.
begin "the guest is killed"
guest_starts --half-written
wait_for 10 grep -q "done" "$work/done"
wait_for 10 has_said 'guest with Linux'
kill_recorder
guest_dies
go_on
wait_for 10 has_said 'records salvaged'
end 606 2

begin "the guest panics"
guest_starts --half-written --linger-ms 500 --panic
wait_for 10 has_said 'guest with Linux'
kill_recorder
wait_for 10 state_is 4
go_on
wait_for 10 has_said 'has panicked'
end 606 2
guest_dies

begin "recorders are killed while they salvage"
guest_starts --half-written --pace-us 50
wait_for 10 has_said 'guest with Linux'
wait_for 10 grep -q "done" "$work/done"
kill_recorder
guest_dies
for ((i = 0; i < 30; i++)); do
	"$host" record --resume -o "$trace" --vm "a=shm:$region" --host none --tsc tcg \
		>"$work/record.out" 2>&1 &
	recorder=$!
	sleep "0.0$((10 + RANDOM % 60))"
	kill_recorder
done
go_on
wait_for 10 grep -q '"lost_uncommitted" *: *1' "$trace/manifest.json" || true
end 606 2

begin "the guest reboots, and waits for somebody to take what the old boot left"
"$guest" "$region" --count 3000 --pace-us 0 --boots 2 --firmware-ms 1500 --ack-ms 60000 >"$work/out" &
pid=$!
wait_for 10 has_said 'guest with Linux'
kill_recorder
wait_for 10 state_is 1
go_on
wait $pid
end "$(field recorded "$work/out")" 0
[ "$(unread)" -eq 0 ]
[ -d "$trace/vm-a.1" ]

begin "the guest reboots, and clears what the old boot left"
"$guest" "$region" --count 3000 --pace-us 0 --boots 2 --firmware-ms 1500 --ack-ms 10 --hang >"$work/out" &
pid=$!
wait_for 10 has_said 'guest with Linux'
kill_recorder
wait_for 10 grep -q written "$work/out"
go_on
has_said 'its next boot cleared up to'
kill -INT $recorder
wait $recorder
guest_dies
read -r records lost refused < <(counts)
echo "records $records lost $lost, up to $(unread) bytes unread"
[ "$records" -ge 6000 ] && [ "$records" -le 12000 ] && [ "$lost $refused" = "0 0" ]
[ $((24 * (12000 - records))) -le "$(unread)" ]


begin "the VM is replaced"
"$guest" "$region" --count 3000 --pace-us 100 --hang >"$work/out" &
pid=$!
wait_for 10 grep -q written "$work/out"
wait_for 10 has_counts 6000 0 0
kill_recorder
guest_dies
"$guest" "$region" --count 2000 --pace-us 100 --hang >"$work/out" &
pid=$!
wait_for 10 grep -q written "$work/out"
go_on
kill -INT $recorder
wait $recorder
guest_dies
ends_with 10000 2

begin "the region is made anew"
"$guest" "$region" --count 3000 --pace-us 100 --hang >"$work/out" &
pid=$!
wait_for 10 grep -q written "$work/out"
wait_for 10 has_counts 6000 0 0
kill_recorder
guest_dies
rm -f "$region"
make_region 16M 2
go_on
has_said 'its region was made anew while nobody recorded'
"$guest" "$region" --count 2000 --pace-us 100 >"$work/out"
kill -INT $recorder
wait $recorder
ends_with 10000 2

begin "a VM that nobody names goes on, too"
"$guest" "$region" --count 20000 --pace-us 1000 >"$work/out" &
pid=$!
wait_for 10 has_said 'guest with Linux'
kill_recorder
: >"$work/record.out"
"$host" record --resume -o "$trace" --host sched_switch --tsc tcg >"$work/record.out" 2>&1 &
recorder=$!
wait_for 30 has_said 'recording into'
wait $pid
end 40000 0
