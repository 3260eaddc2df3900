#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# Guests that nobody flushes die in all ways: each record whose emit returned is in
# the trace, once and in order; each that was half-written is counted as lost.
. "$(dirname "$0")/lib.sh"
dying=$O/tests/data/dying-guest

guest_start() # OPTIONS...
{
	: >"$work/done"
	"$dying" "$region" "$work/tally" "$@" >"$work/done" &
	pid=$!
}

guest_kill()
{
	kill -9 $pid
	wait $pid 2>/dev/null || true
}

begin() # a new trace, and a region that nobody wrote to yet
{
	rm -rf "$trace" "$region"
	make_region 16M 2
	record_in_background --duration 60s
}

has_said() # TEXT
{
	grep -q "$1" "$work/record.out"
}

guest_is_known()
{
	wait_for 10 has_said 'guest with Linux dying'
	wait_for 10 has_said "process $pid,"
}

end()
{
	kill -INT $recorder
	wait $recorder || { cat "$work/record.out"; exit 1; }
	read -r records lost refused < <(counts)
	marks=$(check_marks)
	returned=$(od -An -v -tu8 -w16 "$work/tally" | awk '{ n += $1 } END { print n }')
	echo "$1: emitted $returned, records $records, lost $lost"
	cat "$work/record.out" >>"$work/all.out"
	[ "$refused" -eq 0 ]
	[ "$marks" -eq "$records" ]
}

salvaged() # by the summary
{
	"$report" summary --json "$trace" 2>/dev/null | python3 -c '
import json, sys
print(sum(m["salvaged"] for m in json.load(sys.stdin)["machines"]))'
}

# Too few records to fill the first grain: the head never moved.
begin
guest_start --count 10
guest_is_known
guest_kill
wait_for 10 has_said 'has ended'
end "nothing published"
[ "$records" -eq 20 ]
[ "$lost" -eq 0 ]
[ "$(salvaged)" -eq 20 ]
has_said '20 records salvaged'
"$report" summary "$trace" | grep -F 'a: 20 records were salvaged after it died, 0 were half-written'

# Each CPU inside a record, with three of an interrupt behind it.
begin
guest_start --count 1000 --half-written
guest_is_known
guest_kill
wait_for 10 has_said 'has ended'
end "half-written"
[ "$records" -eq "$returned" ]
[ "$returned" -eq 2006 ]
[ "$lost" -eq 2 ]
babeltrace2 "$trace" >"$work/bt" 2>"$work/bt.err"
[ "$(wc -l <"$work/bt")" -eq 2006 ]
[ "$(grep -c 'Tracer discarded 1 event' "$work/bt.err")" -eq 2 ]

# Inside a record, and nothing behind it.
begin
guest_start --count 1000 --half-written --nested 0
guest_is_known
guest_kill
wait_for 10 has_said 'has ended'
end "half-written last"
[ "$records" -eq 2000 ]
[ "$lost" -eq 2 ]

# It is seen at the end of the recording that the guest is dead.
begin
guest_start --count 500
guest_is_known
guest_kill
end "just died"
[ "$records" -eq 1000 ]
[ "$lost" -eq 0 ]

# At any moment, at full speed.
for pause in 0.01 0.27 0.43; do
	begin
	guest_start --count 100000000 --pace-us 100
	guest_is_known
	sleep $pause
	guest_kill
	wait_for 10 has_said 'has ended'
	end "killed"
	[ "$returned" -gt 1000 ]
	[ "$records" -ge "$returned" ]
	[ $((records + lost)) -le $((returned + 2)) ] # at most one in flight for each CPU
done
if grep 'impossible' "$work/all.out"; then exit 1; fi
