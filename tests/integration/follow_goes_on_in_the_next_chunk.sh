#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# A live reader of a recording that is rotated prints what all its chunks hold, also of
# those that were closed and compressed before it came to them.
. "$(dirname "$0")/lib.sh"

fields() # machine, CPU and fields: times are since the start of a chunk
{
	sed -E 's/"t_ns":[0-9]+,//' "$@" | sort
}

make_region 16M 2
record_in_background --rotate-size 512K --compress
"$report" events --follow --json "$work/t.0000.ivt" >"$work/live" 2>"$work/live.err" &
live=$!
"$guest" "$region" --count 60000 --pace-us 500 --linger-ms 300 >"$work/a.out"
wait_for 30 test -e "$work/t.0002.ivt"
"$report" events --follow --json "$work/t.0000.ivt" >"$work/late" 2>"$work/late.err" &
late=$!
"$host" stop --pid "$recorder"
wait "$live" "$late"
grep -v 'came late' "$work/live.err" "$work/late.err" && exit 1

chunks=("$work"/t.[0-9][0-9][0-9][0-9].ivt)
for chunk in "${chunks[@]}"; do
	"$report" events --json "$chunk" 2>/dev/null
done >"$work/all"
n=$(grep -c ivtrace_mark "$work/live")
echo "${#chunks[@]} chunks, $n marks"
[ "$n" = "$(field recorded "$work/a.out")" ]
cmp <(fields "$work/live") <(fields "$work/all")
cmp <(fields "$work/late") <(fields "$work/all")
