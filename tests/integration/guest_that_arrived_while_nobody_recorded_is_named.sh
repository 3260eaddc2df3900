#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# The recorder of a VM that waits for a guest (-incoming) is killed, the guest comes by
# migration and runs: the next recorder takes none of what may be the other side's, says
# how much that is, and all that the guest writes from then on.
. "$(dirname "$0")/lib.sh"
count=600000

has_said() # TEXT
{
	grep -q "$1" "$work/record.out"
}

state_is() # NUMBER: of the guest's driver
{
	[ "$(od -An -tu4 -j4096 -N4 "$region" | tr -d ' ')" = "$1" ]
}

make_region 64M 1
go_on
kill_recorder
(exec -a -incoming "$guest" "$region" --cpus 1 --count $count --pace-us 300 --vcpus --hang) >"$work/out" &
pid=$!
wait_for 10 state_is 2
go_on
wait_for 10 has_said 'a: it came by migration while nobody recorded'
kill_recorder # what it knows of the guest by now, the next one knows, too
go_on
has_said 'a: goes on'
wait_for 60 grep -q written "$work/out"
kill -INT $recorder
wait $recorder || { cat "$work/record.out"; exit 1; }
cat "$work/record.out"
kill -9 $pid
records=$(check_marks)
"$report" events --json --vm a "$trace" 2>/dev/null | tail -n 1 | grep -q "\"0 $((count - 1))\""
unread=$("$report" summary --json "$trace" 2>/dev/null | python3 -c '
import json, sys
print(sum(g["unread_bytes"] for g in json.load(sys.stdin)["gaps"]))')
first=$("$report" events --json --vm a --limit 50 "$trace" 2>/dev/null | sed -n 's/.*"msg": *"0 \([0-9]*\)".*/\1/p' | head -n 1)
echo "$records records from $first on, up to $unread bytes unread"
[ "$first" -gt 0 ]
[ $((first + records)) = $count ]
[ "$unread" -gt 0 ]
