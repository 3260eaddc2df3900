#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# A flight recorder's snapshots: of a panic, a reset, a process's end, by command
# and by trigger.  Each holds the newest records without a gap, says why it was
# taken, and a storm of triggers makes no more of them than was allowed.
. "$(dirname "$0")/lib.sh"
dying=$O/tests/data/dying-guest

fly() # OPTIONS...: a flight recorder of region a
{
	rm -rf "$work"/t.*.ivt "$region"
	make_region 16M 2
	record_in_background --mode flight --snapshot-distance 1h "$@"
}

snapshot() # NUMBER: its directory
{
	printf '%s/t.%04u.ivt' "$work" "$1"
}

written() # NUMBER: it is whole
{
	grep -q "t.$(printf '%04u' "$1").ivt' is written" "$work/record.out"
}

# snapshot_is NUMBER REASON RECORDS LOST
snapshot_is()
{
	wait_for 30 written "$1"
	trace=$(snapshot "$1")
	"$report" summary "$trace" >"$work/summary"
	grep -q "^snapshot  $2" "$work/summary" || { cat "$work/summary"; exit 1; }
	[ "$(counts)" = "$3 $4 0" ] || { echo "snapshot $1: $(counts), not $3 $4 0"; exit 1; }
	[ "$(check_marks)" = "$3" ]
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
	trace=$work/t.ivt
}

n_snapshots()
{
	find "$work" -maxdepth 1 -name 't.*.ivt' | wc -l
}

echo '== panic: 303 records of each CPU, one half-written; then its end is no news'
fly
guest_start --count 300 --half-written --linger-ms 1500 --panic
snapshot_is 0 "panic.*VM 'a'" 606 2
kill -9 $pid
wait_for 10 grep -q 'has ended' "$work/record.out"
echo '== by command, of what is there still'
path=$("$host" snapshot --vm a --reason 'a test')
[ "$path" = "$(snapshot 1)" ]
snapshot_is 1 "command: a test (VM 'a')" 606 2
! "$host" snapshot --vm b 2>"$work/err" || exit 1
grep -q "no VM 'b' is recorded" "$work/err"
end
[ "$(n_snapshots)" = 2 ]
grep -q '2 snapshots of' "$work/record.out"

echo '== reset: the next boot waits until the last one is written'
fly
guest_start --count 300 --half-written --linger-ms 1000 --reboot
wait_for 20 grep -q "done" "$work/done"
snapshot_is 0 'reset' 606 2
kill -9 $pid
wait_for 10 grep -q 'has ended' "$work/record.out"
end
grep -q 'no snapshot for a trigger' "$work/record.out"
[ "$(n_snapshots)" = 1 ]

echo '== killed, after many laps: the newest, without a gap, byte for byte'
fly
guest_start --count 400000 --pace-us 100
wait_for 60 grep -q "done" "$work/done"
kill -9 $pid
wait_for 30 written 0
trace=$(snapshot 0)
"$report" summary "$trace" >"$work/summary"
grep "process ended" "$work/summary"
grep 'overwritten' "$work/summary"
"$report" events --json "$trace" 2>/dev/null | python3 -c '
import json, sys
marks = {0: [], 1: []}
for line in sys.stdin:
    if "ivtrace_mark" in line:
        e = json.loads(line)
        cpu, n = map(int, e["fields"]["msg"].split())
        assert cpu == e["cpu"]
        marks[cpu].append(n)
for cpu, numbers in marks.items():
    print("CPU", cpu, len(numbers), "marks", numbers[0], "to", numbers[-1])
    assert numbers == list(range(numbers[0], 400000)), "a gap"
    assert 50000 < len(numbers) < 400000'
end

echo '== a storm of triggers uses up the share of its VM, not that of others, nor ours'
fly --snapshot-distance 100ms --snapshot-limit 6 --snapshot-after 20ms --trigger a:ivtrace_mark \
	--trigger b:ivtrace_mark --vm "b=shm:$work/b"
"$guest" "$region" --count 40000 --pace-us 3000 >"$work/guest.out" &
wait $!
wait_for 30 written 2
wait_for 10 grep -q 'a: no more snapshots for its sake: it has had 3 of --snapshot-limit 6' \
	"$work/record.out"
[ "$(n_snapshots)" = 3 ]
"$guest" "$work/b" --count 1 >/dev/null
wait_for 30 written 3
path=$("$host" snapshot)
end
cat "$work/record.out" | tr '\r' '\n' | tail -n 8
# b's process may have been seen, and its end makes one, too
n=$(n_snapshots)
[ "$n" -ge 5 ] && [ "$n" -le 6 ] && [ -d "$path" ]
"$report" summary "$(snapshot 3)" | grep 'snapshot  trigger b:ivtrace_mark'
for i in 0 1 2; do
	trace=$(snapshot $i)
	"$report" summary "$trace" | grep 'snapshot  trigger a:ivtrace_mark'
	check_marks
done
grep -q 'triggers made none' "$work/record.out"
